/** Exact solutions, one request at a time: the newest settings win, and steps of a drag do not starve each other. */
import { ask, Refusal } from './client';
import type { Settings, Solved } from './types';

interface Wanted {
  settings: Settings;
  drag: boolean;
  done: (settings: Settings, answer: Solved) => void;
  failed: (error: Refusal) => void;
}

let running: { wanted: Wanted; abort: AbortController } | null = null;
let waiting: Wanted | null = null;

let last = Number.POSITIVE_INFINITY;

/** How many milliseconds the last answer took to come. */
export function roundTrip(): number {
  return last;
}

/**
 * Asks for the solution of `settings`. While a request is under way the newest waits for it, and all between are dropped. A step
 * of a drag lets the request under way end, so that the page moves with the pointer however long a solve takes; anything else
 * aborts it.
 */
export function solve(settings: Settings, drag: boolean, done: Wanted['done'], failed: Wanted['failed']): void {
  waiting = { settings, drag, done, failed };
  if (running && !drag) running.abort.abort();
  if (!running) void next();
}

async function next(): Promise<void> {
  while (waiting) {
    const wanted: Wanted = waiting;
    waiting = null;
    const abort = new AbortController();
    running = { wanted, abort };
    const asked = performance.now();
    try {
      const answer = await ask<Solved>('api/solve', wanted.settings, abort.signal);
      last = performance.now() - asked;
      running = null;
      wanted.done(wanted.settings, answer);
    } catch (error) {
      running = null;
      const refusal = error instanceof Refusal ? error : new Refusal(String(error), null);
      // A refusal of what nobody asks for any more is of no interest.
      if (!waiting && !refusal.superseded) wanted.failed(refusal);
    }
  }
}
