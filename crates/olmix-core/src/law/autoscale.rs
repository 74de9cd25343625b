//! The `AutoScale` law: `f̂(p) = c + Σ_j (R (A_j + p_j))^(−γ_j)` with `A, γ > 0`, `c ≥ 0` (Kang et al.,
//! 2024, arXiv 2407.20177).
//!
//! `R` is the tokens of the run, and `A_j` the tokens (as a share of `R`) that all other domains are
//! worth to what domain `j` teaches. Convex in `p`, with a diagonal Hessian.

use faer::Mat;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::numerics::{Minimum, Model, least, minimize, range};
use super::{
    Curvature, FitData, Law, LawFamily, LawSetting, LawSettings, Shape, TaskReport, check_length,
};
use crate::{CoreError, Matrix};

/// A fitted law over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoScale {
    /// The irreducible loss.
    pub c: f64,
    /// `A`, shares of `R`.
    pub a: Vec<f64>,
    /// `γ`; 0 for domains that no run sampled, which have no term.
    pub gamma: Vec<f64>,
    /// Tokens of a run, `R`.
    pub tokens: f64,
}

impl AutoScale {
    /// `(R (A_j + p_j))^(−γ_j)`; 0 for a domain without a term.
    fn term(&self, j: usize, p: f64) -> f64 {
        if self.gamma[j] > 0.0 {
            (self.tokens * (self.a[j] + p)).powf(-self.gamma[j])
        } else {
            0.0
        }
    }
}

impl Law for AutoScale {
    fn predict(&self, p: &[f64]) -> f64 {
        let terms = p.iter().enumerate().map(|(j, &p)| self.term(j, p));
        self.c + terms.sum::<f64>()
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        for (j, into) in into.iter_mut().enumerate() {
            *into -= scale * self.gamma[j] * self.term(j, p[j]) / (self.a[j] + p[j]);
        }
    }

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        for (j, into) in into.diagonal.iter_mut().enumerate() {
            let (gamma, base) = (self.gamma[j], self.a[j] + p[j]);
            *into += scale * gamma * (gamma + 1.0) * self.term(j, p[j]) / (base * base);
        }
    }
}

/// How the law is fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoScaleOptions {
    /// `R`, tokens of the run; at least 1.
    pub tokens: f64,
    /// Whether every start is tried and the best minimum left for lower ones: some ten times the
    /// work, for the last percent of the sum of squares.
    pub thorough: bool,
}

/// Least `A` and `γ`.
const LEAST: f64 = 1e-12;
/// Where `γ`, `A` (as a multiple of `1 / m`) and `c` (as a share of the least loss) start: as in the
/// reference, and with terms of the size of losses.
const STARTS: [(f64, f64, f64); 5] = [
    (0.5, 1.0, 0.1),
    (0.1, 1.0, 0.1),
    (0.03, 1.0, 0.1),
    (0.1, 0.1, 0.9),
    (0.3, 0.01, 0.9),
];
/// How often a minimum is left in search of a lower one, each time with other parameters.
const ATTEMPTS: usize = 12;
const FULL_PRECISION: f64 = 1e-9;
const RESAMPLE_PRECISION: f64 = 1e-6;
/// Of a fit that is not thorough.
const QUICK_PRECISION: f64 = 1e-5;

/// Parameters: `ln A` of the live domains, then `γ`, then `c`. `A` spans orders of magnitude.
struct Sum<'a> {
    /// `K × m_live` weights.
    p: &'a Mat<f64>,
    y: &'a [f64],
    log_tokens: f64,
    c_max: f64,
}

impl Model for Sum<'_> {
    fn parameters(&self) -> usize {
        2 * self.p.ncols() + 1
    }

    fn bounds(&self, i: usize) -> (f64, f64) {
        match i / self.p.ncols().max(1) {
            0 => (LEAST.ln(), f64::INFINITY),
            1 => (LEAST, f64::INFINITY),
            _ => (0.0, self.c_max),
        }
    }

    fn evaluate(&self, x: &[f64], residuals: &mut [f64], jacobian: &mut Mat<f64>) {
        let m = self.p.ncols();
        let c = x[2 * m];
        for (k, (r, y)) in residuals.iter_mut().zip(self.y).enumerate() {
            *r = c - y;
            jacobian[(k, 2 * m)] = 1.0;
        }
        for j in 0..m {
            let (a, gamma) = (x[j].exp(), x[m + j]);
            for (k, r) in residuals.iter_mut().enumerate() {
                let base = a + self.p[(k, j)];
                let log = self.log_tokens + base.ln();
                let term = (-gamma * log).exp();
                *r += term;
                jacobian[(k, j)] = -gamma * term * a / base;
                jacobian[(k, m + j)] = -log * term;
            }
        }
    }
}

/// Another start from a minimum: every third term gets another `A` and `γ`.
fn leave(x: &[f64], attempt: usize) -> Vec<f64> {
    let m = (x.len() - 1) / 2;
    let mut next = x.to_vec();
    let factor = [2.0, 0.5, 4.0, 0.25][attempt % 4];
    for j in (0..m).filter(|j| j % 3 == attempt % 3) {
        // Terms with a vast A, or next to no γ, are constants: they start anew.
        if x[j] > 2.0 || x[m + j] < 1e-4 {
            (next[j], next[m + j]) = (-3.0, 0.1);
        } else {
            next[j] -= factor;
            next[m + j] *= factor.sqrt();
        }
    }
    next
}

impl AutoScaleOptions {
    fn law(&self, minimum: &Minimum, live: &[usize], domains: usize) -> AutoScale {
        let (mut a, mut gamma) = (vec![1.0; domains], vec![0.0; domains]);
        for (i, &j) in live.iter().enumerate() {
            a[j] = minimum.x[i].exp();
            gamma[j] = minimum.x[live.len() + i];
        }
        AutoScale {
            c: minimum.x[2 * live.len()],
            a,
            gamma,
            tokens: self.tokens,
        }
    }

    /// Fits the laws of all tasks in parallel: mixtures `K × m` with the sampled domains `live`,
    /// losses `K × n`. `progress` is called once after each task, from any thread.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] when `R` is below 1, or a loss is negative.
    pub fn fit_tasks(
        &self,
        mixtures: &Matrix,
        live: &[usize],
        losses: &Matrix,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(AutoScale, TaskReport)>, CoreError> {
        if !(self.tokens >= 1.0 && self.tokens.is_finite()) {
            return Err(CoreError::Unsupported(
                "the tokens of the run, R of the law autoscale, must be at least 1".into(),
            ));
        }
        let p = live_weights(mixtures, live);
        let ones = vec![1.0; mixtures.rows()];
        let fit = |task: usize| {
            let y = losses.column(task);
            let (low, _) = range(&y);
            if low < 0.0 {
                return Err(CoreError::Unsupported(
                    "an autoscale law needs losses that are not negative".into(),
                ));
            }
            let model = self.model(&p, &y);
            let start = |(gamma, share, c): (f64, f64, f64)| {
                let mut x = vec![(share / live.len().max(1) as f64).ln(); live.len()];
                x.resize(2 * live.len(), gamma);
                x.push(c * low);
                x
            };
            // One more with terms that together have the right size, all alike.
            let mean = y.iter().sum::<f64>() / y.len().max(1) as f64;
            let m = live.len().max(1) as f64;
            let term = ((mean - 0.5 * low) / m).clamp(1e-9, 0.9);
            let even = start((-term.ln() / (2.0 * self.tokens / m).ln().max(1.0), 1.0, 0.5));
            let (mut starts, attempts, precision) = if self.thorough {
                (STARTS.map(start).to_vec(), ATTEMPTS, FULL_PRECISION)
            } else {
                (Vec::new(), 0, QUICK_PRECISION)
            };
            starts.push(even);
            let (minimum, tried, at_best) =
                least(&model, &ones, starts, precision, attempts, &leave);
            progress();
            let report = TaskReport {
                huber: minimum.value,
                converged: minimum.converged,
                starts: tried,
                starts_at_best: at_best,
                iterations: minimum.iterations,
                condition: f64::NAN,
            };
            Ok((self.law(&minimum, live, mixtures.columns()), report))
        };
        (0..losses.columns()).into_par_iter().map(fit).collect()
    }

    fn model<'a>(&self, p: &'a Mat<f64>, y: &'a [f64]) -> Sum<'a> {
        let (low, _) = range(y);
        Sum {
            p,
            y,
            log_tokens: self.tokens.ln(),
            c_max: low,
        }
    }
}

/// `K × m_live` weights of the sampled domains.
fn live_weights(mixtures: &Matrix, live: &[usize]) -> Mat<f64> {
    Mat::from_fn(mixtures.rows(), live.len(), |k, j| mixtures.get(k, live[j]))
}

impl LawFamily for AutoScaleOptions {
    const SHAPE: Shape = Shape::Convex;
    const SETTINGS: &'static [LawSetting] = &[];

    fn with_settings(settings: &LawSettings) -> Option<Self> {
        Some(Self {
            tokens: settings.target_tokens?,
            thorough: true,
        })
    }

    fn describe(&self) -> String {
        format!("AutoScale, R = {:e} tokens", self.tokens)
    }

    fn needed(&self, live: usize) -> usize {
        2 * live + 1
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
    ) -> Result<Vec<(AutoScale, TaskReport)>, CoreError> {
        self.fit_tasks(data.mixtures, data.live, data.losses, progress)
    }

    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &AutoScale)],
    ) -> Vec<AutoScale> {
        let p = live_weights(data.mixtures, data.live);
        let again = |&(task, known): &(usize, &AutoScale)| {
            let y = data.losses.column(task);
            let model = self.model(&p, &y);
            let live = || data.live.iter();
            let mut x: Vec<f64> = live().map(|&j| known.a[j].max(LEAST).ln()).collect();
            x.extend(live().map(|&j| known.gamma[j].max(LEAST)));
            x.push(known.c.min(model.c_max));
            let minimum = minimize(&model, weights, x, RESAMPLE_PRECISION);
            self.law(&minimum, data.live, data.mixtures.columns())
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &AutoScale, m: usize) -> Result<(), String> {
        let positive = law.a.iter().all(|a| *a > 0.0) && law.tokens >= 1.0;
        check_length("a", law.a.len(), m)?;
        check_length("gamma", law.gamma.len(), m)?;
        if positive && law.gamma.iter().all(|gamma| *gamma >= 0.0) {
            return Ok(());
        }
        Err("`a`, `gamma` or `tokens` is negative".to_owned())
    }

    fn floor(law: &AutoScale) -> f64 {
        law.c
    }
}
