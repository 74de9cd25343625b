//! From the metrics of a table to the values of tasks.

use std::collections::HashMap;

use olmix_core::{Direction, Task};
use serde::{Deserialize, Serialize};

use crate::swarm::tables::run_join::Metric;

/// A metric that is averaged, with others, into the task of a whole family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The column of the metrics file, or the name of an MMLU group.
    pub metric: String,
    /// Its share in the task; the shares of a task sum to 1.
    pub weight: f64,
    /// Its direction; scores enter as `1 − score`.
    pub direction: Direction,
}

/// A part of a task: position of the metric, share, and whether it is a score.
type Part = (usize, f64, Direction);

/// How tasks are computed from metrics.
#[derive(Debug)]
pub(crate) struct TaskColumns {
    /// The metrics in use, each once.
    pub metrics: Vec<Metric>,
    parts: Vec<Vec<Part>>,
}

impl TaskColumns {
    /// The columns of those of `tasks` whose metrics are all `available`, and their positions.
    ///
    /// `members` is aligned with `tasks`; a task without members is the metric of its name.
    pub fn new(
        tasks: &[Task],
        members: &[Vec<Member>],
        available: &[Metric],
    ) -> (Self, Vec<usize>) {
        let by_name: HashMap<&str, &Metric> =
            available.iter().map(|m| (m.name.as_str(), m)).collect();
        let mut columns = Self {
            metrics: Vec::new(),
            parts: Vec::new(),
        };
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let mut found = Vec::new();
        for (i, (task, members)) in tasks.iter().zip(members).enumerate() {
            // The direction of a metric that is itself a task is applied by `Task::loss_of`.
            let itself = (task.name.as_str(), 1.0, Direction::Min);
            let mut wanted: Vec<(&str, f64, Direction)> = members
                .iter()
                .map(|member| (member.metric.as_str(), member.weight, member.direction))
                .collect();
            if wanted.is_empty() {
                wanted.push(itself);
            }
            let resolved: Option<Vec<_>> = wanted
                .into_iter()
                .map(|(name, share, direction)| Some((*by_name.get(name)?, share, direction)))
                .collect();
            let Some(resolved) = resolved else { continue };
            let mut parts = Vec::with_capacity(resolved.len());
            for (metric, share, direction) in resolved {
                let position = *positions.entry(metric.name.as_str()).or_insert_with(|| {
                    columns.metrics.push(metric.clone());
                    columns.metrics.len() - 1
                });
                parts.push((position, share, direction));
            }
            columns.parts.push(parts);
            found.push(i);
        }
        (columns, found)
    }

    /// The value of each task as measured, from the values of [`TaskColumns::metrics`].
    pub fn measured(&self, metrics: &[f64]) -> Vec<f64> {
        let part = |&(position, share, direction): &Part| {
            let value = metrics.get(position).copied().unwrap_or(f64::NAN);
            match direction {
                Direction::Min => share * value,
                Direction::Max => share * (1.0 - value),
            }
        };
        self.parts
            .iter()
            .map(|parts| parts.iter().map(part).sum())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str) -> Task {
        Task {
            name: name.into(),
            family: String::new(),
            weight: 1.0,
            direction: Direction::Max,
            offset: 0.0,
        }
    }

    #[test]
    fn task_columns_average_a_family_with_scores_as_one_minus_score() {
        let metric = |name: &str, column| Metric {
            name: name.into(),
            sources: vec![(column, 1.0)],
        };
        let member = |name: &str, direction| Member {
            metric: name.into(),
            weight: 0.5,
            direction,
        };
        let members = vec![
            vec![member("a", Direction::Min), member("b", Direction::Max)],
            Vec::new(),
            Vec::new(),
        ];
        let tasks = [task("family"), task("b"), task("gone")];
        let (columns, found) =
            TaskColumns::new(&tasks, &members, &[metric("b", 0), metric("a", 1)]);
        assert_eq!(found, [0, 1]);
        let names: Vec<&str> = columns.metrics.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(columns.measured(&[0.5, 0.75]), [0.375, 0.75]);
    }
}
