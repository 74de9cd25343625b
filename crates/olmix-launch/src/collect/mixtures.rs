//! Mixtures that are given beside the metrics.

use std::collections::HashMap;
use std::path::Path;

use olmix_io::tables::{Cell, Table};
use olmix_ledger::PhaseMixture;

use super::tabular::shares::{ROUNDING, Row, scaled};
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
    /// Phases of runs that have some.
    pub phases: HashMap<String, Vec<PhaseMixture>>,
    /// Runs whose row is not whole, and why.
    pub broken: HashMap<String, String>,
    /// What the user should know.
    pub notices: Vec<String>,
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
                let phases = variants
                    .iter()
                    .map(|variant| (variant.config.name.clone(), variant.phases()));
                Ok(Some(Self {
                    phases: phases.filter(|(_, phases)| !phases.is_empty()).collect(),
                    ..Self::new(pairs.collect(), Vec::new())
                }))
            }
            (None, None) => Ok(None),
        }
    }

    fn new(pairs: Vec<(String, Vec<(String, f64)>)>, domains: Vec<String>) -> Self {
        Self {
            domains,
            names: pairs.iter().map(|(name, _)| name.clone()).collect(),
            of: pairs.into_iter().collect(),
            phases: HashMap::new(),
            broken: HashMap::new(),
            notices: Vec::new(),
        }
    }

    /// A run with an empty cell has no mixture, unless the others sum to the whole.
    fn of_table(file: &Path) -> Result<Self, LaunchError> {
        let table = Table::read(file, "ratios")?;
        let changed = table.changed()?;
        let mut rows = Vec::with_capacity(table.len());
        for row in 0..table.len() {
            let mut read = Row::default();
            for (column, domain) in table.columns().iter().enumerate() {
                let weight = match table.cell(row, column) {
                    Cell::Number(weight) if weight >= -ROUNDING => weight.max(0.0),
                    Cell::Missing => {
                        read.missing.push(domain.clone());
                        0.0
                    }
                    Cell::Number(weight) => {
                        return Err(not_a_share(&table, row, domain, &weight.to_string()));
                    }
                    Cell::Text(text) => return Err(not_a_share(&table, row, domain, text)),
                };
                read.weights.push((domain.clone(), weight));
            }
            rows.push(read);
        }
        let at = |row: usize| format!("`{}` ({})", table.id(row), table.place_in_words(row));
        let shares = scaled(table.file(), rows, &at)?;
        let (mut pairs, mut broken) = (Vec::new(), HashMap::new());
        for (row, mixture) in shares.mixtures.into_iter().enumerate() {
            let name = table.id(row).to_owned();
            match mixture {
                Ok(mixture) => pairs.push((name, mixture.unwrap_or_default())),
                Err(why) => {
                    broken.insert(name, why);
                }
            }
        }
        Ok(Self {
            broken,
            notices: changed.into_iter().chain(shares.notice).collect(),
            ..Self::new(pairs, table.columns().to_vec())
        })
    }
}

fn not_a_share(table: &Table, row: usize, domain: &str, found: &str) -> LaunchError {
    let message = format!("run `{}` has `{found}` in column `{domain}`", table.id(row));
    let help = "write the ratio as a number between 0 and 1, or all in percent";
    table.error(row, message, help).into()
}
