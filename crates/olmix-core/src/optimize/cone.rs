//! The exact problem `min_p Σ_i w_i f̂_i(p) + λ KL(p ‖ q)` as an exponential-cone program.
//!
//! With laws `exp(log c_i) + exp(t_i·p)` and `u_i ≥ exp(t_i·p)`, `v_j ≥ p_j log(p_j / q_j)`:
//!
//! ```text
//! min  Σ_i w_i u_i + λ Σ_j v_j
//! s.t. (t_i·p, 1, u_i) ∈ K_exp,   (−v_j, p_j, q_j) ∈ K_exp,
//!      Σ p = 1,  lower ≤ p ≤ limit,  bounds on groups
//! ```
//!
//! with `K_exp = cl {(x, y, z): y > 0, y exp(x/y) ≤ z}`. Coefficients `t` of domains that the
//! swarm hardly sampled can be large; the exponent is shifted by its value at the reference
//! mixture, so that every cone works at the scale of its own task.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};

use super::Status;
use super::problem::ExactProblem;
use crate::law::{Law, LogLinear};
use crate::swarm::dot;
use crate::{Constraints, CoreError};

/// The cone program in the solver's form `min qᵀx, Ax + s = b, s ∈ K`.
pub(crate) struct Program {
    cost: Vec<f64>,
    matrix: CscMatrix<f64>,
    rhs: Vec<f64>,
    cones: Vec<SupportedConeT<f64>>,
    /// The objective was divided by this.
    pub(crate) scale: f64,
}

/// Rows of `A` as they are added, column by column in the end.
#[derive(Default)]
pub(crate) struct ConstraintRows {
    entries: Vec<(usize, usize, f64)>,
    pub(crate) rhs: Vec<f64>,
}

impl ConstraintRows {
    /// Adds the row `s = constant − Σ value·x` and so constrains `s` to the cone of its block.
    pub(crate) fn push(&mut self, constant: f64, entries: impl IntoIterator<Item = (usize, f64)>) {
        let row = self.rhs.len();
        let kept = entries.into_iter().filter(|(_, value)| *value != 0.0);
        self.entries
            .extend(kept.map(|(column, value)| (row, column, value)));
        self.rhs.push(constant);
    }
}

impl Program {
    /// The program of a problem whose laws are all log-linear.
    pub(crate) fn new<L: Law>(problem: &ExactProblem<'_, L>) -> Result<Self, CoreError> {
        let m = problem.domains.len();
        let constraints = problem.constraints;
        let center: f64 = problem.reference.iter().sum();
        let center: Vec<f64> = problem.reference.iter().map(|q| q / center).collect();
        // Tasks without weight need no cone.
        let mut tasks: Vec<(&LogLinear, f64)> = Vec::new();
        for (law, &weight) in problem.laws.iter().zip(problem.task_weights) {
            let law = law.log_linear().ok_or_else(|| {
                let reason = "the bounds leave no mixture strictly inside of them, which laws \
                              other than log-linear need; loosen them by a little";
                CoreError::SolverFailed(reason.into())
            })?;
            if weight > 0.0 {
                tasks.push((law, weight));
            }
        }
        let shifts: Vec<f64> = tasks.iter().map(|(law, _)| dot(&law.t, &center)).collect();
        let scale = tasks
            .iter()
            .zip(&shifts)
            .map(|((_, weight), shift)| weight * shift.exp())
            .sum::<f64>()
            .max(problem.kl_reg)
            .max(
                problem
                    .linear
                    .map_or(0.0, |linear| dot(linear, linear).sqrt()),
            )
            .max(1e-12);

        // Variables: p (m), u (tasks), v (m, with KL only).
        let with_kl = problem.kl_reg > 0.0;
        let u = m;
        let v = m + tasks.len();
        let variables = v + if with_kl { m } else { 0 };
        let mut cost = vec![0.0; variables];
        for (cost, linear) in cost.iter_mut().zip(problem.linear.into_iter().flatten()) {
            *cost = linear / scale;
        }
        for (i, ((_, weight), shift)) in tasks.iter().zip(&shifts).enumerate() {
            cost[u + i] = weight * shift.exp() / scale;
        }
        for cost in &mut cost[v..] {
            *cost = problem.kl_reg / scale;
        }

        let mut rows = ConstraintRows::default();
        let mut cones = Vec::new();
        rows.push(1.0, (0..m).map(|j| (j, 1.0)));
        let fixed: Vec<bool> = (0..m)
            .map(|j| constraints.limit(j) - constraints.lower[j] <= 1e-14)
            .collect();
        for j in (0..m).filter(|&j| fixed[j]) {
            rows.push(constraints.lower[j], [(j, 1.0)]);
        }
        cones.push(SupportedConeT::ZeroConeT(rows.rhs.len()));

        let before = rows.rhs.len();
        for j in (0..m).filter(|&j| !fixed[j]) {
            // The KL cone already keeps p_j ≥ 0.
            if !with_kl || constraints.lower[j] > 0.0 {
                rows.push(-constraints.lower[j], [(j, -1.0)]);
            }
            if constraints.limit(j) < 1.0 {
                rows.push(constraints.limit(j), [(j, 1.0)]);
            }
        }
        for group in &constraints.groups {
            if group.upper < 1.0 {
                rows.push(group.upper, group.members.iter().map(|&j| (j, 1.0)));
            }
            if group.lower > 0.0 {
                rows.push(-group.lower, group.members.iter().map(|&j| (j, -1.0)));
            }
        }
        if rows.rhs.len() > before {
            cones.push(SupportedConeT::NonnegativeConeT(rows.rhs.len() - before));
        }

        for (i, ((law, _), shift)) in tasks.iter().zip(&shifts).enumerate() {
            rows.push(-shift, law.t.iter().map(|t| -t).enumerate());
            rows.push(1.0, []);
            rows.push(0.0, [(u + i, -1.0)]);
            cones.push(SupportedConeT::ExponentialConeT());
        }
        if with_kl {
            for (j, &q) in problem.reference.iter().enumerate() {
                rows.push(0.0, [(v + j, 1.0)]);
                rows.push(0.0, [(j, -1.0)]);
                rows.push(q, []);
                cones.push(SupportedConeT::ExponentialConeT());
            }
        }
        Ok(Self {
            cost,
            matrix: compressed(&rows, variables),
            rhs: rows.rhs,
            cones,
            scale,
        })
    }

    pub(crate) fn solve(
        &self,
        constraints: &Constraints,
    ) -> Result<(DefaultSolver<f64>, Status), CoreError> {
        let settings = DefaultSettings {
            verbose: false,
            max_iter: 200,
            tol_gap_abs: 1e-12,
            tol_gap_rel: 1e-12,
            tol_feas: 1e-12,
            max_threads: 1,
            ..DefaultSettings::default()
        };
        let failed = |reason: String| CoreError::SolverFailed(reason);
        let quadratic = CscMatrix::zeros((self.cost.len(), self.cost.len()));
        let mut solver = DefaultSolver::new(
            &quadratic,
            &self.cost,
            &self.matrix,
            &self.rhs,
            &self.cones,
            settings,
        )
        .map_err(|error| failed(error.to_string()))?;
        solver.solve();
        match solver.solution.status {
            SolverStatus::Solved => Ok((solver, Status::Optimal)),
            SolverStatus::AlmostSolved => Ok((solver, Status::AlmostOptimal)),
            SolverStatus::PrimalInfeasible | SolverStatus::AlmostPrimalInfeasible => {
                Err(explain_infeasible(constraints))
            }
            status => Err(failed(format!(
                "{status:?} after {} iterations",
                solver.solution.iterations
            ))),
        }
    }
}

/// A mixture well inside of all bounds: the one whose least distance to any of them, as a share of
/// the room between lower bound and limit, is greatest. `None` when no mixture is inside.
pub(crate) fn inner_point(constraints: &Constraints) -> Option<Vec<f64>> {
    let m = constraints.domains();
    // Variables: p, and the distance d, which is maximized.
    let mut cost = vec![0.0; m + 1];
    cost[m] = -1.0;
    let mut rows = ConstraintRows::default();
    rows.push(1.0, (0..m).map(|j| (j, 1.0)));
    for j in 0..m {
        let (lower, limit) = (constraints.lower[j], constraints.limit(j));
        rows.push(-lower, [(j, -1.0), (m, limit - lower)]);
        rows.push(limit, [(j, 1.0), (m, limit - lower)]);
    }
    for group in &constraints.groups {
        let room = group.upper - group.lower;
        let members = || group.members.iter().copied();
        if group.upper < 1.0 {
            rows.push(group.upper, members().map(|j| (j, 1.0)).chain([(m, room)]));
        }
        if group.lower > 0.0 {
            rows.push(
                -group.lower,
                members().map(|j| (j, -1.0)).chain([(m, room)]),
            );
        }
    }
    let cones = vec![
        SupportedConeT::ZeroConeT(1),
        SupportedConeT::NonnegativeConeT(rows.rhs.len() - 1),
    ];
    let program = Program {
        cost,
        matrix: compressed(&rows, m + 1),
        rhs: rows.rhs,
        cones,
        scale: 1.0,
    };
    let (solver, _) = program.solve(constraints).ok()?;
    (solver.solution.x[m] > 1e-8).then(|| solver.solution.x[..m].to_vec())
}

/// Bounds that are each possible alone but not together: only overlapping groups get here.
fn explain_infeasible(constraints: &Constraints) -> CoreError {
    let groups = &constraints.groups;
    let names: Vec<String> = groups
        .iter()
        .map(|group| format!("`{}` in [{}, {}]", group.name, group.lower, group.upper))
        .collect();
    CoreError::Infeasible(format!(
        "no mixture satisfies all bounds together: each group alone could be met, but not {} at \
         once with the caps and bounds of their domains",
        names.join(" and ")
    ))
}

/// Compressed columns from entries in any order.
pub(crate) fn compressed(rows: &ConstraintRows, columns: usize) -> CscMatrix<f64> {
    let mut entries = rows.entries.clone();
    entries.sort_by_key(|&(row, column, _)| (column, row));
    let mut starts = vec![0; columns + 1];
    for &(_, column, _) in &entries {
        starts[column + 1] += 1;
    }
    for column in 0..columns {
        starts[column + 1] += starts[column];
    }
    CscMatrix::new(
        rows.rhs.len(),
        columns,
        starts,
        entries.iter().map(|&(row, ..)| row).collect(),
        entries.iter().map(|&(.., value)| value).collect(),
    )
}
