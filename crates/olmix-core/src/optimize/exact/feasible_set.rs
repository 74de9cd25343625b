//! The feasible mixtures as rows `s(p) = h − G p ≥ 0` beside `Σ p = 1`: where to start inside of
//! them, and how far from the least a convex objective can be.
//!
//! The gap is a certificate, not an estimate. For convex `F`, multipliers `z ≥ 0` of the groups
//! and every feasible `q`,
//!
//! ```text
//! F(q) ≥ F(p) − max_q v·(p − q) − z·s(p),     v = ∇F(p) + Gᵀz
//! ```
//!
//! and the maximum over the bounds of single domains and `Σ q = 1` (or the sums that are given) is found by
//! filling domains in the order of `v`.

use super::cone::inner_point;
use crate::Constraints;

/// Bounds closer to each other than this leave a domain no room: it stays where it is.
const FIXED: f64 = 1e-13;

/// One row of `s = h − G p ≥ 0`.
pub(super) enum Row {
    /// `h + p_j`: a lower bound of `−h`.
    Lower(usize),
    /// `h − p_j`.
    Upper(usize),
    /// `h ∓ Σ p_j` over members.
    Group(Vec<usize>, f64),
}

/// Caps and bounds of domains and groups, as rows.
pub(super) struct FeasibleSet<'a> {
    constraints: &'a Constraints,
    pub rows: Vec<Row>,
    /// One per row.
    h: Vec<f64>,
    /// Whether domain `j` can move at all.
    pub free: Vec<bool>,
    /// The sums that are given: members and total.
    pub sums: Vec<(Vec<usize>, f64)>,
}

impl<'a> FeasibleSet<'a> {
    pub fn new(constraints: &'a Constraints) -> Self {
        let m = constraints.domains();
        let width = |j: usize| constraints.limit(j) - constraints.lower[j];
        let free: Vec<bool> = (0..m).map(|j| width(j) > FIXED).collect();
        let (mut rows, mut h) = (Vec::new(), Vec::new());
        let sums = constraints.fixed_sums();
        let mut totals = vec![1.0; m];
        for (members, total) in &sums {
            members.iter().for_each(|&j| totals[j] = *total);
        }
        for j in (0..m).filter(|&j| free[j]) {
            rows.push(Row::Lower(j));
            h.push(-constraints.lower[j]);
            // With Σ p = 1 and p ≥ 0, p ≤ 1 needs no row.
            if constraints.limit(j) < totals[j] {
                rows.push(Row::Upper(j));
                h.push(constraints.limit(j));
            }
        }
        for group in &constraints.groups {
            if group.upper < 1.0 {
                rows.push(Row::Group(group.members.clone(), -1.0));
                h.push(group.upper);
            }
            if group.lower > 0.0 {
                rows.push(Row::Group(group.members.clone(), 1.0));
                h.push(-group.lower);
            }
        }
        Self {
            constraints,
            rows,
            h,
            free,
            sums,
        }
    }

    /// The reference distribution (length `m`), moved as little as puts it inside of all bounds;
    /// `None` where nothing is.
    pub fn start(&self, reference: &[f64]) -> Option<Vec<f64>> {
        let mut p = vec![0.0; self.constraints.domains()];
        for (members, total) in &self.sums {
            self.start_of_sum(reference, members, *total, &mut p)?;
        }
        let inside_groups = self.slacks(&p).iter().all(|s| *s > 0.0);
        if inside_groups {
            Some(p)
        } else {
            inner_point(self.constraints).filter(|p| self.slacks(p).iter().all(|s| *s > 0.0))
        }
    }

    fn start_of_sum(
        &self,
        reference: &[f64],
        members: &[usize],
        total: f64,
        p: &mut [f64],
    ) -> Option<()> {
        let constraints = self.constraints;
        let limit = |j: usize| constraints.limit(j).min(total);
        let lower: f64 = members.iter().map(|&j| constraints.lower[j]).sum();
        let room: f64 = members.iter().map(|&j| limit(j)).sum::<f64>() - lower;
        let filled = (total - lower) / room;
        if !(filled > 1e-9 && filled < 1.0 - 1e-9) {
            return None;
        }
        let margin = 0.1 * filled.min(1.0 - filled);
        let inside = |j: usize, p: f64| {
            let (lower, limit) = (constraints.lower[j], limit(j));
            let margin = margin * (limit - lower);
            p.clamp(lower + margin, (limit - margin).max(lower + margin))
        };
        let at = |log_factor: f64| -> Vec<f64> {
            let members = members.iter();
            members
                .map(|&j| inside(j, reference[j] * log_factor.exp()))
                .collect()
        };
        let (mut low, mut high) = (-700.0, 700.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if at(middle).iter().sum::<f64>() < total {
                low = middle;
            } else {
                high = middle;
            }
        }
        let found = at(high);
        let excess = found.iter().sum::<f64>() - total;
        // What bisection leaves is far below the margins.
        let share = excess / room;
        for (&j, found) in members.iter().zip(found) {
            p[j] = found - share * (limit(j) - constraints.lower[j]);
        }
        Some(())
    }

    /// `s(p)`, one per row.
    pub fn slacks(&self, p: &[f64]) -> Vec<f64> {
        let moved = self.row_products(p);
        self.h.iter().zip(moved).map(|(h, v)| h + v).collect()
    }

    /// `−G v`: how slacks change when weights change by `v`.
    pub fn row_products(&self, v: &[f64]) -> Vec<f64> {
        let product = |row: &Row| match row {
            Row::Lower(j) => v[*j],
            Row::Upper(j) => -v[*j],
            Row::Group(members, sign) => sign * members.iter().map(|&j| v[j]).sum::<f64>(),
        };
        self.rows.iter().map(product).collect()
    }

    /// The certificate of the module's description, at slacks `s` and multipliers `z` (one per row)
    /// and the objective's `slope` at `p`; infinite where something is not a number.
    pub fn gap(&self, p: &[f64], s: &[f64], z: &[f64], slope: &[f64]) -> f64 {
        let mut v = slope.to_vec();
        let mut gap = 0.0;
        for ((row, z), s) in self.rows.iter().zip(z).zip(s) {
            if let Row::Group(members, sign) = row {
                members.iter().for_each(|&j| v[j] -= sign * z);
                gap += z * s;
            }
        }
        for (members, total) in &self.sums {
            gap += self.gap_of_sum(p, &v, members, *total);
        }
        // What is not a number certifies nothing; `max` alone would make it a perfect certificate.
        if gap.is_nan() {
            f64::INFINITY
        } else {
            gap.max(0.0)
        }
    }

    /// The greatest `v·(p − q)` over the bounds of single domains and one sum.
    fn gap_of_sum(&self, p: &[f64], v: &[f64], members: &[usize], total: f64) -> f64 {
        let constraints = self.constraints;
        let mut order = members.to_vec();
        order.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
        let Some(&first) = order.first() else {
            return 0.0;
        };
        let lower = &constraints.lower;
        let mut left = total - members.iter().map(|&j| lower[j]).sum::<f64>();
        let mut price = v[first];
        let mut q = lower.clone();
        for &j in &order {
            if left <= 0.0 {
                break;
            }
            let more = (constraints.limit(j) - lower[j]).min(left);
            q[j] += more;
            left -= more;
            price = v[j];
        }
        // Each term is at least zero, so nothing cancels.
        let terms = members.iter();
        terms.map(|&j| (v[j] - price) * (p[j] - q[j])).sum()
    }
}
