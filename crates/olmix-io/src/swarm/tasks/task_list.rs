//! The tasks that chosen metrics become.

use std::collections::HashMap;

use olmix_core::{Direction, Task};

use super::task_columns::Member;
use super::task_selection::Family;
use crate::config::fit::{FitConfig, Granularity};

/// A task for each metric, or for each family where the config says so; all of weight 1.
pub(super) fn tasks_of(
    config: &FitConfig,
    families: &[Family],
    directions: &HashMap<String, Direction>,
) -> (Vec<Task>, Vec<Vec<Member>>) {
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
pub(super) fn averaged(tasks: &[Task]) -> (Vec<Task>, Vec<Vec<Member>>) {
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
