//! How far to trust laws and mixtures: predictions of unseen runs, and resampled runs.

mod alternative_laws;
mod bootstrap;
mod choice;
mod folds;
mod kl;
mod reach;
mod regions;
mod replicates;
mod scores;
mod stacking;
mod verdict;

pub use alternative_laws::{AlternativeLaw, alternative_laws, reference_laws};
pub use bootstrap::{Bootstrap, Interval, Resampling, bootstrap, interval, resampled_laws};
pub use choice::{
    CandidateScore, RegionScore, TIE, best_of_each, choice_error, choose, choose_per_task,
    refinements, score_candidates,
};
pub(crate) use folds::out_of_fold_from;
pub use folds::{Explosion, HeldOut, OutOfFold, assign_folds, held_out, out_of_fold};
pub use kl::{Halves, KL_GRID, KL_SPLITS, KlChoice, choose_kl};
pub use reach::{Leverage, Place, Reach, reach};
pub use regions::regions;
pub use replicates::{MOSTLY_NOISE, Noise, TaskNoise, copied_runs, noise, runs_by_mixture};
pub use scores::{Scores, score};
pub use stacking::{Stacked, stack};
pub use verdict::{TrustLevel, TrustReason, Verdict};
