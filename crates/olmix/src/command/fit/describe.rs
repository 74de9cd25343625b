//! What `olmix fit` prints.

use olmix_core::optimize::Status;
use olmix_core::trust::{CandidateScore, KL_SPLITS, best_of_each};
use olmix_core::{Binding, Fit, FitSpec, LossChange, Proposal, Swarm};
use olmix_io::{LoadedFit, first_few};

use super::prices::prices;
use crate::table::{coverage, number, percent, signed_change, signed_percent, table};

/// What a person reads on the terminal.
pub fn describe(loaded: &LoadedFit, trained: &Swarm, fit: &Fit) -> String {
    let mut text = String::new();
    if loaded.spec.n_test > 0 {
        text += &format!(
            "No mixture is proposed while regression.n_test sets runs aside ({}).\n",
            loaded.spec.n_test
        );
    }
    if loaded.config.proposer.fit_only {
        text += "No mixture is proposed: proposer.fit_only is set.\n";
    }
    if let Some(proposal) = &fit.proposal {
        text += &domain_table(loaded, proposal);
        text += "\n";
        if !proposal.natural.is_empty() {
            text += &family_table(trained, proposal);
            text += "\n";
        }
        text += &fitted_line(loaded, trained);
        text += &verdict(proposal);
        text += &kept_ratios(loaded);
        text += &worse_tasks(trained, proposal);
        text += &prices(
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
    text += &choices(fit);
    text += &rivals(&loaded.spec, trained, fit);
    text
}

/// What the laws were fitted to.
fn fitted_line(loaded: &LoadedFit, trained: &Swarm) -> String {
    let counted = |number: usize, noun: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{number} {noun}{plural}")
    };
    format!(
        "Fitted: {}, {}, {} of {}\n",
        counted(trained.domains().len(), "domain"),
        counted(trained.tasks().len(), "task"),
        trained.len(),
        counted(loaded.runs_given, "run")
    )
}

/// The best of each law that was tried, and how λ was chosen.
fn choices(fit: &Fit) -> String {
    let mut text = String::new();
    let best = best_of_each(&fit.candidates);
    if best.len() > 1 {
        let row = |tried: &&CandidateScore| {
            vec![
                tried.options.describe(),
                number(Some(tried.average), 4),
                number(Some(mean(&tried.tasks)), 4),
            ]
        };
        let rows: Vec<Vec<String>> = best.iter().map(row).collect();
        text += "\n";
        text += &table(
            &["law tried", "RMSE of the average", "mean RMSE of tasks"],
            &rows,
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

fn domain_table(loaded: &LoadedFit, proposal: &Proposal) -> String {
    let spec = &loaded.spec;
    let domains = loaded.swarm.domains();
    let constraints = &loaded.config.constraints;
    let target = constraints.target_tokens;
    let mut order: Vec<usize> = (0..domains.len()).collect();
    let weights = proposal.mixture.weights();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    let epochs = target.and_then(|target| domains.epochs(weights, target));
    let rows: Vec<Vec<String>> = order
        .into_iter()
        .map(|j| {
            let prior = spec.prior.weights()[j];
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
                number(epochs.as_ref().map(|epochs| epochs[j]), 2),
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
            "binding",
            &confidence,
        ],
        &rows,
    )
}

fn family_table(swarm: &Swarm, proposal: &Proposal) -> String {
    let mut changes = proposal.family_changes(swarm);
    changes.push(LossChange {
        name: "all tasks".to_owned(),
        prior: proposal.natural_average.unwrap_or(f64::NAN),
        proposed: proposal.predicted_average,
    });
    let row = |change: &LossChange| {
        vec![
            change.name.clone(),
            number(Some(change.prior), 4),
            number(Some(change.proposed), 4),
            signed_change(change),
        ]
    };
    let rows: Vec<Vec<String>> = changes.iter().map(row).collect();
    table(&["tasks", "prior", "proposed", "change"], &rows)
}

/// That baselines keep the ratios inside virtual domains, which the laws do not know apart.
fn kept_ratios(loaded: &LoadedFit) -> String {
    let names = loaded.virtual_domains.iter().map(|one| one.name.clone());
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return String::new();
    }
    format!(
        "Every mixture here, the baselines too, has the ratios inside {} as they are\n",
        first_few(names, 5)
    )
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

fn verdict(proposal: &Proposal) -> String {
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
    if let Some(bootstrap) = &proposal.bootstrap {
        text += &format!(
            " ({} interval of the gain {} to {})",
            coverage(bootstrap.confidence),
            bounded_percent(bootstrap.gain.low),
            bounded_percent(bootstrap.gain.high)
        );
    }
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

/// A gain as a percentage; one that only laws that explode can give, as the bound that it is beyond.
fn bounded_percent(gain: f64) -> String {
    const MOST: f64 = 10.0;
    if gain.abs() <= MOST || gain.is_nan() {
        return percent(gain);
    }
    let beyond = if gain < 0.0 {
        "less than −"
    } else {
        "more than "
    };
    format!("{beyond}{:.0} %", 100.0 * MOST)
}
