//! Length scales by domain with the greatest marginal likelihood.
//!
//! With `A = R + g I`, `R` the likeness between the runs, the best constant is `c = zᵀA⁻¹z / K`, and what is minimized is
//!
//! ```text
//! ½ K ln c + ½ ln |A| + penalties,   its slope ½ tr((A⁻¹ − α αᵀ / c) ∂A),   α = A⁻¹ z
//! ```
//!
//! Logarithms of length scales are pulled to their common value, one for logarithms of weights and one for weights, so that
//! a process has as many of them as its runs tell apart. From 256 runs on, lengths are those of 256 runs spread over all:
//! more change them little, and cost eight times as much where they are twice as many.

use faer::Mat;

use super::kernel::{Kernel, inputs};
use crate::law::numerics::{Cholesky, descend};
use crate::{Matrix, vector};

/// Runs that lengths are found from, at most.
const MOST_RUNS: usize = 256;
/// Standard deviations of what is pulled: logarithms of lengths, of `δ` around 0.3 and of `g` around 0.01.
const SPREAD: f64 = 2.0;
const ROUNDING: (f64, f64) = (0.3, 3.0);
const NOISE: (f64, f64) = (0.01, 3.0);
/// Added to `g`.
const LEAST_NOISE: f64 = 1e-6;
const ITERATIONS: usize = 60;
/// In units of log likelihood.
const PRECISION: f64 = 1e-2;

/// A kernel by domain and `g`, the noise of a run in units of the constant.
pub(super) struct Lengths {
    pub kernel: Kernel,
    pub noise_ratio: f64,
    /// What the penalties take off the log likelihood, at least 0.
    pub penalty: f64,
    pub iterations: usize,
}

/// The lengths that losses `z` (mean 0 and standard deviation 1, length `K`) are likeliest by. `None` where no start has a
/// likelihood.
pub(super) fn likeliest_lengths(mixtures: &Matrix, live: &[usize], z: &[f64]) -> Option<Lengths> {
    let all = mixtures.rows();
    let size = all.min(MOST_RUNS);
    let rows: Vec<usize> = (0..size).map(|k| k * all / size).collect();
    let count = 2 * live.len();
    let mut columns = vec![0.0; count * size];
    for (k, &row) in rows.iter().enumerate() {
        for (i, value) in inputs(live, mixtures.row(row)).enumerate() {
            columns[i * size + k] = value;
        }
    }
    let z: Vec<f64> = rows.iter().map(|&row| z[row]).collect();
    let start = start(&columns, size, live.len());
    let mut objective = Objective {
        size,
        live: live.len(),
        columns,
        z,
        cholesky: Cholesky::new(size),
        likeness: Mat::zeros(size, size),
        inverse: Mat::zeros(size, size),
        scratch: vec![0.0; 4 * size],
    };
    let found = descend(
        &mut |theta, slope| objective.evaluate(theta, slope),
        start,
        (1.0, PRECISION),
        ITERATIONS,
    );
    if !found.value.is_finite() {
        return None;
    }
    let theta = &found.point;
    let length = |i: usize| (theta[i / live.len()] + theta[2 + i]).exp();
    Some(Lengths {
        kernel: Kernel::ByDomain {
            log_length_scales: (0..live.len()).map(length).collect(),
            length_scales: (live.len()..count).map(length).collect(),
            rounding: theta[count + 2].exp(),
        },
        noise_ratio: theta[count + 3].exp() + LEAST_NOISE,
        penalty: penalties(theta, &mut vec![0.0; theta.len()]),
        iterations: found.iterations,
    })
}

/// Common logarithms of lengths, how far that of each input is off, and the logarithms of `δ` and `g`: lengths are
/// such that the inputs of each kind take a half off the exponent between two runs that are as far apart as usual.
fn start(columns: &[f64], size: usize, live: usize) -> Vec<f64> {
    let spread = |i: usize| {
        let column = &columns[i * size..(i + 1) * size];
        let mean = column.iter().sum::<f64>() / size as f64;
        (column.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / size as f64).sqrt()
    };
    let common = |kind: usize| {
        let sum: f64 = (kind * live..(kind + 1) * live).map(spread).sum();
        (2.0 * sum).max(1e-6).ln()
    };
    let mut theta = vec![common(0), common(1)];
    theta.extend(std::iter::repeat_n(0.0, 2 * live));
    theta.extend([ROUNDING.0.ln(), NOISE.0.ln()]);
    theta
}

/// The penalties; adds their slopes.
fn penalties(theta: &[f64], slope: &mut [f64]) -> f64 {
    let last = theta.len() - 1;
    let mut sum = 0.0;
    let mut pull = |i: usize, center: f64, spread: f64| {
        let off = (theta[i] - center) / spread;
        slope[i] += off / spread;
        sum += 0.5 * off * off;
    };
    (2..last - 1).for_each(|i| pull(i, 0.0, SPREAD));
    pull(last - 1, ROUNDING.0.ln(), ROUNDING.1);
    pull(last, NOISE.0.ln(), NOISE.1);
    sum
}

struct Objective {
    size: usize,
    live: usize,
    /// Inputs, `inputs × runs` row by row.
    columns: Vec<f64>,
    z: Vec<f64>,
    cholesky: Cholesky,
    /// `R`, its lower triangle.
    likeness: Mat<f64>,
    inverse: Mat<f64>,
    scratch: Vec<f64>,
}

impl Objective {
    fn evaluate(&mut self, theta: &[f64], slope: &mut [f64]) -> f64 {
        let (size, count) = (self.size, 2 * self.live);
        let rounding = theta[count + 2].exp();
        let ratio = theta[count + 3].exp();
        // Over δ as well, which leaves one multiplication in the innermost loop.
        let inverse: Vec<f64> = (0..count)
            .map(|i| (-theta[i / self.live] - theta[2 + i]).exp() / rounding)
            .collect();
        if inverse.iter().any(|i| !i.is_finite()) || !(rounding.is_finite() && ratio.is_finite()) {
            return f64::INFINITY;
        }
        for k in 0..size {
            let sums = &mut self.scratch[..size - k];
            sums.fill(0.0);
            for (i, inverse) in inverse.iter().enumerate() {
                let column = &self.columns[i * size + k..(i + 1) * size];
                vector::add_roots(sums, column, column[0], *inverse);
            }
            for sum in sums.iter_mut() {
                *sum = -rounding * (*sum - count as f64);
            }
            vector::exp(sums);
            self.likeness.col_as_slice_mut(k)[k..].copy_from_slice(sums);
        }
        if !self
            .cholesky
            .factor(&self.likeness, |_| ratio + LEAST_NOISE)
        {
            return f64::INFINITY;
        }
        let mut alpha = self.z.clone();
        self.cholesky.solve(&mut alpha);
        let quadratic: f64 = alpha.iter().zip(&self.z).map(|(a, z)| a * z).sum();
        let constant = quadratic / size as f64;
        if constant.is_nan() || constant <= 0.0 {
            return f64::INFINITY;
        }
        self.cholesky.invert(&mut self.inverse);
        slope.fill(0.0);
        self.add_slopes(&inverse, rounding, &alpha, constant, slope);
        let trace: f64 = (0..size)
            .map(|k| self.inverse[(k, k)] - alpha[k] * alpha[k] / constant)
            .sum();
        slope[count + 3] = 0.5 * ratio * trace;
        let half = 0.5 * (size as f64 * constant.ln() + self.cholesky.log_determinant());
        half + penalties(theta, slope)
    }

    /// With `t` the difference over `δℓ` and `r = √(1 + t²)`: `∂R/∂ln ℓ = R δ t²/r`, `∂R/∂ln δ = R δ (t²/r − r + 1)`.
    fn add_slopes(
        &mut self,
        inverse: &[f64],
        rounding: f64,
        alpha: &[f64],
        constant: f64,
        slope: &mut [f64],
    ) {
        let (size, count) = (self.size, 2 * self.live);
        for k in 0..size {
            let below = size - k;
            let (weights, terms) = self.scratch.split_at_mut(size);
            let weights = &mut weights[..below];
            let likeness = &self.likeness.col_as_slice(k)[k..];
            let of_inverse = &self.inverse.col_as_slice(k)[k..];
            // Both triangles at once: the half of the formula is gone. On the diagonal all differences are 0.
            for (l, weight) in weights.iter_mut().enumerate() {
                let m = of_inverse[l] - alpha[k] * alpha[k + l] / constant;
                *weight = m * likeness[l] * rounding;
            }
            for (i, inverse) in inverse.iter().enumerate() {
                let column = &self.columns[i * size + k..(i + 1) * size];
                let (squares, roots) = terms.split_at_mut(size);
                let (squares, roots) = (&mut squares[..below], &mut roots[..below]);
                for l in 0..below {
                    let t = (column[l] - column[0]) * inverse;
                    let root = (1.0 + t * t).sqrt();
                    squares[l] = weights[l] * (t * t) / root;
                    roots[l] = weights[l] * (root - 1.0);
                }
                let of_length = sum(squares);
                slope[2 + i] += of_length;
                slope[i / self.live] += of_length;
                slope[count + 2] += of_length - sum(roots);
            }
        }
    }
}

/// In four parts, which a processor adds side by side.
fn sum(values: &[f64]) -> f64 {
    let mut parts = [0.0; 4];
    let chunks = values.chunks_exact(4);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        parts.iter_mut().zip(chunk).for_each(|(part, x)| *part += x);
    }
    (parts[0] + parts[1]) + (parts[2] + parts[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slope_of_the_likelihood_is_that_of_finite_differences() {
        let (size, live) = (20, 3);
        let wave = |k: usize, i: usize| ((3 * k + 5 * i) as f64).sin();
        let columns: Vec<f64> = (0..2 * live)
            .flat_map(|i| (0..size).map(move |k| wave(k, i)))
            .collect();
        let mut objective = Objective {
            size,
            live,
            columns,
            z: (0..size).map(|k| wave(k, 7)).collect(),
            cholesky: Cholesky::new(size),
            likeness: Mat::zeros(size, size),
            inverse: Mat::zeros(size, size),
            scratch: vec![0.0; 4 * size],
        };
        let theta: Vec<f64> = (0..2 * live + 4)
            .map(|i| 0.3 * wave(i, 2) - f64::from(u8::from(i > 7)))
            .collect();
        let mut slope = vec![0.0; theta.len()];
        objective.evaluate(&theta, &mut slope);
        for (i, slope) in slope.iter().enumerate() {
            let mut at = |step: f64| {
                let mut moved = theta.clone();
                moved[i] += step;
                objective.evaluate(&moved, &mut vec![0.0; theta.len()])
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (slope - difference).abs() < 1e-6 * (1.0 + slope.abs()),
                "{i}: {slope} {difference}"
            );
        }
    }
}
