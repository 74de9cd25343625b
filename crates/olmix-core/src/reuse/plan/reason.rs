//! Why a plan is as it is, as values: whoever shows a plan has the sentences.

use serde::Serialize;

use super::ReuseMethod;
use crate::CoreError;

/// Why a domain is free.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeReason {
    /// The update added it.
    Added,
    /// It is a part of a domain that the update partitioned.
    Part,
    /// The update changed its content.
    Revised,
    /// It was named with `--free`.
    Asked,
    /// Freeing it lowers the coupling of the frozen domains with the update.
    Coupled {
        /// Coupling after freeing it, over coupling before: between 0 and 1.
        left: f64,
    },
    /// The method keeps no ratios.
    All,
}

/// Why a plan chose its method, or what speaks against it.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanReason {
    /// There is no mixture to go on from.
    FirstSwarm,
    /// The update removed domains and did nothing else.
    OnlyRemoved,
    /// Nothing changed, and nothing was asked for.
    NothingChanged,
    /// Runs were asked for although no domain has to be measured anew.
    MoreRuns {
        /// Runs of earlier swarms over today's domains.
        old_runs: usize,
    },
    /// The same, and no earlier run is known that could be fitted with them.
    MoreRunsAlone,
    /// Domains to free were named.
    FreeNamed,
    /// Virtual domains were named.
    GroupsNamed,
    /// At most one domain is as it was.
    NearlyAllAffected,
    /// Old and new runs determine laws over all domains.
    EnoughOldRuns {
        /// Runs of earlier swarms over today's domains.
        old_runs: usize,
        /// Runs that swarm reuse trains, within the budget.
        new_runs: usize,
        /// Today's domains, `m`.
        domains: usize,
    },
    /// Old runs are no more than there are domains.
    TooFewOldRuns {
        /// Runs of earlier swarms over today's domains.
        old_runs: usize,
        /// Today's domains, `m`.
        domains: usize,
    },
    /// These domains are worth freeing.
    Coupled(Vec<String>),
    /// No domain is worth freeing.
    NotCoupled,
    /// No law says how domains are coupled, so that full reuse was chosen.
    CouplingUnknown,
    /// No law says how domains are coupled, where partial reuse was asked for.
    NothingSaysWhatToFree,
    /// The method that would be chosen keeps ratios, and caps and bounds can't be met, or expressed, with
    /// them.
    BoundsNeedOtherRatios {
        /// That method.
        method: ReuseMethod,
        /// Why not.
        error: CoreError,
    },
    /// At most a quarter of the domains keep their ratios.
    HardlyReused {
        /// Domains that keep their ratios.
        kept: usize,
        /// Today's domains, `m`.
        domains: usize,
    },
    /// The budget allows fewer runs than the rule asks for.
    OverBudget {
        /// Runs that the budget allows.
        runs: usize,
        /// What the rule asks for.
        wanted: usize,
    },
    /// Fewer runs than a law over so many domains has coefficients.
    TooFewRuns {
        /// Runs in the fit, old ones included.
        runs: usize,
        /// Domains of the law, a virtual one as one.
        domains: usize,
    },
}
