//! Measurements that give a task away as something else: a log-likelihood, another unit, a score.
//!
//! The rule is documented in docs/fit-config.md ("Columns that are not tasks"). Thresholds were set so that no
//! task of the measured swarms comes near: there no task is 4 times as large as the typical one, none holds
//! more than two thirds of the variance, and none correlates with the others below −0.5.

use olmix_core::{Direction, Task};

use super::task_selection::TaskSelection;
use crate::error::{IoError, Location};
use crate::messages::{excerpt, first_few, listed};
use crate::swarm::tables::csv_table::Table;

/// A task so many times as large as the typical task is in another unit.
const OTHER_UNIT: f64 = 100.0;
/// No loss is larger.
const HUGE: f64 = 1e100;
/// A task with more than this share of the variance decides alone what the average says.
const MOST_OF_VARIANCE: f64 = 0.9;
/// A correlation with the other tasks below this one is noticed.
const AGAINST: f64 = -0.6;
/// Accuracies in percent are at least so many times as large as losses.
const PERCENT: f64 = 10.0;
/// With fewer tasks or runs a correlation says nothing.
const LEAST_TASKS: usize = 5;
const LEAST_RUNS: usize = 10;

/// Checks tasks by their measurements (`runs × tasks`, as measured). Returns what the user should know.
///
/// # Errors
/// [`IoError::Input`] for values beyond 1e100, for tasks that are negative in every run, unless the config states their direction, and
/// for tasks in another unit than the others, unless the config names them.
pub(crate) fn check(
    file: &str,
    table: &Table,
    selection: &TaskSelection,
    measured: &[Vec<f64>],
) -> Result<Vec<String>, IoError> {
    let checks = Checks {
        file,
        table,
        selection,
        measured,
    };
    checks.refuse_huge()?;
    checks.refuse_negative()?;
    checks.refuse_other_unit()?;
    let notices = [
        checks.notice_opposite(),
        checks.notice_equal(),
        checks.notice_variance(),
    ];
    Ok(notices.into_iter().flatten().collect())
}

struct Checks<'c> {
    /// The config.
    file: &'c str,
    table: &'c Table,
    selection: &'c TaskSelection,
    measured: &'c [Vec<f64>],
}

impl Checks<'_> {
    fn tasks(&self) -> &[Task] {
        &self.selection.tasks
    }

    fn column(&self, i: usize) -> impl Iterator<Item = f64> {
        self.measured.iter().map(move |row| row[i])
    }

    fn losses(&self, i: usize) -> impl Iterator<Item = f64> {
        self.column(i)
            .map(move |value| self.tasks()[i].loss_of(value))
    }

    /// Tasks that are not averages of metrics, and without a stated direction.
    fn undirected(&self) -> impl Iterator<Item = usize> {
        (0..self.tasks().len()).filter(|&i| {
            let task = &self.tasks()[i];
            self.selection.members[i].is_empty()
                && !self.selection.directed.contains(&task.name)
                && task.direction == Direction::Min
        })
    }

    fn listed(&self, tasks: &[usize]) -> String {
        listed(tasks.iter().map(|&i| self.tasks()[i].name.as_str()), 5)
    }

    fn directions(&self, tasks: &[usize]) -> String {
        let lines = tasks
            .iter()
            .map(|&i| format!("{:?}: max", self.tasks()[i].name));
        format!("`directions: {{{}}}`", first_few(lines, 5))
    }

    fn refused(&self, message: String, help: String) -> IoError {
        let location = Location::Field("filtering.directions".into());
        IoError::input(self.file, location, message, help)
    }

    /// Beyond these sizes, squares of losses and their sums are no numbers any more.
    fn refuse_huge(&self) -> Result<(), IoError> {
        let huge = |&i: &usize| self.column(i).any(|y| y.is_finite() && y.abs() > HUGE);
        let huge: Vec<usize> = (0..self.tasks().len()).filter(huge).collect();
        if huge.is_empty() {
            return Ok(());
        }
        Err(IoError::input(
            self.table.file(),
            Location::File,
            format!(
                "has values beyond {HUGE:e}, with which nothing can be computed: {}",
                self.listed(&huge)
            ),
            "losses are numbers of ordinary size: correct the values, or leave the runs out",
        ))
    }

    fn refuse_negative(&self) -> Result<(), IoError> {
        let negative = |&i: &usize| !self.measured.is_empty() && self.column(i).all(|y| y < 0.0);
        let negative: Vec<usize> = self.undirected().filter(negative).collect();
        if negative.is_empty() {
            return Ok(());
        }
        Err(self.refused(
            format!(
                "{} has metrics that are negative in every run, and losses are not: {}",
                self.table.file(),
                self.listed(&negative)
            ),
            format!(
                "if they are log-likelihoods, higher is better: add {} to `filtering` (or `min`, if lower is \
                 better)",
                self.directions(&negative)
            ),
        ))
    }

    /// The typical size of each task's losses: the median of their absolute values.
    fn sizes(&self) -> Vec<f64> {
        let size = |i| median(self.losses(i).map(f64::abs).collect());
        (0..self.tasks().len()).map(size).collect()
    }

    fn refuse_other_unit(&self) -> Result<(), IoError> {
        let sizes = self.sizes();
        let typical = median(sizes.clone());
        let named = &self.selection.named;
        let large: Vec<usize> = (0..sizes.len())
            .filter(|&i| sizes[i] >= OTHER_UNIT * typical && typical > 0.0)
            .filter(|&i| !named.contains(&self.tasks()[i].name))
            .collect();
        let Some(&first) = large.first() else {
            return Ok(());
        };
        let names = large.iter().map(|&i| format!("{:?}", self.tasks()[i].name));
        Err(IoError::input(
            self.file,
            Location::Field("filtering.drop_metrics".into()),
            format!(
                "{} has metrics in another unit than the others, which would decide the average alone: {} \
                 (the typical value of the first is {:.3e}, of all tasks {typical:.3e})",
                self.table.file(),
                self.listed(&large),
                sizes[first],
            ),
            format!(
                "add `drop_metrics: [{}]` to `filtering` if they are not losses; to fit them, list them under \
                 eval.tasks or give them a weight under filtering.obj_weights",
                first_few(names, 5)
            ),
        ))
    }

    /// Tasks whose losses fall where the others rise. Tasks may well compete, so this refuses nothing.
    fn notice_opposite(&self) -> Option<String> {
        let (tasks, runs) = (self.tasks().len(), self.measured.len());
        if tasks < LEAST_TASKS || runs < LEAST_RUNS {
            return None;
        }
        let standardized: Vec<Vec<f64>> = (0..tasks)
            .map(|i| standardize(self.losses(i).collect()))
            .collect();
        let sum: Vec<f64> = (0..runs)
            .map(|k| standardized.iter().map(|column| column[k]).sum())
            .collect();
        let with_others = |i: usize| {
            let own = &standardized[i];
            let others = sum.iter().zip(own).map(|(sum, own)| sum - own);
            let others = standardize(others.collect());
            own.iter().zip(others).map(|(a, b)| a * b).sum::<f64>() / runs as f64
        };
        let typical = median(self.sizes());
        let mut against: Vec<(usize, f64)> = self
            .undirected()
            .filter(|&i| self.could_be_a_score(i, typical))
            .map(|i| (i, with_others(i)))
            .collect();
        against.retain(|(_, correlation)| *correlation < AGAINST);
        if against.is_empty() {
            return None;
        }
        let names = against.iter().map(|(i, correlation)| {
            format!(
                "`{}` (correlation {correlation:.2})",
                excerpt(&self.tasks()[*i].name)
            )
        });
        Some(format!(
            "tasks that fall where the others rise, with values as scores have them; if higher is better, state \
             it under filtering.directions: {}",
            first_few(names, 5)
        ))
    }

    /// Whether all values are those of a share, or the task is some ten times as large as the typical one, as
    /// percentages are.
    fn could_be_a_score(&self, i: usize, typical: f64) -> bool {
        let share = self.column(i).all(|value| (0.0..=1.0).contains(&value));
        share || median(self.losses(i).map(f64::abs).collect()) > PERCENT * typical
    }

    fn notice_equal(&self) -> Option<String> {
        let tasks = self.tasks();
        let same = |i: usize, j: usize| self.measured.iter().all(|row| row[i] == row[j]);
        let pairs = (0..tasks.len()).filter_map(|j| {
            let i = (0..j).find(|&i| self.measured.len() > 1 && same(i, j))?;
            Some(format!(
                "`{}` and `{}`",
                excerpt(&tasks[i].name),
                excerpt(&tasks[j].name)
            ))
        });
        let pairs: Vec<String> = pairs.collect();
        (!pairs.is_empty()).then(|| {
            format!(
                "tasks with the same values in every run, which count twice in the average: {}",
                first_few(pairs, 5)
            )
        })
    }

    fn notice_variance(&self) -> Option<String> {
        let tasks = self.tasks();
        if tasks.len() < 3 {
            return None;
        }
        let variance = |i: usize| {
            let weight = tasks[i].weight;
            weight * weight * variance(&self.losses(i).collect::<Vec<f64>>())
        };
        let variances: Vec<f64> = (0..tasks.len()).map(variance).collect();
        let total: f64 = variances.iter().sum();
        let most = variances
            .iter()
            .position(|v| *v > MOST_OF_VARIANCE * total)?;
        Some(format!(
            "task `{}` holds {:.0} % of the variance of the weighted tasks: the average says little of the \
             others (weights are under filtering.obj_weights)",
            excerpt(&tasks[most].name),
            100.0 * variances[most] / total
        ))
    }
}

/// The lower median; 0 of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / values.len() as f64
}

/// Mean 0 and variance 1; zeros for values that are all the same.
fn standardize(mut values: Vec<f64>) -> Vec<f64> {
    let (mean, deviation) = (mean(&values), variance(&values).sqrt());
    for value in &mut values {
        *value = if deviation > 0.0 {
            (*value - mean) / deviation
        } else {
            0.0
        };
    }
    values
}
