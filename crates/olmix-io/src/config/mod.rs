//! Configs: one folder or file a kind of config, all read from YAML with positions.

pub(crate) mod engine;
pub(crate) mod fit;
pub(crate) mod generation;
pub(crate) mod launch;
pub(crate) mod project;
pub mod yaml;
