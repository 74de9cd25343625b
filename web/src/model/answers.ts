/**
 * Exact solutions around a fit, which stand in the page, and mixtures between them. docs/report.md has the layout; the Rust
 * side is crates/olmix-core/src/what_if and crates/olmix-report/src/report/data.rs.
 */
import type { MixtureFile } from './mixture';

/** As it stands in the page. */
export interface AnswersData {
  /** λ of the grid, ascending. */
  kl: number[];
  /** R / k of the grid, ascending, in tokens. */
  sizes: number[];
  /** Domain and least weight, by domain and then by weight. */
  floors: [domain: number, least: number][];
  /** Family and the factor on its weight. */
  emphases: [family: string, factor: number][];
  /** Mixtures in rows of 32-bit floats, little-endian, in base64: without caps for each λ; for each size, each λ; floors; emphases. Not a
   *  number where no mixture satisfies the constraints. */
  weights: string;
}

/** A mixture that answers a question. */
export interface Answer {
  weights: ArrayLike<number>;
  /** Whether the solver found it; otherwise it lies between solutions. */
  exact: boolean;
}

export interface RunAnswer extends Answer {
  /** The nearest solution: R / k (null: no caps) and λ. */
  nearest: { size: number | null; kl: number };
}

export interface LevelAnswer extends Answer {
  /** The nearest level that was solved for. */
  nearest: number;
}

const SAME = 1e-9;
const same = (a: number, b: number) => Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b));

/** The knots around a value, and how far between them it is; held to the ends. */
function between(knots: number[], value: number, scale: (x: number) => number): [low: number, high: number, share: number] {
  const equal = knots.findIndex((knot) => same(knot, value));
  if (equal >= 0) return [equal, equal, 0];
  const after = knots.findIndex((knot) => knot > value);
  if (after === 0) return [0, 0, 0];
  if (after < 0) return [knots.length - 1, knots.length - 1, 0];
  const [low, high] = [scale(knots[after - 1]!), scale(knots[after]!)];
  return [after - 1, after, (scale(value) - low) / (high - low)];
}

export class Answers {
  readonly kl: number[];
  readonly sizes: number[];
  private readonly rows: Float32Array[] = [];
  private readonly floors = new Map<number, { least: number; row: Float32Array }[]>();
  private readonly emphases = new Map<string, { factor: number; row: Float32Array }[]>();
  /** The mixture of the fit, to the last bit. */
  readonly fitted: Float64Array;
  /** λ and R / k of the fit; null without caps. */
  readonly own: { size: number | null; kl: number };

  constructor(file: MixtureFile, data: AnswersData) {
    const m = file.domains.length;
    this.kl = data.kl;
    this.sizes = data.sizes;
    this.fitted = Float64Array.from(file.domains, (domain) => domain.weight ?? Number.NaN);
    const { target_tokens: target, repetition_factor: k } = file;
    const size = target !== null && k !== null ? target / k : null;
    const knot = size === null ? -1 : data.sizes.findIndex((one) => Math.abs(one / size - 1) < 1e-6);
    this.own = { size: knot >= 0 ? data.sizes[knot]! : null, kl: file.optimizer?.kl_reg ?? 0 };
    const bytes = Uint8Array.from(atob(data.weights), (c) => c.charCodeAt(0));
    const all = new Float32Array(bytes.buffer);
    for (let at = 0; at + m <= all.length; at += m) this.rows.push(all.subarray(at, at + m));
    const grid = data.kl.length * (1 + data.sizes.length);
    data.floors.forEach(([domain, least], i) => {
      const list = this.floors.get(domain) ?? [];
      list.push({ least, row: this.rows[grid + i]! });
      this.floors.set(domain, list);
    });
    data.emphases.forEach(([family, factor], i) => {
      const list = this.emphases.get(family) ?? [];
      list.push({ factor, row: this.rows[grid + data.floors.length + i]! });
      this.emphases.set(family, list);
    });
  }

  /** Number of solutions. */
  get count(): number {
    return this.rows.length;
  }

  private row(size: number, kl: number): ArrayLike<number> | null {
    const own = (size < 0 ? null : this.sizes[size]!) === this.own.size && same(this.kl[kl]!, this.own.kl);
    if (own) return this.fitted;
    const row = this.rows[(size + 1) * this.kl.length + kl]!;
    return Number.isNaN(row[0]!) ? null : row;
  }

  /** The mixture for R / k (null: without caps) and λ. Null where no mixture satisfies the constraints. */
  run(size: number | null, kl: number): RunAnswer | null {
    const [k0, k1, kShare] = between(this.kl, kl, (x) => x);
    let [s0, s1, sShare] = [-1, -1, 0];
    if (size !== null) {
      const last = this.sizes[this.sizes.length - 1];
      if (last === undefined || size > last * (1 + 1e-5)) return null;
      [s0, s1, sShare] = between(this.sizes, size, (x) => 1 / x);
    }
    const corners: [number, number, number][] = [
      [s0, k0, (1 - sShare) * (1 - kShare)],
      [s1, k0, sShare * (1 - kShare)],
      [s0, k1, (1 - sShare) * kShare],
      [s1, k1, sShare * kShare],
    ];
    const used = corners.filter((corner) => corner[2] > 0);
    const rows = used.map(([s, k]) => this.row(s, k));
    if (rows.some((row) => row === null)) return null;
    const heaviest = used.reduce((a, b) => (b[2] > a[2] ? b : a));
    const nearest = { size: heaviest[0] < 0 ? null : this.sizes[heaviest[0]]!, kl: this.kl[heaviest[1]]! };
    const inside = size === null || size >= this.sizes[0]! * (1 - SAME);
    const exact = used.length === 1 && same(kl, nearest.kl) && inside;
    return { weights: mix(rows as ArrayLike<number>[], used.map((corner) => corner[2])), exact, nearest };
  }

  /** The least weights of a domain that were solved for. */
  floorsOf(domain: number): number[] {
    return (this.floors.get(domain) ?? []).map((floor) => floor.least);
  }

  /** The mixture with a floor; that of the fit where the domain has so much already. */
  floor(domain: number, least: number): LevelAnswer {
    const own = this.fitted[domain]!;
    const knots = [{ at: own, row: this.fitted as ArrayLike<number> }];
    for (const floor of this.floors.get(domain) ?? []) knots.push({ at: floor.least, row: floor.row });
    return level(knots, Math.max(least, own));
  }

  /** The factors on a family's weight that were solved for, 1 among them. */
  factorsOf(family: string): number[] {
    const solved = (this.emphases.get(family) ?? []).map((emphasis) => emphasis.factor);
    return [...solved, 1].sort((a, b) => a - b);
  }

  /** The mixture with a family's weight multiplied. */
  emphasis(family: string, factor: number): LevelAnswer {
    const knots = [{ at: 1, row: this.fitted as ArrayLike<number> }];
    for (const one of this.emphases.get(family) ?? []) knots.push({ at: one.factor, row: one.row });
    knots.sort((a, b) => a.at - b.at);
    return level(knots, factor);
  }
}

function level(knots: { at: number; row: ArrayLike<number> }[], value: number): LevelAnswer {
  const [low, high, share] = between(knots.map((knot) => knot.at), value, (x) => x);
  const [a, b] = [knots[low]!, knots[high]!];
  if (share === 0) return { weights: a.row, exact: same(a.at, value), nearest: a.at };
  return { weights: mix([a.row, b.row], [1 - share, share]), exact: false, nearest: share < 0.5 ? a.at : b.at };
}

function mix(rows: ArrayLike<number>[], shares: number[]): ArrayLike<number> {
  if (rows.length === 1) return rows[0]!;
  const mixed = new Float64Array(rows[0]!.length);
  rows.forEach((row, i) => {
    for (let j = 0; j < mixed.length; j++) mixed[j]! += shares[i]! * row[j]!;
  });
  return mixed;
}
