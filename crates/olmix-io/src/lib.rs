//! Files in and out of olmix.
//!
//! | in | read by |
//! | --- | --- |
//! | fit config, with the swarm it names | [`load_fit`] |
//! | mixtures to predict, measured or not | [`load_mixtures`], [`load_runs`] |
//! | generation config | [`GenerationConfig::load`] |
//! | launch config | [`LaunchConfig::load`]; [`LaunchBase::read`] as the base of variants |
//! | `olmix.yaml` of a project | [`ProjectConfig::load`] |
//! | weights of domains, in any of these | [`DomainWeights::read`] |
//! | `mixture.json` of an earlier fit | [`MixtureFile::read`] |
//!
//! | out | written by |
//! | --- | --- |
//! | `mixture.json` | [`MixtureFile::new`], [`MixtureFile::to_bytes`] |
//! | a trainer's configuration | [`export::Format::text`] |
//! | ratios.csv and launch configs of a drawn swarm | [`DrawnSwarm`] |
//! | CSV and NPY | [`tables`] |
//!
//! Results go out through [`olmix_fs`], whole or not at all.
//!
//! The root has what is named most; the rest is in a module for each kind of file: [`fit_config`],
//! [`generation_config`], [`launch_config`], [`project`], [`mixture_file`], [`metrics_meta`],
//! [`export`], [`tables`], [`yaml`].
//!
//! Nothing that is read can make this crate panic: whatever is wrong with a file becomes an
//! [`IoError`] that says which file, where in it, what was found, and what to do.

mod artifact;
mod checksums;
mod comparison;
mod config;
mod core_messages;
mod error;
mod input;
mod messages;
pub mod names;
#[cfg(test)]
mod real_data;
mod rounding;
mod swarm;
mod verdict_words;

pub use artifact::domain_weights::{DomainWeights, PhaseWeights, PhasedWeights};
pub use artifact::first_fit::FirstFit;
pub use artifact::json_diff::{ArrayDifference, JsonDifference, json_differences};
pub use artifact::mixture_file::MixtureFile;
pub use artifact::new_project::{NewProject, new_project};
pub use artifact::weight_difference::{WeightChange, WeightDifference};
pub use checksums::{CHECKSUMS, Checksums};
pub use comparison::{Judgement, MethodResult};
pub use config::engine::{EngineConfig, EngineKind, MASK};
pub use config::fit::{FitConfig, KlReg, Overrides, Preset, PriorsConfig};
pub use config::generation::{GenerationConfig, MixLeaf};
pub use config::launch::{LaunchBase, LaunchConfig, TrainerKind, TrainingConfig};
pub use config::project::{ProjectChange, ProjectConfig, ProjectDomain, Revision};
pub use core_messages::{
    fact_sentences, fit_warnings, objective_sentences, phase_sentences, repetition_sentences,
    run_sentences, scale_sentences, warning_sentence,
};
pub use error::{InputError, IoError, Location};
pub use input::{InputRecord, sha256_hex};
pub use messages::first_few;
pub use swarm::drawn_swarm::{DrawnSwarm, NamedRuns, PhasedRuns, SampledDomain, refuse_other};
pub use swarm::load_fit::{load_fit, load_fit_text, load_fit_with};
pub use swarm::load_runs::{Measured, Runs, load_any_mixtures, load_mixtures, load_runs};
pub use swarm::load_swarm::SwarmTables;
pub use swarm::loaded_fit::{ChangedContent, LoadedFit, WeightedSwarm};
pub use swarm::metrics_meta;
pub use swarm::sampling_plan::SamplingPlan;
pub use verdict_words::{VerdictWords, verdict_words};

pub use artifact::{export, mixture_file};
pub use config::{
    fit as fit_config, generation as generation_config, launch as launch_config, project, yaml,
};

/// Tables: of runs in, and of anything out.
pub mod tables {
    pub use crate::artifact::csv_npy::{csv_bytes, csv_number, npy};
    pub use crate::swarm::carry_ratios::{CarriedRatios, carry_ratios, count_runs};
    pub use crate::swarm::tables::columns::Column;
    pub use crate::swarm::tables::csv_table::{Cell, Table};
    pub use crate::swarm::tables::delimited::Delimited;
    pub use crate::swarm::tasks::task_columns::Member;
}
