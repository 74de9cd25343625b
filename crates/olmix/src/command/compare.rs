//! `olmix compare`: several published methods on one swarm, each mixture judged by every law.

use olmix_core::Mixture;
use olmix_fs::{check_writable, write_whole};
use olmix_io::tables::{csv_bytes, csv_number};
use olmix_io::{MethodResult, Overrides, Preset};

use super::{json, on_threads, write_figure};
use crate::args::CompareArgs;
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::progress::Bar;
use crate::table::{number, percent, table};

/// Runs every method, writes and prints.
pub fn run(args: &CompareArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        check_writable(&args.output_dir)?;
        let quiet = args.common.quiet || args.common.json;
        let mut presets = vec![None];
        presets.extend(args.presets.iter().copied().map(Some));
        let mut methods: Vec<MethodResult> = Vec::new();
        let mut failed: Vec<(String, Failure)> = Vec::new();
        for preset in presets {
            let name = preset.map_or("the config", Preset::name).to_owned();
            if !quiet {
                output::eprint_line(&format!("{name} …"));
            }
            match method(args, preset, &name, quiet) {
                Ok(method) => methods.push(method),
                Err(failure) => failed.push((name, failure)),
            }
        }
        if methods.is_empty() && !failed.is_empty() {
            return Err(failed.swap_remove(0).1);
        }
        for (name, failure) in &failed {
            output::eprint_line(&format!("warning: {name} is left out: {failure}"));
        }
        let (csv, crossed) = (mixtures_csv(&methods)?, crossed_csv(&methods)?);
        let drawn: Vec<(String, Mixture)> = methods
            .iter()
            .map(|method| (method.name.clone(), method.mixture.clone()))
            .collect();
        let figure = olmix_report::mixtures("Mixtures by method", &drawn);
        let put = |name: &str, bytes: &[u8]| write_whole(&args.output_dir.join(name), bytes);
        put("compare.csv", &csv)?;
        put("compare-crossed.csv", &crossed)?;
        write_figure(&args.output_dir, "compare", &figure)?;
        let content = json(&as_json(&methods))?;
        put("compare.json", &content)?;
        if args.common.json {
            output::print_json(&String::from_utf8_lossy(&content))?;
        } else if !quiet {
            output::print(describe(&methods))?;
            output::print(format!(
                "Written: {}/compare.csv, compare-crossed.csv, compare.json, compare.svg, compare.png",
                args.output_dir.display()
            ))?;
        }
        Ok(())
    })
}

fn method(
    args: &CompareArgs,
    preset: Option<Preset>,
    name: &str,
    quiet: bool,
) -> Result<MethodResult, Failure> {
    let overrides = Overrides {
        preset,
        dead_domains: args.dead_domains,
        folds: Some(0),
        bootstrap: Some(0),
        ..Overrides::default()
    };
    let found = MethodResult::run(name, &args.config, &overrides, &Bar::new(quiet))?;
    found.ok_or_else(|| {
        Failure::refused(
            "no mixture is proposed: `proposer.fit_only` or `regression.n_test` is set",
        )
    })
}

/// The methods that have laws.
fn judges(methods: &[MethodResult]) -> Vec<&MethodResult> {
    let with_laws = |method: &&MethodResult| method.has_laws();
    methods.iter().filter(with_laws).collect()
}

fn describe(methods: &[MethodResult]) -> Page {
    let mut text = Page::default();
    let names: Vec<&str> = methods.iter().map(|method| method.name.as_str()).collect();
    let Some(first) = methods.first() else {
        return text;
    };
    let domains = first.mixture.domains();
    let mut order: Vec<usize> = (0..domains.len()).collect();
    let sum = |j: usize| -> f64 { methods.iter().map(|m| m.mixture.weights()[j]).sum() };
    order.sort_by(|&a, &b| sum(b).total_cmp(&sum(a)));
    let mut rows: Vec<Vec<String>> = order
        .into_iter()
        .map(|j| {
            let mut row = vec![domains.name(j).to_owned()];
            row.extend(methods.iter().map(|m| percent(m.mixture.weights()[j])));
            row
        })
        .collect();
    let mut row = vec!["most epochs".to_owned()];
    row.extend(methods.iter().map(|m| number(m.most_epochs(), 2)));
    rows.push(row);
    let mut row = vec!["effective domains".to_owned()];
    row.extend(
        methods
            .iter()
            .map(|m| number(Some(m.mixture.effective_domains()), 1)),
    );
    rows.push(row);
    let mut header = vec!["domain"];
    header.extend(&names);
    text += table(&header, &rows);

    let judges = judges(methods);
    if !judges.is_empty() {
        text += "\nGain over the prior of each mixture (row) as predicted by the laws of each method (column):\n";
        let mut header = vec!["mixture"];
        header.extend(judges.iter().map(|judge| judge.name.as_str()));
        let rows: Vec<Vec<String>> = methods
            .iter()
            .map(|method| {
                let mut row = vec![method.name.clone()];
                row.extend(judges.iter().map(|judge| {
                    method
                        .judged_by(judge)
                        .map_or_else(|| "–".into(), |judged| percent(judged.gain))
                }));
                row
            })
            .collect();
        text += table(&header, &rows);
        text += "A mixture looks best to its own law: trust what several laws agree on.\n";
    }
    text
}

fn mixtures_csv(methods: &[MethodResult]) -> Result<Vec<u8>, Failure> {
    let Some(first) = methods.first() else {
        return Ok(Vec::new());
    };
    let mut header = vec!["method"];
    header.extend(first.mixture.domains().names());
    let rows = methods.iter().map(|method| {
        let mut row = vec![method.name.clone()];
        row.extend(method.mixture.weights().iter().map(|&p| csv_number(p)));
        row
    });
    Ok(csv_bytes("compare.csv", &header, rows)?)
}

fn crossed_csv(methods: &[MethodResult]) -> Result<Vec<u8>, Failure> {
    let header = ["mixture", "law", "loss", "gain"];
    let mut rows = Vec::new();
    for method in methods {
        for judge in judges(methods) {
            if let Some(judged) = method.judged_by(judge) {
                rows.push(vec![
                    method.name.clone(),
                    judge.name.clone(),
                    csv_number(judged.loss),
                    csv_number(judged.gain),
                ]);
            }
        }
    }
    Ok(csv_bytes("compare-crossed.csv", &header, rows)?)
}

fn as_json(methods: &[MethodResult]) -> serde_json::Value {
    let method = |method: &MethodResult| {
        let domains = method
            .mixture
            .domains()
            .names()
            .zip(method.mixture.weights());
        let weights: serde_json::Map<String, serde_json::Value> = domains
            .map(|(name, &weight)| (name.to_owned(), weight.into()))
            .collect();
        let crossed: serde_json::Map<String, serde_json::Value> = judges(methods)
            .into_iter()
            .filter_map(|judge| {
                let judged = method.judged_by(judge)?;
                let value = serde_json::json!({"loss": judged.loss, "gain": judged.gain});
                Some((judge.name.clone(), value))
            })
            .collect();
        serde_json::json!({
            "method": method.name,
            "law": method.fit.options,
            "optimizer": method.fit.optimizer.as_ref().map(olmix_core::optimize::Optimizer::name),
            "mixture": weights,
            "most_epochs": method.most_epochs(),
            "effective_domains": method.mixture.effective_domains(),
            "by_law_of": crossed,
        })
    };
    methods.iter().map(method).collect()
}
