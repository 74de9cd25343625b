/** What the user does: every change of the settings asks for the exact solution and can be undone. */
import { MOST_PINS, read, write, type Read } from './address';
import { ask, Refusal } from './client';
import { later } from './later';
import { same } from './settings';
import { roundTrip, solve } from './solver';
import { current, ready, set, setQuietly, type Notice, type View } from './store';
import type { Settings, Solved } from './types';

/** An answer within so many milliseconds is worth waiting for before anything is drawn. */
const SOON = 30;
/** As many steps can be undone. */
const DEPTH = 200;

/** Tells a measurement, where one runs, what happened; nothing is kept otherwise. */
function measured(what: 'drag' | 'answer' | 'redrawn'): void {
  (globalThis as { olmixMeasure?: (what: string) => void }).olmixMeasure?.(what);
}

/** Takes up settings and asks for their solution. `back` is what a refusal returns to. */
function request(settings: Settings, drag: boolean, back: { settings: Settings; past: Settings[]; future: Settings[] } | null): void {
  // Where answers come within a frame or two, a step of a drag is drawn with its answer; else the bar follows the pointer alone.
  if (drag && roundTrip() < SOON) setQuietly({ settings });
  else set({ settings });
  solve(
    settings,
    drag,
    (solvedFor, solved) => {
      measured('answer');
      const at = current();
      const stale = at.settings === solvedFor ? {} : null;
      set({ solved, solvedFor, offline: null, ...(stale && at.notice?.kind === 'error' ? { notice: null } : {}) });
      measured('redrawn');
      if (!current().dragging && stale) settle();
    },
    (refusal) => {
      if (refusal.gone) {
        set({ offline: refusal, dragging: false });
        return;
      }
      const at = current();
      const last = at.past[at.past.length - 1];
      const past = !at.dragging && last && same(last, at.solvedFor) ? at.past.slice(0, -1) : at.past;
      const kept = back ?? { settings: at.solvedFor, past };
      set({ ...kept, notice: { kind: 'error', message: sentence(refusal.message), help: refusal.help }, change: at.dragging ? at.change : null });
    },
  );
}

/** A message of the server as a sentence. */
export function sentence(message: string): string {
  const text = message.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?:]$/.test(text) ? '' : '.');
}

/** One change of the settings, named as the sentence about its cost begins. */
export function edit(settings: Settings, label: string): void {
  const at = current();
  if (same(settings, at.settings)) return;
  const back = { settings: at.settings, past: at.past, future: at.future };
  set({
    past: [...at.past.slice(-DEPTH + 1), at.settings],
    future: [],
    change: { label, before: { settings: at.solvedFor, solved: at.solved } },
    notice: null,
  });
  request(settings, false, back);
}

/** The beginning of a drag: one step to undo, however many solutions it passes. */
export function startDrag(): void {
  const at = current();
  if (at.dragging) return;
  set({
    dragging: true,
    past: [...at.past.slice(-DEPTH + 1), at.settings],
    future: [],
    change: { label: '', before: { settings: at.solvedFor, solved: at.solved } },
    notice: null,
  });
}

/** A step of a drag. */
export function drag(settings: Settings, label: string): void {
  measured('drag');
  const { change } = current();
  // No need to draw for a label: what comes next draws.
  if (change && change.label !== label) setQuietly({ change: { ...change, label } });
  request(settings, true, null);
}

export function endDrag(): void {
  const at = current();
  if (!at.dragging) return;
  const nothing = at.past.length > 0 && same(at.past[at.past.length - 1]!, at.settings);
  set({ dragging: false, ...(nothing ? { past: at.past.slice(0, -1), change: null } : {}) });
  if (at.settings === at.solvedFor) settle();
}

function travel(from: 'past' | 'future', to: 'past' | 'future', label: string): void {
  const at = current();
  const settings = at[from][at[from].length - 1];
  if (!settings) return;
  const back = { settings: at.settings, past: at.past, future: at.future };
  const change = { label, before: { settings: at.solvedFor, solved: at.solved } };
  set({ [from]: at[from].slice(0, -1), [to]: [...at[to], at.settings], change, notice: null });
  request(settings, false, back);
}

export function undo(): void {
  travel('past', 'future', 'Undoing this');
}

export function redo(): void {
  travel('future', 'past', 'Doing this again');
}

export function reset(): void {
  edit(current().model.settings, 'Returning to the settings of the file');
}

export function show(view: View): void {
  set({ view, notice: null });
  writeAddress();
}

/** Puts the current mixture aside, to be compared with; a notice where there are enough. */
export function pin(name?: string): void {
  const { pins, settings, solved, solvedFor } = current();
  if (pins.length >= MOST_PINS) {
    set({ notice: { kind: 'note', message: `${MOST_PINS} mixtures are pinned.`, help: 'Remove one under Compare to pin another.' } });
    return;
  }
  if (settings !== solvedFor) return;
  const letter = ['A', 'B', 'C', 'D'].find((each) => pins.every((other) => other.name !== each)) ?? 'E';
  set({ pins: [...pins, { name: name ?? letter, settings, solved }], baseline: pins.length });
  writeAddress();
}

export function unpin(position: number): void {
  const { pins, baseline } = current();
  const next = pins.filter((_, i) => i !== position);
  set({ pins: next, baseline: baseline === position ? -1 : baseline > position ? baseline - 1 : baseline });
  writeAddress();
}

export function rename(position: number, name: string): void {
  const { pins } = current();
  set({ pins: pins.map((each, i) => (i === position ? { ...each, name: name.slice(0, 40) || each.name } : each)) });
  writeAddress();
}

export function compareWith(baseline: number): void {
  set({ baseline });
  writeAddress();
}

export function notify(notice: Notice | null): void {
  set({ notice });
}

/** What is asked once the page is at rest: the address, prices and the prediction of the mixture. */
function settle(): void {
  writeAddress();
  later();
}

let written = '';

export function writeAddress(): void {
  const { view, settings, pins, baseline, model } = current();
  const hash = write({ view, settings, pins, baseline }, model.settings);
  written = hash;
  if (hash === location.hash) return;
  history.replaceState(null, '', hash === '' ? location.pathname + location.search : hash);
}

/** Takes up the state of the address; what does not fit is named, and kept out unless the user says otherwise. */
export async function readAddress(): Promise<void> {
  if (!ready()) return;
  const { model } = current();
  if (location.hash === written && written !== '') return;
  const found = read(location.hash, model);
  if (!found) return;
  if (found.problems.length === 0) {
    await take(found);
    return;
  }
  const [first, ...rest] = found.problems;
  set({
    notice: {
      kind: 'error',
      message: `The state in the address does not fit this mixture: ${first}${rest.length > 0 ? `; ${rest.slice(0, 3).join('; ')}` : ''}${rest.length > 3 ? `; and ${rest.length - 3} more` : ''}.`,
      help: 'Nothing of it was applied.',
      actions: [
        { label: 'Keep what fits', run: () => void take(found) },
        { label: 'Stay with the file’s mixture', run: () => (set({ notice: null }), writeAddress()) },
      ],
    },
  });
}

async function take(found: Read): Promise<void> {
  set({ view: found.view, notice: null });
  try {
    const pins = [];
    for (const each of found.pins) pins.push({ ...each, solved: await ask<Solved>('api/solve', each.settings) });
    set({ pins, baseline: found.baseline });
  } catch (error) {
    const refusal = error as Refusal;
    set({ notice: { kind: 'error', message: sentence(refusal.message), help: refusal.help } });
  }
  edit(found.settings, 'The state of the address');
  writeAddress();
}

/** Asks again after the server was gone. */
export async function retry(): Promise<void> {
  const { settings } = current();
  try {
    await ask('api/model');
    set({ offline: null });
    request(settings, false, null);
  } catch (error) {
    set({ offline: error as Refusal });
  }
}

