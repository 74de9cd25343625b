//! Fitting `c + exp(t·x)` to one task after another on one design: where descents start, and which
//! minimum is kept.

use super::linalg::Cholesky;
use super::newton::{Descent, End, FULL_PRECISION, Known, Workspace};
use super::objective::{Objective, huber};
use super::{DesignMatrix, TaskReport};
use crate::CoreError;

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

/// Refuses losses that a law with an irreducible part can't be fitted to.
pub(crate) fn check_losses(design: &DesignMatrix, y: &[f64], law: &str) -> Result<(), CoreError> {
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

pub(crate) fn range(y: &[f64]) -> (f64, f64) {
    y.iter().fold((f64::INFINITY, 0.0), |(least, most), &y| {
        (least.min(y), most.max(y))
    })
}

/// What one thread needs to fit task after task on one design.
pub(crate) struct Fitter<'a> {
    design: &'a DesignMatrix,
    workspace: Workspace,
    /// Factored when the first start needs it; refits never do.
    normal: Option<Cholesky>,
}

impl<'a> Fitter<'a> {
    pub(crate) fn new(design: &'a DesignMatrix) -> Self {
        Self {
            design,
            workspace: design.workspace(),
            normal: None,
        }
    }

    /// The least minimum over all of [`STARTS`], some 20 iterations each.
    pub(crate) fn multistart(&mut self, objective: &Objective<'_>) -> (Descent, TaskReport) {
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
            let (descent, spent) = self.descend(objective, start, &known);
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
                    huber: residuals.iter().map(|&r| huber(r, objective.delta)).sum(),
                    converged: best.end == End::Converged,
                    starts: STARTS.len(),
                    starts_at_best: *reached,
                    iterations,
                    condition: self.workspace.condition(objective, &best.point),
                };
                (best.clone(), report)
            });
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
        self.workspace.descend_by_chords(objective, c, t, 1e-6)
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
