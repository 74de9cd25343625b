//! `olmix analyze`.

use olmix_core::reuse::{Analysis, ReuseProblem, ReusedMixture, VirtualDomain};
use olmix_core::{DomainSet, Mixture};
use olmix_io::{DomainWeights, MixtureFile};
use serde_json::json;

use super::on_threads;
use crate::args::{AnalyzeCommand, AnalyzeReuseArgs};
use crate::failure::Failure;
use crate::output;
use crate::page::Page;
use crate::table::{number, percent, table};

/// Rows of the printed tables.
const MOST_PRINTED: usize = 8;

/// Runs an analysis.
pub fn run(command: &AnalyzeCommand) -> Result<(), Failure> {
    match command {
        AnalyzeCommand::Reuse(args) => on_threads(args.common, || reuse(args)),
    }
}

fn reuse(args: &AnalyzeReuseArgs) -> Result<(), Failure> {
    let new = MixtureFile::read(&args.new)?.without_phases(&args.new, "olmix analyze")?;
    let old = DomainWeights::read(&args.old)?;
    let refused =
        |error: olmix_core::CoreError| Failure::refused(format!("{}: {error}", args.new.display()));
    let domains = new.domain_set().map_err(refused)?;
    let prior = new.prior().map_err(refused)?;
    let laws = new.laws().ok_or_else(|| {
        Failure::usage(
            format!(
                "{}: it has no laws (it is the result of a search)",
                args.new.display()
            ),
            "fit with a law, such as `regression.type: log_linear`",
        )
    })?;
    let kl_reg = args
        .kl
        .or(new.optimizer.as_ref().and_then(|o| o.kl_reg))
        .unwrap_or(0.0);
    if !(kl_reg >= 0.0 && kl_reg.is_finite()) {
        return Err(Failure::refused(format!(
            "--kl {kl_reg}: give a number that is not negative"
        )));
    }
    let tasks = new.tasks();
    let task_weights: Vec<f64> = tasks.iter().map(|task| task.weight).collect();
    let frozen = frozen(args, &old, &domains)?;
    let constraints = new.constraints().map_err(refused)?;
    let problem = ReuseProblem {
        domains: &domains,
        laws: &laws,
        task_weights: &task_weights,
        prior: prior.weights(),
        kl_reg,
        constraints: &constraints,
        frozen: &frozen,
    };
    let found = problem.analyze().map_err(refused)?;
    let reused = found.reused.clone().map_err(refused)?;
    let names: Vec<&str> = tasks.iter().map(|task| task.name.as_str()).collect();
    if args.common.json {
        output::print_json(&as_json(&found, &reused, &domains, &names, &frozen).to_string())
    } else if args.common.quiet {
        Ok(())
    } else {
        output::print(described(&found, &reused, &domains, &names, &frozen))
    }
}

/// The domains that both mixtures have and that are not freed, at the old ratios.
fn frozen(
    args: &AnalyzeReuseArgs,
    old: &DomainWeights,
    domains: &DomainSet,
) -> Result<VirtualDomain, Failure> {
    let known = |name: &str| old.weights.iter().any(|(other, _)| other == name);
    if let Some(name) = args.free.iter().find(|name| !known(name)) {
        return Err(Failure::usage(
            format!("--free {name}: {} has no such domain", args.old.display()),
            "name domains of the old mixture; `olmix mix show` lists them",
        ));
    }
    let (names, weights): (Vec<String>, Vec<f64>) = old.weights.iter().cloned().unzip();
    let set = DomainSet::from_names(names);
    let mixture = set.and_then(|set| Mixture::new(set, weights));
    let mixture = mixture.map_err(|e| Failure::refused(format!("{}: {e}", args.old.display())))?;
    let kept: Vec<&str> = mixture
        .domains()
        .names()
        .filter(|name| {
            domains.position(name).is_some() && !args.free.iter().any(|free| free == name)
        })
        .collect();
    if kept.is_empty() || kept.len() == domains.len() {
        let what = if kept.is_empty() {
            "have no domain in common that is not freed: there is nothing to keep"
        } else {
            "have the same domains: with all ratios kept, nothing is left to choose"
        };
        return Err(Failure::usage(
            format!("{} and {} {what}", args.old.display(), args.new.display()),
            "give the mixture before an update as --old, and laws over the domains after it as --new",
        ));
    }
    VirtualDomain::frozen("existing", &kept, &mixture)
        .map_err(|error| Failure::refused(format!("{}: {error}", args.old.display())))
}

fn as_json(
    found: &Analysis,
    reused: &ReusedMixture,
    domains: &DomainSet,
    tasks: &[&str],
    frozen: &VirtualDomain,
) -> serde_json::Value {
    let by_name = |values: &[f64]| -> serde_json::Value {
        let pairs = domains
            .names()
            .zip(values)
            .map(|(name, x)| (name.to_owned(), (*x).into()));
        serde_json::Value::Object(pairs.collect())
    };
    let finite = |x: f64| x.is_finite().then_some(x);
    json!({
        "frozen": frozen.members.iter().map(|(name, share)| json!({"domain": name, "share": share})).collect::<Vec<_>>(),
        "loss": {"optimum": found.optimum_loss, "reused": reused.loss, "prior": found.prior_loss},
        "variation": reused.variation,
        "optimum": by_name(&found.optimum),
        "reused": by_name(&reused.weights),
        "coupling": {
            "kappa": found.coupling.kappa,
            "by_domain": by_name(&found.coupling.by_domain),
            "by_task": tasks.iter().zip(&found.coupling.by_task).map(|(task, k)| json!({"task": task, "coupling": k})).collect::<Vec<_>>(),
        },
        "bound": found.bound.as_ref().map(|(bound, gap)| json!({
            "c1": finite(bound.c1), "c2": finite(bound.c2), "reuse_gap": bound.reuse_gap, "moved": bound.moved,
            "on_loss": finite(bound.on_loss), "on_reuse_gap": finite(bound.on_gap), "measured_gap": gap,
        })),
        "worth_freeing": found.worth_freeing.iter().map(|freed| json!({
            "domain": domains.name(freed.domain), "coupling_before": freed.before, "coupling_after": freed.after,
        })).collect::<Vec<_>>(),
    })
}

fn described(
    found: &Analysis,
    reused: &ReusedMixture,
    domains: &DomainSet,
    tasks: &[&str],
    frozen: &VirtualDomain,
) -> Page {
    let (optimum, kept, prior) = (found.optimum_loss, reused.loss, found.prior_loss);
    let gain = |loss: f64| percent(1.0 - loss / prior);
    let mut text = Page::from(format!(
        "{} of {} domains keep their ratios.\n\n",
        frozen.members.len(),
        domains.len()
    ));
    text += table(
        &[
            "under the constraints",
            "average loss",
            "lower than the prior by",
        ],
        &[
            vec![
                "everything free".into(),
                number(Some(optimum), 4),
                gain(optimum),
            ],
            vec!["ratios kept".into(), number(Some(kept), 4), gain(kept)],
        ],
    );
    text += &format!(
        "Reuse keeps {} of the gain; {} of the data is elsewhere than in the optimum.\n",
        percent((prior - kept) / (prior - optimum)),
        percent(reused.variation)
    );
    text += bounds(found);
    let most = |values: &[f64], names: &[&str]| -> Vec<Vec<String>> {
        let mut order: Vec<usize> = (0..values.len()).filter(|&i| values[i] > 0.0).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let shown = order.into_iter().take(MOST_PRINTED);
        shown
            .map(|i| vec![names[i].to_owned(), number(Some(values[i]), 2)])
            .collect()
    };
    let names: Vec<&str> = domains.names().collect();
    text += "\n";
    text += table(
        &["frozen domains, by coupling", "κ"],
        &most(&found.coupling.by_domain, &names),
    );
    text += "\n";
    text += table(
        &["tasks, by coupling", "κ"],
        &most(&found.coupling.by_task, tasks),
    );
    if !found.worth_freeing.is_empty() {
        let rows: Vec<Vec<String>> = found
            .worth_freeing
            .iter()
            .take(MOST_PRINTED)
            .map(|freed| {
                let fall = percent(1.0 - freed.after / freed.before);
                vec![domains.name(freed.domain).to_owned(), fall]
            })
            .collect();
        text += "\n";
        text += table(
            &[
                "worth freeing, best first",
                "coupling with the update falls by",
            ],
            &rows,
        );
    }
    text
}

/// The bounds of Theorem 1 beside the gaps by the laws; nothing for laws that are not log-linear.
fn bounds(found: &Analysis) -> Page {
    let Some((bound, gap)) = &found.bound else {
        return Page::default();
    };
    let small = |x: f64| {
        if x.is_finite() {
            format!("{x:.3e}")
        } else {
            "∞".to_owned()
        }
    };
    let bounds = table(
        &["without caps (Theorem 1)", "in truth", "bound"],
        &[
            vec![
                "objective above the optimum".into(),
                small(gap.max(0.0)),
                small(bound.on_loss),
            ],
            vec![
                "reuse gap ‖p̃ − q*‖".into(),
                small(bound.reuse_gap),
                small(bound.on_gap),
            ],
            vec![
                "weight that moved, 1 − ρ*".into(),
                number(Some(bound.moved), 4),
                String::new(),
            ],
            vec![
                "coupling κ".into(),
                number(Some(found.coupling.kappa), 2),
                String::new(),
            ],
        ],
    );
    Page::from("\n") + bounds
}
