//! One part of the method at one size, for `scripts/speed.py`, which measures the processor time of this process:
//!
//! ```text
//! speed laws FIT.YAML LAW TIMES           fits the laws of a config, without folds, bootstrap and optimizer
//! speed simulation FIT.YAML TIMES         values a million candidates by log-linear laws
//! speed planted DOMAINS RUNS TASKS LAW    fits and solves on a planted swarm
//! speed table DOMAINS RUNS TASKS FOLDER   writes that swarm with a fit config
//! speed v_optimal LEAVES RUNS CANDIDATES  draws a V-optimal swarm
//! ```
//!
//! It uses only what earlier versions have too, so that it can be built beside them.
#![allow(clippy::print_stdout)] // printing is what it is for

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use olmix_core::generate::{
    Design, DrawOptions, Level, Node, Sampler, SamplerOptions, Tree, draw_swarm,
};
use olmix_core::law::{Law, LogLinear};
use olmix_core::optimize::{ExactProblem, OptimizerInput, SimulationOptions, simulate};
use olmix_core::{
    DeadDomains, Direction, Domain, DomainSet, FitSpec, LawKind, Matrix, Mixture, Purpose, Swarm,
    Task, fit, generator,
};
use olmix_io::load_fit;
use rand::RngExt;
use rand_distr::{Distribution, Gamma, StandardNormal};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = given.iter().map(String::as_str).collect();
    let start = Instant::now();
    let found = match words[..] {
        ["laws", config, law, times] => laws(config, law, times.parse()?)?,
        ["simulation", config, times] => simulation(config, times.parse()?)?,
        ["planted", m, runs, tasks, law] => fitted(m.parse()?, runs.parse()?, tasks.parse()?, law)?,
        ["table", m, runs, tasks, folder] => {
            table(m.parse()?, runs.parse()?, tasks.parse()?, folder)?
        }
        ["v_optimal", leaves, runs, candidates] => {
            v_optimal(leaves.parse()?, runs.parse()?, candidates.parse()?)?
        }
        _ => return Err("one of: laws, simulation, planted, table, v_optimal".into()),
    };
    println!("{found}, {:.3} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn kind(law: &str) -> Result<LawKind, Failure> {
    Ok(serde_json::from_value(law.into())?)
}

/// The sum of all bits of numbers, by which two versions are compared.
fn bits(values: impl IntoIterator<Item = f64>) -> String {
    let sum = values
        .into_iter()
        .fold(0u64, |sum, value| sum.rotate_left(5) ^ value.to_bits());
    format!("bits {sum:016x}")
}

fn laws(config: &str, law: &str, times: usize) -> Result<String, Failure> {
    let mut loaded = load_fit(Path::new(config))?;
    let spec = &mut loaded.spec;
    (spec.folds, spec.bootstrap, spec.law) = (0, 0, kind(law)?);
    spec.optimizer = None;
    let mut found = Vec::new();
    for _ in 0..times {
        let fitted = fit(&loaded.swarm, spec, &())?;
        let prior = spec.prior.weights();
        found = fitted.laws.iter().map(|law| law.predict(prior)).collect();
    }
    Ok(bits(found))
}

fn simulation(config: &str, times: usize) -> Result<String, Failure> {
    let mut loaded = load_fit(Path::new(config))?;
    (loaded.spec.folds, loaded.spec.bootstrap) = (0, 0);
    let mut only = loaded.spec.clone();
    only.optimizer = None;
    let fitted = fit(&loaded.swarm, &only, &())?;
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
    let mut found = Vec::new();
    for _ in 0..times {
        found = simulate(&input, &SimulationOptions::default(), false)?.weights;
    }
    Ok(bits(found))
}

fn fitted(m: usize, runs: usize, tasks: usize, law: &str) -> Result<String, Failure> {
    let (swarm, prior) = planted(m, runs, tasks)?;
    let spec = FitSpec {
        dead_domains: DeadDomains::Hold,
        folds: 0,
        law: kind(law)?,
        ..FitSpec::new(prior)
    };
    let fitted = fit(&swarm, &spec, &())?;
    let weights = fitted.proposal.map(|proposal| proposal.mixture);
    let weights = weights.iter().flat_map(Mixture::weights);
    Ok(bits(weights.copied()))
}

fn table(m: usize, runs: usize, tasks: usize, folder: &str) -> Result<String, Failure> {
    let (swarm, prior) = planted(m, runs, tasks)?;
    let folder = Path::new(folder);
    let write = |file: &str, names: Vec<&str>, values: &Matrix| {
        let mut text = format!("run,{}\n", names.join(","));
        for (run, name) in swarm.runs().iter().enumerate() {
            text += name;
            for value in values.row(run) {
                write!(text, ",{value}").map_err(std::io::Error::other)?;
            }
            text.push('\n');
        }
        std::fs::write(folder.join(file), text)
    };
    write(
        "ratios.csv",
        swarm.domains().names().collect(),
        swarm.mixtures(),
    )?;
    let tasks = swarm.tasks().iter().map(|task| task.name.as_str());
    write("metrics.csv", tasks.collect(), swarm.losses())?;
    let mut config = String::from("swarm: {ratios: ratios.csv, metrics: metrics.csv}\n");
    config += "regression: {type: log_linear}\nproposer: {type: exact, kl_reg: 0.05}\n";
    config += "diagnostics: {folds: 0, bootstrap: 0}\npriors:\n  relative_sizes:\n";
    for (name, weight) in swarm.domains().names().zip(prior.weights()) {
        writeln!(config, "    {name}: {weight}")?;
    }
    std::fs::write(folder.join("fit.yaml"), config)?;
    Ok("written".to_owned())
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

/// Sources of ten topics each, of log-uniform size.
fn v_optimal(leaves: usize, runs: usize, candidates: usize) -> Result<String, Failure> {
    let mut rng = generator(0, Purpose::Example, 0);
    let mut node = |name: String, children: Vec<Node>| {
        let tokens = (21.0 + 2.0 * rng.random::<f64>()).exp() as u64;
        let size = children.iter().map(|child| child.size).sum::<f64>();
        Node {
            name,
            size: if children.is_empty() {
                tokens as f64
            } else {
                size
            },
            manual: false,
            pinned: None,
            tokens: children.is_empty().then_some(tokens),
            children,
        }
    };
    let mut sources = Vec::new();
    for s in 0..leaves / 10 {
        let topics = (0..10).map(|t| node(format!("t{t}"), Vec::new())).collect();
        sources.push(node(format!("s{s}"), topics));
    }
    let tree = Tree::new(&sources)?;
    let level = Level {
        strength: (0.1, 5.0),
        temperature: 1.0,
        minimum: 0.0,
    };
    let options = SamplerOptions {
        sources: level,
        topics: level,
        multiples_of: Some(0.002),
        nonzero: Vec::new(),
        caps: None,
        existing: Vec::new(),
        seed: 0,
    };
    let sampler = Sampler::new(&tree, &options)?;
    let wanted = DrawOptions {
        count: runs,
        design: Design::VOptimal,
        candidates,
        draws_each: 100,
        solve_caps: None,
    };
    let drawn = draw_swarm(&sampler, &wanted, &|| ())?;
    Ok(bits(drawn.mixtures.into_iter().flatten()))
}
