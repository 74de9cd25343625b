//! Every figure, drawn from made-up fits.

use olmix_core::Mixture;
use olmix_report::{
    BarRow, Bars, Figure, InteractionMatrix, Intervals, Lines, PredictedAgainstMeasured,
    PriorAndProposed, Series, SwarmWeights, bars, fit_figures, interaction_matrix, lines, mixtures,
    predicted_against_measured, prior_and_proposed, swarm_weights, sweep, task_errors,
};

use super as common;

pub fn scatter(case: &common::Case, task: usize) -> Figure {
    let folds = case.fit.out_of_fold.as_ref().unwrap();
    predicted_against_measured(&PredictedAgainstMeasured {
        title: &case.swarm.tasks()[task].name,
        subtitle: "5-fold out of fold",
        predicted: &folds.predictions.column(task),
        measured: &case.swarm.losses().column(task),
        scores: &folds.tasks[task],
    })
}

pub fn matrix(case: &common::Case) -> Figure {
    interaction_matrix(&InteractionMatrix {
        tasks: case.swarm.tasks(),
        domains: case.swarm.domains(),
        laws: &case.fit.laws,
        prior: case.spec.prior.weights(),
        dead: &[],
    })
}

pub fn mixture(case: &common::Case) -> Figure {
    let proposal = case.fit.proposal.as_ref().unwrap();
    let bootstrap = proposal.bootstrap.as_ref().unwrap();
    prior_and_proposed(&PriorAndProposed {
        prior: &case.spec.prior,
        proposed: &proposal.mixture,
        intervals: Some(Intervals {
            weights: &bootstrap.weights,
            confidence: bootstrap.confidence,
        }),
        constraints: &case.spec.constraints,
        binding: &proposal.solution.binding,
    })
}

pub fn errors(case: &common::Case) -> Figure {
    task_errors(
        case.swarm.tasks(),
        &case.fit.out_of_fold.as_ref().unwrap().tasks,
    )
}

pub fn points(count: usize) -> Figure {
    let point = |i: usize| (i as f64, (i * i % 7) as f64, 0.0);
    let series = ["code", "removal"].map(|name| Series {
        name: name.to_owned(),
        points: (0..count).map(point).collect(),
    });
    lines(&Lines {
        title: "One number against another",
        subtitle: "a point each",
        x: "the one",
        y: "the other",
        logarithmic: false,
        joined: false,
        series: &series,
    })
}

pub fn coupling(case: &common::Case) -> Figure {
    let row = |(j, name): (usize, &str)| BarRow {
        name: name.to_owned(),
        bar: j as f64,
        mark: if j == 1 {
            (f64::NAN, 0.0)
        } else {
            (0.5 * j as f64, 0.1)
        },
    };
    let rows: Vec<BarRow> = case.swarm.domains().names().enumerate().map(row).collect();
    bars(&Bars {
        title: "Two numbers of each domain",
        subtitle: "as they are",
        axis: "the numbers",
        legend: ["the one", "the other"],
        rows: &rows,
    })
}

/// The figures of a fit that are written to files.
pub fn of_fit(case: &common::Case) -> Vec<(String, Figure)> {
    fit_figures(&case.swarm, &case.spec, &case.fit)
}

/// Every figure at sizes from the smallest to the largest that is promised.
pub fn all() -> Vec<(String, Figure)> {
    let mut figures = Vec::new();
    for (m, n, runs) in [(2, 3, 3), (24, 12, 127), (64, 60, 20), (200, 100, 20)] {
        let case = common::case(m, n, runs);
        figures.push((format!("scatter {runs}"), scatter(&case, 0)));
        figures.push((format!("matrix {m} × {n}"), matrix(&case)));
        figures.push((format!("mixture {m}"), mixture(&case)));
        figures.push((format!("errors {n}"), errors(&case)));
        figures.push((format!("points {runs}"), points(runs)));
        figures.push((format!("bars {m}"), coupling(&case)));
    }
    for (fit, case) in [
        ("full", common::with_kl(common::case(24, 12, 60))),
        ("fit only", common::fit_only(common::case(24, 12, 60))),
        ("search", common::search(common::case(3, 3, 20))),
        ("unchecked", common::unchecked(common::case(3, 3, 20))),
    ] {
        for (file, figure) in of_fit(&case) {
            figures.push((format!("{fit}: {file}"), figure));
        }
    }
    for m in [2, 64] {
        let case = common::case(m, 3, 20);
        let names = |i: usize| format!("method {i}");
        let weights = |i: usize| case.swarm.mixtures().row(i).to_vec();
        let mixture = |i: usize| Mixture::new(case.swarm.domains().clone(), weights(i)).unwrap();
        let drawn: Vec<(String, Mixture)> = (0..4).map(|i| (names(i), mixture(i))).collect();
        figures.push((
            format!("mixtures {m}"),
            mixtures("Mixtures by method", &drawn),
        ));
        let weights = swarm_weights(&SwarmWeights {
            domains: case.swarm.domains(),
            mixtures: &(0..20).map(weights).collect::<Vec<_>>(),
            center: case.spec.prior.weights(),
            caps: None,
        });
        figures.push((format!("weights {m}"), weights));
    }
    let kl = [0.0, 0.005, 0.01, 0.05, 0.1];
    for (m, targets) in [(2, &[1e12][..]), (64, &[1e12, 6e12]), (200, &[6e12])] {
        let figure = sweep(&common::sweep(m, targets, &[1.0, 2.0, 3.0, 5.0], &kl));
        figures.push((format!("sweep {m}"), figure));
    }
    figures
}
