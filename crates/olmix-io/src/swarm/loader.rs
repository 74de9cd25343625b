//! What is carried along while a fit is loaded.

use std::path::Path;

use olmix_core::CoreError;

use super::tables::table_reader::TableReader;
use crate::config::fit::{FitConfig, Overrides};
use crate::error::{IoError, Location};

/// A fit config, with what was read for it and is to be said of it so far.
///
/// Each step of loading is a method in the file of its subject: domains, tasks, swarms, the spec.
pub(crate) struct Loader {
    /// The checked config.
    pub config: FitConfig,
    /// Reads the tables; its notices begin with those of the config, its inputs with the config's record.
    pub tables: TableReader,
}

impl Loader {
    /// Reads a config, with some settings given in place of its own.
    pub fn open(config: &Path, overrides: &Overrides) -> Result<Self, IoError> {
        let (config, record) = FitConfig::load_with(config, overrides)?;
        let tables = TableReader {
            notices: config.notices.clone(),
            inputs: vec![record],
        };
        Ok(Self { config, tables })
    }

    /// Takes a config that is text at hand. With `swarm_given`, tables come from elsewhere, and it must name none.
    pub fn of_text(
        name: &str,
        text: &str,
        overrides: &Overrides,
        swarm_given: bool,
    ) -> Result<Self, IoError> {
        let (config, record) = FitConfig::of_text(name, text, overrides, swarm_given)?;
        let tables = TableReader {
            notices: config.notices.clone(),
            inputs: vec![record],
        };
        Ok(Self { config, tables })
    }

    /// An error at a place of the config.
    pub fn error(
        &self,
        location: &Location,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> IoError {
        IoError::input(&self.config.file, location.clone(), message, help)
    }

    /// An error at a setting of the config, such as `regression.n_test`.
    pub fn setting_error(
        &self,
        setting: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> IoError {
        self.error(&Location::Field(setting.to_owned()), message, help)
    }

    /// What the method refuses of the config.
    pub fn refused(&self, error: CoreError) -> IoError {
        IoError::core(self.config.file.clone(), error)
    }
}
