//! How far to trust laws and mixtures: predictions of unseen runs, and resampled runs.

mod bootstrap;
mod folds;
mod ridge;
mod scores;

pub use bootstrap::{Bootstrap, Interval, Resampling, bootstrap};
pub use folds::{Explosion, HeldOut, OutOfFold, assign_folds, held_out, out_of_fold};
pub use ridge::{RIDGE_GRID, choose_ridge};
pub use scores::{Scores, score};
