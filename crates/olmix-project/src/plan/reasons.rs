//! The sentences of a plan.

use std::collections::BTreeSet;

use olmix_core::reuse::PlanReason;

use crate::{ReusableSwarm, Risk};

/// No domain alone makes a loss larger or smaller by a factor of e to this: such laws are not determined by their runs.
const LARGEST_COEFFICIENT: f64 = 40.0;

/// Why a plan is as it is, as a sentence without a full stop.
pub(crate) fn sentence(reason: &PlanReason) -> String {
    match reason {
        PlanReason::FirstSwarm => {
            "there is no mixture yet: the first swarm is over all domains".into()
        }
        PlanReason::OnlyRemoved => {
            "domains were only removed: the remaining domains keep their ratios, and no run is needed; \
             `olmix commit` records it".into()
        }
        PlanReason::NothingChanged => {
            "nothing changed since: no run is needed. `--runs N` plans N more runs for the same domains, fitted \
             together with those that are there"
                .into()
        }
        PlanReason::MoreRuns { old_runs } => format!(
            "no domain changed: new runs are chosen that go best with the {old_runs} there are, and are \
             fitted together with them"
        ),
        PlanReason::MoreRunsAlone => {
            "no domain changed, and the history has no runs that could be fitted again: new runs are a swarm \
             of their own"
                .into()
        }
        PlanReason::FreeNamed => "domains were named to be free".into(),
        PlanReason::GroupsNamed => "virtual domains were asked for".into(),
        PlanReason::NearlyAllAffected => {
            "nearly every domain changed: there is little to reuse".into()
        }
        PlanReason::EnoughOldRuns {
            old_runs,
            new_runs,
            domains,
        } => format!(
            "{old_runs} old runs still speak of today's domains; with {new_runs} new ones they determine \
             laws over all \
             {domains}. Of the methods here this keeps most of full recomputation's gain per run \
             (docs/study-reuse.md)"
        ),
        PlanReason::TooFewOldRuns { old_runs, domains } => format!(
            "only {old_runs} old runs still speak of today's domains, too few for laws over all {domains}"
        ),
        PlanReason::Coupled(names) => format!(
            "the update acts on the tasks of {}: worth freeing",
            names.join(", ")
        ),
        PlanReason::NotCoupled => {
            "no domain is so coupled with the update that freeing it would be worth its runs".into()
        }
        PlanReason::CouplingUnknown => {
            "no law was fitted yet, so that coupling is not known: all ratios are kept".into()
        }
        PlanReason::NothingSaysWhatToFree => {
            "no law was fitted yet, so that nothing says what to free: name it with --free".into()
        }
        PlanReason::BoundsNeedOtherRatios { method, error } => format!(
            "{} can't keep to the bounds of `constraints`: {error}",
            method.name()
        ),
        PlanReason::HardlyReused { kept, domains } => format!(
            "only {kept} of {domains} domains keep their ratios: this is nearly a recomputation"
        ),
        PlanReason::OverBudget { runs, wanted } => {
            format!("{runs} runs are the budget; the rule asks for {wanted}")
        }
        PlanReason::TooFewRuns { runs, domains } => format!(
            "{runs} runs do not determine a law over {domains} domains: fit with a ridge (`--ridge auto`)"
        ),
    }
}

/// Why an earlier swarm is not fitted again.
pub(crate) fn left_out(swarm: &ReusableSwarm) -> String {
    format!(
        "{} is left out: {} of its {} runs used content that no longer exists",
        swarm.swarm,
        swarm.lost,
        swarm.lost + swarm.runs
    )
}

/// Which revisions would keep old runs if it were stated how much changed; nothing where no run is lost.
pub(crate) fn unstated<'a>(swarms: impl Iterator<Item = &'a ReusableSwarm>) -> Option<String> {
    let (mut runs, mut names) = (0, BTreeSet::new());
    for swarm in swarms.filter(|swarm| !swarm.unstated.is_empty()) {
        runs += swarm.lost;
        names.extend(&swarm.unstated);
    }
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    (runs > 0).then(|| {
        format!(
            "{runs} old runs are left out: nothing says how much of {} changed. `olmix update revise NAME \
             --changed SHARE` keeps such runs as weaker evidence (`olmix update undo` takes a revision back)",
            names.join(", ")
        )
    })
}

/// What speaks against trusting a risk.
pub(crate) fn doubts(risk: &Risk) -> Vec<String> {
    let mut doubts = Vec::new();
    if risk.excluded_tasks > 0 {
        doubts.push(format!(
            "{} tasks say nothing about coupling: their laws predict unseen runs no better than their mean",
            risk.excluded_tasks
        ));
    }
    if risk.largest > LARGEST_COEFFICIENT {
        doubts.push(format!(
            "the laws of {} have coefficients of up to {:.0} nats: its runs do not determine them, and \
             coupling by them \
             says little; fit again with `--ridge auto`, and commit that",
            risk.fit, risk.largest
        ));
    }
    doubts
}
