//! How far to trust laws and mixtures: predictions of unseen runs, and resampled runs.

mod bootstrap;
mod choice;
mod folds;
mod kl;
mod rivals;
mod scores;

pub use bootstrap::{Bootstrap, Interval, Resampling, bootstrap};
pub use choice::{
    RIDGE_GRID, TIE, Tried, best_of_each, candidates, choose, choose_per_task, refinements, try_all,
};
pub use folds::{Explosion, HeldOut, OutOfFold, assign_folds, held_out, out_of_fold};
pub use kl::{KL_GRID, KL_SPLITS, KlChoice, choose_kl};
pub use rivals::{Rival, rival_laws, rivals};
pub use scores::{Scores, score};
