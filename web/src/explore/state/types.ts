/** What the explorer's server says and is asked: the API of crates/olmix-explore. Lists are in the order of the mixture file. */
import type { MixtureFile, PriceEntry } from '../../model/mixture';

/** What a mixture is asked for. */
export interface Settings {
  target_tokens: number | null;
  repetition: number | null;
  kl: number;
  bounds: Record<string, [number, number]>;
  groups: Record<string, [number, number]>;
  /** Factors on the tasks' weights in the file; 1 where nothing stands. */
  task_weights: Record<string, number>;
  fixed: Record<string, number>;
}

export type Limit = 'cap' | 'max' | 'min' | 'held' | 'fixed';

export interface Solved {
  weights: number[];
  epochs: (number | null)[];
  caps: (number | null)[];
  binding: { domain?: string; group?: string; limit: Limit }[];
  losses: number[];
  natural: number[];
  average: number;
  natural_average: number;
  gain: number;
  kl: number;
  gap: number | null;
  status: string;
  nearest: { run: string; distance: number; typical?: number } | null;
  milliseconds: number;
}

export interface Model {
  mixture: MixtureFile;
  settings: Settings;
  config: string | null;
  runs_known: boolean;
  project: boolean;
  title: string;
  /** Whether every law is convex, so that a solution is the optimum. */
  exact?: boolean;
  /** What is worth saying about the files that were read. */
  notices?: string[];
  formats?: { name: string; help: string }[];
}

export interface Prediction {
  losses: number[];
  average: number;
  interval: { low: number; high: number } | null;
  alternatives: { law: string; average: number | null; gain: number | null }[];
  nearest: { run: string; distance: number; typical: number | null } | null;
  extrapolates: boolean;
  sentence: string;
}

export type Price = PriceEntry;

export interface Saved {
  path: string;
  text: string;
  command: string;
}

/** A run's mixture: a share for every domain, or only those that are not 0, by position. */
export type Shares = number[] | Record<string, number>;

export interface Run {
  id: string;
  state: string;
  weights: Shares;
  losses: (number | null)[] | null;
  progress: { tokens: number; target: number | null } | null;
  residuals: (number | null)[] | null;
  replicate_of: string | null;
  outlier: boolean;
}

export interface Swarm {
  version: number;
  source: string;
  runs: Run[];
}

export interface NextRuns {
  runs: { weights: Shares; why: string }[];
  sentence: string;
}

export interface ProjectRecord {
  id: string;
  kind: string;
  label: string;
  parents: string[];
  summary: string;
  cost: string | null;
  gain: number | string | null;
  mixture: boolean;
  date?: string | null;
}

export interface Project {
  records: ProjectRecord[];
  head: string | null;
}

export interface RecordedMixture {
  domains: { name: string; weight: number; prior?: number | null; tokens?: number | null }[];
}

export interface Plan {
  method: string;
  chosen: boolean;
  runs: number | null;
  cost: string | null;
  expected_loss: number | null;
  risk: string | null;
  why: string | null;
  free?: string[];
}
