//! What a plan is asked for: the methods, and the options that each of them takes.

use serde::Serialize;

/// How the next mixture reuses what is known (Olmix, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReuseMethod {
    /// Old ratios among all domains that the update left alone (`FullMixtureReuse`).
    FullReuse,
    /// As full reuse, but some of those domains are free again (`PartialMixtureReuse`).
    PartialReuse,
    /// Old runs and new runs in one law over all domains; every ratio is free in the solve.
    SwarmReuse,
    /// A new swarm over all domains.
    Recompute,
}

impl ReuseMethod {
    /// All methods with their names, in the order in which they are listed.
    pub const ALL: [(&'static str, Self); 4] = [
        ("full-reuse", Self::FullReuse),
        ("partial-reuse", Self::PartialReuse),
        ("swarm-reuse", Self::SwarmReuse),
        ("recompute", Self::Recompute),
    ];

    /// The name on the command line and in records, such as `full-reuse`.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, method)| *method == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether the next mixture has old ratios: full and partial reuse.
    #[must_use]
    pub fn keeps_ratios(self) -> bool {
        matches!(self, Self::FullReuse | Self::PartialReuse)
    }
}

/// Which options were given; what they name follows in [`super::PlanInputs::plan`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PlanRequest {
    /// The method; `None` leaves the choice to the policy.
    pub method: Option<ReuseMethod>,
    /// Whether domains to free are named (`--free`).
    pub names_free: bool,
    /// Whether further virtual domains are named (`--freeze`).
    pub names_groups: bool,
    /// Whether old runs inform the laws although ratios are kept (`--old-runs`).
    pub fit_old_runs: bool,
    /// Runs at most.
    pub budget: Option<usize>,
    /// Runs to train, whatever the rule asks for: more runs too where no domain changed.
    pub runs: Option<usize>,
}

/// An option that a method can't honour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusedOption {
    /// Domains to free, with a method other than partial reuse.
    Free,
    /// Virtual domains, with a method that keeps no ratios.
    Groups,
    /// Old runs, with a recomputation.
    OldRuns,
}

impl PlanRequest {
    /// Whether runs are asked for although no domain changed, or some were removed only.
    #[must_use]
    pub fn wants_runs(&self) -> bool {
        self.runs.is_some() || self.method == Some(ReuseMethod::Recompute)
    }

    /// The first option that `method` has no use for.
    #[must_use]
    pub fn unused_option(&self, method: ReuseMethod) -> Option<UnusedOption> {
        if self.names_free && method != ReuseMethod::PartialReuse {
            return Some(UnusedOption::Free);
        }
        if self.names_groups && !method.keeps_ratios() {
            return Some(UnusedOption::Groups);
        }
        (self.fit_old_runs && method == ReuseMethod::Recompute).then_some(UnusedOption::OldRuns)
    }
}
