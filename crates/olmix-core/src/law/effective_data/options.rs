//! How a law of effective data is fitted: its settings, and the fits of all tasks.

use faer::Mat;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::EffectiveData;
use super::descent::{EffectiveDescent, EffectiveFitter, EffectiveObjective};
use crate::CoreError;
use crate::law::numerics::{LEAST_C, check_losses, huber};
use crate::law::{
    DesignMatrix, FitData, LawFamily, LawSetting, LawSettings, Shape, TaskReport, check_length,
};

/// What a fit minimizes: `Σ_k w_k huber_δ(f̂(x_k) − y_k) + ½σ² (ρ‖v‖² + ρ_u‖u‖² + ρ_a (a − a₀)²)`, with `σ` the standard
/// deviation of the task's losses. A fit is the same whatever the unit and the level of the losses are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectiveDataOptions {
    /// Huber's δ > 0, in the unit of the losses; half a standard deviation of the losses of a task where `None`.
    pub huber_delta: Option<f64>,
    /// ρ ≥ 0.
    pub ridge: f64,
    /// `a₀`, in (0, 1]: what each task's `a` is pulled to.
    pub power: f64,
    /// `ρ_a` > 0; `None` where `a` is `a₀` for every task.
    pub power_ridge: Option<f64>,
    /// `ρ_u` > 0; `None` for a law without `u`.
    pub competition: Option<f64>,
}

/// Huber's δ where none is given, in standard deviations of the losses of a task.
const DELTA: f64 = 0.5;
/// `κ` at most: an exponent of the power law below its inverse is no longer told from a logarithm.
const MOST_KAPPA: f64 = 20.0;
/// Where descents start. Another `κ` (0.3) ends at the same minimum but for one task in ten, and at a higher one in most of
/// those.
const START_KAPPA: f64 = 2.0;
/// `v` at the start.
const START_V: f64 = 0.5;
/// `c` at the start, in standard deviations below the least loss.
const START_BELOW: f64 = 0.3;
/// How far plain squares are followed.
const START_PRECISION: f64 = 1e-4;
const FULL_PRECISION: f64 = 1e-12;
const REFIT_PRECISION: f64 = 1e-6;

impl Default for EffectiveDataOptions {
    fn default() -> Self {
        Self {
            huber_delta: None,
            ridge: 1e-2,
            power: 0.6,
            power_ridge: Some(10.0),
            competition: None,
        }
    }
}

/// Losses in the unit of a fit: `(y − shift) / scale`.
struct Unit {
    shift: f64,
    scale: f64,
}

impl Unit {
    fn of(y: &[f64]) -> Self {
        let count = y.len().max(1) as f64;
        let mean = y.iter().sum::<f64>() / count;
        let scale = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / count).sqrt();
        Self {
            shift: y.iter().copied().fold(f64::INFINITY, f64::min),
            scale: if scale > 0.0 { scale } else { 1.0 },
        }
    }
}

/// What all tasks of a swarm share.
struct Design {
    matrix: DesignMatrix,
    /// `K × m_live`.
    logs: Mat<f64>,
    /// `K × m_live` where the law has `u`, else `K × 0`.
    shares: Mat<f64>,
}

impl Design {
    fn new(data: &FitData<'_>, options: &EffectiveDataOptions) -> Self {
        let (runs, live) = (data.mixtures.rows(), data.live);
        let columns = if options.competition.is_some() {
            live.len()
        } else {
            0
        };
        let share = |i: usize, j: usize| data.mixtures.get(i, live[j]);
        Self {
            matrix: DesignMatrix::over(data.mixtures, live.to_vec(), data.prior),
            logs: Mat::from_fn(runs, live.len(), |i, j| {
                share(i, j).max(f64::MIN_POSITIVE).ln()
            }),
            shares: Mat::from_fn(runs, columns, share),
        }
    }
}

impl EffectiveDataOptions {
    fn objective<'a>(
        &self,
        design: &'a Design,
        y: &'a [f64],
        w: &'a [f64],
        unit: &Unit,
    ) -> EffectiveObjective<'a> {
        EffectiveObjective {
            logs: &design.logs,
            shares: &design.shares,
            y,
            w,
            delta: self.huber_delta.map_or(DELTA, |delta| delta / unit.scale),
            ridge: self.ridge,
            competition_ridge: self.competition.unwrap_or(1.0),
            power: self.power,
            power_ridge: self.power_ridge.unwrap_or(f64::INFINITY),
            c_min: (LEAST_C - 1.0) * unit.shift / unit.scale,
            most_kappa: MOST_KAPPA,
        }
    }

    fn law(design: &Design, theta: &[f64], unit: &Unit) -> EffectiveData {
        let (m, size) = (design.matrix.live().len(), theta.len());
        let c = unit.shift + unit.scale * theta[size - 1];
        let u = &theta[m + 1..size - 3];
        EffectiveData {
            log_c: c.max(f64::MIN_POSITIVE).ln(),
            level: theta[0] + unit.scale.ln(),
            power: theta[size - 3],
            kappa: theta[size - 2],
            v: design.matrix.expand(&theta[1..=m]),
            u: if u.is_empty() {
                Vec::new()
            } else {
                design.matrix.expand(u)
            },
        }
    }

    fn check(&self) -> Result<(), CoreError> {
        let refuse = |message: &str| Err(CoreError::Unsupported(message.into()));
        if !self.huber_delta.is_none_or(|d| d > 0.0 && d.is_finite()) {
            return refuse("Huber's δ must be positive");
        }
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return refuse("the ridge must not be negative");
        }
        if !(self.power > 0.0 && self.power <= 1.0) {
            return refuse("a law of effective data needs a power within (0, 1]");
        }
        let positive = |r: f64| r > 0.0 && r.is_finite();
        if !(self.competition.is_none_or(positive) && self.power_ridge.is_none_or(positive)) {
            return refuse("the ridges on competition and on the power must be positive");
        }
        Ok(())
    }

    /// The minimum, and the iterations to it: first of plain squares, which no start is far from, then of the Huber loss.
    fn descend(
        &self,
        fitter: &mut EffectiveFitter,
        objective: &EffectiveObjective<'_>,
        m: usize,
    ) -> (EffectiveDescent, usize) {
        let squares = EffectiveObjective {
            delta: f64::INFINITY,
            ..*objective
        };
        let most = objective.y.iter().copied().fold(0.0, f64::max);
        let mut theta = vec![(most + START_BELOW).ln()];
        theta.extend(std::iter::repeat_n(START_V, m));
        if self.competition.is_some() {
            theta.extend(std::iter::repeat_n(0.0, m));
        }
        theta.extend([objective.power, START_KAPPA, -START_BELOW]);
        let start = fitter.descend(&squares, &theta, START_PRECISION);
        let found = fitter.descend(objective, &start.point.theta, FULL_PRECISION);
        let spent = start.iterations + found.iterations;
        (found, spent)
    }
}

/// `ρ_a` and `ρ_u` tried in place of those given; `docs/decisions.md` has what each is worth on measured swarms.
const CANDIDATES: [(Option<f64>, Option<f64>); 4] = [
    (Some(10.0), None),
    (Some(1.0), None),
    (None, Some(1.0)),
    (Some(1.0), Some(1.0)),
];
/// Tried for the best of these: factors of `ρ` and `ρ_u`, and of `ρ` alone.
const RIDGES: [f64; 3] = [0.1, 0.3, 3.0];
const COMPETITIONS: [(f64, f64); 3] = [(1.0, 0.1), (0.1, 0.1), (1.0, 10.0)];

impl LawFamily for EffectiveDataOptions {
    const SHAPE: Shape = Shape::Convex;
    const SETTINGS: &'static [LawSetting] = &[LawSetting::HuberDelta, LawSetting::Ridge];
    const FOLDS_BY_REFIT: bool = true;

    fn with_settings(settings: &LawSettings) -> Option<Self> {
        let default = Self::default();
        Some(Self {
            huber_delta: settings.huber_delta,
            ridge: settings.ridge.unwrap_or(default.ridge),
            ..default
        })
    }

    fn describe(&self) -> String {
        let power = match self.power_ridge {
            Some(ridge) => format!("p^a (a near {}, ridge {ridge})", self.power),
            None => format!("p^{}", self.power),
        };
        let competition = match self.competition {
            Some(ridge) => format!(", competition with ridge {ridge:e}"),
            None => String::new(),
        };
        format!(
            "effective data in {power}, ridge {:e}{competition}",
            self.ridge
        )
    }

    /// With a ridge the law is determined by fewer runs than it has parameters, and one more than domains is asked for.
    fn needed(&self, live: usize) -> usize {
        if self.ridge > 0.0 {
            live + 1
        } else {
            self.parameters(live)
        }
    }

    fn parameters(&self, live: usize) -> usize {
        let competition = if self.competition.is_some() { live } else { 0 };
        let power = usize::from(self.power_ridge.is_some());
        3 + live + competition + power
    }

    fn candidates(&self) -> Vec<Self> {
        let with = |&(power_ridge, competition): &(Option<f64>, Option<f64>)| Self {
            power_ridge,
            competition,
            ..self.clone()
        };
        CANDIDATES.iter().map(with).collect()
    }

    fn refinements(&self) -> Vec<Self> {
        let mut refined: Vec<Self> = Vec::new();
        refined.extend(RIDGES.map(|factor| Self {
            ridge: factor * self.ridge,
            ..self.clone()
        }));
        if let Some(competition) = self.competition {
            refined.extend(COMPETITIONS.map(|(ridge, factor)| Self {
                ridge: ridge * self.ridge,
                competition: Some(factor * competition),
                ..self.clone()
            }));
        }
        refined
    }

    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(EffectiveData, TaskReport)>, CoreError> {
        self.check()?;
        let design = &Design::new(data, self);
        for task in 0..data.losses.columns() {
            check_losses(&design.matrix, &data.losses.column(task), "effective-data")?;
        }
        let (runs, m) = (data.mixtures.rows(), design.matrix.live().len());
        let weights = data.run_weights();
        let competition = self.competition.is_some();
        Ok((0..data.losses.columns())
            .into_par_iter()
            .map_init(
                || EffectiveFitter::new(runs, m, competition),
                |fitter, task| {
                    let y = data.losses.column(task);
                    let unit = Unit::of(&y);
                    let y: Vec<f64> = y.iter().map(|y| (y - unit.shift) / unit.scale).collect();
                    let objective = self.objective(design, &y, &weights, &unit);
                    let (descent, spent) = self.descend(fitter, &objective, m);
                    let residuals = fitter.residuals().iter();
                    let sum: f64 = residuals.map(|&r| huber(r, objective.delta)).sum();
                    let report = TaskReport {
                        huber: sum * unit.scale * unit.scale,
                        converged: descent.converged,
                        starts: 1,
                        starts_at_best: 1,
                        iterations: spent,
                        condition: f64::NAN,
                    };
                    progress();
                    (Self::law(design, &descent.point.theta, &unit), report)
                },
            )
            .collect())
    }

    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &EffectiveData)],
    ) -> Vec<EffectiveData> {
        let design = Design::new(data, self);
        let m = design.matrix.live().len();
        let competition = self.competition.is_some();
        let mut fitter = EffectiveFitter::new(data.mixtures.rows(), m, competition);
        let again = |&(task, known): &(usize, &EffectiveData)| {
            let y = data.losses.column(task);
            let unit = Unit::of(&y);
            let y: Vec<f64> = y.iter().map(|y| (y - unit.shift) / unit.scale).collect();
            let objective = self.objective(&design, &y, weights, &unit);
            let mut theta = vec![known.level - unit.scale.ln()];
            theta.extend(design.matrix.live().iter().map(|&j| known.v[j]));
            if competition {
                theta.extend(design.matrix.live().iter().map(|&j| known.u[j]));
            }
            theta.push(known.power);
            theta.push(known.kappa);
            theta.push((known.log_c.exp() - unit.shift) / unit.scale);
            let descent = fitter.descend(&objective, &theta, REFIT_PRECISION);
            Self::law(&design, &descent.point.theta, &unit)
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &EffectiveData, m: usize) -> Result<(), String> {
        if law.v.iter().any(|v| *v < 0.0) || law.kappa < 0.0 {
            return Err("`v` or `kappa` is negative".to_owned());
        }
        if !(law.power > 0.0 && law.power <= 1.0) {
            return Err("`power` is not within (0, 1]".to_owned());
        }
        check_length("v", law.v.len(), m)?;
        if law.u.is_empty() {
            return Ok(());
        }
        check_length("u", law.u.len(), m)
    }

    fn floor(law: &EffectiveData) -> f64 {
        law.log_c.exp()
    }

    /// The slope of the exponent, to all digits.
    fn log_slope(law: &EffectiveData, p: &[f64], _: f64, into: &mut [f64]) {
        law.add_slope(law.amount(p), p, 1.0, into);
    }
}
