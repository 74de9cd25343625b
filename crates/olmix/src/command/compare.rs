//! `olmix compare`: several published methods on one swarm, each mixture judged by every law.

use olmix_core::{Fit, Mixture, fit};
use olmix_fs::{check_writable, write_whole};
use olmix_io::{LoadedFit, Overrides, Preset, csv_bytes, csv_number, load_fit_with};

use super::{json, on_threads, write_figure};
use crate::args::CompareArgs;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;
use crate::table::{number, percent, table};

/// One method that ran.
struct Method {
    name: String,
    loaded: LoadedFit,
    fit: Fit,
    mixture: Mixture,
}

impl Method {
    /// The average loss its laws predict; `None` for a method without laws.
    fn loss(&self, p: &[f64]) -> Option<f64> {
        let weights = self.loaded.swarm.task_weights();
        (!self.fit.laws.is_empty()).then(|| self.fit.average_loss(&weights, p))
    }

    /// How often the most repeated domain would be seen, where tokens are known.
    fn repetition(&self) -> Option<f64> {
        let target = self.loaded.spec.target_tokens?;
        let tokens = self.mixture.domains().tokens()?;
        let seen = self.mixture.weights().iter().zip(&tokens);
        Some(
            seen.map(|(p, &n)| p * target / n as f64)
                .fold(0.0, f64::max),
        )
    }
}

/// Runs every method, writes and prints.
pub fn run(args: &CompareArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        check_writable(&args.output_dir)?;
        let quiet = args.common.quiet || args.common.json;
        let mut presets = vec![None];
        presets.extend(args.presets.iter().copied().map(Some));
        let mut methods: Vec<Method> = Vec::new();
        let mut failed: Vec<(String, Failure)> = Vec::new();
        for preset in presets {
            let name = preset.map_or("the config", Preset::name).to_owned();
            if !quiet {
                output::eprint_line(&format!("{name} …"));
            }
            match method(args, preset, name.clone(), quiet) {
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
            output::print(&String::from_utf8_lossy(&content))?;
        } else if !quiet {
            output::print(&describe(&methods))?;
            output::print(&format!(
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
    name: String,
    quiet: bool,
) -> Result<Method, Failure> {
    let overrides = Overrides {
        preset,
        dead_domains: args.dead_domains,
        folds: Some(0),
        bootstrap: Some(0),
        ..Overrides::default()
    };
    let loaded = load_fit_with(&args.config, &overrides)?;
    loaded.check_constraints()?;
    let bar = Bar::new(quiet);
    let fit = fit(&loaded.swarm, &loaded.spec, &bar).map_err(|error| loaded.core_error(error))?;
    let Some(mixture) = fit.proposal.as_ref().map(|p| p.mixture.clone()) else {
        return Err(Failure::refused(
            "no mixture is proposed: `proposer.fit_only` or `regression.n_test` is set",
        ));
    };
    // Columns of a table and entries of the priors may come in different orders.
    let mixture = match args_domains(&loaded) {
        Some(domains) => mixture
            .aligned_to(&domains)
            .map_err(|e| loaded.core_error(e))?,
        None => mixture,
    };
    Ok(Method {
        name,
        loaded,
        fit,
        mixture,
    })
}

/// The domains by name, the order in which methods are compared.
fn args_domains(loaded: &LoadedFit) -> Option<olmix_core::DomainSet> {
    let mut domains: Vec<olmix_core::Domain> = loaded.swarm.domains().iter().cloned().collect();
    domains.sort_by(|a, b| a.name.cmp(&b.name));
    olmix_core::DomainSet::new(domains).ok()
}

/// Weights in the order of the method's own laws.
fn in_order_of(method: &Method, mixture: &Mixture) -> Option<Vec<f64>> {
    let aligned = mixture.aligned_to(method.loaded.swarm.domains()).ok()?;
    Some(aligned.weights().to_vec())
}

/// What the laws of `judge` say of the mixture of `method`: average loss, and gain over the prior.
fn judged(judge: &Method, method: &Method) -> Option<(f64, f64)> {
    let loss = judge.loss(&in_order_of(judge, &method.mixture)?)?;
    let prior = judge.loss(judge.loaded.spec.prior.weights())?;
    Some((loss, 1.0 - loss / prior))
}

fn judges(methods: &[Method]) -> Vec<&Method> {
    let with_laws = |method: &&Method| !method.fit.laws.is_empty();
    methods.iter().filter(with_laws).collect()
}

fn describe(methods: &[Method]) -> String {
    let mut text = String::new();
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
    row.extend(methods.iter().map(|m| number(m.repetition(), 2)));
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
    text += &table(&header, &rows);

    let judges = judges(methods);
    if !judges.is_empty() {
        text +=
            "\nGain over the prior of each mixture (row) by the laws of each method (column):\n";
        let mut header = vec!["mixture"];
        header.extend(judges.iter().map(|judge| judge.name.as_str()));
        let rows: Vec<Vec<String>> = methods
            .iter()
            .map(|method| {
                let mut row = vec![method.name.clone()];
                row.extend(judges.iter().map(|judge| {
                    judged(judge, method).map_or_else(|| "–".into(), |(_, gain)| percent(gain))
                }));
                row
            })
            .collect();
        text += &table(&header, &rows);
        text += "A mixture looks best to its own law: trust what several laws agree on.\n";
    }
    text
}

fn mixtures_csv(methods: &[Method]) -> Result<Vec<u8>, Failure> {
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

fn crossed_csv(methods: &[Method]) -> Result<Vec<u8>, Failure> {
    let header = ["mixture", "law", "loss", "gain"];
    let mut rows = Vec::new();
    for method in methods {
        for judge in judges(methods) {
            if let Some((loss, gain)) = judged(judge, method) {
                rows.push(vec![
                    method.name.clone(),
                    judge.name.clone(),
                    csv_number(loss),
                    csv_number(gain),
                ]);
            }
        }
    }
    Ok(csv_bytes("compare-crossed.csv", &header, rows)?)
}

fn as_json(methods: &[Method]) -> serde_json::Value {
    let method = |method: &Method| {
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
                let (loss, gain) = judged(judge, method)?;
                let value = serde_json::json!({"loss": loss, "gain": gain});
                Some((judge.name.clone(), value))
            })
            .collect();
        serde_json::json!({
            "method": method.name,
            "law": method.fit.options,
            "optimizer": method.fit.optimizer.as_ref().map(olmix_core::optimize::Optimizer::name),
            "mixture": weights,
            "most_epochs": method.repetition(),
            "effective_domains": method.mixture.effective_domains(),
            "by_law_of": crossed,
        })
    };
    methods.iter().map(method).collect()
}
