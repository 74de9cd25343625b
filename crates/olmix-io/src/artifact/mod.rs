//! Artifacts: what a fit writes, and what others read of it.

pub(crate) mod csv_npy;
pub(crate) mod domain_weights;
pub mod export;
pub(crate) mod first_fit;
pub(crate) mod json_diff;
pub mod mixture_file;
pub(crate) mod new_project;
pub(crate) mod weight_difference;
