//! What a plan is asked for, and the plan.

mod context;
mod evidence;
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
use olmix_core::reuse::{ReuseMethod, ReusePlan};
use olmix_io::ProjectDomain;
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
    /// The bytes of ratios.csv over the domains of today, and of metrics.csv as it was.
    pub files: (Vec<u8>, Vec<u8>),
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
    /// The greatest weight of each frozen virtual domain; `None` where repetition is not limited.
    pub caps: Vec<Option<f64>>,
    /// Names of the domains that the update touched; none without a mixture to go on from.
    pub new: Vec<String>,
    /// What the plan's runs cost.
    pub cost: Cost,
    /// What full recomputation costs.
    pub recompute: Cost,
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
