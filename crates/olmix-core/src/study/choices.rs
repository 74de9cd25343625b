//! RQ5 and RQ7: at which granularity to fit, and which optimizer to use.
//!
//! The runs are split in halves. A mixture is proposed from one half and judged by saturating laws,
//! one per task, of the other half, which had no part in it.

use rand::seq::SliceRandom;

use super::{Cell, Study};
use crate::law::{FittedLaw, LawOptions, SaturatingOptions, average_loss};
use crate::optimize::{Exact, Local, Optimizer, Search, Simulation, SimulationOptions};
use crate::random::{Purpose, generator};
use crate::{CoreError, Swarm};

const GRANULARITIES: [&str; 3] = ["task", "family", "all"];
/// λ of the exact solves.
const LAMBDAS: [f64; 6] = [0.0, 0.005, 0.01, 0.05, 0.1, 0.2];

pub(super) fn granularities() -> Vec<Vec<String>> {
    GRANULARITIES.map(|name| vec![name.to_owned()]).to_vec()
}

pub(super) fn solvers() -> Vec<Vec<String>> {
    let exact = LAMBDAS.iter().map(|kl| vec![format!("exact λ={kl}")]);
    let others = ["local", "simulation", "search"];
    exact
        .chain(others.map(|name| vec![name.to_owned()]))
        .collect()
}

pub(super) fn run_granularity(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let (own, other) = halves(study, cell.seed);
    let own = match cell.keys[0].as_str() {
        "family" => own.by_family(),
        "all" => own.averaged(),
        _ => own,
    };
    let optimizer = study.spec.optimizer.clone().unwrap_or(
        Exact {
            kl_reg: 0.05,
            worst: false,
        }
        .into(),
    );
    judged(study, &own, &other, &optimizer)
}

pub(super) fn run_solver(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let (own, other) = halves(study, cell.seed);
    let worst = false;
    let name = cell.keys[0].as_str();
    let exact = name.strip_prefix("exact λ=").and_then(|kl| kl.parse().ok());
    let optimizer = match (exact, name) {
        (Some(kl_reg), _) => Exact { kl_reg, worst }.into(),
        (None, "local") => Local { kl_reg: 0.0, worst }.into(),
        (None, "simulation") => Simulation {
            options: SimulationOptions::default(),
            worst,
        }
        .into(),
        (None, "search") => Search { worst }.into(),
        _ => return Err(CoreError::Unsupported("a cell of another study".into())),
    };
    judged(study, &own, &other, &optimizer)
}

fn halves(study: &Study<'_>, seed: u64) -> (Swarm, Swarm) {
    let mut order: Vec<usize> = (0..study.swarm.len()).collect();
    order.shuffle(&mut generator(seed, Purpose::Study, 3_000_000));
    let (a, b) = order.split_at(order.len() / 2);
    (study.swarm.subset(a), study.swarm.subset(b))
}

/// Gain of the proposal by the laws that made it, by those of the other half, and the difference.
fn judged(
    study: &Study<'_>,
    own: &Swarm,
    other: &Swarm,
    optimizer: &Optimizer,
) -> Result<Vec<f64>, CoreError> {
    let prior = study.spec.prior.weights();
    let fit = |options: &LawOptions, swarm: &Swarm| -> Result<Vec<FittedLaw>, CoreError> {
        let fitted = options.fit(swarm, prior, &|| ())?;
        Ok(fitted.into_iter().map(|(law, _)| law).collect())
    };
    let laws = fit(&study.law()?, own)?;
    let judges = fit(&LawOptions::Saturating(SaturatingOptions::default()), other)?;
    let constraints = &study.spec.constraints;
    let solved = study.spec.solve(own, optimizer, &laws, constraints, &|| ());
    let proposed = match solved {
        Ok(solution) => solution.weights,
        // Half of the runs may hold none that keeps to the caps.
        Err(error) if error.is_infeasible() => return Ok(vec![f64::NAN; 3]),
        Err(error) => return Err(error),
    };
    let gain = |laws: &[FittedLaw], swarm: &Swarm| {
        let weights = swarm.task_weights();
        1.0 - average_loss(laws, &weights, &proposed) / average_loss(laws, &weights, prior)
    };
    let (predicted, crossed) = (gain(&laws, own), gain(&judges, other));
    let predicted = match optimizer {
        Optimizer::Search(_) => f64::NAN,
        _ => predicted,
    };
    Ok(vec![predicted, crossed, predicted - crossed])
}
