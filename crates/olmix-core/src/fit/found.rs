//! What a fit finds, and who is told how it proceeds.

use crate::Mixture;
use crate::calibrate::Calibration;
use crate::law::{FittedLaw, LawOptions, TaskReport, average_loss};
use crate::objective::ObjectiveAt;
use crate::optimize::{Optimizer, Solution};
use crate::phases::{Contrast, PhaseValue};
use crate::price::ConstraintPrice;
use crate::repetition::{Capped, RepeatValue};
use crate::scaling::ScaledProposal;
use crate::trust::{
    AlternativeLaw, Bootstrap, CandidateScore, HeldOut, KlChoice, Noise, OutOfFold, Reach,
};

/// What [`super::fit`] found.
#[derive(Debug, Clone, Default)]
pub struct Fit {
    /// One law per task over all domains of the swarm; empty for [`crate::LawKind::Search`].
    pub laws: Vec<FittedLaw>,
    /// How the laws were calibrated, when the specification has runs of the target: [`Fit::laws`] and those of
    /// [`Fit::alternatives`] then predict the target, and everything that compares predictions with the swarm's losses
    /// speaks of the laws before.
    pub calibration: Option<Calibration>,
    /// What the swarm says of the value of repeats, when that was measured.
    pub repeats: Option<RepeatValue>,
    /// The laws as they predict runs of the swarm, where [`Fit::laws`] are for a run that sees the domains more or less
    /// often than those; empty otherwise.
    pub run_laws: Vec<FittedLaw>,
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
    /// Out-of-fold errors of all laws and settings tried, when they were to be chosen.
    pub candidates: Vec<CandidateScore>,
    /// RMSE of the average loss of the choice among the candidates ([`crate::trust::choice_error`]), when there was one.
    pub choice_error: Option<f64>,
    /// How much the phases of the runs differ, where they have phases.
    pub contrast: Option<Contrast>,
    /// The best law that the exact optimizer can't take, where it limited the choice of a law to convex ones.
    pub not_convex: Option<NotConvex>,
    /// How well laws predict runs they have not seen; `None` without folds or law.
    pub out_of_fold: Option<OutOfFold>,
    /// Other laws that this one is compared with; none without folds or law.
    pub alternatives: Vec<AlternativeLaw>,
    /// How λ was chosen, when it was to be.
    pub kl: Option<KlChoice>,
    /// The optimizer, with the λ that was chosen; `None` when only a fit was asked for.
    pub optimizer: Option<Optimizer>,
    /// What replicates say of the noise of the runs; `None` where no mixture has two runs.
    pub noise: Option<Noise>,
    /// How well the laws predict the runs set aside by `n_test`, when there are any.
    pub held_out: Option<HeldOut>,
    /// The proposed mixture, unless only a fit was asked for.
    pub proposal: Option<Proposal>,
}

/// A law that is not convex, beside the one that was chosen among convex laws. Errors are the root mean square of those of
/// the average loss in random folds and in regions held out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NotConvex {
    /// Its name.
    pub law: &'static str,
    /// Its error.
    pub error: f64,
    /// The error of the law that was chosen.
    pub own: f64,
}

/// A proposed mixture and what is expected of it.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The proposed weights, over the domains of the swarm.
    pub mixture: Mixture,
    /// How the optimizer ended.
    pub solution: Solution,
    /// Predicted loss per task at the mixture.
    pub predicted: Vec<f64>,
    /// Predicted loss per task at the natural distribution; empty for [`crate::LawKind::Search`].
    pub natural: Vec<f64>,
    /// Weighted average of [`Proposal::predicted`]; not a number where nothing predicts.
    pub predicted_average: f64,
    /// Weighted average of [`Proposal::natural`].
    pub natural_average: Option<f64>,
    /// What the proposal is compared with, the prior first: name, and the average loss predicted
    /// there; empty without laws.
    pub baselines: Vec<(&'static str, f64)>,
    /// How far the mixture is from the runs; `None` without laws.
    pub reach: Option<Reach>,
    /// Intervals from resampled runs; `None` without bootstrap.
    pub bootstrap: Option<Bootstrap>,
    /// What each constraint that binds costs, the dearest first; `None` for optimizers other than the
    /// exact one, which know no multipliers.
    pub prices: Option<Vec<ConstraintPrice>>,
    /// What other sizes say of it; `None` without [`crate::FitSpec::scaling`].
    pub scaling: Option<ScaledProposal>,
    /// What a cap on repetition would cost, where repetition is measured and there is no cap.
    pub capped: Option<Capped>,
    /// Guardrails, and the losses whose largest was minimized; `None` for the average loss alone.
    pub objective: Option<ObjectiveAt>,
    /// What the phases are worth; `None` for runs without phases, and where no mixture satisfies the bounds of all
    /// phases at once.
    pub phases: Option<PhaseValue>,
}

/// The parts of a fit, in order, for progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FitStage {
    /// Choosing the settings of the law.
    Choice,
    /// Measuring the value of repeats.
    Repeats,
    /// Fitting the laws.
    Laws,
    /// Predicting runs out of fold.
    OutOfFold,
    /// Choosing λ.
    Kl,
    /// Finding the mixture.
    Solve,
    /// Resampling the runs.
    Bootstrap,
}

/// Is told how a fit proceeds; called from any thread.
pub trait Observer: Sync {
    /// A stage begins and will make `steps` steps.
    fn stage(&self, stage: FitStage, steps: usize);
    /// One step is done.
    fn step(&self);
}

/// Progress is not reported.
impl Observer for () {
    fn stage(&self, _: FitStage, _: usize) {}
    fn step(&self) {}
}

impl Fit {
    /// The laws of the proxies: those that predict runs of the swarm, before any calibration.
    #[must_use]
    pub fn proxy_laws(&self) -> &[FittedLaw] {
        if !self.run_laws.is_empty() {
            return &self.run_laws;
        }
        let calibration = self.calibration.as_ref();
        calibration.map_or(&self.laws, |calibration| &calibration.proxies)
    }

    /// `Σ w_i f̂_i(p)` by the fitted laws; 0 without laws.
    #[must_use]
    pub fn average_loss(&self, task_weights: &[f64], p: &[f64]) -> f64 {
        average_loss(&self.laws, task_weights, p)
    }
}
