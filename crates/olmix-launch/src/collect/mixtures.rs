//! Mixtures that are given beside the metrics.

use std::collections::HashMap;
use std::path::Path;

use olmix_io::tables::{Cell, Table};

use crate::LaunchError;
use crate::swarm::load_variants;

/// Mixtures by the names of runs.
#[derive(Debug)]
pub(super) struct Mixtures {
    /// Domains, in the order they were given.
    pub domains: Vec<String>,
    /// Runs, in the order they were given, and their mixtures.
    pub names: Vec<String>,
    pub of: HashMap<String, Vec<(String, f64)>>,
}

impl Mixtures {
    /// Reads what is given, if anything is.
    pub fn read(
        ratios: Option<&Path>,
        variants: Option<&Path>,
    ) -> Result<Option<Self>, LaunchError> {
        match (ratios, variants) {
            (Some(file), _) => Self::of_table(file).map(Some),
            (None, Some(folder)) => {
                let variants = load_variants(folder)?;
                let pairs = variants
                    .iter()
                    .map(|variant| (variant.config.name.clone(), variant.mixture()));
                Ok(Some(Self::new(pairs.collect(), Vec::new())))
            }
            (None, None) => Ok(None),
        }
    }

    fn new(pairs: Vec<(String, Vec<(String, f64)>)>, domains: Vec<String>) -> Self {
        Self {
            domains,
            names: pairs.iter().map(|(name, _)| name.clone()).collect(),
            of: pairs.into_iter().collect(),
        }
    }

    fn of_table(file: &Path) -> Result<Self, LaunchError> {
        let table = Table::read(file, "ratios")?;
        let mut pairs = Vec::with_capacity(table.len());
        for row in 0..table.len() {
            let mut mixture = Vec::with_capacity(table.columns().len());
            for (column, domain) in table.columns().iter().enumerate() {
                let Cell::Number(weight) = table.cell(row, column) else {
                    return Err(table
                        .error(
                            row,
                            format!("run `{}` has no number in column `{domain}`", table.id(row)),
                            "write the ratio as a number between 0 and 1",
                        )
                        .into());
                };
                mixture.push((domain.clone(), weight));
            }
            pairs.push((table.id(row).to_owned(), mixture));
        }
        Ok(Self::new(pairs, table.columns().to_vec()))
    }
}
