//! Domains that evolve: what an update leaves as it was is reused, and only the rest is computed again.
//!
//! ```text
//! old domain set ─ update ─► new domain set      old mixture ─ freeze ─► virtual domains
//!                                 └──────────── collapse ────────────────────┘
//!                                                   │
//!                            smaller swarm ─► laws ─► solve ─► expand ─► mixture over the new set
//! ```
//!
//! The method of Olmix, section 4: `FullMixtureReuse` keeps the old ratios among all unaffected domains,
//! `PartialMixtureReuse` among some of them; swarm reuse keeps old runs instead of old ratios.

mod analysis;
mod collapse;
mod collapsed_constraints;
mod coupling;
mod free;
mod joint;
mod plan;
mod run_weight;
mod solve;
mod update;
mod virtual_domain;

pub use analysis::{Analysis, ReuseProblem, ReusedMixture};
pub use collapse::{Collapse, VirtualKl};
pub use coupling::{Bound, BoundInputs, Coupling, coefficients};
pub use free::{FreeOptions, Freed, choose_free};
pub(crate) use joint::re_express_by;
pub use joint::{Aligned, JointFit, align, fit_joint, re_express};
pub use plan::{
    Alternative, CANDIDATES_PER_RUN, ExpectedLaws, FreeDomain, FreeReason, FreezeGroup,
    LEAST_OLD_RUNS, MOST_OLD_SWARMS, PlanError, PlanInputs, PlanReason, PlanRequest,
    RemainingMixture, ReuseMethod, ReusePlan, Rounding, RunRule, UnusedOption, existing_name,
    gain_kept_by_runs, remaining_mixture, sampling_center,
};
pub use run_weight::run_weight;
pub use solve::solve_frozen;
pub use update::{Change, Lineage, Origin, PART_TOLERANCE, Update};
pub use virtual_domain::VirtualDomain;
