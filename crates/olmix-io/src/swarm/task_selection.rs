//! Which tasks there are: metrics chosen, dropped, grouped and weighed as a config says.

use std::collections::{HashMap, HashSet};

use olmix_core::{Direction, Task};

use super::mmlu;
use crate::config::fit::{EvalConfig, FitConfig, Granularity, Named};
use crate::messages::{did_you_mean, excerpt, listed, nearest};
use crate::swarm::csv_table::Table;
use crate::swarm::families::family_of;
use crate::swarm::run_join::Metric;
use crate::swarm::task_columns::Member;
use crate::{IoError, Place};

/// The tasks of a fit.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Tasks with weights that sum to 1, and no offset yet.
    pub tasks: Vec<Task>,
    /// What each is averaged from; empty for a task that is a metric.
    pub members: Vec<Vec<Member>>,
    /// Every metric of the table.
    pub available: Vec<Metric>,
}

/// The metrics a table offers, and what a config may say of them.
struct Offer<'t> {
    table: &'t Table,
    metrics: Vec<Metric>,
    /// Columns of single subjects that became groups.
    replaced: Vec<String>,
}

impl Offer<'_> {
    fn has(&self, name: &str) -> bool {
        self.metrics.iter().any(|metric| metric.name == name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let replaced = self.replaced.iter().map(String::as_str);
        self.metrics.iter().map(|m| m.name.as_str()).chain(replaced)
    }

    /// Says which names of a config mean nothing here. The reference ignores them.
    fn notice_unknown<'n>(
        &self,
        key: &str,
        names: impl Iterator<Item = &'n str>,
        known: &HashSet<&str>,
        notices: &mut Vec<String>,
    ) {
        let unknown: Vec<&str> = names.filter(|name| !known.contains(name)).collect();
        let Some(first) = unknown.first() else { return };
        let hint = match unknown.iter().find(|name| mmlu::subject(name).is_some()) {
            Some(subject) if !self.replaced.is_empty() => format!(
                " (`{}` is part of an MMLU group and can't be named alone)",
                excerpt(subject)
            ),
            _ => nearest(
                first,
                known
                    .iter()
                    .copied()
                    .collect::<std::collections::BTreeSet<_>>(),
            )
            .map(|near| format!(" (is `{}` meant?)", excerpt(near)))
            .unwrap_or_default(),
        };
        let what = if unknown.len() == 1 {
            "a name that is no task"
        } else {
            "names that are no tasks"
        };
        notices.push(format!(
            "{key} has {what} of {}, without effect: {}{hint}",
            self.table.file(),
            listed(unknown, 5)
        ));
    }
}

/// Chooses the tasks of a fit from the columns of the metrics table.
pub(crate) fn select(
    config: &FitConfig,
    table: &Table,
    notices: &mut Vec<String>,
) -> Result<Selection, IoError> {
    let (metrics, replaced) = mmlu::group(table.columns(), table.file(), notices);
    let mut offer = Offer {
        table,
        metrics,
        replaced,
    };
    let dropped: HashSet<&str> = config
        .filtering
        .drop_metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .collect();
    let families = match &config.eval {
        Some(eval) => listed_families(config, eval, &mut offer, &dropped, notices)?,
        None => all_metrics(&offer, &dropped),
    };
    let known: HashSet<&str> = offer.metrics.iter().map(|m| m.name.as_str()).collect();
    let names = config.filtering.drop_metrics.iter();
    offer.notice_unknown(
        "filtering.drop_metrics",
        names.map(|m| m.name.as_str()),
        &known,
        notices,
    );
    let directions: HashMap<&str, Direction> = config
        .filtering
        .directions
        .iter()
        .map(|metric| (metric.name.as_str(), metric.value))
        .collect();
    offer.notice_unknown(
        "filtering.directions",
        config.filtering.directions.iter().map(|m| m.name.as_str()),
        &known,
        notices,
    );
    let direction = |metric: &str| directions.get(metric).copied().unwrap_or_default();

    let mut tasks = Vec::new();
    let mut members = Vec::new();
    for (family, metrics) in &families {
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
    if tasks.is_empty() {
        return Err(table.header_error(
            "no metric is left: filtering.drop_metrics leaves out every one",
            "keep at least one metric",
        ));
    }
    weigh(config, &offer, &mut tasks, notices)?;
    if config.regression.granularity == Granularity::All {
        (tasks, members) = averaged(&tasks);
    }
    Ok(Selection {
        tasks,
        members,
        available: offer.metrics,
    })
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

/// Every metric that is not dropped, in the order of the table, with the paper's families.
fn all_metrics(offer: &Offer<'_>, dropped: &HashSet<&str>) -> Vec<(String, Vec<String>)> {
    offer
        .metrics
        .iter()
        .filter(|metric| !dropped.contains(metric.name.as_str()))
        .map(|metric| {
            let family = family_of(&metric.name).to_owned();
            (family, vec![metric.name.clone()])
        })
        .collect()
}

/// The families of `eval.tasks`, each with those of its metrics that are there and not dropped.
fn listed_families(
    config: &FitConfig,
    eval: &EvalConfig,
    offer: &mut Offer<'_>,
    dropped: &HashSet<&str>,
    notices: &mut Vec<String>,
) -> Result<Vec<(String, Vec<String>)>, IoError> {
    let is_listed = |name: &String| {
        let named = |metric: &Named<()>| metric.name == *name;
        eval.families
            .iter()
            .any(|family| family.value.iter().any(named))
    };
    // Whoever lists all subjects means the groups; whoever lists some means those.
    let as_groups = !offer.replaced.is_empty() && offer.replaced.iter().all(is_listed);
    let mut families = Vec::new();
    for family in &eval.families {
        let mut metrics: Vec<String> = Vec::new();
        for metric in &family.value {
            let subject = mmlu::subject(&metric.name).filter(|_| as_groups);
            let name = subject
                .and_then(mmlu::group_of)
                .unwrap_or(&metric.name)
                .to_owned();
            let used_already = |(_, others): &(String, Vec<String>)| others.contains(&name);
            if dropped.contains(name.as_str())
                || metrics.contains(&name)
                || families.iter().any(used_already)
            {
                continue;
            }
            if !offer.has(&name) && offer.replaced.contains(&name) {
                offer.metrics.extend(single_column(offer.table, &name));
            }
            if offer.has(&name) {
                metrics.push(name);
            } else if config.regression.granularity == Granularity::Family {
                notices.push(format!(
                    "eval.tasks lists `{}` in family `{}`, which {} does not have: the family is \
                     averaged without it",
                    excerpt(&name),
                    excerpt(&family.name),
                    offer.table.file()
                ));
            } else {
                return Err(no_such_metric(config, metric, offer));
            }
        }
        if config.regression.granularity == Granularity::Family && metrics.is_empty() {
            return Err(IoError::input(
                &config.file,
                family.place.clone(),
                format!("no metric of family `{}` is left", excerpt(&family.name)),
                "list metrics that the metrics file has and that are not dropped",
            ));
        }
        families.push((family.name.clone(), metrics));
    }
    Ok(families)
}

fn single_column(table: &Table, name: &str) -> Option<Metric> {
    let column = table.columns().iter().position(|column| column == name)?;
    Some(Metric {
        name: name.to_owned(),
        sources: vec![(column, 1.0)],
    })
}

fn no_such_metric(config: &FitConfig, metric: &Named<()>, offer: &Offer<'_>) -> IoError {
    IoError::input(
        &config.file,
        metric.place.clone(),
        format!(
            "eval.tasks lists the metric `{}`, which {} does not have",
            excerpt(&metric.name),
            offer.table.file()
        ),
        did_you_mean(&metric.name, offer.names(), || {
            "remove it, or add its column to the metrics file".to_owned()
        }),
    )
}

/// Applies `filtering.obj_weights` and makes the weights sum to 1.
fn weigh(
    config: &FitConfig,
    offer: &Offer<'_>,
    tasks: &mut [Task],
    notices: &mut Vec<String>,
) -> Result<(), IoError> {
    let weights: HashMap<&str, f64> = config
        .filtering
        .obj_weights
        .iter()
        .map(|metric| (metric.name.as_str(), metric.value))
        .collect();
    let known: HashSet<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    offer.notice_unknown(
        "filtering.obj_weights",
        config.filtering.obj_weights.iter().map(|m| m.name.as_str()),
        &known,
        notices,
    );
    for task in tasks.iter_mut() {
        task.weight = weights.get(task.name.as_str()).copied().unwrap_or(1.0);
    }
    let sum: f64 = tasks.iter().map(|task| task.weight).sum();
    if !(sum > 0.0 && sum.is_finite()) {
        let first = config.filtering.obj_weights.first();
        return Err(IoError::input(
            &config.file,
            first.map_or(Place::File, |metric| metric.place.clone()),
            format!("filtering.obj_weights sum to {sum} over the tasks in use"),
            "give at least one task a weight above 0, and none an enormous one",
        ));
    }
    for task in tasks {
        task.weight /= sum;
    }
    Ok(())
}
