/** What is asked when the page is at rest: the prices of the constraints, and the prediction of the mixture. */
import { ask, type Refusal } from './client';
import { current, set } from './store';
import type { Prediction, Price } from './types';

const REST = 180;

const AGAIN = 1500;

let timer: ReturnType<typeof setTimeout> | undefined;

/** Asks a moment from now; a newer call takes the place of an earlier one. */
export function later(): void {
  clearTimeout(timer);
  timer = setTimeout(() => void fetchAll(), REST);
}

/** Whether the server still fits what a prediction is held against. */
export function unfinished(prediction: Prediction): boolean {
  return prediction.alternatives === null || prediction.interval?.ready === false;
}

async function fetchAll(): Promise<void> {
  const { settings, solved, solvedFor, dragging } = current();
  if (dragging || settings !== solvedFor) return;
  const stays = () => current().settings === settings;
  const prediction = ask<Prediction>('api/predict', { weights: solved.weights, settings }).then(
    (is) => stays() && set({ prediction: { of: solved.weights, is } }),
    () => undefined,
  );
  await prediction;
  // Laws of resampled runs and rival laws are fitted while the page is looked at already: asked for again until they are there.
  const now = current().prediction?.is;
  if (stays() && now && unfinished(now)) timer = setTimeout(() => void fetchAll(), AGAIN);
  if (current().prices?.of === settings) return;
  if (!stays() || solved.binding.length === 0) return;
  await ask<{ prices: Price[] }>('api/prices', settings).then(
    ({ prices }) => stays() && set({ prices: { of: settings, list: prices, why: null } }),
    (error: Refusal) => stays() && !error.superseded && set({ prices: { of: settings, list: [], why: error.message } }),
  );
}
