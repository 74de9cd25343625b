/** Changes of settings, each a new value: nothing here alters what it is given. */
import type { Model, Settings } from './types';

/** The value of a key, whatever the key is called: `constructor` and `__proto__` are names like others. */
export function own<V>(record: Record<string, V>, key: string): V | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

export function bound(settings: Settings, domain: string): [number, number] {
  return own(settings.bounds, domain) ?? [0, 1];
}

export function factor(settings: Settings, task: string): number {
  return own(settings.task_weights, task) ?? 1;
}

/** A record with one key set, or without it where the value is null. */
function put<V>(record: Record<string, V>, key: string, value: V | null): Record<string, V> {
  const kept = Object.entries(record).filter(([name]) => name !== key);
  return Object.fromEntries(value === null ? kept : [...kept, [key, value]]);
}

export function withBound(settings: Settings, domain: string, low: number, high: number): Settings {
  return { ...settings, bounds: put(settings.bounds, domain, low <= 0 && high >= 1 ? null : [low, high]) };
}

export function withGroup(settings: Settings, group: string, range: [number, number] | null): Settings {
  return { ...settings, groups: put(settings.groups, group, range) };
}

export function withFixed(settings: Settings, domain: string, weight: number | null): Settings {
  return { ...settings, fixed: put(settings.fixed, domain, weight) };
}

/** A task's factor; 1 is not kept. */
export function withTask(settings: Settings, tasks: string[], by: number): Settings {
  let task_weights = settings.task_weights;
  for (const task of tasks) task_weights = put(task_weights, task, by === 1 ? null : by);
  return { ...settings, task_weights };
}

/** The shares of the tasks in the average under these settings, summing to 1. */
export function taskShares(model: Model, settings: Settings): number[] {
  const weights = model.mixture.law.tasks.map((task) => task.weight * factor(settings, task.name));
  const sum = weights.reduce((a, b) => a + b, 0);
  return sum > 0 ? weights.map((weight) => weight / sum) : weights;
}

function sameRecord<V>(a: Record<string, V>, b: Record<string, V>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && String(a[key]) === String(b[key]));
}

export function same(a: Settings, b: Settings): boolean {
  return (
    a === b ||
    (a.target_tokens === b.target_tokens &&
      a.repetition === b.repetition &&
      a.kl === b.kl &&
      sameRecord(a.bounds, b.bounds) &&
      sameRecord(a.groups, b.groups) &&
      sameRecord(a.task_weights, b.task_weights) &&
      sameRecord(a.fixed, b.fixed))
  );
}
