//! Any law: what a fit returns and what later steps take. Adding a law is adding a file and a line
//! in each `match` here.

use serde::{Deserialize, Serialize};

use super::log_linear::{self, Fitter};
use super::{Curvature, Design, Law, LogLinear, LogLinearOptions, Saturating, SaturatingOptions};
use super::{TaskReport, fit_tasks};
use crate::swarm::dot;
use crate::{CoreError, Matrix, Swarm};

/// A fitted law of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FittedLaw {
    /// `exp(log c) + exp(t·p)`.
    LogLinear(LogLinear),
    /// `exp(log c) + exp(b − Σ v p^a)`.
    Saturating(Saturating),
}

impl FittedLaw {
    fn law(&self) -> &dyn Law {
        match self {
            Self::LogLinear(law) => law,
            Self::Saturating(law) => law,
        }
    }

    /// Logarithm of the irreducible loss.
    #[must_use]
    pub fn log_c(&self) -> f64 {
        match self {
            Self::LogLinear(law) => law.log_c,
            Self::Saturating(law) => law.log_c,
        }
    }

    /// What moving weight from `prior` to each domain does to the logarithm of the reducible loss:
    /// its slope in the direction from the prior to the domain alone (length `m`). Negative where
    /// the domain helps.
    #[must_use]
    pub fn effects(&self, prior: &[f64]) -> Vec<f64> {
        let m = prior.len();
        let (mut slope, mut diagonal) = (vec![0.0; m], vec![0.0; m]);
        let into = Curvature {
            slope: &mut slope,
            diagonal: &mut diagonal,
        };
        // The slope `g` of the Hessian's rank-one part is that of the exponent.
        self.curvature(prior, 1.0, into);
        let mean = dot(&slope, prior);
        slope.into_iter().map(|slope| slope - mean).collect()
    }
}

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

    fn log_linear(&self) -> Option<&LogLinear> {
        self.law().log_linear()
    }
}

/// A law to fit, with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum LawOptions {
    /// `exp(log c) + exp(t·p)`.
    LogLinear(LogLinearOptions),
    /// `exp(log c) + exp(b − Σ v p^a)`.
    Saturating(SaturatingOptions),
}

impl LawOptions {
    /// The law's name, as in a config.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LogLinear(_) => "log_linear",
            Self::Saturating(_) => "saturating",
        }
    }

    /// Huber's δ, in the unit of the losses.
    #[must_use]
    pub fn huber_delta(&self) -> f64 {
        match self {
            Self::LogLinear(options) => options.huber_delta,
            Self::Saturating(options) => options.huber_delta,
        }
    }

    /// ρ, the ridge.
    #[must_use]
    pub fn ridge(&self) -> f64 {
        match self {
            Self::LogLinear(options) => options.ridge,
            Self::Saturating(options) => options.ridge,
        }
    }

    /// The same law with another ridge.
    #[must_use]
    pub fn with_ridge(&self, ridge: f64) -> Self {
        match self {
            Self::LogLinear(options) => Self::LogLinear(LogLinearOptions { ridge, ..*options }),
            Self::Saturating(options) => Self::Saturating(SaturatingOptions {
                ridge,
                ..options.clone()
            }),
        }
    }

    /// Runs that a fit over `live` sampled domains needs: as many as the law has parameters.
    #[must_use]
    pub fn needed(&self, live: usize) -> usize {
        match self {
            Self::LogLinear(_) => live + 1,
            Self::Saturating(options) => options.needed(live),
        }
    }

    fn design(&self, mixtures: &Matrix, live: Vec<usize>, prior: &[f64]) -> Design {
        match self {
            Self::LogLinear(_) => Design::over(mixtures, live, prior),
            Self::Saturating(options) => options.design(mixtures, live, prior),
        }
    }

    /// Fits one law per task of a swarm, in parallel, with a report each. Domains that no run
    /// sampled are worth what `prior` (length `m`) makes of the others.
    ///
    /// `progress` is called once after each task, from any thread. Same bits on any number of
    /// threads.
    ///
    /// # Errors
    /// [`CoreError::TooFewRuns`]; [`CoreError::Unsupported`] when a loss is negative or an option
    /// out of range.
    pub fn fit(
        &self,
        swarm: &Swarm,
        prior: &[f64],
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<(FittedLaw, TaskReport)>, CoreError> {
        let live = swarm.live_domains();
        if swarm.len() < self.needed(live.len()) {
            return Err(CoreError::TooFewRuns {
                law: self.name(),
                runs: swarm.len(),
                live: live.len(),
                needed: self.needed(live.len()),
            });
        }
        let design = self.design(swarm.mixtures(), live, prior);
        Ok(match self {
            Self::LogLinear(options) => {
                let fitted = fit_tasks(&design, swarm.losses(), *options, progress)?;
                fitted
                    .into_iter()
                    .map(|(law, report)| (law.into(), report))
                    .collect()
            }
            Self::Saturating(options) => {
                let fitted = options.fit_tasks(&design, swarm.losses(), progress)?;
                fitted
                    .into_iter()
                    .map(|(law, report)| (law.into(), report))
                    .collect()
            }
        })
    }
}

/// Fits laws again to resampled runs, each from the law fitted to all runs.
#[derive(Debug)]
pub struct Refit<'a> {
    /// How the laws were fitted.
    pub options: &'a LawOptions,
    /// The laws of all runs, one per task.
    pub laws: &'a [FittedLaw],
    /// As in [`LawOptions::fit`].
    pub prior: &'a [f64],
}

impl Refit<'_> {
    /// The laws of a part of the runs, `swarm`, each run with a weight (how often it was drawn).
    /// One descent per task, to six digits; single-threaded.
    #[must_use]
    pub fn laws(&self, swarm: &Swarm, weights: &[f64]) -> Vec<FittedLaw> {
        let live = swarm.live_domains();
        let design = self.options.design(swarm.mixtures(), live, self.prior);
        let mut fitter = Fitter::new(&design);
        self.laws
            .iter()
            .enumerate()
            .map(|(task, law)| {
                let y = swarm.losses().column(task);
                match (self.options, law) {
                    (LawOptions::LogLinear(options), FittedLaw::LogLinear(law)) => {
                        let from = &mut fitter;
                        log_linear::refit(&design, &y, weights, *options, law, from).into()
                    }
                    (LawOptions::Saturating(options), FittedLaw::Saturating(law)) => {
                        options.refit(&design, &y, weights, law, &mut fitter).into()
                    }
                    // Laws of another kind than the options: there is nothing to fit again.
                    (_, law) => law.clone(),
                }
            })
            .collect()
    }
}
