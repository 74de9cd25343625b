/** The mixture that answers, and its losses. */
import { useMemo, useState } from 'preact/hooks';
import { Change } from '../view/change';
import { Name } from '../view/name';
import { Box } from '../view/scroll';
import { familyLoss, loss, percent } from './parts';
import type { Fitted, Outcome } from './question';

interface Props {
  fitted: Fitted;
  outcome: Outcome;
  sought: string;
}

function matches(sought: string, ...texts: string[]): boolean {
  const word = sought.trim().toLowerCase();
  return word === '' || texts.some((text) => text.toLowerCase().includes(word));
}

/** Points of a weight with a sign. */
function points(by: number): string {
  const text = percent(Math.abs(by));
  if (text === '0.00' || text === '<0.01') return '';
  return (by > 0 ? '+' : '−') + text;
}

export function Domains({ fitted, outcome, sought }: Props) {
  const { file, answers } = fitted;
  // Rows stay where they are while a slider moves: in the order of the fit's weights.
  const order = useMemo(() => file.domains.map((_, j) => j).sort((a, b) => answers.fitted[b]! - answers.fitted[a]!), [fitted]);
  const most = useMemo(() => Math.max(...Array.from(answers.fitted), 0.01), [fitted]);
  const known = outcome.epochs.some((epochs) => epochs !== null);
  const held = outcome.held.some((words) => words !== '');
  return (
    <div class="domains">
    <Box label="domains">
      <table class="live">
        <caption>
          The mixture, in the order of the fit; the line is the fit's weight.{order.length > 14 ? ` The table scrolls: ${order.length} domains.` : ''}
        </caption>
        <thead>
          <tr>
            <th scope="col">Domain</th>
            <th scope="col">Weight %</th>
            <th scope="col" class="meter-head">
              <span class="offscreen">Weight as a bar</span>
            </th>
            <th scope="col">From the fit</th>
            {known && <th scope="col">Epochs</th>}
            {held && (
              <th scope="col" class="text held-head">
                Held by
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {order
            .filter((j) => matches(sought, file.domains[j]!.name, outcome.held[j]!))
            .map((j) => (
              <tr key={j}>
                <th scope="row">
                  <Name of={file.domains[j]!.name} />
                </th>
                <td>{percent(outcome.weights[j]!)}</td>
                <td class="meter">
                  <span style={{ transform: `scaleX(${Math.min(outcome.weights[j]! / (1.5 * most), 1)})` }} />
                  <i style={{ left: `${(100 * answers.fitted[j]!) / (1.5 * most)}%` }} />
                </td>
                <td>{points(outcome.weights[j]! - answers.fitted[j]!)}</td>
                {known && <td>{outcome.epochs[j] === null ? '–' : outcome.epochs[j]!.toFixed(2)}</td>}
                {held && <td class="text held">{outcome.held[j]}</td>}
              </tr>
            ))}
        </tbody>
      </table>
    </Box>
    </div>
  );
}

interface LossRow {
  key: string;
  name: string;
  now: number;
  prior: number;
  fit: number;
}

function LossTable({ caption, first, rows }: { caption: string; first: string; rows: LossRow[] }) {
  return (
    <table class="live">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{first}</th>
          <th scope="col">Loss</th>
          <th scope="col">From the prior</th>
          <th scope="col">From the fit</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key}>
            <th scope="row">
              <Name of={row.name} />
            </th>
            <td>{loss(row.now)}</td>
            <td>
              <Change of={row.now / row.prior - 1} />
            </td>
            <td>
              <Change of={row.now / row.fit - 1} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Families({ fitted, outcome, sought }: Props) {
  const { file, families, base, natural } = fitted;
  const [open, unfold] = useState(false);
  const prior = useMemo(() => families.map((family) => familyLoss(file, family, natural)), [fitted]);
  const byFamily = families.map((family, f): LossRow => ({ key: family.name, name: family.name, now: outcome.families[f]!, prior: prior[f]!, fit: base.families[f]! }));
  const byTask = file.law.tasks.map((task, i): LossRow => ({ key: task.name, name: task.name, now: outcome.losses[i]!, prior: natural[i]!, fit: base.losses[i]! }));
  const seeking = sought.trim() !== '';
  return (
    <div class="losses">
      <Box label="losses by family">
        <LossTable caption="Predicted losses by family of tasks; lower is better: ▼ better, ▲ worse." first="Family" rows={byFamily.filter((row) => matches(sought, row.name))} />
      </Box>
      <details open={open || seeking} onToggle={(event) => !seeking && unfold(event.currentTarget.open)}>
        <summary>By task</summary>
        {(open || seeking) && (
          <Box label="losses by task">
            <LossTable
              caption="Predicted losses by task: ▼ better, ▲ worse."
              first="Task"
              rows={byTask.filter((row, i) => matches(sought, row.name, file.law.tasks[i]!.family))}
            />
          </Box>
        )}
      </details>
    </div>
  );
}
