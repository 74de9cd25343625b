//! Times fit and solve on the measured swarms: `cargo bench -p olmix --bench fit`.
#![allow(clippy::print_stdout)] // printing is what a benchmark is for
use std::path::PathBuf;
use std::time::Instant;

use olmix_core::optimize::{
    ExactProblem, OptimizerInput, SimulationOptions, simulate, solve_exact,
};
use olmix_core::{Fit, LawKind, fit};
use olmix_io::{LoadedFit, load_fit};

/// Milliseconds of the exact solve with fitted laws: the least of ten.
fn solve_ms(loaded: &LoadedFit, fitted: &Fit) -> Result<f64, Box<dyn std::error::Error>> {
    let task_weights = loaded.swarm.task_weights();
    let constraints = loaded.spec.constraints_holding(&fitted.dead);
    let problem = ExactProblem {
        domains: loaded.swarm.domains(),
        laws: &fitted.laws,
        task_weights: &task_weights,
        reference: loaded.spec.reference(),
        kl_reg: 0.05,
        linear: None,
        terms: None,
        constraints: &constraints,
    };
    let mut least = f64::INFINITY;
    for _ in 0..10 {
        let start = Instant::now();
        solve_exact(&problem)?;
        least = least.min(1e3 * start.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// Seconds of a simulation of a million candidates with fitted laws.
fn simulation_s(loaded: &LoadedFit, fitted: &Fit) -> Result<f64, Box<dyn std::error::Error>> {
    let task_weights = loaded.swarm.task_weights();
    let constraints = loaded.spec.constraints_holding(&fitted.dead);
    let input = OptimizerInput {
        problem: ExactProblem {
            domains: loaded.swarm.domains(),
            laws: &fitted.laws,
            task_weights: &task_weights,
            reference: loaded.spec.reference(),
            kl_reg: 0.0,
            linear: None,
            terms: None,
            constraints: &constraints,
        },
        prior: loaded.spec.prior.weights(),
        swarm: &loaded.swarm,
        keeping_ratios: None,
        seed: 0,
        progress: &|| (),
    };
    let start = Instant::now();
    simulate(&input, &SimulationOptions::default(), false)?;
    Ok(start.elapsed().as_secs_f64())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::var_os("OLMIX_DATA").map(PathBuf::from);
    let data = given.unwrap_or_else(|| PathBuf::from("../shared/data"));
    for name in ["dclm", "full_recomputation"] {
        let config = data.join("olmix").join(name).join("fit.yaml");
        if !config.is_file() {
            println!("skipped: no {}", config.display());
            continue;
        }
        let mut loaded = load_fit(&config)?;
        (loaded.spec.folds, loaded.spec.bootstrap) = (0, 0);
        for law in [LawKind::LogLinear, LawKind::Saturating] {
            loaded.spec.law = law;
            let mut times: Vec<f64> = Vec::new();
            for _ in 0..11 {
                let start = Instant::now();
                fit(&loaded.swarm, &loaded.spec, &())?;
                times.push(1e3 * start.elapsed().as_secs_f64());
            }
            times.sort_by(f64::total_cmp);
            println!(
                "{name}, {law:?}: fit and solve, median {:.1} ms (min {:.1}, max {:.1})",
                times[5], times[0], times[10]
            );
            let fitted = fit(&loaded.swarm, &loaded.spec, &())?;
            println!(
                "  of that, the exact solve: {:.2} ms; a simulation of a million candidates takes \
                 {:.2} s",
                solve_ms(&loaded, &fitted)?,
                simulation_s(&loaded, &fitted)?
            );
        }
    }
    Ok(())
}
