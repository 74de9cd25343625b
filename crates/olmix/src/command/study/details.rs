//! A study's further tables: what freezing cost and how domains are coupled, of the study of reuse.

use olmix_core::study::{Cell, Detail, Study, summarize};
use olmix_fs::write_whole;
use olmix_report::{BarRow, Bars, Figure, Lines, Series, bars, lines};

use super::csv;
use crate::args::StudyArgs;
use crate::command::write_figure;
use crate::failure::Failure;

/// Writes a CSV file and a figure for each, and returns their names.
pub fn write(
    args: &StudyArgs,
    study: &Study<'_>,
    details: &[Detail],
) -> Result<Vec<String>, Failure> {
    let mut written = Vec::new();
    for detail in details {
        let name = format!("{}-{}", study.question.name(), detail.name);
        let mut keys = study.keys().to_vec();
        keys.push(detail.key);
        let file = format!("{name}.csv");
        let bytes = csv(&keys, detail.values, &summarize(&detail.results))?;
        write_whole(&args.output_dir.join(&file), &bytes)?;
        written.push(file);
        // Figures show the first oracle; of what depends on them, the first target and the most runs.
        let first =
            |cell: &Cell| Some(&cell.keys[0]) == detail.results.first().map(|(c, _)| &c.keys[0]);
        let here: Vec<&(Cell, Vec<f64>)> =
            detail.results.iter().filter(|(c, _)| first(c)).collect();
        let figure = match detail.name {
            "steps" => gaps(&here),
            _ => coupling(&here, study.seeds),
        };
        written.extend(write_figure(&args.output_dir, &name, &figure)?);
    }
    Ok(written)
}

/// A point for each method that freezes, target, number of runs and seed: what its ratios are off,
/// and what that costs.
fn gaps(results: &[&(Cell, Vec<f64>)]) -> Figure {
    let mut series: Vec<Series> = Vec::new();
    for (cell, numbers) in results {
        let update = cell.keys.last().map_or("", String::as_str);
        let point = (numbers[0], 100.0 * numbers[1], 0.0);
        match series.iter_mut().find(|series| series.name == update) {
            Some(series) => series.points.push(point),
            None => series.push(Series {
                name: update.to_owned(),
                points: vec![point],
            }),
        }
    }
    lines(&Lines {
        title: "Reuse gap against performance gap, by update",
        subtitle: "first oracle; a point per method that freezes, target, number of runs and seed",
        x: "reuse gap: distance of the frozen ratios from the optimum's",
        y: "performance gap, % of the loss",
        logarithmic: false,
        joined: false,
        series: &series,
    })
}

/// What each domain adds to `κ`, by the oracle's laws and by those fitted with the most runs.
fn coupling(results: &[&(Cell, Vec<f64>)], seeds: usize) -> Figure {
    let owned: Vec<(Cell, Vec<f64>)> = results.iter().map(|&result| result.clone()).collect();
    let rows = summarize(&owned);
    let runs = |keys: &[String]| keys[3].parse::<f64>().unwrap_or(0.0);
    let most = rows.iter().map(|row| runs(&row.keys)).fold(0.0, f64::max);
    let target = rows.first().map_or("", |row| row.keys[1].as_str());
    let mut drawn: Vec<BarRow> = rows
        .iter()
        .filter(|row| row.keys[1] == target && runs(&row.keys) >= most)
        .map(|row| BarRow {
            name: row.keys.last().cloned().unwrap_or_default(),
            bar: row.mean[2],
            mark: (row.mean[0], row.standard_error[0]),
        })
        .collect();
    drawn.sort_by(|a, b| b.bar.total_cmp(&a.bar));
    bars(&Bars {
        title: "Coupling by domain when code is added",
        subtitle: &format!(
            "first oracle; fitted: c = {most}, {target} tokens, mean and standard error over {seeds} seeds"
        ),
        axis: "what the domain adds to the coupling κ (in squares)",
        legend: ["the oracle's laws", "laws fitted to the pilot"],
        rows: &drawn,
    })
}
