//! Any law to fit, with its settings.

use serde::{Deserialize, Serialize};

use super::log_linear::{self, Fitter};
use super::{
    AutoScaleOptions, Basis, BiMixOptions, BoostedTreesOptions, Design, FittedLaw,
    GaussianProcessOptions, LogLinearOptions, SaturatingOptions, TaskReport, fit_tasks,
};
use crate::{CoreError, Swarm};

/// A law to fit, with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum LawOptions {
    /// `exp(log c) + exp(t·p)`.
    LogLinear(LogLinearOptions),
    /// `exp(log c) + exp(b − Σ v φ(p))`.
    Saturating(SaturatingOptions),
    /// `c + Σ (R (A + p))^(−γ)`.
    #[serde(rename = "autoscale")]
    AutoScale(AutoScaleOptions),
    /// `Σ F max(p, ε)^(−α)`.
    #[serde(rename = "bimix")]
    BiMix(BiMixOptions),
    /// A Gaussian process.
    Gp(GaussianProcessOptions),
    /// Gradient-boosted trees.
    #[serde(rename = "lightgbm")]
    LightGbm(BoostedTreesOptions),
    /// A law of its own kind for each task.
    PerTask {
        /// Aligned with the tasks; none of them is itself `PerTask`.
        tasks: Vec<LawOptions>,
    },
}

impl LawOptions {
    /// The law's name, as in a config.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LogLinear(_) => "log_linear",
            Self::Saturating(_) => "saturating",
            Self::AutoScale(_) => "autoscale",
            Self::BiMix(_) => "bimix",
            Self::Gp(_) => "gp",
            Self::LightGbm(_) => "lightgbm",
            Self::PerTask { .. } => "per_task",
        }
    }

    /// The law with its settings, as a person reads it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::LogLinear(options) => {
                format!(
                    "log-linear{}",
                    fitted_by(options.huber_delta, options.ridge)
                )
            }
            Self::Saturating(options) => {
                let bases: Vec<String> = options.bases.iter().map(Basis::to_string).collect();
                format!(
                    "saturating in {}{}",
                    bases.join(" + "),
                    fitted_by(options.huber_delta, options.ridge)
                )
            }
            Self::AutoScale(options) => format!("AutoScale, R = {:e} tokens", options.tokens),
            Self::BiMix(options) => format!("BiMix, ε {:e}", options.epsilon),
            Self::Gp(_) => "Gaussian process, constant × RBF + noise".to_owned(),
            Self::LightGbm(options) => format!(
                "boosted trees, up to {} of {} leaves, rate {}",
                options.rounds, options.max_leaves, options.learning_rate
            ),
            Self::PerTask { tasks } => {
                let mut kinds: Vec<(&str, usize)> = Vec::new();
                for options in tasks {
                    match kinds.iter_mut().find(|(kind, _)| *kind == options.name()) {
                        Some((_, count)) => *count += 1,
                        None => kinds.push((options.name(), 1)),
                    }
                }
                let kinds: Vec<String> = kinds
                    .into_iter()
                    .map(|(kind, count)| format!("{} for {count}", kind.replace('_', "-")))
                    .collect();
                format!("a law of its own per task: {}", kinds.join(", "))
            }
        }
    }

    /// The same law with another ridge, if it has one.
    #[must_use]
    pub fn with_ridge(&self, ridge: f64) -> Self {
        match self {
            Self::LogLinear(options) => Self::LogLinear(LogLinearOptions { ridge, ..*options }),
            Self::Saturating(options) => Self::Saturating(SaturatingOptions {
                ridge,
                ..options.clone()
            }),
            _ => self.clone(),
        }
    }

    /// The same law fitted with less effort, where there is a choice: enough to compare laws.
    #[must_use]
    pub fn quick(self) -> Self {
        match self {
            Self::AutoScale(options) => Self::AutoScale(AutoScaleOptions {
                thorough: false,
                ..options
            }),
            Self::BiMix(options) => Self::BiMix(BiMixOptions {
                thorough: false,
                ..options
            }),
            other => other,
        }
    }

    /// Whether the laws are convex in the mixture, so that the exact optimizer applies.
    #[must_use]
    pub fn is_convex(&self) -> bool {
        match self {
            Self::LogLinear(_) | Self::Saturating(_) | Self::AutoScale(_) | Self::BiMix(_) => true,
            Self::Gp(_) | Self::LightGbm(_) => false,
            Self::PerTask { tasks } => tasks.iter().all(Self::is_convex),
        }
    }

    /// Parameters of a law over `live` sampled domains, for laws that have a number of them.
    #[must_use]
    pub fn parameters(&self, live: usize) -> usize {
        match self {
            Self::Saturating(options) => options.parameters(live),
            _ => self.needed(live),
        }
    }

    /// Runs that a fit over `live` sampled domains needs: as many as the law has parameters, but for
    /// those that a ridge determines.
    #[must_use]
    pub fn needed(&self, live: usize) -> usize {
        match self {
            Self::LogLinear(_) => live + 1,
            Self::Saturating(options) => options.needed(live),
            Self::AutoScale(_) => AutoScaleOptions::needed(live),
            Self::BiMix(_) => BiMixOptions::needed(live),
            Self::Gp(_) => GaussianProcessOptions::needed(),
            Self::LightGbm(options) => options.needed(live),
            Self::PerTask { tasks } => tasks.iter().map(|o| o.needed(live)).max().unwrap_or(0),
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
        let (x, y) = (swarm.mixtures(), swarm.losses());
        match self {
            Self::LogLinear(options) => {
                let design = Design::over(x, live, prior);
                fit_tasks(&design, y, *options, progress).map(any_law)
            }
            Self::Saturating(options) => {
                let design = options.design(x, live, prior);
                options.fit_tasks(&design, y, progress).map(any_law)
            }
            Self::AutoScale(options) => options.fit_tasks(x, &live, y, progress).map(any_law),
            Self::BiMix(options) => options.fit_tasks(x, &live, y, progress).map(any_law),
            Self::Gp(options) => options.fit_tasks(x, &live, y, progress).map(any_law),
            Self::LightGbm(options) => options.fit_tasks(x, &live, y, progress).map(any_law),
            Self::PerTask { tasks } => fit_per_task(tasks, swarm, prior, progress),
        }
    }
}

/// `, Huber δ 0.02, no ridge`.
fn fitted_by(huber_delta: f64, ridge: f64) -> String {
    match ridge {
        0.0 => format!(", Huber δ {huber_delta}, no ridge"),
        ridge => format!(", Huber δ {huber_delta}, ridge {ridge:e}"),
    }
}

fn any_law<L: Into<FittedLaw>>(fitted: Vec<(L, TaskReport)>) -> Vec<(FittedLaw, TaskReport)> {
    fitted
        .into_iter()
        .map(|(law, report)| (law.into(), report))
        .collect()
}

/// Tasks with the same options are fitted together.
fn fit_per_task(
    tasks: &[LawOptions],
    swarm: &Swarm,
    prior: &[f64],
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<(FittedLaw, TaskReport)>, CoreError> {
    if tasks.len() != swarm.tasks().len() {
        return Err(CoreError::Shape {
            what: "laws, one per task",
            expected: swarm.tasks().len(),
            found: tasks.len(),
        });
    }
    let mut fitted: Vec<Option<(FittedLaw, TaskReport)>> = vec![None; tasks.len()];
    for (first, options) in tasks.iter().enumerate() {
        if fitted[first].is_some() {
            continue;
        }
        let alike: Vec<usize> = (first..tasks.len())
            .filter(|&task| tasks[task] == *options)
            .collect();
        let laws = options.fit(&swarm.with_tasks(&alike), prior, progress)?;
        for (task, law) in alike.into_iter().zip(laws) {
            fitted[task] = Some(law);
        }
    }
    Ok(fitted.into_iter().flatten().collect())
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
        let x = swarm.mixtures();
        let mut laws: Vec<FittedLaw> = self.laws.to_vec();
        // Laws of one kind and settings share a design.
        let mut done = vec![false; laws.len()];
        for first in 0..laws.len() {
            if done[first] {
                continue;
            }
            let options = self.options_of(first);
            let alike: Vec<usize> = (first..laws.len())
                .filter(|&task| self.options_of(task) == options)
                .collect();
            let design = match options {
                LawOptions::LogLinear(_) => Some(Design::over(x, live.clone(), self.prior)),
                LawOptions::Saturating(options) => {
                    Some(options.design(x, live.clone(), self.prior))
                }
                _ => None,
            };
            let mut fitter = design.as_ref().map(Fitter::new);
            for task in alike {
                done[task] = true;
                let y = swarm.losses().column(task);
                let known = (options, &self.laws[task], &design, fitter.as_mut());
                laws[task] = match known {
                    (
                        LawOptions::LogLinear(options),
                        FittedLaw::LogLinear(law),
                        Some(design),
                        Some(fitter),
                    ) => log_linear::refit(design, &y, weights, *options, law, fitter).into(),
                    (
                        LawOptions::Saturating(options),
                        FittedLaw::Saturating(law),
                        Some(design),
                        Some(fitter),
                    ) => options.refit(design, &y, weights, law, fitter).into(),
                    (LawOptions::AutoScale(options), FittedLaw::AutoScale(law), ..) => {
                        options.refit(x, &live, &y, weights, law).into()
                    }
                    (LawOptions::BiMix(options), FittedLaw::BiMix(law), ..) => {
                        options.refit(x, &live, &y, weights, law).into()
                    }
                    (LawOptions::Gp(_), FittedLaw::Gp(law), ..) => {
                        GaussianProcessOptions::refit(x, &live, &y, weights, law).into()
                    }
                    (LawOptions::LightGbm(options), FittedLaw::LightGbm(law), ..) => {
                        options.refit(x, &live, &y, weights, law).into()
                    }
                    // Laws of another kind than the options: there is nothing to fit again.
                    (_, law, ..) => law.clone(),
                };
            }
        }
        laws
    }

    fn options_of(&self, task: usize) -> &LawOptions {
        match self.options {
            LawOptions::PerTask { tasks } => tasks.get(task).unwrap_or(self.options),
            options => options,
        }
    }
}
