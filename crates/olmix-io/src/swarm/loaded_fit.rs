//! A fit that is ready to run, and what the method's errors mean for its files.

use olmix_core::law::LawSetting;
use olmix_core::objective::LossGroup;
use olmix_core::reuse::VirtualDomain;
use olmix_core::scaling::SizeCheck;
use olmix_core::{CoreError, FitSpec, LawKind, Swarm};
use serde::{Deserialize, Serialize};

use super::tasks::task_columns::Member;
use crate::config::fit::{FitConfig, loss_groups, not_taken};
use crate::core_messages::core_sentence;
use crate::error::{IoError, Location};
use crate::input::InputRecord;
use crate::input::sha256_hex;
use crate::messages::{count, excerpt, first_few};

/// A fit, ready to run: config and swarm, checked and joined.
#[derive(Debug, Clone)]
pub struct LoadedFit {
    /// The checked config.
    pub config: FitConfig,
    /// The measured runs, `K × m` and `K × n`; those of earlier swarms first, runs in the order of the ratios
    /// file.
    pub swarm: Swarm,
    /// Rows of the ratios files, those that are not in [`LoadedFit::swarm`] among them.
    pub runs_given: usize,
    /// Earlier swarms of which runs have a weight below 1, as content that they used has changed since.
    pub weighted: Vec<WeightedSwarm>,
    /// What the joint law of the smaller sizes says of the largest, where the swarm is one at a size that was not
    /// measured and there are sizes enough.
    pub size_check: Option<SizeCheck>,
    /// What the virtual domains among the domains stand for, where the config says.
    pub virtual_domains: Vec<VirtualDomain>,
    /// What each task is averaged from, aligned with the swarm's tasks; empty for a task that is
    /// a metric of its own.
    pub members: Vec<Vec<Member>>,
    /// What [`olmix_core`] is asked to do.
    pub spec: FitSpec,
    /// What the user should know; none of it stops a fit.
    pub notices: Vec<String>,
    /// The files read: config, ratios, metrics, and ratios and metrics of earlier swarms.
    pub inputs: Vec<InputRecord>,
}

/// An earlier swarm of which some runs have a weight below 1 in the fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightedSwarm {
    /// What its runs' names begin with: `earlier-1`.
    pub swarm: String,
    /// Its runs.
    pub runs: usize,
    /// Those that have a weight below 1.
    pub weighted: usize,
    /// The least of their weights, above 0.
    pub least: f64,
    /// The mean of their weights.
    pub mean: f64,
    /// The domains whose content changed since, with the share that did.
    pub changed: Vec<ChangedContent>,
}

/// How much of a domain's content changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedContent {
    /// The domain.
    pub domain: String,
    /// The share of its content that changed, above 0 and below 1.
    pub share: f64,
}

impl WeightedSwarm {
    /// A swarm with weights (one per run); `None` where all are 1.
    #[must_use]
    pub fn new(swarm: &str, weights: &[f64], changed: &[(String, f64)]) -> Option<Self> {
        let below = || weights.iter().filter(|weight| **weight < 1.0);
        let weighted = below().count();
        (weighted > 0).then(|| Self {
            swarm: swarm.to_owned(),
            runs: weights.len(),
            weighted,
            least: below().fold(1.0, |least, weight| least.min(*weight)),
            mean: below().sum::<f64>() / weighted as f64,
            changed: changed
                .iter()
                .map(|(domain, share)| ChangedContent {
                    domain: domain.clone(),
                    share: *share,
                })
                .collect(),
        })
    }

    /// Which runs have which weights, and why: a sentence without a full stop.
    #[must_use]
    pub fn sentence(&self) -> String {
        let of = |one: &ChangedContent| {
            let percent = (1e5 * one.share).round() / 1e3;
            format!("{percent} % of `{}` changed", excerpt(&one.domain))
        };
        format!(
            "{} of the {} of {} count with weights from {:.2} on, {:.2} in the mean, because {} since",
            self.weighted,
            count(self.runs, "run"),
            self.swarm,
            self.least,
            self.mean,
            first_few(self.changed.iter().map(of), 3)
        )
    }
}

impl LoadedFit {
    /// This fit, where its runs are not in phases; `what` is the command that knows none.
    ///
    /// # Errors
    /// [`IoError::Input`] with what is in phases.
    pub fn without_phases(self, what: &str) -> Result<Self, IoError> {
        let Some(phases) = &self.config.phases else {
            return Ok(self);
        };
        Err(IoError::input(
            &self.config.file,
            phases.location.clone(),
            format!("the runs are in phases, and `{what}` knows runs with one mixture only"),
            "use `olmix fit`, or give a swarm without phases",
        ))
    }

    /// Sixteen hex digits that identify settings and data: the same whenever both are the same,
    /// wherever the files lie. Comments and layout of the config do not count, nor where the
    /// swarm's files are; their content does.
    #[must_use]
    pub fn config_hash(&self) -> String {
        let mut config = self.config.clone();
        config.swarm = None;
        config.target = None;
        let mut text = serde_json::to_string(&config).unwrap_or_default();
        if !self.weighted.is_empty() {
            text += &serde_json::to_string(&self.weighted).unwrap_or_default();
        }
        if let Some(repetition) = &self.spec.repetition {
            text += &serde_json::to_string(&repetition.runs).unwrap_or_default();
        }
        for input in self.inputs.iter().filter(|input| input.role != "config") {
            text.push('\n');
            text.push_str(&input.sha256);
        }
        let mut hash = sha256_hex(text.as_bytes());
        hash.truncate(16);
        hash
    }

    /// The family of each name, or else the task.
    ///
    /// # Errors
    /// For a name that is neither, and one that is given twice: what is wrong, and what helps.
    pub fn loss_groups(&self, names: &[String]) -> Result<Vec<LossGroup>, (String, String)> {
        loss_groups(names, self.swarm.tasks())
    }

    /// Refuses caps and bounds that no mixture satisfies.
    ///
    /// # Errors
    /// [`IoError::Core`] with the numbers that show it, and the config's name.
    pub fn check_constraints(&self) -> Result<(), IoError> {
        let checked = self.spec.constraints.check(self.swarm.domains());
        checked.map_err(|error| self.core_error(error))
    }

    /// An error of the method, with the file it comes from and what to do.
    #[must_use]
    pub fn core_error(&self, error: CoreError) -> IoError {
        match &error {
            CoreError::Infeasible(message) => return self.infeasible(message),
            CoreError::GuardrailsNotKept(message) => {
                return IoError::input(
                    &self.config.file,
                    self.config.objective.location.clone(),
                    message,
                    "raise max_increase by as much, or give the guardrail a `penalty`",
                );
            }
            CoreError::NoFeasibleRun { .. } | CoreError::NoFeasibleSample { .. } => {
                return self.infeasible(&core_sentence(&error));
            }
            CoreError::TooFewRuns { .. } | CoreError::DeadDomains(_) => {
                if let Some(setting) = self.splitting() {
                    return self.split_error(setting, &error);
                }
            }
            _ => {}
        }
        let role = match &error {
            CoreError::TooFewRuns { .. }
            | CoreError::DeadDomains(_)
            | CoreError::NoVariation(_) => "ratios",
            CoreError::ConstantTask(_) | CoreError::NotFinite(_) => "metrics",
            _ => "config",
        };
        let input = self.inputs.iter().find(|input| input.role == role);
        let file = input.map_or(self.config.file.clone(), |input| input.path.clone());
        IoError::core(file, error)
    }

    /// Puts another law in the place of the config's. What the config says of its own law and this one
    /// does not take has no effect, and is noticed.
    pub(super) fn replace_law(&mut self, law: LawKind) {
        self.config.regression.law = law;
        let spec = &mut self.spec;
        spec.law = law;
        let mut dropped = Vec::new();
        if !law.takes(LawSetting::Ridge) && spec.ridge.take().is_some() {
            dropped.push(LawSetting::Ridge);
        }
        if !law.takes(LawSetting::HuberDelta) && spec.huber_delta.take().is_some() {
            dropped.push(LawSetting::HuberDelta);
        }
        let notice = |setting: LawSetting| {
            let reason = not_taken(law);
            format!("regression.{} has no effect: {reason}", setting.name())
        };
        self.notices.extend(dropped.into_iter().map(notice));
    }

    fn infeasible(&self, message: &str) -> IoError {
        let constraints = &self.config.constraints;
        let mut loosen = Vec::new();
        if !constraints.bounds.is_empty() {
            loosen.push("loosen constraints.bounds");
        }
        if !constraints.groups.is_empty() {
            loosen.push("loosen constraints.groups");
        }
        if constraints.enabled {
            loosen.push("raise constraints.repetition_factor");
            loosen.push("lower constraints.target_tokens");
        }
        if loosen.is_empty() {
            loosen.push("propose by the exact solver, which needs no candidates");
        }
        let (file, location) = (&self.config.file, constraints.location.clone());
        IoError::input(file, location, message, loosen.join(", or "))
    }

    /// The setting that keeps runs from the fit, if one does.
    fn splitting(&self) -> Option<&'static str> {
        if self.spec.train_runs.is_some() {
            return Some("train_split");
        }
        (self.spec.n_test > 0).then_some("n_test")
    }

    fn split_error(&self, setting: &str, error: &CoreError) -> IoError {
        let runs = self.swarm.len();
        let fitted = self.spec.train_runs.unwrap_or(runs - self.spec.n_test);
        IoError::input(
            &self.config.file,
            Location::Field(format!("regression.{setting}")),
            format!("of {runs} runs {fitted} are left to fit to, and of these {error}"),
            "leave more runs to the fit",
        )
    }
}
