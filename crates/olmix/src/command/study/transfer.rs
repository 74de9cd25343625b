//! What laws of small models are worth for larger ones: `olmix study transfer`.

use olmix_core::study::{CalibratedTransfer, Transfer, TransferScores, transfer};
use olmix_fs::write_whole;
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{LoadedFit, Overrides, load_fit_with};
use serde_json::json;

use crate::args::StudyArgs;
use crate::command::json;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{number, table};

/// A target, by name, and how the laws transfer to it.
type OfTarget = (String, Vec<Transfer>);

/// Studies the config's target, or each that is given.
pub fn run(args: &StudyArgs, overrides: &Overrides, loaded: &LoadedFit) -> Result<(), Failure> {
    let mut targets: Vec<OfTarget> = Vec::new();
    if args.target.is_empty() {
        let name = loaded
            .config
            .target
            .as_ref()
            .map(|files| files.metrics.clone());
        targets.push((name.unwrap_or_default(), of_target(args, loaded)?));
    }
    for tables in &args.target {
        let mut overrides = overrides.clone();
        overrides.edits.extend(tables.edits());
        let loaded =
            load_fit_with(&args.config, &overrides)?.without_phases("olmix study transfer")?;
        targets.push((tables.metrics.clone(), of_target(args, &loaded)?));
    }
    let put = |name: &str, bytes: &[u8]| write_whole(&args.output_dir.join(name), bytes);
    put("transfer.csv", &csv(&targets)?)?;
    put("transfer.md", markdown(&targets).as_bytes())?;
    if args.common.json {
        let content = json(&as_json(&targets))?;
        return output::print_json(&String::from_utf8_lossy(&content));
    }
    if args.common.quiet {
        return Ok(());
    }
    for (name, laws) in &targets {
        let mut page = Page::from(format!("Target {name}\n"));
        page += table(&RANKS, &ranks(laws));
        page += "\n";
        page += table(&CALIBRATED, &calibrated(laws));
        output::print(page + "\n")?;
    }
    let folder = args.output_dir.display();
    output::print(format!(
        "Scores are of target runs that did not calibrate; of drawn runs, means over {} draws.\nWritten: \
         {folder}/transfer.csv, transfer.md",
        args.seeds
    ))
}

fn of_target(args: &StudyArgs, loaded: &LoadedFit) -> Result<Vec<Transfer>, Failure> {
    let Some(target) = &loaded.spec.target else {
        return Err(Failure::usage(
            "the study `transfer` needs runs of a larger model, or of a longer horizon",
            "name them in the config's `target`, or by --target RATIOS,METRICS",
        ));
    };
    if !args.common.quiet && !args.common.json {
        output::notices(&loaded.notices);
    }
    let spec = &loaded.spec;
    let mut laws = spec.every_law();
    match (args.law, spec.law_options()) {
        (Some(law), Some(options)) => laws = vec![(law.name(), options)],
        (None, Some(options)) if laws.iter().all(|(_, law)| *law != options) => {
            laws.insert(0, ("the config's", options));
        }
        _ => {}
    }
    let (prior, seed) = (spec.prior.weights(), spec.seed);
    transfer(&loaded.swarm, target, prior, &laws, args.seeds, seed)
        .map_err(|error| loaded.core_error(error).into())
}

const RANKS: [&str; 5] = ["law", "average", "median task", "least task", "tasks"];
const CALIBRATED: [&str; 9] = [
    "law",
    "target runs",
    "chosen",
    "ranks",
    "calibrated",
    "regret",
    "calibrated",
    "RMSE",
    "calibrated",
];

/// Rank correlations with the target, without calibration.
fn ranks(laws: &[Transfer]) -> Vec<Vec<String>> {
    laws.iter()
        .map(|law| {
            let (median, least) = spread(law);
            vec![
                law.law.to_owned(),
                number(law.average, 3),
                number(median, 3),
                number(least, 3),
                law.tasks.len().to_string(),
            ]
        })
        .collect()
}

/// Median and least rank correlation of the tasks.
fn spread(law: &Transfer) -> (Option<f64>, Option<f64>) {
    let mut known: Vec<f64> = law.tasks.iter().copied().flatten().collect();
    known.sort_by(f64::total_cmp);
    let upper = known.get(known.len() / 2);
    let lower = known.get(known.len().saturating_sub(1) / 2);
    let median = upper.zip(lower).map(|(a, b)| 0.5 * (a + b));
    (median, known.first().copied())
}

fn chosen(row: &CalibratedTransfer) -> &'static str {
    if row.planned { "planned" } else { "drawn" }
}

fn calibrated(laws: &[Transfer]) -> Vec<Vec<String>> {
    let rows = laws.iter().flat_map(|law| {
        law.calibrated.iter().map(|row| {
            let (before, after) = (&row.level, &row.calibrated);
            let mut cells = vec![
                law.law.to_owned(),
                row.runs.to_string(),
                chosen(row).to_owned(),
            ];
            cells.extend([before.spearman, after.spearman].map(|value| number(Some(value), 3)));
            let others = [before.regret, after.regret, before.rmse, after.rmse];
            cells.extend(others.map(|value| number(Some(value), 4)));
            cells
        })
    });
    rows.collect()
}

fn csv(targets: &[OfTarget]) -> Result<Vec<u8>, Failure> {
    let header = [
        "target",
        "law",
        "runs",
        "chosen",
        "spearman",
        "spearman_calibrated",
        "regret",
        "regret_calibrated",
        "rmse",
        "rmse_calibrated",
    ];
    let known = |value: f64| {
        if value.is_finite() {
            csv_number(value)
        } else {
            String::new()
        }
    };
    let rows = targets.iter().flat_map(|(target, laws)| {
        laws.iter().flat_map(move |law| {
            law.calibrated.iter().map(move |row| {
                let (before, after) = (&row.level, &row.calibrated);
                let mut cells = vec![
                    target.clone(),
                    law.law.to_owned(),
                    row.runs.to_string(),
                    chosen(row).to_owned(),
                ];
                let pairs = [
                    before.spearman,
                    after.spearman,
                    before.regret,
                    after.regret,
                    before.rmse,
                    after.rmse,
                ];
                cells.extend(pairs.map(known));
                cells
            })
        })
    });
    Ok(csv_bytes("transfer.csv", &header, rows)?)
}

fn markdown(targets: &[OfTarget]) -> String {
    let mut text = String::new();
    let put = |header: &[&str], rows: &[Vec<String>]| {
        let mut text = format!(
            "| {} |\n|{}\n",
            header.join(" | "),
            " --- |".repeat(header.len())
        );
        for row in rows {
            text += &format!("| {} |\n", row.join(" | "));
        }
        text + "\n"
    };
    for (name, laws) in targets {
        text += &format!("Target {name}:\n\n");
        text += &put(&RANKS, &ranks(laws));
        text += &put(&CALIBRATED, &calibrated(laws));
    }
    text
}

fn as_json(targets: &[OfTarget]) -> serde_json::Value {
    let finite = |value: f64| value.is_finite().then_some(value);
    let scores = |scores: &TransferScores| json!({"spearman": finite(scores.spearman), "regret": finite(scores.regret), "rmse": finite(scores.rmse)});
    let row = |row: &CalibratedTransfer| {
        json!({
            "runs": row.runs,
            "chosen": chosen(row),
            "level": scores(&row.level),
            "calibrated": scores(&row.calibrated),
        })
    };
    let law = |law: &Transfer| {
        json!({
            "law": law.law,
            "tasks": law.tasks,
            "average": law.average,
            "calibrated": law.calibrated.iter().map(row).collect::<Vec<_>>(),
        })
    };
    let target = |(name, laws): &OfTarget| json!({"target": name, "laws": laws.iter().map(law).collect::<Vec<_>>()});
    targets.iter().map(target).collect()
}
