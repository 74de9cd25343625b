//! How long 55 scatter plots of 512 runs take, as SVG and as PNG:
//! `cargo run --release -p olmix-report --example png_speed`.
#![allow(clippy::pedantic, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/suite/common/mod.rs"]
mod common;

use std::time::Instant;

use olmix_report::{PredictedAgainstMeasured, predicted_against_measured};
use rayon::prelude::*;

fn main() {
    let case = common::case(64, 55, 512);
    let folds = case.fit.out_of_fold.as_ref().unwrap();
    let draw = |task: usize| {
        predicted_against_measured(&PredictedAgainstMeasured {
            title: &case.swarm.tasks()[task].name,
            subtitle: "5-fold out of fold, 512 runs",
            predicted: &folds.predictions.column(task),
            measured: &case.swarm.losses().column(task),
            scores: &folds.tasks[task],
        })
    };
    for _ in 0..3 {
        let started = Instant::now();
        let figures: Vec<_> = (0..55).into_par_iter().map(draw).collect();
        let svg = started.elapsed();
        let pngs: Vec<_> = figures
            .par_iter()
            .map(|figure| figure.png(1.0).unwrap())
            .collect();
        let bytes: usize = pngs.iter().map(Vec::len).sum();
        let total = started.elapsed();
        println!(
            "SVG {svg:.1?}, SVG and PNG {total:.1?}, {} kB",
            bytes / 1000
        );
    }
}
