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
//! and the maximum over the bounds of single domains and `Σ q = 1` is found by filling domains in
//! the order of `v`.

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
}

impl<'a> FeasibleSet<'a> {
    pub fn new(constraints: &'a Constraints) -> Self {
        let m = constraints.domains();
        let width = |j: usize| constraints.limit(j) - constraints.lower[j];
        let free: Vec<bool> = (0..m).map(|j| width(j) > FIXED).collect();
        let (mut rows, mut h) = (Vec::new(), Vec::new());
        for j in (0..m).filter(|&j| free[j]) {
            rows.push(Row::Lower(j));
            h.push(-constraints.lower[j]);
            // With Σ p = 1 and p ≥ 0, p ≤ 1 needs no row.
            if constraints.limit(j) < 1.0 {
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
        }
    }

    /// The reference distribution (length `m`), moved as little as puts it inside of all bounds;
    /// `None` where nothing is.
    pub fn start(&self, reference: &[f64]) -> Option<Vec<f64>> {
        let constraints = self.constraints;
        let m = constraints.domains();
        let lower: f64 = constraints.lower.iter().sum();
        let room: f64 = (0..m).map(|j| constraints.limit(j)).sum::<f64>() - lower;
        let filled = (1.0 - lower) / room;
        if !(filled > 1e-9 && filled < 1.0 - 1e-9) {
            return None;
        }
        let margin = 0.1 * filled.min(1.0 - filled);
        let inside = |j: usize, p: f64| {
            let (lower, limit) = (constraints.lower[j], constraints.limit(j));
            let margin = margin * (limit - lower);
            p.clamp(lower + margin, (limit - margin).max(lower + margin))
        };
        let at = |log_factor: f64| -> Vec<f64> {
            let reference = reference.iter().enumerate();
            reference
                .map(|(j, q)| inside(j, q * log_factor.exp()))
                .collect()
        };
        let (mut low, mut high) = (-700.0, 700.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if at(middle).iter().sum::<f64>() < 1.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let mut p = at(high);
        let excess = p.iter().sum::<f64>() - 1.0;
        // What bisection leaves is far below the margins.
        let share = excess / room;
        for (j, p) in p.iter_mut().enumerate() {
            *p -= share * (constraints.limit(j) - constraints.lower[j]);
        }
        let inside_groups = self.slacks(&p).iter().all(|s| *s > 0.0);
        if inside_groups {
            Some(p)
        } else {
            inner_point(constraints).filter(|p| self.slacks(p).iter().all(|s| *s > 0.0))
        }
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
        let constraints = self.constraints;
        let mut v = slope.to_vec();
        let mut gap = 0.0;
        for ((row, z), s) in self.rows.iter().zip(z).zip(s) {
            if let Row::Group(members, sign) = row {
                members.iter().for_each(|&j| v[j] -= sign * z);
                gap += z * s;
            }
        }
        let mut order: Vec<usize> = (0..v.len()).collect();
        order.sort_by(|&a, &b| v[a].total_cmp(&v[b]));
        let mut left = 1.0 - constraints.lower.iter().sum::<f64>();
        let mut price = v[order[0]];
        let mut q = constraints.lower.clone();
        for &j in &order {
            if left <= 0.0 {
                break;
            }
            let more = (constraints.limit(j) - constraints.lower[j]).min(left);
            q[j] += more;
            left -= more;
            price = v[j];
        }
        // Each term is at least zero, so nothing cancels.
        for j in 0..v.len() {
            gap += (v[j] - price) * (p[j] - q[j]);
        }
        // What is not a number certifies nothing; `max` alone would make it a perfect certificate.
        if gap.is_nan() {
            f64::INFINITY
        } else {
            gap.max(0.0)
        }
    }
}
