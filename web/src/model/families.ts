/** Losses of tasks, averaged by family, and how they change: the arithmetic of the tables of the report. */
import type { MixtureFile } from './mixture';

export interface Family {
  name: string;
  /** Positions of its tasks. */
  members: number[];
  /** Its summed weight in the average. */
  weight: number;
}

/** Families in the order in which their first tasks stand. */
export function familiesOf(file: MixtureFile): Family[] {
  const families = new Map<string, Family>();
  file.law.tasks.forEach((task, i) => {
    const family = families.get(task.family) ?? { name: task.family, members: [], weight: 0 };
    family.members.push(i);
    family.weight += task.weight;
    families.set(task.family, family);
  });
  return [...families.values()];
}

/** The mean of the members' losses by the tasks' weights; of equal weights where those are all zero. */
export function familyLoss(file: MixtureFile, family: Family, losses: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  for (const i of family.members) {
    const weight = file.law.tasks[i]!.weight;
    sum += weight * losses[i]!;
    total += weight;
  }
  if (total > 0) return sum / total;
  return family.members.reduce((mean, i) => mean + losses[i]! / family.members.length, 0);
}

/** The average of all losses, by the tasks' weights, which sum to 1. */
export function averageLoss(file: MixtureFile, losses: ArrayLike<number>): number {
  return file.law.tasks.reduce((sum, task, i) => sum + task.weight * losses[i]!, 0);
}

/** A change below this, as a share of the loss, is none: it is shown as 0.00 %. */
export const SAME = 5e-5;

/** What a change means: lower loss is better. */
export function verdict(change: number): 'better' | 'worse' | 'same' {
  if (change > SAME) return 'worse';
  return change < -SAME ? 'better' : 'same';
}
