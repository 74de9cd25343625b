/** The tables that stand in the page, sorted, filtered and copied. */
import { csv } from '../model/export';
import { copyAndSay } from './copy';

/** Rows below which nobody searches. */
const FEW = 8;

/** Makes every table of an element answer. */
export function enliven(root: ParentNode): void {
  root.querySelectorAll<HTMLTableElement>('.box > table:not(.live)').forEach((table, i) => enlivenTable(table, i));
}

interface Row {
  element: HTMLTableRowElement;
  texts: string[];
}

function textOf(cell: Element): string {
  return (cell.textContent ?? '').trim().replaceAll('\u{a0}', ' ');
}

/** A number as the report writes it; null for words. */
export function numberIn(text: string): number | null {
  const match = /^[×<]?\s*([−+-]?\d[\d,]*(?:\.\d+)?(?:e[−-]?\d+)?)/u.exec(text);
  if (!match) return null;
  return Number(match[1]!.replaceAll('−', '-').replaceAll(',', '').replace('+', ''));
}

function enlivenTable(table: HTMLTableElement, index: number): void {
  const head = table.tHead?.rows[0];
  const body = table.tBodies[0];
  if (!head || !body || body.rows.length < 2) return;
  const all: Row[] = [...body.rows].map((element) => ({ element, texts: [...element.cells].map(textOf) }));
  const totals = all.filter((row) => row.element.classList.contains('total'));
  const rows = all.filter((row) => !row.element.classList.contains('total'));
  const headers = [...head.cells];
  headers.forEach((header, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener('click', () => {
      const falling = header.getAttribute('aria-sort') === 'descending';
      const words = header.classList.contains('text') || column === 0;
      const next = header.hasAttribute('aria-sort') ? (falling ? 'ascending' : 'descending') : words ? 'ascending' : 'descending';
      headers.forEach((other) => other.removeAttribute('aria-sort'));
      header.setAttribute('aria-sort', next);
      sort(rows, column, next === 'ascending');
      body.append(...rows.map((row) => row.element), ...totals.map((row) => row.element));
    });
  });
  table.before(bar(table, index, headers, rows, all));
}

function sort(rows: Row[], column: number, ascending: boolean): void {
  const sign = ascending ? 1 : -1;
  rows.sort((a, b) => {
    const [s, t] = [a.texts[column] ?? '', b.texts[column] ?? ''];
    const [x, y] = [numberIn(s), numberIn(t)];
    // What has no value comes last either way.
    if (x === null || y === null) {
      if (x !== y && column > 0 && (x !== null || y !== null)) return x === null ? 1 : -1;
      return sign * s.localeCompare(t, 'en', { numeric: true });
    }
    return sign * (x - y);
  });
}

function bar(table: HTMLTableElement, index: number, headers: HTMLElement[], rows: Row[], all: Row[]): HTMLElement {
  const bar = document.createElement('div');
  bar.className = 'bar';
  if (rows.length >= FEW) bar.append(filter(table, index, rows));
  const names = headers.map((header) => textOf(header));
  const shown = () => [...(table.tBodies[0]?.rows ?? [])].filter((row) => !row.hidden).map((row) => [...row.cells].map(textOf));
  const what = `${all.length} rows`;
  bar.append(
    action('Copy CSV', () => copyAndSay(csv([names, ...shown()]), `${what} as CSV`)),
    action('Copy JSON', () => {
      const objects = shown().map((row) => Object.fromEntries(row.map((text, i) => [names[i] ?? String(i), numberOrText(text)])));
      return copyAndSay(`${JSON.stringify(objects, null, 2)}\n`, `${what} as JSON`);
    }),
  );
  return bar;
}

function numberOrText(text: string): number | string {
  return /^[−-]?\d+(\.\d+)?$/u.test(text) ? Number(text.replace('−', '-')) : text;
}

function filter(table: HTMLTableElement, index: number, rows: Row[]): HTMLElement {
  const label = document.createElement('label');
  label.className = 'search';
  const input = document.createElement('input');
  input.type = 'search';
  input.id = `filter-${index}`;
  input.placeholder = 'name or word';
  const first = textOf(table.tHead!.rows[0]!.cells[0]!).toLowerCase();
  label.append(`Find a ${first} `, input);
  input.addEventListener('input', () => {
    const sought = input.value.trim().toLowerCase();
    for (const row of rows) row.element.hidden = !row.texts.some((text) => text.toLowerCase().includes(sought));
  });
  return label;
}

export function action(text: string, act: () => unknown): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = text;
  button.addEventListener('click', () => void act());
  return button;
}
