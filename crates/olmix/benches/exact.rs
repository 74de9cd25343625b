//! Times the exact solve alone, over token limits, λ and ridge on the measured swarms, against
//! the exponential-cone program: `cargo bench -p olmix --bench exact`.
//!
//! With `--cells`, one line per cell.
#![allow(clippy::print_stdout)] // printing is what a benchmark is for
use std::path::PathBuf;
use std::time::Instant;

use olmix_core::optimize::{ExactProblem, Solution, solve_cone, solve_exact};
use olmix_core::{CoreError, DeadDomains, Ridge, fit};
use olmix_io::load_fit;

const RIDGES: [f64; 3] = [0.0, 1e-5, 1e-4];
const TARGET_TOKENS: [f64; 3] = [0.0, 1e12, 6e12];
const KL: [f64; 7] = [0.0, 1e-4, 0.001, 0.005, 0.01, 0.05, 0.1];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cells = std::env::args().any(|argument| argument == "--cells");
    let given = std::env::var_os("OLMIX_DATA").map(PathBuf::from);
    let data = given.unwrap_or_else(|| PathBuf::from("../shared/data"));
    println!(
        "swarm                ridge  cells    ms: median   worst | cone: median   worst  worst gap  \
         iterations  above cone"
    );
    for name in ["dclm", "full_recomputation", "update5"] {
        let config = data.join("olmix").join(name).join("fit.yaml");
        if !config.is_file() {
            println!("skipped: no {}", config.display());
            continue;
        }
        let mut loaded = load_fit(&config)?;
        let (swarm, spec) = (&loaded.swarm, &mut loaded.spec);
        (spec.folds, spec.bootstrap) = (0, 0);
        spec.dead_domains = DeadDomains::Hold;
        let task_weights = swarm.task_weights();
        for ridge in RIDGES {
            spec.ridge = Some(Ridge::Fixed(ridge));
            let mut fit_spec = spec.clone();
            fit_spec.optimizer = None;
            let fitted = fit(swarm, &fit_spec, &())?;
            let held = spec.constraints_holding(&fitted.dead);
            let mut rows = Vec::new();
            for target in TARGET_TOKENS {
                let mut constraints = held.clone();
                constraints.caps = None;
                if target > 0.0 {
                    constraints = constraints.with_repetition(swarm.domains(), target, 4.0)?;
                }
                for kl_reg in KL {
                    let problem = ExactProblem {
                        domains: swarm.domains(),
                        laws: &fitted.laws,
                        task_weights: &task_weights,
                        reference: spec.reference(),
                        kl_reg,
                        linear: None,
                        terms: None,
                        constraints: &constraints,
                    };
                    let (own, own_ms) = timed(&problem, solve_exact);
                    let (cone, cone_ms) = timed(&problem, solve_cone);
                    let own = own?;
                    let above = cone.map_or(f64::NAN, |cone| own.objective - cone.objective);
                    let gap = own.duality_gap.unwrap_or(f64::NAN);
                    if cells {
                        println!(
                            "R {target:e} λ {kl_reg}: {own_ms:.2} ms, {} iterations, gap {gap:.1e}, \
                             {:?}, above cone {above:.1e}",
                            own.iterations, own.status
                        );
                    }
                    rows.push((own_ms, cone_ms, gap, own.iterations, above));
                }
            }
            let worst = |pick: &dyn Fn(&(f64, f64, f64, usize, f64)) -> f64| {
                rows.iter().map(pick).fold(f64::NEG_INFINITY, f64::max)
            };
            let median = |pick: &dyn Fn(&(f64, f64, f64, usize, f64)) -> f64| {
                let mut values: Vec<f64> = rows.iter().map(pick).collect();
                values.sort_by(f64::total_cmp);
                values[values.len() / 2]
            };
            println!(
                "{name:<20} {ridge:>6} {:>6} {:>13.2} {:>7.2} | {:>12.2} {:>7.2} {:>10.1e} {:>11} {:>11.1e}",
                rows.len(),
                median(&|row| row.0),
                worst(&|row| row.0),
                median(&|row| row.1),
                worst(&|row| row.1),
                worst(&|row| row.2),
                worst(&|row| row.3 as f64),
                worst(&|row| row.4),
            );
        }
    }
    Ok(())
}

/// A result and its milliseconds, the least of three.
fn timed(
    problem: &ExactProblem<'_>,
    solve: impl Fn(&ExactProblem<'_>) -> Result<Solution, CoreError>,
) -> (Result<Solution, CoreError>, f64) {
    let mut best = f64::INFINITY;
    let mut result = solve(problem);
    for _ in 0..3 {
        let start = Instant::now();
        result = solve(problem);
        best = best.min(1e3 * start.elapsed().as_secs_f64());
    }
    (result, best)
}
