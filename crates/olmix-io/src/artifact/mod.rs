//! Artifacts: what a fit writes, and what others read of it.

pub(crate) mod csv_npy;
pub(crate) mod domain_weights;
pub(crate) mod export;
pub(crate) mod json_diff;
pub(crate) mod mixture_file;
