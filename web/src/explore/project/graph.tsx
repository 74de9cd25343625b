/** The history as a graph: a lane for each kind of record, a line from each record to those that it was made from. */
import { change as signed, tokens } from '../../view/format';
import type { Cost, ProjectRecord } from '../state/types';

const ROW = 58;
const LANE = 22;

/** The lane of a record: its kind, or the line of mixtures that it is on. */
function laneOf(record: ProjectRecord): string {
  return record.mixture ? (record.line ?? record.kind) : record.kind;
}

const ORDER = ['domains', 'swarm', 'fit'];

function lanes(records: ProjectRecord[]): string[] {
  const all = [...new Set(records.map(laneOf))];
  const rank = (lane: string) => (ORDER.includes(lane) ? ORDER.indexOf(lane) : ORDER.length);
  return all.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
}

/** What was spent, in words. */
export function costs(cost: Cost): string {
  const parts = [`${cost.runs} run${cost.runs === 1 ? '' : 's'}`];
  if (cost.tokens > 0) parts.push(`${tokens(cost.tokens)} tokens`);
  if (cost.flops > 0) parts.push(`${cost.flops.toExponential(1).replace('+', '')} FLOPs`);
  return parts.join(', ');
}

export interface GraphProps {
  records: ProjectRecord[];
  head: string | null;
  a: string | null;
  b: string | null;
  choose: (which: 'a' | 'b', id: string) => void;
}

export function Graph({ records, head, a, b, choose }: GraphProps) {
  const columns = lanes(records);
  const position = new Map(records.map((record, i) => [record.id, i]));
  const x = (record: ProjectRecord) => 12 + LANE * columns.indexOf(laneOf(record));
  const y = (i: number) => ROW * i + ROW / 2;
  const width = 12 + LANE * columns.length;
  return (
    <div class="history">
      <svg class="edges" width={width} height={ROW * records.length} aria-hidden="true">
        {records.flatMap((record, i) =>
          record.parents.flatMap((parent) => {
            const j = position.get(parent);
            if (j === undefined) return [];
            const [x1, y1, x2, y2] = [x(record), y(i), x(records[j]!), y(j)];
            const bend = Math.min(ROW * 0.8, Math.abs(y2 - y1) / 2);
            return [<path key={`${record.id} ${parent}`} d={`M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`} />];
          }),
        )}
        {records.map((record, i) => (
          <circle key={record.id} cx={x(record)} cy={y(i)} r={record.mixture ? 6 : 4.5} class={record.mixture ? 'dot is-mixture' : `dot is-${ORDER.includes(record.kind) ? record.kind : 'other'}`} />
        ))}
      </svg>
      <ol class="records" aria-label="History, newest first">
        {records.map((record) => (
          <li key={record.id} style={{ height: `${ROW}px` }}>
            <div class="record">
              <span class="record-head">
                <b>{record.label || record.id}</b>
                {record.label !== record.id && record.label && <code>{record.id}</code>}
                <span class="kind">{record.mixture ? 'mixture' : record.kind}</span>
                {record.id === head && <span class="kind now">newest</span>}
                {record.tags.map((tag) => (
                  <span class="kind" key={tag}>
                    {tag}
                  </span>
                ))}
                <span class="muted">{record.date.slice(0, 10)}</span>
              </span>
              <span class="record-text" title={record.summary}>{record.summary}</span>
            </div>
            <span class="record-cost number">
              {record.gain !== null && <Gain gain={record.gain} over="the prior" />}
              {record.over && <Gain gain={record.over.gain} over={record.over.record} />}
              {record.cost && record.cost.runs > 0 && <span class="muted">{costs(record.cost)}</span>}
            </span>
            <span class="record-choice">
              {record.mixture &&
                (['a', 'b'] as const).map((which) => (
                  <button
                    type="button"
                    key={which}
                    class="button quiet"
                    aria-pressed={(which === 'a' ? a : b) === record.id}
                    aria-label={`Show ${record.id} as mixture ${which.toUpperCase()}`}
                    onClick={() => choose(which, record.id)}
                  >
                    {which.toUpperCase()}
                  </button>
                ))}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Gain({ gain, over }: { gain: number; over: string }) {
  return (
    <span>
      <span class={gain < 0 ? 'worse' : 'better'}>{`loss ${signed(-gain)}`}</span> <span class="muted">vs. {over}</span>
    </span>
  );
}
