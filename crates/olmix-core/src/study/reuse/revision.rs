//! What old runs are worth after a part of a domain's content was replaced: discarded, kept in full, or with a
//! weight ([`crate::reuse::run_weight`]).
//!
//! A swarm over the paper's last domain set is measured while one domain still has the share `changed` of
//! other content: of general web text in the prior's ratios. Then that content is replaced, few new runs are
//! measured, as `olmix plan` has them, and laws are fitted to old and new runs.

use super::case_study::Stage;
use super::methods::{Freeing, Variant};
use super::simulate::{ReuseSimulation, planned};
use super::stage_solver::StageSolver;
use super::{KL_REG, REPETITION_FACTOR, TARGETS};
use crate::law::FittedLaw;
use crate::reuse::{
    Change, Collapse, Lineage, PlanInputs, PlanRequest, ReuseMethod, ReusePlan, RunRule,
    re_express_by, run_weight,
};
use crate::study::{Cell, Study};
use crate::{CoreError, Domain, DomainSet, Mixture, Swarm};

/// Shares of the content that is replaced.
const CHANGED: [&str; 4] = ["0.01", "0.05", "0.2", "0.5"];
/// The domains of a swarm: every topic by itself, or every source as one domain. Few runs on topics have a given
/// one, and nearly all runs on sources.
const SETS: [&str; 2] = ["topics", "sources"];
/// Beginnings of names; of each kind the domain with the greatest prior is revised.
const KINDS: [&str; 4] = ["dclm", "stack-edu", "finemath", "s2pdf"];
/// Runs per domain of both swarms.
const C: f64 = 3.0;

/// The weight of an old run, from its mixture and what changed.
type Rule = fn(&[f64], &[(usize, f64)]) -> f64;

/// Rules for the weights of old runs, in the order of [`VALUES`] behind the first five.
const RULES: [Rule; 4] = [|_, _| 1.0, kept, steep, run_weight];

/// Runs that are trained anew; old runs without the revised domain; the mean weight of the others by the
/// rule of `olmix plan`; then by how much the loss is above that of the best mixture: of the mixture before the revision,
/// with the other runs discarded, with all at full weight, and by rules for their weights.
pub(in crate::study) const VALUES: [&str; 9] = [
    "runs",
    "left",
    "weight",
    "in_use",
    "discarded",
    "full_weight",
    "share_kept",
    "steep",
    "rule",
];

/// The share of the content that is the same, for runs on a revised domain.
fn kept(p: &[f64], changed: &[(usize, f64)]) -> f64 {
    let used = changed.iter().filter(|(j, _)| p[*j] > 0.0);
    used.map(|(_, share)| 1.0 - share).product()
}

/// The rule of [`run_weight`] with twice the strength.
fn steep(p: &[f64], changed: &[(usize, f64)]) -> f64 {
    let doubled: Vec<(usize, f64)> = changed.iter().map(|&(j, share)| (j, 2.0 * share)).collect();
    run_weight(p, &doubled)
}

pub(in crate::study) fn settings(study: &Study<'_>) -> Vec<Vec<String>> {
    let mut settings = Vec::new();
    for (oracle, _) in &study.oracles {
        for set in SETS {
            for kind in KINDS {
                for changed in CHANGED {
                    settings.push([*oracle, set, kind, changed].map(str::to_owned).to_vec());
                }
            }
        }
    }
    settings
}

pub(in crate::study) fn run(study: &Study<'_>, cell: &Cell) -> Result<Vec<f64>, CoreError> {
    let unknown = || CoreError::Unsupported("a cell of another study".into());
    let [oracle, kind_of_set, kind, changed] = &cell.keys[..] else {
        return Err(unknown());
    };
    let found = study.oracles.iter().find(|(name, _)| name == oracle);
    let (_, oracle) = found.ok_or_else(unknown)?;
    let (_, target_tokens) = TARGETS[0];
    let changed: f64 = changed.parse().map_err(|_| unknown())?;
    let by_source = kind_of_set == SETS[1];
    let data = Data::new(study.swarm.domains(), study.spec.prior.weights(), by_source)?;
    let (set, prior) = (&data.set, data.prior.as_slice());
    let revised = most_common(set, prior, kind).ok_or_else(|| {
        CoreError::Unsupported(format!(
            "the study `revision` needs a domain whose name begins with `{kind}`"
        ))
    })?;
    let stages = [
        data.stage(revised, Some(changed))?,
        data.stage(revised, None)?,
    ];
    let [before, after] = &stages;
    // A law per family: what is asked is the same, and it takes a tenth of the time.
    let by_family = study.swarm.by_family().task_weights();
    let solver = |task_weights| StageSolver {
        oracle,
        task_weights,
        target_tokens,
        repetition_factor: REPETITION_FACTOR,
        kl_reg: KL_REG,
    };
    let simulation = ReuseSimulation {
        solver: solver(&by_family),
        stages: &stages,
        options: oracle.options(),
        c: C,
        seed: cell.seed,
    };
    let all = Collapse::new(set, &[])?;
    let first = ReusePlan::first(set, RunRule::new(C), None);
    let old = simulation.measure(before, &first, VARIANT, first.runs, 0)?;
    let laws = laws_of(&simulation, &[], &old.by_family(), after)?;
    let in_use = simulation.solver.solve(before, &all, &laws)?;

    let lineage = Lineage::of(
        set,
        &[Change::Revise {
            domain: set.name(revised).to_owned(),
            tokens: set.iter().nth(revised).and_then(|domain| domain.tokens),
            changed: Some(changed),
        }],
    )?;
    let forgotten = Lineage {
        changed: vec![None; set.len()],
        ..lineage.clone()
    };
    let (left, _) = re_express_by(&old, &forgotten, prior, &|_, _| 1.0)?;
    let mixture = Mixture::new(set.clone(), in_use.clone())?;
    let inputs = |old_runs: usize| PlanInputs {
        lineage: &lineage,
        mixture: &mixture,
        run_rule: RunRule::new(C),
        old_runs,
        worth_freeing: None,
        request: PlanRequest::default(),
    };
    // What is planned without the runs on the revised domain.
    let without = inputs(left.len());
    let plan = planned(&without, without.choose().0, &[])?;
    let new = simulation.measure(after, &plan, VARIANT, plan.runs, 1)?;
    let discarded = if plan.fits_old_runs {
        let laws = laws_of(&simulation, &[left.by_family()], &new.by_family(), after)?;
        simulation.solver.solve(after, &all, &laws)?
    } else {
        let kept = Collapse::new(set, &plan.frozen)?;
        let laws = simulation.fit(&new.by_family(), &kept, after)?;
        simulation.solver.solve(after, &kept, &laws)?
    };
    // And with them, at the same number of runs.
    let with = inputs(old.len());
    let plan = planned(&with, ReuseMethod::SwarmReuse, &[])?;
    let new = simulation
        .measure(after, &plan, VARIANT, plan.runs, 1)?
        .by_family();
    let task_weights = study.swarm.task_weights();
    let best = solver(&task_weights).best(after, &all)?;
    let least = oracle.loss(&after.to_oracle(&best));
    let above = |mixture: &[f64]| oracle.loss(&after.to_oracle(mixture)) / least - 1.0;
    let weighted = re_express_by(&old, &lineage, prior, &run_weight)?.0;
    let weights = weighted.weights().unwrap_or_default().iter();
    let below: Vec<f64> = weights.copied().filter(|weight| *weight < 1.0).collect();
    let mut numbers = vec![
        plan.runs as f64,
        left.len() as f64,
        below.iter().sum::<f64>() / below.len() as f64,
        above(&in_use),
        above(&discarded),
    ];
    for rule in RULES {
        let (past, _) = re_express_by(&old, &lineage, prior, &rule)?;
        let laws = laws_of(&simulation, &[past.by_family()], &new, after)?;
        numbers.push(above(&simulation.solver.solve(after, &all, &laws)?));
    }
    Ok(numbers)
}

const VARIANT: Variant = Variant {
    method: None,
    free: Freeing::Nothing,
    old_runs: false,
    paper_swarms: false,
};

fn laws_of(
    simulation: &ReuseSimulation<'_>,
    past: &[Swarm],
    swarm: &Swarm,
    stage: &Stage,
) -> Result<Vec<FittedLaw>, CoreError> {
    simulation.joint(past, swarm, stage)
}

/// The domain with the greatest prior among those whose names begin alike.
fn most_common(set: &DomainSet, prior: &[f64], start: &str) -> Option<usize> {
    let names = set.names().enumerate();
    let alike = names.filter(|(_, name)| name.starts_with(start));
    alike
        .map(|(j, _)| j)
        .max_by(|&a, &b| prior[a].total_cmp(&prior[b]))
}

/// The domains of the study's swarms.
struct Data {
    set: DomainSet,
    /// The prior over `set`.
    prior: Vec<f64>,
    /// What each domain is in terms of the oracle's: rows of length `m`.
    content: Vec<Vec<f64>>,
    /// What a domain had in the place of its own content: web text in the prior's ratios, and where it is web text
    /// itself, all topics alike.
    others: [Vec<f64>; 2],
}

impl Data {
    /// The oracle's domains, one by one or by source.
    fn new(oracle: &DomainSet, prior: &[f64], by_source: bool) -> Result<Self, CoreError> {
        let source = |name: &str| -> String {
            let source = name.split(':').next().filter(|_| by_source);
            source.unwrap_or(name).to_owned()
        };
        let mut names: Vec<String> = Vec::new();
        for name in oracle.names().map(source) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let (mut domains, mut shares, mut content) = (Vec::new(), Vec::new(), Vec::new());
        for name in names {
            let inside: Vec<bool> = oracle.names().map(|one| source(one) == name).collect();
            let tokens = oracle.iter().zip(&inside).filter(|(_, inside)| **inside);
            let tokens: Option<u64> = tokens.map(|(domain, _)| domain.tokens).sum();
            domains.push(Domain { name, tokens });
            let sizes = blend(prior, |j| inside[j]);
            shares.push(
                (0..prior.len())
                    .filter(|&j| inside[j])
                    .map(|j| prior[j])
                    .sum(),
            );
            content.push(sizes);
        }
        let web: Vec<bool> = oracle
            .names()
            .map(|name| name.starts_with(KINDS[0]))
            .collect();
        Ok(Self {
            set: DomainSet::new(domains)?,
            prior: shares,
            content,
            others: [
                blend(prior, |j| web[j]),
                blend(&vec![1.0; prior.len()], |j| web[j]),
            ],
        })
    }

    /// The data as it is, or with a share of a domain's content replaced.
    fn stage(&self, revised: usize, replaced: Option<f64>) -> Result<Stage, CoreError> {
        let name = self.set.name(revised);
        let mut content = self.content.clone();
        if let Some(share) = replaced {
            let other = &self.others[usize::from(name.starts_with(KINDS[0]))];
            for (own, other) in content[revised].iter_mut().zip(other) {
                *own = (1.0 - share) * *own + share * other;
            }
        }
        // To the plan of new runs the revised domain is new.
        let update = Change::Revise {
            domain: name.to_owned(),
            tokens: self
                .set
                .iter()
                .nth(revised)
                .and_then(|domain| domain.tokens),
            changed: None,
        };
        let update = if replaced.is_some() {
            Vec::new()
        } else {
            vec![update]
        };
        Ok(Stage {
            lineage: Lineage::of(&self.set, &update)?,
            content,
            prior: self.prior.clone(),
            adds_code: false,
        })
    }
}

/// Sizes of some domains over their sum, and 0 for the others.
fn blend(sizes: &[f64], is_inside: impl Fn(usize) -> bool) -> Vec<f64> {
    let inside = |j: usize| if is_inside(j) { sizes[j] } else { 0.0 };
    let all: f64 = (0..sizes.len()).map(inside).sum();
    (0..sizes.len()).map(|j| inside(j) / all).collect()
}
