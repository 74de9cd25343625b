//! Ratios of an earlier swarm, carried over to the domains of today.

use olmix_core::reuse::{Collapse, Lineage, VirtualDomain, re_express};
use olmix_core::{CoreError, DomainSet, Matrix, Swarm};

use super::tables::csv_table::Table;
use super::tables::table_reader::TableReader;
use crate::artifact::csv_npy::{csv_bytes, csv_number};
use crate::error::IoError;
use crate::messages::excerpt;

/// An earlier swarm's mixtures over the domains of today.
#[derive(Debug, Clone, PartialEq)]
pub struct CarriedRatios {
    /// The file: a column `run`, and one per domain of today.
    pub csv: Vec<u8>,
    /// The same, by run: weights over the domains of today.
    pub mixtures: Vec<Vec<f64>>,
    /// Runs that were carried over.
    pub runs: usize,
    /// Names of runs that used content which is gone.
    pub lost: Vec<String>,
    /// By run, its weight in the fit ([`olmix_core::reuse::run_weight`]); empty where all are 1.
    pub weights: Vec<f64>,
}

/// Carries a ratios table (`bytes`, named `file` in messages) over to the new domains of a lineage. Columns
/// of virtual domains are expanded first; domains without a column had no part in the swarm. `natural`
/// (length `m` of the new set) says how parts share their whole.
///
/// # Errors
/// [`IoError::Input`] for a table that can't be read and for a column that is not a domain of the old set.
pub fn carry_ratios(
    file: &str,
    bytes: Vec<u8>,
    virtuals: &[VirtualDomain],
    lineage: &Lineage,
    natural: &[f64],
) -> Result<CarriedRatios, IoError> {
    let table = Table::from_bytes(file, bytes, "ratios")?;
    let refused = |error: CoreError| IoError::core(file, error);
    let used: Vec<VirtualDomain> = virtuals
        .iter()
        .filter(|one| table.columns().contains(&one.name))
        .cloned()
        .collect();
    let collapse = Collapse::new(&lineage.old, &used).map_err(refused)?;
    let mut positions = Vec::with_capacity(table.columns().len());
    for column in table.columns() {
        let position = collapse.collapsed().position(column).ok_or_else(|| {
            table.header_error(
                format!(
                    "column `{}` is not a domain of its version",
                    excerpt(column)
                ),
                "this swarm does not belong to this history; leave it out with --no-old-runs",
            )
        })?;
        positions.push(position);
    }
    let rows: Vec<usize> = (0..table.len()).collect();
    let columns: Vec<usize> = (0..table.columns().len()).collect();
    let found = TableReader::default().mixtures(&table, &rows, &columns)?;
    let (mut ids, mut mixtures) = (Vec::new(), Vec::new());
    for (&row, weights) in rows.iter().zip(&found) {
        if let Some(weights) = weights {
            let mut r = vec![0.0; collapse.collapsed().len()];
            for (&position, weight) in positions.iter().zip(weights) {
                r[position] = *weight;
            }
            ids.push(table.id(row).to_owned());
            mixtures.push(collapse.expand(&r));
        }
    }
    let swarm = over(&lineage.old, ids, &mixtures).map_err(refused)?;
    let (carried, lost) = re_express(&swarm, lineage, natural).map_err(refused)?;
    let names: Vec<&str> = lineage.new.names().collect();
    let header: Vec<&str> = std::iter::once("run").chain(names).collect();
    let rows = (0..carried.len()).map(|run| {
        let weights = carried.mixtures().row(run).iter().map(|w| csv_number(*w));
        std::iter::once(carried.runs()[run].clone()).chain(weights)
    });
    Ok(CarriedRatios {
        csv: csv_bytes("ratios.csv", &header, rows)?,
        mixtures: (0..carried.len())
            .map(|run| carried.mixtures().row(run).to_vec())
            .collect(),
        runs: carried.len(),
        weights: carried.weights().unwrap_or_default().to_vec(),
        lost,
    })
}

/// Runs of a table of ratios or metrics.
///
/// # Errors
/// [`IoError::Input`] for a table that can't be read.
pub fn count_runs(file: &str, bytes: Vec<u8>) -> Result<usize, IoError> {
    Ok(Table::from_bytes(file, bytes, "ratios")?.len())
}

/// Mixtures without measurements.
fn over(domains: &DomainSet, ids: Vec<String>, mixtures: &[Vec<f64>]) -> Result<Swarm, CoreError> {
    let runs = ids.len();
    Swarm::new(
        domains.clone(),
        Vec::new(),
        ids,
        Matrix::from_fn(runs, domains.len(), |run, j| mixtures[run][j]),
        Matrix::from_fn(runs, 0, |_, _| 0.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use olmix_core::Domain;
    use olmix_core::reuse::Change;

    #[test]
    fn a_virtual_column_is_expanded_and_a_partitioned_one_split() {
        let domain = |name: &str, tokens| Domain {
            name: name.into(),
            tokens: Some(tokens),
        };
        let old = DomainSet::new(vec![domain("a", 1), domain("b", 1), domain("pdf", 40)]).unwrap();
        let partition = Change::Partition {
            domain: "pdf".into(),
            parts: vec![domain("pdf:x", 10), domain("pdf:y", 30)],
            rest: None,
        };
        let lineage = Lineage::of(&old, &[partition]).unwrap();
        let existing = VirtualDomain {
            name: "existing".into(),
            members: vec![("a".into(), 0.25), ("b".into(), 0.75)],
        };
        let table = b"run,pdf,existing\nr0,0.2,0.8\nr1,1,0\n".to_vec();
        let natural = [0.1, 0.1, 0.2, 0.6];
        let carried = carry_ratios("ratios.csv", table, &[existing], &lineage, &natural).unwrap();
        let text = String::from_utf8(carried.csv).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("run,a,b,pdf:x,pdf:y"));
        let row: Vec<f64> = lines
            .next()
            .unwrap()
            .split(',')
            .skip(1)
            .map(|x| x.parse().unwrap())
            .collect();
        for (found, wanted) in row.iter().zip([0.2, 0.6, 0.05, 0.15]) {
            assert!((found - wanted).abs() < 1e-12, "{row:?}");
        }
        assert_eq!((carried.runs, carried.lost.len()), (2, 0));
    }
}
