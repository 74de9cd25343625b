//! The runs behind the laws: from the tables of the fit, or from a ledger while they are trained.

mod coverage;
mod live;
mod next;
mod watch;

use std::collections::BTreeMap;

use olmix_core::Matrix;
use olmix_core::law::Law as _;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use next::next;
pub use watch::Watch;

use crate::error::ApiError;
use crate::explorer::Explorer;
use crate::model::Model;
use crate::solve::dot;

/// A run.
#[derive(Debug, Clone, PartialEq)]
struct RunRow {
    id: String,
    /// `finished` for runs of a table; the state in the ledger otherwise.
    state: &'static str,
    /// Over the domains, in their order.
    weights: Vec<f64>,
    /// Over the tasks; null until it is measured.
    losses: Option<Vec<f64>>,
    progress: Option<Progress>,
    /// Measured minus predicted, over the tasks.
    residuals: Option<Vec<f64>>,
    /// The average of the residuals, with the weights of the tasks.
    residual: Option<f64>,
    /// How many robust standard deviations that is from the median of the runs.
    z: Option<f64>,
    /// An earlier run of the same mixture.
    replicate_of: Option<String>,
    /// Whether its residual is far from those of the others.
    outlier: bool,
    /// Why it failed, where it did.
    cause: Option<String>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Progress {
    tokens: Option<u64>,
    target: Option<u64>,
}

/// The runs, and what their mixtures cover.
#[derive(Debug)]
struct Rows {
    source: &'static str,
    domains: Vec<String>,
    tasks: Vec<String>,
    runs: Vec<RunRow>,
    notices: Vec<String>,
}

/// A residual this many robust standard deviations from the median is an outlier, from so many measured runs on.
const OUTLIER: f64 = 3.5;
const LEAST_RUNS: usize = 5;

/// The view of the swarm. `version` is that of the files that it was read from.
///
/// # Errors
/// [`ApiError`] where no run is known, and for a ledger that can't be read now.
pub fn view(explorer: &Explorer, version: u64) -> Result<Value, ApiError> {
    let mut rows = read(explorer)?;
    if let Some(model) = &explorer.model {
        judge(&mut rows.runs, model);
    }
    find_replicates(&mut rows.runs);
    let mixtures: Vec<&[f64]> = rows.runs.iter().map(|run| run.weights.as_slice()).collect();
    let coverage = coverage::coverage(&rows.domains, &mixtures);
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    rows.runs
        .iter()
        .for_each(|run| *states.entry(run.state).or_default() += 1);
    let runs: Vec<Value> = rows.runs.iter().map(RunRow::to_json).collect();
    Ok(json!({
        "version": version, "source": rows.source, "domains": rows.domains, "tasks": rows.tasks, "states": states,
        "runs": runs, "coverage": coverage, "notices": rows.notices,
    }))
}

/// Seven decimals: what a page can show of five thousand runs over a thousand domains must not be half a gigabyte.
fn rounded(weight: f64) -> f64 {
    (weight * 1e7).round() / 1e7
}

/// Weights as a list, or, where most are 0, by position.
fn weights_json(weights: &[f64]) -> Value {
    let used = weights.iter().filter(|weight| **weight != 0.0).count();
    if 3 * used > weights.len() {
        return weights.iter().map(|weight| rounded(*weight)).collect();
    }
    let some = weights
        .iter()
        .enumerate()
        .filter(|(_, weight)| **weight != 0.0);
    let some: Map<String, Value> = some
        .map(|(j, weight)| (j.to_string(), rounded(*weight).into()))
        .collect();
    some.into()
}

fn read(explorer: &Explorer) -> Result<Rows, ApiError> {
    if let Some(ledger) = &explorer.source.ledger {
        let rows = live::rows(ledger, explorer.model.as_deref())?;
        // A ledger of other domains is not that of this fit.
        if !rows.runs.is_empty() || explorer.fitted.is_none() {
            return Ok(rows);
        }
    }
    let fitted = explorer.fitted.as_deref().ok_or_else(|| {
        let reason = explorer.notices.first().map_or("there is no fit here", String::as_str);
        ApiError::conflict(reason, "start olmix explore in the folder that olmix fit was started in, with its files as they were")
    })?;
    let swarm = &fitted.loaded.swarm;
    let run = |(k, id): (usize, &String)| {
        RunRow::new(
            id.clone(),
            "finished",
            swarm.mixtures().row(k).to_vec(),
            Some(swarm.losses().row(k).to_vec()),
        )
    };
    Ok(Rows {
        source: "tables",
        domains: swarm.domains().names().map(str::to_owned).collect(),
        tasks: swarm.tasks().iter().map(|task| task.name.clone()).collect(),
        runs: swarm.runs().iter().enumerate().map(run).collect(),
        notices: fitted.loaded.notices.clone(),
    })
}

impl RunRow {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id, "state": self.state, "weights": weights_json(&self.weights), "losses": self.losses,
            "progress": self.progress, "residuals": self.residuals, "residual": self.residual, "z": self.z,
            "replicate_of": self.replicate_of, "outlier": self.outlier, "cause": self.cause,
        })
    }

    fn new(id: String, state: &'static str, weights: Vec<f64>, losses: Option<Vec<f64>>) -> Self {
        Self {
            id,
            state,
            weights,
            losses,
            progress: None,
            residuals: None,
            residual: None,
            z: None,
            replicate_of: None,
            outlier: false,
            cause: None,
        }
    }
}

/// Compares measured losses with predicted ones.
fn judge(runs: &mut [RunRow], model: &Model) {
    let mut residuals = Vec::new();
    for run in runs.iter_mut() {
        let Some(losses) = run
            .losses
            .as_ref()
            .filter(|_| run.weights.len() == model.domains.len())
        else {
            continue;
        };
        if losses.len() != model.laws.len() {
            continue;
        }
        let apart: Vec<f64> = losses
            .iter()
            .zip(&model.laws)
            .map(|(y, law)| y - law.of_proxies().predict(&run.weights))
            .collect();
        let average = dot(&apart, &model.task_weights);
        run.residuals = Some(apart);
        run.residual = Some(average);
        residuals.push(average);
    }
    if residuals.len() < LEAST_RUNS {
        return;
    }
    let middle = median(&mut residuals);
    let mut distances: Vec<f64> = residuals
        .iter()
        .map(|residual| (residual - middle).abs())
        .collect();
    // 1.4826 times the median distance is the standard deviation of normal residuals.
    let scale = 1.4826 * median(&mut distances);
    if scale > 0.0 {
        for run in runs {
            run.z = run.residual.map(|residual| (residual - middle) / scale);
            run.outlier = run.z.is_some_and(|z| z.abs() > OUTLIER);
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 {
        values[half]
    } else {
        0.5 * (values[half - 1] + values[half])
    }
}

/// Finds runs of the same mixture, in six decimals.
fn find_replicates(runs: &mut [RunRow]) {
    let mut first: BTreeMap<Vec<i64>, String> = BTreeMap::new();
    for run in runs {
        let key = run
            .weights
            .iter()
            .map(|weight| (weight * 1e6).round() as i64)
            .collect();
        match first.get(&key) {
            Some(known) => run.replicate_of = Some(known.clone()),
            None => {
                first.insert(key, run.id.clone());
            }
        }
    }
}

/// The mixtures of the runs that are known, for designs: `K × m` over the model's domains.
pub(crate) fn mixtures(explorer: &Explorer, model: &Model) -> Result<Matrix, ApiError> {
    let rows = read(explorer)?;
    let fitting: Vec<&RunRow> = rows
        .runs
        .iter()
        .filter(|run| run.weights.len() == model.domains.len())
        .collect();
    Ok(Matrix::from_fn(
        fitting.len(),
        model.domains.len(),
        |k, j| fitting[k].weights[j],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_the_same_mixture_name_the_first_of_them() {
        let row = |id: &str, weights: [f64; 2]| {
            RunRow::new(id.into(), "finished", weights.to_vec(), None)
        };
        let mut runs = [
            row("a", [0.5, 0.5]),
            row("b", [0.4, 0.6]),
            row("c", [0.500_000_01, 0.5]),
            row("d", [0.5, 0.5]),
        ];
        find_replicates(&mut runs);
        let of: Vec<Option<&str>> = runs.iter().map(|run| run.replicate_of.as_deref()).collect();
        assert_eq!(of, [None, None, Some("a"), Some("a")]);
    }

    #[test]
    fn weights_are_listed_by_position_where_most_are_zero() {
        assert_eq!(
            weights_json(&[0.0, 0.25, 0.0, 0.0, 0.75, 0.0, 0.0]),
            json!({"1": 0.25, "4": 0.75})
        );
        assert_eq!(weights_json(&[0.5, 0.5, 0.0]), json!([0.5, 0.5, 0.0]));
    }

    #[test]
    fn the_median_of_an_even_number_of_values_is_the_mean_of_the_middle_two() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    }
}
