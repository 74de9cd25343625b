//! Swarms: tables of runs joined, with the tasks and domains that a config names.
//!
//! | step of loading a fit | file |
//! | --- | --- |
//! | the whole, in order | `load_fit.rs`; what is carried from step to step is the `Loader` of `loader.rs` |
//! | a table is read; two are joined by run | `tables/` |
//! | columns become domains, with priors and constraints | `domain_columns.rs`, `resolve_domains.rs` |
//! | columns become tasks | `tasks/` |
//! | rows become the runs of a swarm, several swarms one | `load_swarm.rs` |
//! | runs of several sizes become runs of the target's | `load_scale.rs` |
//! | runs in phases | `load_phases.rs` |
//! | the runs of the target | `load_target.rs` |
//! | how often runs see their domains | `load_repetition.rs` |
//! | what the method is asked to do | `fit_spec.rs` |
//! | what a source knows about its metrics | `metrics_meta.rs` |

pub(crate) mod carry_ratios;
pub(crate) mod domain_columns;
pub(crate) mod drawn_swarm;
pub(crate) mod fit_spec;
pub(crate) mod load_fit;
pub(crate) mod load_phases;
pub(crate) mod load_repetition;
pub(crate) mod load_runs;
pub(crate) mod load_scale;
pub(crate) mod load_swarm;
pub(crate) mod load_target;
pub(crate) mod loaded_fit;
pub(crate) mod loader;
pub mod metrics_meta;
pub(crate) mod resolve_domains;
pub(crate) mod sampling_plan;
pub(crate) mod tables;
pub(crate) mod tasks;
