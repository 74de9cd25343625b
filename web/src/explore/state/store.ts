/** The state of the page: one value, replaced by every change; whoever draws it subscribes. */
import { familiesOf, type Family } from '../../model/families';
import type { Refusal } from './client';
import type { Model, Prediction, Price, Settings, Solved } from './types';

export type View = 'mixture' | 'compare' | 'prediction' | 'swarm' | 'project';

/** A mixture that was put aside to be compared with. */
export interface Scenario {
  name: string;
  settings: Settings;
  solved: Solved;
}

/** The last change of the settings: what it is called, and the solution before it. */
export interface Change {
  label: string;
  before: { settings: Settings; solved: Solved };
}

export interface Notice {
  kind: 'error' | 'note';
  message: string;
  help: string | null;
  actions?: { label: string; run: () => void }[];
}

export interface State {
  model: Model;
  families: Family[];
  settings: Settings;
  /** The newest solution, and the settings that it solves. */
  solved: Solved;
  solvedFor: Settings;
  /** The file's mixture, solved with the file's settings: the first baseline. */
  opened: Scenario;
  pins: Scenario[];
  /** Which scenario losses are compared with: -1 for the mixture as opened, else the position of a pin. */
  baseline: number;
  change: Change | null;
  past: Settings[];
  future: Settings[];
  dragging: boolean;
  view: View;
  notice: Notice | null;
  offline: Refusal | null;
  /** Prices, or why there are none. */
  prices: { of: Settings; list: Price[]; why: string | null } | null;
  prediction: { of: number[]; is: Prediction } | null;
}

let state: State | null = null;
const listeners = new Set<() => void>();

export function current(): State {
  if (!state) throw new Error('the state is read before the model is there');
  return state;
}

export function ready(): boolean {
  return state !== null;
}

/** Replaces parts of the state and draws at once. */
export function set(part: Partial<State>): void {
  state = { ...current(), ...part };
  for (const listener of listeners) listener();
}

/** What the server has to say about the files, to be read once. */
function first(model: Model): Notice | null {
  const said = [...(model.notices ?? [])];
  if (model.exact === false) said.push('These laws are not convex: a solution may be the best nearby, not the best of all.');
  return said.length > 0 ? { kind: 'note', message: said.join(' '), help: null } : null;
}

/** Replaces parts of the state and draws nothing: what comes in a moment draws all of it. */
export function setQuietly(part: Partial<State>): void {
  state = { ...current(), ...part };
}

export function start(model: Model, opened: Solved): void {
  state = {
    model,
    families: familiesOf(model.mixture),
    settings: model.settings,
    solved: opened,
    solvedFor: model.settings,
    opened: { name: 'as opened', settings: model.settings, solved: opened },
    pins: [],
    baseline: -1,
    change: null,
    past: [],
    future: [],
    dragging: false,
    view: 'mixture',
    notice: first(model),
    offline: null,
    prices: null,
    prediction: null,
  };
  for (const listener of listeners) listener();
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function baselineOf(at: State): Scenario {
  return at.pins[at.baseline] ?? at.opened;
}

/** The solution that the file holds, before the server is asked: what the first frame shows. */
export function solvedOfFile(model: Model): Solved {
  const { domains, law } = model.mixture;
  return {
    weights: domains.map((domain) => domain.weight ?? domain.prior),
    epochs: domains.map((domain) => domain.epochs),
    caps: domains.map((domain) => domain.cap),
    binding: domains.flatMap((domain) => (domain.limit ? [{ domain: domain.name, limit: domain.limit }] : [])),
    losses: law.tasks.map((task) => task.predicted ?? Number.NaN),
    natural: law.tasks.map((task) => task.natural ?? Number.NaN),
    average: model.mixture.predicted ?? Number.NaN,
    natural_average: model.mixture.natural ?? Number.NaN,
    gain: model.mixture.gain ?? Number.NaN,
    kl: model.mixture.optimizer?.kl ?? Number.NaN,
    gap: model.mixture.optimizer?.duality_gap ?? null,
    status: model.mixture.optimizer?.status ?? 'unsolved',
    nearest: null,
    milliseconds: 0,
  };
}
