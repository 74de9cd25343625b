//! The method of olmix: from a swarm of measured proxy runs to the mixture a model should be
//! trained on.
//!
//! # The problem
//!
//! Domains `D_1..D_m` hold `N_1..N_m` tokens. A *mixture* `p` on the simplex says how a run of
//! `R` tokens is drawn. A *swarm* is `K` small runs with their mixtures `X` (`K × m`) and losses
//! `Y` (`K × n`, bits per byte or any other loss). Each task gets a *law* `f̂_i(p)`; the answer is
//!
//! ```text
//! min_p  Σ_i w_i f̂_i(p) + λ KL(p ‖ p0)
//! s.t.   p ≥ 0, Σ p = 1, p_j ≤ k N_j / R, bounds on domains and groups
//! ```
//!
//! (Olmix, arXiv 2602.12237, section 2.)
//!
//! # Symbols
//!
//! | symbol | shape | meaning |
//! | --- | --- | --- |
//! | `m`, `n`, `K` | | domains, tasks, runs |
//! | `X`, `Y` | `K × m`, `K × n` | mixtures and losses of the runs |
//! | `p`, `p0` | `m` | a mixture; the natural distribution |
//! | `t`, `c` | `m`, 1 | coefficients and irreducible loss of a log-linear law |
//! | `w` | `n` | weights of the tasks, summing to 1 |
//! | `λ` | 1 | strength of the KL term, loss per nat |
//! | `R`, `k`, `N` | 1, 1, `m` | target tokens, repetition factor, tokens per domain |
//! | `δ`, `ρ` | 1 | Huber's threshold; ridge on `t` |
//!
//! This crate is pure: no files, no clock, no global state. Work is spread over threads with
//! rayon, and the result is the same bits on any number of them. Every random draw comes from a
//! seed that is passed in.

mod constraints;
mod domain;
mod error;
mod fit;
pub mod generate;
pub mod law;
mod matrix;
mod mixture;
pub mod optimize;
mod oracle;
mod random;
pub mod reuse;
mod spec;
pub mod study;
mod swarm;
mod sweep;
pub mod trust;
mod vector;
mod warnings;

pub use constraints::{Binding, Constraints, GroupBound};
pub use domain::{Domain, DomainSet};
pub use error::CoreError;
pub use fit::{Fit, Observer, Proposal, Stage, fit};
pub use matrix::Matrix;
pub use mixture::{Mixture, SUM_TOLERANCE, kl_divergence};
pub use oracle::Oracle;
pub use random::{Purpose, generator, split_mix64};
pub use spec::{DeadDomains, FitSpec, LawKind, Ridge};
pub use swarm::{Direction, Swarm, Task};
pub use sweep::{Sweep, SweepCell, SweepGrid, SweepOutcome, sweep};
