//! Made-up fits for tests and the gallery: seeded, and shaped like real ones.
//!
//! Over 400 lines: the fits of one gallery, which every test of reports and figures draws from.
#![allow(dead_code)] // each test file uses its part
#![allow(clippy::pedantic, clippy::unwrap_used)]

pub mod drawings;

use olmix_core::law::{FittedLaw, Law as _, LawOptions, LogLinear, LogLinearOptions, TaskReport};
use olmix_core::optimize::{Optimizer, Search, Solution, Status};
use olmix_core::price::{ConstraintPrice, Loosened};
use olmix_core::trust::{Bootstrap, Explosion, HeldOut, Interval, KlChoice, OutOfFold, Scores};
use olmix_core::{
    Binding, Constraints, Direction, Domain, DomainSet, Fit, FitSpec, LawKind, Matrix, Mixture,
    Proposal, Purpose, Swarm, Sweep, SweepCell, SweepOutcome, Task, generator,
};
use rand::RngExt as _;

/// A fit and what it was made from.
pub struct Case {
    pub swarm: Swarm,
    pub spec: FitSpec,
    pub fit: Fit,
}

const SOURCES: [(&str, &[&str]); 3] = [
    (
        "dclm",
        &[
            "science_math_and_technology",
            "software_development",
            "health",
            "education_and_jobs",
            "entertainment",
            "finance_and_business",
            "history_and_geography",
            "politics",
            "literature",
            "games",
            "crime_and_law",
            "travel",
        ],
    ),
    (
        "stack-edu",
        &["Python", "C++", "Rust", "Java", "SQL", "Markdown"],
    ),
    ("pdfs", &["art_and_design", "religion", "transportation"]),
];
const TASKS: [(&str, &[&str]); 3] = [
    (
        "math",
        &["minerva_algebra", "minerva_number_theory", "gsm8k"],
    ),
    ("code", &["humaneval", "mbpp", "mt_mbpp_rust"]),
    (
        "qa",
        &[
            "arc_challenge",
            "mmlu_stem",
            "hellaswag",
            "piqa",
            "squad",
            "coqa",
        ],
    ),
];

/// `m` names, long ones and short ones among them.
pub fn domain_names(m: usize) -> Vec<String> {
    let mut names: Vec<String> = SOURCES
        .iter()
        .flat_map(|(source, topics)| topics.iter().map(move |topic| format!("{source}:{topic}")))
        .collect();
    names.insert(2, "arxiv".into());
    names.insert(7, "wikipedia".into());
    let first = names.clone();
    for round in 2.. {
        if names.len() >= m {
            break;
        }
        names.extend(first.iter().map(|name| format!("{name}_{round}")));
    }
    names.truncate(m);
    names
}

/// `n` tasks of three families, equally weighted.
pub fn tasks(n: usize) -> Vec<Task> {
    let all: Vec<(&str, &str)> = TASKS
        .iter()
        .flat_map(|(family, names)| names.iter().map(move |name| (*family, *name)))
        .collect();
    let task = |i: usize| {
        let (family, name) = all[i % all.len()];
        let round = i / all.len();
        Task {
            name: match round {
                0 => format!("{name}:bpb"),
                _ => format!("{name}_{round}:bpb"),
            },
            family: family.into(),
            weight: 1.0 / n as f64,
            direction: Direction::Min,
            offset: 0.0,
        }
    };
    (0..n).map(task).collect()
}

pub fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut rng = generator(seed, Purpose::Example, 0);
    // The sum of four uniforms is normal enough.
    move || (0..4).map(|_| rng.random::<f64>() - 0.5).sum::<f64>() * 1.7
}

pub fn simplex(m: usize, sharpness: f64, next: &mut impl FnMut() -> f64) -> Vec<f64> {
    let raw: Vec<f64> = (0..m).map(|_| (sharpness * next()).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|value| value / sum).collect()
}

pub fn domains(m: usize) -> DomainSet {
    let mut next = noise(7);
    let prior = simplex(m, 1.1, &mut next);
    let domain = |(name, share): (String, &f64)| Domain {
        name,
        tokens: Some((share * 5e12).round() as u64),
    };
    DomainSet::new(
        domain_names(m)
            .into_iter()
            .zip(&prior)
            .map(domain)
            .collect(),
    )
    .unwrap()
}

/// A whole fit of `m` domains, `n` tasks, `runs` runs, with every check made.
pub fn case(m: usize, n: usize, runs: usize) -> Case {
    let mut next = noise(42);
    let domains = domains(m);
    let sizes = domains
        .tokens()
        .unwrap()
        .iter()
        .map(|&t| t as f64)
        .collect();
    let prior = Mixture::proportional_to(domains.clone(), sizes).unwrap();
    let tasks = tasks(n);
    let law = |i: usize, next: &mut dyn FnMut() -> f64| LogLinear {
        log_c: -1.2 + 0.1 * next(),
        t: (0..m)
            .map(|j| -0.6 + 0.5 * next() - f64::from(u8::from((i + j).is_multiple_of(5))))
            .collect(),
    };
    let laws: Vec<LogLinear> = (0..n).map(|i| law(i, &mut next)).collect();
    let rows: Vec<Vec<f64>> = (0..runs).map(|_| simplex(m, 1.6, &mut next)).collect();
    let mixtures = Matrix::from_fn(runs, m, |k, j| rows[k][j]);
    let losses = Matrix::from_fn(runs, n, |k, i| laws[i].predict(&rows[k]) + 0.008 * next());
    let mut predictions =
        Matrix::from_fn(runs, n, |k, i| laws[i].predict(&rows[k]) + 0.006 * next());
    // One task whose law is worth nothing, and one prediction that explodes.
    let broken = n - 1;
    for k in 0..runs {
        let mean = predictions.get(k, broken);
        predictions.set(k, broken, mean + 0.3 * next());
    }
    predictions.set(0, 0, 9.5);
    let explosion = Explosion {
        run: 0,
        task: 0,
        predicted: 9.5,
        measured: losses.get(0, 0),
    };
    let names = (0..runs).map(|k| format!("run-{k:03}")).collect();
    let swarm = Swarm::new(domains.clone(), tasks, names, mixtures, losses).unwrap();
    let out_of_fold = out_of_fold(&swarm, predictions, explosion);

    let mut weights = prior.weights().to_vec();
    for (j, weight) in weights.iter_mut().enumerate() {
        *weight *= (1.2 * next()).exp() * if j % 9 == 4 { 1e-4 } else { 1.0 };
    }
    let target = 2e12;
    let constraints = Constraints::none(m)
        .with_repetition(&domains, target, 4.0)
        .unwrap();
    let sum: f64 = weights.iter().sum();
    let caps = constraints.caps.clone().unwrap();
    for (weight, cap) in weights.iter_mut().zip(&caps) {
        *weight = (*weight / sum).min(*cap * 0.999);
    }
    weights[0] = caps[0].min(0.3);
    let rest: f64 = weights[1..].iter().sum();
    let left = 1.0 - weights[0];
    weights[1..]
        .iter_mut()
        .for_each(|weight| *weight *= left / rest);
    let mixture = Mixture::new(domains.clone(), weights).unwrap();
    let proposal = proposal(&swarm, &laws, &prior, mixture, &constraints);
    Case {
        fit: Fit {
            reports: vec![
                TaskReport {
                    huber: 0.0012,
                    converged: true,
                    starts: 6,
                    starts_at_best: 5,
                    iterations: 61,
                    condition: 345.0,
                };
                n
            ],
            laws: laws.into_iter().map(FittedLaw::LogLinear).collect(),
            options: Some(LawOptions::LogLinear(LogLinearOptions::default())),
            train: (0..runs).collect(),
            out_of_fold: Some(out_of_fold),
            optimizer: FitSpec::new(prior.clone()).optimizer,
            proposal: Some(proposal),
            ..Fit::default()
        },
        spec: FitSpec {
            constraints,
            bootstrap: 100,
            ..FitSpec::new(prior)
        },
        swarm,
    }
}

fn proposal(
    swarm: &Swarm,
    laws: &[LogLinear],
    prior: &Mixture,
    mixture: Mixture,
    constraints: &Constraints,
) -> Proposal {
    let mut next = noise(5);
    let at = |p: &[f64]| -> Vec<f64> { laws.iter().map(|law| law.predict(p)).collect() };
    let average = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let natural = at(prior.weights());
    // Better than the natural distribution, as a real proposal is.
    let predicted: Vec<f64> = natural
        .iter()
        .map(|loss| loss * (0.89 + 0.03 * next()))
        .collect();
    let interval = |&w: &f64| Interval {
        low: w * (0.6 + 0.1 * next()),
        high: w * (1.5 + 0.2 * next()),
    };
    let weights: Vec<Interval> = mixture.weights().iter().map(interval).collect();
    let (low, high) = (0.083, 0.124);
    Proposal {
        solution: Solution {
            weights: mixture.weights().to_vec(),
            status: Status::Optimal,
            objective: average(&predicted) + 0.05 * mixture.kl_to(prior),
            kl: mixture.kl_to(prior),
            duality_gap: Some(3.1e-11),
            iterations: 14,
            binding: vec![Binding::Cap(0)],
            terms: Vec::new(),
            run: None,
        },
        bootstrap: Some(Bootstrap {
            confidence: 0.9,
            mixtures: Matrix::from_fn(100, mixture.weights().len(), |_, j| mixture.weights()[j]),
            weights,
            gains: (0..100)
                .map(|b| low + (high - low) * f64::from(b) / 99.0)
                .collect(),
            gain: Interval { low, high },
            failed: 0,
        }),
        objective: None,
        reach: None,
        phases: None,
        predicted_average: average(&predicted),
        natural_average: Some(average(&natural)),
        baselines: vec![("natural distribution", average(&natural))],
        scaling: None,
        capped: None,
        prices: Some(vec![ConstraintPrice {
            constraint: Binding::Cap(0),
            bound: mixture.weights()[0],
            loosening: 0.31,
            tightening: Some(0.31),
            loosened: Some(Loosened {
                by: 0.25 * mixture.weights()[0],
                predicted: 0.997 * average(&predicted),
            }),
            without: Some(0.98 * average(&predicted)),
        }]),
        predicted,
        natural,
        mixture: {
            assert_eq!(constraints.domains(), swarm.domains().len());
            mixture
        },
    }
}

fn out_of_fold(swarm: &Swarm, predictions: Matrix, explosion: Explosion) -> OutOfFold {
    let (runs, n) = (swarm.len(), swarm.tasks().len());
    let tasks: Vec<Scores> = (0..n)
        .map(|i| scores(&predictions.column(i), &swarm.losses().column(i)))
        .collect();
    OutOfFold {
        folds: 5,
        fold_of: (0..runs).map(|k| k % 5).collect(),
        average: scores(&averages(&predictions), &swarm.average_losses()),
        fold_rmse: vec![0.012, 0.011, 0.013, 0.010, 0.015],
        no_better_than_mean: vec![n - 1],
        explosions: vec![explosion],
        tasks,
        predictions,
    }
}

/// Runs set aside, as if the swarm's last rows had been.
pub fn held_out(case: &Case, runs: usize) -> HeldOut {
    let rows: Vec<usize> = (case.swarm.len() - runs..case.swarm.len()).collect();
    let swarm = case.swarm.subset(&rows);
    let law = |k: usize, i: usize| case.fit.laws[i].predict(swarm.mixtures().row(k));
    let predictions = Matrix::from_fn(runs, swarm.tasks().len(), law);
    let score = |i| scores(&predictions.column(i), &swarm.losses().column(i));
    HeldOut {
        runs: swarm.runs().to_vec(),
        tasks: (0..swarm.tasks().len()).map(score).collect(),
        average: scores(&averages(&predictions), &swarm.average_losses()),
        measured: swarm.losses().clone(),
        predictions,
    }
}

fn averages(losses: &Matrix) -> Vec<f64> {
    (0..losses.rows())
        .map(|k| losses.row(k).iter().sum::<f64>() / losses.columns() as f64)
        .collect()
}

pub fn scores(predicted: &[f64], measured: &[f64]) -> Scores {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let root =
        |differences: Vec<f64>| mean(&differences.iter().map(|d| d * d).collect::<Vec<_>>()).sqrt();
    let correlation = |a: &[f64], b: &[f64]| {
        let (ma, mb) = (mean(a), mean(b));
        let product: f64 = a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum();
        let norm = |v: &[f64], m: f64| v.iter().map(|v| (v - m).powi(2)).sum::<f64>().sqrt();
        product / (norm(a, ma) * norm(b, mb))
    };
    let ranks = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
        let mut ranks = vec![0.0; values.len()];
        for (rank, &i) in order.iter().enumerate() {
            ranks[i] = rank as f64;
        }
        ranks
    };
    let best = (0..predicted.len()).min_by(|&a, &b| predicted[a].total_cmp(&predicted[b]));
    let least = measured.iter().copied().fold(f64::INFINITY, f64::min);
    let differences: Vec<f64> = predicted.iter().zip(measured).map(|(p, y)| p - y).collect();
    Scores {
        pearson: Some(correlation(predicted, measured)),
        spearman: Some(correlation(&ranks(predicted), &ranks(measured))),
        bias: mean(&differences),
        rmse: root(differences),
        regret_at_1: measured[best.unwrap()] - least,
        optimism: 0.004,
        mean_rmse: root(measured.iter().map(|y| y - mean(measured)).collect()),
    }
}

/// A sweep over `targets × repetitions × kl`; cells that need more than `k ΣN` have no mixture.
pub fn sweep(m: usize, targets: &[f64], repetitions: &[f64], kl: &[f64]) -> Sweep {
    let case = case(m, 6, 20);
    let proposal = case.fit.proposal.unwrap();
    let prior = case.spec.prior.weights();
    let natural = proposal.natural_average.unwrap();
    let mut cells = Vec::new();
    for &target in targets {
        for &k in repetitions {
            for &lambda in kl {
                let total: f64 = case.swarm.domains().tokens().unwrap().iter().sum::<u64>() as f64;
                let pull = (1.0 + 40.0 * lambda).recip();
                let mix = |(p, q): (&f64, &f64)| pull * p * p * 20.0 + (1.0 - pull) * q;
                let weights = proposal
                    .mixture
                    .weights()
                    .iter()
                    .zip(prior)
                    .map(mix)
                    .collect();
                let mixture =
                    Mixture::proportional_to(case.swarm.domains().clone(), weights).unwrap();
                let outcome = SweepOutcome {
                    predicted: natural * (1.0 - 0.1 * pull - 0.004 * k + target * 4e-15),
                    caps_binding: ((6.0 - k) * pull * target / 1e12) as usize,
                    solution: Solution {
                        weights: mixture.weights().to_vec(),
                        ..proposal.solution.clone()
                    },
                    mixture,
                };
                cells.push(SweepCell {
                    target_tokens: Some(target),
                    repetition: Some(k),
                    kl: lambda,
                    outcome: if k * total < target {
                        Err("the data is too small for the run".into())
                    } else {
                        Ok(outcome)
                    },
                });
            }
        }
    }
    Sweep { cells, natural }
}

/// The report on a case, with fixed provenance.
pub fn report(case: &Case, notices: &[String]) -> String {
    report_with(case, notices, None)
}

/// As [`report`], with a `mixture.json`, and so with sliders.
pub fn report_with(case: &Case, notices: &[String], mixture: Option<&str>) -> String {
    let trained = case.swarm.subset(&case.fit.train);
    let verdict = case.fit.verdict(&trained, &case.spec);
    let words = verdict.map(|verdict| olmix_io::verdict_words(&verdict, &case.spec));
    olmix_report::html(&olmix_report::ReportInput {
        title: "fit.yaml",
        swarm: &case.swarm,
        spec: &case.spec,
        fit: &case.fit,
        target_tokens: Some(2e12),
        repetition_factor: Some(4.0),
        notices,
        warnings: &olmix_io::fit_warnings(&case.fit, &trained, &case.spec),
        facts: &olmix_io::run_sentences(&case.fit, &trained),
        command: "olmix fit --config fit.yaml --output-dir out",
        config: "fit.yaml",
        inputs: &[
            olmix_report::InputFile {
                path: "ratios.csv",
                sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            },
            olmix_report::InputFile {
                path: "metrics.csv",
                sha256: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
            },
        ],
        version: "0.1.0",
        verdict: words.as_ref().map(|words| olmix_report::TrustWords {
            level: words.level,
            why: &words.why,
            remedies: &words.remedies,
        }),
        mixture,
    })
}

/// The same fit without a proposal, but with runs held out.
pub fn fit_only(mut case: Case) -> Case {
    case.fit.held_out = Some(held_out(&case, 12));
    case.fit.proposal = None;
    case.spec.optimizer = None;
    case.fit.optimizer = None;
    case
}

/// The same swarm without a law: the best observed run.
pub fn search(mut case: Case) -> Case {
    let proposal = case.fit.proposal.as_mut().unwrap();
    proposal.natural = Vec::new();
    proposal.natural_average = None;
    proposal.bootstrap = None;
    proposal.prices = None;
    proposal.predicted = case.swarm.losses().row(3).to_vec();
    proposal.predicted_average = case.swarm.average_losses()[3];
    proposal.solution.run = Some(3);
    proposal.solution.status = Status::BestCandidate;
    proposal.solution.duality_gap = None;
    case.fit.laws.clear();
    case.fit.reports.clear();
    case.fit.out_of_fold = None;
    case.spec.law = LawKind::Search;
    case.fit.options = None;
    case.spec.optimizer = Some(Optimizer::Search(Search { worst: false }));
    case.fit.optimizer = case.spec.optimizer.clone();
    case
}

/// The same fit with λ chosen from data.
pub fn with_kl(mut case: Case) -> Case {
    case.fit.kl = Some(KlChoice {
        grid: vec![0.001, 0.01, 0.1, 1.0],
        predicted: vec![0.09, 0.08, 0.05, 0.01],
        crossed: vec![0.03, 0.05, 0.045, 0.01],
        standard_error: vec![0.01, 0.008, 0.006, 0.002],
        best: 1,
        within_error: 2,
        chosen: 1,
    });
    case
}

/// The same fit without folds and bootstrap.
pub fn unchecked(mut case: Case) -> Case {
    case.fit.out_of_fold = None;
    case.fit.proposal.as_mut().unwrap().bootstrap = None;
    case.spec.folds = 0;
    case.spec.bootstrap = 0;
    case
}
