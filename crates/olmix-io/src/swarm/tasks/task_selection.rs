//! Which tasks there are: metrics chosen, dropped, grouped and weighed as a config says.

use std::collections::{BTreeSet, HashMap, HashSet};

use olmix_core::{Direction, Task};

use super::families::family_of;
use super::mmlu::{self, OfferedMetrics};
use super::task_columns::Member;
use crate::config::fit::{EvalConfig, FitConfig, Granularity, Named};
use crate::error::{IoError, Location};
use crate::messages::{did_you_mean, excerpt, listed, nearest};
use crate::swarm::loader::Loader;
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
}

impl Loader {
    /// Chooses the tasks of a fit from the columns of the metrics table. Names in the config that mean
    /// nothing there are noticed; the reference implementation ignores them.
    pub fn select_tasks(&mut self, table: &Table) -> Result<TaskSelection, IoError> {
        let offered = self.tables.offered_metrics(table);
        let mut selector = Selector {
            config: &self.config,
            table,
            offered,
            notices: Vec::new(),
        };
        let selection = selector.select()?;
        self.tables.notices.append(&mut selector.notices);
        Ok(selection)
    }
}

/// A family and its metrics.
type Family = (String, Vec<String>);

/// A choice of tasks on its way.
struct Selector<'l> {
    config: &'l FitConfig,
    table: &'l Table,
    /// The metrics that the table offers; single subjects are added where the config asks for them.
    offered: OfferedMetrics,
    notices: Vec<String>,
}

impl Selector<'_> {
    fn select(&mut self) -> Result<TaskSelection, IoError> {
        let (config, filtering) = (self.config, &self.config.filtering);
        let dropped: HashSet<&str> = names(&filtering.drop_metrics).collect();
        let families = match &config.eval {
            Some(eval) => self.listed_families(eval, &dropped)?,
            None => self.all_metrics(&dropped),
        };
        let metrics = self.offered.metrics.iter();
        let known: HashSet<String> = metrics.map(|metric| metric.name.clone()).collect();
        let key = "filtering.drop_metrics";
        self.notice_unknown(key, names(&filtering.drop_metrics), &known);
        let key = "filtering.directions";
        self.notice_unknown(key, names(&filtering.directions), &known);
        let (mut tasks, mut members) = tasks_of(config, &families);
        if tasks.is_empty() {
            return Err(self.table.header_error(
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
            available: std::mem::take(&mut self.offered.metrics),
        })
    }

    fn offers(&self, name: &str) -> bool {
        let mut metrics = self.offered.metrics.iter();
        metrics.any(|metric| metric.name == name)
    }

    /// Notices which names of a config mean nothing here.
    fn notice_unknown<'n>(
        &mut self,
        key: &str,
        names: impl Iterator<Item = &'n str>,
        known: &HashSet<String>,
    ) {
        let unknown: Vec<&str> = names.filter(|name| !known.contains(*name)).collect();
        let Some(first) = unknown.first() else { return };
        let subject = unknown.iter().find(|name| mmlu::subject(name).is_some());
        let subject = subject.filter(|_| !self.offered.replaced.is_empty());
        let hint = if let Some(subject) = subject {
            format!(
                " (`{}` is part of an MMLU group and can't be named alone)",
                excerpt(subject)
            )
        } else {
            let in_order: BTreeSet<&str> = known.iter().map(String::as_str).collect();
            nearest(first, in_order)
                .map(|near| format!(" (did you mean `{}`?)", excerpt(near)))
                .unwrap_or_default()
        };
        let what = if unknown.len() == 1 {
            "a name that is not a task"
        } else {
            "names that are not tasks"
        };
        self.notices.push(format!(
            "{key} has {what} of {}, without effect: {}{hint}",
            self.table.file(),
            listed(unknown, 5)
        ));
    }

    /// Every metric that is not dropped, in the order of the table, with the paper's families.
    fn all_metrics(&self, dropped: &HashSet<&str>) -> Vec<Family> {
        let names = self.offered.metrics.iter().map(|metric| &metric.name);
        names
            .filter(|name| !dropped.contains(name.as_str()))
            .map(|name| (family_of(name).to_owned(), vec![name.clone()]))
            .collect()
    }

    /// The families of `eval.tasks`, each with those of its metrics that are there and not dropped.
    fn listed_families(
        &mut self,
        eval: &EvalConfig,
        dropped: &HashSet<&str>,
    ) -> Result<Vec<Family>, IoError> {
        let is_listed = |name: &String| {
            let named = |metric: &Named<()>| metric.name == *name;
            eval.families
                .iter()
                .any(|family| family.value.iter().any(named))
        };
        // Whoever lists all subjects means the groups; whoever lists some means those.
        let replaced = &self.offered.replaced;
        let as_groups = !replaced.is_empty() && replaced.iter().all(is_listed);
        let by_family = self.config.regression.granularity == Granularity::Family;
        let mut families: Vec<Family> = Vec::new();
        for family in &eval.families {
            let mut metrics: Vec<String> = Vec::new();
            for metric in &family.value {
                let subject = mmlu::subject(&metric.name).filter(|_| as_groups);
                let name = subject
                    .and_then(mmlu::group_of)
                    .unwrap_or(&metric.name)
                    .to_owned();
                let used_already = |(_, others): &Family| others.contains(&name);
                if dropped.contains(name.as_str())
                    || metrics.contains(&name)
                    || families.iter().any(used_already)
                {
                    continue;
                }
                if !self.offers(&name) && self.offered.replaced.contains(&name) {
                    let column = single_column(self.table, &name);
                    self.offered.metrics.extend(column);
                }
                if self.offers(&name) {
                    metrics.push(name);
                } else if by_family {
                    self.notices.push(format!(
                        "eval.tasks lists `{}` in family `{}`, which {} does not have: the family is \
                         averaged without it",
                        excerpt(&name),
                        excerpt(&family.name),
                        self.table.file()
                    ));
                } else {
                    return Err(self.no_such_metric(metric));
                }
            }
            if by_family && metrics.is_empty() {
                return Err(IoError::input(
                    &self.config.file,
                    family.location.clone(),
                    format!("no metric of family `{}` is left", excerpt(&family.name)),
                    "list metrics that the metrics file has and that are not dropped",
                ));
            }
            families.push((family.name.clone(), metrics));
        }
        Ok(families)
    }

    fn no_such_metric(&self, metric: &Named<()>) -> IoError {
        let offered = self.offered.metrics.iter().map(|m| m.name.as_str());
        let offered = offered.chain(self.offered.replaced.iter().map(String::as_str));
        IoError::input(
            &self.config.file,
            metric.location.clone(),
            format!(
                "eval.tasks lists the metric `{}`, which {} does not have",
                excerpt(&metric.name),
                self.table.file()
            ),
            did_you_mean(&metric.name, offered, || {
                "remove it, or add its column to the metrics file".to_owned()
            }),
        )
    }

    /// Applies `filtering.obj_weights` and makes the weights sum to 1.
    fn weigh(&mut self, tasks: &mut [Task]) -> Result<(), IoError> {
        let config = self.config;
        let entries = &config.filtering.obj_weights;
        let weights: HashMap<&str, f64> = entries
            .iter()
            .map(|metric| (metric.name.as_str(), metric.value))
            .collect();
        let known: HashSet<String> = tasks.iter().map(|task| task.name.clone()).collect();
        self.notice_unknown("filtering.obj_weights", names(entries), &known);
        for task in tasks.iter_mut() {
            task.weight = weights.get(task.name.as_str()).copied().unwrap_or(1.0);
        }
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

fn names<T>(entries: &[Named<T>]) -> impl Iterator<Item = &str> {
    entries.iter().map(|entry| entry.name.as_str())
}

/// A task for each metric, or for each family where the config says so; all of weight 1.
fn tasks_of(config: &FitConfig, families: &[Family]) -> (Vec<Task>, Vec<Vec<Member>>) {
    let directions = config.filtering.directions.iter();
    let directions: HashMap<&str, Direction> = directions
        .map(|metric| (metric.name.as_str(), metric.value))
        .collect();
    let direction = |metric: &str| directions.get(metric).copied().unwrap_or_default();
    let (mut tasks, mut members) = (Vec::new(), Vec::new());
    for (family, metrics) in families {
        let mut add = |name: &str, direction, parts| {
            tasks.push(Task {
                name: name.to_owned(),
                family: family.clone(),
                weight: 1.0,
                direction,
                offset: 0.0,
            });
            members.push(parts);
        };
        if config.regression.granularity == Granularity::Family {
            let member = |metric: &String| Member {
                metric: metric.clone(),
                weight: 1.0 / metrics.len() as f64,
                direction: direction(metric),
            };
            add(family, Direction::Min, metrics.iter().map(member).collect());
        } else {
            for metric in metrics {
                add(metric, direction(metric), Vec::new());
            }
        }
    }
    (tasks, members)
}

/// One task: the weighted average of all.
fn averaged(tasks: &[Task]) -> (Vec<Task>, Vec<Vec<Member>>) {
    let member = |task: &Task| Member {
        metric: task.name.clone(),
        weight: task.weight,
        direction: task.direction,
    };
    let average = Task {
        name: "average".to_owned(),
        family: "all".to_owned(),
        weight: 1.0,
        direction: Direction::Min,
        offset: 0.0,
    };
    (vec![average], vec![tasks.iter().map(member).collect()])
}

fn single_column(table: &Table, name: &str) -> Option<Metric> {
    let column = table.columns().iter().position(|column| column == name)?;
    Some(Metric {
        name: name.to_owned(),
        sources: vec![(column, 1.0)],
    })
}
