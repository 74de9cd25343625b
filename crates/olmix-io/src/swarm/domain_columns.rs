//! From the columns of a ratios table to the weights of domains.

use olmix_core::SUM_TOLERANCE;

use super::tables::csv_table::Table;
use crate::config::fit::{FitConfig, Named};
use crate::error::IoError;
use crate::messages::{did_you_mean, excerpt};

/// How the columns of a ratios table become domains: each domain is the sum of some columns.
pub(crate) struct DomainColumns {
    /// Names of the domains, virtual ones that were summed first.
    pub names: Vec<String>,
    /// By domain: positions of its columns, and the share that each must have of their sum.
    parts: Vec<Vec<(usize, f64)>>,
}

impl DomainColumns {
    /// Columns as they are, but for those of a virtual domain that has no column itself: they are
    /// summed.
    pub fn new(config: &FitConfig, table: &Table) -> Result<Self, IoError> {
        let position = |name: &str| table.columns().iter().position(|column| column == name);
        let (mut names, mut parts) = (Vec::new(), Vec::new());
        let mut taken = vec![false; table.columns().len()];
        for one in config.declared_virtual_domains() {
            let known = |leaf: &Named<f64>| position(&leaf.name).is_some();
            // With a column of its own it is a domain like others; with none of its leaves either, it is no
            // part of this swarm, and the error is raised where it is used.
            if position(&one.name).is_some() || !one.value.iter().any(known) {
                continue;
            }
            let sum: f64 = one.value.iter().map(|share| share.value).sum();
            let mut members = Vec::new();
            for leaf in one.value.iter().filter(|leaf| leaf.value > 0.0) {
                let Some(column) = position(&leaf.name) else {
                    let columns = table.columns().iter().map(String::as_str);
                    return Err(table.header_error(
                        format!(
                            "there is neither a column `{}` nor one for `{}`, which is part of it by {}",
                            excerpt(&one.name),
                            excerpt(&leaf.name),
                            config.file
                        ),
                        did_you_mean(&leaf.name, columns, || {
                            "this swarm is of another version of the domains; name the one that was trained \
                             for \
                             this fit"
                                .into()
                        }),
                    ));
                };
                taken[column] = true;
                members.push((column, leaf.value / sum));
            }
            // A leaf without a share has no part in any run of such a swarm.
            for leaf in one.value.iter().filter(|leaf| leaf.value <= 0.0) {
                if let Some(column) = position(&leaf.name) {
                    taken[column] = true;
                    members.push((column, 0.0));
                }
            }
            names.push(one.name.clone());
            parts.push(members);
        }
        for (column, name) in table.columns().iter().enumerate() {
            if !taken[column] {
                names.push(name.clone());
                parts.push(vec![(column, 1.0)]);
            }
        }
        Ok(Self { names, parts })
    }

    /// The weights of the domains in a row (aligned with the table's columns).
    pub fn collapse(
        &self,
        table: &Table,
        row: usize,
        weights: &[f64],
    ) -> Result<Vec<f64>, IoError> {
        let mut collapsed = Vec::with_capacity(self.parts.len());
        for (name, members) in self.names.iter().zip(&self.parts) {
            let sum: f64 = members.iter().map(|&(column, _)| weights[column]).sum();
            for &(column, share) in members {
                let asked = sum * share;
                if (weights[column] - asked).abs() > SUM_TOLERANCE {
                    return Err(table.error(
                        row,
                        format!(
                            "run `{}` gives `{}` {:.4}, where the ratios of `{}` ask for {asked:.4}: this \
                             swarm \
                             does not belong to this fit",
                            excerpt(table.id(row)),
                            excerpt(&table.columns()[column]),
                            weights[column],
                            excerpt(name),
                        ),
                        "name the swarm that was trained with these ratios, or correct the shares of the \
                         virtual \
                         domain",
                    ));
                }
            }
            collapsed.push(sum);
        }
        Ok(collapsed)
    }
}
