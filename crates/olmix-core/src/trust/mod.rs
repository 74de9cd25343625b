//! How far to trust laws and mixtures: predictions of unseen runs, and resampled runs.

mod bootstrap;
mod folds;
mod scores;

pub use bootstrap::{Bootstrap, Interval, bootstrap};
pub use folds::{Explosion, HeldOut, OutOfFold, assign_folds, held_out, out_of_fold};
pub use scores::{Scores, score};
