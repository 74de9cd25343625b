//! What a proposal changes, task by task and family by family.

use serde::Serialize;

use crate::{Proposal, Swarm, Task};

/// Relative changes up to this one are not called worse: they are shown as 0.00 %.
const SHOWN: f64 = 5e-5;

/// Predicted losses of a task, or of a family of tasks, at the prior and at the proposed mixture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LossChange {
    /// The task's or family's name.
    pub name: String,
    /// Predicted loss at the prior.
    pub prior: f64,
    /// Predicted loss at the proposed mixture.
    pub proposed: f64,
}

impl LossChange {
    /// `proposed / prior − 1`: negative is better. Not a number where the prior's loss is 0.
    #[must_use]
    pub fn relative(&self) -> f64 {
        self.proposed / self.prior - 1.0
    }

    /// Whether the proposal is predicted to be worse than the prior, by 0.005 % or more.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.relative() >= SHOWN
    }
}

impl Proposal {
    /// The changes of all tasks, in the swarm's order; empty without laws.
    #[must_use]
    pub fn task_changes(&self, swarm: &Swarm) -> Vec<LossChange> {
        let losses = self.natural.iter().zip(&self.predicted);
        let change = |(task, (prior, proposed)): (&Task, (&f64, &f64))| LossChange {
            name: task.name.clone(),
            prior: *prior,
            proposed: *proposed,
        };
        swarm.tasks().iter().zip(losses).map(change).collect()
    }

    /// The changes of all families, in the order in which they first occur: means over their tasks by the
    /// tasks' weights, or plain means where these are 0; empty without laws.
    #[must_use]
    pub fn family_changes(&self, swarm: &Swarm) -> Vec<LossChange> {
        let tasks = swarm.tasks();
        if self.natural.len() != tasks.len() {
            return Vec::new();
        }
        let mut families: Vec<&str> = Vec::new();
        for task in tasks {
            if !families.contains(&task.family.as_str()) {
                families.push(&task.family);
            }
        }
        let change = |family: &str| {
            let members: Vec<usize> = (0..tasks.len())
                .filter(|&i| tasks[i].family == family)
                .collect();
            LossChange {
                name: family.to_owned(),
                prior: weighted_mean(tasks, &members, &self.natural),
                proposed: weighted_mean(tasks, &members, &self.predicted),
            }
        };
        families.into_iter().map(change).collect()
    }
}

/// The mean of some tasks' losses (positions `members`) by the tasks' weights, or their plain mean where these
/// are 0; not a number for a loss that is not there.
#[must_use]
pub fn weighted_mean(tasks: &[Task], members: &[usize], losses: &[f64]) -> f64 {
    let total: f64 = members.iter().map(|&i| tasks[i].weight).sum();
    let weight = |i: usize| {
        if total > 0.0 {
            tasks[i].weight / total
        } else {
            1.0 / members.len() as f64
        }
    };
    let part = |&i: &usize| weight(i) * losses.get(i).copied().unwrap_or(f64::NAN);
    members.iter().map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_worse_when_it_shows_as_more_than_nothing() {
        let change = |proposed| LossChange {
            name: String::new(),
            prior: 2.0,
            proposed,
        };
        assert!((change(2.5).relative() - 0.25).abs() < 1e-15);
        assert!(change(2.5).is_worse());
        assert!(!change(2.000_05).is_worse());
        assert!(!change(1.5).is_worse());
        let no_prior = LossChange {
            prior: 0.0,
            ..change(0.0)
        };
        assert!(!no_prior.is_worse());
    }
}
