/** The answer to "what does it cost, and who pays?" as a sentence. */
import { change as signed, percent } from '../../view/format';
import { average, familyLoss, verdict } from './losses';
import { taskShares } from './settings';
import type { State } from './store';

export interface Cost {
  /** What was changed and what it does to the average loss. */
  head: string;
  /** The average's relative change; above 0 is worse. */
  change: number;
  /** Who pays and who gains; empty where nothing changes. */
  rest: string;
}

interface Part {
  name: string;
  change: number;
}

function named(part: Part): string {
  return `${part.name} ${signed(part.change)}`;
}

/** Changes of families (of tasks, where there is one family) since the last change of the settings, the worst first. */
export function parts(state: State, before: number[], after: number[], shares: number[]): Part[] {
  const { families, model } = state;
  const changes =
    families.length > 1
      ? families.map((family) => ({
          name: family.name,
          change: familyLoss(family, shares, after) / familyLoss(family, shares, before) - 1,
        }))
      : model.mixture.law.tasks.map((task, i) => ({ name: task.name, change: after[i]! / before[i]! - 1 }));
  return changes.filter((part) => Number.isFinite(part.change)).sort((a, b) => b.change - a.change);
}

/** What the last change of the settings costs; null where there was none, or its solution is not there yet. */
export function cost(state: State): Cost | null {
  const { change, solved, settings, solvedFor, model } = state;
  if (!change || (settings !== solvedFor && !state.dragging)) return null;
  const shares = taskShares(model, solvedFor);
  const before = average(shares, change.before.solved.losses);
  const delta = average(shares, solved.losses) / before - 1;
  const all = parts(state, change.before.solved.losses, solved.losses, shares);
  const worse = all.filter((part) => verdict(part.change) === 'worse');
  const better = all.filter((part) => verdict(part.change) === 'better').reverse();
  const moved = solved.weights.some((weight, j) => Math.abs(weight - change.before.solved.weights[j]!) > 5e-5);
  if (!moved) return { head: `${change.label} costs nothing: the mixture stays as it is.`, change: 0, rest: '' };
  const size = percent(Math.abs(delta), Math.abs(delta) < 0.0005 ? 3 : 2);
  const head =
    Math.abs(delta) < 5e-7
      ? `${change.label} leaves the average loss where it is`
      : `${change.label} ${delta > 0 ? 'costs' : 'lowers the average loss by'} ${size}${delta > 0 ? ' of average loss' : ''}`;
  const says: string[] = [];
  if (worse.length > 0) says.push(`${worse[0]!.name} pays most: ${signed(worse[0]!.change)}${worse[1] ? `, then ${named(worse[1])}` : ''}`);
  else says.push('nobody pays');
  if (better.length > 0) says.push(`${better[0]!.name} gains most: ${signed(better[0]!.change)}${better[1] ? `, then ${named(better[1])}` : ''}`);
  return { head, change: delta, rest: `${says.join('; ')}.` };
}
