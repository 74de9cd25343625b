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
mod coupling;
mod free;
mod joint;
mod solve;
mod update;

pub use analysis::{Analysis, Situation};
pub use collapse::{Collapse, VirtualDomain, VirtualKl};
pub use coupling::{Bound, Coupling, Reuse, coefficients};
pub use free::{FreeOptions, Freed, choose_free};
pub use joint::{Aligned, JointFit, align, carry, fit_joint};
pub use solve::solve_frozen;
pub use update::{Change, Lineage, Origin, PART_TOLERANCE, Update};
