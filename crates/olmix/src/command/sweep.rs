//! `olmix sweep`.

mod front;

use olmix_core::{Observer, Sweep, SweepCell, SweepGrid, fit, sweep};
use olmix_fs::{check_writable, write_whole};
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{Overrides, fit_warnings, load_fit_with};

use super::{on_threads, refuse_measured_repetition, write_figure};
use crate::args::SweepArgs;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;
use crate::table::{number, table};

/// Strengths of the KL term where none are given.
const KL: [f64; 5] = [0.0, 0.005, 0.01, 0.05, 0.1];

/// Fits once, solves every cell, writes and prints.
pub fn run(args: &SweepArgs) -> Result<(), Failure> {
    for (flag, values, least) in [
        ("--target-tokens", &args.target_tokens, f64::MIN_POSITIVE),
        ("--repetition", &args.repetition, f64::MIN_POSITIVE),
        ("--kl", &args.kl, 0.0),
    ] {
        if let Some(bad) = values.iter().find(|v| !(v.is_finite() && **v >= least)) {
            let rule = if least > 0.0 {
                "a number above 0"
            } else {
                "a number that is not negative"
            };
            return Err(Failure::refused(format!("{flag} {bad}: it must be {rule}")));
        }
    }
    if !args.objective.is_empty() {
        return front::run(args);
    }
    on_threads(args.common, || {
        let overrides = Overrides {
            ridge: args.laws.ridge,
            dead_domains: args.laws.dead_domains,
            ..Overrides::default()
        };
        let mut loaded = load_fit_with(&args.config, &overrides)?.without_phases("olmix sweep")?;
        refuse_measured_repetition(&loaded, "a sweep varies token caps")?;
        check_writable(&args.output_dir)?;
        loaded.spec.optimizer = None;
        let quiet = args.common.quiet || args.common.json;
        if !quiet {
            output::notices(&loaded.notices);
        }
        let bar = Bar::new(quiet);
        let fitted = fit(&loaded.swarm, &loaded.spec, &bar).map_err(|e| loaded.core_error(e))?;
        let mut target_tokens = args.target_tokens.clone();
        if target_tokens.is_empty() {
            target_tokens.extend(loaded.config.constraints.target_tokens);
        }
        let grid = SweepGrid {
            target_tokens,
            repetition: args.repetition.clone(),
            kl: if args.kl.is_empty() {
                KL.to_vec()
            } else {
                args.kl.clone()
            },
        };
        let swarm = loaded.swarm.subset(&fitted.train);
        bar.begin("solving cells", grid.cells());
        let swept = sweep(&swarm, &loaded.spec, &fitted, &grid, &|| bar.step())
            .map_err(|e| loaded.core_error(e))?;
        drop(bar);
        if !args.common.quiet {
            output::warnings(&fit_warnings(&fitted, &swarm, &loaded.spec));
        }
        if let (true, Some(problem)) = (
            swept.cells.iter().all(|cell| cell.outcome.is_err()),
            problems(&swept).first(),
        ) {
            return Err(Failure::refused(format!(
                "no cell has a mixture. Where {problem}"
            )));
        }
        let csv = args.output_dir.join("sweep.csv");
        let mut header: Vec<&str> = HEADER.to_vec();
        header.extend(swarm.domains().names());
        let rows: Vec<Vec<String>> = swept
            .cells
            .iter()
            .map(|cell| row(cell, header.len()))
            .collect();
        let figure = olmix_report::sweep(&swept);
        write_whole(
            &csv,
            &csv_bytes(&csv.display().to_string(), &header, rows.clone())?,
        )?;
        write_figure(&args.output_dir, "sweep", &figure)?;
        if args.common.json {
            let cells: Vec<serde_json::Value> =
                rows.iter().map(|row| cell_json(&header, row)).collect();
            output::print_json(&serde_json::Value::Array(cells).to_string())?;
        } else if !quiet {
            let rows: Vec<Vec<String>> = swept.cells.iter().map(printed).collect();
            let header = [
                "target tokens",
                "k",
                "λ",
                "predicted",
                "caps bind",
                "effective domains",
            ];
            output::print(table(&header, &rows))?;
            for problem in problems(&swept) {
                output::print(format!("No mixture where {problem}"))?;
            }
            output::print(format!("Prior: {:.4}", swept.natural))?;
            output::print(format!("Written: {}, sweep.svg, sweep.png", csv.display()))?;
        }
        Ok(())
    })
}

/// Why cells have no mixture: each reason once, with the limits it was found at.
fn problems(swept: &Sweep) -> Vec<String> {
    let mut problems: Vec<(String, &str)> = Vec::new();
    for cell in &swept.cells {
        if let Err(problem) = &cell.outcome {
            let limits = match (cell.target_tokens, cell.repetition) {
                (Some(r), Some(k)) => format!("R = {r:e}, k = {k}"),
                _ => "there are no caps".to_owned(),
            };
            if !problems.iter().any(|(seen, _)| *seen == limits) {
                problems.push((limits, problem));
            }
        }
    }
    problems
        .into_iter()
        .map(|(limits, problem)| format!("{limits}: {problem}"))
        .collect()
}

/// A row as JSON: the mixture is an object of its own, so that no domain's name is taken for a
/// field.
fn cell_json(header: &[&str], row: &[String]) -> serde_json::Value {
    let mut fields = serde_json::Map::new();
    let mut mixture = serde_json::Map::new();
    for (position, (&name, cell)) in header.iter().zip(row).enumerate() {
        let into = if position < HEADER.len() {
            &mut fields
        } else {
            &mut mixture
        };
        into.insert(name.to_owned(), as_json(cell));
    }
    fields.insert("mixture".to_owned(), mixture.into());
    fields.into()
}

/// A CSV cell as JSON: a number where it is one, null where it is empty.
fn as_json(cell: &str) -> serde_json::Value {
    if let Ok(whole) = cell.parse::<u64>() {
        return whole.into();
    }
    match cell.parse::<f64>() {
        Ok(number) => number.into(),
        Err(_) if cell.is_empty() => serde_json::Value::Null,
        Err(_) => cell.into(),
    }
}

const HEADER: [&str; 7] = [
    "target_tokens",
    "repetition_factor",
    "kl_reg",
    "predicted",
    "caps_binding",
    "effective_domains",
    "problem",
];

fn row(cell: &SweepCell, width: usize) -> Vec<String> {
    let optional = |value: Option<f64>| value.map_or_else(String::new, csv_number);
    let mut row = vec![
        optional(cell.target_tokens),
        optional(cell.repetition),
        csv_number(cell.kl),
    ];
    match &cell.outcome {
        Ok(found) => {
            row.push(csv_number(found.predicted));
            row.push(found.caps_binding.to_string());
            row.push(csv_number(found.mixture.effective_domains()));
            row.push(String::new());
            row.extend(found.mixture.weights().iter().map(|&p| csv_number(p)));
        }
        Err(problem) => {
            row.extend([String::new(), String::new(), String::new(), problem.clone()]);
        }
    }
    row.resize(width, String::new());
    row
}

fn printed(cell: &SweepCell) -> Vec<String> {
    let limits = |value: Option<f64>| value.map_or_else(|| "–".into(), |v| format!("{v:e}"));
    let k = cell
        .repetition
        .map_or_else(|| "–".into(), |k| format!("{k}"));
    let (predicted, caps, effective) = match &cell.outcome {
        Ok(found) => (
            number(Some(found.predicted), 4),
            found.caps_binding.to_string(),
            number(Some(found.mixture.effective_domains()), 1),
        ),
        Err(_) => ("no mixture".into(), "–".into(), "–".into()),
    };
    vec![
        limits(cell.target_tokens),
        k,
        format!("{}", cell.kl),
        predicted,
        caps,
        effective,
    ]
}
