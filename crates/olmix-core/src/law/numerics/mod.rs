//! What the laws are fitted with: designs and their products, descents, likelihoods and trees.
//!
//! Nothing here knows of a law; `law/*.rs` build on it.

mod basis;
mod chord;
mod condition;
mod design_matrix;
mod least_squares;
mod likelihood;
mod linalg;
mod loss_unit;
mod newton;
mod objective;
mod quasi_newton;
mod report;
mod rows;
mod sparse;
mod starts;
mod tree_bins;
mod tree_grower;
mod trees;

pub use basis::Basis;
pub use design_matrix::DesignMatrix;
pub(crate) use design_matrix::{Features, undetermined};
pub(crate) use least_squares::{Minimum, Model, least, minimize};
pub(crate) use likelihood::{Hyper, most_likely};
pub(crate) use linalg::{Cholesky, times, transpose_times, weighted_gram};
pub(crate) use loss_unit::LossUnit;
pub(crate) use newton::Descent;
pub(crate) use objective::{MAX_EXPONENT, Objective, huber};
pub(crate) use quasi_newton::descend;
pub use report::TaskReport;
pub(crate) use starts::{Fitter, LEAST_C, check_losses, range};
pub(crate) use tree_bins::{Bins, MAX_RUNS};
pub(crate) use tree_grower::Grower;
pub use trees::BoostedTrees;
#[cfg(test)]
pub(crate) use trees::TOGETHER;
