//! Studies: the questions of the method's paper (2602.12237, section 3), asked of a swarm.
//!
//! A study is a list of [`Cell`]s, each cheap enough to be repeated and independent of all others: a
//! cell is what is varied, and a seed. Running a cell gives numbers; a table is their mean over the
//! seeds. Who runs a study can stop at any cell and go on later, in any order: the numbers of a
//! cell depend on nothing but the swarm, the settings and the cell.

mod choices;
mod constraints;
mod designs;
mod distribution;
mod laws;
mod next;
mod proxy_size;
mod regions;
mod reuse;
mod summary;
mod swarm_size;
mod transfer;

pub use proxy_size::{ProxySize, proxy_size, runs_in_both};
pub use summary::{Summary, summarize};
pub use transfer::{CalibratedTransfer, TRANSFER_RUNS, Transfer, TransferScores, transfer};

use crate::law::{LawOptions, SaturatingOptions};
use crate::optimize::{Local, Optimizer};
use crate::oracle::Oracle;
use crate::{CoreError, FitSpec, Swarm};

/// A question that a study asks; RQ1 is [`proxy_size`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// RQ2: how many runs does a fit need, for how many domains?
    SwarmSize,
    /// RQ3: which mixtures should the runs try?
    SwarmDistribution,
    /// RQ4: which law predicts unseen runs, at which number of runs?
    Laws,
    /// RQ5: one law per task, per family, or for the average?
    Granularity,
    /// RQ6: should the swarm or the solve keep to the token caps?
    Constraints,
    /// RQ7: which optimizer?
    Solver,
    /// Which runs are worth training, told by their mixtures alone?
    Designs,
    /// Do laws that are chosen by regions held out, too, predict better where mixtures are proposed?
    Regions,
    /// Runs in batches, each chosen by what the earlier ones say, or all at once?
    Next,
    /// What does reuse keep while the domains change?
    Reuse,
    /// What are old runs worth after a part of a domain's content was replaced?
    Revision,
}

/// One setting of what a study varies, with a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What is varied, in the order of [`Study::keys`].
    pub keys: Vec<String>,
    /// Seed of its draws.
    pub seed: u64,
}

/// A further table of a study: numbers of its cells with one more key.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// Name of the table, and of its files.
    pub name: &'static str,
    /// The further key, after [`Study::keys`].
    pub key: &'static str,
    /// Names of its numbers.
    pub values: &'static [&'static str],
    /// Numbers of the cells that have any; each cell has the further key as its last.
    pub results: Vec<(Cell, Vec<f64>)>,
}

/// A study of one swarm.
#[derive(Debug)]
pub struct Study<'a> {
    /// What is asked.
    pub question: Question,
    /// The measured runs.
    pub swarm: &'a Swarm,
    /// Law, prior, constraints and seed.
    pub spec: &'a FitSpec,
    /// How often each setting is repeated, with seeds `spec.seed`, `spec.seed + 1`, ….
    pub seeds: usize,
    /// What stands in for training, by the law it is; only for questions that need one.
    oracles: Vec<(&'static str, Oracle)>,
}

impl<'a> Study<'a> {
    /// Prepares a study: checks that the swarm has what it needs, and fits the oracle where there is
    /// one (a saturating law of all runs).
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] when there are too few runs, or something else is missing.
    pub fn new(
        question: Question,
        swarm: &'a Swarm,
        spec: &'a FitSpec,
        seeds: usize,
    ) -> Result<Self, CoreError> {
        if !spec.objective.is_plain() {
            return Err(CoreError::Unsupported(
                "studies judge mixtures by the average loss, and this config has an `objective`; remove it".into(),
            ));
        }
        let mut study = Self {
            question,
            swarm,
            spec,
            seeds,
            oracles: Vec::new(),
        };
        for options in question.oracles() {
            let oracle = Oracle::new(swarm, spec.prior.weights(), &options)?;
            study.oracles.push((options.name(), oracle));
        }
        study.check()?;
        Ok(study)
    }

    /// What is varied: names of [`Cell::keys`].
    #[must_use]
    pub fn keys(&self) -> &'static [&'static str] {
        match self.question {
            Question::SwarmSize => &["domains", "c", "runs"],
            Question::SwarmDistribution => &["distribution", "strength"],
            Question::Laws => &["law", "runs"],
            Question::Granularity => &["granularity"],
            Question::Constraints => &["constrained", "k"],
            Question::Solver => &["solver"],
            Question::Designs => &["design", "runs"],
            Question::Regions => &["held_out"],
            Question::Next => &["method", "runs"],
            Question::Reuse => &["oracle", "tokens", "method", "c"],
            Question::Revision => &["oracle", "set", "domain", "changed"],
        }
    }

    /// What is measured: names of the numbers that [`Study::run`] returns.
    #[must_use]
    pub fn values(&self) -> &'static [&'static str] {
        match self.question {
            Question::SwarmSize | Question::SwarmDistribution => {
                &["rmse", "spearman", "gain", "regret"]
            }
            Question::Laws => &["pearson", "spearman", "rmse"],
            Question::Granularity | Question::Solver => {
                &["predicted_gain", "crossed_gain", "optimism"]
            }
            Question::Constraints => &["gain", "repetition"],
            Question::Designs => &["gain", "kept"],
            Question::Regions => &[
                "folds_expect",
                "folds_rmse",
                "regions_expect",
                "regions_rmse",
            ],
            Question::Next => &["gain", "of_one_shot", "kept", "regret"],
            Question::Reuse => &[
                "runs",
                "gain",
                "gain_over_prior",
                "best_gain",
                "variation",
                "freed",
                "freed_by_hand",
            ],
            Question::Revision => &reuse::revision::VALUES,
        }
    }

    /// All cells, in the order of the table; seeds fastest.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let settings = match self.question {
            Question::SwarmSize => swarm_size::settings(self),
            Question::SwarmDistribution => distribution::settings(),
            Question::Laws => laws::settings(self),
            Question::Granularity => choices::granularities(),
            Question::Constraints => constraints::settings(),
            Question::Solver => choices::solvers(),
            Question::Designs => designs::settings(self),
            Question::Regions => regions::settings(),
            Question::Next => next::settings(self),
            Question::Reuse => reuse::settings(self),
            Question::Revision => reuse::revision::settings(self),
        };
        let seeds = 0..self.seeds as u64;
        let of = |keys: Vec<String>| {
            seeds.clone().map(move |seed| Cell {
                keys: keys.clone(),
                seed: self.spec.seed.wrapping_add(seed),
            })
        };
        settings.into_iter().flat_map(of).collect()
    }

    /// The numbers of a cell, in the order of [`Study::values`], then those that [`Study::details`]
    /// takes apart; NaN where there is none, such as a proposal under caps that no mixture
    /// satisfies. Single-threaded as far as it can be: cells are what runs in parallel.
    ///
    /// # Errors
    /// The errors of fit and solve; [`CoreError::Unsupported`] for a cell of another study.
    pub fn run(&self, cell: &Cell) -> Result<Vec<f64>, CoreError> {
        match self.question {
            Question::SwarmSize => swarm_size::run(self, cell),
            Question::SwarmDistribution => distribution::run(self, cell),
            Question::Laws => laws::run(self, cell),
            Question::Granularity => choices::run_granularity(self, cell),
            Question::Constraints => constraints::run(self, cell),
            Question::Solver => choices::run_solver(self, cell),
            Question::Designs => designs::run(self, cell),
            Question::Regions => regions::run(self, cell),
            Question::Next => next::run(self, cell),
            Question::Reuse => reuse::run(self, cell),
            Question::Revision => reuse::revision::run(self, cell),
        }
    }

    /// The study's further tables, made of the numbers of its cells; only the study of reuse has any.
    ///
    /// # Errors
    /// Those of [`Study::run`].
    pub fn details(&self, results: &[(Cell, Vec<f64>)]) -> Result<Vec<Detail>, CoreError> {
        match self.question {
            Question::Reuse => reuse::details(self, results),
            _ => Ok(Vec::new()),
        }
    }

    fn oracle(&self) -> Result<&Oracle, CoreError> {
        let first = self.oracles.first().map(|(_, oracle)| oracle);
        first.ok_or_else(|| CoreError::Unsupported("this study has no oracle".into()))
    }

    /// The law the config names, with its settings.
    fn law(&self) -> Result<LawOptions, CoreError> {
        self.spec.law_options().ok_or(CoreError::StudyWithoutLaw)
    }

    /// The config's optimizer for laws it applies to; local search for others.
    fn optimizer(&self, options: &LawOptions) -> Optimizer {
        match &self.spec.optimizer {
            Some(optimizer) if options.is_convex() => optimizer.clone(),
            _ => Optimizer::Local(Local {
                kl_reg: 0.0,
                worst: false,
            }),
        }
    }

    fn check(&self) -> Result<(), CoreError> {
        let live = self.swarm.live_domains().len();
        if live < self.swarm.domains().len() {
            return Err(CoreError::Unsupported(format!(
                "a study needs runs on every domain, and {} of {} were sampled by none",
                self.swarm.domains().len() - live,
                self.swarm.domains().len()
            )));
        }
        let (needed, why) = match self.question {
            Question::Laws | Question::Regions => (
                (1.25 * (live + 2) as f64).ceil() as usize,
                "for one fit and a fifth of the runs to test it on",
            ),
            Question::Granularity | Question::Solver | Question::Designs => (
                2 * self.law()?.needed(live),
                "to fit laws to a part of them and judge by those of another",
            ),
            Question::Reuse | Question::Revision => return Ok(()),
            Question::SwarmSize | Question::SwarmDistribution | Question::Next => {
                self.law()?;
                return Ok(());
            }
            Question::Constraints => {
                self.law()?;
                if self.spec.target_tokens.is_none() || self.swarm.domains().tokens().is_none() {
                    return Err(CoreError::StudyWithoutTokens);
                }
                return Ok(());
            }
        };
        if self.swarm.len() < needed {
            return Err(CoreError::Unsupported(format!(
                "the study `{}` needs at least {needed} runs over {live} domains, {why}; there are \
                 {}",
                self.question.name(),
                self.swarm.len()
            )));
        }
        Ok(())
    }
}

impl Question {
    /// All questions, with their names on the command line.
    pub const ALL: [(&'static str, Self); 11] = [
        ("swarm-size", Self::SwarmSize),
        ("swarm-distribution", Self::SwarmDistribution),
        ("laws", Self::Laws),
        ("granularity", Self::Granularity),
        ("constraints", Self::Constraints),
        ("solver", Self::Solver),
        ("designs", Self::Designs),
        ("regions", Self::Regions),
        ("next", Self::Next),
        ("reuse", Self::Reuse),
        ("revision", Self::Revision),
    ];

    /// The question's name, as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, question)| *question == self);
        found.map_or("", |(name, _)| name)
    }

    /// The laws that stand in for training.
    fn oracles(self) -> Vec<LawOptions> {
        let saturating = LawOptions::Saturating(SaturatingOptions::default());
        match self {
            Self::SwarmSize | Self::SwarmDistribution | Self::Constraints | Self::Next => {
                vec![saturating]
            }
            // As theory has it, with the ridge that keeps it sane at the prior, and as reality looks.
            Self::Reuse | Self::Revision => {
                let [ridged, _] = crate::trust::reference_laws();
                vec![ridged, saturating]
            }
            _ => Vec::new(),
        }
    }
}
