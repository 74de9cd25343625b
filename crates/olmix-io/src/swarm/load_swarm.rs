//! A swarm's two tables as mixtures and losses over known domains and tasks, and several swarms as one.

use olmix_core::reuse::{align, run_weight};
use olmix_core::{DomainSet, FitSpec, LawKind, Swarm, Task};

use super::domain_columns::DomainColumns;
use super::loaded_fit::WeightedSwarm;
use super::loader::Loader;
use super::metrics_meta::MetricsMeta;
use super::tables::csv_table::{Cell, Table};
use super::tables::run_join::{Metric, matrix};
use super::tables::table_reader::TableReader;
use super::tasks::task_checks;
use super::tasks::task_columns::TaskColumns;
use super::tasks::task_selection::TaskSelection;
use crate::config::fit::SwarmFiles;
use crate::error::IoError;
use crate::messages::{count, excerpt, first_few, listed};

/// The two tables of a swarm.
#[derive(Debug)]
pub struct SwarmTables {
    /// Mixtures, one row a run.
    pub ratios: Table,
    /// Measurements, one row a run.
    pub metrics: Table,
}

impl SwarmTables {
    /// Reads and records the tables of the newest swarm.
    pub(crate) fn read(reader: &mut TableReader, files: &SwarmFiles) -> Result<Self, IoError> {
        Self::read_as(reader, files, ["ratios", "metrics"])
    }

    pub(super) fn read_as(
        reader: &mut TableReader,
        files: &SwarmFiles,
        roles: [&str; 2],
    ) -> Result<Self, IoError> {
        Ok(Self {
            ratios: reader.table(&files.ratios_path, roles[0])?,
            metrics: reader.table(&files.metrics_path, roles[1])?,
        })
    }
}

/// Runs that are in both tables, with a mixture and all measurements.
pub(crate) struct MeasuredRuns {
    /// Rows of the ratios table, those left out among them.
    pub given: usize,
    pub ids: Vec<String>,
    /// Runs × domains.
    pub mixtures: Vec<Vec<f64>>,
    /// By run, its weight in the fit; `None` where every run has the weight 1.
    pub weights: Option<Vec<f64>>,
    /// Runs × tasks: as measured, and after [`Loader::convert_to_losses`] as losses.
    pub measured: Vec<Vec<f64>>,
}

impl Loader {
    /// The runs of every swarm that the config names, oldest swarm first, over the domains (`columns`) and
    /// tasks of the newest.
    pub fn load_swarms(
        &mut self,
        earlier: &[SwarmFiles],
        newest: &SwarmTables,
        columns: &DomainColumns,
        selection: &TaskSelection,
    ) -> Result<Vec<MeasuredRuns>, IoError> {
        let mut swarms = Vec::with_capacity(earlier.len() + 1);
        for files in earlier {
            swarms.push(self.load_earlier(files, &columns.names, selection)?);
        }
        let tasks = TaskColumns::new(&selection.tasks, &selection.members, &selection.available);
        swarms.push(self.measured_runs(newest, columns, &tasks.0)?);
        Ok(swarms)
    }

    /// An earlier swarm; a domain without a column there was not there yet, and has weight 0.
    fn load_earlier(
        &mut self,
        files: &SwarmFiles,
        domains: &[String],
        selection: &TaskSelection,
    ) -> Result<MeasuredRuns, IoError> {
        let roles = ["earlier ratios", "earlier metrics"];
        let tables = SwarmTables::read_as(&mut self.tables, files, roles)?;
        self.check_definition(files, &tables)?;
        let columns = DomainColumns::new(&self.config, &tables.ratios)?;
        let mut positions = Vec::with_capacity(columns.names.len());
        for name in &columns.names {
            let Some(position) = domains.iter().position(|domain| domain == name) else {
                return Err(tables.ratios.header_error(
                    format!("column `{}` is not a domain of the newest swarm", excerpt(name)),
                    "earlier swarms are read over the domains of today: remove runs that used what is gone, \
                     and split the \
                     shares of what was partitioned (`olmix plan --write` does both)",
                ));
            };
            positions.push(position);
        }
        let offered = self.tables.offered_metrics(&tables.metrics);
        let (tasks, found) =
            TaskColumns::new(&selection.tasks, &selection.members, &offered.metrics);
        if found.len() < selection.tasks.len() {
            let all = selection.tasks.iter().enumerate();
            let missing = all.filter(|(position, _)| !found.contains(position));
            let missing: Vec<&str> = missing.map(|(_, task)| task.name.as_str()).collect();
            return Err(tables.metrics.header_error(
                format!(
                    "tasks of the newest swarm were not measured here: {}",
                    listed(missing, 5)
                ),
                "name the tasks that both measured in `eval`, or leave this swarm out",
            ));
        }
        let mut runs = self.measured_runs(&tables, &columns, &tasks)?;
        for mixture in &mut runs.mixtures {
            let mut placed = vec![0.0; domains.len()];
            for (&position, weight) in positions.iter().zip(&*mixture) {
                placed[position] = *weight;
            }
            *mixture = placed;
        }
        let mut changed = Vec::with_capacity(files.changed.len());
        for entry in &files.changed {
            let Some(j) = domains.iter().position(|domain| *domain == entry.name) else {
                return Err(self.error(
                    &entry.location,
                    format!(
                        "`swarm.earlier.changed` names `{}`, which is not a domain of the newest swarm",
                        excerpt(&entry.name)
                    ),
                    "name the domains whose content changed since that swarm",
                ));
            };
            changed.push((j, entry.value));
        }
        if !changed.is_empty() {
            let weights = runs.mixtures.iter().map(|p| run_weight(p, &changed));
            runs.weights = Some(weights.collect());
        }
        Ok(runs)
    }

    /// Refuses an earlier swarm, or target runs, of which tasks are known to be measured by another definition than those of the
    /// newest.
    pub(super) fn check_definition(
        &self,
        files: &SwarmFiles,
        tables: &SwarmTables,
    ) -> Result<(), IoError> {
        let of = |files: &SwarmFiles| {
            let meta = MetricsMeta::read(&files.metrics_path)?;
            Ok::<_, IoError>(meta.and_then(|meta| meta.task_definition))
        };
        let newest = self.config.swarm.as_ref().map(of).transpose()?.flatten();
        match (of(files)?, newest) {
            (Some(earlier), Some(newest)) if earlier != newest => {
                Err(tables.metrics.header_error(
                    format!(
                        "tasks were measured by another definition of bits per byte than those of the newest \
                         swarm: {earlier}, there {newest}"
                    ),
                    "measure its runs again with `olmix proxy eval`, and collect them again",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Joins the two tables of a swarm.
    pub(super) fn measured_runs(
        &mut self,
        tables: &SwarmTables,
        columns: &DomainColumns,
        tasks: &TaskColumns,
    ) -> Result<MeasuredRuns, IoError> {
        let (ratios, metrics) = (&tables.ratios, &tables.metrics);
        let joined = self.tables.join(ratios, metrics)?;
        let all: Vec<usize> = (0..ratios.columns().len()).collect();
        let rows: Vec<usize> = joined.iter().map(|run| run.ratios).collect();
        let mixtures = self.tables.mixtures(ratios, &rows, &all)?;
        let rows: Vec<usize> = joined.iter().map(|run| run.metrics).collect();
        let measured = self.tables.metrics(metrics, &rows, &tasks.metrics);
        let mut runs = MeasuredRuns {
            given: ratios.len(),
            weights: None,
            ids: Vec::new(),
            mixtures: Vec::new(),
            measured: Vec::new(),
        };
        for ((run, mixture), measured) in joined.iter().zip(mixtures).zip(measured) {
            if let (Some(mixture), Some(measured)) = (mixture, measured) {
                runs.ids.push(ratios.id(run.ratios).to_owned());
                let mixture = columns.collapse(ratios, run.ratios, &mixture)?;
                runs.mixtures.push(mixture);
                runs.measured.push(tasks.measured(&measured));
            }
        }
        if runs.ids.is_empty() {
            return Err(none_left(metrics, tasks));
        }
        Ok(runs)
    }

    /// Checks measured values and turns them into losses: scores are turned round, negative losses shifted
    /// (and noticed). `table` is the metrics table that messages name.
    pub fn convert_to_losses(
        &mut self,
        table: &Table,
        selection: &mut TaskSelection,
        swarms: &mut [MeasuredRuns],
    ) -> Result<(), IoError> {
        let newest = swarms.last().map_or(&[][..], |runs| &runs.measured);
        let found = task_checks::check(&self.config.file, table, selection, newest)?;
        self.tables.notices.extend(found);
        let tasks = &mut selection.tasks;
        let needs_law = self.config.regression.law != LawKind::Search;
        let (mut shifted, mut constant) = (Vec::new(), Vec::new());
        for (i, task) in tasks.iter_mut().enumerate() {
            let rows = swarms.iter().flat_map(|runs| &runs.measured);
            let mut losses: Vec<f64> = rows.map(|row| task.loss_of(row[i])).collect();
            let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
            let most = losses.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            if needs_law && losses.len() > 1 && least >= most {
                constant.push(task.name.clone());
                continue;
            }
            if needs_law && least < 0.0 {
                task.offset = -least;
                for loss in &mut losses {
                    *loss -= least;
                }
                shifted.push(task.name.clone());
            }
            let rows = swarms.iter_mut().flat_map(|runs| &mut runs.measured);
            for (row, loss) in rows.zip(losses) {
                row[i] = loss;
            }
        }
        if !constant.is_empty() {
            let names = constant.iter().map(|name| format!("{name:?}"));
            let (noun, verb) = if constant.len() == 1 {
                ("metric", "has")
            } else {
                ("metrics", "have")
            };
            let runs: usize = swarms.iter().map(|runs| runs.ids.len()).sum();
            return Err(table.header_error(
                format!(
                    "{noun} {} {verb} the same value in all {}: there is nothing to fit",
                    listed(constant.iter().map(String::as_str), 8),
                    count(runs, "run")
                ),
                format!(
                    "add `drop_metrics: [{}]` to `filtering`",
                    first_few(names, 8)
                ),
            ));
        }
        if !shifted.is_empty() {
            self.tables.notice(format!(
                "laws need losses that are not negative; shifted up by their least value: {}",
                listed(shifted.iter().map(String::as_str), 5)
            ));
        }
        Ok(())
    }

    /// The earlier swarms of which runs have weights, which is noticed.
    pub fn weighted_swarms(
        &mut self,
        earlier: &[SwarmFiles],
        swarms: &[MeasuredRuns],
    ) -> Vec<WeightedSwarm> {
        let mut found = Vec::new();
        for (s, (files, runs)) in earlier.iter().zip(swarms).enumerate() {
            let changed = files.changed.iter();
            let changed: Vec<(String, f64)> = changed
                .map(|entry| (entry.name.clone(), entry.value))
                .collect();
            let weights = runs.weights.as_deref().unwrap_or_default();
            found.extend(WeightedSwarm::new(
                &format!("earlier-{}", s + 1),
                weights,
                &changed,
            ));
        }
        for swarm in &found {
            self.tables.notice(swarm.sentence());
        }
        found
    }

    /// Several swarms as one, the newest last: losses of earlier ones are brought to the level of the newest,
    /// which is noticed.
    pub fn align_swarms(
        &mut self,
        domains: &DomainSet,
        tasks: &[Task],
        swarms: &[MeasuredRuns],
        spec: &FitSpec,
    ) -> Result<Swarm, IoError> {
        let swarm = |runs: &MeasuredRuns| {
            let swarm = Swarm::new(
                domains.clone(),
                tasks.to_vec(),
                runs.ids.clone(),
                matrix(&runs.mixtures, domains.len()),
                matrix(&runs.measured, tasks.len()),
            );
            let swarm = swarm.and_then(|swarm| match &runs.weights {
                Some(weights) => swarm.with_weights(weights.clone()),
                None => Ok(swarm),
            });
            swarm.map_err(|error| self.refused(error))
        };
        let mut swarms: Vec<Swarm> = swarms.iter().map(swarm).collect::<Result<_, _>>()?;
        if swarms.len() == 1 {
            return Ok(swarms.remove(0));
        }
        let all: Vec<&Swarm> = swarms.iter().collect();
        let aligned = align(&all, spec.prior.weights(), &spec.alignment())
            .map_err(|error| self.refused(error))?;
        let shifts = aligned.shifts.iter().enumerate();
        let shifts = shifts.map(|(s, shift)| format!("`earlier-{} by {:+.4}`", s + 1, -shift));
        let newest = swarms.last().map_or(0, Swarm::len);
        self.tables.notice(format!(
            "{} of earlier swarms are fitted too, their losses brought to the level of the newest: {}",
            count(aligned.swarm.len() - newest, "run"),
            first_few(shifts, 5)
        ));
        Ok(aligned.swarm)
    }
}

/// Every run was dropped: names the metrics that no run has.
fn none_left(table: &Table, tasks: &TaskColumns) -> IoError {
    let nowhere = |metric: &&Metric| {
        let column = |&(column, _): &(usize, f64)| {
            (0..table.len()).all(|row| !matches!(table.cell(row, column), Cell::Number(_)))
        };
        metric.sources.iter().any(column)
    };
    let metrics: Vec<&str> = tasks
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
        "add columns that are not metrics to filtering.drop_metrics",
    )
}
