//! How alike two mixtures are to a Gaussian process.

use serde::{Deserialize, Serialize};

use crate::{Matrix, vector};

/// The likeness of two mixtures, 1 for equal ones: a function of the weights of the domains that some run sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kernel {
    /// `exp(−‖p − x‖² / 2ℓ²)`.
    Isotropic {
        /// `ℓ`, in units of weight.
        length_scale: f64,
    },
    /// `exp(−Σ_i h(|z_i(p) − z_i(x)| / ℓ_i))` over the inputs `ln(p_j + 3e-4)` and `p_j` of every domain, with
    /// `h(t) = δ (√(1 + (t/δ)²) − 1)`: `t` far from 0 and a parabola near it. A product over inputs follows losses that
    /// change where one domain's weight passes some value; the logarithm follows what a domain's first thousandths do.
    ByDomain {
        /// `ℓ` of the logarithms, one for each live domain, above 0.
        log_length_scales: Vec<f64>,
        /// `ℓ` of the weights, one for each live domain, above 0.
        length_scales: Vec<f64>,
        /// `δ`, above 0.
        rounding: f64,
    },
}

/// Added to a weight before its logarithm is taken.
pub(super) const LEAST_SHARE: f64 = 3e-4;

/// The inputs of a [`Kernel::ByDomain`] at `p`: logarithms of the live domains, then their weights.
pub(super) fn inputs<'a>(live: &'a [usize], p: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let logs = live.iter().map(|&j| (p[j].max(0.0) + LEAST_SHARE).ln());
    logs.chain(live.iter().map(|&j| p[j]))
}

/// A kernel with what it needs of the runs, ready to compare mixtures with them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Near {
    /// Runs.
    size: usize,
    /// Inputs of the runs over their length scales, `inputs × runs` row by row; none of an isotropic kernel.
    scaled: Vec<f64>,
    /// `1/ℓ` of each input.
    inverse: Vec<f64>,
}

impl Near {
    pub fn new(kernel: &Kernel, live: &[usize], runs: &Matrix) -> Self {
        let inverse: Vec<f64> = match kernel {
            Kernel::Isotropic { .. } => Vec::new(),
            Kernel::ByDomain {
                log_length_scales,
                length_scales,
                ..
            } => {
                let lengths = log_length_scales.iter().chain(length_scales);
                lengths.map(|length| 1.0 / length).collect()
            }
        };
        let size = runs.rows();
        let mut scaled = vec![0.0; inverse.len() * size];
        // A law of a file whose lists don't fit its domains is refused before it predicts anything.
        if inverse.len() == 2 * live.len() && live.iter().all(|&j| j < runs.columns()) {
            for k in 0..size {
                for (i, z) in inputs(live, runs.row(k)).enumerate() {
                    scaled[i * size + k] = z * inverse[i];
                }
            }
        }
        Self {
            size,
            scaled,
            inverse,
        }
    }

    /// The likeness of `p` to every run, length `K`.
    pub fn likeness(&self, kernel: &Kernel, live: &[usize], runs: &Matrix, p: &[f64]) -> Vec<f64> {
        match kernel {
            Kernel::Isotropic { length_scale } => {
                let scale = -0.5 / (length_scale * length_scale);
                let distance =
                    |x: &[f64]| -> f64 { live.iter().map(|&j| (p[j] - x[j]).powi(2)).sum() };
                (0..runs.rows())
                    .map(|k| (scale * distance(runs.row(k))).exp())
                    .collect()
            }
            Kernel::ByDomain { rounding, .. } => {
                let mut sums = vec![0.0; self.size];
                for (i, z) in inputs(live, p).enumerate() {
                    let at = z * self.inverse[i];
                    vector::add_roots(&mut sums, self.row(i), at, 1.0 / rounding);
                }
                let count = self.inverse.len() as f64;
                for sum in &mut sums {
                    *sum = -rounding * (*sum - count);
                }
                vector::exp(&mut sums);
                sums
            }
        }
    }

    fn row(&self, input: usize) -> &[f64] {
        &self.scaled[input * self.size..(input + 1) * self.size]
    }

    /// Adds the slope at `p` of `Σ_k factors_k likeness_k` to `into` (length `m`), `factors` being that of every run
    /// times its likeness.
    pub fn add_slope(
        &self,
        kernel: &Kernel,
        (live, runs): (&[usize], &Matrix),
        p: &[f64],
        factors: &[f64],
        into: &mut [f64],
    ) {
        match kernel {
            Kernel::Isotropic { length_scale } => {
                let scale = -1.0 / (length_scale * length_scale);
                for (k, factor) in factors.iter().enumerate() {
                    let x = runs.row(k);
                    for &j in live {
                        into[j] += scale * factor * (p[j] - x[j]);
                    }
                }
            }
            Kernel::ByDomain { rounding, .. } => {
                for (i, z) in inputs(live, p).enumerate() {
                    let at = z * self.inverse[i];
                    let slope = |(factor, x): (&f64, &f64)| {
                        let t = (at - x) / rounding;
                        factor * t / (1.0 + t * t).sqrt()
                    };
                    let sum: f64 = factors.iter().zip(self.row(i)).map(slope).sum();
                    let j = live[i % live.len()];
                    let of_input = match i < live.len() {
                        true if p[j] < 0.0 => 0.0,
                        true => 1.0 / (p[j] + LEAST_SHARE),
                        false => 1.0,
                    };
                    into[j] -= sum * self.inverse[i] * of_input;
                }
            }
        }
    }
}
