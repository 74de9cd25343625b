//! What kept ratios cost after an update, and how frozen domains are coupled with it, by the oracle.

use super::case_study::Stage;
use super::reparametrized::true_coefficients;
use super::stage_solver::StageSolver;
use crate::reuse::{Collapse, Coupling, FreeOptions, Freed, choose_free};
use crate::{CoreError, Oracle};

/// The cost of the ratios that an update kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct UpdateGaps {
    /// Number of the update, from 0.
    pub update: usize,
    /// `‖p̃ − q*_fix‖` over the frozen domains: the distance to the ratios of the full optimum.
    pub reuse_gap: f64,
    /// By how much the best mixture with these ratios is worse than the full optimum, relative to its loss.
    pub performance_gap: f64,
}

/// How a frozen domain is coupled with an update.
#[derive(Debug, Clone, Copy)]
pub(super) struct DomainCoupling {
    /// What it adds to `κ` (in squares), by the laws that were fitted to the pilot, and by the oracle's.
    pub coupling: [f64; 2],
    /// Whether it is worth freeing, by either.
    pub freed: [bool; 2],
}

/// The cost of the first virtual domain of `kept` after a stage's update.
pub(super) fn gaps(
    solver: &StageSolver<'_>,
    number: usize,
    stage: &Stage,
    kept: &Collapse,
) -> Result<UpdateGaps, CoreError> {
    let full = solver.best(stage, &Collapse::new(stage.domains(), &[])?)?;
    let reused = solver.best(stage, kept)?;
    let frozen = kept.members(0);
    let weight: f64 = frozen.iter().map(|&(j, _)| full[j]).sum();
    let squares = frozen
        .iter()
        .map(|&(j, share)| (share - full[j] / weight.max(f64::MIN_POSITIVE)).powi(2));
    let loss = |q: &[f64]| solver.oracle.loss(&stage.to_oracle(q));
    Ok(UpdateGaps {
        update: number - 1,
        reuse_gap: squares.sum::<f64>().sqrt(),
        performance_gap: loss(&reused) / loss(&full) - 1.0,
    })
}

/// The coupling of each domain that the update left alone, by coefficients of fitted laws (`n` rows of `m`),
/// which found `freed` worth freeing, and by the oracle's.
pub(super) fn coupling(
    oracle: &Oracle,
    stage: &Stage,
    kept: &Collapse,
    fitted: &[Vec<f64>],
    freed: &[Freed],
) -> Result<Vec<DomainCoupling>, CoreError> {
    let known = true_coefficients(oracle.laws(), stage)?;
    let unaffected = stage.unaffected();
    let shares = kept.expand(&kept.collapse(&stage.prior));
    let truly_freed = choose_free(&known, &unaffected, &shares, FreeOptions::default());
    let by_domain = |laws: &[Vec<f64>]| Coupling::new(laws, &unaffected).by_domain;
    let both = [by_domain(fitted), by_domain(&known)];
    let is_in = |freed: &[Freed], j: usize| freed.iter().any(|freed| freed.domain == j);
    let of_domain = |j: usize| DomainCoupling {
        coupling: [both[0][j], both[1][j]],
        freed: [is_in(freed, j), is_in(&truly_freed, j)],
    };
    Ok(stage
        .lineage
        .unaffected()
        .into_iter()
        .map(of_domain)
        .collect())
}
