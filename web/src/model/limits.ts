/** What holds a weight: caps and bounds that a mixture meets with equality. */
import type { MixtureFile } from './mixture';

/** Weights this close to a bound are at it: what 32-bit floats leave of the solver's own tolerance. */
const CLOSE = 2e-6;

/** What else than the file's own limits holds. */
export interface Held {
  /** R / k in tokens; null without caps. */
  size: number | null;
  /** A floor of a domain, by position. */
  floor?: { domain: number; least: number } | undefined;
}

/** The greatest weight that repetition allows; Infinity without caps. */
export function cap(file: MixtureFile, domain: number, size: number | null): number {
  const tokens = file.domains[domain]!.tokens;
  return size === null || tokens === null ? Number.POSITIVE_INFINITY : tokens / size;
}

/** What holds each domain, in words; empty where nothing does. */
export function heldBy(file: MixtureFile, weights: ArrayLike<number>, held: Held): string[] {
  return file.domains.map((domain, j) => {
    const weight = weights[j]!;
    if (domain.limit === 'held') return 'no run sampled it';
    const most = cap(file, j, held.size);
    const words: string[] = [];
    if (most < 1 && most <= domain.max && weight >= most - CLOSE) words.push('token cap');
    else if (domain.max < 1 && weight >= domain.max - CLOSE) words.push('upper bound');
    const floor = held.floor?.domain === j ? held.floor.least : 0;
    if (floor > domain.min && weight <= floor + CLOSE) words.push('your floor');
    else if (domain.min > 0 && weight <= domain.min + CLOSE) words.push('lower bound');
    return words.join(', ');
  });
}
