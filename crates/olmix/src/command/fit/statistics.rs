//! The statistics behind a fit's summary, for `olmix fit --verbose`: the same are in the report.

use olmix_core::optimize::Status;
use olmix_core::trust::{CandidateScore, KL_SPLITS, best_of_each};
use olmix_core::{Fit, FitSpec, LossChange, Proposal, Swarm};
use olmix_io::{LoadedFit, first_few, run_sentences};

use super::prices::prices;
use super::summary::interval_of_gain;
use crate::page::Page;
use crate::table::{coverage, number, percent, signed_percent, table};

/// Losses, prices of constraints, scores, and what other laws say.
pub fn statistics(loaded: &LoadedFit, trained: &Swarm, fit: &Fit) -> Page {
    let mut text = Page::default();
    if let Some(proposal) = &fit.proposal {
        text += predicted(proposal);
        text += worse_tasks(trained, proposal);
        text += prices(
            trained.domains(),
            &loaded.spec.constraints,
            loaded.config.constraints.target_tokens,
            proposal,
        );
    }
    for (name, scores) in [
        (
            "cross-validated",
            fit.out_of_fold.as_ref().map(|checked| checked.average),
        ),
        (
            "on runs set aside",
            fit.held_out.as_ref().map(|held_out| held_out.average),
        ),
    ] {
        if let Some(scores) = scores {
            text += &format!(
                "Average loss, {name}: Pearson {}, Spearman {}, RMSE {}, regret@1 {}, lower-tail \
                 optimism {}\n",
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
                "No better than predicting the mean, cross-validated: {}\n",
                names(&checked.no_better_than_mean)
            );
        }
    }
    if let Some(options) = &fit.options {
        let chosen = if fit.candidates.is_empty() {
            ""
        } else {
            ", chosen by cross-validation"
        };
        text += &format!("Law: {}{chosen}\n", options.describe());
    }
    for sentence in run_sentences(fit, trained) {
        text += &format!("{sentence}\n");
    }
    text += noise(trained, fit);
    text += choices(fit);
    text += &rivals(&loaded.spec, trained, fit);
    text
}

/// The noise of each task, where runs of one mixture show it, the noisiest first.
fn noise(trained: &Swarm, fit: &Fit) -> Page {
    let Some(noise) = &fit.noise else {
        return Page::default();
    };
    let mut order: Vec<usize> = (0..noise.tasks.len()).collect();
    let ratio = |task: usize| noise.tasks[task].signal_to_noise();
    order.sort_by(|&a, &b| ratio(a).total_cmp(&ratio(b)));
    let row = |&task: &usize| {
        let of = &noise.tasks[task];
        let rmse = fit.out_of_fold.as_ref().map(|o| o.tasks[task].rmse / of.sd);
        vec![
            trained.tasks()[task].name.clone(),
            number(Some(of.sd), 4),
            format!("{:.4} – {:.4}", of.interval.low, of.interval.high),
            number(Some(of.signal), 4),
            number(Some(ratio(task)), 2),
            number(rmse, 2),
        ]
    };
    let rows: Vec<Vec<String>> = order.iter().map(row).collect();
    let interval = format!("{} interval", coverage(noise.confidence));
    let header = [
        "task",
        "noise",
        &interval,
        "spread over mixtures",
        "signal to noise",
        "RMSE over noise",
    ];
    let mut text = Page::from("\n");
    text += table(&header, &rows);
    text += "\n";
    text
}

/// The best of each law that was tried, and how λ was chosen.
fn choices(fit: &Fit) -> Page {
    let mut text = Page::default();
    let best = best_of_each(&fit.candidates);
    if best.len() > 1 {
        let row = |tried: &&CandidateScore| {
            vec![
                tried.options.describe(),
                number(Some(tried.average), 4),
                number(tried.regions.as_ref().map(|regions| regions.average), 4),
                number(Some(mean(&tried.tasks)), 4),
            ]
        };
        let rows: Vec<Vec<String>> = best.iter().map(row).collect();
        text += "\n";
        text += table(
            &[
                "law tried",
                "RMSE of the average",
                "in regions held out",
                "mean RMSE of tasks",
            ],
            &rows,
        );
    }
    if let Some(error) = fit.choice_error {
        text += &format!(
            "RMSE of the average with the law and its settings chosen anew for each fold: {}\n",
            number(Some(error), 4)
        );
    }
    if let Some(choice) = &fit.kl {
        text += &format!(
            "λ = {} from {KL_SPLITS} splits into halves (best {}, largest within a standard error {}): \
             predicted gain {}, gain by the laws of the other half {}, optimism {}\n",
            choice.kl_reg(),
            choice.grid[choice.best],
            choice.grid[choice.within_error],
            percent(choice.predicted[choice.chosen]),
            percent(choice.crossed[choice.chosen]),
            percent(choice.optimism()),
        );
    }
    text
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// What other laws of the same runs say.
fn rivals(spec: &FitSpec, trained: &Swarm, fit: &Fit) -> String {
    let weights = trained.task_weights();
    let mut text = String::new();
    for rival in &fit.alternatives {
        text += &format!(
            "A {} law (cross-validated RMSE {})",
            rival.options.name().replace('_', "-"),
            number(Some(rival.average.rmse), 4)
        );
        if let Some(proposal) = &fit.proposal {
            let (p, prior) = (proposal.mixture.weights(), spec.prior.weights());
            text += &format!(
                " predicts {} for the mixture against {}: a gain of {}",
                number(Some(rival.loss(&weights, p)), 4),
                number(Some(rival.loss(&weights, prior)), 4),
                percent(rival.gain(&weights, p, prior))
            );
        }
        text += "\n";
    }
    text
}

/// The tasks that are predicted to get worse, the worst first.
fn worse_tasks(swarm: &Swarm, proposal: &Proposal) -> String {
    let mut worse = proposal.task_changes(swarm);
    worse.retain(LossChange::is_worse);
    if worse.is_empty() {
        return String::new();
    }
    worse.sort_by(|a, b| b.relative().total_cmp(&a.relative()));
    let of = swarm.tasks().len();
    let how_many = worse.len();
    let names = worse
        .iter()
        .map(|change| format!("{} ({})", change.name, signed_percent(change.relative())));
    format!(
        "Worse than at the prior, {how_many} of {of} tasks: {}\n",
        first_few(names.collect::<Vec<_>>(), 5)
    )
}

/// Predicted losses at the mixture and what it is compared with, and what the optimizer vouches for.
fn predicted(proposal: &Proposal) -> String {
    let mut text = String::new();
    if proposal.predicted_average.is_finite() {
        // Without a law the loss is the measured one of a run that was chosen.
        let measured = proposal.natural_average.is_none();
        text += &format!(
            "{} average loss {}",
            if measured { "Measured" } else { "Predicted" },
            number(Some(proposal.predicted_average), 4)
        );
    }
    for (i, (name, loss)) in proposal.baselines.iter().enumerate() {
        let gain = 1.0 - proposal.predicted_average / loss;
        let way = if gain < 0.0 { "higher" } else { "lower" };
        text += &format!(
            "{} {} of the {name}: {} {way}",
            if i == 0 { " against" } else { ", and" },
            number(Some(*loss), 4),
            percent(gain.abs())
        );
    }
    text += &interval_of_gain(proposal);
    let certificate = match (proposal.solution.status, proposal.solution.duality_gap) {
        (Status::Optimal, Some(gap)) => format!("optimal, duality gap {gap:.0e}"),
        (Status::AlmostOptimal, Some(gap)) => format!("almost optimal, duality gap {gap:.0e}"),
        (Status::Rule, _) => "made by a rule, nothing was optimized".into(),
        (Status::LocalMaximum, _) => "the worst mixture found (a local maximum)".into(),
        _ => "best candidate, no certificate".into(),
    };
    if !text.is_empty() {
        text += "\n";
    }
    text += &format!(
        "Effective number of domains {:.1}; {certificate}\n",
        proposal.mixture.effective_domains()
    );
    text
}
