//! A plan as text.

use std::fmt::Write as _;

use olmix_core::reuse::Alternative;
use olmix_ledger::Cost;
use olmix_project::{Estimate, ExpectedLoss, FreeReason, Plan, Project, Risk};

use crate::bars::tokens_text;
use crate::page::Page;
use crate::table::{number, percent, table, table_with_text};

/// Rows of the printed tables.
const MOST_PRINTED: usize = 8;

/// The plan as `olmix plan` prints it.
pub fn described(project: &Project, plan: &Plan) -> Page {
    let base = plan.base.as_ref().map_or_else(
        || "no mixture yet".to_owned(),
        |base| format!("starting from {}", base.name()),
    );
    let mut text = Page::from(format!(
        "{} for {} ({} domains), {base}.\n",
        plan.method().name(),
        plan.version.name(),
        plan.domains.len()
    ));
    for reason in &plan.reasons {
        let _ = writeln!(text, "- {reason}");
    }
    text += frozen(plan);
    text += free(plan);
    if let ([], [one]) = (plan.reuse.frozen.as_slice(), plan.reuse.drawn.as_slice()) {
        let _ = writeln!(
            text,
            "New runs keep the old ratios among {} unchanged domains; laws and mixture cover all domains, \
             since old runs distinguish these.",
            one.members.len()
        );
    }
    for swarm in &plan.earlier {
        let lost = match swarm.lost {
            0 => String::new(),
            lost => format!("; {lost} used content that no longer exists and are left out"),
        };
        let _ = writeln!(
            text,
            "{} is fitted too: {} runs over today's domains{lost}.",
            swarm.swarm, swarm.runs
        );
        if let Some(weighted) = swarm.weighted() {
            let _ = writeln!(text, "{}.", weighted.sentence());
        }
    }
    text += costs(project, plan);
    if let Some(risk) = &plan.risk {
        text += risks(plan, risk);
    }
    text
}

/// The virtual domains: their caps, and the largest shares within them.
fn frozen(plan: &Plan) -> Page {
    let mut text = Page::default();
    for (v, one) in plan.reuse.frozen.iter().enumerate() {
        let (min, max) = plan.bounds(v);
        let most = plan.cap(v).into_iter().chain((max < 1.0).then_some(max));
        let limits = [
            (min > 0.0).then(|| format!("at least {}", percent(min))),
            most.reduce(f64::min)
                .map(|most| format!("at most {}", percent(most))),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        let limits = match limits.as_slice() {
            [] => String::new(),
            limits => format!(", {} of the mixture", limits.join(" and ")),
        };
        let _ = writeln!(
            text,
            "\n`{}`: {} domains keep their ratios{limits}.",
            one.name,
            one.members.len()
        );
        let mut members = one.members.clone();
        members.sort_by(|a, b| b.1.total_cmp(&a.1));
        let rows: Vec<Vec<String>> = members
            .iter()
            .take(MOST_PRINTED)
            .map(|(name, share)| vec![name.clone(), percent(*share)])
            .collect();
        text += table(&["domain", "of it"], &rows);
        if members.len() > rows.len() {
            let _ = writeln!(text, " … and {} smaller", members.len() - rows.len());
        }
    }
    text
}

/// The domains whose ratios are computed, and why.
fn free(plan: &Plan) -> Page {
    if plan.reuse.free.is_empty() || plan.reuse.frozen.is_empty() {
        return Page::default();
    }
    let rows: Vec<Vec<String>> = plan
        .reuse
        .free
        .iter()
        .map(|free| {
            let why = match free.reason {
                FreeReason::Added => "added".to_owned(),
                FreeReason::Part => "a part of what was partitioned".to_owned(),
                FreeReason::Revised => "revised".to_owned(),
                FreeReason::Asked => "asked for".to_owned(),
                FreeReason::All => "everything is".to_owned(),
                FreeReason::Coupled { left } => {
                    format!("coupling with the update falls by {}", percent(1.0 - left))
                }
            };
            vec![free.domain.clone(), why]
        })
        .collect();
    let computed = format!("\n{} domains are computed:\n", plan.reuse.free.len());
    Page::from(computed) + table_with_text(&["domain", "why"], &rows, &[0, 1])
}

/// What the plan costs, and every method with its runs.
fn costs(project: &Project, plan: &Plan) -> Page {
    let cost = |cost: &Cost| {
        let mut text = format!("{} runs", cost.runs);
        if cost.tokens > 0 {
            text += &format!(", {} tokens", tokens_text(cost.tokens));
        }
        if cost.flops > 0.0 {
            text += &format!(", {:.1e} FLOPs", cost.flops);
        }
        text
    };
    let mut text = Page::from(format!("\n{}", cost(&plan.cost)));
    if plan.cost.runs < plan.recompute.runs {
        let saved = 1.0 - plan.cost.runs as f64 / plan.recompute.runs as f64;
        let _ = write!(
            text,
            "; full recomputation: {} ({:.0} % less)",
            cost(&plan.recompute),
            100.0 * saved
        );
    }
    text += ".\n";
    let settings = [
        ("max_tokens", project.config.max_tokens.is_none()),
        (
            "proxy_parameters",
            project.config.proxy_parameters.is_none(),
        ),
    ];
    let missing: Vec<&str> = settings
        .iter()
        .filter(|(_, missing)| *missing)
        .map(|(key, _)| *key)
        .collect();
    if plan.cost.runs > 0 && !missing.is_empty() {
        let _ = writeln!(
            text,
            "Set {} in olmix.yaml to see tokens and FLOPs.",
            missing.join(" and ")
        );
    }
    text + alternatives(plan)
}

/// Every method with its runs, and the loss that it is expected to reach.
fn alternatives(plan: &Plan) -> Page {
    let expected = &plan.expected;
    let losses = expected.methods.iter().any(Result::is_ok);
    let methods = plan.reuse.alternatives.iter().zip(&expected.methods);
    let row = |(other, loss): (&Alternative, &ExpectedLoss)| {
        let mut row = vec![
            other.method.name().to_owned(),
            other.domains.to_string(),
            other.runs.to_string(),
        ];
        if losses {
            row.push(number(loss.as_ref().ok().copied(), 4));
        }
        row
    };
    let rows: Vec<Vec<String>> = methods.clone().map(row).collect();
    let header = ["method", "domains sampled", "runs", "expected loss"];
    let mut text = Page::from("\n") + table(&header[..3 + usize::from(losses)], &rows);
    if !losses {
        if let Some(Err(why)) = expected.methods.first().filter(|_| plan.cost.runs > 0) {
            let _ = writeln!(text, "No expected loss: {why}.");
        }
        return text;
    }
    let laws = expected.laws.as_deref().unwrap_or("earlier fits");
    let in_use = expected.in_use.as_ref().ok();
    let in_use = in_use.map_or_else(String::new, |loss| {
        format!(", where the mixture in use has {}", number(Some(*loss), 4))
    });
    let _ = writeln!(
        text,
        "Expected loss: of the best mixture that the method allows, by the laws of {laws}{in_use}; with fewer \
         than two runs per domain less of the gain, as in docs/study-reuse.md. Estimates for new \
         domains are in it."
    );
    for (other, loss) in methods {
        if let Err(why) = loss {
            let _ = writeln!(text, "No expected loss of {}: {why}.", other.method.name());
        }
    }
    text
}

/// The risk: estimated losses, coupling, and the bound of Theorem 1.
fn risks(plan: &Plan, risk: &Risk) -> Page {
    let mut text = Page::from(format!("\nRisk, by the laws of {}", risk.fit));
    text += if risk.log_linear {
        ":\n"
    } else {
        ", taken as log-linear at the prior:\n"
    };
    for (domain, estimate) in risk.estimates.iter().take(MOST_PRINTED) {
        let _ = writeln!(text, "- {domain}: {}", estimated(estimate));
    }
    if risk.estimates.len() > MOST_PRINTED {
        let _ = writeln!(text, "- … and {} more", risk.estimates.len() - MOST_PRINTED);
    }
    let found = &risk.analysis;
    let (optimum, prior) = (found.optimum_loss, found.prior_loss);
    let free = format!(
        "with everything free {}; of the prior {}",
        number(Some(optimum), 4),
        number(Some(prior), 4)
    );
    let _ = match &found.reused {
        Ok(kept) => writeln!(
            text,
            "With all ratios kept, an average loss of {} is estimated; {free}.",
            number(Some(kept.loss), 4)
        ),
        Err(error) => writeln!(
            text,
            "With all ratios kept, the constraints can't be met ({error}); {free}."
        ),
    };
    let _ = writeln!(
        text,
        "Coupling κ {}; {} of the full optimum are estimated to be on domains that the update changed.",
        number(Some(found.coupling.kappa), 2),
        percent(plan.new_weight(&found.optimum)),
    );
    text += &match &found.bound {
        Some((bound, gap)) if bound.on_loss < prior => format!(
            "Theorem 1, without caps: at most {:.2e} above the full optimum (estimated {:.2e}), with a \
             reuse gap of {:.3}.\n",
            bound.on_loss,
            gap.max(0.0),
            bound.reuse_gap
        ),
        Some((bound, gap)) => format!(
            "Theorem 1, without caps, is not informative here: its bound ({}) is above the loss itself. \
             Estimated are {:.2e} above \
             the full optimum, with a reuse gap of {:.3}.\n",
            number(Some(bound.on_loss), 2),
            gap.max(0.0),
            bound.reuse_gap
        ),
        None => String::new(),
    };
    let kappa = |name: &str| {
        let j = plan.domains.iter().position(|domain| domain.name == name);
        number(j.map(|j| found.coupling.by_domain[j]), 2)
    };
    let rows: Vec<Vec<String>> = risk
        .shared
        .iter()
        .take(MOST_PRINTED)
        .map(|shared| {
            let worth = risk
                .worth_freeing
                .iter()
                .any(|freed| plan.domains[freed.domain].name == shared.domain);
            vec![
                shared.domain.clone(),
                number(Some(shared.coupling), 3),
                kappa(&shared.domain),
                shared.task.clone(),
                if worth { "worth freeing" } else { "" }.to_owned(),
            ]
        })
        .collect();
    text += table_with_text(
        &[
            "unchanged domain",
            "coupling with the update",
            "κ",
            "most on task",
            "",
        ],
        &rows,
        &[0, 3, 4],
    );
    let mut tasks: Vec<usize> = (0..risk.tasks.len()).collect();
    tasks.sort_by(|&a, &b| found.coupling.by_task[b].total_cmp(&found.coupling.by_task[a]));
    let rows: Vec<Vec<String>> = tasks
        .iter()
        .take(MOST_PRINTED)
        .map(|&i| {
            vec![
                risk.tasks[i].clone(),
                number(Some(found.coupling.by_task[i]), 2),
            ]
        })
        .collect();
    text + "\n" + table(&["tasks, by coupling", "κ"], &rows)
}

/// Where a domain's coefficients come from.
fn estimated(estimate: &Estimate) -> String {
    match estimate {
        Estimate::Law => "known by its law".into(),
        Estimate::Whole { of } => format!("as {of}, which it was a part of"),
        Estimate::Before => "as it was before it was revised".into(),
        Estimate::Pilot => "by the pilot".into(),
        Estimate::Tasks { tasks } => format!(
            "by the tasks it is meant for ({}): as good on them as the best known domain",
            tasks.join(", ")
        ),
        Estimate::SimilarTokens { to } => {
            let to: Vec<String> = to
                .iter()
                .map(|(name, weight)| format!("{name} {:.0} %", 100.0 * weight))
                .collect();
            format!("by the similarity of its tokens to {}", to.join(", "))
        }
        Estimate::Unknown { why } => format!(
            "not known, counted as the average ({why}); name its tasks (`--tasks`), or give a --pilot"
        ),
    }
}
