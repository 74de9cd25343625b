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

const MAX_ITERATIONS: usize = 300;
const MAX_TRIALS: usize = 40;
/// A minimum must be lower by this share to be another one.
const WORTHWHILE: f64 = 1e-7;
const MAX_DESCENTS: usize = 40;
/// Precision of a rough descent, and how far above the best it may end to be finished.
const ROUGH: f64 = 1e-4;
const ROUGH_ITERATIONS: usize = 200;
const PROMISING: f64 = 0.03;
/// Below this damping a short step says something about convergence.
const LIGHT_DAMPING: f64 = 1e-2;

/// Descends from `x` until a step promises less than `tolerance` of the value. `w` holds a weight
/// per run, of length `K`. Deterministic, single-threaded.
pub(crate) fn minimize(model: &impl Model, w: &[f64], x: Vec<f64>, tolerance: f64) -> Minimum {
    descend(model, w, x, tolerance, MAX_ITERATIONS)
}

fn descend(model: &impl Model, w: &[f64], x: Vec<f64>, tolerance: f64, most: usize) -> Minimum {
    let size = model.parameters();
    let mut newton = Newton {
        cholesky: Cholesky::new(size),
        gram: Mat::zeros(size, size),
        system: Mat::zeros(size, size),
        scratch: Mat::zeros(w.len(), size),
    };
    let mut here = Point::new(model, w, x);
    let mut there = here.clone();
    let mut gradient = vec![0.0; size];
    let mut damping = 1e-2;
    let mut iterations = 0;
    let mut converged = false;
    'descent: while iterations < most {
        let weighted: Vec<f64> = here.residuals.iter().zip(w).map(|(r, w)| r * w).collect();
        transpose_times(&here.jacobian, &weighted, &mut gradient);
        weighted_gram(&here.jacobian, w, &mut newton.scratch, newton.gram.as_mut());
        for _ in 0..MAX_TRIALS {
            let Some(step) = newton.step(model, &here.x, &gradient, damping) else {
                damping = (4.0 * damping).max(1e-10);
                continue;
            };
            let promised = newton.promise(&step, &gradient);
            // Parameters sent to their bounds can make the whole step lead uphill.
            let light = damping <= LIGHT_DAMPING && promised >= 0.0;
            if light && promised <= tolerance * here.value {
                converged = true;
                break 'descent;
            }
            for (i, (next, step)) in there.x.iter_mut().zip(&step).enumerate() {
                let (low, high) = model.bounds(i);
                *next = (here.x[i] + step).clamp(low, high);
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
        // No damping helps: rounding hides what is left to gain.
        break;
    }
    Minimum {
        x: here.x,
        value: here.value,
        iterations,
        converged,
    }
}

struct Newton {
    cholesky: Cholesky,
    /// `JᵀWJ`, lower triangle.
    gram: Mat<f64>,
    /// The same, damped and without the parameters that do not move freely.
    system: Mat<f64>,
    scratch: Mat<f64>,
}

impl Newton {
    fn entry(&self, i: usize, j: usize) -> f64 {
        self.gram[(i.max(j), i.min(j))]
    }

    /// The damped step inside the box. A parameter on its bound stays where the sum would fall only
    /// beyond it; one that the step would take out of the box goes to its bound, and the step of
    /// the others is found again with that known.
    fn step(
        &mut self,
        model: &impl Model,
        x: &[f64],
        gradient: &[f64],
        damping: f64,
    ) -> Option<Vec<f64>> {
        let size = x.len();
        let largest = (0..size).map(|i| self.gram[(i, i)]).fold(0.0, f64::max);
        let floor = 1e-14 * largest.max(1e-300);
        // The step of parameters that do not move freely.
        let mut fixed: Vec<Option<f64>> = (0..size)
            .map(|i| {
                let (low, high) = model.bounds(i);
                let stuck = x[i] <= low && gradient[i] > 0.0 || x[i] >= high && gradient[i] < 0.0;
                stuck.then_some(0.0)
            })
            .collect();
        for _ in 0..=size {
            let mut step: Vec<f64> = gradient.iter().map(|g| -g).collect();
            for i in 0..size {
                for j in 0..=i {
                    let free = fixed[i].is_none() && fixed[j].is_none();
                    self.system[(i, j)] = if free { self.gram[(i, j)] } else { 0.0 };
                }
                self.system[(i, i)] = match fixed[i] {
                    None => (1.0 + damping) * self.gram[(i, i)] + floor,
                    Some(_) => 1.0,
                };
                for (j, moved) in fixed.iter().enumerate() {
                    step[i] -= moved.map_or(0.0, |moved| moved * self.entry(i, j));
                }
            }
            for (step, fixed) in step.iter_mut().zip(&fixed) {
                *step = fixed.unwrap_or(*step);
            }
            if !self.cholesky.factor(&self.system, |_| 0.0) {
                return None;
            }
            self.cholesky.solve(&mut step);
            let mut left = false;
            for i in (0..size)
                .filter(|&i| fixed[i].is_none())
                .collect::<Vec<_>>()
            {
                let (low, high) = model.bounds(i);
                let next = x[i] + step[i];
                if next < low || next > high {
                    fixed[i] = Some(next.clamp(low, high) - x[i]);
                    left = true;
                }
            }
            if !left {
                return Some(step);
            }
        }
        None
    }

    /// By how much the quadratic model falls along a step.
    fn promise(&self, step: &[f64], gradient: &[f64]) -> f64 {
        let slope: f64 = step.iter().zip(gradient).map(|(d, g)| d * g).sum();
        let bend: f64 = (0..step.len())
            .map(|i| {
                let row = (0..step.len()).map(|j| self.entry(i, j) * step[j]);
                step[i] * row.sum::<f64>()
            })
            .sum();
        -(slope + 0.5 * bend)
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
/// within 1e-6 of it. Then the best is left again and again by `leave`, which is given a minimum and
/// the number of the attempt, as long as one of `attempts` in a row ends lower.
pub(crate) fn least(
    model: &impl Model,
    w: &[f64],
    starts: Vec<Vec<f64>>,
    tolerance: f64,
    attempts: usize,
    leave: &dyn Fn(&[f64], usize) -> Vec<f64>,
) -> (Minimum, usize, usize) {
    // A rough descent tells a start that leads nowhere from one worth all digits.
    let two_stage = |start: Vec<f64>, known: f64| {
        let rough = descend(model, w, start, ROUGH, ROUGH_ITERATIONS);
        if rough.value > known * (1.0 + PROMISING) {
            return rough;
        }
        let spent = rough.iterations;
        let fine = minimize(model, w, rough.x, tolerance);
        Minimum {
            iterations: spent + fine.iterations,
            ..fine
        }
    };
    let mut minima: Vec<Minimum> = Vec::new();
    for start in starts {
        let known = minima.first().map_or(f64::INFINITY, |best| best.value);
        minima.push(two_stage(start, known));
        minima.sort_by(|a, b| a.value.total_cmp(&b.value));
    }
    let mut failures = 0;
    while failures < attempts && minima.len() < MAX_DESCENTS {
        let start = leave(&minima[0].x, failures);
        let next = two_stage(start, minima[0].value);
        if next.value < minima[0].value * (1.0 - WORTHWHILE) {
            failures = 0;
            minima.insert(0, next);
        } else {
            failures += 1;
            minima.push(next);
        }
    }
    let tried = minima.len();
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
    fn least_squares_finds_known_minima_inside_and_on_the_box() {
        for (limit, expected) in [(f64::INFINITY, [1.0, 1.0]), (0.5, [0.5, 0.25])] {
            let found = minimize(&Rosenbrock(limit), &[1.0; 2], vec![-1.2, 1.0], 1e-13);
            assert!(found.converged);
            for (x, expected) in found.x.iter().zip(expected) {
                assert!((x - expected).abs() < 1e-6, "{x} for {expected}");
            }
        }
    }
}
