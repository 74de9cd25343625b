//! `olmix predict`.

use olmix_core::law::Law;
use olmix_core::trust::{Scores, score};
use olmix_core::{Matrix, Task};
use olmix_io::{MixtureFile, csv_bytes, csv_number, load_mixtures, load_runs, write_whole};

use super::on_threads;
use crate::args::PredictArgs;
use crate::failure::Failure;
use crate::output;
use crate::table::{number, table};

/// Reads the laws, predicts every mixture, compares where something was measured.
pub fn run(args: &PredictArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let file = MixtureFile::read(&args.mixture)?;
        let domains = file
            .domain_set()
            .map_err(|e| Failure::Internal(e.to_string()))?;
        let tasks = file.tasks();
        let laws = file.laws().ok_or_else(|| {
            Failure::Usage(format!(
                "{}: it holds no laws (it came from a search); fit with `regression.type: log_linear`",
                args.mixture.display()
            ))
        })?;
        let runs = match &args.metrics {
            Some(metrics) => load_runs(&args.ratios, metrics, &domains, &tasks, &file.members())?,
            None => load_mixtures(&args.ratios, &domains)?,
        };
        if !args.common.quiet {
            output::notices(&runs.notices);
        }
        let predictions = Matrix::from_fn(runs.ids.len(), laws.len(), |run, task| {
            laws[task].predict(runs.mixtures.row(run))
        });
        let measured = runs.measured.as_ref().map(|measured| &measured.losses);
        write(args, &runs.ids, &tasks, &predictions)?;
        let average = |losses: &Matrix| -> Vec<f64> {
            let weighted = |run| {
                losses
                    .row(run)
                    .iter()
                    .zip(&tasks)
                    .map(|(y, t)| y * t.weight)
                    .sum()
            };
            (0..losses.rows()).map(weighted).collect()
        };
        let predicted_average = average(&predictions);
        let scores = measured.map(|measured| {
            let mut all = vec![(
                "average".to_owned(),
                score(&predicted_average, &average(measured)),
            )];
            all.extend(tasks.iter().enumerate().map(|(i, task)| {
                (
                    task.name.clone(),
                    score(&predictions.column(i), &measured.column(i)),
                )
            }));
            all
        });
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
            output::print(&value.to_string());
        } else if !args.common.quiet {
            if let Some(scores) = scores {
                output::print(&score_table(&scores));
            } else {
                let rows: Vec<Vec<String>> = runs
                    .ids
                    .iter()
                    .zip(&predicted_average)
                    .map(|(id, &loss)| vec![id.clone(), number(Some(loss), 4)])
                    .collect();
                output::print(&table(&["run", "predicted average loss"], &rows));
            }
        }
        Ok(())
    })
}

fn write(
    args: &PredictArgs,
    ids: &[String],
    tasks: &[Task],
    predictions: &Matrix,
) -> Result<(), Failure> {
    let Some(path) = &args.output else {
        return Ok(());
    };
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
    write_whole(
        path,
        &csv_bytes(&path.display().to_string(), &header, rows)?,
    )?;
    Ok(())
}

fn score_table(scores: &[(String, Scores)]) -> String {
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
