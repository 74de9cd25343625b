/** Tables that sort, filter and copy; long ones draw only the rows in sight. */
import type { ComponentChild } from 'preact';
import { useMemo, useRef, useState } from 'preact/hooks';
import { CopyButton } from './copy';
import { csv } from './csv';
import { Icon } from './icons';
import { Tip } from './tip';
import { useWindow, WHOLE } from './virtual';

export interface Column<Row> {
  /** Unique in the table; the head of the column in CSV and the key in JSON. */
  key: string;
  name: string;
  tip?: string;
  numeric?: boolean;
  /** Left out where the page is narrow; copies have it. */
  wide?: boolean;
  /** What the column is sorted by and copied as. */
  value: (row: Row) => number | string | null;
  /** What is shown; the value where absent. */
  cell?: (row: Row) => ComponentChild;
}

export interface TableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  id: (row: Row) => string;
  /** The text that the filter searches; no filter where absent. */
  search?: (row: Row) => string;
  sort?: { key: string; down: boolean };
  onRow?: (row: Row) => void;
  chosen?: string | null;
  empty?: string;
  height?: number;
}

function compare(a: number | string | null, b: number | string | null): number {
  if (a === null) return b === null ? 0 : 1;
  if (b === null) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

function kind<Row>(column: Column<Row>): string {
  return `${column.numeric ? 'number' : ''}${column.wide ? ' wide' : ''}`;
}

export function DataTable<Row>(props: TableProps<Row>) {
  const [sort, setSort] = useState(props.sort ?? null);
  const [filter, setFilter] = useState('');
  const scroller = useRef<HTMLDivElement>(null);
  const height = props.height ?? 32;
  const { columns, rows, search } = props;
  const shown = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = search && words.length > 0 ? rows.filter((row) => words.every((word) => search(row).toLowerCase().includes(word))) : rows;
    const column = columns.find((each) => each.key === sort?.key);
    if (!column || !sort) return kept;
    const sign = sort.down ? -1 : 1;
    return [...kept].sort((a, b) => {
      const [x, y] = [column.value(a), column.value(b)];
      return x === null || y === null ? compare(x, y) : sign * compare(x, y);
    });
  }, [rows, columns, filter, sort, search]);
  const { from, to, before, behind } = useWindow(scroller, shown.length, height);
  const turn = (column: Column<Row>) =>
    setSort(sort?.key === column.key ? { key: column.key, down: !sort.down } : { key: column.key, down: column.numeric === true });
  const values = () => shown.map((row) => columns.map((column) => column.value(row)));
  const json = () => JSON.stringify(shown.map((row) => Object.fromEntries(columns.map((column) => [column.key, column.value(row)]))), null, 1);
  return (
    <div class="data-table">
      <div class="table-tools">
        {search && (
          <label class="search">
            <Icon name="search" />
            <span class="off-screen">Filter {props.label}</span>
            <input type="search" placeholder="Filter" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
          </label>
        )}
        <span class="muted count" aria-live="polite">
          {shown.length === rows.length ? `${rows.length} rows` : `${shown.length} of ${rows.length} rows`}
        </span>
        <CopyButton quiet label="CSV" text={() => csv(columns.map((column) => column.key), values())} />
        <CopyButton quiet label="JSON" text={json} />
      </div>
      <div class={shown.length > WHOLE ? 'scroller tall' : 'scroller'} ref={scroller} tabIndex={0} role="group" aria-label={props.label}>
        <table aria-rowcount={shown.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map((column) => (
                <th
                  key={column.key}
                  scope="col"
                  class={kind(column)}
                  aria-sort={sort?.key === column.key ? (sort.down ? 'descending' : 'ascending') : 'none'}
                >
                  <button type="button" class="sort" onClick={() => turn(column)}>
                    {column.name}
                    <span class="arrow" aria-hidden="true">
                      {sort?.key === column.key ? (sort.down ? '↓' : '↑') : ''}
                    </span>
                  </button>
                  {column.tip && (
                    <Tip text={column.tip}>
                      <Icon name="info" />
                      <span class="off-screen">What {column.name} means</span>
                    </Tip>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {before > 0 && <Space height={before} columns={columns.length} />}
            {shown.slice(from, to).map((row, i) => (
              <tr
                key={props.id(row)}
                aria-rowindex={from + i + 2}
                class={props.chosen === props.id(row) ? 'chosen' : ''}
                onClick={props.onRow && (() => props.onRow?.(row))}
              >
                {columns.map((column) => (
                  <td key={column.key} class={kind(column)}>
                    {column.cell ? column.cell(row) : column.value(row)}
                  </td>
                ))}
              </tr>
            ))}
            {behind > 0 && <Space height={behind} columns={columns.length} />}
          </tbody>
        </table>
        {shown.length === 0 && <p class="empty">{rows.length === 0 ? (props.empty ?? 'Nothing to show yet.') : 'No row matches the filter.'}</p>}
      </div>
    </div>
  );
}

function Space(props: { height: number; columns: number }) {
  return (
    <tr aria-hidden="true" class="space">
      <td colSpan={props.columns} style={{ height: `${props.height}px` }} />
    </tr>
  );
}
