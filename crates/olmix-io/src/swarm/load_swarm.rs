//! A swarm's two tables as mixtures and measurements over known domains and tasks, and several swarms as one.

use std::path::Path;

use olmix_core::reuse::{VirtualDomain, align};
use olmix_core::{DomainSet, FitSpec, SUM_TOLERANCE, Swarm, Task};

use super::mmlu;
use crate::config::fit::{FitConfig, Named};
use crate::messages::{count, did_you_mean, excerpt, listed};
use crate::swarm::csv_table::{Cell, Table};
use crate::swarm::run_join::{join, matrix, metrics, ratios};
use crate::swarm::task_columns::{Member, Recipe};
use crate::{InputRecord, IoError};

/// How the columns of a ratios table become domains: each domain is the sum of some columns.
pub(crate) struct Columns {
    /// Names of the domains, virtual ones that were summed first.
    pub names: Vec<String>,
    /// By domain: positions of its columns, and the share that each must have of their sum.
    parts: Vec<Vec<(usize, f64)>>,
}

impl Columns {
    /// Columns as they are, but for those of a virtual domain that has no column itself: they are summed.
    pub fn new(config: &FitConfig, table: &Table) -> Result<Self, IoError> {
        let position = |name: &str| table.columns().iter().position(|column| column == name);
        let (mut names, mut parts) = (Vec::new(), Vec::new());
        let mut taken = vec![false; table.columns().len()];
        for one in virtuals(config) {
            let known = |leaf: &Named<f64>| position(&leaf.name).is_some();
            // With a column of its own it is a domain like others; with none of its leaves either, it is no part of
            // this swarm, which is told where it is used.
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
                            "this swarm is of another version of the domains; name the one that was trained for \
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
    fn collapse(&self, table: &Table, row: usize, weights: &[f64]) -> Result<Vec<f64>, IoError> {
        let mut collapsed = Vec::with_capacity(self.parts.len());
        for (name, members) in self.names.iter().zip(&self.parts) {
            let sum: f64 = members.iter().map(|&(column, _)| weights[column]).sum();
            for &(column, share) in members {
                let asked = sum * share;
                if (weights[column] - asked).abs() > SUM_TOLERANCE {
                    return Err(table.error(
                        row,
                        format!(
                            "run `{}` gives `{}` {:.4}, where the ratios of `{}` ask for {asked:.4}: this swarm \
                             does not belong to this fit",
                            excerpt(table.id(row)),
                            excerpt(&table.columns()[column]),
                            weights[column],
                            excerpt(name),
                        ),
                        "name the swarm that was trained with these ratios, or correct the shares of the virtual \
                         domain",
                    ));
                }
            }
            collapsed.push(sum);
        }
        Ok(collapsed)
    }
}

/// Virtual domains that a config tells the members of.
fn virtuals(config: &FitConfig) -> &[Named<Vec<Named<f64>>>] {
    config
        .virtual_domains
        .as_deref()
        .or(config.proposer.expanded_kl_source_mixtures.as_deref())
        .unwrap_or_default()
}

/// Those among the domains, with shares that sum to 1.
pub(crate) fn virtual_domains(config: &FitConfig, domains: &DomainSet) -> Vec<VirtualDomain> {
    let known = virtuals(config)
        .iter()
        .filter(|one| domains.position(&one.name).is_some());
    known
        .map(|one| VirtualDomain {
            name: one.name.clone(),
            members: shares(&one.value),
        })
        .collect()
}

/// Shares that sum to 1.
pub(crate) fn shares(entries: &[Named<f64>]) -> Vec<(String, f64)> {
    let sum: f64 = entries.iter().map(|entry| entry.value).sum();
    entries
        .iter()
        .map(|entry| (entry.name.clone(), entry.value / sum))
        .collect()
}

/// Runs that are in both tables, with a mixture and all measurements.
pub(crate) struct Rows {
    pub ids: Vec<String>,
    /// Runs × domains of [`Columns`].
    pub mixtures: Vec<Vec<f64>>,
    /// Runs × tasks, as measured.
    pub measured: Vec<Vec<f64>>,
}

/// Joins two tables.
pub(crate) fn rows(
    ratios_table: &Table,
    metrics_table: &Table,
    columns: &Columns,
    recipe: &Recipe,
    notices: &mut Vec<String>,
) -> Result<Rows, IoError> {
    let joined = join(ratios_table, metrics_table, notices)?;
    let all: Vec<usize> = (0..ratios_table.columns().len()).collect();
    let of_ratios: Vec<usize> = joined.iter().map(|run| run.ratios).collect();
    let mixtures = ratios(ratios_table, &of_ratios, &all, notices)?;
    let of_metrics: Vec<usize> = joined.iter().map(|run| run.metrics).collect();
    let measured = metrics(metrics_table, &of_metrics, &recipe.metrics, notices);
    let mut rows = Rows {
        ids: Vec::new(),
        mixtures: Vec::new(),
        measured: Vec::new(),
    };
    for ((run, mixture), measured) in joined.iter().zip(mixtures).zip(measured) {
        if let (Some(mixture), Some(measured)) = (mixture, measured) {
            rows.ids.push(ratios_table.id(run.ratios).to_owned());
            let mixture = columns.collapse(ratios_table, run.ratios, &mixture)?;
            rows.mixtures.push(mixture);
            rows.measured.push(recipe.measured(&measured));
        }
    }
    if rows.ids.is_empty() {
        return Err(none_left(metrics_table, recipe));
    }
    Ok(rows)
}

/// Every run was dropped: names the metrics that no run has.
fn none_left(table: &Table, recipe: &Recipe) -> IoError {
    let nowhere = |metric: &&crate::swarm::run_join::Metric| {
        let column = |&(column, _): &(usize, f64)| {
            (0..table.len()).all(|row| !matches!(table.cell(row, column), Cell::Number(_)))
        };
        metric.sources.iter().any(column)
    };
    let metrics: Vec<&str> = recipe
        .metrics
        .iter()
        .filter(nowhere)
        .map(|metric| metric.name.as_str())
        .collect();
    if metrics.is_empty() {
        return table.header_error(
            "no run is left: each has a ratio or metric that is not a finite number",
            "check whether the runs finished",
        );
    }
    table.header_error(
        format!(
            "no run is left: no run has a finite number for {}",
            listed(metrics, 5)
        ),
        "add what is no metric to filtering.drop_metrics",
    )
}

/// Reads an earlier swarm over the domains and tasks of the newest; a domain without a column was not there yet.
pub(crate) fn earlier(
    config: &FitConfig,
    files: (&Path, &Path),
    domains: &[String],
    tasks: (&[Task], &[Vec<Member>]),
    notices: &mut Vec<String>,
) -> Result<(Rows, [InputRecord; 2]), IoError> {
    let ratios_table = Table::read(files.0, "earlier ratios")?;
    let metrics_table = Table::read(files.1, "earlier metrics")?;
    let columns = Columns::new(config, &ratios_table)?;
    let mut places = Vec::with_capacity(columns.names.len());
    for name in &columns.names {
        let Some(place) = domains.iter().position(|domain| domain == name) else {
            return Err(ratios_table.header_error(
                format!("column `{}` is no domain of the newest swarm", excerpt(name)),
                "earlier swarms are told over the domains of today: remove runs that used what is gone, and split the \
                 shares of what was partitioned (`olmix plan --write` does both)",
            ));
        };
        places.push(place);
    }
    let (available, _) = mmlu::group(metrics_table.columns(), metrics_table.file(), notices);
    let (recipe, found) = Recipe::new(tasks.0, tasks.1, &available);
    if found.len() < tasks.0.len() {
        let missing = (0..tasks.0.len()).filter(|task| !found.contains(task));
        let missing: Vec<&str> = missing.map(|task| tasks.0[task].name.as_str()).collect();
        return Err(metrics_table.header_error(
            format!(
                "tasks of the newest swarm were not measured here: {}",
                listed(missing, 5)
            ),
            "name the tasks that both measured in `eval`, or leave this swarm out",
        ));
    }
    let mut rows = rows(&ratios_table, &metrics_table, &columns, &recipe, notices)?;
    for mixture in &mut rows.mixtures {
        let mut placed = vec![0.0; domains.len()];
        places
            .iter()
            .zip(&*mixture)
            .for_each(|(&place, weight)| placed[place] = *weight);
        *mixture = placed;
    }
    let inputs = [
        ratios_table.record().clone(),
        metrics_table.record().clone(),
    ];
    Ok((rows, inputs))
}

/// Swarms as one, the newest last; its losses keep their level.
pub(crate) fn together(
    config: &FitConfig,
    domains: &DomainSet,
    tasks: &[Task],
    parts: &[Rows],
    spec: &FitSpec,
    notices: &mut Vec<String>,
) -> Result<Swarm, IoError> {
    let told = |error| IoError::core(config.file.clone(), error);
    let swarm = |rows: &Rows| {
        Swarm::new(
            domains.clone(),
            tasks.to_vec(),
            rows.ids.clone(),
            matrix(&rows.mixtures, domains.len()),
            matrix(&rows.measured, tasks.len()),
        )
        .map_err(told)
    };
    let swarms: Vec<Swarm> = parts.iter().map(swarm).collect::<Result<_, _>>()?;
    let [alone] = swarms.as_slice() else {
        let all: Vec<&Swarm> = swarms.iter().collect();
        let prior = spec.prior.weights();
        let aligned = align(&all, prior, &spec.alignment()).map_err(told)?;
        let shifts = aligned.shifts.iter().enumerate();
        let shifts: Vec<String> = shifts
            .map(|(s, shift)| format!("earlier-{} by {:+.4}", s + 1, -shift))
            .collect();
        notices.push(format!(
            "{} of earlier swarms are fitted too, their losses brought to the level of the newest: {}",
            count(aligned.swarm.len() - all.last().map_or(0, |s| s.len()), "run"),
            listed(shifts.iter().map(String::as_str), 5)
        ));
        return Ok(aligned.swarm);
    };
    Ok(alone.clone())
}
