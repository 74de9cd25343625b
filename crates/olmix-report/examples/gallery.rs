//! Writes every figure at several sizes into a folder, to be looked at:
//! `cargo run -p olmix-report --example gallery -- gallery`.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout
)]

#[path = "../tests/suite/common/mod.rs"]
mod common;

use std::path::Path;
use std::time::Instant;

use olmix_report::{
    Figure, InteractionMatrix, Intervals, PredictedAgainstMeasured, PriorAndProposed,
    interaction_matrix, predicted_against_measured, prior_and_proposed, sweep, task_errors,
};

fn main() {
    let folder = std::env::args().nth(1).expect("a folder to write into");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).unwrap();
    let save = |name: &str, figure: &Figure| {
        let started = Instant::now();
        std::fs::write(folder.join(format!("{name}.svg")), figure.svg()).unwrap();
        let png = figure.png(1.0).unwrap();
        println!(
            "{name}: {} × {}, SVG {} kB, PNG {} kB in {:.1} ms",
            figure.width(),
            figure.height(),
            figure.svg().len() / 1000,
            png.len() / 1000,
            1e3 * started.elapsed().as_secs_f64()
        );
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    };

    for (runs, subtitle) in [
        (3, "3-fold out of fold, 3 runs"),
        (127, "5-fold out of fold, 127 runs"),
        (5000, "5-fold out of fold, 5000 runs"),
    ] {
        let case = common::case(12, 4, runs);
        let out_of_fold = case.fit.out_of_fold.as_ref().unwrap();
        for task in [0, 1, 3] {
            let figure = predicted_against_measured(&PredictedAgainstMeasured {
                title: &case.swarm.tasks()[task].name,
                subtitle,
                predicted: &out_of_fold.predictions.column(task),
                measured: &case.swarm.losses().column(task),
                scores: &out_of_fold.tasks[task],
            });
            save(&format!("predicted-{runs}-{task}"), &figure);
        }
    }
    for (m, n) in [(2, 3), (24, 12), (64, 60), (200, 100)] {
        let case = common::case(m, n, 20);
        let figure = interaction_matrix(&InteractionMatrix {
            tasks: case.swarm.tasks(),
            domains: case.swarm.domains(),
            laws: &case.fit.laws,
            prior: case.spec.prior.weights(),
            dead: if m == 24 { &[5] } else { &[] },
        });
        save(&format!("interaction-{m}-{n}"), &figure);
        let proposal = case.fit.proposal.as_ref().unwrap();
        let bootstrap = proposal.bootstrap.as_ref().unwrap();
        let figure = prior_and_proposed(&PriorAndProposed {
            prior: &case.spec.prior,
            proposed: &proposal.mixture,
            intervals: (m != 24).then_some(Intervals {
                weights: &bootstrap.weights,
                confidence: bootstrap.confidence,
            }),
            constraints: &case.spec.constraints,
            binding: &proposal.solution.binding,
        });
        save(&format!("domains-{m}"), &figure);
        let scores = &case.fit.out_of_fold.as_ref().unwrap().tasks;
        save(
            &format!("tasks-{n}"),
            &task_errors(case.swarm.tasks(), scores),
        );
    }
    let kl = [0.0, 0.005, 0.01, 0.05, 0.1];
    let ks = [1.0, 2.0, 3.0, 5.0];
    save(
        "sweep-64",
        &sweep(&common::sweep(64, &[1e12, 6e12], &ks, &kl)),
    );
    save(
        "sweep-3",
        &sweep(&common::sweep(3, &[1e12], &[2.0, 4.0], &[0.0, 0.05])),
    );
    save(
        "sweep-200",
        &sweep(&common::sweep(200, &[1e12, 6e12], &ks[..2], &kl)),
    );

    let notices = ["run-009 is left out: its loss on gsm8k:bpb is not a number".to_owned()];
    for (name, case, notices) in [
        ("report", common::case(64, 52, 512), &notices[..]),
        ("report-small", common::case(3, 3, 20), &[]),
        (
            "report-fit-only",
            common::fit_only(common::case(24, 12, 127)),
            &[],
        ),
        (
            "report-search",
            common::search(common::case(24, 12, 127)),
            &[],
        ),
        (
            "report-unchecked",
            common::unchecked(common::case(24, 12, 127)),
            &[],
        ),
    ] {
        let started = Instant::now();
        let html = common::report(&case, notices);
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{name}: {} kB in {:.1} ms",
            html.len() / 1000,
            1e3 * seconds
        );
        std::fs::write(folder.join(format!("{name}.html")), html).unwrap();
    }
}
