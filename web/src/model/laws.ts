/**
 * The laws, evaluated. The formulas are those of docs/mixture-json.md; results agree with the Rust laws to a few units in the
 * last place, which a test in the browser holds them to.
 */
import type { Basis, LawCoefficients, MixtureFile } from './mixture';

/** Exponents are cut here, where a law has long left anything that was measured. */
const MAX_EXPONENT = 300;

/** A law that is ready to be evaluated at mixtures over all domains. */
export type Predict = (p: ArrayLike<number>) => number;

/** The laws of a mixture.json, a function for each task in their order; empty where it has none. */
export function lawsOf(file: MixtureFile): Predict[] {
  const laws = file.law.tasks.map((task) => task.law);
  if (laws.some((law) => law === null)) return [];
  const runs = (file.law.mixtures ?? []).map((row) => Float64Array.from(row));
  return laws.map((law) => predictor(law as LawCoefficients, runs));
}

/** A function that evaluates a law; `runs` are the mixtures that Gaussian processes compare with. */
export function predictor(law: LawCoefficients, runs: Float64Array[] = []): Predict {
  switch (law.type) {
    case 'log_linear':
      return logLinear(law);
    case 'saturating':
      return saturating(law);
    case 'effective_data':
      return effectiveData(law);
    case 'autoscale':
      return autoscale(law);
    case 'bimix':
      return bimix(law);
    case 'gp':
      return gaussianProcess(law, runs);
    case 'lightgbm':
      return trees(law);
    case 'repeated': {
      const effective = effectiveWeights(law.repeats);
      const ofEffective = predictor(law.law, runs);
      return (p) => ofEffective(effective(p));
    }
    case 'averaged': {
      const { weights } = law;
      const laws = law.laws.map((part) => predictor(part, runs));
      return (p) => laws.reduce((sum, loss, k) => sum + weights[k]! * loss(p), 0);
    }
    case 'calibrated': {
      const { scale, shift } = law;
      const ofProxies = predictor(law.law, runs);
      return (p) => shift + scale * ofProxies(p);
    }
    default: {
      const unknown = law as { type?: unknown };
      throw new Error(`this page doesn't know the law \`${String(unknown.type)}\``);
    }
  }
}

/** What repeated tokens are worth: up to one epoch a weight is itself, and grows ever more slowly beyond. */
function effectiveWeights(repeats: Of<'repeated'>['repeats']): (p: ArrayLike<number>) => number[] {
  const { r_star: rStar, epochs } = repeats;
  return (p) =>
    epochs.map((e, j) => {
      const repeated = (e * p[j]! - 1) / rStar;
      return repeated > 0 ? (1 - rStar * Math.expm1(-repeated)) / e : p[j]!;
    });
}

type Of<T extends LawCoefficients['type']> = Extract<LawCoefficients, { type: T }>;

function logLinear(law: Of<'log_linear'>): Predict {
  const c = Math.exp(law.log_c);
  const t = Float64Array.from(law.t);
  return (p) => {
    let exponent = 0;
    for (let j = 0; j < t.length; j++) exponent += t[j]! * p[j]!;
    return c + Math.exp(Math.min(exponent, MAX_EXPONENT));
  };
}

function basis(of: Basis): (p: number) => number {
  if ('log' in of) {
    const epsilon = of.log;
    return (p) => Math.log1p(p / epsilon);
  }
  const power = of.power;
  if (power === 1) return (p) => p;
  if (power === 0.5) return Math.sqrt;
  return (p) => Math.pow(p, power);
}

function saturating(law: Of<'saturating'>): Predict {
  const c = Math.exp(law.log_c);
  const terms = law.bases.map((of, i) => ({ value: basis(of), v: Float64Array.from(law.v[i]!) }));
  return (p) => {
    let exponent = law.level;
    for (const { value, v } of terms) {
      for (let j = 0; j < v.length; j++) {
        if (v[j]! > 0) exponent -= v[j]! * value(p[j]!);
      }
    }
    return c + Math.exp(Math.min(exponent, MAX_EXPONENT));
  };
}

function effectiveData(law: Of<'effective_data'>): Predict {
  const { level, power, kappa, v } = law;
  const c = Math.exp(law.log_c);
  const u = law.u ?? [];
  const phi = basis({ power });
  return (p) => {
    let amount = 0;
    for (let j = 0; j < v.length; j++) {
      if (v[j]! > 0) amount += v[j]! * phi(p[j]!);
    }
    const x = kappa * amount;
    // log(1 + x)/x is 1 − x/2 to all digits there.
    let exponent = level - (x < 1e-8 ? amount * (1 - 0.5 * x) : Math.log1p(x) / kappa);
    for (let j = 0; j < u.length; j++) exponent += u[j]! * p[j]!;
    return c + Math.exp(Math.min(exponent, MAX_EXPONENT));
  };
}

function autoscale({ c, a, gamma, tokens }: Of<'autoscale'>): Predict {
  return (p) => {
    let loss = 0;
    for (let j = 0; j < a.length; j++) {
      if (gamma[j]! > 0) loss += Math.pow(tokens * (a[j]! + p[j]!), -gamma[j]!);
    }
    return c + loss;
  };
}

function bimix({ f, alpha, epsilon }: Of<'bimix'>): Predict {
  return (p) => {
    let loss = 0;
    for (let j = 0; j < f.length; j++) {
      if (f[j]! > 0) loss += f[j]! * Math.pow(Math.max(p[j]!, epsilon), -alpha[j]!);
    }
    return loss;
  };
}

/** Added to a weight before its logarithm is taken. */
const LEAST_SHARE = 3e-4;

function gaussianProcess(law: Of<'gp'>, runs: Float64Array[]): Predict {
  const { alpha, constant, mean, sd } = law;
  if (runs.length !== alpha.length) throw new Error('a Gaussian process needs the mixtures of its runs');
  const likeness = law.length_scale === undefined ? byDomain(law, runs) : isotropic(law, law.length_scale, runs);
  return (p) => {
    const near = likeness(p);
    let sum = 0;
    for (let k = 0; k < alpha.length; k++) sum += constant * near[k]! * alpha[k]!;
    return mean + sd * sum;
  };
}

/** How alike a mixture is to every run. */
type Likeness = (p: ArrayLike<number>) => Float64Array;

function isotropic({ live }: Of<'gp'>, length: number, runs: Float64Array[]): Likeness {
  const scale = -0.5 / (length * length);
  const near = new Float64Array(runs.length);
  return (p) => {
    for (let k = 0; k < runs.length; k++) {
      const x = runs[k]!;
      let distance = 0;
      for (const j of live) {
        const d = p[j]! - x[j]!;
        distance += d * d;
      }
      near[k] = Math.exp(scale * distance);
    }
    return near;
  };
}

function byDomain(law: Of<'gp'>, runs: Float64Array[]): Likeness {
  const { live, log_length_scales: logs, length_scales: shares, rounding } = law;
  if (logs === undefined || shares === undefined || rounding === undefined) {
    throw new Error('a Gaussian process needs its length scales');
  }
  const inverse = [...logs, ...shares].map((length) => 1 / length);
  const inputs = (p: ArrayLike<number>) =>
    [...live.map((j) => Math.log(Math.max(p[j]!, 0) + LEAST_SHARE)), ...live.map((j) => p[j]!)].map((z, i) => z * inverse[i]!);
  const scaled = runs.map((x) => Float64Array.from(inputs(x)));
  const near = new Float64Array(runs.length);
  return (p) => {
    const at = inputs(p);
    for (let k = 0; k < scaled.length; k++) {
      const x = scaled[k]!;
      let sum = 0;
      for (let i = 0; i < at.length; i++) {
        const t = (x[i]! - at[i]!) * (1 / rounding);
        sum += Math.sqrt(1 + t * t);
      }
      near[k] = Math.exp(-rounding * (sum - at.length));
    }
    return near;
  };
}

function trees({ base, roots, feature, threshold, children, leaf }: Of<'lightgbm'>): Predict {
  return (p) => {
    let loss = base;
    for (const root of roots) {
      let node = root;
      while (node >= 0) {
        const right = p[feature[node]!]! > threshold[node]! ? 1 : 0;
        node = children[2 * node + right]!;
      }
      loss += leaf[-1 - node]!;
    }
    return loss;
  };
}
