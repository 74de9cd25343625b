//! `olmix plan --calibrate`: which mixtures to train at the target.

use std::path::Path;

use olmix_core::calibrate::{CalibrationPlan, TypicalSlopes, plan_calibration};
use olmix_core::{Fit, FitSpec, fit};
use olmix_fs::write_whole;
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{LoadedFit, Overrides, load_fit_with};
use serde_json::json;

use super::on_threads;
use crate::args::PlanArgs;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use crate::table::{number, percent, table};

/// Fits, chooses the mixtures, prints and writes them.
pub fn plan(args: &PlanArgs, count: usize, config: &Path) -> Result<(), Failure> {
    let common = args.project.common;
    on_threads(common, || {
        let overrides = Overrides {
            folds: Some(0),
            bootstrap: Some(0),
            ..Overrides::default()
        };
        let loaded = load_fit_with(config, &overrides)?.without_phases("olmix plan --calibrate")?;
        let quiet = common.quiet || common.json;
        if !quiet {
            output::notices(&loaded.notices);
        }
        let bar = Bar::new(quiet);
        let fit = fit(&loaded.swarm, &loaded.spec, &bar).map_err(|e| loaded.core_error(e))?;
        drop(bar);
        if fit.laws.is_empty() {
            return Err(Failure::refused(format!(
                "{}: --calibrate is about laws, and the config fits none; set regression.type to a law, such as log_linear",
                config.display()
            )));
        }
        let plan = chosen(&loaded, &fit, count)?;
        if let Some(folder) = &args.write {
            write_whole(&folder.join("ratios.csv"), &ratios(&loaded, &plan)?)?;
        }
        if common.json {
            return output::print_json(&as_json(&loaded, &plan).to_string());
        }
        if common.quiet {
            return Ok(());
        }
        output::print(described(&loaded, &plan))?;
        match &args.write {
            Some(folder) => output::print(format!("Written: {}/ratios.csv", folder.display())),
            None => Ok(()),
        }
    })
}

/// The plan among the mixtures of the proxies, the proposed one and the prior, as far as laws know them.
fn chosen(loaded: &LoadedFit, fit: &Fit, count: usize) -> Result<CalibrationPlan, Failure> {
    let trained = loaded.swarm.subset(&fit.train);
    let mut candidates: Vec<(String, Vec<f64>)> = (0..trained.len())
        .map(|k| {
            (
                trained.runs()[k].clone(),
                trained.mixtures().row(k).to_vec(),
            )
        })
        .collect();
    if let Some(proposal) = &fit.proposal {
        candidates.push(("proposed".into(), proposal.mixture.weights().to_vec()));
    }
    candidates.push(("prior".into(), loaded.spec.prior.weights().to_vec()));
    // Of a domain that no proxy sampled, no law can be calibrated.
    candidates.retain(|(_, p)| fit.dead.iter().all(|&j| p[j] == 0.0));
    let FitSpec { target, .. } = &loaded.spec;
    let begun: Vec<Vec<f64>> = target
        .iter()
        .flat_map(|runs| (0..runs.len()).map(|k| runs.mixtures().row(k).to_vec()))
        .collect();
    let slopes = fit.calibration.as_ref().map(|calibration| TypicalSlopes {
        noise: calibration.slopes.noise(),
        spread: calibration.slopes.spread(),
    });
    plan_calibration(
        fit.proxy_laws(),
        &trained,
        &candidates,
        &begun,
        count,
        slopes.unwrap_or_default(),
    )
    .map_err(|error| loaded.core_error(error).into())
}

fn described(loaded: &LoadedFit, plan: &CalibrationPlan) -> Page {
    let names: Vec<&str> = loaded.swarm.domains().names().collect();
    let rows: Vec<Vec<String>> = plan
        .runs
        .iter()
        .map(|run| {
            let mut parts: Vec<(f64, &str)> = run
                .weights
                .iter()
                .copied()
                .zip(names.iter().copied())
                .collect();
            parts.sort_by(|a, b| b.0.total_cmp(&a.0));
            let heaviest = parts.iter().take(3).filter(|part| part.0 > 0.0);
            let heaviest: Vec<String> = heaviest
                .map(|(weight, name)| format!("{} {name}", percent(*weight)))
                .collect();
            vec![
                run.name.clone(),
                number(Some(run.predicted), 4),
                heaviest.join(", "),
            ]
        })
        .collect();
    let mut text = Page::default();
    text.strong("Train these mixtures at the target; their runs calibrate the laws (`target` in the config):\n");
    text += table(&["mixture", "proxy loss", "heaviest domains"], &rows);
    text += "\n";
    let worth: Vec<Vec<String>> = plan
        .worth
        .iter()
        .map(|(runs, left, correlation)| {
            vec![
                runs.to_string(),
                percent(*left),
                number(Some(*correlation), 3),
            ]
        })
        .collect();
    text += table(&["target runs", "left open", "rank correlation"], &worth);
    text += &format!(
        "Left open: the share of the variance in the average's ranking that comes from amplitudes of tasks which nobody \
         knows yet. Rank correlation with the target: what amplitudes alone allow, {} without these runs; what calibration \
         can't mend comes on top (docs/transfer.md).\n",
        number(Some(plan.before), 3)
    );
    text
}

/// The mixtures as a ratios table.
fn ratios(loaded: &LoadedFit, plan: &CalibrationPlan) -> Result<Vec<u8>, Failure> {
    let mut header = vec!["run"];
    header.extend(loaded.swarm.domains().names());
    let rows = plan.runs.iter().map(|run| {
        let mut cells = vec![run.name.clone()];
        cells.extend(run.weights.iter().map(|weight| csv_number(*weight)));
        cells
    });
    Ok(csv_bytes("ratios.csv", &header, rows)?)
}

fn as_json(loaded: &LoadedFit, plan: &CalibrationPlan) -> serde_json::Value {
    let run = |run: &olmix_core::calibrate::PlannedRun| {
        let weights = loaded.swarm.domains().names().zip(&run.weights);
        let weights: serde_json::Map<String, serde_json::Value> = weights
            .map(|(name, weight)| (name.to_owned(), json!(weight)))
            .collect();
        json!({"name": run.name, "predicted": run.predicted, "weights": weights})
    };
    let worth = |(runs, left, correlation): &(usize, f64, f64)| json!({"runs": runs, "left_open": left, "rank_correlation": correlation});
    json!({
        "runs": plan.runs.iter().map(run).collect::<Vec<_>>(),
        "worth": plan.worth.iter().map(worth).collect::<Vec<_>>(),
        "rank_correlation_before": plan.before,
    })
}
