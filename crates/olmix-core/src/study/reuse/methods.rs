//! The methods that the study compares: the plans of `olmix plan`, and variants of them.

use crate::reuse::{ReuseMethod, Rounding, RunRule};

/// How a simulated team follows changing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Shares by tokens; no runs.
    Natural,
    /// Full reuse with the oracle's own laws at every step, so that no run is needed: what kept ratios cost
    /// where laws are perfect.
    FullReuseExact,
    /// Plans of the policy that `olmix plan` follows ([`crate::reuse::PlanInputs`]).
    Planned(Variant),
}

/// Which plans are followed, and how their swarms are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant {
    /// The method asked for (`--method`); `None` leaves it to the policy (`auto`).
    pub method: Option<ReuseMethod>,
    /// Which of the domains that an update left alone are free again.
    pub free: Freeing,
    /// Whether old runs inform the laws although ratios are kept (`--old-runs`).
    pub old_runs: bool,
    /// Whether swarms are the paper's: a power of two of runs, plain draws around the prior, over all domains
    /// in swarm reuse. Otherwise they are those that `olmix plan` writes.
    pub paper_swarms: bool,
}

/// What is freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freeing {
    /// No domain becomes free again.
    Nothing,
    /// The domain that the paper freed by hand, when code is added (`--free`).
    ByHand,
    /// What a pilot shows to be coupled with the update (`--pilot`). The pilot is the swarm of full reuse;
    /// its runs count as runs of the larger swarm.
    ByPilot,
}

impl Variant {
    /// The size of swarms with `c` runs per domain.
    pub fn run_rule(self, c: f64) -> RunRule {
        RunRule {
            per_domain: c,
            rounding: if self.paper_swarms {
                Rounding::PowerOfTwo
            } else {
                Rounding::Up
            },
        }
    }

    /// Whether the cost of kept ratios is reported.
    pub fn keeps_ratios(self) -> bool {
        self.method.is_some_and(ReuseMethod::keeps_ratios)
    }

    const fn shipped(method: Option<ReuseMethod>) -> Self {
        Self {
            method,
            free: Freeing::Nothing,
            old_runs: false,
            paper_swarms: false,
        }
    }

    const fn paper(method: ReuseMethod) -> Self {
        Self {
            paper_swarms: true,
            ..Self::shipped(Some(method))
        }
    }
}

const FULL: Variant = Variant::shipped(Some(ReuseMethod::FullReuse));
const PARTIAL: Variant = Variant::shipped(Some(ReuseMethod::PartialReuse));

/// All methods, with their names in the study's tables.
pub(super) const METHODS: [(&str, Method); 13] = [
    ("natural", Method::Natural),
    (
        "recompute",
        Method::Planned(Variant::shipped(Some(ReuseMethod::Recompute))),
    ),
    (
        "recompute-paper",
        Method::Planned(Variant::paper(ReuseMethod::Recompute)),
    ),
    ("full-reuse", Method::Planned(FULL)),
    (
        "full-reuse-paper",
        Method::Planned(Variant::paper(ReuseMethod::FullReuse)),
    ),
    ("full-reuse-exact", Method::FullReuseExact),
    (
        "full-reuse-old-runs",
        Method::Planned(Variant {
            old_runs: true,
            ..FULL
        }),
    ),
    (
        "partial-by-hand",
        Method::Planned(Variant {
            free: Freeing::ByHand,
            ..PARTIAL
        }),
    ),
    (
        "partial-by-hand-paper",
        Method::Planned(Variant {
            free: Freeing::ByHand,
            ..Variant::paper(ReuseMethod::PartialReuse)
        }),
    ),
    (
        "partial-auto",
        Method::Planned(Variant {
            free: Freeing::ByPilot,
            old_runs: true,
            ..PARTIAL
        }),
    ),
    (
        "swarm-reuse",
        Method::Planned(Variant::shipped(Some(ReuseMethod::SwarmReuse))),
    ),
    (
        "swarm-reuse-paper",
        Method::Planned(Variant::paper(ReuseMethod::SwarmReuse)),
    ),
    ("auto", Method::Planned(Variant::shipped(None))),
];
