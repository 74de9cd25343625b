//! What a fit is told.

use serde::{Deserialize, Serialize};

use crate::law::{
    AutoScaleOptions, BiMixOptions, BoostedTreesOptions, FittedLaw, GaussianProcessOptions,
    LawOptions, LogLinearOptions, SaturatingOptions,
};
use crate::optimize::{
    ExactProblem, Optimizer, SimulationOptions, Solution, by_rule, local, search, simulate,
    solve_exact, worst_mix,
};
use crate::reuse::{VirtualDomain, solve_frozen};
use crate::trust::{candidates, rival_laws};
use crate::{Constraints, CoreError, Mixture, Swarm};

/// Which law is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawKind {
    /// `exp(log c) + exp(t·p)` per task.
    LogLinear,
    /// `exp(log c) + exp(b − Σ v p^a)` per task, `v ≥ 0`.
    Saturating,
    /// `Σ F max(p, ε)^(−α)` per task.
    #[serde(rename = "bimix")]
    BiMix,
    /// `c + Σ (R (A + p))^(−γ)` per task.
    #[serde(rename = "autoscale")]
    AutoScale,
    /// A Gaussian process per task.
    Gp,
    /// Gradient-boosted trees per task.
    #[serde(rename = "lightgbm")]
    LightGbm,
    /// The law with the least out-of-fold error on this swarm.
    Auto,
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
    /// The `ρ` of a grid (and the functions `φ`, for a saturating law) with the least out-of-fold error
    /// of the average loss.
    Auto,
}

/// Everything [`crate::fit()`] is told, apart from the swarm.
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
    /// Whether the optimizer's λ is chosen from data, whatever it says.
    pub choose_kl: bool,
    /// The natural distribution (or whatever prior the KL term pulls to), `p0`.
    pub prior: Mixture,
    /// What the KL term pulls to, where that is not the prior: positive, length `m`, not
    /// necessarily summing to 1 (a virtual domain's entry carries its inner KL).
    pub kl_reference: Option<Vec<f64>>,
    /// Caps and bounds.
    pub constraints: Constraints,
    /// Domains that keep their ratios in the proposed mixture, for the exact optimizer; none of them a domain of
    /// two.
    pub frozen: Vec<VirtualDomain>,
    /// Runs set aside to test the laws; with any, no mixture is proposed.
    pub n_test: usize,
    /// Runs to train on, of those not set aside; `None` for all.
    pub train_runs: Option<usize>,
    /// Folds of the out-of-fold check; below 2 there is none.
    pub folds: usize,
    /// Whether [`LawKind::Auto`] chooses for each task on its own, not for all together.
    pub law_per_task: bool,
    /// Tokens `R` of the final run, where they are known.
    pub target_tokens: Option<f64>,
    /// Resamples of the bootstrap; 0 for none.
    pub bootstrap: usize,
    /// Coverage of intervals, in (0, 1).
    pub confidence: f64,
    /// Seed of every random draw.
    pub seed: u64,
}

impl LawKind {
    /// The laws that are fitted, simpler ones first.
    pub const FITTED: [Self; 6] = [
        Self::LogLinear,
        Self::Saturating,
        Self::AutoScale,
        Self::BiMix,
        Self::Gp,
        Self::LightGbm,
    ];

    /// The law's name, as in a config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLinear => "log_linear",
            Self::Saturating => "saturating",
            Self::BiMix => "bimix",
            Self::AutoScale => "autoscale",
            Self::Gp => "gp",
            Self::LightGbm => "lightgbm",
            Self::Auto => "auto",
            Self::Search => "search",
        }
    }
}

impl FitSpec {
    /// The recommended configuration of the method's paper without caps: one log-linear law per
    /// task without ridge, the exact optimizer with λ = 0.05, 5 folds, no bootstrap, seed 0.
    #[must_use]
    pub fn new(prior: Mixture) -> Self {
        Self {
            law: LawKind::LogLinear,
            huber_delta: None,
            ridge: None,
            dead_domains: DeadDomains::Error,
            optimizer: Some(Optimizer::Exact {
                kl_reg: 0.05,
                worst: false,
            }),
            choose_kl: false,
            kl_reference: None,
            constraints: Constraints::none(prior.weights().len()),
            frozen: Vec::new(),
            prior,
            n_test: 0,
            train_runs: None,
            folds: 5,
            law_per_task: false,
            target_tokens: None,
            bootstrap: 0,
            confidence: 0.9,
            seed: 0,
        }
    }

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

    /// How laws are fitted, before anything is chosen from data; `None` for a search, and where the
    /// law itself is to be chosen.
    #[must_use]
    pub fn law_options(&self) -> Option<LawOptions> {
        self.options_of(self.law)
    }

    /// The law by which earlier swarms are brought to the level of the newest ([`crate::reuse::align`]): the one asked
    /// for where it knows offsets and has a ridge, otherwise a log-linear one with a small ridge, which is determined
    /// however few runs there are of a domain.
    #[must_use]
    pub fn alignment(&self) -> LawOptions {
        let [ridged, _] = rival_laws();
        let fixed = matches!(self.ridge, Some(Ridge::Fixed(ridge)) if ridge > 0.0);
        match self.law_options() {
            Some(options @ LawOptions::LogLinear(_)) if fixed => options,
            Some(options @ LawOptions::Saturating(_)) => options,
            _ => ridged,
        }
    }

    /// The laws and settings to choose from, simpler laws first.
    ///
    /// The exact optimizer needs convex laws, so where it is asked for the choice is among those.
    #[must_use]
    pub fn candidates(&self) -> Vec<LawOptions> {
        if let Some(options) = self.law_options() {
            return candidates(&options);
        }
        let options = LawKind::FITTED.iter();
        let options = options.filter_map(|&kind| self.options_of(kind));
        let options = options.map(LawOptions::quick);
        let exact = matches!(self.optimizer, Some(Optimizer::Exact { .. }));
        options
            .filter(|options| !exact || options.is_convex())
            .flat_map(|options| candidates(&options))
            .collect()
    }

    /// Every law with the settings it has when nothing is said of them, simpler laws first, and the
    /// log-linear one with a small ridge too; those that lack something this config does not give
    /// are left out.
    #[must_use]
    pub fn every_law(&self) -> Vec<(&'static str, LawOptions)> {
        let plain = Self::new(self.prior.clone());
        let plain = Self {
            target_tokens: self.target_tokens,
            seed: self.seed,
            ..plain
        };
        let mut laws = Vec::new();
        for kind in LawKind::FITTED {
            if let Some(options) = plain.options_of(kind) {
                let [ridged, _] = rival_laws();
                laws.push((kind.name(), options.quick()));
                if kind == LawKind::LogLinear {
                    laws.push(("log_linear, ridge 3e-5", ridged));
                }
            }
        }
        laws
    }

    fn options_of(&self, law: LawKind) -> Option<LawOptions> {
        let options = match law {
            LawKind::Search | LawKind::Auto => return None,
            LawKind::AutoScale => LawOptions::AutoScale(AutoScaleOptions {
                tokens: self.target_tokens?,
                thorough: true,
            }),
            LawKind::BiMix => LawOptions::BiMix(BiMixOptions::default()),
            LawKind::Gp => LawOptions::Gp(GaussianProcessOptions::default()),
            LawKind::LightGbm => LawOptions::LightGbm(BoostedTreesOptions {
                seed: self.seed,
                ..BoostedTreesOptions::default()
            }),
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

    /// The mixtures that a proposal is compared with: the prior; the natural distribution by token
    /// counts, where the prior is another one; and what the KL term pulls to, where that is neither.
    #[must_use]
    pub fn baselines(&self) -> Vec<(&'static str, Vec<f64>)> {
        let prior = self.prior.weights();
        let shares = |sizes: Vec<f64>| -> Vec<f64> {
            let sum: f64 = sizes.iter().sum();
            sizes.into_iter().map(|size| size / sum).collect()
        };
        let apart = |p: &[f64]| {
            let distance: f64 = p.iter().zip(prior).map(|(a, b)| (a - b).abs()).sum();
            0.5 * distance > SAME
        };
        let natural = self.prior.domains().tokens();
        let natural = natural.map(|n| shares(n.iter().map(|&n| n as f64).collect()));
        let natural = natural.filter(|natural| apart(natural));
        let name = if natural.is_some() {
            "prior"
        } else {
            "natural distribution"
        };
        let mut baselines = vec![(name, prior.to_vec())];
        baselines.extend(natural.map(|natural| ("natural distribution by token counts", natural)));
        let reference = self.kl_reference.clone().map(shares);
        let reference = reference.filter(|reference| apart(reference));
        baselines.extend(reference.map(|reference| ("prior of the KL term", reference)));
        baselines
    }

    /// `q` of the KL term.
    #[must_use]
    pub fn reference(&self) -> &[f64] {
        self.kl_reference
            .as_deref()
            .unwrap_or_else(|| self.prior.weights())
    }

    pub(crate) fn solve(
        &self,
        swarm: &Swarm,
        optimizer: &Optimizer,
        laws: &[FittedLaw],
        constraints: &Constraints,
        progress: &(dyn Fn() + Sync),
    ) -> Result<Solution, CoreError> {
        let task_weights = swarm.task_weights();
        let (domains, prior) = (swarm.domains(), self.prior.weights());
        let problem = ExactProblem {
            domains,
            laws,
            task_weights: &task_weights,
            reference: self.reference(),
            kl_reg: optimizer.kl_reg().unwrap_or(0.0),
            linear: None,
            constraints,
        };
        let simulation = |options: &SimulationOptions, worst| {
            simulate(
                domains,
                laws,
                &task_weights,
                prior,
                constraints,
                options,
                worst,
                self.seed,
                progress,
            )
        };
        match optimizer {
            Optimizer::Exact { worst: false, .. } if self.frozen.is_empty() => {
                solve_exact(&problem)
            }
            Optimizer::Exact { worst: false, .. } => solve_frozen(&problem, &self.frozen),
            _ if !self.frozen.is_empty() => Err(CoreError::Unsupported(
                "only the exact proposer keeps ratios (`constraints.frozen`)".into(),
            )),
            Optimizer::Exact { worst: true, .. } => worst_mix(&problem),
            Optimizer::Local { worst, .. } => {
                let mut starts = vec![prior.to_vec()];
                starts.extend(best_runs(swarm, LOCAL_STARTS, *worst));
                // A search that finds no candidate within the caps is no start, and no error.
                if let Ok(found) = simulation(&SimulationOptions::coarse(), *worst) {
                    starts.push(found.weights);
                }
                local(&problem, &starts, *worst)
            }
            Optimizer::Simulation { options, worst } => simulation(options, *worst),
            Optimizer::Search { worst } => search(swarm, prior, constraints, *worst),
            Optimizer::Rule(rule) => by_rule(domains, prior, constraints, *rule),
        }
    }
}

/// Mixtures with a total variation distance below this are one mixture in two roundings.
const SAME: f64 = 1e-3;

/// A local search starts from so many of the best runs, apart from the prior and a coarse
/// simulation.
const LOCAL_STARTS: usize = 4;

/// The mixtures of the `count` runs with the least (`worst`: greatest) average loss.
fn best_runs(swarm: &Swarm, count: usize, worst: bool) -> Vec<Vec<f64>> {
    let losses = swarm.average_losses();
    let mut order: Vec<usize> = (0..swarm.len()).collect();
    order.sort_by(|&a, &b| losses[a].total_cmp(&losses[b]));
    if worst {
        order.reverse();
    }
    let runs = order.into_iter().take(count);
    runs.map(|run| swarm.mixtures().row(run).to_vec()).collect()
}
