/** A swarm or a project that has no mixture yet: what the views need of one, made from the names of the runs' tables. */
import { familiesOf } from '../../model/families';
import { solvedOfFile, type State } from './store';
import type { Model, Swarm } from './types';

/** The state with the domains and tasks that the runs have so far. */
export function withRuns(state: State, swarm: Swarm): State {
  const model = withoutMixture(state.model, swarm.domains, swarm.tasks);
  return { ...state, model, families: familiesOf(model.mixture), settings: model.settings, solved: solvedOfFile(model) };
}

export function withoutMixture(model: Model, domains: string[], tasks: string[]): Model {
  const domain = (name: string) => ({
    name,
    tokens: null,
    prior: 1 / domains.length,
    weight: 1 / domains.length,
    ratio: null,
    interval: null,
    epochs: null,
    cap: null,
    min: 0,
    max: 1,
    limit: null,
    kl_reference: null,
  });
  const task = (name: string) => ({
    name,
    family: name,
    weight: 1 / tasks.length,
    direction: 'min' as const,
    offset: 0,
    law: null,
    predicted: null,
    natural: null,
  });
  return {
    ...model,
    bare: true,
    runs_known: model.runs_known || model.ledger === true,
    settings: { target_tokens: null, repetition: null, kl: 0, bounds: {}, groups: {}, task_weights: {}, fixed: {} },
    mixture: {
      format: 'olmix-mixture',
      version: 2,
      olmix: '',
      config_hash: '',
      runs: 0,
      fitted_runs: 0,
      domains: domains.map(domain),
      dead_domains: [],
      target_tokens: null,
      repetition_factor: null,
      groups: [],
      law: { kind: '', tasks: tasks.map(task) },
      optimizer: null,
      predicted: null,
      natural: null,
      gain: null,
      gain_interval: null,
      baselines: [],
      rivals: [],
      notices: [],
    },
  };
}
