//! The saturating law: `f̂(p) = exp(log c) + exp(b − Σ_φ Σ_j v_φj φ(p_j))` with `v ≥ 0` and concave
//! `φ`: `p^a`, or `log(1 + p/ε)`.
//!
//! A domain's first tokens are worth more than its later ones, and no domain harms a task but by
//! taking weight from others. Each `φ` is concave and `v ≥ 0`, so the exponent is convex in `p`
//! and the law with it: the exact optimizer applies. The level `b` is exempt from the ridge.
//!
//! The law is not in the literature. Against the log-linear law it trades the sign of its
//! coefficients for saturation; `docs/decisions.md` has what each part is worth on measured
//! swarms.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::design::{Design, Features};
use super::log_linear::{Fitter, LEAST_C, TaskReport, check_losses, range};
use super::newton::{MAX_EXPONENT, Objective};
use super::{Basis, Curvature, Law};
use crate::{CoreError, Matrix};

/// A fitted saturating law over `m` domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saturating {
    /// Logarithm of the irreducible loss `c`.
    pub log_c: f64,
    /// `b`, the logarithm of the reducible loss of no data at all.
    pub level: f64,
    /// The functions `φ`.
    pub bases: Vec<Basis>,
    /// `v`: one row of `m` coefficients per basis, none negative.
    pub v: Vec<Vec<f64>>,
}

impl Saturating {
    /// `b − Σ v φ(p)`, the logarithm of the reducible part of the loss.
    #[must_use]
    pub fn exponent(&self, p: &[f64]) -> f64 {
        let mut exponent = self.level;
        for (basis, v) in self.bases.iter().zip(&self.v) {
            for (v, p) in v.iter().zip(p).filter(|(v, _)| **v > 0.0) {
                exponent -= v * basis.value(*p);
            }
        }
        exponent.min(MAX_EXPONENT)
    }

    /// Adds `scale` times the slope of the exponent.
    fn add_slope(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        for (basis, v) in self.bases.iter().zip(&self.v) {
            for ((into, v), p) in into.iter_mut().zip(v).zip(p) {
                if *v > 0.0 {
                    *into -= scale * v * basis.slope(*p);
                }
            }
        }
    }
}

impl Law for Saturating {
    fn predict(&self, p: &[f64]) -> f64 {
        self.log_c.exp() + self.exponent(p).exp()
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        self.add_slope(p, scale * self.exponent(p).exp(), into);
    }

    fn curvature(&self, p: &[f64], scale: f64, into: Curvature<'_>) -> f64 {
        let reducible = scale * self.exponent(p).exp();
        into.slope.fill(0.0);
        self.add_slope(p, 1.0, into.slope);
        for (basis, v) in self.bases.iter().zip(&self.v) {
            for ((into, v), p) in into.diagonal.iter_mut().zip(v).zip(p) {
                if *v > 0.0 {
                    *into += reducible * v * basis.bend(*p);
                }
            }
        }
        reducible
    }
}

/// What a fit minimizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SaturatingOptions {
    /// Huber's δ > 0, in the unit of the losses.
    pub huber_delta: f64,
    /// ρ ≥ 0 of the term `½ρ‖v‖²`.
    pub ridge: f64,
    /// The functions `φ`, each another.
    pub bases: Vec<Basis>,
}

impl Default for SaturatingOptions {
    /// `p^0.6`, with δ = 0.1 and ρ = 3e-4: within 5 % of the best of all that was tried, on
    /// each of three measured swarms.
    fn default() -> Self {
        Self {
            huber_delta: 0.1,
            ridge: 3e-4,
            bases: vec![Basis::Power(0.6)],
        }
    }
}

/// Where `c` starts, as a share of the least loss. Other starts (0.2 to 1.05) end at the same
/// minimum.
const START: f64 = 0.95;
/// Coefficients start at least this large: at zero they would begin on their bound.
const LEAST_START: f64 = 1e-3;

impl SaturatingOptions {
    pub(crate) fn parameters(&self, live: usize) -> usize {
        live * self.bases.len() + 2
    }

    /// Runs that determine the law: as many as it has parameters. With a ridge it is determined by
    /// fewer, and one more than domains is asked for, as by the log-linear law.
    pub(crate) fn needed(&self, live: usize) -> usize {
        if self.ridge > 0.0 {
            live + 1
        } else {
            self.parameters(live)
        }
    }

    pub(crate) fn design(&self, mixtures: &Matrix, live: Vec<usize>, prior: &[f64]) -> Design {
        let features = Features::Bases(self.bases.clone());
        Design::of_features(mixtures, live, prior, features)
    }

    fn objective<'a>(&self, design: &'a Design, y: &'a [f64], w: &'a [f64]) -> Objective<'a> {
        let (least, _) = range(y);
        Objective {
            x: &design.x,
            y,
            w,
            delta: self.huber_delta,
            ridge: self.ridge,
            unpenalized: 1,
            bounded: design.live().len() * self.bases.len(),
            c_min: LEAST_C * least.max(f64::MIN_POSITIVE.sqrt()),
        }
    }

    fn law(&self, design: &Design, c: f64, t: &[f64]) -> Saturating {
        let live = design.live().len();
        let block = |a: usize| -> Vec<f64> {
            let t = &t[1..][a * live..(a + 1) * live];
            design.expand(&t.iter().map(|t| -t).collect::<Vec<f64>>())
        };
        Saturating {
            log_c: c.ln(),
            level: t[0],
            bases: self.bases.clone(),
            v: (0..self.bases.len()).map(block).collect(),
        }
    }

    /// Fits the laws of all tasks in parallel, on a design made by these options.
    pub(crate) fn fit_tasks(
        &self,
        design: &Design,
        losses: &Matrix,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(Saturating, TaskReport)>, CoreError> {
        self.check()?;
        for task in 0..losses.columns() {
            check_losses(design, &losses.column(task), "saturating")?;
        }
        let ones = vec![1.0; design.runs()];
        Ok((0..losses.columns())
            .into_par_iter()
            .map_init(
                || Fitter::new(design),
                |fitter, task| {
                    let y = losses.column(task);
                    let objective = self.objective(design, &y, &ones);
                    let (least, _) = range(&y);
                    let c = START * least;
                    let mut t = fitter.log_least_squares(&y, c);
                    for t in &mut t[1..] {
                        *t = t.min(-LEAST_START);
                    }
                    let (descent, report) = fitter.graduated(&objective, c, t);
                    progress();
                    (self.law(design, descent.point.c, &descent.point.t), report)
                },
            )
            .collect())
    }

    /// Fits again from a known law, with a weight per run, to six digits.
    pub(crate) fn refit(
        &self,
        design: &Design,
        y: &[f64],
        w: &[f64],
        from: &Saturating,
        fitter: &mut Fitter<'_>,
    ) -> Saturating {
        let objective = self.objective(design, y, w);
        let mut t = vec![from.level];
        for v in &from.v {
            t.extend(design.live().iter().map(|&j| -v[j]));
        }
        let descent = fitter.again(&objective, from.log_c.exp(), &t);
        self.law(design, descent.point.c, &descent.point.t)
    }

    fn check(&self) -> Result<(), CoreError> {
        let refuse = |message: &str| Err(CoreError::Unsupported(message.into()));
        if !(self.huber_delta > 0.0 && self.huber_delta.is_finite()) {
            return refuse("Huber's δ must be positive");
        }
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return refuse("the ridge must not be negative");
        }
        if self.bases.is_empty() || !self.bases.iter().all(|basis| basis.is_valid()) {
            return refuse("a saturating law needs powers within (0, 1], or an ε above 0");
        }
        Ok(())
    }
}
