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
  /** There is no mixture: only the runs and the project are shown. */
  bare?: boolean;
  config: string | null;
  runs_known: boolean;
  ledger?: boolean;
  project: boolean;
  title: string;
  /** Whether every law is convex, so that a solution is the optimum. */
  exact?: boolean;
  /** What is worth saying about the files that were read. */
  notices?: string[];
  formats?: { name: string; help: string }[];
}

export interface Interval {
  ready: boolean;
  low?: number;
  high?: number;
  confidence?: number;
}

export interface Prediction {
  losses: number[];
  average: number;
  /** Of the gain; not ready while laws of resampled runs are fitted, null where they can't be. */
  interval: Interval | null;
  /** What other laws of the same runs say; null while they are fitted. */
  alternatives: { law: string; average: number | null; gain: number | null }[] | null;
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
  progress: { tokens: number | null; target: number | null } | null;
  residuals: (number | null)[] | null;
  replicate_of: string | null;
  outlier: boolean;
  /** How many robust standard deviations its residual is from the median. */
  z?: number | null;
  /** Why it failed. */
  cause?: string | null;
}

export interface Swarm {
  version: number;
  source: string;
  domains: string[];
  tasks: string[];
  runs: Run[];
  notices?: string[];
}

export interface NextRuns {
  runs: { weights: Shares; why: string }[];
  sentence: string;
}

export interface Cost {
  runs: number;
  tokens: number;
  flops: number;
}

export interface ProjectRecord {
  id: string;
  kind: string;
  line: string | null;
  label: string;
  parents: string[];
  summary: string;
  cost: Cost | null;
  gain: number | null;
  over: { record: string; gain: number } | null;
  tags: string[];
  mixture: boolean;
  date: string;
}

export interface Project {
  /** Newest first. */
  records: ProjectRecord[];
  head: string | null;
  cost?: Cost;
}

export interface RecordedMixture {
  domains: { name: string; weight: number; prior?: number | null; tokens?: number | null }[];
}

/** A plan of `olmix plan`, of one method, in words. */
export interface Plan {
  method: string | null;
  chosen: boolean;
  runs: number | null;
  cost: string | null;
  expected_loss: number | null;
  risk: string | null;
  why: string | null;
  error?: { message: string; help: string | null } | null;
}
