//! What a plan is asked for, and what it says.

use std::path::PathBuf;

use olmix_core::reuse::VirtualDomain;
use olmix_io::ProjectDomain;
use olmix_ledger::{Cost, Record};
use serde::Serialize;

use crate::Risk;

/// How the next mixture follows the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Old ratios among all domains that the update left alone.
    FullReuse,
    /// The same, but for some of them that are free again.
    PartialReuse,
    /// Old runs, with new ones over all domains.
    SwarmReuse,
    /// A new swarm over all domains.
    Recompute,
}

impl Method {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("full-reuse", Self::FullReuse),
        ("partial-reuse", Self::PartialReuse),
        ("swarm-reuse", Self::SwarmReuse),
        ("recompute", Self::Recompute),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, method)| *method == self);
        found.map_or("", |(name, _)| name)
    }
}

/// What a plan is asked for.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The method; `None` for the one that fits best.
    pub method: Option<Method>,
    /// The mixture to go on from; `None` for the newest of `main`.
    pub from: Option<String>,
    /// Runs at most; `None` for as many as the project's rule asks for.
    pub budget: Option<usize>,
    /// Domains, or patterns with `*`, to free; none leaves it to what is coupled, where partial reuse is meant.
    pub free: Vec<String>,
    /// Further virtual domains: a name, and patterns of what is frozen in it.
    pub groups: Vec<(String, String)>,
    /// Whether old runs inform the laws where ratios are reused, too.
    pub old_runs: bool,
    /// Whether the KL term is that of the mixture in which each virtual domain is one.
    pub collapsed_kl: bool,
    /// A mixture.json with laws over the new domains, of a pilot.
    pub pilot: Option<PathBuf>,
}

/// A domain whose ratio is computed anew, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Free {
    /// The domain.
    pub domain: String,
    /// Why.
    pub reason: FreeReason,
}

/// Why a domain is free.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeReason {
    /// It was added.
    Added,
    /// It is a part of what was partitioned.
    Part,
    /// Its content changed.
    Revised,
    /// It was asked for.
    Asked,
    /// Freeing it lets the coupling with the update fall to this share of what it was.
    Coupled {
        /// Coupling after, over coupling before.
        left: f64,
    },
    /// Everything is free.
    All,
}

/// Another way, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// The method.
    pub method: Method,
    /// Domains in its swarm, a virtual one as one.
    pub domains: usize,
    /// Runs.
    pub runs: usize,
}

/// An earlier swarm that is fitted too.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// Its record: `swarm@2`.
    pub swarm: String,
    /// Runs over the domains of today.
    pub runs: usize,
    /// Runs that used content which is gone.
    pub lost: usize,
    /// Its files: ratios over the domains of today, and metrics as they were.
    pub files: (Vec<u8>, Vec<u8>),
}

/// A plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The version of the domain set it is for.
    pub version: Record,
    /// Its domains.
    pub domains: Vec<ProjectDomain>,
    /// The mixture that it goes on from, if there is one.
    pub base: Option<Record>,
    /// The method.
    pub method: Method,
    /// Why that one, and why so.
    pub reasons: Vec<String>,
    /// Domains in fixed ratios; none for methods that reuse none.
    pub virtuals: Vec<VirtualDomain>,
    /// Virtual domains of the swarm: those above, and for swarm reuse all that the update left alone as one, as old runs tell
    /// what is inside apart.
    pub drawn: Vec<VirtualDomain>,
    /// The most that each domain in fixed ratios can have of the mixture, where repetition is limited.
    pub caps: Vec<Option<f64>>,
    /// Domains whose ratios are computed.
    pub free: Vec<Free>,
    /// Those that the update touched; none without a mixture to go on from.
    pub new: Vec<String>,
    /// Runs of the swarm; 0 where nothing has to be measured.
    pub runs: usize,
    /// What they cost.
    pub cost: Cost,
    /// What full recomputation costs.
    pub recompute: Cost,
    /// Earlier swarms whose runs inform the laws.
    pub earlier: Vec<Carried>,
    /// Whether the KL term is that of the mixture in which each virtual domain is one.
    pub collapsed_kl: bool,
    /// What it risks; `None` where no law was fitted, or nothing is reused.
    pub risk: Option<Risk>,
    /// All methods with their runs.
    pub alternatives: Vec<Alternative>,
}

impl Plan {
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
