//! Fits Gaussian processes to columns given as JSON on standard input, and prints likelihoods and
//! predictions: what `scripts/compare/gaussian_process.py` holds against scikit-learn.
#![allow(clippy::print_stdout)] // printing is what this is for

use std::time::Instant;

use olmix_core::Matrix;
use olmix_core::law::{GaussianProcessOptions, Kernel, Law, ProcessKernel};
use serde::Deserialize;

#[derive(Deserialize)]
struct Request {
    /// `K × m`.
    x: Vec<Vec<f64>>,
    /// `K × n`.
    y: Vec<Vec<f64>>,
    /// Mixtures to predict.
    at: Vec<Vec<f64>>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request: Request = serde_json::from_reader(std::io::stdin())?;
    let matrix = |rows: &[Vec<f64>]| {
        let columns = rows.first().map_or(0, Vec::len);
        Matrix::from_fn(rows.len(), columns, |i, j| rows[i][j])
    };
    let (x, y) = (matrix(&request.x), matrix(&request.y));
    let live: Vec<usize> = (0..x.columns()).collect();
    let start = Instant::now();
    let options = GaussianProcessOptions {
        kernel: ProcessKernel::Isotropic,
    };
    let fitted = options.fit_tasks(&x, &live, &y, &|| ())?;
    let seconds = start.elapsed().as_secs_f64();
    let tasks: Vec<serde_json::Value> = fitted
        .iter()
        .map(|(law, _)| {
            let predicted: Vec<f64> = request.at.iter().map(|p| law.predict(p)).collect();
            let length_scale = match law.kernel {
                Kernel::Isotropic { length_scale } => Some(length_scale),
                Kernel::ByDomain { .. } => None,
            };
            serde_json::json!({
                "log_likelihood": law.log_likelihood,
                "hyper": [Some(law.constant), length_scale, Some(law.noise)],
                "predicted": predicted,
            })
        })
        .collect();
    println!(
        "{}",
        serde_json::json!({"seconds": seconds, "tasks": tasks})
    );
    Ok(())
}
