//! Boosted trees for `scripts/compare/boosted_trees.py`: a swarm with evaluation runs as JSON on
//! standard input, predictions for these and times as JSON on standard output.
#![allow(clippy::print_stdout)] // the output is what it is for

use std::error::Error;
use std::time::Instant;

use olmix_core::Matrix;
use olmix_core::law::{BoostedTreesOptions, Law};
use serde_json::{Value, json};

fn matrix(value: &Value) -> Result<Matrix, Box<dyn Error>> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone())?;
    let columns = rows.first().map_or(0, Vec::len);
    Ok(Matrix::from_fn(rows.len(), columns, |i, j| rows[i][j]))
}

fn main() -> Result<(), Box<dyn Error>> {
    let input: Value = serde_json::from_reader(std::io::stdin())?;
    let (x, y) = (matrix(&input["x"])?, matrix(&input["y"])?);
    let (x_eval, y_eval) = (matrix(&input["x_eval"])?, matrix(&input["y_eval"])?);
    let options = BoostedTreesOptions::default();

    let mut tasks = Vec::new();
    for task in 0..y.columns() {
        let (y, y_eval) = (y.column(task), y_eval.column(task));
        let start = Instant::now();
        let (law, _) = options.fit_with_evaluation(&x, &y, &x_eval, &y_eval)?;
        let seconds = start.elapsed().as_secs_f64();
        let predicted = |k| law.predict(x_eval.row(k));
        tasks.push(json!({
            "rounds": law.roots.len(),
            "seconds": seconds,
            "predicted": (0..x_eval.rows()).map(predicted).collect::<Vec<f64>>(),
        }));
    }

    // As in the pipeline: all tasks, on all threads, rounds found by runs set aside.
    let live: Vec<usize> = (0..x.columns())
        .filter(|&j| x.column(j).iter().any(|weight| *weight > 0.0))
        .collect();
    let start = Instant::now();
    let laws = options.fit_tasks(&x, &live, &y, &|| ())?;
    let fit_tasks = start.elapsed().as_secs_f64();
    let rounds: usize = laws.iter().map(|(law, _)| law.roots.len()).sum();

    let start = Instant::now();
    let mut sum = 0.0;
    let mut count = 0;
    while count < 20_000 {
        for (law, _) in &laws {
            for k in 0..x.rows() {
                sum += law.predict(x.row(k));
                count += 1;
            }
        }
    }
    let predict = start.elapsed().as_secs_f64() / f64::from(count);
    let report = json!({
        "tasks": tasks,
        "fit_tasks_seconds": fit_tasks,
        "fit_tasks_rounds": rounds,
        "predict_seconds": predict,
        "mean_prediction": sum / f64::from(count),
    });
    println!("{report}");
    Ok(())
}
