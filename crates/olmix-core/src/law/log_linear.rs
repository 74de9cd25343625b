//! The log-linear law `f̂(p) = exp(log c) + exp(t·p)` (Data Mixing Laws, 2403.16952; the
//! recommended law of Olmix, 2602.12237).
//!
//! `c` is what no mixture removes; `t_j < 0` says that domain `j` lowers the loss. Because the
//! weights sum to 1, `t` carries the scale of the second term: adding a constant to every `t_j`
//! multiplies it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::numerics::{
    Descent, Fitter, LEAST_C, LossUnit, MAX_EXPONENT, Objective, check_losses, range,
};
use super::{
    Basis, Curvature, DesignMatrix, Exponential, FitData, Law, LawFamily, LawSetting, LawSettings,
    Shape, TaskReport, check_length,
};
use crate::swarm::dot;
use crate::{CoreError, Matrix};

/// A fitted log-linear law of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLinear {
    /// Logarithm of the irreducible loss.
    pub log_c: f64,
    /// One coefficient per domain, length `m`, in nats per unit of weight.
    pub t: Vec<f64>,
}

impl LogLinear {
    /// `exp(t·p)`, the reducible part of the loss. Finite: the exponent is cut at 300, where a law
    /// has long left anything that was measured.
    #[must_use]
    pub fn exponential(&self, p: &[f64]) -> f64 {
        dot(&self.t, p).min(MAX_EXPONENT).exp()
    }
}

impl Law for LogLinear {
    fn predict(&self, p: &[f64]) -> f64 {
        self.log_c.exp() + self.exponential(p)
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        let factor = scale * self.exponential(p);
        for (into, t) in into.iter_mut().zip(&self.t) {
            *into += factor * t;
        }
    }

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        into.term(scale * self.exponential(p))
            .copy_from_slice(&self.t);
    }

    fn log_linear(&self) -> Option<&LogLinear> {
        Some(self)
    }

    fn exponential(&self) -> Option<Exponential<'_>> {
        Some(Exponential {
            floor: self.log_c.exp(),
            level: 0.0,
            terms: vec![(Basis::Power(1.0), &self.t, 1.0)],
        })
    }
}

/// The objective of a fit: `Σ_k w_k huber_δ(f̂(x_k) − y_k) + ½ρ‖t‖²`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogLinearOptions {
    /// δ: residuals up to it count squared, beyond it linearly. In the unit of the losses.
    pub huber_delta: f64,
    /// ρ ≥ 0.
    pub ridge: f64,
}

impl Default for LogLinearOptions {
    /// The reference's objective: δ = 0.02, no ridge.
    fn default() -> Self {
        Self {
            huber_delta: 0.02,
            ridge: 0.0,
        }
    }
}

/// Fits the law of one task: `y` holds the loss of each run of the design (length `K`).
///
/// Deterministic; single-threaded. Each of the iterations (some 20 a start, 4 starts) costs
/// `K m² + m³/3` multiplications.
///
/// # Errors
/// [`CoreError::Shape`] when `y` is not of length `K`; [`CoreError::Unsupported`] when a loss is
/// negative, or δ or the ridge is out of range.
pub fn fit_log_linear(
    design: &DesignMatrix,
    y: &[f64],
    options: LogLinearOptions,
) -> Result<(LogLinear, TaskReport), CoreError> {
    check(design, y, options)?;
    let ones = vec![1.0; design.runs()];
    let mut fitter = Fitter::new(design);
    Ok(fit_task(&mut fitter, design, y, &ones, options))
}

/// Fits the laws of all tasks in parallel: column `i` of `losses` (`K × n`) is task `i`'s.
///
/// `progress` is called once after each task, from any thread. Same bits on any number of
/// threads.
///
/// # Errors
/// As [`fit_log_linear`].
pub fn fit_tasks(
    design: &DesignMatrix,
    losses: &Matrix,
    options: LogLinearOptions,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<(LogLinear, TaskReport)>, CoreError> {
    let ones = vec![1.0; design.runs()];
    fit_weighted(design, losses, &ones, options, progress)
}

/// As [`fit_tasks`], with a weight per run (length `K`).
fn fit_weighted(
    design: &DesignMatrix,
    losses: &Matrix,
    weights: &[f64],
    options: LogLinearOptions,
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<(LogLinear, TaskReport)>, CoreError> {
    for task in 0..losses.columns() {
        check(design, &losses.column(task), options)?;
    }
    Ok((0..losses.columns())
        .into_par_iter()
        .map_init(
            || Fitter::new(design),
            |fitter, task| {
                let fitted = fit_task(fitter, design, &losses.column(task), weights, options);
                progress();
                fitted
            },
        )
        .collect())
}

fn fit_task(
    fitter: &mut Fitter<'_>,
    design: &DesignMatrix,
    y: &[f64],
    ones: &[f64],
    options: LogLinearOptions,
) -> (LogLinear, TaskReport) {
    let unit = unit(y, options);
    let inside = unit.inside(y);
    let (descent, mut report) = fitter.multistart(&objective(design, &inside, ones, options, unit));
    report.huber = unit.squares_outside(report.huber);
    (law(design, &descent, unit), report)
}

/// A ridge shrinks the coefficients, which carry the scale of the losses: it means something in their own unit only.
fn unit(y: &[f64], options: LogLinearOptions) -> LossUnit {
    LossUnit::of(y, options.ridge == 0.0)
}

fn check(design: &DesignMatrix, y: &[f64], options: LogLinearOptions) -> Result<(), CoreError> {
    let refuse = |message: &str| Err(CoreError::Unsupported(message.into()));
    check_losses(design, y, "log-linear")?;
    if !(options.huber_delta > 0.0 && options.huber_delta.is_finite()) {
        return refuse("Huber's δ must be positive");
    }
    if !(options.ridge >= 0.0 && options.ridge.is_finite()) {
        return refuse("the ridge must not be negative");
    }
    Ok(())
}

/// The objective of losses `y` that are given in `unit`.
fn objective<'a>(
    design: &'a DesignMatrix,
    y: &'a [f64],
    w: &'a [f64],
    options: LogLinearOptions,
    unit: LossUnit,
) -> Objective<'a> {
    let (least, _) = range(y);
    Objective {
        x: &design.x,
        y,
        w,
        delta: unit.size_inside(options.huber_delta),
        ridge: options.ridge,
        unpenalized: 0,
        bounded: 0,
        c_min: LEAST_C * least.max(f64::MIN_POSITIVE.sqrt()),
    }
}

fn law(design: &DesignMatrix, descent: &Descent, unit: LossUnit) -> LogLinear {
    let mut t = design.expand(&descent.point.t);
    // Weights sum to 1: what is added to every coefficient is added to the exponent.
    t.iter_mut().for_each(|t| *t += unit.log_scale());
    LogLinear {
        log_c: unit.constant_outside(descent.point.c).ln(),
        t,
    }
}

/// Ridges tried for a log-linear law, from none to one that plainly costs accuracy; about three a
/// decade where the choice matters.
pub const RIDGE_GRID: [f64; 10] = [0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1];

impl LawFamily for LogLinearOptions {
    const SHAPE: Shape = Shape::Convex;
    const SETTINGS: &'static [LawSetting] = &[LawSetting::HuberDelta, LawSetting::Ridge];

    fn with_settings(settings: &LawSettings) -> Option<Self> {
        let default = Self::default();
        Some(Self {
            huber_delta: settings.huber_delta.unwrap_or(default.huber_delta),
            ridge: settings.ridge.unwrap_or(default.ridge),
        })
    }

    fn describe(&self) -> String {
        format!(
            "log-linear{}",
            describe_objective(self.huber_delta, self.ridge)
        )
    }

    fn needed(&self, live: usize) -> usize {
        live + 1
    }

    fn candidates(&self) -> Vec<Self> {
        RIDGE_GRID.map(|ridge| Self { ridge, ..*self }).to_vec()
    }

    fn design_functions(&self) -> Option<Vec<Basis>> {
        Some(vec![Basis::Power(1.0)])
    }

    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(LogLinear, TaskReport)>, CoreError> {
        let design = DesignMatrix::over(data.mixtures, data.live.to_vec(), data.prior);
        fit_weighted(&design, data.losses, &data.run_weights(), *self, progress)
    }

    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &LogLinear)],
    ) -> Vec<LogLinear> {
        let design = DesignMatrix::over(data.mixtures, data.live.to_vec(), data.prior);
        let mut fitter = Fitter::new(&design);
        let again = |&(task, known): &(usize, &LogLinear)| {
            let y = data.losses.column(task);
            let unit = unit(&y, *self);
            let y = unit.inside(&y);
            let objective = objective(&design, &y, weights, *self, unit);
            let live = design.live().iter();
            let t: Vec<f64> = live.map(|&j| known.t[j] - unit.log_scale()).collect();
            let c = unit.constant_inside(known.log_c.exp(), objective.c_min);
            law(&design, &fitter.again(&objective, c, &t), unit)
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &LogLinear, m: usize) -> Result<(), String> {
        check_length("t", law.t.len(), m)
    }

    fn floor(law: &LogLinear) -> f64 {
        law.log_c.exp()
    }

    /// The coefficients themselves, to all digits.
    fn log_slope(law: &LogLinear, _: &[f64], _: f64, into: &mut [f64]) {
        into.copy_from_slice(&law.t);
    }
}

/// `, Huber δ 0.02, no ridge`.
pub(super) fn describe_objective(huber_delta: f64, ridge: f64) -> String {
    match ridge {
        0.0 => format!(", Huber δ {huber_delta}, no ridge"),
        ridge => format!(", Huber δ {huber_delta}, ridge {ridge:e}"),
    }
}
