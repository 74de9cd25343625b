//! Bounded nonlinear least squares: Levenberg–Marquardt with projection.
//!
//! Minimizes `½ Σ_k w_k r_k(x)²` over a box. Each step solves `(JᵀWJ + μ diag(JᵀWJ)) d = −JᵀWr`
//! (Marquardt's scaling, so that units of the parameters do not matter), without the parameters that
//! are held on their bound because the sum would fall only beyond it, and ends at the box.

use faer::Mat;

use super::linalg::{Cholesky, transpose_times, weighted_gram};

/// A sum of squares over a box.
pub(crate) trait Model {
    /// Number of parameters.
    fn parameters(&self) -> usize;
    /// Least and greatest value of parameter `i`; either may be infinite.
    fn bounds(&self, i: usize) -> (f64, f64);
    /// Fills the residuals at `x` (length `K`) and their Jacobian (`K ×` parameters).
    fn evaluate(&self, x: &[f64], residuals: &mut [f64], jacobian: &mut Mat<f64>);
}

/// Where a descent ended.
#[derive(Debug, Clone)]
pub(crate) struct Minimum {
    pub x: Vec<f64>,
    /// `½ Σ w r²`.
    pub value: f64,
    pub iterations: usize,
    /// Whether a further step promises too little to be worth it.
    pub converged: bool,
}

const MAX_ITERATIONS: usize = 1000;
const MAX_TRIALS: usize = 40;
/// Below this damping a short step says something about convergence.
const LIGHT_DAMPING: f64 = 1e-2;

/// Descends from `x` until a step promises less than `tolerance` of the value. `w` holds a weight
/// per run, of length `K`. Deterministic, single-threaded.
pub(crate) fn minimize(model: &impl Model, w: &[f64], x: Vec<f64>, tolerance: f64) -> Minimum {
    let size = model.parameters();
    let mut cholesky = Cholesky::new(size);
    let mut gram = Mat::zeros(size, size);
    let mut scratch = Mat::zeros(w.len(), size);
    let mut here = Point::new(model, w, x);
    let mut there = here.clone();
    let (mut gradient, mut step) = (vec![0.0; size], vec![0.0; size]);
    let mut damping = 1e-2;
    let mut iterations = 0;
    let mut converged = false;
    'descent: while iterations < MAX_ITERATIONS {
        let weighted: Vec<f64> = here.residuals.iter().zip(w).map(|(r, w)| r * w).collect();
        transpose_times(&here.jacobian, &weighted, &mut gradient);
        let held: Vec<bool> = (0..size)
            .map(|i| {
                let (low, high) = model.bounds(i);
                here.x[i] <= low && gradient[i] > 0.0 || here.x[i] >= high && gradient[i] < 0.0
            })
            .collect();
        weighted_gram(&here.jacobian, w, &mut scratch, gram.as_mut());
        for i in (0..size).filter(|&i| held[i]) {
            for j in 0..size {
                gram[(i.max(j), i.min(j))] = 0.0;
            }
            gram[(i, i)] = 1.0;
        }
        for _ in 0..MAX_TRIALS {
            let largest = (0..size).map(|i| gram[(i, i)]).fold(0.0, f64::max);
            let floor = 1e-14 * largest.max(1e-300);
            let shift = |i: usize| damping * gram[(i, i)] + floor;
            if !cholesky.factor(&gram, shift) {
                damping = (4.0 * damping).max(1e-10);
                continue;
            }
            for i in 0..size {
                step[i] = if held[i] { 0.0 } else { -gradient[i] };
            }
            cholesky.solve(&mut step);
            let slope: f64 = step.iter().zip(&gradient).map(|(d, g)| d * g).sum();
            let promised = -0.5 * slope;
            let light = damping <= LIGHT_DAMPING;
            if light && promised <= tolerance * here.value {
                converged = true;
                break 'descent;
            }
            for i in 0..size {
                let (low, high) = model.bounds(i);
                there.x[i] = (here.x[i] + step[i]).clamp(low, high);
            }
            there.evaluate(model, w);
            let fall = here.value - there.value;
            if there.value.is_finite() && fall > 0.0 {
                std::mem::swap(&mut here, &mut there);
                iterations += 1;
                let kept = fall / promised;
                if kept > 0.75 {
                    damping = (0.1 * damping).max(1e-14);
                } else if kept < 0.25 {
                    damping = (4.0 * damping).max(1e-10);
                }
                continue 'descent;
            }
            if light && promised <= 1e-9 * here.value {
                converged = true;
                break 'descent;
            }
            damping = (4.0 * damping).max(1e-10);
        }
        // No damping helps: rounding hides what is left to gain, or the box does.
        break;
    }
    Minimum {
        x: here.x,
        value: here.value,
        iterations,
        converged,
    }
}

#[derive(Clone)]
struct Point {
    x: Vec<f64>,
    residuals: Vec<f64>,
    jacobian: Mat<f64>,
    value: f64,
}

impl Point {
    fn new(model: &impl Model, w: &[f64], x: Vec<f64>) -> Self {
        let mut point = Self {
            residuals: vec![0.0; w.len()],
            jacobian: Mat::zeros(w.len(), model.parameters()),
            value: 0.0,
            x,
        };
        point.evaluate(model, w);
        point
    }

    fn evaluate(&mut self, model: &impl Model, w: &[f64]) {
        model.evaluate(&self.x, &mut self.residuals, &mut self.jacobian);
        let squares = self.residuals.iter().zip(w).map(|(r, w)| w * r * r);
        self.value = 0.5 * squares.sum::<f64>();
    }
}

/// The least minimum from several starts, with how many starts there were and how many ended
/// within 1e-6 of it.
pub(crate) fn least(
    model: &impl Model,
    w: &[f64],
    starts: Vec<Vec<f64>>,
    tolerance: f64,
) -> (Minimum, usize, usize) {
    let tried = starts.len();
    let minima: Vec<Minimum> = starts
        .into_iter()
        .map(|start| minimize(model, w, start, tolerance))
        .collect();
    let least = minima.iter().map(|m| m.value).fold(f64::INFINITY, f64::min);
    let same = |minimum: &&Minimum| minimum.value <= least * (1.0 + 1e-6);
    let at_best = minima.iter().filter(same).count();
    let iterations = minima.iter().map(|m| m.iterations).sum();
    let best = minima.into_iter().find(|minimum| minimum.value <= least);
    let best = best.map_or_else(
        || Minimum {
            x: vec![0.0; model.parameters()],
            value: f64::NAN,
            iterations: 0,
            converged: false,
        },
        |best| Minimum { iterations, ..best },
    );
    (best, tried, at_best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's function as squares, in a box.
    struct Rosenbrock(f64);

    impl Model for Rosenbrock {
        fn parameters(&self) -> usize {
            2
        }

        fn bounds(&self, i: usize) -> (f64, f64) {
            (
                f64::NEG_INFINITY,
                if i == 0 { self.0 } else { f64::INFINITY },
            )
        }

        fn evaluate(&self, x: &[f64], residuals: &mut [f64], jacobian: &mut Mat<f64>) {
            residuals[0] = 10.0 * (x[1] - x[0] * x[0]);
            residuals[1] = 1.0 - x[0];
            jacobian[(0, 0)] = -20.0 * x[0];
            jacobian[(0, 1)] = 10.0;
            jacobian[(1, 0)] = -1.0;
            jacobian[(1, 1)] = 0.0;
        }
    }

    #[test]
    fn known_minima_are_found_inside_and_on_the_box() {
        for (limit, expected) in [(f64::INFINITY, [1.0, 1.0]), (0.5, [0.5, 0.25])] {
            let found = minimize(&Rosenbrock(limit), &[1.0; 2], vec![-1.2, 1.0], 1e-13);
            assert!(found.converged);
            for (x, expected) in found.x.iter().zip(expected) {
                assert!((x - expected).abs() < 1e-6, "{x} for {expected}");
            }
        }
    }
}
