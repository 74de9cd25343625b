//! `mixture.json`: a result with everything a later step needs, in a versioned format.
//!
//! Numbers are written so that they read back as the same bits. There are no times, host names
//! or other traces of the run: the same input gives the same bytes. Numbers that are not finite
//! are written as null.

mod build;
mod checksum;
mod objective;
mod phases;
mod prices;
mod read;
mod repetition;
mod runs;
mod scale;
mod virtuals;

use olmix_core::law::{FittedLaw, LawOptions};
use olmix_core::optimize::Status;
use olmix_core::trust::Interval;
use olmix_core::{Direction, LawKind};
use serde::{Deserialize, Serialize};

pub use objective::{ComparedEntry, GuardrailEntry, ObjectiveEntry};
pub use phases::{AmountEntry, BestStaticEntry, ContrastEntry, PhaseEntry, PhasesEntry};
pub use prices::{PriceEntry, ResolvedEntry};
pub use repetition::{CappedEntry, RepetitionEntry};
pub use runs::{NoiseEntry, ReachEntry, TaskNoiseEntry};
pub use scale::{CheckEntry, OptimumEntry, ScaleEntry};
pub use virtuals::{ExpandedEntry, ShareEntry, VirtualEntry};

use crate::input::InputRecord;
use crate::swarm::loaded_fit::WeightedSwarm;
use crate::swarm::tasks::task_columns::Member;

/// Value of [`MixtureFile::format`].
pub(crate) const FORMAT: &str = "olmix-mixture";

/// The version this crate writes, and the newest it reads.
pub(crate) const VERSION: u32 = 2;

/// The content of a `mixture.json`, version 2.
///
/// Every list over domains is aligned with [`MixtureFile::domains`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixtureFile {
    /// `olmix-mixture`.
    pub format: String,
    /// Version of the format; readers refuse newer ones.
    pub version: u32,
    /// Version of olmix that wrote the file.
    pub olmix: String,
    /// Sixteen hex digits that identify settings and data.
    pub config_hash: String,
    /// The files the result comes from.
    pub inputs: Vec<InputRecord>,
    /// Seed of every random draw.
    pub seed: u64,
    /// Number of runs read, held-out ones included.
    pub runs: usize,
    /// Runs the laws were fitted to.
    pub fitted_runs: usize,
    /// Runs that were set aside for testing.
    pub held_out_runs: usize,
    /// Earlier swarms of which runs have a weight below 1, as content that they used has changed since; absent
    /// without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weighted_runs: Vec<WeightedSwarm>,
    /// Domains with prior and proposed weight.
    pub domains: Vec<DomainEntry>,
    /// What the virtual domains among them stand for; absent without any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_domains: Vec<VirtualEntry>,
    /// The proposed mixture over the domains that virtual ones stand for and all others; absent where there
    /// is not a virtual domain or not a mixture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expanded: Vec<ExpandedEntry>,
    /// The phases of the mixture; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phases: Option<PhasesEntry>,
    /// Domains no run sampled.
    pub dead_domains: Vec<String>,
    /// `R`, tokens of the run the mixture is for, when the config gives it.
    pub target_tokens: Option<f64>,
    /// `k`, how often a domain's tokens may be seen; null when repetition is not limited.
    pub repetition_factor: Option<f64>,
    /// What the swarm says of the value of repeats; absent where repetition was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition: Option<RepetitionEntry>,
    /// Bounds on groups of domains. Those on single domains stand with the domains.
    pub groups: Vec<GroupEntry>,
    /// What each cap and bound that binds costs, the dearest first; absent where the optimizer knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<Vec<PriceEntry>>,
    /// What was minimized besides or in place of the average loss; absent where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<ObjectiveEntry>,
    /// The fitted laws.
    pub law: LawEntry,
    /// How the laws were calibrated by runs of the target; absent where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationEntry>,
    /// The objective's optimum and how it was found; null when no mixture was asked for.
    pub optimizer: Option<OptimizerEntry>,
    /// Weighted average of the losses predicted at the mixture.
    pub predicted: Option<f64>,
    /// Weighted average of the losses predicted at the prior.
    pub natural: Option<f64>,
    /// By which share of the natural loss the mixture is better.
    pub gain: Option<f64>,
    /// Interval of the gain.
    pub gain_interval: Option<Interval>,
    /// Families of tasks and single tasks that are predicted to be worse at the mixture than at the prior.
    #[serde(default, skip_serializing_if = "Worse::is_empty")]
    pub worse: Worse,
    /// The same comparison with each baseline by name, the prior first.
    pub baselines: Vec<BaselineEntry>,
    /// The size that losses and mixture are for, where it is not the one that was measured; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<ScaleEntry>,
    /// How λ was chosen; null where it was given.
    pub kl_choice: Option<KlChoiceEntry>,
    /// How intervals were made; null without bootstrap.
    pub bootstrap: Option<BootstrapEntry>,
    /// How well laws predict runs they have not seen; null without folds.
    pub out_of_fold: Option<OutOfFoldEntry>,
    /// Other laws of the same runs, and what they say of the mixture.
    pub rivals: Vec<RivalEntry>,
    /// What replicates say of the noise of a run; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseEntry>,
    /// How far the mixture is from the runs; absent without a mixture of laws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<ReachEntry>,
    /// How well the laws predict the held-out runs.
    pub held_out: Option<ScoresEntry>,
    /// Notices and warnings, as printed after the fit.
    pub notices: Vec<String>,
}

/// What gets worse, the worst first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Worse {
    /// Families of tasks.
    pub families: Vec<ChangeEntry>,
    /// Tasks.
    pub tasks: Vec<ChangeEntry>,
}

impl Worse {
    fn is_empty(&self) -> bool {
        self.families.is_empty() && self.tasks.is_empty()
    }
}

/// How the predicted loss of a task or family changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeEntry {
    /// The task's or family's name.
    pub name: String,
    /// `predicted / natural − 1`, above 0.
    pub change: f64,
}

/// A domain with its prior, weight and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainEntry {
    /// The name, as the ratios file has it.
    pub name: String,
    /// Tokens it holds, if counted.
    pub tokens: Option<u64>,
    /// Share in the natural distribution.
    pub prior: f64,
    /// Share in the proposed mixture; null when no mixture was asked for.
    pub weight: Option<f64>,
    /// `weight / prior`.
    pub ratio: Option<f64>,
    /// Interval of the weight.
    pub interval: Option<Interval>,
    /// How often a run of `R` tokens sees the domain's tokens.
    pub epochs: Option<f64>,
    /// `k N / R`, the greatest weight that repetition allows.
    pub cap: Option<f64>,
    /// Least weight, 0 where none was set.
    pub min: f64,
    /// Greatest weight apart from the cap, 1 where none was set.
    pub max: f64,
    /// Which of these limits holds with equality.
    pub limit: Option<Limit>,
    /// What the KL term pulls to in place of `prior`, when virtual domains are counted by what
    /// they stand for. These do not sum to 1.
    pub kl_reference: Option<f64>,
}

/// A limit that holds with equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The cap from the token count.
    Cap,
    /// The upper bound.
    Max,
    /// The lower bound.
    Min,
    /// No run sampled the domain: it is held at its share.
    Held,
}

/// A bound on the summed weight of several domains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupEntry {
    /// What the config calls it.
    pub name: String,
    /// The domains whose weights are summed.
    pub domains: Vec<String>,
    /// Least summed weight.
    pub min: f64,
    /// Greatest summed weight.
    pub max: f64,
    /// Summed weight in the mixture.
    pub weight: Option<f64>,
    /// Which bound holds with equality.
    pub limit: Option<Limit>,
}

/// The laws of all tasks, and what they share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LawEntry {
    /// Which law was asked for.
    pub kind: LawKind,
    /// The law that was fitted and its settings, those chosen from data among them; null for the
    /// law `search`.
    pub options: Option<LawOptions>,
    /// The mixtures of the runs the laws were fitted to, for laws that predict by likeness to them
    /// (`gp`); absent for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixtures: Vec<Vec<f64>>,
    /// One law per task.
    pub tasks: Vec<TaskEntry>,
}

/// A task with its law. Losses are `offset + y`, or `offset + 1 − y` where `direction` is max.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskEntry {
    /// The metric, or the family when tasks were aggregated.
    pub name: String,
    /// The family it is summarized with.
    pub family: String,
    /// Its share in the average; shares sum to 1.
    pub weight: f64,
    /// The direction of the metric as measured.
    pub direction: Direction,
    /// Added to the (turned) metric.
    pub offset: f64,
    /// What a family is averaged from; empty for a metric of its own.
    pub members: Vec<Member>,
    /// The law; null for the law `search`.
    pub law: Option<FittedLaw>,
    /// How the fit went.
    pub fit: Option<FitEntry>,
    /// Predicted loss at the mixture.
    pub predicted: Option<f64>,
    /// Predicted loss at the prior.
    pub natural: Option<f64>,
    /// Agreement of cross-validated predictions with measurements; null without folds.
    pub out_of_fold: Option<ScoresEntry>,
}

/// How laws were calibrated: the scale and shift of each stand with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationEntry {
    /// Names of the target's runs.
    pub target_runs: Vec<String>,
    /// `μ`, what the scales have in common.
    pub common_scale: f64,
    /// `τ`, the standard deviation of the scales around it.
    pub scale_spread: f64,
    /// `σ`, how far target runs lie off the calibrated laws, in units of each task's spread over the swarm.
    pub noise: f64,
    /// How well the average loss is ranked for the target; null for fewer than three target runs.
    pub ranking: Option<RankingEntry>,
}

/// How well the average loss of mixtures is ranked for the target; see [`olmix_core::calibrate::Ranking`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingEntry {
    /// RMSE of a target run's average, predicted by the proxies' laws with the level of the other runs and the scale
    /// that tasks have in common.
    pub level_error: Option<f64>,
    /// The same by laws calibrated by the other runs.
    pub calibrated_error: Option<f64>,
    /// Rank correlation to expect of the proxies' ranking.
    pub expected: Option<f64>,
    /// Rank correlation to expect of the calibrated ranking.
    pub calibrated_expected: Option<f64>,
    /// Rank correlation between the two over the swarm's mixtures.
    pub agreement: Option<f64>,
}

/// How the fit of one law went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitEntry {
    /// Summed Huber loss.
    pub huber: Option<f64>,
    /// Whether the gradient vanished.
    pub converged: bool,
    /// Starting points of the descent.
    pub starts: usize,
    /// Starting points that reached the least objective.
    pub starts_at_best: usize,
    /// Condition number of the design; null when it is infinite.
    pub condition: Option<f64>,
}

/// How the mixture was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerEntry {
    /// `exact`, `local`, `simulation`, `search`, or the rule's name.
    pub kind: String,
    /// Whether the worst mixture was asked for.
    pub worst: bool,
    /// λ, for the exact optimizer.
    pub kl_reg: Option<f64>,
    /// How it ended.
    pub status: Status,
    /// The objective at the mixture.
    pub objective: Option<f64>,
    /// `KL(mixture ‖ prior)` in nats.
    pub kl: Option<f64>,
    /// Primal minus dual objective.
    pub duality_gap: Option<f64>,
    /// Iterations, or rounds.
    pub iterations: usize,
    /// For a search: the run that was chosen.
    pub run: Option<String>,
    /// `exp` of the mixture's entropy.
    pub effective_domains: f64,
}

/// A bootstrap over runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BootstrapEntry {
    /// Resamples that gave a mixture.
    pub resamples: usize,
    /// Resamples whose solve failed.
    pub failed: usize,
    /// Coverage the intervals aim at.
    pub confidence: f64,
}

/// An out-of-fold check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutOfFoldEntry {
    /// Number of folds.
    pub folds: usize,
    /// Scores of the weighted average.
    pub average: ScoresEntry,
    /// Tasks whose law is no better than their mean.
    pub no_better_than_mean: Vec<String>,
}

/// What another law of the same runs says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RivalEntry {
    /// The law and its settings.
    pub options: LawOptions,
    /// Out-of-fold scores of the weighted average.
    pub out_of_fold: ScoresEntry,
    /// Weighted average of the losses it predicts at the prior.
    pub natural: Option<f64>,
    /// The same at the mixture.
    pub predicted: Option<f64>,
    /// By which share of the natural loss the mixture is better, by this law.
    pub gain: Option<f64>,
}

/// What a mixture is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineEntry {
    /// What it is.
    pub name: String,
    /// Weighted average of the losses predicted there.
    pub predicted: Option<f64>,
    /// By which share of that loss the mixture is better.
    pub gain: Option<f64>,
}

/// How λ was chosen from data: by laws fitted to halves of the runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KlChoiceEntry {
    /// The λ tried.
    pub grid: Vec<f64>,
    /// Mean gain by the laws that proposed, one per λ.
    pub predicted_gain: Vec<f64>,
    /// Mean gain by the laws of the other half.
    pub crossed_gain: Vec<f64>,
    /// Standard error of the crossed gain.
    pub standard_error: Vec<f64>,
    /// The λ with the greatest crossed gain.
    pub best: f64,
    /// The largest λ within a standard error of it.
    pub within_error: f64,
    /// The λ chosen.
    pub chosen: f64,
    /// Predicted minus crossed gain at the λ chosen.
    pub optimism: f64,
}

/// Agreement of predictions with measurements, in the unit of the losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoresEntry {
    /// Pearson correlation; null where one side is constant or there are fewer than 3 runs.
    pub pearson: Option<f64>,
    /// Spearman rank correlation.
    pub spearman: Option<f64>,
    /// Root of the mean squared error.
    pub rmse: Option<f64>,
    /// Mean of predicted − measured.
    pub bias: Option<f64>,
    /// Measured loss of the run predicted best, minus the least.
    pub regret_at_1: Option<f64>,
    /// Mean of measured − predicted over the tenth of runs predicted best.
    pub optimism: Option<f64>,
}
