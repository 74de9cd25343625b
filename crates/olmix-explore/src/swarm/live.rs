//! The runs of a ledger, as they come in. The ledger is only read, while launchers write it.

use std::collections::HashMap;
use std::path::Path;

use olmix_core::Direction;
use olmix_io::mixture_file::TaskEntry;
use olmix_launch::{RunProgress, run_folder};
use olmix_ledger::{Ledger, LedgerError, Run, State};

use super::{Progress, Rows, RunRow};
use crate::error::ApiError;
use crate::model::Model;

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        let text = error.to_string();
        let (message, help) = text.split_once("\n  help: ").unwrap_or((text.as_str(), ""));
        Self::conflict(message, help)
    }
}

/// All runs of a ledger: over the domains and tasks of the model where there is one, otherwise over those that the runs
/// name.
pub fn rows(path: &Path, model: Option<&Model>) -> Result<Rows, ApiError> {
    let ledger = Ledger::open_to_read(path)?;
    let mut runs = Vec::new();
    for swarm in ledger.swarms()? {
        for run in ledger.runs(swarm.id)? {
            let folder = run_folder(&swarm, &run);
            runs.push((run, folder));
        }
    }
    drop(ledger);
    let mut notices = Vec::new();
    let axes = match model {
        Some(model) => Axes::of_model(model),
        None => Axes::of_runs(runs.iter().map(|(run, _)| run)),
    };
    let mut rows = Vec::new();
    let mut others = 0;
    for (run, folder) in runs {
        let Some(weights) = axes.weights(&run) else {
            others += 1;
            continue;
        };
        let losses = run
            .metrics
            .as_deref()
            .and_then(|metrics| axes.losses(metrics));
        let progress = (run.state == State::Running).then(|| {
            let found = RunProgress::read(&folder);
            Progress {
                tokens: found.tokens,
                target: found.tokens_in_all,
            }
        });
        let mut row = RunRow::new(run.name, run.state.word(), weights, losses);
        row.progress = progress.or_else(|| {
            run.tokens.map(|tokens| Progress {
                tokens: Some(tokens),
                target: Some(tokens),
            })
        });
        row.cause = run
            .cause
            .and_then(|cause| cause.lines().next().map(str::to_owned));
        rows.push(row);
    }
    if others > 0 {
        notices.push(format!(
            "{others} runs of the ledger are over other domains than the mixture, and are not shown"
        ));
    }
    Ok(Rows {
        source: "ledger",
        domains: axes.domains,
        tasks: axes.tasks.iter().map(|task| task.name.clone()).collect(),
        runs: rows,
        notices,
    })
}

/// What mixtures and measurements of runs become.
struct Axes {
    domains: Vec<String>,
    /// Of each leaf, the position of its domain.
    positions: HashMap<String, usize>,
    tasks: Vec<Measured>,
}

/// A task, and what it is averaged from.
struct Measured {
    name: String,
    direction: Direction,
    offset: f64,
    /// Metric, share and direction.
    members: Vec<(String, f64, Direction)>,
}

impl Axes {
    fn of_model(model: &Model) -> Self {
        let mut positions: HashMap<String, usize> = HashMap::new();
        for one in &model.file.virtual_domains {
            if let Some(j) = model.domain(&one.name) {
                positions.extend(one.members.iter().map(|member| (member.domain.clone(), j)));
            }
        }
        positions.extend(
            model
                .domains
                .names()
                .enumerate()
                .map(|(j, name)| (name.to_owned(), j)),
        );
        let measured = |task: &TaskEntry| Measured {
            name: task.name.clone(),
            direction: task.direction,
            offset: task.offset,
            members: task
                .members
                .iter()
                .map(|one| (one.metric.clone(), one.weight, one.direction))
                .collect(),
        };
        Self {
            domains: model.domains.names().map(str::to_owned).collect(),
            positions,
            tasks: model.file.law.tasks.iter().map(measured).collect(),
        }
    }

    fn of_runs<'r>(runs: impl Iterator<Item = &'r Run>) -> Self {
        let mut axes = Self {
            domains: Vec::new(),
            positions: HashMap::new(),
            tasks: Vec::new(),
        };
        for run in runs {
            for (leaf, _) in &run.mixture {
                if !axes.positions.contains_key(leaf) {
                    axes.positions.insert(leaf.clone(), axes.domains.len());
                    axes.domains.push(leaf.clone());
                }
            }
            for (name, _) in run.metrics.iter().flatten() {
                if !axes.tasks.iter().any(|task| task.name == *name) {
                    axes.tasks.push(Measured {
                        name: name.clone(),
                        direction: Direction::Min,
                        offset: 0.0,
                        members: Vec::new(),
                    });
                }
            }
        }
        axes
    }

    /// The mixture over the domains; `None` where it has a leaf that is none of theirs.
    fn weights(&self, run: &Run) -> Option<Vec<f64>> {
        let mut weights = vec![0.0; self.domains.len()];
        for (leaf, weight) in &run.mixture {
            weights[*self.positions.get(leaf)?] += weight;
        }
        Some(weights)
    }

    /// The losses of the tasks; `None` where one was not measured.
    fn losses(&self, metrics: &[(String, f64)]) -> Option<Vec<f64>> {
        let by_name: HashMap<&str, f64> = metrics
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        let of = |task: &Measured| {
            let measured = if task.members.is_empty() {
                *by_name.get(task.name.as_str())?
            } else {
                let mut sum = 0.0;
                for (metric, share, direction) in &task.members {
                    let value = *by_name.get(metric.as_str())?;
                    sum += share
                        * if *direction == Direction::Max {
                            1.0 - value
                        } else {
                            value
                        };
                }
                sum
            };
            Some(match task.direction {
                Direction::Min => task.offset + measured,
                Direction::Max => task.offset + 1.0 - measured,
            })
        };
        self.tasks.iter().map(of).collect()
    }
}
