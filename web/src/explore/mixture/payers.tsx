/** Who pays: families and their tasks, with the loss, its change from the prior and from the baseline, and a weight to drag. */
import { useMemo, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../../view/copy';
import { csv } from '../../view/csv';
import { Icon } from '../../view/icons';
import { Tip } from '../../view/tip';
import { average, familyLoss } from '../state/losses';
import { factor, taskShares } from '../state/settings';
import { baselineOf, type State } from '../state/store';
import { PayerRow } from './payer_row';

export interface Payer {
  name: string;
  /** The positions of a family's tasks, or of the task itself. */
  tasks: number[];
  family: boolean;
  share: number;
  loss: number;
  againstPrior: number;
  againstBaseline: number;
  factor: number;
}

function payers(state: State, open: Set<string>): { all: Payer[]; grouped: boolean } {
  const { model, solved, solvedFor, families } = state;
  const { tasks } = model.mixture.law;
  const shares = taskShares(model, solvedFor);
  const base = baselineOf(state).solved.losses;
  const task = (i: number): Payer => ({
    name: tasks[i]!.name,
    tasks: [i],
    family: false,
    share: shares[i]!,
    loss: solved.losses[i]!,
    againstPrior: solved.losses[i]! / solved.natural[i]! - 1,
    againstBaseline: solved.losses[i]! / base[i]! - 1,
    factor: factor(state.settings, tasks[i]!.name),
  });
  const grouped = families.length > 1 && families.length < tasks.length;
  if (!grouped) return { all: tasks.map((_, i) => task(i)), grouped };
  const all: Payer[] = [];
  for (const family of families) {
    const names = family.members.map((i) => tasks[i]!.name);
    const factors = names.map((name) => factor(state.settings, name));
    const loss = familyLoss(family, shares, solved.losses);
    all.push({
      name: family.name,
      tasks: family.members,
      family: true,
      share: family.members.reduce((sum, i) => sum + shares[i]!, 0),
      loss,
      againstPrior: loss / familyLoss(family, shares, solved.natural) - 1,
      againstBaseline: loss / familyLoss(family, shares, base) - 1,
      factor: factors.reduce((sum, each) => sum + each, 0) / factors.length,
    });
    if (open.has(family.name)) all.push(...family.members.map(task));
  }
  return { all, grouped };
}

/** Families the worst first, each with its tasks behind it, the worst first. */
function sorted(all: Payer[], grouped: boolean): Payer[] {
  const worse = (a: Payer, b: Payer) => {
    const [x, y] = [Math.round(1e5 * a.againstBaseline), Math.round(1e5 * b.againstBaseline)];
    return y - x || b.againstPrior - a.againstPrior;
  };
  if (!grouped) return [...all].sort(worse);
  const families = all.filter((each) => each.family).sort(worse);
  const members = new Map<string, Payer[]>();
  let last = '';
  for (const each of all) {
    if (each.family) last = each.name;
    else members.set(last, [...(members.get(last) ?? []), each]);
  }
  return families.flatMap((family) => [family, ...(members.get(family.name) ?? []).sort(worse)]);
}

export function Payers({ state }: { state: State }) {
  const few = state.model.mixture.law.tasks.length <= 12;
  const [open, setOpen] = useState<Set<string>>(() => new Set(few ? state.families.map((family) => family.name) : []));
  const { all, grouped } = useMemo(() => payers(state, open), [state.solved, state.settings, state.baseline, state.pins, open]);
  // The order stays while something is dragged: rows that jump can't be read.
  const order = useRef<string[]>([]);
  const id = (payer: Payer) => `${payer.family ? 'f' : 't'}:${payer.name}`;
  let rows: Payer[];
  if (state.dragging && order.current.length === all.length) {
    const byId = new Map(all.map((payer) => [id(payer), payer]));
    rows = order.current.flatMap((key) => byId.get(key) ?? []);
  } else {
    rows = sorted(all, grouped);
    order.current = rows.map(id);
  }
  const shares = taskShares(state.model, state.solvedFor);
  const most = Math.max(0.01, ...all.map((each) => Math.abs(each.againstBaseline)).filter(Number.isFinite));
  const worse = all.filter((each) => (grouped ? !each.family || !open.has(each.name) : true) && each.againstBaseline > 5e-5).length;
  const moved = all.some((each) => Math.abs(each.againstBaseline) > 5e-5);
  const turn = (name: string) => {
    const next = new Set(open);
    if (!next.delete(name)) next.add(name);
    setOpen(next);
  };
  const baseline = baselineOf(state).name;
  const table = () =>
    csv(
      ['name', 'kind', 'share', 'loss', 'against_prior', 'against_baseline'],
      rows.map((row) => [row.name, row.family ? 'family' : 'task', row.share, row.loss, row.againstPrior, row.againstBaseline]),
    );
  const now = average(shares, state.solved.losses);
  return (
    <section class="panel payers" aria-label="Who pays">
      <header>
        <h2>Who pays</h2>
        <span class="muted">{moved ? (worse > 0 ? `${worse} worse than ${baseline}` : `nobody is worse than ${baseline}`) : ''}</span>
        <span class="gap" />
        {grouped && (
          <button type="button" class="button quiet" onClick={() => setOpen(new Set(open.size > 0 ? [] : state.families.map((f) => f.name)))}>
            {open.size > 0 ? 'Families only' : 'All tasks'}
          </button>
        )}
        <CopyButton quiet label="CSV" text={table} />
      </header>
      <div class="payer-table" role="table" aria-label="Losses by family and task" aria-rowcount={rows.length + 2}>
        <div class="payer head" role="row">
          <div role="columnheader" class="p-name">{grouped ? 'Family, task' : 'Task'}</div>
          <div role="columnheader" class="p-factor">
            <Tip text="How much the task counts in the average: 1× is its weight in the file, 0 leaves it out. Drag, or use the arrow keys.">Weight</Tip>
          </div>
          <div role="columnheader" class="p-loss number">
            <Tip text="The predicted loss at the mixture on screen; lower is better.">Loss</Tip>
          </div>
          <div role="columnheader" class="p-prior number">vs. prior</div>
          <div role="columnheader" class="p-base number">vs. {state.baseline < 0 ? 'opened' : baseline}</div>
        </div>
        {rows.map((row) => (
          <PayerRow
            key={id(row)}
            name={row.name}
            tasks={row.tasks.join(',')}
            family={row.family}
            inside={grouped && !row.family}
            open={open.has(row.name)}
            turn={turn}
            share={row.share}
            factor={row.factor}
            loss={row.loss}
            againstPrior={row.againstPrior}
            againstBaseline={row.againstBaseline}
            most={most}
          />
        ))}
      </div>
      <p class="off-screen">Average loss {now.toFixed(4)}</p>
      {grouped && open.size === 0 && (
        <p class="hint muted">
          <Icon name="chevron" /> Choose a family to see its tasks.
        </p>
      )}
    </section>
  );
}
