//! The `BiMix` law over many domains: `f̂(p) = Σ_j F_j max(p_j, ε)^(−α_j)` with `F, α ≥ 0` (Ge et
//! al., 2024, arXiv 2405.14908, summed over domains as the method's paper does).
//!
//! It falls in each weight and is convex in it above ε; below ε it is flat. Across ε it is not
//! convex: the exact optimizer solves it as the convex function that it is above ε, so a weight that
//! wants to be below ε ends there at a cost the law does not know.

use faer::Mat;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::numerics::{LossUnit, Minimum, Model, least, minimize};
use super::{
    Curvature, FitData, Law, LawFamily, LawSetting, LawSettings, Shape, TaskReport, check_length,
};
use crate::{CoreError, Matrix};

/// A fitted law over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BiMix {
    /// `F`, what a domain's term is at a weight of 1, in the unit of the losses; 0 for domains that
    /// no run sampled.
    pub f: Vec<f64>,
    /// `α`, how steeply it falls.
    pub alpha: Vec<f64>,
    /// `ε`: weights below it count as ε.
    pub epsilon: f64,
}

impl Law for BiMix {
    fn predict(&self, p: &[f64]) -> f64 {
        let terms = self.f.iter().zip(&self.alpha).zip(p);
        terms
            .filter(|((f, _), _)| **f > 0.0)
            .map(|((f, alpha), p)| f * p.max(self.epsilon).powf(-alpha))
            .sum()
    }

    /// At ε and below the slope is the one just above ε, which is what pulls a weight up from zero.
    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        for (j, into) in into
            .iter_mut()
            .enumerate()
            .filter(|(j, _)| self.f[*j] > 0.0)
        {
            let (p, alpha) = (p[j].max(self.epsilon), self.alpha[j]);
            *into -= scale * self.f[j] * alpha * p.powf(-alpha - 1.0);
        }
    }

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        for (j, into) in into.diagonal.iter_mut().enumerate() {
            if self.f[j] > 0.0 {
                let (p, alpha) = (p[j].max(self.epsilon), self.alpha[j]);
                *into += scale * self.f[j] * alpha * (alpha + 1.0) * p.powf(-alpha - 2.0);
            }
        }
    }
}

/// How the law is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BiMixOptions {
    /// `ε`, in (0, 1).
    pub epsilon: f64,
    /// Whether every start is tried and the best minimum left for lower ones: some ten times the
    /// work, for the last percent of the sum of squares.
    pub thorough: bool,
}

impl Default for BiMixOptions {
    /// The reference's ε, 1e-12; thorough.
    fn default() -> Self {
        Self {
            epsilon: 1e-12,
            thorough: true,
        }
    }
}

/// Where `α` starts: at 1 as in the reference, and at smaller values.
const STARTS: [f64; 6] = [1.0, 0.5, 0.25, 0.1, 0.05, 0.02];
const QUICK_STARTS: [f64; 1] = [0.1];
const FULL_PRECISION: f64 = 1e-9;
const RESAMPLE_PRECISION: f64 = 1e-6;
/// Of a fit that is not thorough.
const QUICK_PRECISION: f64 = 1e-5;

/// Parameters: `F` of the live domains, then `α`.
struct Sum<'a> {
    /// `K × m_live`: logarithms of the weights, at least `ln ε`.
    logs: &'a Mat<f64>,
    y: &'a [f64],
}

impl Model for Sum<'_> {
    fn parameters(&self) -> usize {
        2 * self.logs.ncols()
    }

    fn bounds(&self, _: usize) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn evaluate(&self, x: &[f64], residuals: &mut [f64], jacobian: &mut Mat<f64>) {
        let m = self.logs.ncols();
        for (r, y) in residuals.iter_mut().zip(self.y) {
            *r = -y;
        }
        for j in 0..m {
            let (f, alpha) = (x[j], x[m + j]);
            for (k, r) in residuals.iter_mut().enumerate() {
                let log = self.logs[(k, j)];
                let power = (-alpha * log).exp();
                *r += f * power;
                jacobian[(k, j)] = power;
                jacobian[(k, m + j)] = -f * log * power;
            }
        }
    }
}

/// How often a minimum is left in search of a lower one, each time with other exponents.
const ATTEMPTS: usize = 8;

/// Another start from a minimum: vanished terms (`F = 0` or `α = 0`, which have lost their second
/// parameter) come back with a little of the level, and every third exponent is changed.
fn leave(x: &[f64], attempt: usize) -> Vec<f64> {
    let m = x.len() / 2;
    let mut next = x.to_vec();
    let level = x[..m].iter().sum::<f64>() / m.max(1) as f64;
    let factor = [2.0, 0.5, 4.0, 0.25][attempt % 4];
    for j in 0..m {
        if x[j] <= 0.0 || x[m + j] <= 0.0 {
            next[j] = next[j].max(0.1 * level);
            next[m + j] = 0.1 * factor;
        } else if j % 3 == attempt % 3 {
            next[m + j] *= factor;
        }
    }
    next
}

impl BiMixOptions {
    fn logs(&self, mixtures: &Matrix, live: &[usize]) -> Mat<f64> {
        Mat::from_fn(mixtures.rows(), live.len(), |k, j| {
            mixtures.get(k, live[j]).clamp(self.epsilon, 1.0).ln()
        })
    }

    fn law(&self, minimum: &Minimum, live: &[usize], domains: usize, unit: LossUnit) -> BiMix {
        let (mut f, mut alpha) = (vec![0.0; domains], vec![0.0; domains]);
        for (i, &j) in live.iter().enumerate() {
            f[j] = unit.coefficient_outside(minimum.x[i]);
            alpha[j] = minimum.x[live.len() + i];
        }
        BiMix {
            f,
            alpha,
            epsilon: self.epsilon,
        }
    }

    /// Fits the laws of all tasks in parallel: mixtures `K × m` with the sampled domains `live`,
    /// losses `K × n`. `progress` is called once after each task, from any thread.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] when ε is not in (0, 1).
    pub fn fit_tasks(
        &self,
        mixtures: &Matrix,
        live: &[usize],
        losses: &Matrix,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(BiMix, TaskReport)>, CoreError> {
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            return Err(CoreError::Unsupported(
                "ε of the law bimix must be above 0 and below 1".into(),
            ));
        }
        let logs = self.logs(mixtures, live);
        let ones = vec![1.0; mixtures.rows()];
        let fit = |task: usize| {
            let y = losses.column(task);
            let unit = LossUnit::of_powers(&y);
            let y = unit.inside(&y);
            let model = Sum { logs: &logs, y: &y };
            let mean = y.iter().sum::<f64>() / y.len().max(1) as f64;
            let level = mean.max(self.epsilon) / live.len().max(1) as f64;
            let start = |alpha: f64| {
                let mut x = vec![level; live.len()];
                x.resize(2 * live.len(), alpha);
                x
            };
            let (starts, attempts, precision) = if self.thorough {
                (STARTS.map(start).to_vec(), ATTEMPTS, FULL_PRECISION)
            } else {
                (QUICK_STARTS.map(start).to_vec(), 0, QUICK_PRECISION)
            };
            let (minimum, tried, at_best) =
                least(&model, &ones, starts, precision, attempts, &leave);
            progress();
            let report = TaskReport {
                huber: unit.squares_outside(minimum.value),
                converged: minimum.converged,
                starts: tried,
                starts_at_best: at_best,
                iterations: minimum.iterations,
                condition: f64::NAN,
            };
            (self.law(&minimum, live, mixtures.columns(), unit), report)
        };
        Ok((0..losses.columns()).into_par_iter().map(fit).collect())
    }
}

impl LawFamily for BiMixOptions {
    const SHAPE: Shape = Shape::Convex;
    const SETTINGS: &'static [LawSetting] = &[];

    fn with_settings(_: &LawSettings) -> Option<Self> {
        Some(Self::default())
    }

    fn describe(&self) -> String {
        format!("BiMix, ε {:e}", self.epsilon)
    }

    fn needed(&self, live: usize) -> usize {
        2 * live
    }

    fn quick(&self) -> Self {
        Self {
            thorough: false,
            ..self.clone()
        }
    }

    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(BiMix, TaskReport)>, CoreError> {
        self.fit_tasks(data.mixtures, data.live, data.losses, progress)
    }

    fn refit(&self, data: &FitData<'_>, weights: &[f64], from: &[(usize, &BiMix)]) -> Vec<BiMix> {
        let logs = self.logs(data.mixtures, data.live);
        let again = |&(task, known): &(usize, &BiMix)| {
            let y = data.losses.column(task);
            let unit = LossUnit::of_powers(&y);
            let y = unit.inside(&y);
            let coefficient = |&j: &usize| unit.size_inside(known.f[j]);
            let mut x: Vec<f64> = data.live.iter().map(coefficient).collect();
            x.extend(data.live.iter().map(|&j| known.alpha[j]));
            let model = Sum { logs: &logs, y: &y };
            let minimum = minimize(&model, weights, x, RESAMPLE_PRECISION);
            self.law(&minimum, data.live, data.mixtures.columns(), unit)
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &BiMix, m: usize) -> Result<(), String> {
        let positive = law.f.iter().chain(&law.alpha).all(|x| *x >= 0.0);
        check_length("f", law.f.len(), m)?;
        check_length("alpha", law.alpha.len(), m)?;
        if positive && law.epsilon > 0.0 {
            return Ok(());
        }
        Err("`f`, `alpha` or `epsilon` is negative".to_owned())
    }

    /// None: above a weight of ε every term falls towards zero.
    fn floor(_: &BiMix) -> f64 {
        0.0
    }
}
