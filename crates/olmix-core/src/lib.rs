//! The method of olmix: from a swarm of measured proxy runs to the mixture a model should be
//! trained on.
//!
//! # The problem
//!
//! Domains `D_1..D_m` hold `N_1..N_m` tokens. A *mixture* `p` on the simplex says how a run of
//! `R` tokens is drawn. A *swarm* is `K` small runs with their mixtures `X` (`K × m`) and losses
//! `Y` (`K × n`, bits per byte or any other loss). Each task gets a *law* `f̂_i(p)`, fitted by
//!
//! ```text
//! min_θ  Σ_k huber_δ(f̂_i(x_k; θ) − y_ki) + ½ρ ‖θ‖²
//! ```
//!
//! (or as the law's own file says); the answer is
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
//! | symbol | shape | unit | meaning |
//! | --- | --- | --- | --- |
//! | `m`, `n`, `K` | 1 | | domains, tasks, runs |
//! | `X` | `K × m` | share | mixtures of the runs |
//! | `Y` | `K × n` | loss | losses of the runs |
//! | `p`, `p0` | `m` | share | a mixture; the natural distribution |
//! | `f̂_i(p)` | 1 | loss | what the law of task `i` predicts |
//! | `t` | `m` | nat per share | coefficients of a log-linear law |
//! | `c` | 1 | loss | irreducible loss of a law |
//! | `w` | `n` | | weights of the tasks, summing to 1 |
//! | `λ` | 1 | loss per nat | strength of the KL term |
//! | `R`, `N` | 1, `m` | token | tokens of the final run, tokens of each domain |
//! | `k` | 1 | pass | how often a run may see a domain's tokens |
//! | `p_j R / N_j` | `m` | pass | [`epochs`] of a domain |
//! | `δ` | 1 | loss | Huber's threshold: residuals beyond it count linearly |
//! | `ρ` | 1 | loss² | ridge on the coefficients |
//!
//! # Examples
//!
//! Fit a law to a swarm, solve for a mixture under caps, and predict:
//!
//! ```
//! use olmix_core::law::Law;
//! use olmix_core::{
//!     Constraints, Direction, Domain, DomainSet, FitSpec, Matrix, Mixture, Swarm, Task, fit,
//! };
//!
//! # fn main() -> Result<(), olmix_core::CoreError> {
//! let domain = |name: &str, tokens: u64| Domain {
//!     name: name.into(),
//!     tokens: Some(tokens),
//! };
//! let domains = DomainSet::new(vec![
//!     domain("web", 800_000),
//!     domain("code", 150_000),
//!     domain("math", 50_000),
//! ])?;
//! // 24 runs: their mixtures (24 × 3) and one measured loss each (24 × 1).
//! let size = |run: usize, j: usize| 1.0 + ((run * (j + 2) + 3 * j) % 7) as f64;
//! let sum = |run: usize| (0..3).map(|j| size(run, j)).sum::<f64>();
//! let mixtures = Matrix::from_fn(24, 3, |run, j| size(run, j) / sum(run));
//! let loss = |p: &[f64]| 0.7 + (0.3 * p[0] - 0.8 * p[1] - 1.5 * p[2]).exp();
//! let losses = Matrix::from_fn(24, 1, |run, _| loss(mixtures.row(run)));
//! let task = Task {
//!     name: "bits per byte".into(),
//!     family: "all".into(),
//!     weight: 1.0,
//!     direction: Direction::Min,
//!     offset: 0.0,
//! };
//! let runs = (0..24).map(|run| format!("run-{run}")).collect();
//! let swarm = Swarm::new(domains.clone(), vec![task], runs, mixtures, losses)?;
//!
//! // The natural distribution as prior; a run of a million tokens sees no token more than 4 times.
//! let prior = Mixture::proportional_to(domains.clone(), vec![800e3, 150e3, 50e3])?;
//! let spec = FitSpec {
//!     constraints: Constraints::none(3).with_repetition(&domains, 1e6, 4.0)?,
//!     ..FitSpec::new(prior)
//! };
//! let found = fit(&swarm, &spec, &())?;
//!
//! let proposal = found.proposal.expect("an optimizer was asked for");
//! let p = proposal.mixture.weights();
//! assert!(p[2] <= 0.2 + 1e-6, "4 passes over 50,000 tokens are a fifth of the run");
//! assert!(proposal.predicted_average < loss(spec.prior.weights()));
//! assert!((found.laws[0].predict(p) - loss(p)).abs() < 1e-3);
//! # Ok(())
//! # }
//! ```
//!
//! Generate the mixtures of a swarm to train:
//!
//! ```
//! use olmix_core::generate::{
//!     Design, DrawOptions, Level, Node, Sampler, SamplerOptions, Tree, draw_swarm,
//! };
//!
//! # fn main() -> Result<(), olmix_core::CoreError> {
//! let source = |name: &str, size: f64| Node {
//!     name: name.into(),
//!     size,
//!     manual: false,
//!     pinned: None,
//!     tokens: None,
//!     children: Vec::new(),
//! };
//! let tree = Tree::new(&[source("web", 0.8), source("code", 0.15), source("math", 0.05)])?;
//! let level = Level {
//!     strength: (0.5, 5.0),
//!     temperature: 0.5,
//!     minimum: 0.01,
//! };
//! let options = SamplerOptions {
//!     sources: level,
//!     topics: level,
//!     multiples_of: None,
//!     nonzero: Vec::new(),
//!     caps: None,
//!     existing: Vec::new(),
//!     seed: 0,
//! };
//! let sampler = Sampler::new(&tree, &options)?;
//! let asked = DrawOptions {
//!     count: 3 * (tree.free_leaves() + 1),
//!     design: Design::DOptimal,
//!     candidates: 200,
//!     draws_each: 50,
//!     solve_caps: None,
//! };
//! let drawn = draw_swarm(&sampler, &asked, &|| ())?;
//! assert_eq!(drawn.mixtures.len(), 12);
//! assert!(drawn.mixtures.iter().all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-12));
//! # Ok(())
//! # }
//! ```
//!
//! This crate is pure: no files, no clock, no global state. Work is spread over threads with
//! rayon, and the result is the same bits on any number of them. Every random draw comes from a
//! seed that is passed in.

pub mod calibrate;
mod constraints;
mod domain;
mod error;
mod fit;
pub mod generate;
pub mod law;
mod loss_change;
mod matrix;
mod mixture;
mod next;
pub mod objective;
pub mod optimize;
mod oracle;
pub mod phases;
pub mod price;
mod random;
pub mod repetition;
pub mod reuse;
pub mod scaling;
mod spec;
pub mod study;
mod swarm;
mod sweep;
pub mod trust;
mod vector;
mod warnings;
mod what_if;

pub use constraints::{Binding, Constraints, FixedSum, GroupBound};
pub use domain::{Domain, DomainSet, epochs};
pub use error::CoreError;
pub use fit::{Fit, FitStage, NotConvex, Observer, Proposal, fit, fit_only, propose_for};
pub use law::LawKind;
pub use loss_change::{LossChange, weighted_mean};
pub use matrix::Matrix;
pub use mixture::{
    Mixture, SUM_TOLERANCE, first_that_is_no_mixture, kl_divergence, total_variation,
};
pub use next::{NextProblem, NextRuns, next_for, next_runs};
pub use objective::Objective;
pub use oracle::Oracle;
pub use random::{Purpose, generator, split_mix64};
pub use spec::{DeadDomains, FitSpec, Ridge};
pub use swarm::{Direction, Swarm, Task};
pub use sweep::{
    Front, FrontPoint, FrontRequest, Sweep, SweepCell, SweepGrid, SweepOutcome, pareto_front, sweep,
};
pub use warnings::{Compared, FitWarning, WorstExplosion};
pub use what_if::{Emphasis, Floor, NoWhatIf, WhatIf, what_if};
