//! Any law: what a fit returns and what later steps take. Adding a law is adding a file and a line
//! in each `match` here and in `options.rs`.

use serde::{Deserialize, Serialize};

use super::{
    AutoScale, BiMix, BoostedTrees, Curvature, GaussianProcess, Law, LogLinear, Saturating, Shape,
};
use crate::swarm::dot;

/// A fitted law of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FittedLaw {
    /// `exp(log c) + exp(t·p)`.
    LogLinear(LogLinear),
    /// `exp(log c) + exp(b − Σ v p^a)`.
    Saturating(Saturating),
    /// `c + Σ (R (A + p))^(−γ)`.
    #[serde(rename = "autoscale")]
    AutoScale(AutoScale),
    /// `Σ F max(p, ε)^(−α)`.
    #[serde(rename = "bimix")]
    BiMix(BiMix),
    /// A Gaussian process.
    Gp(GaussianProcess),
    /// Gradient-boosted trees.
    #[serde(rename = "lightgbm")]
    LightGbm(BoostedTrees),
}

impl FittedLaw {
    fn law(&self) -> &dyn Law {
        match self {
            Self::LogLinear(law) => law,
            Self::Saturating(law) => law,
            Self::AutoScale(law) => law,
            Self::BiMix(law) => law,
            Self::Gp(law) => law,
            Self::LightGbm(law) => law,
        }
    }

    /// What is wrong with a law over `m` domains that was read from a file; `None` for a sound one.
    #[must_use]
    pub fn flaw(&self, m: usize) -> Option<String> {
        let length = |what: &str, found: usize| {
            (found != m).then(|| format!("`{what}` has {found} entries for {m} domains"))
        };
        match self {
            Self::LogLinear(law) => length("t", law.t.len()),
            Self::Saturating(law) => {
                if law.bases.is_empty() || law.v.len() != law.bases.len() {
                    let (rows, bases) = (law.v.len(), law.bases.len());
                    return Some(format!("`v` has {rows} rows for {bases} bases"));
                }
                if law.v.iter().flatten().any(|v| *v < 0.0) {
                    return Some("`v` has a negative entry".to_owned());
                }
                law.v.iter().find_map(|v| length("v", v.len()))
            }
            Self::AutoScale(law) => {
                let positive = law.a.iter().all(|a| *a > 0.0) && law.tokens >= 1.0;
                let positive = positive && law.gamma.iter().all(|gamma| *gamma >= 0.0);
                let flaw = (!positive).then(|| "`a`, `gamma` or `tokens` is negative".to_owned());
                length("a", law.a.len())
                    .or(length("gamma", law.gamma.len()))
                    .or(flaw)
            }
            Self::BiMix(law) => {
                let positive = law.f.iter().chain(&law.alpha).all(|x| *x >= 0.0);
                let positive = positive && law.epsilon > 0.0;
                let flaw = (!positive).then(|| "`f`, `alpha` or `epsilon` is negative".to_owned());
                length("f", law.f.len())
                    .or(length("alpha", law.alpha.len()))
                    .or(flaw)
            }
            Self::Gp(law) => {
                if law.runs.rows() != law.alpha.len() {
                    let (alpha, runs) = (law.alpha.len(), law.runs.rows());
                    return Some(format!("`alpha` has {alpha} entries for {runs} `mixtures`"));
                }
                if law.live.iter().any(|&j| j >= m) || law.runs.columns() != m {
                    return Some(format!("`live` or `mixtures` do not fit {m} domains"));
                }
                None
            }
            Self::LightGbm(law) => law.flaw(m),
        }
    }

    /// The irreducible loss; 0 for a law that knows none.
    #[must_use]
    pub fn floor(&self) -> f64 {
        match self {
            Self::LogLinear(law) => law.log_c.exp(),
            Self::Saturating(law) => law.log_c.exp(),
            Self::AutoScale(law) => law.c,
            Self::BiMix(_) | Self::Gp(_) | Self::LightGbm(_) => 0.0,
        }
    }

    /// What moving weight from `prior` to each domain does to the logarithm of the reducible loss
    /// (the whole loss, for a law that knows no irreducible one): its slope in the direction from
    /// the prior to the domain alone (length `m`). Negative where the domain helps.
    ///
    /// Of a law that is a step function it is the change from the prior to a mixture 5 % of the way
    /// to the domain, per unit of weight.
    #[must_use]
    pub fn effects(&self, prior: &[f64]) -> Vec<f64> {
        let reducible = (self.predict(prior) - self.floor()).max(f64::MIN_POSITIVE);
        if self.shape() == Shape::Steps {
            let towards = |j: usize| {
                let mut p: Vec<f64> = prior.iter().map(|p| (1.0 - STEP) * p).collect();
                p[j] += STEP;
                p
            };
            let change = |j: usize| self.predict(&towards(j)) - self.predict(prior);
            return (0..prior.len())
                .map(|j| change(j) / (STEP * reducible))
                .collect();
        }
        let mut slope = vec![0.0; prior.len()];
        match self {
            // The slope `g` of the Hessian's rank-one part is that of the exponent, to all digits.
            Self::LogLinear(_) | Self::Saturating(_) => {
                let into = Curvature {
                    slope: &mut slope,
                    diagonal: &mut vec![0.0; prior.len()],
                };
                self.curvature(prior, 1.0, into);
            }
            Self::AutoScale(_) | Self::BiMix(_) | Self::Gp(_) | Self::LightGbm(_) => {
                self.add_gradient(prior, 1.0 / reducible, &mut slope);
            }
        }
        let mean = dot(&slope, prior);
        slope.into_iter().map(|slope| slope - mean).collect()
    }
}

/// How far [`FittedLaw::effects`] goes towards a domain where there is no slope.
const STEP: f64 = 0.05;

impl From<LogLinear> for FittedLaw {
    fn from(law: LogLinear) -> Self {
        Self::LogLinear(law)
    }
}

impl From<Saturating> for FittedLaw {
    fn from(law: Saturating) -> Self {
        Self::Saturating(law)
    }
}

impl From<AutoScale> for FittedLaw {
    fn from(law: AutoScale) -> Self {
        Self::AutoScale(law)
    }
}

impl From<BiMix> for FittedLaw {
    fn from(law: BiMix) -> Self {
        Self::BiMix(law)
    }
}

impl From<GaussianProcess> for FittedLaw {
    fn from(law: GaussianProcess) -> Self {
        Self::Gp(law)
    }
}

impl From<BoostedTrees> for FittedLaw {
    fn from(law: BoostedTrees) -> Self {
        Self::LightGbm(law)
    }
}

impl Law for FittedLaw {
    fn predict(&self, p: &[f64]) -> f64 {
        self.law().predict(p)
    }

    fn add_gradient(&self, p: &[f64], scale: f64, into: &mut [f64]) {
        self.law().add_gradient(p, scale, into);
    }

    fn curvature(&self, p: &[f64], scale: f64, into: Curvature<'_>) -> f64 {
        self.law().curvature(p, scale, into)
    }

    fn shape(&self) -> Shape {
        self.law().shape()
    }

    fn log_linear(&self) -> Option<&LogLinear> {
        self.law().log_linear()
    }
}
