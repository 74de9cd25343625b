//! Small linear programs over multipliers.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};

use crate::optimize::{ConstraintRows, compressed};

/// How a linear program ended.
pub(super) enum Ended {
    /// At its least, with the variables there.
    Least(Vec<f64>),
    /// It has no least.
    Unbounded,
    /// The solver gave up.
    Failed,
}

/// `min cost·x` where every row `s = constant − Σ value·x` is at least 0.
///
/// Deterministic, single-threaded.
pub(super) fn minimize(cost: &[f64], rows: &ConstraintRows) -> Ended {
    let settings = DefaultSettings {
        verbose: false,
        max_iter: 200,
        tol_gap_abs: 1e-11,
        tol_gap_rel: 1e-11,
        tol_feas: 1e-11,
        max_threads: 1,
        ..DefaultSettings::default()
    };
    let variables = cost.len();
    let solver = DefaultSolver::new(
        &CscMatrix::zeros((variables, variables)),
        cost,
        &compressed(rows, variables),
        &rows.rhs,
        &[SupportedConeT::NonnegativeConeT(rows.rhs.len())],
        settings,
    );
    let Ok(mut solver) = solver else {
        return Ended::Failed;
    };
    solver.solve();
    match solver.solution.status {
        SolverStatus::Solved | SolverStatus::AlmostSolved => {
            Ended::Least(std::mem::take(&mut solver.solution.x))
        }
        SolverStatus::DualInfeasible | SolverStatus::AlmostDualInfeasible => Ended::Unbounded,
        _ => Ended::Failed,
    }
}
