//! The log-linear law `f̂(p) = exp(log c) + exp(t·p)` (Data Mixing Laws, 2403.16952; the
//! recommended law of Olmix, 2602.12237).
//!
//! `c` is what no mixture removes; `t_j < 0` says that domain `j` lowers the loss. Because the
//! weights sum to 1, `t` carries the scale of the second term: adding a constant to every `t_j`
//! multiplies it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::linalg::Cholesky;
use super::newton::{
    Descent, End, FULL_PRECISION, Known, MAX_EXPONENT, Objective, Workspace, huber,
};
use super::{Curvature, Design, Law};
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

    fn curvature(&self, p: &[f64], scale: f64, into: Curvature<'_>) -> f64 {
        into.slope.copy_from_slice(&self.t);
        scale * self.exponential(p)
    }

    fn log_linear(&self) -> Option<&LogLinear> {
        Some(self)
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

/// How a fit went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Summed Huber loss at the law, without the ridge term.
    pub huber: f64,
    /// Whether the gradient vanished to working precision.
    pub converged: bool,
    /// Starts tried.
    pub starts: usize,
    /// Starts that ended within 1e-6 (relative) of the least objective.
    pub starts_at_best: usize,
    /// Newton iterations over all starts.
    pub iterations: usize,
    /// Condition number (2-norm, estimated) of the weighted design at the law; above 1e8 some
    /// direction of `t` is hardly determined by the runs.
    pub condition: f64,
}

/// Where a descent starts. Found by trying 108 starts on each of the 330 columns of three
/// measured swarms: these four reach the least known minimum on all but a few, and a graduated
/// start alone on 95 % (`docs/decisions.md`).
#[derive(Debug, Clone, Copy)]
enum Start {
    /// Coefficients from least squares on `log(y − c)`, then minima for smaller and smaller δ,
    /// from plain least squares down: runs that do not fit are told apart late.
    Graduated { c: f64 },
    /// Coefficients from least squares on `log(y − c)`.
    LogLeastSquares { c: f64 },
    /// Equal coefficients: a small second term that knows nothing of the domains.
    Flat { c: f64 },
}

/// `c` is given as a multiple of the least loss. It often ends above 1: the Huber loss lets a few
/// runs lie below the floor.
const STARTS: [Start; 4] = [
    Start::Graduated { c: 1.03 },
    Start::LogLeastSquares { c: 1.1 },
    Start::Flat { c: 0.7 },
    Start::Flat { c: 1.3 },
];

/// δ of the stages of a graduated start, and how precisely each is solved.
const STAGES: [f64; 4] = [f64::INFINITY, 15.0, 5.0, 2.5];
const STAGE_PRECISION: f64 = 1e-4;
/// `log(y − c)` takes `y − c` to be at least this share of the least loss.
const LOG_FLOOR: f64 = 0.1;
/// The flat start's second term, as a share of the spread of the losses.
const FLAT_LEVEL: f64 = 0.02;
/// Two objectives this close (relative) are the same minimum.
const SAME_MINIMUM: f64 = 1e-6;
/// `c` is kept above this share of the least loss, so that `log c` exists.
pub(crate) const LEAST_C: f64 = 1e-9;

/// Fits the law of one task: `y` holds the loss of each run of the design (length `K`).
///
/// Deterministic; single-threaded. Each of the iterations (some 20 a start, 4 starts) costs
/// `K m² + m³/3` multiplications.
///
/// # Errors
/// [`CoreError::Shape`] when `y` is not of length `K`; [`CoreError::Unsupported`] when a loss is
/// negative, or δ or the ridge is out of range.
pub fn fit_log_linear(
    design: &Design,
    y: &[f64],
    options: LogLinearOptions,
) -> Result<(LogLinear, TaskReport), CoreError> {
    check(design, y, options)?;
    let mut fitter = Fitter::new(design);
    Ok(fitter.fit(y, options))
}

/// Fits the laws of all tasks in parallel: column `i` of `losses` (`K × n`) is task `i`'s.
///
/// `progress` is called once after each task, from any thread. Same bits on any number of
/// threads.
///
/// # Errors
/// As [`fit_log_linear`].
pub fn fit_tasks(
    design: &Design,
    losses: &Matrix,
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
                let fitted = fitter.fit(&losses.column(task), options);
                progress();
                fitted
            },
        )
        .collect())
}

/// Fits again from a known law, with a weight per run: for resamples of the same runs.
///
/// One start, to six digits: the interval over resamples is far coarser.
pub(crate) fn refit(
    design: &Design,
    y: &[f64],
    w: &[f64],
    options: LogLinearOptions,
    from: &LogLinear,
    fitter: &mut Fitter<'_>,
) -> LogLinear {
    let objective = objective(design, y, w, options);
    let t: Vec<f64> = design.live().iter().map(|&j| from.t[j]).collect();
    law(design, &fitter.again(&objective, from.log_c.exp(), &t))
}

/// Refuses losses that a law with an irreducible part can't be fitted to.
pub(crate) fn check_losses(design: &Design, y: &[f64], law: &str) -> Result<(), CoreError> {
    if y.len() != design.runs() {
        return Err(CoreError::Shape {
            what: "losses of a task",
            expected: design.runs(),
            found: y.len(),
        });
    }
    if y.iter().any(|y| !y.is_finite() || *y < 0.0) {
        return Err(CoreError::Unsupported(format!(
            "a {law} law needs losses that are finite and not negative"
        )));
    }
    Ok(())
}

fn check(design: &Design, y: &[f64], options: LogLinearOptions) -> Result<(), CoreError> {
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

fn objective<'a>(
    design: &'a Design,
    y: &'a [f64],
    w: &'a [f64],
    options: LogLinearOptions,
) -> Objective<'a> {
    let (least, _) = range(y);
    Objective {
        x: &design.x,
        y,
        w,
        delta: options.huber_delta,
        ridge: options.ridge,
        unpenalized: 0,
        bounded: 0,
        c_min: LEAST_C * least.max(f64::MIN_POSITIVE.sqrt()),
    }
}

fn law(design: &Design, descent: &Descent) -> LogLinear {
    LogLinear {
        log_c: descent.point.c.ln(),
        t: design.expand(&descent.point.t),
    }
}

pub(crate) fn range(y: &[f64]) -> (f64, f64) {
    y.iter().fold((f64::INFINITY, 0.0), |(least, most), &y| {
        (least.min(y), most.max(y))
    })
}

/// What one thread needs to fit task after task on one design.
pub(crate) struct Fitter<'a> {
    design: &'a Design,
    workspace: Workspace,
    /// Factored when the first start needs it; refits never do.
    normal: Option<Cholesky>,
    ones: Vec<f64>,
}

impl<'a> Fitter<'a> {
    pub(crate) fn new(design: &'a Design) -> Self {
        Self {
            design,
            workspace: design.workspace(),
            normal: None,
            ones: vec![1.0; design.runs()],
        }
    }

    fn fit(&mut self, y: &[f64], options: LogLinearOptions) -> (LogLinear, TaskReport) {
        let design = self.design;
        let ones = std::mem::take(&mut self.ones);
        let objective = objective(design, y, &ones, options);
        // Minima found so far: where each is, its residuals, and how many starts led there.
        let mut minima: Vec<(Descent, Vec<f64>, usize)> = Vec::new();
        let mut iterations = 0;
        for start in STARTS {
            let residuals: Vec<&[f64]> = minima.iter().map(|(_, r, _)| r.as_slice()).collect();
            let values = minima.iter().map(|(descent, ..)| descent.point.value);
            let known = Known {
                residuals: &residuals,
                least: values.fold(f64::INFINITY, f64::min),
            };
            let (descent, spent) = self.descend(&objective, start, &known);
            iterations += spent;
            let same = |other: &Descent| {
                let (a, b) = (other.point.value, descent.point.value);
                (a - b).abs() <= SAME_MINIMUM * a.min(b)
            };
            let found = match descent.end {
                End::Merged(index) => minima.get_mut(index),
                _ => minima.iter_mut().find(|(other, ..)| same(other)),
            };
            match found {
                Some((_, _, reached)) => *reached += 1,
                None => minima.push((descent, self.workspace.residuals().to_vec(), 1)),
            }
        }
        let least = |a: &&(Descent, Vec<f64>, usize), b: &&(Descent, Vec<f64>, usize)| {
            a.0.point.value.total_cmp(&b.0.point.value)
        };
        let fitted = minima
            .iter()
            .min_by(least)
            .map(|(best, residuals, reached)| {
                let report = TaskReport {
                    huber: residuals
                        .iter()
                        .map(|&r| huber(r, options.huber_delta))
                        .sum(),
                    converged: best.end == End::Converged,
                    starts: STARTS.len(),
                    starts_at_best: *reached,
                    iterations,
                    condition: self.workspace.condition(&objective, &best.point),
                };
                (law(design, best), report)
            });
        self.ones = ones;
        fitted.unwrap_or_else(|| unreachable!("the first start is a minimum of its own"))
    }

    /// Runs one start to its minimum; also returns the iterations of all its stages.
    fn descend(
        &mut self,
        objective: &Objective<'_>,
        start: Start,
        known: &Known<'_>,
    ) -> (Descent, usize) {
        let (least, most) = range(objective.y);
        let mut iterations = 0;
        let (c, t) = match start {
            Start::Flat { c } => {
                let level = (FLAT_LEVEL * (most - least)).max(f64::MIN_POSITIVE.sqrt());
                (c * least, vec![level.ln(); self.design.columns()])
            }
            Start::LogLeastSquares { c } => {
                (c * least, self.log_least_squares(objective.y, c * least))
            }
            Start::Graduated { c } => {
                let t = self.log_least_squares(objective.y, c * least);
                let (c, t, spent) = self.stages(objective, c * least, t);
                iterations += spent;
                (c, t)
            }
        };
        let descent = self
            .workspace
            .descend(objective, c, &t, FULL_PRECISION, known);
        iterations += descent.iterations;
        (descent, iterations)
    }

    /// Minima for smaller and smaller δ, each a start for the next; with the iterations spent.
    fn stages(
        &mut self,
        objective: &Objective<'_>,
        mut c: f64,
        mut t: Vec<f64>,
    ) -> (f64, Vec<f64>, usize) {
        let mut iterations = 0;
        for factor in STAGES {
            let stage = Objective {
                delta: factor * objective.delta,
                ..*objective
            };
            let nothing = &Known::NOTHING;
            let descent = self
                .workspace
                .descend(&stage, c, &t, STAGE_PRECISION, nothing);
            iterations += descent.iterations;
            (c, t) = (descent.point.c, descent.point.t);
        }
        (c, t, iterations)
    }

    /// One graduated descent from `(c, t)`, where one start is all that is needed.
    pub(crate) fn graduated(
        &mut self,
        objective: &Objective<'_>,
        c: f64,
        t: Vec<f64>,
    ) -> (Descent, TaskReport) {
        let (c, t, spent) = self.stages(objective, c, t);
        let nothing = &Known::NOTHING;
        let descent = self
            .workspace
            .descend(objective, c, &t, FULL_PRECISION, nothing);
        let residuals = self.workspace.residuals().iter();
        let report = TaskReport {
            huber: residuals.map(|&r| huber(r, objective.delta)).sum(),
            converged: descent.end == End::Converged,
            starts: 1,
            starts_at_best: 1,
            iterations: spent + descent.iterations,
            condition: self.workspace.condition(objective, &descent.point),
        };
        (descent, report)
    }

    /// One descent to six digits from a law that is close: the interval over resamples is far
    /// coarser.
    pub(crate) fn again(&mut self, objective: &Objective<'_>, c: f64, t: &[f64]) -> Descent {
        self.workspace
            .descend(objective, c, t, 1e-6, &Known::NOTHING)
    }

    /// Coefficients from least squares on `log(y − c)`.
    pub(crate) fn log_least_squares(&mut self, y: &[f64], c: f64) -> Vec<f64> {
        let (least, _) = range(y);
        let floor = (LOG_FLOOR * least).max(f64::MIN_POSITIVE.sqrt());
        let logs: Vec<f64> = y.iter().map(|y| (y - c).max(floor).ln()).collect();
        let mut t = vec![0.0; self.design.columns()];
        self.design.x.transpose_times(&logs, &mut t);
        let design = self.design;
        let normal = self.normal.get_or_insert_with(|| design.normal_equations());
        normal.solve(&mut t);
        t
    }
}
