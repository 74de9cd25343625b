/** The state in the address: a query behind the `#`, of version 1, that holds what differs from the file's settings. */
import { own, withBound, withFixed, withGroup, withTask } from './settings';
import type { View } from './store';
import type { Model, Settings } from './types';

export const ADDRESS_VERSION = 1;
/** As many pinned mixtures stand beside the current one. */
export const MOST_PINS = 4;
const VIEWS: View[] = ['mixture', 'compare', 'prediction', 'swarm', 'project'];

export interface Saved {
  view: View;
  settings: Settings;
  pins: { name: string; settings: Settings }[];
  baseline: number;
}

/** What an address says, and what of it does not fit this file. */
export interface Read extends Saved {
  problems: string[];
}

function number(value: number): string {
  return String(Number(value.toPrecision(12)));
}

/** Pairs for what differs from the file's settings. */
function pairs(settings: Settings, file: Settings): [string, string][] {
  const list: [string, string][] = [];
  if (settings.target_tokens !== file.target_tokens) list.push(['R', settings.target_tokens === null ? 'none' : number(settings.target_tokens)]);
  if (settings.repetition !== file.repetition) list.push(['k', settings.repetition === null ? 'none' : number(settings.repetition)]);
  if (settings.kl !== file.kl) list.push(['kl', number(settings.kl)]);
  const ranges = (key: string, now: Record<string, [number, number]>, before: Record<string, [number, number]>) => {
    for (const name of new Set([...Object.keys(now), ...Object.keys(before)])) {
      const [low, high] = own(now, name) ?? [0, 1];
      const [fileLow, fileHigh] = own(before, name) ?? [0, 1];
      if (low !== fileLow || high !== fileHigh) list.push([`${key}.${name}`, `${number(low)}..${number(high)}`]);
    }
  };
  ranges('bound', settings.bounds, file.bounds);
  ranges('group', settings.groups, file.groups);
  for (const [name, weight] of Object.entries(settings.fixed)) list.push([`fix.${name}`, number(weight)]);
  for (const [name, factor] of Object.entries(settings.task_weights)) list.push([`task.${name}`, number(factor)]);
  return list;
}

export function write(saved: Saved, file: Settings): string {
  const query = new URLSearchParams();
  query.append('v', String(ADDRESS_VERSION));
  if (saved.view !== 'mixture') query.append('view', saved.view);
  for (const [key, value] of pairs(saved.settings, file)) query.append(key, value);
  for (const pin of saved.pins) {
    const inner = new URLSearchParams([['name', pin.name], ...pairs(pin.settings, file)]);
    query.append('pin', inner.toString());
  }
  if (saved.baseline >= 0) query.append('against', String(saved.baseline));
  const text = query.toString();
  return text === `v=${ADDRESS_VERSION}` ? '' : `#${text}`;
}

/** Reads one group of pairs over the file's settings. */
function readPairs(model: Model, query: URLSearchParams, problems: string[], known: string[]): Settings {
  const domains = new Set(model.mixture.domains.map((domain) => domain.name));
  const tasks = new Set(model.mixture.law.tasks.map((task) => task.name));
  let settings = model.settings;
  const bad = (key: string, value: string, rule: string) => problems.push(`${key} is “${value}”; it must be ${rule}`);
  for (const [key, value] of query) {
    const kind = key.slice(0, key.indexOf('.') + 1);
    const name = key.slice(kind.length);
    const amount = Number(value);
    if (key === 'R' || key === 'k') {
      const wanted = value === 'none' ? null : amount;
      if (wanted !== null && !(wanted > 0 && Number.isFinite(wanted))) bad(key, value, 'a number above 0');
      else settings = key === 'R' ? { ...settings, target_tokens: wanted } : { ...settings, repetition: wanted };
    } else if (key === 'kl') {
      if (value === '' || !(amount >= 0 && Number.isFinite(amount))) bad('λ', value, 'a number from 0');
      else settings = { ...settings, kl: amount };
    } else if (kind === 'bound.' || kind === 'group.') {
      const [low = Number.NaN, high = Number.NaN] = value.split('..').map(Number);
      if (kind === 'bound.' && !domains.has(name)) problems.push(`there is no domain “${name}”`);
      else if (!(low >= 0 && low <= high && high <= 1)) bad(`the bound of “${name}”`, value, 'two shares from 0 to 1, the lower first');
      else settings = kind === 'bound.' ? withBound(settings, name, low, high) : withGroup(settings, name, [low, high]);
    } else if (kind === 'fix.') {
      if (!domains.has(name)) problems.push(`there is no domain “${name}”`);
      else if (value === '' || !(amount >= 0 && amount <= 1)) bad(`the weight of “${name}”`, value, 'a share from 0 to 1');
      else settings = withFixed(settings, name, amount);
    } else if (kind === 'task.') {
      if (!tasks.has(name)) problems.push(`there is no task “${name}”`);
      else if (value === '' || !(amount >= 0 && Number.isFinite(amount))) bad(`the weight of task “${name}”`, value, 'a number from 0');
      else settings = withTask(settings, [name], amount);
    } else if (!known.includes(key)) {
      problems.push(`“${key}” is nothing that this explorer knows`);
    }
  }
  return settings;
}

/** Reads an address; null where it says nothing. Nothing of it is silently dropped: what does not fit is a problem. */
export function read(hash: string, model: Model): Read | null {
  const text = hash.replace(/^#/, '');
  if (text === '') return null;
  const query = new URLSearchParams(text);
  const problems: string[] = [];
  const version = query.get('v');
  if (version !== String(ADDRESS_VERSION)) {
    const what = version === null ? 'it says no version' : `it is of version ${version}, and this explorer reads version ${ADDRESS_VERSION}`;
    return { view: 'mixture', settings: model.settings, pins: [], baseline: -1, problems: [what] };
  }
  const view = VIEWS.find((each) => each === (query.get('view') ?? 'mixture'));
  if (!view) problems.push(`there is no view “${query.get('view') ?? ''}”`);
  const settings = readPairs(model, query, problems, ['v', 'view', 'pin', 'against']);
  const pins = query.getAll('pin').map((inner) => {
    const pairsOfPin = new URLSearchParams(inner);
    return { name: pairsOfPin.get('name') ?? 'pinned', settings: readPairs(model, pairsOfPin, problems, ['name']) };
  });
  if (pins.length > MOST_PINS) problems.push(`it pins ${pins.length} mixtures, and at most ${MOST_PINS} can be pinned`);
  const against = Number(query.get('against') ?? -1);
  const fits = Number.isInteger(against) && against >= -1 && against < pins.length;
  if (!fits) problems.push(`it compares with pin ${query.get('against') ?? ''}, and there is none`);
  return { view: view ?? 'mixture', settings, pins: pins.slice(0, MOST_PINS), baseline: fits ? against : -1, problems: [...new Set(problems)] };
}
