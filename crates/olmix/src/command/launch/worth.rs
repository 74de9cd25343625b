//! What the runs of a launch cost, and what more or fewer of them would buy.

use olmix_core::DomainSet;
use olmix_core::generate::{ExpectedRegret, RegretProblem, expected_regret};
use olmix_io::LaunchConfig;
use olmix_launch::Variant;
use olmix_ledger::{Run, State};

use super::super::cost::{Measured, Work, training};

/// Adds a run. `tokens` are those of its plan, where there is one.
pub fn add(work: &mut Work, config: &LaunchConfig, tokens: Option<u64>) {
    work.runs += 1;
    let found = training(config);
    let tokens = tokens
        .or(found.map(|(tokens, _)| tokens))
        .or(config.training.tokens);
    work.tokens = work.tokens.zip(tokens).map(|(all, one)| all + one);
    work.flops = match found {
        Some((_, flops)) => work.flops.map(|all| all + flops),
        None => Err("how much a trainer of your own computes is not known"),
    };
}

/// What the runs of the swarm that finished took; `None` where none did.
pub fn measured(variants: &[Variant], known: &[Run]) -> Option<Measured> {
    let mut all = Measured {
        runs: 0,
        flops: 0.0,
        hours: 0.0,
        on_gpus: known.iter().any(|run| run.gpu_seconds > 0.0),
    };
    for run in known.iter().filter(|run| run.state == State::Finished) {
        let variant = variants.iter().find(|one| one.config.name == run.name);
        let seconds = if all.on_gpus {
            run.gpu_seconds
        } else {
            run.seconds
        };
        if let Some((_, flops)) = variant.and_then(|one| training(&one.config))
            && seconds > 0.0
        {
            all.runs += 1;
            all.flops += flops;
            all.hours += seconds / 3600.0;
        }
    }
    (all.runs > 0).then_some(all)
}

/// What two thirds of the runs, all of them, and a third more are expected to buy. The prior is taken to be
/// the mean of the runs' mixtures; further runs have the mixtures of the first ones. Nothing where it can't be
/// simulated: the laws that are simulated know one mixture of a run, and no phases.
pub fn expected(variants: &[Variant]) -> Vec<ExpectedRegret> {
    if variants
        .iter()
        .any(|variant| !variant.config.phases.is_empty())
    {
        return Vec::new();
    }
    let mixtures: Vec<Vec<(String, f64)>> = variants.iter().map(Variant::mixture).collect();
    let mut names: Vec<&str> = Vec::new();
    for (name, weight) in mixtures.iter().flatten() {
        if *weight > 0.0 && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let weight = |mixture: &[(String, f64)], name: &str| {
        let found = mixture.iter().find(|(other, _)| other == name);
        found.map_or(0.0, |(_, weight)| *weight)
    };
    let rows: Vec<Vec<f64>> = mixtures
        .iter()
        .map(|mixture| names.iter().map(|name| weight(mixture, name)).collect())
        .collect();
    let runs = rows.len();
    let Ok(domains) = DomainSet::from_names(names.iter().copied()) else {
        return Vec::new();
    };
    let mean = |j: usize| rows.iter().map(|row| row[j]).sum::<f64>() / runs as f64;
    let prior: Vec<f64> = (0..names.len()).map(mean).collect();
    let problem = RegretProblem {
        domains: &domains,
        prior: &prior,
        caps: None,
        earlier: &[],
        earlier_weights: &[],
        seed: 0,
    };
    let some = |count: usize| -> Vec<&Vec<f64>> { rows.iter().cycle().take(count).collect() };
    let swarms = [some(2 * runs / 3), some(runs), some(4 * runs / 3)];
    expected_regret(&problem, &swarms).unwrap_or_default()
}
