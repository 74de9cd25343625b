//! How far to trust the laws and the mixture.

use std::fmt::Write as _;

use olmix_core::optimize::Status;
use olmix_core::trust::{Bootstrap, OutOfFold, Scores, TIE, best_of_each};
use olmix_core::{LawKind, Proposal};

use super::answer::{cure, is_worst};
use super::markup::{details, list, name, number, table, text};
use super::noise::noise_of_tasks;
use super::{ReportInput, figures};
use crate::fit_figures::Section;
use crate::format::{count, coverage, percent_short, significant};
use crate::scale::quantile;
use crate::svg::escape;

pub fn section(input: &ReportInput) -> String {
    let fit = input.fit;
    let mut html = "<h2>How far to trust it</h2>\n".to_owned();
    if input.spec.law != LawKind::Search {
        html += &average(input);
    }
    let mut facts = Vec::new();
    if let Some(folds) = &fit.out_of_fold {
        facts.extend(folds_facts(input, folds));
    }
    facts.extend(choice_fact(input));
    facts.extend(laws_fact(input));
    facts.extend(input.facts.iter().map(|fact| escape(fact)));
    if let Some(proposal) = &fit.proposal {
        facts.push(match &proposal.bootstrap {
            Some(bootstrap) => bootstrap_fact(input, proposal, bootstrap),
            None => "No bootstrap was made, so weights and gain have no intervals.".to_owned(),
        });
        facts.push(format!(
            "Effective number of domains (exponential of the entropy): {} of {}; the prior has \
             {}.",
            significant(proposal.mixture.effective_domains(), 3),
            proposal.mixture.domains().len(),
            significant(input.spec.prior.effective_domains(), 3)
        ));
        facts.push(certificate(input, proposal));
    }
    html += &list(&facts);
    html += &rivals(input);
    html += &figures(input, Section::Trust);
    if let Some(folds) = &fit.out_of_fold {
        let title = "Cross-validated scores of every task";
        html += &details(title, &per_task(input, &folds.tasks, title));
    }
    if let Some(noise) = &fit.noise {
        html += &noise_of_tasks(input, noise);
    }
    if !fit.reports.is_empty() {
        let title = "How the law of every task was fitted";
        html += &details(title, &fits(input, title));
    }
    if let Some(held_out) = &fit.held_out {
        let title = "Held-out scores of every task";
        html += &details(title, &per_task(input, &held_out.tasks, title));
    }
    html
}

/// Scores of the average loss, out of fold and held out.
fn average(input: &ReportInput) -> String {
    let mut rows = Vec::new();
    let mut sentences = Vec::new();
    if let Some(folds) = &input.fit.out_of_fold {
        let name = format!("{}-fold cross-validation", folds.folds);
        rows.push(row(name, &folds.average));
        sentences.push(
            "In cross-validation, each run is predicted by laws that were fitted without it.",
        );
    } else {
        sentences.push(
            "There was no cross-validation: how well the laws predict other mixtures is not known.",
        );
    }
    if let Some(held_out) = &input.fit.held_out {
        let name = format!("{} held out", count(held_out.runs.len(), "run"));
        rows.push(row(name, &held_out.average));
        sentences.push("Held-out runs were set aside before the fit.");
    }
    let mut html = format!("<p>{}</p>\n", sentences.join(" "));
    if !rows.is_empty() {
        html += &table(
            "Predictions of the average loss.",
            &columns("Runs"),
            &rows,
            0,
        );
        html += "<p class=\"note\">RMSE of the mean: the error of always predicting the mean. \
                 regret@1: how much worse the run predicted best is than the best run. Optimism: \
                 by how much predictions are below measurements among the tenth of the runs \
                 predicted best.</p>\n";
    }
    html
}

/// What all settings of the law that were tried were worth, when they were to be chosen.
fn choice_fact(input: &ReportInput) -> Option<String> {
    let tried = &input.fit.candidates;
    let chosen = input.fit.options.as_ref().filter(|_| !tried.is_empty())?;
    let each: Vec<String> = best_of_each(tried)
        .iter()
        .map(|tried| {
            let regions = tried.regions.as_ref().map(|regions| regions.average);
            let regions = regions.map_or_else(String::new, |error| {
                format!(" ({} in regions)", significant(error, 3))
            });
            format!(
                "{}{regions} for {}",
                significant(tried.average, 3),
                escape(&tried.options.describe())
            )
        })
        .collect();
    let rule = match (input.spec.law, input.spec.law_per_task) {
        (LawKind::Auto, true) => "each task has the law with its lowest error",
        (LawKind::Auto, false) => "the law with the lowest error of the average loss",
        _ => "the settings with the lowest error of the average loss",
    };
    let choice = input.fit.choice_error.map_or_else(String::new, |error| {
        format!(
            " Chosen anew for each fold, the error of the average is {}.",
            significant(error, 3)
        )
    });
    Some(format!(
        "Chosen from {}: {} ({rule}; the simpler law where errors differ by less than {} %). Errors \
         are the root mean square of those in random folds and in two regions that were held out whole: the fifth of \
         the runs over most domains and the fifth with the lowest losses. The best of each law: {}.{choice}",
        count(tried.len(), "candidate"),
        escape(&chosen.describe()),
        100.0 * TIE,
        each.join("; ")
    ))
}

/// What other laws of the same runs say of the mixture.
fn rivals(input: &ReportInput) -> String {
    let fit = input.fit;
    let (Some(folds), false) = (&fit.out_of_fold, fit.alternatives.is_empty()) else {
        return String::new();
    };
    let weights = input.swarm.task_weights();
    let prior = input.spec.prior.weights();
    let proposed = fit.proposal.as_ref().map(|p| p.mixture.weights());
    let row = |name: String, rmse: f64, natural: f64, predicted: Option<f64>| {
        let dash = || "–".to_owned();
        vec![
            name,
            significant(rmse, 3),
            significant(natural, 4),
            predicted.map_or_else(dash, |loss| significant(loss, 4)),
            predicted.map_or_else(dash, |loss| percent_short(1.0 - loss / natural)),
        ]
    };
    let own = fit
        .options
        .as_ref()
        .map_or_else(String::new, |o| escape(&o.describe()));
    let mut rows = vec![row(
        format!("this law: {own}"),
        folds.average.rmse,
        fit.average_loss(&weights, prior),
        proposed.map(|p| fit.average_loss(&weights, p)),
    )];
    rows.extend(fit.alternatives.iter().map(|rival| {
        row(
            escape(&rival.options.describe()),
            rival.average.rmse,
            rival.loss(&weights, prior),
            proposed.map(|p| rival.loss(&weights, p)),
        )
    }));
    let columns = [
        text("Law"),
        number("Cross-validated RMSE"),
        number("Loss at the prior"),
        number("Loss at the mixture"),
        number("Gain"),
    ];
    table(
        "What other laws, fitted to the same runs, predict for this mixture. A law is too optimistic about \
         a mixture that was optimized with it.",
        &columns,
        &rows,
        0,
    )
}

fn columns(first: &'static str) -> [super::markup::Column; 8] {
    [
        text(first),
        number("Pearson"),
        number("Spearman"),
        number("RMSE"),
        number("RMSE of the mean"),
        number("Bias"),
        number("regret@1"),
        number("Optimism"),
    ]
}

fn row(name: String, scores: &Scores) -> Vec<String> {
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| significant(v, 3));
    let number = |value| significant(value, 3);
    vec![
        name,
        optional(scores.pearson),
        optional(scores.spearman),
        number(scores.rmse),
        number(scores.mean_rmse),
        number(scores.bias),
        number(scores.regret_at_1),
        number(scores.optimism),
    ]
}

fn fits(input: &ReportInput, caption: &str) -> String {
    let columns = [
        text("Task"),
        number("Huber loss"),
        number("Converged"),
        number("Starts at best"),
        number("Condition"),
    ];
    let tasks = input.swarm.tasks().iter().zip(&input.fit.reports);
    let rows: Vec<Vec<String>> = tasks
        .map(|(task, report)| {
            vec![
                name(&task.name),
                significant(report.huber, 3),
                if report.converged { "yes" } else { "no" }.to_owned(),
                format!("{} of {}", report.starts_at_best, report.starts),
                significant(report.condition, 2),
            ]
        })
        .collect();
    table(&format!("{caption}."), &columns, &rows, 0)
}

fn per_task(input: &ReportInput, scores: &[Scores], caption: &str) -> String {
    let tasks = input.swarm.tasks().iter().zip(scores);
    let rows: Vec<Vec<String>> = tasks
        .map(|(task, scores)| row(name(&task.name), scores))
        .collect();
    table(&format!("{caption}."), &columns("Task"), &rows, 0)
}

fn folds_facts(input: &ReportInput, folds: &OutOfFold) -> Vec<String> {
    let tasks = input.swarm.tasks();
    let mut facts = Vec::new();
    let name = |&i: &usize| escape(tasks.get(i).map_or("", |task| &task.name));
    let useless: Vec<String> = folds.no_better_than_mean.iter().map(name).collect();
    facts.push(if useless.is_empty() {
        "Every task's law predicts unseen runs better than the task's mean does.".to_owned()
    } else {
        format!(
            "No better on unseen runs than the task's mean: {}. Drop such a task or weigh it less.",
            useless.join(", ")
        )
    });
    if !folds.explosions.is_empty() {
        let mut affected: Vec<usize> = folds.explosions.iter().map(|e| e.task).collect();
        affected.sort_unstable();
        affected.dedup();
        facts.push(format!(
            "{} of {} ({}) {} far from everything that was measured. {}",
            count(folds.explosions.len(), "cross-validated prediction"),
            count(affected.len(), "task"),
            affected.iter().map(name).collect::<Vec<_>>().join(", "),
            if folds.explosions.len() == 1 {
                "is"
            } else {
                "are"
            },
            cure(input.spec),
        ));
    }
    let fold = |value: f64| significant(value, 3);
    if let Some((low, high)) = crate::scale::range(folds.fold_rmse.iter().copied()) {
        facts.push(format!(
            "RMSE of the average loss from fold to fold: {} to {}.",
            fold(low),
            fold(high)
        ));
    }
    facts
}

fn laws_fact(input: &ReportInput) -> Option<String> {
    let reports = &input.fit.reports;
    let converged = reports.iter().filter(|report| report.converged).count();
    let worst = reports
        .iter()
        .map(|report| report.condition)
        .fold(0.0, f64::max);
    let caution = if worst > 1e8 {
        ": some directions of the coefficients are hardly determined by the runs"
    } else {
        ""
    };
    (!reports.is_empty()).then(|| {
        format!(
            "{converged} of {} laws converged; the largest condition number is {}{caution}.",
            reports.len(),
            significant(worst, 2)
        )
    })
}

fn bootstrap_fact(input: &ReportInput, proposal: &Proposal, bootstrap: &Bootstrap) -> String {
    let prior = |j: usize| input.spec.prior.weight(proposal.mixture.domains().name(j));
    let side = |above: bool| {
        let clear = |(j, interval): &(usize, &olmix_core::trust::Interval)| {
            let prior = prior(*j).unwrap_or(0.0);
            if above {
                interval.low > prior
            } else {
                interval.high < prior
            }
        };
        bootstrap.weights.iter().enumerate().filter(clear).count()
    };
    let mut fact = format!(
        "{} of the runs: the gain of the proposed mixture by the laws of each has median {} and \
         {} interval {} to {}. The interval of the weight lies above the prior's share for {} and \
         below it for {}.",
        count(bootstrap.mixtures.rows(), "resample"),
        percent_short(quantile(bootstrap.gains.iter().copied(), 0.5)),
        coverage(bootstrap.confidence),
        percent_short(bootstrap.gain.low),
        percent_short(bootstrap.gain.high),
        count(side(true), "domain"),
        side(false),
    );
    if bootstrap.failed > 0 {
        let _ = write!(
            fact,
            " {} failed and {} left out.",
            count(bootstrap.failed, "resample"),
            if bootstrap.failed == 1 { "is" } else { "are" }
        );
    }
    fact
}

/// What the optimizer can vouch for.
fn certificate(input: &ReportInput, proposal: &Proposal) -> String {
    let solution = &proposal.solution;
    let status = match solution.status {
        Status::Optimal => "optimal",
        Status::AlmostOptimal => "optimal to reduced tolerances only",
        Status::BestCandidate => "the best candidate tried, without a certificate",
        Status::LocalMaximum => "a local maximum, without a certificate",
        Status::Rule => "made by a rule: nothing was optimized",
    };
    let gap = solution.duality_gap.map_or_else(String::new, |gap| {
        format!(", duality gap {}", significant(gap, 2))
    });
    let effort = match solution.run {
        Some(_) => String::new(),
        None => format!(", after {}", count(solution.iterations, "iteration")),
    };
    let objective = if is_worst(input.spec) {
        "maximum"
    } else {
        "minimum"
    };
    format!(
        "The {objective} found is {status}{gap}{effort}; KL to the prior {} nats; {}.",
        significant(solution.kl, 3),
        match solution.binding.len() {
            0 => "no constraint binds".to_owned(),
            1 => "1 constraint binds".to_owned(),
            n => format!("{n} constraints bind"),
        }
    )
}
