//! Any law with its settings: how it is named, described, fitted and fitted again.

use rayon::prelude::*;

use super::averaged::{averaged, averaged_reports, describe, parts_of};
use super::registry::{AnyFamily, FittedLaw, LawOptions};
use super::{Basis, FitData, PhasedOptions, Shape, TaskReport, Timing};
use crate::phases::Phases;
use crate::{CoreError, Swarm};

impl LawOptions {
    /// This law over domains, of what a run sees in all phases together.
    #[must_use]
    pub fn tied(law: &Self, phases: &Phases) -> Self {
        Self::Phased(PhasedOptions {
            law: Box::new(law.clone()),
            timing: Timing::Tied,
            phases: phases.clone(),
        })
    }

    /// Whether the laws, over the domains of phases, know one phase from another.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.timing_rank() > 0
    }

    /// What may differ between phases, in the order in which laws are preferred where their errors are the same: nothing
    /// first, laws that know no domains last. All laws of runs without phases are alike.
    #[must_use]
    pub(crate) fn timing_rank(&self) -> usize {
        match self {
            Self::Phased(options) => match options.timing {
                Timing::Tied => 0,
                Timing::Shared => 1,
                Timing::ByDomain(_) => 2,
            },
            Self::PerTask { tasks } => tasks.iter().map(Self::timing_rank).max().unwrap_or(3),
            _ => 3,
        }
    }

    /// The law's name, as in a config.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::PerTask { .. } => "per_task",
            Self::Averaged { .. } => "averaged",
            law => law.family().map_or("per_task", |law| law.kind().name()),
        }
    }

    /// The law with its settings, as a person reads it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
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
            Self::Repeated { repeats, law } => {
                format!(
                    "{}, repeats with r* = {:.3}",
                    law.describe(),
                    repeats.r_star
                )
            }
            Self::Averaged { weights, laws } => describe(weights, laws),
            options => options
                .family()
                .map_or_else(String::new, AnyFamily::describe),
        }
    }

    /// The same law fitted with less effort, where there is a choice: enough to compare laws.
    #[must_use]
    pub fn quick(self) -> Self {
        if let Self::Repeated { repeats, law } = self {
            return law.quick().with_repeats(&repeats);
        }
        match self.family() {
            Some(law) => law.quick(),
            None => self,
        }
    }

    /// What to try in place of settings that are to be chosen from data; then
    /// [`LawOptions::refinements`] of the best.
    #[must_use]
    pub fn candidates(&self) -> Vec<Self> {
        if let Self::Repeated { repeats, law } = self {
            let candidates = law.candidates().into_iter();
            let takes = candidates.filter(Self::takes_repeats);
            return takes.map(|law| law.with_repeats(repeats)).collect();
        }
        let itself = || vec![self.clone()];
        self.family().map_or_else(itself, AnyFamily::candidates)
    }

    /// What to try next, close to settings that were the best of [`LawOptions::candidates`].
    #[must_use]
    pub fn refinements(&self) -> Vec<Self> {
        if let Self::Repeated { repeats, law } = self {
            let refinements = law.refinements().into_iter();
            let takes = refinements.filter(Self::takes_repeats);
            return takes.map(|law| law.with_repeats(repeats)).collect();
        }
        self.family().map_or_else(Vec::new, AnyFamily::refinements)
    }

    /// Whether the laws are convex in the mixture, so that the exact optimizer applies.
    #[must_use]
    pub fn is_convex(&self) -> bool {
        match self {
            Self::PerTask { tasks: laws } | Self::Averaged { laws, .. } => {
                laws.iter().all(Self::is_convex)
            }
            Self::Repeated { law, .. } => law.is_convex(),
            options => {
                let kind = options.family().map(AnyFamily::kind);
                kind.and_then(super::LawKind::shape) == Some(Shape::Convex)
            }
        }
    }

    /// Whether the laws have a form over virtual domains, as [`crate::reuse::Collapse::law`] needs: log-linear
    /// laws, and saturating ones in powers.
    #[must_use]
    pub fn has_virtual_form(&self) -> bool {
        match self {
            Self::PerTask { tasks } => tasks.iter().all(Self::has_virtual_form),
            Self::LogLinear(_) => true,
            Self::Saturating(law) => law.bases.iter().all(|b| matches!(b, Basis::Power(_))),
            _ => false,
        }
    }

    /// Whether runs may have weights in the fit: log-linear and saturating laws.
    #[must_use]
    pub fn takes_run_weights(&self) -> bool {
        match self {
            Self::PerTask { tasks: laws } | Self::Averaged { laws, .. } => {
                laws.iter().all(Self::takes_run_weights)
            }
            Self::Repeated { law, .. } => law.takes_run_weights(),
            Self::LogLinear(_) | Self::Saturating(_) | Self::EffectiveData(_) => true,
            Self::Phased(options) => options.law.takes_run_weights(),
            _ => false,
        }
    }

    /// Parameters of a law over `live` sampled domains, for laws that have a number of them.
    #[must_use]
    pub fn parameters(&self, live: usize) -> usize {
        match self.family() {
            Some(law) => law.parameters(live),
            None => self.needed(live),
        }
    }

    /// The functions of weights that the laws are linear in, up to a transformation of the loss: those of
    /// [`crate::generate::features`] where each task has a law of its own. `None` for laws that predict by likeness to
    /// runs.
    #[must_use]
    pub fn design_functions(&self) -> Option<Vec<Basis>> {
        if let Self::Averaged { laws, .. } = self {
            let mut all: Vec<Basis> = Vec::new();
            for law in laws {
                for basis in law.design_functions()? {
                    if !all.contains(&basis) {
                        all.push(basis);
                    }
                }
            }
            return Some(all);
        }
        match self.family() {
            Some(law) => law.design_functions(),
            None => Some(vec![Basis::Power(1.0), Basis::Power(0.5)]),
        }
    }

    /// Runs that a fit over `live` sampled domains needs: as many as the law has parameters, but for
    /// those that a ridge determines.
    #[must_use]
    pub fn needed(&self, live: usize) -> usize {
        match self {
            Self::PerTask { tasks: laws } | Self::Averaged { laws, .. } => {
                laws.iter().map(|o| o.needed(live)).max().unwrap_or(0)
            }
            Self::Repeated { law, .. } => law.needed(live),
            options => options.family().map_or(0, |law| law.needed(live)),
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
        if swarm.weights().is_some() && !self.takes_run_weights() {
            return Err(CoreError::Unsupported(format!(
                "some runs have a weight below 1, and the law `{}` takes no weights of runs",
                self.name()
            )));
        }
        match self {
            Self::PerTask { tasks } => fit_per_task(tasks, swarm, prior, progress),
            Self::Repeated { repeats, law } => {
                let effective = swarm.with_inputs(repeats.of_rows(swarm.mixtures()));
                let fitted = law.fit(&effective, prior, progress)?.into_iter();
                Ok(fitted
                    .map(|(law, report)| (law.with_repeats(repeats), report))
                    .collect())
            }
            Self::Averaged { weights, laws } => {
                let fitted = laws.iter().map(|law| law.fit(swarm, prior, progress));
                let fitted = fitted.collect::<Result<Vec<_>, _>>()?.into_iter();
                let (laws, reports): (Vec<_>, Vec<_>) = fitted
                    .map(|of_tasks| of_tasks.into_iter().unzip::<_, _, Vec<_>, Vec<_>>())
                    .unzip();
                let laws = averaged(weights, &laws).into_iter();
                Ok(laws.zip(averaged_reports(&reports)).collect())
            }
            options => match options.family() {
                Some(law) => law.fit(&data(swarm, &live, prior), progress),
                None => Ok(Vec::new()),
            },
        }
    }
}

impl LawOptions {
    /// Whether a law with these settings is found for a part of the runs from that of all runs, where laws are
    /// cross-validated; of laws by task, whether any is.
    pub(crate) fn folds_by_refit(&self) -> bool {
        match self {
            Self::PerTask { tasks: laws } | Self::Averaged { laws, .. } => {
                laws.iter().any(Self::folds_by_refit)
            }
            Self::Repeated { law, .. } => law.folds_by_refit(),
            options => options.family().is_some_and(AnyFamily::folds_by_refit),
        }
    }

    /// The laws of a part of the runs: by [`LawOptions::fit`], or from `whole`, the laws of all runs, where
    /// [`LawOptions::folds_by_refit`].
    ///
    /// # Errors
    /// As [`LawOptions::fit`].
    pub(crate) fn fit_part(
        &self,
        part: &Swarm,
        prior: &[f64],
        whole: &[FittedLaw],
        progress: &(dyn Fn() + Sync),
    ) -> Result<Vec<FittedLaw>, CoreError> {
        if let Self::Repeated { repeats, law } = self {
            let effective = part.with_inputs(repeats.of_rows(part.mixtures()));
            let whole = whole.iter().map(|law| law.of_effective_weights().clone());
            let whole: Vec<FittedLaw> = whole.collect();
            let laws = law
                .fit_part(&effective, prior, &whole, progress)?
                .into_iter();
            return Ok(laws.map(|law| law.with_repeats(repeats)).collect());
        }
        if let Self::PerTask { tasks } = self {
            return by_options(tasks, part, &|options, alike, part| {
                let whole: Vec<FittedLaw> = alike.iter().map(|&i| whole[i].clone()).collect();
                options.fit_part(part, prior, &whole, progress)
            });
        }
        if let Self::Averaged { weights, laws } = self {
            let parts = laws
                .iter()
                .enumerate()
                .map(|(i, law)| law.fit_part(part, prior, &parts_of(whole, i), progress));
            return Ok(averaged(weights, &parts.collect::<Result<Vec<_>, _>>()?));
        }
        if !self.folds_by_refit() {
            let fitted = self.fit(part, prior, progress)?;
            return Ok(fitted.into_iter().map(|(law, _)| law).collect());
        }
        let live = part.live_domains();
        let data = data(part, &live, prior);
        let weights = data.run_weights();
        // Tasks of one thread share a design.
        let each = whole.len().div_ceil(rayon::current_num_threads()).max(1);
        let again = |(chunk, laws): (usize, &[FittedLaw])| {
            let tasks = laws.iter().enumerate();
            let from: Vec<(usize, &FittedLaw)> =
                tasks.map(|(i, law)| (chunk * each + i, law)).collect();
            let again = self
                .family()
                .map_or_else(Vec::new, |family| family.refit(&data, &weights, &from));
            from.iter().for_each(|_| progress());
            again
        };
        let chunks = whole.par_chunks(each).enumerate();
        Ok(chunks.flat_map_iter(again).collect())
    }
}

/// Tasks with the same options are fitted together.
fn fit_per_task(
    tasks: &[LawOptions],
    swarm: &Swarm,
    prior: &[f64],
    progress: &(dyn Fn() + Sync),
) -> Result<Vec<(FittedLaw, TaskReport)>, CoreError> {
    by_options(tasks, swarm, &|options, _, part| {
        options.fit(part, prior, progress)
    })
}

/// Calls `fit` once for each different entry of `tasks`, with the positions of the tasks that have it and the swarm of
/// those tasks, and brings the results into the order of the tasks.
fn by_options<T: Clone>(
    tasks: &[LawOptions],
    swarm: &Swarm,
    fit: &dyn Fn(&LawOptions, &[usize], &Swarm) -> Result<Vec<T>, CoreError>,
) -> Result<Vec<T>, CoreError> {
    if tasks.len() != swarm.tasks().len() {
        return Err(CoreError::Shape {
            what: "laws, one per task",
            expected: swarm.tasks().len(),
            found: tasks.len(),
        });
    }
    let mut fitted: Vec<Option<T>> = vec![None; tasks.len()];
    for (first, options) in tasks.iter().enumerate() {
        if fitted[first].is_some() {
            continue;
        }
        let alike: Vec<usize> = (first..tasks.len())
            .filter(|&task| tasks[task] == *options)
            .collect();
        let laws = fit(options, &alike, &swarm.with_tasks(&alike))?;
        for (task, law) in alike.into_iter().zip(laws) {
            fitted[task] = Some(law);
        }
    }
    Ok(fitted.into_iter().flatten().collect())
}

pub(super) fn data<'a>(swarm: &'a Swarm, live: &'a [usize], prior: &'a [f64]) -> FitData<'a> {
    FitData {
        mixtures: swarm.mixtures(),
        live,
        losses: swarm.losses(),
        weights: swarm.weights(),
        prior,
    }
}
