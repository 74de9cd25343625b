//! Made-up swarms with known laws, and the published ones where they are at hand.
#![allow(dead_code)] // each test file uses a part
#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests

pub mod two_phases;

use olmix_core::law::{Law, LogLinear};
use olmix_core::{
    Direction, Domain, DomainSet, FitSpec, Matrix, Mixture, Purpose, Swarm, Task, generator,
};
use rand::RngExt;
use rand_distr::{Distribution, Gamma, StandardNormal};

/// A swarm whose losses follow known laws.
pub struct Planted {
    pub swarm: Swarm,
    pub laws: Vec<LogLinear>,
    pub prior: Mixture,
}

pub fn domains(m: usize) -> DomainSet {
    let domain = |j: usize| Domain {
        name: format!("d{j}"),
        tokens: Some(1_000_000 * (j as u64 + 1)),
    };
    DomainSet::new((0..m).map(domain).collect()).unwrap()
}

/// `runs` mixtures over `m` domains, log-linear losses on `n` tasks, Gaussian noise.
pub fn planted(runs: usize, m: usize, n: usize, noise: f64, seed: u64) -> Planted {
    let mut rng = generator(seed, Purpose::Example, 0);
    let domains = domains(m);
    let prior = Mixture::proportional_to(domains.clone(), (0..m).map(|j| 1.0 + j as f64).collect())
        .unwrap();
    let laws: Vec<LogLinear> = (0..n)
        .map(|_| LogLinear {
            log_c: -0.5 + rng.random::<f64>(),
            t: (0..m).map(|_| 1.0 - 2.5 * rng.random::<f64>()).collect(),
        })
        .collect();
    let mixtures = Matrix::from_fn(runs, m, |_, _| 0.0);
    let mut mixtures = mixtures;
    for run in 0..runs {
        let strength = 1.0 + 10.0 * rng.random::<f64>();
        let draw: Vec<f64> = prior
            .weights()
            .iter()
            .map(|p| Gamma::new(strength * p, 1.0).unwrap().sample(&mut rng))
            .collect();
        let sum: f64 = draw.iter().sum();
        for (j, value) in draw.iter().enumerate() {
            mixtures.set(run, j, value / sum);
        }
    }
    let losses = Matrix::from_fn(runs, n, |run, task| {
        let error: f64 = StandardNormal.sample(&mut rng);
        laws[task].predict(mixtures.row(run)) + noise * error
    });
    Planted {
        swarm: swarm(domains, mixtures, losses),
        laws,
        prior,
    }
}

/// The defaults of a fit, without folds and bootstrap: log-linear laws, an exact solve at λ = 0.05.
pub fn spec(prior: &Mixture) -> FitSpec {
    FitSpec {
        folds: 0,
        ..FitSpec::new(prior.clone())
    }
}

pub fn swarm(domains: DomainSet, mixtures: Matrix, losses: Matrix) -> Swarm {
    let n = losses.columns();
    let task = |i: usize| Task {
        name: format!("task{i}"),
        family: "all".into(),
        weight: 1.0 / n as f64,
        direction: Direction::Min,
        offset: 0.0,
    };
    let runs = (0..losses.rows()).map(|run| format!("run{run}")).collect();
    Swarm::new(domains, (0..n).map(task).collect(), runs, mixtures, losses).unwrap()
}

/// `N` columns of a published swarm as they are: mixtures, names, losses. `None` (with a printed
/// reason) where the data is not at hand.
pub fn published(name: &str) -> Option<(Matrix, Vec<String>, Matrix)> {
    let folder = data_folder()?.join("olmix").join(name);
    let (_, mixtures) = read(&folder.join("ratios.csv"));
    let (metrics, losses) = read(&folder.join("metrics.csv"));
    Some((mixtures, metrics, losses))
}

pub fn data_folder() -> Option<std::path::PathBuf> {
    let given = std::env::var_os("OLMIX_DATA").map(std::path::PathBuf::from);
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = given.unwrap_or(beside);
    if folder.join("olmix").is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: no measured swarms at {} (set OLMIX_DATA)",
        folder.display()
    );
    None
}

/// Columns after the four of metadata; the published files are plain enough for that.
fn read(path: &std::path::Path) -> (Vec<String>, Matrix) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<String> = lines
        .next()
        .unwrap()
        .split(',')
        .skip(4)
        .map(String::from)
        .collect();
    let rows: Vec<Vec<f64>> = lines
        .map(|line| {
            line.split(',')
                .skip(4)
                .map(|cell| cell.parse().unwrap())
                .collect()
        })
        .collect();
    let matrix = Matrix::from_fn(rows.len(), names.len(), |i, j| rows[i][j]);
    (names, matrix)
}
