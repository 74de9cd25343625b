//! The rows that tie domains together: `Σ p` first (or the sums that are given), then the groups, then the terms. Their curvature
//! would swamp that of single domains if it were added to the Hessian, so they border the system
//! instead, and are eliminated by a Schur complement of their number.

use faer::Mat;

use super::super::feasible_set::{FeasibleSet, Row};
use crate::law::Cholesky;
use crate::swarm::dot;

pub(super) struct Border {
    /// Number of sums that are given, at least 1.
    pub sums: usize,
    /// Positions of the groups among the rows.
    pub rows: Vec<usize>,
    /// Coefficients, one vector of length `m` per border row; zero for domains that cannot move.
    pub a: Vec<Vec<f64>>,
    /// `W⁻¹ a` for each.
    pub solved: Vec<Vec<f64>>,
    schur: Cholesky,
    /// The column of `t`: 1 for rows of terms that are compared; empty where there are none.
    column: Vec<f64>,
    /// `S⁻¹` times the column.
    column_solved: Vec<f64>,
}

impl Border {
    /// `compared` says of each term whether it is one of those compared.
    pub fn new(set: &FeasibleSet<'_>, compared: &[bool]) -> Self {
        let m = set.free.len();
        let mut rows = Vec::new();
        let of_sum = |(members, _): &(Vec<usize>, f64)| {
            let mut row = vec![0.0; m];
            let free = members.iter().filter(|&&j| set.free[j]);
            free.for_each(|&j| row[j] = 1.0);
            row
        };
        let mut a: Vec<Vec<f64>> = set.sums.iter().map(of_sum).collect();
        for (i, row) in set.rows.iter().enumerate() {
            if let Row::Group(members, sign) = row {
                let mut of_group = vec![0.0; m];
                members
                    .iter()
                    .filter(|&&j| set.free[j])
                    .for_each(|&j| of_group[j] = *sign);
                rows.push(i);
                a.push(of_group);
            }
        }
        let mut column = Vec::new();
        if compared.contains(&true) {
            column = vec![0.0; a.len()];
            column.extend(compared.iter().map(|&compared| f64::from(compared)));
        }
        a.extend(compared.iter().map(|_| vec![0.0; m]));
        Self {
            sums: set.sums.len(),
            rows,
            schur: Cholesky::new(a.len()),
            a,
            solved: Vec::new(),
            column,
            column_solved: Vec::new(),
        }
    }

    /// The row of the first term.
    pub fn terms(&self) -> usize {
        self.sums + self.rows.len()
    }

    /// Factors the Schur complement with `give` on its diagonal, by row.
    pub fn factor(&mut self, cholesky: &mut Cholesky, give: impl Fn(usize) -> f64) -> bool {
        self.solved.clone_from(&self.a);
        for solved in &mut self.solved {
            cholesky.solve(solved);
        }
        let schur = Mat::from_fn(self.a.len(), self.a.len(), |i, k| {
            dot(&self.a[i], &self.solved[k])
        });
        let factored = self.schur.factor(&schur, give);
        self.column_solved.clone_from(&self.column);
        if factored && !self.column.is_empty() {
            self.schur.solve(&mut self.column_solved);
        }
        factored
    }

    /// Prices from their right-hand side, in place, and the step of `t` that falls at this rate.
    pub fn solve(&mut self, prices: &mut [f64], fall: f64) -> f64 {
        self.schur.solve(prices);
        if self.column.is_empty() {
            return 0.0;
        }
        let step = (fall - dot(&self.column, prices)) / dot(&self.column, &self.column_solved);
        for (price, solved) in prices.iter_mut().zip(&self.column_solved) {
            *price += step * solved;
        }
        step
    }
}
