//! The optimality conditions at a mixture, as equations for the multipliers.
//!
//! At the minimum of `F` over `Σ p = 1` and rows `p_j ≤ h`, `p_j ≥ l`, and their like for groups, there
//! are `ν` and multipliers `z ≥ 0` of the rows that bind with
//!
//! ```text
//! ∂F/∂p_j + ν + Σ_upper z − Σ_lower z = 0     for each domain j that can move
//! ```
//!
//! (Karush, Kuhn and Tucker), with a `ν` of its own for each sum where several are given. Domains that keep their ratios move as one, and share one equation: the
//! sum of theirs, weighted by the ratios.

use super::linear_program::{self, Ended};
use crate::optimize::ConstraintRows;

/// Columns whose part that no earlier column explains is below this share of them say nothing new.
const DEPENDENT: f64 = 1e-7;
/// Equations may be off by this much more than they must be, relative to the objective.
const SLACK: f64 = 1e-9;
/// Equations that can't be met to within this, relative to the objective, are not those of an optimum.
const OPTIMAL: f64 = 1e-5;
/// A mixture from which a step along one slope would gain more than this, relative to the objective, is
/// not an optimum.
const GAIN: f64 = 1e-6;

/// A row that binds.
pub(super) struct Row {
    /// Its coefficient in each equation: positive for an upper bound, negative for a lower one; the
    /// share of the equation's domains that it bounds.
    pub entries: Vec<(usize, f64)>,
    /// Whether it bounds a single equation's domains, and no group.
    pub own: bool,
}

/// The equations.
pub(super) struct Conditions {
    /// `∂F/∂p` of each equation.
    pub slopes: Vec<f64>,
    /// How far each equation's domains are from their bounds: the nearer, the less of its slope is
    /// certain.
    pub rooms: Vec<f64>,
    /// Which of the sums that are given each equation's domains are in.
    pub sum_of: Vec<usize>,
    /// Number of sums.
    pub sums: usize,
    /// The rows that bind.
    pub rows: Vec<Row>,
    /// The size of the objective.
    pub scale: f64,
}

/// The least and the greatest value that a multiplier can have.
pub(super) struct Range {
    pub least: f64,
    /// Infinite where there is none.
    pub greatest: f64,
}

impl Conditions {
    /// The range of each of `wanted` (positions of rows); `None` where the mixture is not optimal.
    pub fn ranges(&self, wanted: &[usize]) -> Option<Vec<Range>> {
        if let Some(z) = self.unique() {
            let tolerance = OPTIMAL * self.scale;
            if z.iter().any(|z| z.is_nan() || *z < -tolerance) {
                return None;
            }
            let range = |&row: &usize| Range {
                least: z[row].max(0.0),
                greatest: z[row].max(0.0),
            };
            return Some(wanted.iter().map(range).collect());
        }
        self.extremes(wanted)
    }

    /// The multipliers, where there is only one solution (not numbers where it meets the conditions badly): `ν` and the groups' from the equations of
    /// domains inside of their bounds, by least squares, and then each domain's own.
    fn unique(&self) -> Option<Vec<f64>> {
        let equations = self.slopes.len();
        let mut own: Vec<Option<usize>> = vec![None; equations];
        for (r, row) in self.rows.iter().enumerate().filter(|(_, row)| row.own) {
            for &(v, _) in &row.entries {
                if own[v].replace(r).is_some() {
                    return None;
                }
            }
        }
        let inside: Vec<usize> = (0..equations).filter(|&v| own[v].is_none()).collect();
        let shared: Vec<usize> = (0..self.rows.len())
            .filter(|&r| !self.rows[r].own)
            .collect();
        let in_sum = |sum: usize| {
            let each = self.sum_of.iter();
            each.map(|&s| f64::from(s == sum)).collect()
        };
        let mut columns: Vec<Vec<f64>> = (0..self.sums).map(in_sum).collect();
        for &r in &shared {
            let mut column = vec![0.0; equations];
            self.rows[r]
                .entries
                .iter()
                .for_each(|&(v, c)| column[v] += c);
            columns.push(column);
        }
        let weighted = |values: &[f64]| -> Vec<f64> {
            inside.iter().map(|&v| self.rooms[v] * values[v]).collect()
        };
        let rhs: Vec<f64> = weighted(&self.slopes).iter().map(|g| -g).collect();
        let solved = least_squares(columns.iter().map(|c| weighted(c)).collect(), rhs)?;
        let mut z = vec![0.0; self.rows.len()];
        let tied = |v: usize| -> f64 { columns.iter().zip(&solved).map(|(c, y)| c[v] * y).sum() };
        // Of an optimum, a slope that is not met times the room that there is to move is no gain.
        let gain = |&v: &usize| self.rooms[v] * (self.slopes[v] + tied(v)).abs();
        if inside.iter().map(gain).fold(0.0, f64::max) > GAIN * self.scale {
            return Some(vec![f64::NAN; z.len()]);
        }
        for (&r, value) in shared.iter().zip(&solved[self.sums..]) {
            z[r] = *value;
        }
        for (v, r) in own.iter().enumerate() {
            let &Some(r) = r else { continue };
            let coefficient: f64 = self.rows[r].entries.iter().map(|(_, c)| c).sum();
            z[r] = -(self.slopes[v] + tied(v)) / coefficient;
        }
        Some(z)
    }

    /// The least and greatest multipliers among all solutions, by a linear program each.
    fn extremes(&self, wanted: &[usize]) -> Option<Vec<Range>> {
        let count = self.rows.len();
        // Variables: ν of each sum, one per row, and how far equations are off.
        let off = self.sums + count;
        let mut least_off = vec![0.0; off + 1];
        least_off[off] = 1.0;
        let Ended::Least(found) = linear_program::minimize(&least_off, &self.relaxed(None)) else {
            return None;
        };
        let within = found[off].max(0.0);
        if within > OPTIMAL {
            return None;
        }
        let rows = self.relaxed(Some(within + SLACK));
        let least = |row: usize, sign: f64| {
            let mut cost = vec![0.0; off];
            cost[self.sums + row] = sign;
            match linear_program::minimize(&cost, &rows) {
                Ended::Least(found) => Some(found[self.sums + row].max(0.0) * self.scale),
                Ended::Unbounded => Some(f64::INFINITY),
                Ended::Failed => None,
            }
        };
        let range = |&row: &usize| {
            Some(Range {
                least: least(row, 1.0)?,
                greatest: least(row, -1.0)?,
            })
        };
        wanted.iter().map(range).collect()
    }

    /// `|slope + ν + Σ z| ≤ within` for each equation (a variable where `None`), and `z ≥ 0`; slopes
    /// in units of the objective.
    fn relaxed(&self, within: Option<f64>) -> ConstraintRows {
        let off = self.sums + self.rows.len();
        let sum_of = self.sum_of.iter();
        let mut entries: Vec<Vec<(usize, f64)>> = sum_of.map(|&sum| vec![(sum, 1.0)]).collect();
        for (r, row) in self.rows.iter().enumerate() {
            for &(v, c) in &row.entries {
                entries[v].push((self.sums + r, c));
            }
        }
        let mut rows = ConstraintRows::default();
        for (slope, entries) in self.slopes.iter().zip(&entries) {
            let slope = slope / self.scale;
            for sign in [1.0, -1.0] {
                let more = within.is_none().then_some((off, -1.0));
                let terms = entries.iter().map(|&(x, c)| (x, sign * c));
                rows.push(within.unwrap_or(0.0) - sign * slope, terms.chain(more));
            }
        }
        for r in 0..self.rows.len() {
            rows.push(0.0, [(self.sums + r, -1.0)]);
        }
        rows
    }
}

/// The least-squares solution by orthogonal columns (modified Gram–Schmidt, twice over); `None` where
/// a column depends on others.
fn least_squares(columns: Vec<Vec<f64>>, mut rhs: Vec<f64>) -> Option<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let take = |from: &mut [f64], share: f64, of: &[f64]| {
        from.iter_mut().zip(of).for_each(|(x, q)| *x -= share * q);
    };
    let count = columns.len();
    let mut orthogonal: Vec<Vec<f64>> = Vec::with_capacity(count);
    // The upper triangle R, by column.
    let mut triangle = vec![vec![0.0; count]; count];
    for (k, mut column) in columns.into_iter().enumerate() {
        let before = dot(&column, &column).sqrt();
        for _ in 0..2 {
            for (i, q) in orthogonal.iter().enumerate() {
                let share = dot(&column, q);
                triangle[k][i] += share;
                take(&mut column, share, q);
            }
        }
        let left = dot(&column, &column).sqrt();
        if left <= DEPENDENT * before || left == 0.0 {
            return None;
        }
        triangle[k][k] = left;
        column.iter_mut().for_each(|x| *x /= left);
        orthogonal.push(column);
    }
    let mut solution: Vec<f64> = Vec::with_capacity(count);
    for q in &orthogonal {
        let share = dot(&rhs, q);
        solution.push(share);
        take(&mut rhs, share, q);
    }
    for k in (0..count).rev() {
        solution[k] /= triangle[k][k];
        for i in 0..k {
            solution[i] -= triangle[k][i] * solution[k];
        }
    }
    Some(solution)
}
