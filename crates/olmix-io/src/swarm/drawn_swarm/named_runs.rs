//! Mixtures as runs: their names, and the table that lists them.

use std::path::Path;

use crate::artifact::csv_npy::{csv_bytes, csv_number};
use crate::error::{IoError, Location};
use crate::input::sha256_hex;
use crate::swarm::tables::csv_table::PHASE;

/// Mixtures as runs of a swarm: their names and their table.
#[derive(Debug)]
pub struct NamedRuns {
    /// Eight hex digits that name the mixtures by what they are.
    pub group: String,
    /// The runs, `<name>-<group>-<index>`.
    pub ids: Vec<String>,
    /// The bytes of ratios.csv.
    pub ratios: Vec<u8>,
}

impl NamedRuns {
    /// Names mixtures (runs × domains) and writes their table.
    ///
    /// # Errors
    /// [`IoError`] for a table that can't be written, which is a defect.
    pub fn new(name: &str, domains: &[&str], mixtures: &[Vec<f64>]) -> Result<Self, IoError> {
        let header: Vec<&str> = std::iter::once("run")
            .chain(domains.iter().copied())
            .collect();
        Self::of_table(name, mixtures.len(), |ids| {
            let rows = ids.iter().zip(mixtures).map(|(id, mixture)| {
                let weights = mixture.iter().map(|&weight| csv_number(weight));
                std::iter::once(id.clone()).chain(weights)
            });
            csv_bytes("ratios.csv", &header, rows)
        })
    }

    /// Names runs in phases (runs × phases × domains); their table has a row for each run and phase.
    ///
    /// # Errors
    /// As [`NamedRuns::new`].
    pub fn in_phases(
        name: &str,
        phases: &[&str],
        domains: &[&str],
        runs: &[Vec<Vec<f64>>],
    ) -> Result<Self, IoError> {
        let header: Vec<&str> = ["run", PHASE]
            .into_iter()
            .chain(domains.iter().copied())
            .collect();
        Self::of_table(name, runs.len(), |ids| {
            let rows = ids.iter().zip(runs).flat_map(|(id, run)| {
                phases.iter().zip(run).map(move |(phase, mixture)| {
                    let weights = mixture.iter().map(|&weight| csv_number(weight));
                    [id.clone(), (*phase).to_owned()].into_iter().chain(weights)
                })
            });
            csv_bytes("ratios.csv", &header, rows)
        })
    }

    /// Names `runs` runs by the table that they have without names.
    fn of_table(
        name: &str,
        runs: usize,
        table: impl Fn(&[String]) -> Result<Vec<u8>, IoError>,
    ) -> Result<Self, IoError> {
        let indices: Vec<String> = (0..runs).map(|i| format!("{i:04}")).collect();
        let group = sha256_hex(&table(&indices)?)[..8].to_owned();
        let id = |index: &String| format!("{name}-{group}-{index}");
        let ids: Vec<String> = indices.iter().map(id).collect();
        let ratios = table(&ids)?;
        Ok(Self { group, ids, ratios })
    }
}

/// Refuses a file that is there and holds another swarm: it may be the only record of one that is being trained.
///
/// # Errors
/// [`IoError::Input`] when the file's bytes are not `own`.
pub fn refuse_other(ratios: &Path, own: &[u8]) -> Result<(), IoError> {
    match std::fs::read(ratios) {
        Ok(found) if found != own => Err(IoError::input(
            ratios.display().to_string(),
            Location::File,
            "holds another swarm",
            "give another --output, or move that file away",
        )),
        _ => Ok(()),
    }
}
