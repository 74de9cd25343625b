//! Runs of the target: a few, over the domains and tasks of the swarm, which calibrate its laws.

use olmix_core::calibrate::check_target;
use olmix_core::{Swarm, Task};

use super::domain_columns::DomainColumns;
use super::load_swarm::SwarmTables;
use super::loader::Loader;
use super::tables::csv_table::Table;
use super::tables::run_join::matrix;
use super::tasks::task_columns::TaskColumns;
use super::tasks::task_selection::TaskSelection;
use crate::config::fit::SwarmFiles;
use crate::error::IoError;
use crate::messages::{did_you_mean, listed};

impl Loader {
    /// Reads the target's runs, with losses as the laws of `swarm` know them (turned and shifted).
    pub fn load_target(
        &mut self,
        files: &SwarmFiles,
        swarm: &Swarm,
        selection: &TaskSelection,
    ) -> Result<Swarm, IoError> {
        let roles = ["target ratios", "target metrics"];
        let tables = SwarmTables::read_as(&mut self.tables, files, roles)?;
        self.check_definition(files, &tables)?;
        let columns = DomainColumns::new(&self.config, &tables.ratios)?;
        let places = places(&columns.names, swarm, &tables.ratios)?;
        let offered = self.tables.offered_metrics(&tables.metrics);
        let (tasks, found) =
            TaskColumns::new(&selection.tasks, &selection.members, &offered.metrics);
        let all = selection.tasks.iter().enumerate();
        let missing = all.filter(|(position, _)| !found.contains(position));
        let missing: Vec<&str> = missing.map(|(_, task)| task.name.as_str()).collect();
        if !missing.is_empty() {
            return Err(tables.metrics.header_error(
                format!(
                    "tasks of the swarm were not measured at the target: {}",
                    listed(missing, 5)
                ),
                "measure them, or name the tasks that both measured in `eval`",
            ));
        }
        let runs = self.measured_runs(&tables, &columns, &tasks)?;
        let placed = |mixture: &Vec<f64>| places.iter().map(|&at| mixture[at]).collect();
        let mixtures: Vec<Vec<f64>> = runs.mixtures.iter().map(placed).collect();
        let losses = |row: &Vec<f64>| {
            let values = selection.tasks.iter().zip(row);
            values
                .map(|(task, value): (&Task, &f64)| task.loss_of(*value))
                .collect()
        };
        let losses: Vec<Vec<f64>> = runs.measured.iter().map(losses).collect();
        let target = Swarm::new(
            swarm.domains().clone(),
            selection.tasks.clone(),
            runs.ids,
            matrix(&mixtures, swarm.domains().len()),
            matrix(&losses, selection.tasks.len()),
        );
        let target = target.map_err(|error| self.refused(error))?;
        check_target(swarm, &target).map_err(|error| {
            tables.ratios.header_error(
                error.to_string(),
                "give runs of at least 2 different mixtures (5 are recommended) over domains that the swarm sampled; \
                 `olmix plan --calibrate` chooses them",
            )
        })?;
        Ok(target)
    }
}

/// For each domain of the swarm, its place among the columns of the target's runs: both have the same.
fn places(columns: &[String], swarm: &Swarm, table: &Table) -> Result<Vec<usize>, IoError> {
    let domains = swarm.domains();
    let unknown = columns
        .iter()
        .filter(|name| domains.position(name).is_none());
    let unknown: Vec<&str> = unknown.map(String::as_str).collect();
    if let Some(first) = unknown.first() {
        return Err(table.header_error(
            format!(
                "the target's runs have domains that the swarm does not have: {}",
                listed(unknown.clone(), 5)
            ),
            did_you_mean(first, domains.names(), || {
                "give target runs over the domains of the swarm, and no others".into()
            }),
        ));
    }
    let missing = domains
        .names()
        .filter(|name| !columns.iter().any(|column| column == name));
    let missing: Vec<&str> = missing.collect();
    if !missing.is_empty() {
        return Err(table.header_error(
            format!(
                "the target's runs lack domains of the swarm: {}",
                listed(missing, 5)
            ),
            "add the columns, with 0 where a run does not use the domain",
        ));
    }
    let place = |name: &str| columns.iter().position(|column| column == name);
    Ok(domains.names().filter_map(place).collect())
}
