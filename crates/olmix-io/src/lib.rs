//! Files in and out of olmix.
//!
//! | in | read by |
//! | --- | --- |
//! | fit config, with the swarm it names | [`load_fit`] |
//! | mixtures to predict, measured or not | [`load_mixtures`], [`load_runs`] |
//! | generation config, launch config | [`GenerationConfig::load`], [`LaunchConfig::load`], [`LaunchBase::read`] |
//! | shares of domains, in any of these | [`Shares::read`] |
//! | `mixture.json` of an earlier fit | [`MixtureFile::read`] |
//!
//! Results go out through [`olmix_fs`], whole or not at all.
//!
//! Nothing that is read can make this crate panic: whatever is wrong with a file becomes an
//! [`IoError`] that says which file, where in it, what was found, and what to do.

mod artifact;
mod comparison;
mod config;
mod core_messages;
mod error;
mod input;
mod messages;
#[cfg(test)]
mod real_data;
mod swarm;

pub use artifact::csv_npy::{csv_bytes, csv_number, npy};
pub use artifact::domain_weights::Shares;
pub use artifact::export::{Blend, BlendDomain, Trainer};
pub use artifact::json_diff::{ArrayDifference, JsonDifference, json_differences};
pub use artifact::mixture_file::{
    BaselineEntry, BootstrapEntry, DomainEntry, FitEntry, GroupEntry, KlChoiceEntry, LawEntry,
    Limit, MixtureFile, OptimizerEntry, OutOfFoldEntry, RivalEntry, ScoresEntry, ShareEntry,
    TaskEntry, VirtualEntry,
};
pub use comparison::{Judgement, MethodResult};
pub use config::engine::{EngineConfig, EngineKind};
pub use config::fit::{
    Bound, ConstraintsConfig, DiagnosticsConfig, EvalConfig, FilteringConfig, FitConfig,
    Granularity, GroupConfig, KlReg, Named, Preset, PriorsConfig, ProposerConfig, RegressionConfig,
    SwarmFiles, TrainSplit,
};
pub use config::generation::{
    Content, DataConfig, GenerationConfig, MixLeaf, Source, SwarmConfig, TokenWidth,
};
pub use config::launch::{
    EvaluationConfig, FewShot, LaunchBase, LaunchConfig, ModelConfig, TrainerKind, TrainingConfig,
    ValidationLeaf, Variant,
};
pub use config::project::{
    FitFile, GenerationFile, NewProject, ProjectChange, ProjectConfig, ProjectDomain, new_project,
    read_changes, with_domains,
};
pub use config::yaml;
pub use core_messages::fit_warnings;
pub use error::{InputError, IoError, Place};
pub use input::{InputRecord, sha256_hex};
pub use swarm::carry_ratios::{CarriedRatios, carry_ratios, count_runs};
pub use swarm::csv_table::{Cell, Table};
pub use swarm::load_fit::{LoadedFit, Overrides, load_fit, load_fit_with};
pub use swarm::load_runs::{Measured, Runs, load_mixtures, load_runs};
pub use swarm::resolve_domains::matches;
pub use swarm::sampling_plan::Plan;
pub use swarm::task_columns::Member;
