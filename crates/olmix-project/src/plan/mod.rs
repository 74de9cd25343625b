//! What a plan is asked for, and the plan.

#[cfg(test)]
mod bounds_tests;
mod context;
mod evidence;
mod expected;
mod files;
#[cfg(test)]
mod history_tests;
mod json;
mod planner;
mod previous_swarms;
mod reasons;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::Risk;
pub use expected::{ExpectedLoss, ExpectedLosses};
use olmix_core::reuse::{ReuseMethod, ReusePlan};
use olmix_core::{Constraints, DomainSet};
use olmix_io::{ProjectDomain, WeightedSwarm};
use olmix_ledger::{Cost, Record};

/// The options of `olmix plan`.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The method; `None` leaves it to the policy.
    pub method: Option<ReuseMethod>,
    /// The mixture to go on from; `None` for the newest of `main`.
    pub from: Option<String>,
    /// Runs at most; `None` for as many as the project's rule asks for.
    pub budget: Option<usize>,
    /// Runs to train, whatever the rule asks for. Where no domain changed, they are more runs for the same ones.
    pub runs: Option<usize>,
    /// Domains, or patterns with `*`, to free. Without any, partial reuse frees what is coupled with the
    /// update.
    pub free: Vec<String>,
    /// Further virtual domains: a name, and the pattern of the domains that are frozen in it.
    pub groups: Vec<(String, String)>,
    /// Whether old runs are fitted again although ratios are kept.
    pub old_runs: bool,
    /// Whether the KL term is that of the mixture in which each virtual domain is one.
    pub collapsed_kl: bool,
    /// The mixture.json of a pilot, with laws over the new domains.
    pub pilot: Option<PathBuf>,
}

/// An earlier swarm whose runs can be fitted again over the domains of today.
#[derive(Debug, Clone, PartialEq)]
pub struct ReusableSwarm {
    /// The name of its record, such as `swarm@2`.
    pub swarm: String,
    /// Runs over the domains of today.
    pub runs: usize,
    /// Runs that used removed or revised content, and are left out.
    pub lost: usize,
    /// By run, its weight in the fit; empty where all are 1.
    pub weights: Vec<f64>,
    /// Domains whose content changed since, with the share that did, where it was stated.
    pub changed: Vec<(String, f64)>,
    /// Domains that were revised since without a statement of how much of them changed.
    pub unstated: Vec<String>,
    /// By run, its mixture over the domains of today.
    pub mixtures: Vec<Vec<f64>>,
    /// The bytes of ratios.csv over the domains of today, and of metrics.csv as it was.
    pub files: (Vec<u8>, Vec<u8>),
}

impl ReusableSwarm {
    /// What its runs count for together: their number, less where they have weights below 1.
    #[must_use]
    pub fn effective(&self) -> f64 {
        if self.weights.is_empty() {
            return self.runs as f64;
        }
        self.weights.iter().sum()
    }

    /// Its weights below 1, and why; `None` where all are 1.
    #[must_use]
    pub fn weighted(&self) -> Option<WeightedSwarm> {
        WeightedSwarm::new(&self.swarm, &self.weights, &self.changed)
    }
}

/// Caps and bounds over the domains that laws and solve know: virtual domains first, then the free ones.
#[derive(Debug, Clone, PartialEq)]
pub struct CollapsedConstraints {
    /// The domains, with their tokens.
    pub domains: DomainSet,
    /// Caps and bounds over them. They hold exactly where those of the project hold over all domains.
    pub constraints: Constraints,
}

/// The plan of the next mixture.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The record of the newest version of the domain set, which the plan is for.
    pub version: Record,
    /// The domains of that version, `m` of them.
    pub domains: Vec<ProjectDomain>,
    /// The record of the mixture to go on from, if there is one.
    pub base: Option<Record>,
    /// What the policy decides: method, frozen and free domains, what is drawn, and runs.
    pub reuse: ReusePlan,
    /// Why this method, and what speaks against the plan; a sentence each.
    pub reasons: Vec<String>,
    /// Caps and bounds over the domains of laws and solve; `None` where nothing is solved for.
    pub constraints: Option<CollapsedConstraints>,
    /// Names of the domains that the update touched; none without a mixture to go on from.
    pub new: Vec<String>,
    /// What the plan's runs cost.
    pub cost: Cost,
    /// What full recomputation costs.
    pub recompute: Cost,
    /// The losses that it and every other method are expected to reach.
    pub expected: ExpectedLosses,
    /// Earlier swarms whose runs are fitted again, oldest first.
    pub earlier: Vec<ReusableSwarm>,
    /// Whether the KL term is that of the mixture in which each virtual domain is one.
    pub collapsed_kl: bool,
    /// The risk of keeping ratios; `None` where no law was fitted, or nothing is reused.
    pub risk: Option<Risk>,
}

impl Plan {
    /// How old ratios and runs are reused.
    #[must_use]
    pub fn method(&self) -> ReuseMethod {
        self.reuse.method
    }

    /// The greatest weight of the frozen virtual domain at a position by the token caps of its domains, at
    /// most 1; `None` where repetition is not limited.
    #[must_use]
    pub fn cap(&self, virtual_domain: usize) -> Option<f64> {
        let found = self.constraints.as_ref()?;
        found
            .constraints
            .caps
            .as_ref()
            .map(|caps| caps[virtual_domain].min(1.0))
    }

    /// The least and greatest weight of the frozen virtual domain at a position by the bounds of its domains.
    #[must_use]
    pub fn bounds(&self, virtual_domain: usize) -> (f64, f64) {
        let found = self.constraints.as_ref();
        found.map_or((0.0, 1.0), |found| {
            let bounds = &found.constraints;
            (bounds.lower[virtual_domain], bounds.upper[virtual_domain])
        })
    }

    /// Whether the new runs are chosen to go with the earlier ones: they are more runs for the same domains.
    #[must_use]
    pub fn complements(&self) -> bool {
        self.new.is_empty() && self.reuse.drawn.is_empty() && !self.earlier.is_empty()
    }

    /// The summed weight, in a mixture over the plan's domains, of those that the update touched.
    #[must_use]
    pub fn new_weight(&self, mixture: &[f64]) -> f64 {
        let weights = self.domains.iter().zip(mixture);
        weights
            .filter(|(domain, _)| self.new.contains(&domain.name))
            .map(|(_, weight)| weight)
            .sum()
    }
}
