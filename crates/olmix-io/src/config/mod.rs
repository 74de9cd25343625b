//! Configs: one folder or file a kind of config, all read from YAML with positions.

pub(crate) mod engine;
pub mod fit;
pub mod generation;
pub mod launch;
pub mod project;
pub mod yaml;
