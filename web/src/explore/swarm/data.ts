/** Numbers of runs: shares and losses, whatever form the server sends them in. */
import { familyLoss } from '../state/losses';
import { taskShares } from '../state/settings';
import type { State } from '../state/store';
import type { Run, Shares } from '../state/types';

export function share(weights: Shares, domain: number): number {
  return Array.isArray(weights) ? (weights[domain] ?? 0) : Object.hasOwn(weights, String(domain)) ? weights[String(domain)]! : 0;
}

export function dense(weights: Shares, domains: number): number[] {
  return Array.from({ length: domains }, (_, j) => share(weights, j));
}

/** What a scatter shows: the average, a family or a task. */
export interface Target {
  key: string;
  name: string;
  kind: 'average' | 'family' | 'task';
  /** The value of a list over tasks; null where a task that counts is missing. */
  of: (values: (number | null)[]) => number | null;
}

export function targets(state: State): Target[] {
  const shares = taskShares(state.model, state.settings);
  const { tasks } = state.model.mixture.law;
  const complete = (values: (number | null)[], members: number[]) => members.every((i) => shares[i] === 0 || typeof values[i] === 'number');
  const everything = { name: 'average', weight: 1, members: tasks.map((_, i) => i) };
  const families = state.families.length > 1 && state.families.length < tasks.length ? state.families : [];
  return [
    {
      key: 'average',
      name: 'average of all tasks',
      kind: 'average',
      of: (values) => (complete(values, everything.members) ? familyLoss(everything, shares, values as number[]) : null),
    },
    ...families.map(
      (family): Target => ({
        key: `f:${family.name}`,
        name: family.name,
        kind: 'family',
        of: (values) => (complete(values, family.members) ? familyLoss(family, shares, values as number[]) : null),
      }),
    ),
    ...tasks.map((task, i): Target => ({ key: `t:${task.name}`, name: task.name, kind: 'task', of: (values) => values[i] ?? null })),
  ];
}

/** How many runs are in each state, in words. */
export function counts(runs: Run[]): string {
  const measured = runs.filter((run) => run.losses).length;
  const parts = [`${measured} measured`];
  const others = new Map<string, number>();
  for (const run of runs) if (!run.losses) others.set(run.state, (others.get(run.state) ?? 0) + 1);
  for (const [state, count] of others) parts.push(`${count} ${state.replace(/_/g, ' ')}`);
  const outliers = runs.filter((run) => run.outlier).length;
  const replicates = runs.filter((run) => run.replicate_of !== null && run.replicate_of !== undefined).length;
  if (outliers > 0) parts.push(`${outliers} outlier${outliers === 1 ? '' : 's'}`);
  if (replicates > 0) parts.push(`${replicates} replicate${replicates === 1 ? '' : 's'}`);
  return parts.join(' · ');
}
