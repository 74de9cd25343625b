//! `olmix fit`.

use olmix_core::law::{FittedLaw, LawOptions};
use olmix_core::optimize::Status;
use olmix_core::{Binding, DeadDomains, Fit, Matrix, Proposal, Ridge, Swarm, fit};
use olmix_io::{
    LoadedFit, MixtureFile, Overrides, StagedFile, StagedFolder, check_writable, file_safe,
    load_fit_with, npy,
};
use olmix_report::{
    Figure, InputFile, InteractionMatrix, Intervals, PredictedAgainstMeasured, PriorAndProposed,
    ReportInput, html, interaction_matrix, predicted_against_measured, prior_and_proposed,
};
use rayon::prelude::*;

use super::on_threads;
use crate::args::FitArgs;
use crate::failure::Failure;
use crate::output;
use crate::progress::Bar;
use crate::table::{coverage, number, percent, table};

/// Reads, fits, writes, prints.
pub fn run(args: &FitArgs) -> Result<(), Failure> {
    on_threads(args.common, || {
        let overrides = Overrides {
            ridge: args.laws.ridge,
            dead_domains: args.laws.dead_domains,
            folds: args.folds,
            bootstrap: args.bootstrap,
        };
        let loaded = load_fit_with(&args.config, &overrides)?;
        loaded.check_constraints()?;
        check_writable(&args.output_dir)?;
        let quiet = args.common.quiet || args.common.json;
        if !args.common.quiet {
            output::notices(&loaded.notices);
        }
        let bar = Bar::new(quiet);
        let fit = fit(&loaded.swarm, &loaded.spec, &bar).map_err(|e| loaded.core_error(e))?;
        let hash = loaded.config_hash();
        let mixture = MixtureFile::new(&loaded, &fit).to_bytes()?;
        bar.begin("drawing", 1);
        write(args, &loaded, &fit, &mixture, &hash)?;
        drop(bar);
        let trained = loaded.swarm.subset(&fit.train);
        if !args.common.quiet {
            output::warnings(&fit.warnings(&trained, &loaded.spec));
        }
        if args.common.json {
            output::print(&String::from_utf8_lossy(&mixture))?;
        } else if !quiet {
            output::print(&describe(&loaded, &trained, &fit))?;
            let folder = args.output_dir.display();
            output::print(&format!(
                "Written: {folder}/mixture.json, {folder}/report.html, {folder}/{hash}/"
            ))?;
        }
        Ok(())
    })
}

/// Everything but the mixture and the report of the latest fit goes to a folder of its own, named
/// by a hash of config and data, which appears whole or not at all.
fn write(
    args: &FitArgs,
    loaded: &LoadedFit,
    fit: &Fit,
    mixture: &[u8],
    hash: &str,
) -> Result<(), Failure> {
    let report = report(args, loaded, fit);
    let mut files = figures(loaded, fit)?;
    files.push(("mixture.json".into(), mixture.to_vec()));
    files.push(("report.html".into(), report.clone().into_bytes()));
    files.push(("config.json".into(), json(&loaded.config)?));
    files.extend(reference_files(loaded, fit)?);
    let folder = StagedFolder::new(&args.output_dir.join(hash))?;
    folder.write_all(&files)?;
    // Everything is on the disk before anything is put in its place.
    let report = StagedFile::new(&args.output_dir.join("report.html"), report.as_bytes())?;
    let mixture = StagedFile::new(&args.output_dir.join("mixture.json"), mixture)?;
    folder.commit()?;
    report.commit()?;
    mixture.commit()?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| Failure::Internal(format!("a result could not be written: {error}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn report(args: &FitArgs, loaded: &LoadedFit, fit: &Fit) -> String {
    let inputs: Vec<InputFile<'_>> = loaded
        .inputs
        .iter()
        .map(|input| InputFile {
            path: &input.path,
            sha256: &input.sha256,
        })
        .collect();
    let config = args.config.display().to_string();
    let constraints = &loaded.config.constraints;
    html(&ReportInput {
        title: "Training mixture",
        swarm: &loaded.swarm,
        spec: &loaded.spec,
        fit,
        target_tokens: constraints.target_tokens.filter(|_| constraints.enabled),
        repetition_factor: constraints.enabled.then_some(constraints.repetition_factor),
        notices: &loaded.notices,
        command: &command_line(args),
        config: &config,
        inputs: &inputs,
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// The command that makes this result again, wherever it is to go: the same result has the same
/// bytes in every folder.
fn command_line(args: &FitArgs) -> String {
    let mut line = format!("olmix fit --config {}", args.config.display());
    match args.laws.ridge {
        Some(Ridge::Auto) => line += " --ridge auto",
        Some(Ridge::Fixed(ridge)) => line += &format!(" --ridge {ridge}"),
        None => {}
    }
    match args.laws.dead_domains {
        Some(DeadDomains::Error) => line += " --dead-domains error",
        Some(DeadDomains::Hold) => line += " --dead-domains hold",
        None => {}
    }
    for (flag, value) in [("--bootstrap", args.bootstrap), ("--folds", args.folds)] {
        if let Some(value) = value {
            line += &format!(" {flag} {value}");
        }
    }
    line
}

/// The files the reference writes, under its names.
fn reference_files(loaded: &LoadedFit, fit: &Fit) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut files = Vec::new();
    let domains = loaded.swarm.domains();
    if !fit.laws.is_empty() {
        let prior = loaded.spec.prior.weights();
        let rows: Vec<Vec<f64>> = fit
            .laws
            .iter()
            .map(|law| coefficients(law, prior))
            .collect();
        let matrix = Matrix::from_fn(rows.len(), domains.len(), |i, j| rows[i][j]);
        files.push(("interaction_matrix.npy".into(), npy(&matrix)));
        let scores = fit.held_out.as_ref().map(|held_out| &held_out.tasks);
        let scores = scores.or(fit.out_of_fold.as_ref().map(|checked| &checked.tasks));
        let names = file_safe(loaded.swarm.tasks().iter().map(|task| task.name.as_str()));
        for (name, scores) in names.iter().zip(scores.into_iter().flatten()) {
            let file = format!("{name}_{}_correlations.json", law_name(fit));
            files.push((file, json(scores)?));
        }
    }
    if let Some(proposal) = &fit.proposal {
        let weights: Vec<serde_json::Value> = domains
            .names()
            .zip(proposal.mixture.weights())
            .map(|(domain, weight)| serde_json::json!({"domain": domain, "weight": weight}))
            .collect();
        files.push((format!("{}.json", optimal(fit)), json(&weights)?));
        let predicted = json(&proposal.predicted_average)?;
        files.push(("predicted_performance.json".into(), predicted));
    }
    Ok(files)
}

/// The law, as it stands in the names of files.
fn law_name(fit: &Fit) -> &'static str {
    fit.options.as_ref().map_or("search", LawOptions::name)
}

fn optimal(fit: &Fit) -> String {
    format!("opt_avg_all_metrics_{}_reg_optimal", law_name(fit))
}

/// A row of the interaction matrix: `t` of a log-linear law, as the reference writes it, and the
/// slope of the exponent at the prior of any other.
fn coefficients(law: &FittedLaw, prior: &[f64]) -> Vec<f64> {
    match law {
        FittedLaw::LogLinear(law) => law.t.clone(),
        FittedLaw::Saturating(_) => law.effects(prior),
    }
}

fn figures(loaded: &LoadedFit, fit: &Fit) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let spec = &loaded.spec;
    let swarm = &loaded.swarm;
    let mut figures: Vec<(String, Figure)> = Vec::new();
    if !fit.laws.is_empty() {
        let matrix = InteractionMatrix {
            tasks: swarm.tasks(),
            domains: swarm.domains(),
            laws: &fit.laws,
            prior: spec.prior.weights(),
            dead: &fit.dead,
        };
        figures.push(("interaction_matrix".into(), interaction_matrix(&matrix)));
    }
    if let Some(proposal) = &fit.proposal {
        let figure = prior_and_proposed(&PriorAndProposed {
            prior: &spec.prior,
            proposed: &proposal.mixture,
            intervals: proposal.bootstrap.as_ref().map(|bootstrap| Intervals {
                weights: &bootstrap.weights,
                confidence: bootstrap.confidence,
            }),
            constraints: &spec.constraints,
            binding: &proposal.solution.binding,
        });
        figures.push((optimal(fit), figure));
    }
    figures.extend(scatters(swarm, fit));
    let drawn: Result<Vec<_>, Failure> = figures
        .into_par_iter()
        .map(|(name, figure)| {
            let png = figure.png(1.0)?;
            let svg = figure.svg().as_bytes().to_vec();
            Ok([(format!("{name}.png"), png), (format!("{name}.svg"), svg)])
        })
        .collect();
    Ok(drawn?.into_iter().flatten().collect())
}

/// Predicted against measured, per task and for the average: of runs set aside where there are
/// any, else out of fold.
fn scatters(swarm: &Swarm, fit: &Fit) -> Vec<(String, Figure)> {
    let trained = swarm.subset(&fit.train);
    let (subtitle, predictions, measured, tasks, average) = match (&fit.held_out, &fit.out_of_fold)
    {
        (Some(h), _) => (
            "runs set aside",
            &h.predictions,
            &h.measured,
            &h.tasks,
            &h.average,
        ),
        (None, Some(o)) => (
            "out of fold",
            &o.predictions,
            trained.losses(),
            &o.tasks,
            &o.average,
        ),
        (None, None) => return Vec::new(),
    };
    let draw = |title: &str, predicted: &[f64], measured: &[f64], scores| {
        predicted_against_measured(&PredictedAgainstMeasured {
            title,
            subtitle,
            predicted,
            measured,
            scores,
        })
    };
    let names = file_safe(swarm.tasks().iter().map(|task| task.name.as_str()));
    let mut figures: Vec<(String, Figure)> = names
        .into_par_iter()
        .enumerate()
        .map(|(i, name)| {
            let title = &swarm.tasks()[i].name;
            let figure = draw(
                title,
                &predictions.column(i),
                &measured.column(i),
                &tasks[i],
            );
            (format!("{name}_{}_reg_fit", law_name(fit)), figure)
        })
        .collect();
    let weights = swarm.task_weights();
    let mean = |rows: &Matrix| -> Vec<f64> {
        (0..rows.rows())
            .map(|k| rows.row(k).iter().zip(&weights).map(|(y, w)| y * w).sum())
            .collect()
    };
    let figure = draw(
        "Average of all tasks",
        &mean(predictions),
        &mean(measured),
        average,
    );
    let name = format!("avg_all_metrics_{}_reg_fit", law_name(fit));
    figures.push((name, figure));
    figures
}

/// What a person reads on the terminal.
fn describe(loaded: &LoadedFit, trained: &Swarm, fit: &Fit) -> String {
    let mut text = String::new();
    if loaded.spec.n_test > 0 {
        text += &format!(
            "No mixture is proposed while regression.n_test sets runs aside ({}).\n",
            loaded.spec.n_test
        );
    }
    if let Some(proposal) = &fit.proposal {
        text += &domain_table(loaded, proposal);
        text += "\n";
        if !proposal.natural.is_empty() {
            text += &family_table(trained, proposal);
            text += "\n";
        }
        text += &verdict(proposal);
    }
    for (name, scores) in [
        (
            "out of fold",
            fit.out_of_fold.as_ref().map(|checked| checked.average),
        ),
        (
            "on runs set aside",
            fit.held_out.as_ref().map(|held_out| held_out.average),
        ),
    ] {
        if let Some(scores) = scores {
            text += &format!(
                "Average loss {name}: Pearson {}, Spearman {}, RMSE {}, regret@1 {}, lower-tail optimism {}\n",
                number(scores.pearson, 3),
                number(scores.spearman, 3),
                number(Some(scores.rmse), 4),
                number(Some(scores.regret_at_1), 4),
                number(Some(scores.optimism), 4),
            );
        }
    }
    if let Some(checked) = &fit.out_of_fold {
        let names = |tasks: &[usize]| -> String {
            let names: Vec<&str> = tasks
                .iter()
                .map(|&i| trained.tasks()[i].name.as_str())
                .collect();
            names.join(", ")
        };
        if !checked.no_better_than_mean.is_empty() {
            text += &format!(
                "No better than their mean out of fold: {}\n",
                names(&checked.no_better_than_mean)
            );
        }
    }
    if let Some(options) = &fit.options {
        text += &law_line(options, !fit.tried.is_empty());
    }
    text
}

/// The law and its settings.
fn law_line(options: &LawOptions, chosen: bool) -> String {
    let name = match options {
        LawOptions::LogLinear(_) => "log-linear".to_owned(),
        LawOptions::Saturating(options) => format!("saturating, powers {:?}", options.powers),
    };
    let ridge = match options.ridge() {
        0.0 => "no ridge".to_owned(),
        ridge => format!("ridge {ridge:e}"),
    };
    let chosen = if chosen { ", chosen out of fold" } else { "" };
    format!(
        "Law: {name}, Huber δ {}, {ridge}{chosen}\n",
        options.huber_delta()
    )
}

fn domain_table(loaded: &LoadedFit, proposal: &Proposal) -> String {
    let spec = &loaded.spec;
    let domains = loaded.swarm.domains();
    let constraints = &loaded.config.constraints;
    let target = constraints.target_tokens;
    let mut order: Vec<usize> = (0..domains.len()).collect();
    let weights = proposal.mixture.weights();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let tokens = domains.tokens();
    let rows: Vec<Vec<String>> = order
        .into_iter()
        .map(|j| {
            let prior = spec.prior.weights()[j];
            let epochs = target
                .zip(tokens.as_ref())
                .map(|(r, n)| weights[j] * r / n[j] as f64);
            let binds = proposal
                .solution
                .binding
                .iter()
                .find_map(|binding| match binding {
                    Binding::Cap(k) if *k == j => Some("token cap"),
                    Binding::Upper(k) if *k == j => Some("upper bound"),
                    Binding::Lower(k) if *k == j => Some("lower bound"),
                    Binding::Held(k) if *k == j => Some("not sampled"),
                    Binding::GroupUpper(g) | Binding::GroupLower(g)
                        if spec.constraints.groups[*g].members.contains(&j) =>
                    {
                        Some("group bound")
                    }
                    _ => None,
                });
            let interval = proposal
                .bootstrap
                .as_ref()
                .map_or_else(String::new, |bootstrap| {
                    let interval = bootstrap.weights[j];
                    format!(
                        "{:.2} – {:.2} %",
                        100.0 * interval.low,
                        100.0 * interval.high
                    )
                });
            vec![
                domains.name(j).to_owned(),
                percent(prior),
                percent(weights[j]),
                format!("{:.2}×", weights[j] / prior),
                number(epochs, 2),
                binds.unwrap_or("").to_owned(),
                interval,
            ]
        })
        .collect();
    let confidence = format!("{} interval", coverage(spec.confidence));
    let worst = proposal.solution.status == Status::LocalMaximum;
    table(
        &[
            "domain",
            "prior",
            if worst { "worst" } else { "proposed" },
            "ratio",
            "epochs",
            "binds",
            &confidence,
        ],
        &rows,
    )
}

fn family_table(swarm: &Swarm, proposal: &Proposal) -> String {
    let mut families: Vec<&str> = Vec::new();
    for task in swarm.tasks() {
        if !families.contains(&task.family.as_str()) {
            families.push(&task.family);
        }
    }
    let row = |name: &str, belongs: &dyn Fn(&str) -> bool| {
        let (mut weight, mut natural, mut predicted) = (0.0, 0.0, 0.0);
        for (i, task) in swarm
            .tasks()
            .iter()
            .enumerate()
            .filter(|(_, t)| belongs(&t.family))
        {
            weight += task.weight;
            natural += task.weight * proposal.natural[i];
            predicted += task.weight * proposal.predicted[i];
        }
        let change = percent(predicted / natural - 1.0);
        vec![
            name.to_owned(),
            number(Some(natural / weight), 4),
            number(Some(predicted / weight), 4),
            change,
        ]
    };
    let mut rows: Vec<Vec<String>> = families
        .iter()
        .map(|family| row(family, &|other| other == *family))
        .collect();
    rows.push(row("all tasks", &|_| true));
    table(&["tasks", "natural", "proposed", "change"], &rows)
}

fn verdict(proposal: &Proposal) -> String {
    let mut text = format!(
        "Predicted average loss {}",
        number(Some(proposal.predicted_average), 4)
    );
    if let Some(natural) = proposal.natural_average {
        let gain = 1.0 - proposal.predicted_average / natural;
        let way = if gain < 0.0 { "higher" } else { "lower" };
        text += &format!(
            " against {} naturally: {} {way}",
            number(Some(natural), 4),
            percent(gain.abs())
        );
    }
    if let Some(bootstrap) = &proposal.bootstrap {
        text += &format!(
            " ({} interval of the gain {} to {})",
            coverage(bootstrap.confidence),
            percent(bootstrap.gain.low),
            percent(bootstrap.gain.high)
        );
    }
    let certificate = match (proposal.solution.status, proposal.solution.duality_gap) {
        (Status::Optimal, Some(gap)) => format!("optimal, duality gap {gap:.0e}"),
        (Status::AlmostOptimal, Some(gap)) => format!("almost optimal, duality gap {gap:.0e}"),
        (Status::LocalMaximum, _) => "the worst mixture found (a local maximum)".into(),
        _ => "best candidate, no certificate".into(),
    };
    text += &format!(
        "\nEffective number of domains {:.1}; {certificate}\n",
        proposal.mixture.effective_domains()
    );
    text
}
