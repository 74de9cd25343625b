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
//! Results go out through [`StagedFolder`] or [`write_whole`], whole or not at all.
//!
//! Nothing that is read can make this crate panic: whatever is wrong with a file becomes an
//! [`IoError`] that says which file, where in it, what was found, and what to do.

mod carry;
mod domains;
mod engine;
mod error;
mod export;
mod families;
mod fit_config;
mod generation;
mod input;
mod load;
mod load_runs;
mod load_swarm;
mod mixture_file;
mod mmlu;
mod project;
#[cfg(test)]
mod real_data;
mod recipe;
mod runs;
mod shares;
mod table;
mod tasks;
mod trainer;
mod words;
mod write;
pub mod yaml;

pub use carry::{CarriedRatios, carry_ratios, count_runs};
pub use domains::matches;
pub use engine::{EngineConfig, EngineKind};
pub use error::{InputError, IoError, Place};
pub use export::{csv_bytes, csv_number, file_safe, npy};
pub use fit_config::{
    Bound, ConstraintsConfig, DiagnosticsConfig, EvalConfig, FilteringConfig, FitConfig,
    Granularity, GroupConfig, KlReg, Named, Preset, PriorsConfig, ProposerConfig, ProposerKind,
    RegressionConfig, SwarmFiles, TrainSplit,
};
pub use generation::{
    Content, DataConfig, EvaluationConfig, FewShot, GenerationConfig, LaunchBase, LaunchConfig,
    MixLeaf, ModelConfig, Plan, Source, SwarmConfig, TokenWidth, TrainerKind, TrainingConfig,
    ValidationLeaf, Variant,
};
pub use input::{InputRecord, sha256_hex};
pub use load::{LoadedFit, Overrides, load_fit, load_fit_with};
pub use load_runs::{Measured, Runs, load_mixtures, load_runs};
pub use mixture_file::{
    BaselineEntry, BootstrapEntry, DomainEntry, FitEntry, GroupEntry, KlChoiceEntry, LawEntry,
    Limit, MixtureFile, OptimizerEntry, OutOfFoldEntry, RivalEntry, ScoresEntry, ShareEntry,
    TaskEntry, VirtualEntry,
};
pub use project::{
    FitFile, GenerationFile, NewProject, ProjectChange, ProjectConfig, ProjectDomain, new_project,
    read_changes, with_domains,
};
pub use recipe::Member;
pub use shares::Shares;
pub use table::{Cell, Table};
pub use trainer::{Blend, BlendDomain, Trainer};
pub use write::{StagedFile, StagedFolder, check_writable, remove_abandoned, write_whole};
