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

use super::log_linear::describe_objective;
use super::numerics::{
    Features, Fitter, LEAST_C, LossUnit, MAX_EXPONENT, Objective, check_losses, range,
};
use super::{
    Basis, Curvature, DesignMatrix, Exponential, FitData, Law, LawFamily, LawSetting, LawSettings,
    Shape, TaskReport, check_length,
};
use crate::CoreError;

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

    fn curvature(&self, p: &[f64], scale: f64, into: &mut Curvature) {
        let reducible = scale * self.exponent(p).exp();
        self.add_slope(p, 1.0, into.term(reducible));
        for (basis, v) in self.bases.iter().zip(&self.v) {
            for ((into, v), p) in into.diagonal.iter_mut().zip(v).zip(p) {
                if *v > 0.0 {
                    *into += reducible * v * basis.neg_second_derivative(*p);
                }
            }
        }
    }

    fn exponential(&self) -> Option<Exponential<'_>> {
        let terms = self.bases.iter().zip(&self.v);
        Some(Exponential {
            floor: self.log_c.exp(),
            level: self.level,
            terms: terms
                .map(|(basis, v)| (*basis, v.as_slice(), -1.0))
                .collect(),
        })
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
    fn design(&self, data: &FitData<'_>) -> DesignMatrix {
        let features = Features::Bases(self.bases.clone());
        DesignMatrix::of_features(data.mixtures, data.live.to_vec(), data.prior, features)
    }

    /// The objective of losses `y` that are given in `unit`.
    fn objective<'a>(
        &self,
        design: &'a DesignMatrix,
        y: &'a [f64],
        w: &'a [f64],
        unit: LossUnit,
    ) -> Objective<'a> {
        let (least, _) = range(y);
        Objective {
            x: &design.x,
            y,
            w,
            delta: unit.size_inside(self.huber_delta),
            ridge: unit.ridge_inside(self.ridge),
            unpenalized: 1,
            bounded: design.live().len() * self.bases.len(),
            c_min: LEAST_C * least.max(f64::MIN_POSITIVE.sqrt()),
        }
    }

    fn law(&self, design: &DesignMatrix, c: f64, t: &[f64], unit: LossUnit) -> Saturating {
        let live = design.live().len();
        let block = |a: usize| -> Vec<f64> {
            let t = &t[1..][a * live..(a + 1) * live];
            design.expand(&t.iter().map(|t| -t).collect::<Vec<f64>>())
        };
        Saturating {
            log_c: unit.constant_outside(c).ln(),
            level: t[0] + unit.log_scale(),
            bases: self.bases.clone(),
            v: (0..self.bases.len()).map(block).collect(),
        }
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

/// Functions tried in place of those given; `docs/decisions.md` has what each is worth on measured
/// swarms.
const BASES: [&[Basis]; 6] = [
    &[Basis::Power(0.6)],
    &[Basis::Log(0.1)],
    &[Basis::Log(0.03)],
    &[Basis::Power(0.4), Basis::Power(0.8)],
    &[Basis::Power(0.5), Basis::Power(1.0)],
    &[Basis::Power(0.3), Basis::Power(0.6), Basis::Power(1.0)],
];
/// Tried for the best functions, which are chosen at the default ridge.
const RIDGES: [f64; 5] = [3e-5, 1e-4, 1e-3, 3e-3, 1e-2];

impl LawFamily for SaturatingOptions {
    const SHAPE: Shape = Shape::Convex;
    const SETTINGS: &'static [LawSetting] = &[LawSetting::HuberDelta, LawSetting::Ridge];

    fn with_settings(settings: &LawSettings) -> Option<Self> {
        let default = Self::default();
        Some(Self {
            huber_delta: settings.huber_delta.unwrap_or(default.huber_delta),
            ridge: settings.ridge.unwrap_or(default.ridge),
            bases: default.bases,
        })
    }

    fn describe(&self) -> String {
        let bases: Vec<String> = self.bases.iter().map(Basis::to_string).collect();
        let objective = describe_objective(self.huber_delta, self.ridge);
        format!("saturating in {}{objective}", bases.join(" + "))
    }

    /// With a ridge the law is determined by fewer runs than it has parameters, and one more than
    /// domains is asked for, as by the log-linear law.
    fn needed(&self, live: usize) -> usize {
        if self.ridge > 0.0 {
            live + 1
        } else {
            self.parameters(live)
        }
    }

    /// With a ridge there is one minimum, wherever a descent starts. Without one, what the runs of a fold leave open would
    /// stay as all runs have it.
    fn folds_by_refit(&self) -> bool {
        self.ridge > 0.0
    }

    fn parameters(&self, live: usize) -> usize {
        live * self.bases.len() + 2
    }

    fn candidates(&self) -> Vec<Self> {
        let with = |bases: &[Basis]| Self {
            bases: bases.to_vec(),
            ..self.clone()
        };
        BASES.map(with).to_vec()
    }

    /// Functions matter more than the ridge, and are slow to fit: so the ridge comes second.
    fn refinements(&self) -> Vec<Self> {
        let with = |ridge| Self {
            ridge,
            ..self.clone()
        };
        RIDGES.map(with).to_vec()
    }

    fn design_functions(&self) -> Option<Vec<Basis>> {
        Some(self.bases.clone())
    }

    fn fit(
        &self,
        data: &FitData<'_>,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(Saturating, TaskReport)>, CoreError> {
        self.check()?;
        let (design, losses) = (&self.design(data), data.losses);
        for task in 0..losses.columns() {
            check_losses(design, &losses.column(task), "saturating")?;
        }
        let weights = data.run_weights();
        Ok((0..losses.columns())
            .into_par_iter()
            .map_init(
                || Fitter::new(design),
                |fitter, task| {
                    let y = losses.column(task);
                    // The level is exempt from the ridge: any scale gives the same law.
                    let unit = LossUnit::of(&y, true);
                    let y = unit.inside(&y);
                    let objective = self.objective(design, &y, &weights, unit);
                    let (least, _) = range(&y);
                    let c = START * least;
                    let mut t = fitter.log_least_squares(&y, c);
                    for t in &mut t[1..] {
                        *t = t.min(-LEAST_START);
                    }
                    let (descent, mut report) = fitter.graduated(&objective, c, t);
                    report.huber = unit.squares_outside(report.huber);
                    progress();
                    let point = &descent.point;
                    (self.law(design, point.c, &point.t, unit), report)
                },
            )
            .collect())
    }

    fn refit(
        &self,
        data: &FitData<'_>,
        weights: &[f64],
        from: &[(usize, &Saturating)],
    ) -> Vec<Saturating> {
        let design = self.design(data);
        let mut fitter = Fitter::new(&design);
        let again = |&(task, known): &(usize, &Saturating)| {
            let y = data.losses.column(task);
            let unit = LossUnit::of(&y, true);
            let y = unit.inside(&y);
            let objective = self.objective(&design, &y, weights, unit);
            let mut t = vec![known.level - unit.log_scale()];
            for v in &known.v {
                t.extend(design.live().iter().map(|&j| -v[j]));
            }
            let c = unit.constant_inside(known.log_c.exp(), objective.c_min);
            let descent = fitter.again(&objective, c, &t);
            self.law(&design, descent.point.c, &descent.point.t, unit)
        };
        from.iter().map(again).collect()
    }

    fn validate(law: &Saturating, m: usize) -> Result<(), String> {
        if law.bases.is_empty() || law.v.len() != law.bases.len() {
            let (rows, bases) = (law.v.len(), law.bases.len());
            return Err(format!("`v` has {rows} rows for {bases} bases"));
        }
        if law.v.iter().flatten().any(|v| *v < 0.0) {
            return Err("`v` has a negative entry".to_owned());
        }
        law.v.iter().try_for_each(|v| check_length("v", v.len(), m))
    }

    fn floor(law: &Saturating) -> f64 {
        law.log_c.exp()
    }

    /// The slope of the exponent, to all digits.
    fn log_slope(law: &Saturating, p: &[f64], _: f64, into: &mut [f64]) {
        law.add_slope(p, 1.0, into);
    }
}
