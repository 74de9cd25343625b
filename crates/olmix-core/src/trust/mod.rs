//! How far to trust laws and mixtures: predictions of unseen runs, and resampled runs.

mod bootstrap;
mod choice;
mod folds;
mod scores;

pub use bootstrap::{Bootstrap, Interval, Resampling, bootstrap};
pub use choice::{RIDGE_GRID, candidates, choose};
pub use folds::{Explosion, HeldOut, OutOfFold, assign_folds, held_out, out_of_fold};
pub use scores::{Scores, score};
