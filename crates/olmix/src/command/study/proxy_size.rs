//! RQ1: do small proxies rank mixtures as larger models do?

use std::path::Path;

use olmix_core::study::{proxy_size, runs_in_both};
use olmix_core::trust::Scores;
use olmix_core::{Matrix, Swarm};
use olmix_fs::write_whole;
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{LoadedFit, load_runs};
use olmix_report::{PredictedAgainstMeasured, predicted_against_measured};

use crate::args::StudyArgs;
use crate::command::{json, write_figure};
use crate::failure::Failure;
use crate::output;
use crate::table::{number, table};

/// Compares the config's metrics with those of `--against`, run by run.
pub fn run(args: &StudyArgs, loaded: &LoadedFit) -> Result<(), Failure> {
    let Some(against) = &args.against else {
        return Err(Failure::refused(
            "the study `proxy-size` compares two metrics files: name the second by --against FILE",
        ));
    };
    let (own, other) = both(args, loaded, against)?;
    let found = proxy_size(&own, &other).map_err(|error| loaded.core_error(error))?;
    let average = [("average".to_owned(), found.average)];
    let rows: Vec<&(String, Scores)> = found.tasks.iter().chain(&average).collect();
    let runs = own.len().to_string();
    let table_rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, scores)| {
            vec![
                name.clone(),
                number(scores.spearman, 4),
                number(scores.pearson, 4),
                runs.clone(),
            ]
        })
        .collect();

    let header = ["task", "spearman", "pearson", "runs"];
    let optional = |value: Option<f64>| value.map_or_else(String::new, csv_number);
    let csv = rows.iter().map(|(name, scores)| {
        vec![
            name.clone(),
            optional(scores.spearman),
            optional(scores.pearson),
            runs.clone(),
        ]
    });
    let csv = csv_bytes("proxy-size.csv", &header, csv)?;
    let mut markdown =
        "| task | spearman | pearson | runs |\n| --- | ---: | ---: | ---: |\n".to_owned();
    for row in &table_rows {
        markdown += &format!("| {} |\n", row.join(" | "));
    }
    let figure = predicted_against_measured(&PredictedAgainstMeasured {
        title: "Average loss of small and of large models",
        subtitle: "same mixtures; small models as the prediction",
        predicted: &found.small,
        measured: &found.large,
        scores: &found.average,
    });
    let put = |name: &str, bytes: &[u8]| write_whole(&args.output_dir.join(name), bytes);
    put("proxy-size.csv", &csv)?;
    put("proxy-size.md", markdown.as_bytes())?;
    write_figure(&args.output_dir, "proxy-size", &figure)?;
    if args.common.json {
        let object = |(task, scores): &&(String, Scores)| {
            serde_json::json!({
                "task": task,
                "spearman": scores.spearman,
                "pearson": scores.pearson,
                "runs": own.len(),
            })
        };
        let rows: Vec<serde_json::Value> = rows.iter().map(object).collect();
        output::print_json(&String::from_utf8_lossy(&json(&rows)?))?;
    } else if !args.common.quiet {
        output::print(table(&header, &table_rows))?;
        output::print(format!(
            "Written: {}/proxy-size.csv, proxy-size.md, proxy-size.svg, proxy-size.png",
            args.output_dir.display()
        ))?;
    }
    Ok(())
}

/// The runs that are complete in both, with the tasks that both have: the config's swarm, and the
/// other losses (runs × tasks).
fn both(args: &StudyArgs, loaded: &LoadedFit, against: &Path) -> Result<(Swarm, Matrix), Failure> {
    let swarm = &loaded.swarm;
    let Some(files) = &loaded.config.swarm else {
        return Err(Failure::refused("the config names no swarm"));
    };
    let (ratios, tasks) = (&files.ratios_path, swarm.tasks());
    let runs = load_runs(ratios, against, swarm.domains(), tasks, &loaded.members)?;
    if !args.common.quiet {
        output::notices(&runs.notices);
    }
    let Some(measured) = runs.measured else {
        return Err(Failure::Internal(
            "measurements were read and are not there".into(),
        ));
    };
    // A run may be complete in one file and not in the other.
    let (rows, theirs) = runs_in_both(swarm, &runs.ids);
    if rows.len() < 3 {
        return Err(Failure::refused(format!(
            "{}: {} of its runs are complete in the config's swarm too, too few to compare; give \
             metrics of the same mixtures under the same run ids",
            against.display(),
            rows.len()
        )));
    }
    let own = swarm.subset(&rows).with_tasks(&measured.tasks);
    let other = measured.losses.select_rows(&theirs);
    Ok((own, other))
}
