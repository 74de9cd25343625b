//! Fits BiMix or AutoScale to columns given as JSON on standard input, and prints the sums of
//! squares: what `scripts/compare/least_squares.py` holds against `SciPy`.
#![allow(clippy::print_stdout)] // printing is what this is for

use std::time::Instant;

use olmix_core::Matrix;
use olmix_core::law::{AutoScaleOptions, BiMixOptions, TaskReport};
use serde::Deserialize;

#[derive(Deserialize)]
struct Request {
    law: String,
    tokens: f64,
    /// `K × m`.
    x: Vec<Vec<f64>>,
    /// `K × n`.
    y: Vec<Vec<f64>>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request: Request = serde_json::from_reader(std::io::stdin())?;
    let matrix = |rows: &[Vec<f64>]| {
        let columns = rows.first().map_or(0, Vec::len);
        Matrix::from_fn(rows.len(), columns, |i, j| rows[i][j])
    };
    let (x, y) = (matrix(&request.x), matrix(&request.y));
    let live: Vec<usize> = (0..x.columns())
        .filter(|&j| x.column(j).iter().any(|p| *p > 0.0))
        .collect();
    let start = Instant::now();
    let reports: Vec<TaskReport> = if request.law == "bimix" {
        let fitted = BiMixOptions::default().fit_tasks(&x, &live, &y, &|| ())?;
        fitted.into_iter().map(|(_, report)| report).collect()
    } else {
        let options = AutoScaleOptions {
            tokens: request.tokens,
            thorough: true,
        };
        let fitted = options.fit_tasks(&x, &live, &y, &|| ())?;
        fitted.into_iter().map(|(_, report)| report).collect()
    };
    let seconds = start.elapsed().as_secs_f64();
    let half_squares: Vec<f64> = reports.iter().map(|report| report.huber).collect();
    let converged: Vec<bool> = reports.iter().map(|report| report.converged).collect();
    println!(
        "{}",
        serde_json::json!({
            "half_squares": half_squares, "converged": converged, "seconds": seconds
        })
    );
    Ok(())
}
