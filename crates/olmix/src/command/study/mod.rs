//! `olmix study`: the questions of the method's paper, asked of one's own swarm.

mod details;
mod journal;
mod proxy_size;
mod transfer;

use olmix_core::Observer;
use olmix_core::study::{Cell, Question, Study, Summary, summarize};
use olmix_fs::{check_writable, write_whole};
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{LoadedFit, Overrides, load_fit_with};
use olmix_report::{Figure, Lines, Series, lines};
use rayon::prelude::*;

use super::{json, on_threads, refuse_measured_repetition, write_figure};
use crate::args::{StudyArgs, StudyQuestion};
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use crate::table::{number, table};
use journal::Journal;

/// Runs the cells that are not in the journal yet, then writes and prints the table.
pub fn run(args: &StudyArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        check_writable(&args.output_dir)?;
        let overrides = Overrides {
            law: args.law,
            ridge: args.laws.ridge,
            dead_domains: args.laws.dead_domains,
            folds: Some(0),
            bootstrap: Some(0),
            ..Overrides::default()
        };
        let mut loaded = load_fit_with(&args.config, &overrides)?.without_phases("olmix study")?;
        if !loaded.config.objective.is_plain() {
            return Err(Failure::usage(
                "studies judge laws and mixtures by the average loss, and the config has an `objective`",
                "remove it from the config",
            ));
        }
        refuse_measured_repetition(&loaded, "studies are about laws of weights alone")?;
        let question = match args.question {
            StudyQuestion::Of(question) => question,
            StudyQuestion::ProxySize => return proxy_size::run(args, &loaded),
            StudyQuestion::Transfer => return transfer::run(args, &overrides, &loaded),
        };
        if !args.target.is_empty() {
            return Err(Failure::usage(
                format!(
                    "--target is for the study `transfer`, not for `{}`",
                    question.name()
                ),
                "leave it out",
            ));
        }
        let quiet = args.common.quiet || args.common.json;
        if loaded.spec.target.take().is_some() {
            let notice = "target has no effect: this study is about the runs of the swarm alone";
            loaded.notices.push(notice.to_owned());
        }
        if !quiet {
            output::notices(&loaded.notices);
        }
        let study = Study::new(question, &loaded.swarm, &loaded.spec, args.seeds)
            .map_err(|error| loaded.core_error(error))?;
        let mut results = results(args, &loaded, &study, quiet)?;
        let details = study.details(&results);
        let details = details.map_err(|error| loaded.core_error(error))?;
        for (_, numbers) in &mut results {
            numbers.truncate(study.values().len());
        }
        let rows = summarize(&results);
        write(args, &study, &rows)?;
        let mut files = ["csv", "md", "svg", "png"]
            .map(|extension| format!("{}.{extension}", question.name()))
            .to_vec();
        files.extend(details::write(args, &study, &details)?);
        if args.common.json {
            let content = json(&as_json(&study, &rows))?;
            output::print_json(&String::from_utf8_lossy(&content))?;
        } else if !quiet {
            output::print(printed(&study, &rows))?;
            let folder = args.output_dir.display();
            output::print(format!("Written: {folder}/{}", files.join(", ")))?;
        }
        Ok(())
    })
}

/// The numbers of every cell, in the order of the cells: read from the journal as far as it goes.
fn results(
    args: &StudyArgs,
    loaded: &LoadedFit,
    study: &Study<'_>,
    quiet: bool,
) -> Result<Vec<(Cell, Vec<f64>)>, Failure> {
    let cells = study.cells();
    let name = study.question.name();
    let path = args.output_dir.join(format!("{name}.journal"));
    let identity = format!(
        "olmix {} study {name} {}",
        env!("CARGO_PKG_VERSION"),
        loaded.config_hash()
    );
    let journal = Journal::open(&path, &identity)?;
    let bar = Bar::new(quiet);
    bar.begin("running cells", cells.len());
    let results: Vec<(Cell, Vec<f64>)> = cells
        .into_par_iter()
        .map(|cell| {
            let values = if let Some(values) = journal.known(&cell) {
                values
            } else {
                let values = study.run(&cell).map_err(|e| loaded.core_error(e))?;
                journal.add(&cell, &values)?;
                values
            };
            bar.step();
            Ok((cell, values))
        })
        .collect::<Result<_, Failure>>()?;
    journal.finish(&identity, &results)?;
    Ok(results)
}

fn write(args: &StudyArgs, study: &Study<'_>, rows: &[Summary]) -> Result<(), Failure> {
    let name = study.question.name();
    let put = |extension: &str, bytes: &[u8]| {
        write_whole(&args.output_dir.join(format!("{name}.{extension}")), bytes)
    };
    put("csv", &csv(study.keys(), study.values(), rows)?)?;
    put("md", markdown(study, rows).as_bytes())?;
    let figure = figure(study, rows);
    write_figure(&args.output_dir, name, &figure)?;
    Ok(())
}

fn csv(keys: &[&str], values: &[&str], rows: &[Summary]) -> Result<Vec<u8>, Failure> {
    let errors: Vec<String> = values.iter().map(|v| format!("{v}_se")).collect();
    let mut header: Vec<&str> = keys.to_vec();
    header.push("seeds");
    for (value, error) in values.iter().zip(&errors) {
        header.extend([*value, error.as_str()]);
    }
    let cells = rows.iter().map(|row| {
        let mut cells = row.keys.clone();
        cells.push(row.seeds.to_string());
        for (mean, error) in row.mean.iter().zip(&row.standard_error) {
            let known = mean.is_finite();
            cells.push(if known {
                csv_number(*mean)
            } else {
                String::new()
            });
            cells.push(if known {
                csv_number(*error)
            } else {
                String::new()
            });
        }
        cells
    });
    Ok(csv_bytes("study.csv", &header, cells)?)
}

/// `0.0123 ± 0.0004`; a dash where no seed gave a number.
fn cell(mean: f64, error: f64) -> String {
    if !mean.is_finite() {
        return "–".to_owned();
    }
    format!("{} ± {}", number(Some(mean), 4), number(Some(error), 4))
}

fn text_rows(rows: &[Summary]) -> Vec<Vec<String>> {
    rows.iter()
        .map(|row| {
            let mut cells = row.keys.clone();
            let values = row.mean.iter().zip(&row.standard_error);
            cells.extend(values.map(|(mean, error)| cell(*mean, *error)));
            cells.push(row.seeds.to_string());
            cells
        })
        .collect()
}

fn header(study: &Study<'_>) -> Vec<&'static str> {
    let mut header = study.keys().to_vec();
    header.extend(study.values());
    header.push("seeds");
    header
}

fn printed(study: &Study<'_>, rows: &[Summary]) -> Page {
    table(&header(study), &text_rows(rows)) + "Means over the seeds with their standard errors.\n"
}

fn markdown(study: &Study<'_>, rows: &[Summary]) -> String {
    let header = header(study);
    let mut text = format!("| {} |\n|", header.join(" | "));
    for i in 0..header.len() {
        text += if i < study.keys().len() {
            " --- |"
        } else {
            " ---: |"
        };
    }
    text += "\n";
    for row in text_rows(rows) {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

fn as_json(study: &Study<'_>, rows: &[Summary]) -> serde_json::Value {
    let finite = |value: f64| value.is_finite().then_some(value);
    let row = |row: &Summary| {
        let mut object = serde_json::Map::new();
        for (key, value) in study.keys().iter().zip(&row.keys) {
            let number = value
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite());
            object.insert(
                (*key).to_owned(),
                number.map_or_else(|| value.clone().into(), Into::into),
            );
        }
        object.insert("seeds".to_owned(), row.seeds.into());
        for ((name, mean), error) in study
            .values()
            .iter()
            .zip(&row.mean)
            .zip(&row.standard_error)
        {
            object.insert((*name).to_owned(), finite(*mean).into());
            object.insert(format!("{name}_se"), finite(*error).into());
        }
        serde_json::Value::from(object)
    };
    rows.iter().map(row).collect()
}

/// Which key is drawn along the axis, which makes the curves, and which number is drawn.
fn figure(study: &Study<'_>, rows: &[Summary]) -> Figure {
    let (x, curve, value, title) = match study.question {
        Question::SwarmSize => (1, Some(0), 3, "Regret of the proposed mixture"),
        Question::SwarmDistribution => (1, Some(0), 3, "Regret by distribution of the swarm"),
        Question::Laws => (1, Some(0), 1, "Rank correlation with unseen runs"),
        Question::Constraints => (1, Some(0), 0, "True gain by what keeps to the caps"),
        Question::Granularity => (
            0,
            None,
            1,
            "Gain by granularity, as predicted by laws of other runs",
        ),
        Question::Regions => (
            0,
            None,
            3,
            "Error of laws chosen by folds and regions, in a region held out",
        ),
        Question::Next => (
            1,
            Some(0),
            3,
            "Regret of the proposed mixture, by how runs are chosen",
        ),
        Question::Designs => (1, Some(0), 1, "Share of the gain of all runs, by design"),
        Question::Solver => (
            0,
            None,
            1,
            "Gain by optimizer, as predicted by laws of other runs",
        ),
        Question::Reuse => (
            0,
            Some(2),
            1,
            "Gain over natural by runs, first oracle, 1T tokens",
        ),
        Question::Revision => (
            3,
            Some(2),
            study.values().len() - 1,
            "Loss above the least by the share that changed, first oracle, topics",
        ),
    };
    let by_runs = study.question == Question::Reuse;
    let of_first = by_runs || study.question == Question::Revision;
    let alike = |row: &&Summary| !of_first || row.keys[..2] == rows[0].keys[..2];
    let mut series: Vec<Series> = Vec::new();
    for (position, row) in rows.iter().filter(alike).enumerate() {
        let name = match curve {
            Some(curve) => format!("{} {}", study.keys()[curve], row.keys[curve]),
            None => format!("{}: {}", position + 1, row.keys[x]),
        };
        // Settings without a number stand side by side; no caps at all stand at the end.
        let at = match row.keys[x].parse::<f64>() {
            _ if by_runs => row.mean[x],
            Ok(at) if at.is_finite() => at,
            Ok(_) => 6.0,
            Err(_) => position as f64 + 1.0,
        };
        let point = (at, row.mean[value], row.standard_error[value]);
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => series.push(Series {
                name,
                points: vec![point],
            }),
        }
    }
    lines(&Lines {
        title,
        subtitle: &format!("mean and standard error over {} seeds", study.seeds),
        x: if by_runs {
            study.values()[x]
        } else {
            study.keys()[x]
        },
        y: study.values()[value],
        logarithmic: study.question == Question::SwarmDistribution,
        joined: true,
        series: &series,
    })
}
