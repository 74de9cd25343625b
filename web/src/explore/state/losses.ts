/** Losses of families and of the average under the task weights that are asked for now. */
import type { Family } from '../../model/families';

/** The average of losses with shares that sum to 1. */
export function average(shares: number[], losses: number[]): number {
  let sum = 0;
  for (let i = 0; i < shares.length; i += 1) if (shares[i] !== 0) sum += shares[i]! * losses[i]!;
  return sum;
}

/** The mean loss of a family's tasks by their shares; of equal shares where all are zero. */
export function familyLoss(family: Family, shares: number[], losses: number[]): number {
  let sum = 0;
  let total = 0;
  let plain = 0;
  for (const i of family.members) {
    if (shares[i] !== 0) sum += shares[i]! * losses[i]!;
    total += shares[i]!;
    plain += losses[i]! / family.members.length;
  }
  return total > 0 ? sum / total : plain;
}

/** A change below this share of the loss is none: it would be shown as 0.00 %. */
export const SAME = 5e-5;

export type Verdict = 'worse' | 'better' | 'same';

/** What a relative change of a loss means: lower is better. */
export function verdict(change: number): Verdict {
  if (change > SAME) return 'worse';
  return change < -SAME ? 'better' : 'same';
}
