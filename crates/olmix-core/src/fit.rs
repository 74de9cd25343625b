//! From a measured swarm to laws, trust in them, and a mixture: the main job, start to end.

use serde::{Deserialize, Serialize};

use rand::seq::SliceRandom;

use crate::law::{
    FittedLaw, Law, LawOptions, LogLinearOptions, SaturatingOptions, TaskReport, average_loss,
    undetermined,
};
use crate::optimize::{
    ExactProblem, Optimizer, Solution, search, simulate, solve_exact, worst_mix,
};
use crate::random::{Purpose, generator};
use crate::swarm::dot;
use crate::trust::{
    Bootstrap, HeldOut, OutOfFold, Resampling, bootstrap, candidates, choose, held_out, out_of_fold,
};
use crate::{Binding, Constraints, CoreError, Mixture, Swarm};

/// Which law is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawKind {
    /// `exp(log c) + exp(t·p)` per task.
    LogLinear,
    /// `exp(log c) + exp(b − Σ v p^a)` per task, `v ≥ 0`.
    Saturating,
    /// No law: the observed runs speak for themselves.
    Search,
}

/// What to do with domains that no run sampled, whose coefficient is free of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadDomains {
    /// Refuse, naming them.
    #[default]
    Error,
    /// Hold each at its natural share in the proposed mixture; laws value it like the prior's
    /// average of the sampled domains.
    Hold,
}

/// The ridge on `t`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ridge {
    /// `ρ ≥ 0`; 0 is the reference's objective.
    Fixed(f64),
    /// The `ρ` of a grid (and the powers, for a saturating law) with the least out-of-fold error
    /// of the average loss.
    Auto,
}

/// Everything [`fit`] is told, apart from the swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct FitSpec {
    /// The law.
    pub law: LawKind,
    /// Huber's δ, in the unit of the losses; `None` for the law's default.
    pub huber_delta: Option<f64>,
    /// Ridge on the law's coefficients; `None` for the law's default.
    pub ridge: Option<Ridge>,
    /// Policy for domains that no run sampled.
    pub dead_domains: DeadDomains,
    /// How the mixture is found; `None` fits and reports only.
    pub optimizer: Option<Optimizer>,
    /// The natural distribution (or whatever prior the KL term pulls to), `p0`.
    pub prior: Mixture,
    /// What the KL term pulls to, where that is not the prior: positive, length `m`, not
    /// necessarily summing to 1 (a virtual domain's entry carries its inner KL).
    pub kl_reference: Option<Vec<f64>>,
    /// Caps and bounds.
    pub constraints: Constraints,
    /// Runs set aside to test the laws; with any, no mixture is proposed.
    pub n_test: usize,
    /// Runs to train on, of those not set aside; `None` for all.
    pub train_runs: Option<usize>,
    /// Folds of the out-of-fold check; below 2 there is none.
    pub folds: usize,
    /// Resamples of the bootstrap; 0 for none.
    pub bootstrap: usize,
    /// Coverage of intervals, in (0, 1).
    pub confidence: f64,
    /// Seed of every random draw.
    pub seed: u64,
}

/// What [`fit`] found.
#[derive(Debug, Clone)]
pub struct Fit {
    /// One law per task over all domains of the swarm; empty for [`LawKind::Search`].
    pub laws: Vec<FittedLaw>,
    /// How each fit went, aligned with [`Fit::laws`].
    pub reports: Vec<TaskReport>,
    /// How the laws were fitted, with the settings that were chosen; `None` without laws.
    pub options: Option<LawOptions>,
    /// Rows of the swarm that were trained on, ascending. Everything below speaks of these.
    pub train: Vec<usize>,
    /// Domains that no run sampled, as positions.
    pub dead: Vec<usize>,
    /// Directions in which the mixtures of the runs do not vary, beyond the dead domains: laws are
    /// not determined there.
    pub undetermined: usize,
    /// Out-of-fold RMSE of the average loss for all settings tried, when they were to be chosen.
    pub tried: Vec<(LawOptions, f64)>,
    /// How well laws predict runs they have not seen; `None` without folds or law.
    pub out_of_fold: Option<OutOfFold>,
    /// How well the laws predict the runs set aside by `n_test`, when there are any.
    pub held_out: Option<HeldOut>,
    /// The proposed mixture, unless only a fit was asked for.
    pub proposal: Option<Proposal>,
}

/// A proposed mixture and what is expected of it.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The mixture.
    pub mixture: Mixture,
    /// How the optimizer ended.
    pub solution: Solution,
    /// Predicted loss per task at the mixture.
    pub predicted: Vec<f64>,
    /// Predicted loss per task at the natural distribution; empty for [`LawKind::Search`].
    pub natural: Vec<f64>,
    /// Weighted average of [`Proposal::predicted`].
    pub predicted_average: f64,
    /// Weighted average of [`Proposal::natural`].
    pub natural_average: Option<f64>,
    /// Intervals from resampled runs; `None` without bootstrap.
    pub bootstrap: Option<Bootstrap>,
}

/// The parts of a fit, in order, for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Choosing the settings of the law.
    Choice,
    /// Fitting the laws.
    Laws,
    /// Predicting runs out of fold.
    OutOfFold,
    /// Finding the mixture.
    Solve,
    /// Resampling the runs.
    Bootstrap,
}

/// Is told how a fit proceeds; called from any thread.
pub trait Observer: Sync {
    /// A stage begins and will make `steps` steps.
    fn stage(&self, stage: Stage, steps: usize);
    /// One step is done.
    fn step(&self);
}

/// Nobody watches.
impl Observer for () {
    fn stage(&self, _: Stage, _: usize) {}
    fn step(&self) {}
}

/// Fits a law per task, says how far to trust them, and proposes a mixture.
///
/// Deterministic from the seed on any number of threads.
///
/// # Errors
/// [`CoreError::TooFewRuns`], [`CoreError::DeadDomains`], [`CoreError::Infeasible`] and the errors
/// of the parts.
pub fn fit(swarm: &Swarm, spec: &FitSpec, observer: &dyn Observer) -> Result<Fit, CoreError> {
    let (train, test) = split(swarm, spec)?;
    let whole = train.len() == swarm.len();
    let part;
    let trained = if whole {
        swarm
    } else {
        part = swarm.subset(&train);
        &part
    };
    let mut fit = Fit {
        laws: Vec::new(),
        reports: Vec::new(),
        options: spec.law_options(),
        train,
        dead: dead_domains(trained),
        undetermined: 0,
        tried: Vec::new(),
        out_of_fold: None,
        held_out: None,
        proposal: None,
    };
    if let Some(options) = fit.options.clone() {
        fit_laws(trained, spec, options, observer, &mut fit)?;
        if !test.is_empty() {
            fit.held_out = Some(held_out(&fit.laws, &swarm.subset(&test)));
        }
    }
    if let (Some(optimizer), true) = (&spec.optimizer, test.is_empty()) {
        fit.proposal = Some(propose(trained, spec, optimizer, &fit, observer)?);
    }
    Ok(fit)
}

/// Rows to train on and rows set aside, both ascending.
fn split(swarm: &Swarm, spec: &FitSpec) -> Result<(Vec<usize>, Vec<usize>), CoreError> {
    let runs = swarm.len();
    if spec.n_test >= runs {
        return Err(CoreError::Unsupported(format!(
            "{} runs are to be set aside (`n_test`) but the swarm has only {runs}",
            spec.n_test
        )));
    }
    let mut order: Vec<usize> = (0..runs).collect();
    let available = runs - spec.n_test;
    let wanted = spec.train_runs.unwrap_or(available);
    if wanted > available {
        return Err(CoreError::Unsupported(format!(
            "{wanted} runs are to be trained on (`train_split`) but only {available} are left"
        )));
    }
    if spec.n_test > 0 || wanted < available {
        order.shuffle(&mut generator(spec.seed, Purpose::Split, 0));
    }
    let mut test = order[..spec.n_test].to_vec();
    let mut train = order[spec.n_test..spec.n_test + wanted].to_vec();
    test.sort_unstable();
    train.sort_unstable();
    Ok((train, test))
}

fn dead_domains(swarm: &Swarm) -> Vec<usize> {
    let live = swarm.live_domains();
    (0..swarm.domains().len())
        .filter(|j| !live.contains(j))
        .collect()
}

fn fit_laws(
    swarm: &Swarm,
    spec: &FitSpec,
    mut options: LawOptions,
    observer: &dyn Observer,
    fit: &mut Fit,
) -> Result<(), CoreError> {
    if !fit.dead.is_empty() && spec.dead_domains == DeadDomains::Error {
        let names = fit.dead.iter().map(|&j| swarm.domains().name(j).to_owned());
        return Err(CoreError::DeadDomains(names.collect()));
    }
    let prior = spec.prior.weights();
    let live = swarm.live_domains();
    fit.undetermined = undetermined(swarm.mixtures(), &live);
    if live.len() > 1 && fit.undetermined + 1 == live.len() {
        return Err(CoreError::NoVariation(swarm.len()));
    }
    let tasks = swarm.tasks().len();
    let step = || observer.step();
    if spec.ridge == Some(Ridge::Auto) {
        let folds = spec.folds.max(2);
        let candidates = candidates(&options);
        observer.stage(Stage::Choice, candidates.len() * folds * tasks);
        let chosen = choose(swarm, prior, &candidates, folds, spec.seed, &step)?;
        let (best, tried) = chosen.ok_or_else(|| {
            CoreError::Unsupported(format!(
                "the ridge can't be chosen by out-of-fold error: {} runs leave no fold that \
                 determines {} coefficients; give a number for it",
                swarm.len(),
                options.needed(live.len())
            ))
        })?;
        (options, fit.tried) = (best, tried);
    }
    observer.stage(Stage::Laws, tasks);
    let fitted = options.fit(swarm, prior, &step)?;
    (fit.laws, fit.reports) = fitted.into_iter().unzip();
    if spec.folds >= 2 {
        observer.stage(Stage::OutOfFold, spec.folds * tasks);
        fit.out_of_fold = out_of_fold(swarm, prior, &options, spec.folds, spec.seed, &step)?;
    }
    fit.options = Some(options);
    Ok(())
}

fn propose(
    swarm: &Swarm,
    spec: &FitSpec,
    optimizer: &Optimizer,
    fit: &Fit,
    observer: &dyn Observer,
) -> Result<Proposal, CoreError> {
    let sampled = match optimizer {
        Optimizer::Simulation { options, .. } => options.steps(),
        _ => 0,
    };
    observer.stage(Stage::Solve, 1 + sampled);
    let task_weights = swarm.task_weights();
    let constraints = spec.constraints_holding(&fit.dead);
    let mut solution = spec.solve(swarm, optimizer, &fit.laws, &constraints, &|| {
        observer.step();
    })?;
    observer.step();
    // Bounds that hold a dead domain are ours, not the user's.
    let held = |binding: &Binding| match binding {
        Binding::Lower(j) | Binding::Upper(j) | Binding::Cap(j) => fit.dead.contains(j),
        _ => false,
    };
    solution.binding.retain(|binding| !held(binding));
    solution
        .binding
        .extend(fit.dead.iter().map(|&j| Binding::Held(j)));
    let natural = spec.prior.weights();
    let mixture = Mixture::new(swarm.domains().clone(), solution.weights.clone())?;
    let predict = |p: &[f64]| -> Vec<f64> { fit.laws.iter().map(|law| law.predict(p)).collect() };
    let (predicted, at_natural) = match solution.run {
        Some(run) => (swarm.losses().row(run).to_vec(), Vec::new()),
        None => (predict(mixture.weights()), predict(natural)),
    };
    let options = fit.options.as_ref().filter(|_| spec.bootstrap > 0);
    let resampled = if let Some(options) = options {
        observer.stage(Stage::Bootstrap, spec.bootstrap);
        let with = Resampling {
            laws: &fit.laws,
            options,
            natural,
            proposed: mixture.weights(),
            resamples: spec.bootstrap,
            confidence: spec.confidence,
            seed: spec.seed,
        };
        let again = |laws: &[FittedLaw]| {
            let solution = spec.solve(swarm, optimizer, laws, &constraints, &|| ())?;
            Ok(solution.weights)
        };
        Some(bootstrap(swarm, &with, &again, &|| observer.step())?)
    } else {
        None
    };
    Ok(Proposal {
        predicted_average: dot(&predicted, &task_weights),
        natural_average: (!at_natural.is_empty()).then(|| dot(&at_natural, &task_weights)),
        mixture,
        solution,
        predicted,
        natural: at_natural,
        bootstrap: resampled,
    })
}

impl FitSpec {
    /// The constraints with dead domains held at their natural share (as far as caps allow).
    #[must_use]
    pub fn constraints_holding(&self, dead: &[usize]) -> Constraints {
        let mut constraints = self.constraints.clone();
        for &j in dead {
            let share = self.prior.weights()[j].min(constraints.limit(j));
            constraints.lower[j] = share;
            constraints.upper[j] = share;
        }
        constraints
    }

    /// How laws are fitted, before anything is chosen from data; `None` for a search.
    #[must_use]
    pub fn law_options(&self) -> Option<LawOptions> {
        let options = match self.law {
            LawKind::Search => return None,
            LawKind::LogLinear => {
                let default = LogLinearOptions::default();
                LawOptions::LogLinear(LogLinearOptions {
                    huber_delta: self.huber_delta.unwrap_or(default.huber_delta),
                    ..default
                })
            }
            LawKind::Saturating => {
                let default = SaturatingOptions::default();
                LawOptions::Saturating(SaturatingOptions {
                    huber_delta: self.huber_delta.unwrap_or(default.huber_delta),
                    ..default
                })
            }
        };
        Some(match self.ridge {
            Some(Ridge::Fixed(ridge)) => options.with_ridge(ridge),
            _ => options,
        })
    }

    /// `q` of the KL term.
    #[must_use]
    pub fn reference(&self) -> &[f64] {
        self.kl_reference
            .as_deref()
            .unwrap_or_else(|| self.prior.weights())
    }

    fn solve(
        &self,
        swarm: &Swarm,
        optimizer: &Optimizer,
        laws: &[FittedLaw],
        constraints: &Constraints,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Solution, CoreError> {
        let task_weights = swarm.task_weights();
        match optimizer {
            Optimizer::Exact { kl_reg, worst } => {
                let problem = ExactProblem {
                    domains: swarm.domains(),
                    laws,
                    task_weights: &task_weights,
                    reference: self.reference(),
                    kl_reg: *kl_reg,
                    linear: None,
                    constraints,
                };
                if *worst {
                    worst_mix(&problem)
                } else {
                    solve_exact(&problem)
                }
            }
            Optimizer::Simulation { options, worst } => {
                let prior = self.prior.weights();
                let domains = swarm.domains();
                simulate(
                    domains,
                    laws,
                    &task_weights,
                    prior,
                    constraints,
                    options,
                    *worst,
                    self.seed,
                    progress,
                )
            }
            Optimizer::Search { worst } => search(swarm, self.prior.weights(), constraints, *worst),
        }
    }
}

impl Fit {
    /// `Σ w_i f̂_i(p)` by the fitted laws; 0 without laws.
    #[must_use]
    pub fn average_loss(&self, task_weights: &[f64], p: &[f64]) -> f64 {
        average_loss(&self.laws, task_weights, p)
    }
}
