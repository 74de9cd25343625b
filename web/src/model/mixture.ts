/** The content of `mixture.json`, version 2, as docs/mixture-json.md describes it: what the pages read of it. */

export const VERSION = 2;

export interface MixtureFile {
  format: string;
  version: number;
  olmix: string;
  config_hash: string;
  runs: number;
  fitted_runs: number;
  domains: DomainEntry[];
  dead_domains: string[];
  /** Tokens of the final run. */
  target_tokens: number | null;
  /** How often the final run may see each token; null where repetition is not limited. */
  repetition_factor: number | null;
  groups: GroupEntry[];
  prices?: PriceEntry[];
  law: LawEntry;
  optimizer: OptimizerEntry | null;
  predicted: number | null;
  natural: number | null;
  gain: number | null;
  gain_interval: Interval | null;
  baselines: { name: string; predicted: number | null; gain: number | null }[];
  rivals: RivalEntry[];
  notices: string[];
}

export interface Interval {
  low: number;
  high: number;
}

export type Limit = 'cap' | 'max' | 'min' | 'held';

export interface DomainEntry {
  name: string;
  tokens: number | null;
  prior: number;
  weight: number | null;
  ratio: number | null;
  interval: Interval | null;
  epochs: number | null;
  cap: number | null;
  min: number;
  max: number;
  limit: Limit | null;
  kl_reference: number | null;
}

export interface GroupEntry {
  name: string;
  domains: string[];
  min: number;
  max: number;
  weight: number | null;
  limit: Limit | null;
}

export interface PriceEntry {
  domain?: string;
  group?: string;
  limit: Limit;
  bound: number;
  loosening: number | null;
  tightening: number | null;
  loosened: { by: number; predicted: number; change: number } | null;
  without: { predicted: number; change: number } | null;
}

export interface OptimizerEntry {
  kind: string;
  worst: boolean;
  kl_reg: number | null;
  status: string;
  objective: number | null;
  kl: number | null;
  duality_gap: number | null;
  effective_domains: number;
  run: string | null;
}

export interface RivalEntry {
  options: { type?: string } & Record<string, unknown>;
  natural: number | null;
  predicted: number | null;
  gain: number | null;
}

export interface LawEntry {
  kind: string;
  /** Mixtures of the runs; for Gaussian processes only. */
  mixtures?: number[][];
  tasks: TaskEntry[];
}

export interface TaskEntry {
  name: string;
  family: string;
  /** Share in the average. */
  weight: number;
  direction: 'min' | 'max';
  offset: number;
  law: LawCoefficients | null;
  predicted: number | null;
  natural: number | null;
}

export type Basis = { power: number } | { log: number };

/** The laws of docs/mixture-json.md, `law.tasks[].law`. Every list is in the order of the domains. */
export type LawCoefficients =
  | { type: 'log_linear'; log_c: number; t: number[] }
  | { type: 'saturating'; log_c: number; level: number; bases: Basis[]; v: number[][] }
  | { type: 'effective_data'; log_c: number; level: number; power: number; kappa: number; v: number[]; u?: number[] }
  | { type: 'autoscale'; c: number; a: number[]; gamma: number[]; tokens: number }
  | { type: 'bimix'; f: number[]; alpha: number[]; epsilon: number }
  | { type: 'repeated'; repeats: { r_star: number; epochs: number[] }; law: LawCoefficients }
  | { type: 'averaged'; weights: number[]; laws: LawCoefficients[] }
  | { type: 'calibrated'; scale: number; shift: number; law: LawCoefficients }
  | {
      type: 'gp';
      /** Of an isotropic kernel; the three others are of a kernel by domain. */
      length_scale?: number;
      log_length_scales?: number[];
      length_scales?: number[];
      rounding?: number;
      constant: number;
      mean: number;
      sd: number;
      alpha: number[];
      live: number[];
    }
  | {
      type: 'lightgbm';
      base: number;
      roots: number[];
      feature: number[];
      threshold: number[];
      children: number[];
      leaf: number[];
    };

/** Reads the text of a `mixture.json`; an error says what is wrong with it. */
export function readMixture(text: string): MixtureFile {
  return asMixture(JSON.parse(text));
}

/** Checks that a value is a `mixture.json` that this page can read. */
export function asMixture(value: unknown): MixtureFile {
  const file = value as Partial<MixtureFile> | null;
  if (typeof file !== 'object' || file === null || file.format !== 'olmix-mixture') {
    throw new Error('this is not a mixture.json of olmix');
  }
  if (typeof file.version !== 'number' || file.version > VERSION) {
    throw new Error(
      `mixture.json has version ${String(file.version)}, and this page reads versions up to ${VERSION}; use the olmix that wrote it`,
    );
  }
  return file as MixtureFile;
}
