//! `olmix predict`.

use std::path::PathBuf;

use olmix_core::law::Law;
use olmix_core::trust::{Scores, score};
use olmix_core::{Direction, Matrix, Task};
use olmix_fs::{is_standard_output, write_whole};
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{InputRecord, Measured, MixtureFile, Runs, load_any_mixtures, load_runs};

use super::on_threads;
use crate::args::PredictArgs;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{number, table};

/// Reads the laws, predicts every mixture, compares where something was measured.
pub fn run(args: &PredictArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let file =
            MixtureFile::read(&args.mixture)?.without_phases(&args.mixture, "olmix predict")?;
        let domains = file
            .domain_set()
            .map_err(|e| Failure::Internal(e.to_string()))?;
        let tasks = file.tasks();
        let laws = file.laws().ok_or_else(|| {
            Failure::refused(format!(
                "{}: it has no laws (it is the result of a search); fit with `regression.type: log_linear`",
                args.mixture.display()
            ))
        })?;
        let runs = match &args.metrics {
            Some(metrics) => load_runs(&args.ratios, metrics, &domains, &tasks, &file.members())?,
            None => load_any_mixtures(&args.ratios, &domains)?,
        };
        if !args.common.quiet {
            output::notices(&runs.notices);
            output::notices(&as_losses(&tasks));
            output::warnings(&fitted_runs(&file, &runs));
        }
        let predictions = Matrix::from_fn(runs.ids.len(), laws.len(), |run, task| {
            laws[task].predict(runs.mixtures.row(run))
        });
        let csv = write(args, &runs.ids, &tasks, &predictions)?;
        let everything: Vec<usize> = (0..tasks.len()).collect();
        let predicted_average = averages(&predictions, &everything, &tasks);
        let scores = runs
            .measured
            .as_ref()
            .map(|measured| compare(measured, &predictions, &tasks));
        if args.common.json {
            let value = serde_json::json!({
                "runs": runs.ids,
                "tasks": tasks.iter().map(|task| &task.name).collect::<Vec<_>>(),
                "predicted": (0..predictions.rows()).map(|k| predictions.row(k)).collect::<Vec<_>>(),
                "predicted_average": predicted_average,
                "scores": scores.as_ref().map(|all| all.iter()
                    .map(|(name, scores)| serde_json::json!({"task": name, "scores": scores}))
                    .collect::<Vec<_>>()),
            });
            output::print_json(&value.to_string())?;
        } else if !args.common.quiet && !is_standard_output(&csv) {
            output::print(family_table(&runs.ids, &tasks, &predictions))?;
            if let Some(scores) = scores {
                output::print(Page::from("\n") + score_table(&scores))?;
            }
            output::print(format!("Written: {}", csv.display()))?;
        }
        Ok(())
    })
}

/// Weighted averages per run of losses whose columns are these tasks.
fn averages(losses: &Matrix, columns: &[usize], tasks: &[Task]) -> Vec<f64> {
    let total: f64 = columns.iter().map(|&i| tasks[i].weight).sum();
    let weighted = |run| -> f64 {
        let terms = losses.row(run).iter().zip(columns);
        terms.map(|(y, &i)| y * tasks[i].weight).sum::<f64>() / total
    };
    (0..losses.rows()).map(weighted).collect()
}

/// Scores of the average, then of each task, over the tasks that were measured.
fn compare(measured: &Measured, predictions: &Matrix, tasks: &[Task]) -> Vec<(String, Scores)> {
    let found = &measured.tasks;
    let predicted = Matrix::from_fn(predictions.rows(), found.len(), |run, i| {
        predictions.get(run, found[i])
    });
    let of = |losses: &Matrix| averages(losses, found, tasks);
    let mut all = vec![(
        "average".to_owned(),
        score(&of(&predicted), &of(&measured.losses)),
    )];
    all.extend(found.iter().enumerate().map(|(i, &task)| {
        let scores = score(&predicted.column(i), &measured.losses.column(i));
        (tasks[task].name.clone(), scores)
    }));
    all
}

/// Says so where the measured runs are those that the laws were fitted to: their scores test nothing.
fn fitted_runs(file: &MixtureFile, runs: &Runs) -> Vec<String> {
    let fitted = |input: &&InputRecord| {
        let same = |known: &InputRecord| known.sha256 == input.sha256;
        file.inputs.iter().any(same)
    };
    let metrics = runs.inputs.iter().filter(|input| input.role == "metrics");
    let same = metrics.filter(fitted).map(|input| {
        format!(
            "{}: these laws were fitted to these runs, so the scores are not a test. Give runs that came \
             later; cross-validated scores of the fit are in mixture.json and in its report",
            input.path
        )
    });
    same.collect()
}

/// Which tasks are predicted in another unit than they were measured in.
fn as_losses(tasks: &[Task]) -> Vec<String> {
    let changed = tasks.iter().filter_map(|task| {
        let turned = task.direction == Direction::Max;
        let loss = match (turned, task.offset > 0.0) {
            (false, false) => return None,
            (true, false) => "1 − metric".to_owned(),
            (false, true) => format!("metric + {}", csv_number(task.offset)),
            (true, true) => format!("1 − metric + {}", csv_number(task.offset)),
        };
        Some(format!("`{}` is predicted as a loss: {loss}", task.name))
    });
    changed.collect()
}

/// Predicted loss of every run: the average of each family, and of all tasks.
fn family_table(ids: &[String], tasks: &[Task], predictions: &Matrix) -> Page {
    let mut families: Vec<&str> = Vec::new();
    for task in tasks {
        if !families.contains(&task.family.as_str()) {
            families.push(&task.family);
        }
    }
    let mean = |run: usize, belongs: &dyn Fn(&Task) -> bool| {
        let (mut weight, mut loss) = (0.0, 0.0);
        for (task, y) in tasks.iter().zip(predictions.row(run)) {
            if belongs(task) {
                weight += task.weight;
                loss += task.weight * y;
            }
        }
        number(Some(loss / weight), 4)
    };
    let rows: Vec<Vec<String>> = ids
        .iter()
        .enumerate()
        .map(|(run, id)| {
            let mut row = vec![id.clone(), mean(run, &|_| true)];
            row.extend(
                families
                    .iter()
                    .map(|family| mean(run, &|task| task.family == *family)),
            );
            row
        })
        .collect();
    let mut header = vec!["run", "all tasks"];
    header.extend(families);
    table(&header, &rows)
}

/// Writes the predictions of every task; says where.
fn write(
    args: &PredictArgs,
    ids: &[String],
    tasks: &[Task],
    predictions: &Matrix,
) -> Result<PathBuf, Failure> {
    let beside = || args.mixture.with_file_name("predictions.csv");
    let path = args.output.clone().unwrap_or_else(beside);
    let mut header = vec!["run", "average"];
    header.extend(tasks.iter().map(|task| task.name.as_str()));
    let rows: Vec<Vec<String>> = ids
        .iter()
        .enumerate()
        .map(|(k, id)| {
            let losses = predictions.row(k);
            let average = losses
                .iter()
                .zip(tasks)
                .map(|(y, task)| y * task.weight)
                .sum();
            let mut row = vec![id.clone(), csv_number(average)];
            row.extend(losses.iter().map(|&loss| csv_number(loss)));
            row
        })
        .collect();
    let bytes = csv_bytes(&path.display().to_string(), &header, rows)?;
    write_whole(&path, &bytes)?;
    Ok(path)
}

fn score_table(scores: &[(String, Scores)]) -> Page {
    let rows: Vec<Vec<String>> = scores
        .iter()
        .map(|(name, scores)| {
            vec![
                name.clone(),
                number(scores.pearson, 3),
                number(scores.spearman, 3),
                number(Some(scores.rmse), 4),
                number(Some(scores.bias), 4),
            ]
        })
        .collect();
    table(&["task", "Pearson", "Spearman", "RMSE", "bias"], &rows)
}
