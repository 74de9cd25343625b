//! A swarm: many proxy runs, the mixture of each, and the loss of each on every task.

use serde::{Deserialize, Serialize};

use crate::{CoreError, DomainSet, Matrix};

/// Which way a metric as measured is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// A loss: lower is better.
    #[default]
    Min,
    /// A score such as accuracy: higher is better. It enters the method as `1 − score`.
    Max,
}

/// A downstream task: one column of losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The metric's name.
    pub name: String,
    /// The family it is reported with, such as `math`.
    pub family: String,
    /// Its share in the objective; the weights of all tasks sum to 1.
    pub weight: f64,
    /// The direction of the metric as measured.
    pub direction: Direction,
    /// Added to the (turned) metric so that the loss is not negative; 0 for ordinary losses.
    pub offset: f64,
}

impl Task {
    /// The loss that the method works with: `offset + y` for losses, `offset + 1 − y` for scores.
    #[must_use]
    pub fn loss_of(&self, measured: f64) -> f64 {
        match self.direction {
            Direction::Min => self.offset + measured,
            Direction::Max => self.offset + 1.0 - measured,
        }
    }
}

/// Measured proxy runs: `X` (`K × m`, mixtures) and `Y` (`K × n`, losses, lower is better).
///
/// Rows of `X` are kept as measured, so they sum to 1 only to within
/// [`crate::SUM_TOLERANCE`]: rescaling them would change the fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Swarm {
    domains: DomainSet,
    tasks: Vec<Task>,
    runs: Vec<String>,
    mixtures: Matrix,
    losses: Matrix,
    weights: Option<Vec<f64>>,
}

impl Swarm {
    /// Puts a swarm together.
    ///
    /// # Errors
    /// [`CoreError::Shape`] when the parts do not fit, [`CoreError::NotFinite`] when a cell is
    /// not a finite number: a crashed run must not reach a fit.
    pub fn new(
        domains: DomainSet,
        tasks: Vec<Task>,
        runs: Vec<String>,
        mixtures: Matrix,
        losses: Matrix,
    ) -> Result<Self, CoreError> {
        let shapes = [
            ("rows of ratios", runs.len(), mixtures.rows()),
            ("rows of metrics", runs.len(), losses.rows()),
            ("columns of ratios", domains.len(), mixtures.columns()),
            ("columns of metrics", tasks.len(), losses.columns()),
        ];
        for (what, expected, found) in shapes {
            if expected != found {
                return Err(CoreError::Shape {
                    what,
                    expected,
                    found,
                });
            }
        }
        for (i, run) in runs.iter().enumerate() {
            let finite = |row: &[f64]| row.iter().all(|value| value.is_finite());
            if !finite(mixtures.row(i)) || !finite(losses.row(i)) {
                return Err(CoreError::NotFinite(run.clone()));
            }
        }
        Ok(Self {
            domains,
            tasks,
            runs,
            mixtures,
            losses,
            weights: None,
        })
    }

    /// The same runs with a weight each in the fit (length `K`, above 0 and at most 1): a run of weight `w`
    /// counts like `w` runs. Weights of 1 alone are none.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for another length, [`CoreError::Unsupported`] for a weight out of range.
    pub fn with_weights(self, weights: Vec<f64>) -> Result<Self, CoreError> {
        if weights.len() != self.len() {
            return Err(CoreError::Shape {
                what: "weights of runs",
                expected: self.len(),
                found: weights.len(),
            });
        }
        let bad = weights.iter().position(|w| !(*w > 0.0 && *w <= 1.0));
        if let Some(run) = bad {
            return Err(CoreError::Unsupported(format!(
                "run `{}` has the weight {}; weights are above 0 and at most 1",
                self.runs[run], weights[run]
            )));
        }
        let weights = weights.iter().any(|w| *w < 1.0).then_some(weights);
        Ok(Self { weights, ..self })
    }

    /// The weight of each run in the fit, length `K`; `None` where every run has the weight 1.
    #[must_use]
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The domains: columns of [`Swarm::mixtures`].
    #[must_use]
    pub fn domains(&self) -> &DomainSet {
        &self.domains
    }

    /// The tasks: columns of [`Swarm::losses`].
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Run ids: rows of both matrices.
    #[must_use]
    pub fn runs(&self) -> &[String] {
        &self.runs
    }

    /// Number of runs, `K`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there is no run at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// `X`, `K × m`.
    #[must_use]
    pub fn mixtures(&self) -> &Matrix {
        &self.mixtures
    }

    /// `Y`, `K × n`.
    #[must_use]
    pub fn losses(&self) -> &Matrix {
        &self.losses
    }

    /// Weights of the tasks in the objective, summing to 1.
    #[must_use]
    pub fn task_weights(&self) -> Vec<f64> {
        self.tasks.iter().map(|task| task.weight).collect()
    }

    /// The weighted average loss of each run, length `K`: what the method minimizes.
    #[must_use]
    pub fn average_losses(&self) -> Vec<f64> {
        let weights = self.task_weights();
        (0..self.len())
            .map(|i| dot(self.losses.row(i), &weights))
            .collect()
    }

    /// The runs at `rows`, in that order.
    #[must_use]
    pub fn subset(&self, rows: &[usize]) -> Self {
        Self {
            domains: self.domains.clone(),
            tasks: self.tasks.clone(),
            runs: rows.iter().map(|&i| self.runs[i].clone()).collect(),
            mixtures: self.mixtures.select_rows(rows),
            losses: self.losses.select_rows(rows),
            weights: self
                .weights
                .as_ref()
                .map(|weights| rows.iter().map(|&i| weights[i]).collect()),
        }
    }

    /// The same runs with the tasks at `tasks` only, in that order; weights stay as they are.
    #[must_use]
    pub fn with_tasks(&self, tasks: &[usize]) -> Self {
        Self {
            domains: self.domains.clone(),
            tasks: tasks.iter().map(|&i| self.tasks[i].clone()).collect(),
            runs: self.runs.clone(),
            mixtures: self.mixtures.clone(),
            losses: Matrix::from_fn(self.len(), tasks.len(), |run, i| {
                self.losses.get(run, tasks[i])
            }),
            weights: self.weights.clone(),
        }
    }

    /// The same runs with other inputs of laws in place of their mixtures (`K × m`).
    pub(crate) fn with_inputs(&self, inputs: Matrix) -> Self {
        Self {
            mixtures: inputs,
            ..self.clone()
        }
    }

    /// The same runs with one task per family: the weighted mean of its tasks, which counts for as
    /// much as they did together.
    #[must_use]
    pub fn by_family(&self) -> Self {
        let mut families: Vec<(&str, Vec<usize>)> = Vec::new();
        for (i, task) in self.tasks.iter().enumerate() {
            match families.iter_mut().find(|(name, _)| *name == task.family) {
                Some((_, members)) => members.push(i),
                None => families.push((&task.family, vec![i])),
            }
        }
        self.merged(&families)
    }

    /// The same runs with one task: the weighted mean of all.
    #[must_use]
    pub fn averaged(&self) -> Self {
        self.merged(&[("average", (0..self.tasks.len()).collect())])
    }

    fn merged(&self, groups: &[(&str, Vec<usize>)]) -> Self {
        let weight = |members: &[usize]| members.iter().map(|&i| self.tasks[i].weight).sum::<f64>();
        let task = |(name, members): &(&str, Vec<usize>)| Task {
            name: (*name).to_owned(),
            family: (*name).to_owned(),
            weight: weight(members),
            direction: Direction::Min,
            offset: 0.0,
        };
        let mean = |run: usize, members: &[usize]| {
            let losses = members
                .iter()
                .map(|&i| self.tasks[i].weight * self.losses.get(run, i));
            losses.sum::<f64>() / weight(members)
        };
        Self {
            domains: self.domains.clone(),
            tasks: groups.iter().map(task).collect(),
            runs: self.runs.clone(),
            mixtures: self.mixtures.clone(),
            losses: Matrix::from_fn(self.len(), groups.len(), |run, g| mean(run, &groups[g].1)),
            weights: self.weights.clone(),
        }
    }

    /// Domains with a non-zero weight in at least one run, as positions; the others are *dead*.
    #[must_use]
    pub fn live_domains(&self) -> Vec<usize> {
        (0..self.domains.len())
            .filter(|&j| (0..self.len()).any(|i| self.mixtures.get(i, j) != 0.0))
            .collect()
    }
}

/// Inner product over the common length.
#[must_use]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
