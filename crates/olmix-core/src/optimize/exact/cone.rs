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
//! Terms of the objective are rows, linear in `u`, with a variable each for penalties and one for the largest.
//!
//! Here `K_exp = cl {(x, y, z): y > 0, y exp(x/y) ≤ z}`. Coefficients `t` of domains that the
//! swarm hardly sampled can be large; the exponent is shifted by its value at the reference
//! mixture, so that every cone works at the scale of its own task.

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettings, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};

use crate::law::{Law, LogLinear};
use crate::optimize::{ExactProblem, LossTerm, Status, TermRole};
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
    /// The rows of groups' bounds: by group, the upper first.
    pub(crate) groups: Vec<usize>,
    /// The row of each term.
    pub(crate) terms: Vec<usize>,
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
        let terms = problem.terms.map_or(&[][..], |terms| &terms.terms);
        let tasks = cone_tasks(problem, terms, &center)?;
        let scale = tasks
            .iter()
            .map(|task| task.weight * task.size())
            .sum::<f64>()
            .max(problem.terms.map_or(0.0, |terms| terms.largest_weight))
            .max(problem.kl_reg)
            .max(
                problem
                    .linear
                    .map_or(0.0, |linear| dot(linear, linear).sqrt()),
            )
            .max(1e-12);

        // Variables: p (m), u (tasks), v (m, with KL only), h (of penalties), t.
        let with_kl = problem.kl_reg > 0.0;
        let u = m;
        let v = m + tasks.len();
        let h = v + if with_kl { m } else { 0 };
        let largest = h + terms.len();
        let variables = if terms.is_empty() { h } else { largest + 1 };
        let mut cost = vec![0.0; variables];
        for (cost, linear) in cost.iter_mut().zip(problem.linear.into_iter().flatten()) {
            *cost = linear / scale;
        }
        for (i, task) in tasks.iter().enumerate() {
            cost[u + i] = task.weight * task.size() / scale;
        }
        for cost in &mut cost[v..h] {
            *cost = problem.kl_reg / scale;
        }

        let mut compared = false;
        for (k, term) in terms.iter().enumerate() {
            match term.role {
                TermRole::Penalty(weight) => cost[h + k] = weight / scale,
                TermRole::Compared => compared = true,
                TermRole::Limit => {}
            }
        }
        if let (Some(terms), true) = (problem.terms, compared) {
            cost[largest] = terms.largest_weight / scale;
        }

        let mut rows = ConstraintRows::default();
        let mut cones = Vec::new();
        push_sums(&mut rows, constraints);
        if !terms.is_empty() && !compared {
            rows.push(0.0, [(largest, 1.0)]);
        }
        let unpenalized = terms
            .iter()
            .enumerate()
            .filter(|(_, t)| t.penalty().is_none());
        unpenalized.for_each(|(k, _)| rows.push(0.0, [(h + k, 1.0)]));
        let fixed: Vec<bool> = (0..m)
            .map(|j| constraints.limit(j) - constraints.lower[j] <= 1e-14)
            .collect();
        for j in (0..m).filter(|&j| fixed[j]) {
            rows.push(constraints.lower[j], [(j, 1.0)]);
        }
        cones.push(SupportedConeT::ZeroConeT(rows.rhs.len()));

        let before = rows.rhs.len();
        let groups = push_bounds(&mut rows, constraints, &fixed, with_kl);
        let of_terms = push_terms(&mut rows, terms, &tasks, [u, h, largest]);
        if rows.rhs.len() > before {
            cones.push(SupportedConeT::NonnegativeConeT(rows.rhs.len() - before));
        }

        for (i, task) in tasks.iter().enumerate() {
            rows.push(-task.shift, task.law.t.iter().map(|t| -t).enumerate());
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
            groups,
            terms: of_terms,
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

/// A task with a cone.
struct ConeTask<'a> {
    /// Among the laws.
    position: usize,
    law: &'a LogLinear,
    /// The loss is `floor + scale exp(t·p)`.
    floor: f64,
    scale: f64,
    /// In the average; it may be 0 where a term has the task.
    weight: f64,
    /// The exponent at the reference mixture.
    shift: f64,
}

impl ConeTask<'_> {
    /// The loss above the floor at the reference mixture.
    fn size(&self) -> f64 {
        self.scale * self.shift.exp()
    }
}

/// The tasks that the objective or a term has: the others need no cone.
fn cone_tasks<'a, L: Law>(
    problem: &ExactProblem<'a, L>,
    terms: &[LossTerm],
    center: &[f64],
) -> Result<Vec<ConeTask<'a>>, CoreError> {
    let mut tasks = Vec::new();
    for (position, law) in problem.laws.iter().enumerate() {
        let form = law.log_linear_form().ok_or_else(|| {
            let reason = "the bounds leave no mixture strictly inside of them, which laws \
                          other than log-linear need; loosen them by a little";
            CoreError::SolverFailed(reason.into())
        })?;
        let weight = problem.average_weights().get(position).copied();
        let weight = weight.unwrap_or(0.0);
        if weight > 0.0 || terms.iter().any(|term| term.weights[position] > 0.0) {
            tasks.push(ConeTask {
                position,
                law: form.law,
                floor: form.floor,
                scale: form.scale,
                weight,
                shift: dot(&form.law.t, center),
            });
        }
    }
    Ok(tasks)
}

/// `Σ p = 1`, or the sums that are given.
fn push_sums(rows: &mut ConstraintRows, constraints: &Constraints) {
    for (members, total) in constraints.fixed_sums() {
        rows.push(total, members.into_iter().map(|j| (j, 1.0)));
    }
}

/// Bounds of domains that are not fixed, and of groups; the rows of the latter.
fn push_bounds(
    rows: &mut ConstraintRows,
    constraints: &Constraints,
    fixed: &[bool],
    with_kl: bool,
) -> Vec<usize> {
    for j in (0..fixed.len()).filter(|&j| !fixed[j]) {
        // The KL cone already keeps p_j ≥ 0.
        if !with_kl || constraints.lower[j] > 0.0 {
            rows.push(-constraints.lower[j], [(j, -1.0)]);
        }
        if constraints.limit(j) < 1.0 {
            rows.push(constraints.limit(j), [(j, 1.0)]);
        }
    }
    let mut groups = Vec::new();
    for group in &constraints.groups {
        if group.upper < 1.0 {
            groups.push(rows.rhs.len());
            rows.push(group.upper, group.members.iter().map(|&j| (j, 1.0)));
        }
        if group.lower > 0.0 {
            groups.push(rows.rhs.len());
            rows.push(-group.lower, group.members.iter().map(|&j| (j, -1.0)));
        }
    }
    groups
}

/// `Σ a (c + exp(shift) u) − b ≤` 0, `h` or `t`, and `h ≥ 0`; the rows of the former. `columns` are the first of
/// `u`, the first of `h`, and `t`.
fn push_terms(
    rows: &mut ConstraintRows,
    terms: &[LossTerm],
    tasks: &[ConeTask<'_>],
    columns: [usize; 3],
) -> Vec<usize> {
    let [u, h, largest] = columns;
    let mut pushed = Vec::new();
    for (k, term) in terms.iter().enumerate() {
        let mut bound = term.bound;
        let mut entries = Vec::new();
        for (i, task) in tasks.iter().enumerate() {
            let weight = term.weights[task.position];
            bound -= weight * task.floor;
            entries.push((u + i, weight * task.size()));
        }
        match term.role {
            TermRole::Penalty(_) => entries.push((h + k, -1.0)),
            TermRole::Compared => entries.push((largest, -1.0)),
            TermRole::Limit => {}
        }
        pushed.push(rows.rhs.len());
        rows.push(bound, entries);
        if term.penalty().is_some() {
            rows.push(0.0, [(h + k, -1.0)]);
        }
    }
    pushed
}

/// A mixture well inside of all bounds: the one whose least distance to any of them, as a share of
/// the room between lower bound and limit, is greatest. `None` when no mixture is inside.
pub(crate) fn inner_point(constraints: &Constraints) -> Option<Vec<f64>> {
    let m = constraints.domains();
    // Variables: p, and the distance d, which is maximized.
    let mut cost = vec![0.0; m + 1];
    cost[m] = -1.0;
    let mut rows = ConstraintRows::default();
    push_sums(&mut rows, constraints);
    let sums = rows.rhs.len();
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
        SupportedConeT::ZeroConeT(sums),
        SupportedConeT::NonnegativeConeT(rows.rhs.len() - sums),
    ];
    let program = Program {
        cost,
        matrix: compressed(&rows, m + 1),
        rhs: rows.rhs,
        cones,
        scale: 1.0,
        groups: Vec::new(),
        terms: Vec::new(),
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
