/** Two recorded mixtures side by side. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { along } from '../../view/bar';
import { change as signed, percent } from '../../view/format';
import { DataTable, type Column } from '../../view/table';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import type { RecordedMixture } from '../state/types';

interface Row {
  name: string;
  a: number | null;
  b: number | null;
}

/** A recorded mixture; each is asked for once. */
function useMixture(id: string | null): { mixture: RecordedMixture | null; refusal: Refusal | null } {
  const [state, set] = useState<{ mixture: RecordedMixture | null; refusal: Refusal | null }>({ mixture: null, refusal: null });
  useEffect(() => {
    if (id === null) return undefined;
    const abort = new AbortController();
    ask<RecordedMixture>(`api/project/mixture/${encodeURIComponent(id)}`, undefined, abort.signal).then(
      (mixture) => set({ mixture, refusal: null }),
      (refusal: Refusal) => !refusal.superseded && set({ mixture: null, refusal }),
    );
    return () => abort.abort();
  }, [id]);
  return state;
}

export function Difference(props: { a: string; b: string }) {
  const [first, second] = [useMixture(props.a), useMixture(props.b)];
  const rows = useMemo(() => {
    const all = new Map<string, Row>();
    const put = (mixture: RecordedMixture | null, side: 'a' | 'b') => {
      for (const domain of mixture?.domains ?? []) {
        const row = all.get(domain.name) ?? { name: domain.name, a: null, b: null };
        row[side] = domain.weight;
        all.set(domain.name, row);
      }
    };
    put(first.mixture, 'a');
    put(second.mixture, 'b');
    return [...all.values()];
  }, [first, second]);
  const most = Math.max(0.001, ...rows.map((row) => Math.max(row.a ?? 0, row.b ?? 0)));
  const columns = useMemo((): Column<Row>[] => {
    const side = (key: 'a' | 'b', id: string): Column<Row> => ({
      key: id === props.a && key === 'b' ? `${id} (B)` : id,
      name: `${key.toUpperCase()}: ${id}`,
      numeric: true,
      value: (row) => row[key],
      cell: (row) => (
        <span class="side-weight">
          <span class="number">{row[key] === null ? 'not there' : percent(row[key])}</span>
          <span class="still" aria-hidden="true">
            <i class="fill" style={{ width: along((row[key] ?? 0) / most) }} />
          </span>
        </span>
      ),
    });
    const moved = (row: Row) => (row.b ?? 0) - (row.a ?? 0);
    return [
      { key: 'domain', name: 'Domain', value: (row) => row.name },
      side('a', props.a),
      side('b', props.b),
      { key: 'moved', name: 'B − A', numeric: true, value: moved, cell: (row) => signed(moved(row)).replace('\u00a0%', '\u00a0pp') },
    ];
  }, [props.a, props.b, most]);
  const refusal = first.refusal ?? second.refusal;
  if (refusal) return <p class="pad refusal" role="alert">{sentence(refusal.message)} {refusal.help && sentence(refusal.help)}</p>;
  return <DataTable label="Two mixtures side by side" columns={columns} rows={rows} id={(row) => row.name} search={(row) => row.name} sort={{ key: 'moved', down: true }} empty="Reading the mixtures …" />;
}
