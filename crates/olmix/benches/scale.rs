//! How the cost of fit and solve grows with runs, tasks and domains, on planted swarms:
//! `cargo bench -p olmix --bench scale`. Add `--largest` for 1,000 domains ×
//! 5,000 runs × 100 tasks.
#![allow(clippy::print_stdout)] // printing is what a benchmark is for
use std::time::Instant;

use olmix_core::law::{Law, LogLinear};
use olmix_core::{
    DeadDomains, Direction, Domain, DomainSet, FitSpec, Matrix, Mixture, Purpose, Swarm, Task, fit,
    generator,
};
use rand::RngExt;
use rand_distr::{Distribution, Gamma, StandardNormal};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    println!(
        "{:>8} {:>6} {:>6} {:>12} {:>24}",
        "domains", "runs", "tasks", "seconds", "grows with the power"
    );
    let largest = std::env::args().any(|argument| argument == "--largest");
    let series: [(&str, Vec<(usize, usize, usize)>); 3] = [
        (
            "domains",
            [63, 125, 250, 500, 1000].map(|m| (m, 5000, 4)).to_vec(),
        ),
        (
            "runs",
            [313, 625, 1250, 2500, 5000].map(|k| (100, k, 10)).to_vec(),
        ),
        ("tasks", [13, 25, 50, 100].map(|n| (100, 500, n)).to_vec()),
    ];
    for (axis, cells) in series {
        let mut last: Option<(f64, f64)> = None;
        for (m, runs, tasks) in cells {
            let size = match axis {
                "domains" => m,
                "runs" => runs,
                _ => tasks,
            } as f64;
            let seconds = measure(m, runs, tasks)?;
            let power = last.map_or(String::new(), |(before, took)| {
                format!(
                    "{:.2} of {axis}",
                    (seconds / took).ln() / (size / before).ln()
                )
            });
            println!("{m:>8} {runs:>6} {tasks:>6} {seconds:>12.3} {power:>24}");
            last = Some((size, seconds));
        }
    }
    if largest {
        println!(
            "{:>8} {:>6} {:>6} {:>12.3}",
            1000,
            5000,
            100,
            measure(1000, 5000, 100)?
        );
    }
    Ok(())
}

/// Seconds of fit and solve, without folds and bootstrap; the least of three when short.
fn measure(m: usize, runs: usize, tasks: usize) -> Result<f64, Failure> {
    let (swarm, prior) = planted(m, runs, tasks)?;
    let spec = FitSpec {
        dead_domains: DeadDomains::Hold,
        folds: 0,
        ..FitSpec::new(prior)
    };
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        fit(&swarm, &spec, &())?;
        least = least.min(start.elapsed().as_secs_f64());
        if least > 2.0 {
            break;
        }
    }
    Ok(least)
}

/// Sparse mixtures around a prior, log-linear losses, noise of 0.01 bits per byte.
fn planted(m: usize, runs: usize, tasks: usize) -> Result<(Swarm, Mixture), Failure> {
    let mut rng = generator(0, Purpose::Example, 0);
    let domain = |j: usize| Domain {
        name: format!("d{j}"),
        tokens: None,
    };
    let domains = DomainSet::new((0..m).map(domain).collect())?;
    let sizes: Vec<f64> = (0..m).map(|_| 0.2 + rng.random::<f64>()).collect();
    let prior = Mixture::proportional_to(domains.clone(), sizes)?;
    let laws: Vec<LogLinear> = (0..tasks)
        .map(|_| LogLinear {
            log_c: rng.random::<f64>() - 0.5,
            t: (0..m).map(|_| 1.0 - 2.5 * rng.random::<f64>()).collect(),
        })
        .collect();
    let mut mixtures = Matrix::from_fn(runs, m, |_, _| 0.0);
    for run in 0..runs {
        let strength = 2.0 + 20.0 * rng.random::<f64>();
        let mut draw = Vec::with_capacity(m);
        for p in prior.weights() {
            draw.push(Gamma::new(strength * p, 1.0)?.sample(&mut rng));
        }
        let sum: f64 = draw.iter().sum();
        for (j, value) in draw.iter().enumerate() {
            mixtures.set(run, j, value / sum);
        }
    }
    let losses = Matrix::from_fn(runs, tasks, |run, task| {
        let noise: f64 = StandardNormal.sample(&mut rng);
        laws[task].predict(mixtures.row(run)) + 0.01 * noise
    });
    let task = |i: usize| Task {
        name: format!("task{i}"),
        family: "all".into(),
        weight: 1.0 / tasks as f64,
        direction: Direction::Min,
        offset: 0.0,
    };
    let names = (0..runs).map(|run| format!("run{run}")).collect();
    let tasks = (0..tasks).map(task).collect();
    Ok((Swarm::new(domains, tasks, names, mixtures, losses)?, prior))
}
