//! Which tasks there are: metrics chosen, dropped, grouped and weighed as a config says.

use std::collections::{HashMap, HashSet};

use olmix_core::{Direction, Task};

use super::families::family_of;
use super::metric_kind::MetricKind;
use super::metric_names::{MetricNames, is_pattern};
use super::mmlu;
use super::task_columns::Member;
use super::task_list::{averaged, tasks_of};
use crate::config::fit::{EvalConfig, FitConfig, Granularity, Named, matches};
use crate::error::{IoError, Location};
use crate::messages::{excerpt, first_few, listed};
use crate::swarm::loader::Loader;
use crate::swarm::metrics_meta::MetricsMeta;
use crate::swarm::tables::csv_table::Table;
use crate::swarm::tables::run_join::Metric;

/// The tasks of a fit.
#[derive(Debug)]
pub(crate) struct TaskSelection {
    /// Tasks with weights that sum to 1, and no offset yet.
    pub tasks: Vec<Task>,
    /// What each is averaged from; empty for a task that is a metric.
    pub members: Vec<Vec<Member>>,
    /// Every metric of the table.
    pub available: Vec<Metric>,
    /// Tasks that the config names in full, under `eval.tasks` or `filtering.obj_weights`.
    pub named: HashSet<String>,
    /// Tasks whose direction is stated.
    pub directed: HashSet<String>,
}

impl Loader {
    /// Chooses the tasks of a fit from the columns of the metrics table. Plain names under `drop_metrics` and
    /// `obj_weights` that mean nothing there are noticed (the reference implementation ignores them);
    /// patterns and directions that mean nothing are errors.
    pub fn select_tasks(&mut self, table: &Table) -> Result<TaskSelection, IoError> {
        let offered = self.tables.offered_metrics(table);
        let recorded = self.recorded_directions()?;
        let mut selector = Selector {
            recorded,
            names: MetricNames {
                config: &self.config,
                table,
                offered,
            },
            dropped: HashSet::new(),
            notices: Vec::new(),
        };
        let selection = selector.select()?;
        self.tables.notices.append(&mut selector.notices);
        Ok(selection)
    }

    /// The directions that the source of the metrics knew, by metric.
    fn recorded_directions(&mut self) -> Result<HashMap<String, Direction>, IoError> {
        let Some(files) = &self.config.swarm else {
            return Ok(HashMap::new());
        };
        let Some((meta, record)) = MetricsMeta::read_recorded(&files.metrics_path)? else {
            return Ok(HashMap::new());
        };
        self.tables.record(record)?;
        let known = meta.metrics.into_iter();
        Ok(known
            .filter_map(|(name, meta)| Some((name, meta.direction?)))
            .collect())
    }
}

/// A family and its metrics.
pub(super) type Family = (String, Vec<String>);

/// A choice of tasks on its way.
struct Selector<'l> {
    names: MetricNames<'l>,
    /// Directions that the source of the metrics knew.
    recorded: HashMap<String, Direction>,
    /// Metrics that `filtering.drop_metrics` leaves out.
    dropped: HashSet<String>,
    notices: Vec<String>,
}

impl Selector<'_> {
    fn select(&mut self) -> Result<TaskSelection, IoError> {
        let config = self.names.config;
        self.drop_metrics()?;
        let families = match &config.eval {
            Some(eval) => self.listed_families(eval)?,
            None => self.all_metrics(),
        };
        // What the config states counts before what the source of the metrics knew.
        let mut directions = std::mem::take(&mut self.recorded);
        directions.extend(self.names.stated_directions()?);
        self.refuse_scores(&families, &directions)?;
        let (mut tasks, mut members) = tasks_of(config, &families, &directions);
        if tasks.is_empty() {
            return Err(self.names.table.header_error(
                "no metric is left: filtering.drop_metrics leaves out every one",
                "keep at least one metric",
            ));
        }
        self.weigh(&mut tasks)?;
        if config.regression.granularity == Granularity::All {
            (tasks, members) = averaged(&tasks);
        }
        Ok(TaskSelection {
            tasks,
            members,
            available: std::mem::take(&mut self.names.offered.metrics),
            named: named_in_full(config),
            directed: directions.into_keys().collect(),
        })
    }

    fn drop_metrics(&mut self) -> Result<(), IoError> {
        let key = "filtering.drop_metrics";
        let entries = &self.names.config.filtering.drop_metrics;
        let (dropped, unknown) = self.names.all_meant_by(key, entries)?;
        let known: HashSet<String> = self
            .names
            .kinds()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        self.notices
            .extend(self.names.unknown_notice(key, &unknown, &known));
        self.dropped = dropped.into_iter().map(|(name, _)| name).collect();
        Ok(())
    }

    /// Every metric that is not dropped and not a record of the run, in the order of the table, with the
    /// paper's families.
    fn all_metrics(&mut self) -> Vec<Family> {
        let kinds = self.names.kinds().into_iter();
        let (records, metrics): (Vec<_>, Vec<_>) = kinds
            .filter(|(name, _)| !self.dropped.contains(name))
            .partition(|(_, kind)| *kind == MetricKind::RunRecord);
        let records: Vec<String> = records.into_iter().map(|(name, _)| name).collect();
        self.notice_records(&records);
        let family = |(name, _): (String, _)| (family_of(&name).to_owned(), vec![name]);
        metrics.into_iter().map(family).collect()
    }

    fn notice_records(&mut self, records: &[String]) {
        if records.is_empty() {
            return;
        }
        let (what, are) = if records.len() == 1 {
            ("a column that is not a task", "is")
        } else {
            ("columns that are not tasks", "are")
        };
        self.notices.push(format!(
            "{} has {what}, which {are} left out: {} (to fit a column, list it under eval.tasks)",
            self.names.table.file(),
            listed(records.iter().map(String::as_str), 8)
        ));
    }

    /// A score whose direction nobody stated would be minimized.
    fn refuse_scores(
        &self,
        families: &[Family],
        directions: &HashMap<String, Direction>,
    ) -> Result<(), IoError> {
        let used: HashSet<&String> = families.iter().flat_map(|(_, metrics)| metrics).collect();
        let kinds = self.names.kinds().into_iter();
        let unstated: Vec<String> = kinds
            .filter(|(name, kind)| {
                *kind == MetricKind::Score && used.contains(name) && !directions.contains_key(name)
            })
            .map(|(name, _)| name)
            .collect();
        if unstated.is_empty() {
            return Ok(());
        }
        let lines = unstated.iter().map(|name| format!("{name:?}: max"));
        Err(IoError::input(
            &self.names.config.file,
            Location::Field("filtering.directions".into()),
            format!(
                "{} has scores by their names (higher is better) without a direction: {}",
                self.names.table.file(),
                listed(unstated.iter().map(String::as_str), 5)
            ),
            format!(
                "add `directions: {{{}}}` to `filtering` (`*` stands for any characters; `min` if lower is \
                 better), or leave them out with drop_metrics",
                first_few(lines, 5)
            ),
        ))
    }

    /// The families of `eval.tasks`, each with those of its metrics that are there and not dropped.
    fn listed_families(&mut self, eval: &EvalConfig) -> Result<Vec<Family>, IoError> {
        let in_full: HashSet<&str> = eval
            .families
            .iter()
            .flat_map(|family| family.value.iter().map(|metric| metric.name.as_str()))
            .filter(|name| !is_pattern(name))
            .collect();
        // Whoever lists all subjects means the groups; whoever lists some means those.
        let replaced = &self.names.offered.replaced;
        let as_groups =
            !replaced.is_empty() && replaced.iter().all(|name| in_full.contains(name.as_str()));
        let by_family = self.names.config.regression.granularity == Granularity::Family;
        let mut families: Vec<Family> = Vec::new();
        let mut records: Vec<String> = Vec::new();
        for family in &eval.families {
            let mut metrics: Vec<String> = Vec::new();
            for metric in &family.value {
                if is_pattern(&metric.name) && !self.names.offers(&metric.name) {
                    let matching = self.matching(metric, &in_full, &families, &mut records)?;
                    let new = matching.into_iter().filter(|name| !metrics.contains(name));
                    let new: Vec<String> = new.collect();
                    metrics.extend(new);
                    continue;
                }
                let subject = mmlu::subject(&metric.name).filter(|_| as_groups);
                let name = subject
                    .and_then(mmlu::group_of)
                    .unwrap_or(&metric.name)
                    .to_owned();
                let used_already = |(_, others): &Family| others.contains(&name);
                if self.dropped.contains(name.as_str())
                    || metrics.contains(&name)
                    || families.iter().any(used_already)
                {
                    continue;
                }
                self.names.offer_subject(&name);
                if self.names.offers(&name) {
                    metrics.push(name);
                } else if by_family {
                    self.notices.push(format!(
                        "eval.tasks lists `{}` in family `{}`, which {} does not have: the family is \
                         averaged without it",
                        excerpt(&name),
                        excerpt(&family.name),
                        self.names.table.file()
                    ));
                } else {
                    return Err(self.names.no_such_metric(metric));
                }
            }
            if by_family && metrics.is_empty() {
                return Err(IoError::input(
                    &self.names.config.file,
                    family.location.clone(),
                    format!("no metric of family `{}` is left", excerpt(&family.name)),
                    "list metrics that the metrics file has and that are not dropped",
                ));
            }
            families.push((family.name.clone(), metrics));
        }
        self.notice_records(&records);
        Ok(families)
    }

    /// The metrics that match a pattern of `eval.tasks`, less those that are dropped, listed in full, or
    /// records of the run (which are added to `records`).
    fn matching(
        &self,
        pattern: &Named<()>,
        in_full: &HashSet<&str>,
        families: &[Family],
        records: &mut Vec<String>,
    ) -> Result<Vec<String>, IoError> {
        let kinds: HashMap<String, MetricKind> = self.names.kinds().into_iter().collect();
        let mut found = Vec::new();
        for name in self.names.meant_by("eval.tasks", pattern)? {
            if self.dropped.contains(&name) || in_full.contains(name.as_str()) {
                continue;
            }
            if kinds.get(&name) == Some(&MetricKind::RunRecord) {
                if !records.contains(&name) {
                    records.push(name);
                }
                continue;
            }
            let other = families.iter().find(|(_, metrics)| metrics.contains(&name));
            if let Some((other, _)) = other {
                return Err(IoError::input(
                    &self.names.config.file,
                    pattern.location.clone(),
                    format!(
                        "eval.tasks: the pattern `{}` matches `{}`, which is in family `{}` already",
                        excerpt(&pattern.name),
                        excerpt(&name),
                        excerpt(other)
                    ),
                    "make each metric match one family; a metric listed in full belongs to its family alone",
                ));
            }
            found.push(name);
        }
        Ok(found)
    }

    /// Applies `filtering.obj_weights` and makes the weights sum to 1.
    fn weigh(&mut self, tasks: &mut [Task]) -> Result<(), IoError> {
        let config = self.names.config;
        let entries = &config.filtering.obj_weights;
        let key = "filtering.obj_weights";
        let known: HashSet<String> = tasks.iter().map(|task| task.name.clone()).collect();
        let mut unknown = Vec::new();
        // Names in full count before patterns.
        let (patterns, in_full): (Vec<_>, Vec<_>) = entries
            .iter()
            .partition(|entry| is_pattern(&entry.name) && !known.contains(&entry.name));
        for entry in patterns.into_iter().chain(in_full) {
            let meant = |task: &&mut Task| {
                task.name == entry.name
                    || (!known.contains(&entry.name) && matches(&entry.name, &task.name))
            };
            let mut found = 0;
            for task in tasks.iter_mut().filter(meant) {
                task.weight = entry.value;
                found += 1;
            }
            if found == 0 && is_pattern(&entry.name) {
                return Err(IoError::input(
                    &config.file,
                    entry.location.clone(),
                    format!(
                        "{key}: the pattern `{}` matches no task",
                        excerpt(&entry.name)
                    ),
                    format!(
                        "the tasks are {}",
                        listed(tasks.iter().map(|task| task.name.as_str()), 8)
                    ),
                ));
            }
            if found == 0 {
                unknown.push(entry.name.as_str());
            }
        }
        self.notices
            .extend(self.names.unknown_notice(key, &unknown, &known));
        let sum: f64 = tasks.iter().map(|task| task.weight).sum();
        if !(sum > 0.0 && sum.is_finite()) {
            let first = entries.first();
            return Err(IoError::input(
                &config.file,
                first.map_or(Location::File, |metric| metric.location.clone()),
                format!("filtering.obj_weights sum to {sum} over the tasks in use"),
                "give at least one task a weight above 0, and none an enormous one",
            ));
        }
        for task in tasks {
            task.weight /= sum;
        }
        Ok(())
    }
}

/// The names that a config writes in full under `eval.tasks` and `filtering.obj_weights`.
fn named_in_full(config: &FitConfig) -> HashSet<String> {
    let eval = config.eval.iter().flat_map(|eval| &eval.families);
    let listed = eval.flat_map(|family| family.value.iter().map(|metric| &metric.name));
    let weighed = config.filtering.obj_weights.iter().map(|entry| &entry.name);
    listed
        .chain(weighed)
        .filter(|name| !is_pattern(name))
        .cloned()
        .collect()
}
