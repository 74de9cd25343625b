//! The derivatives of the objective of a law of effective data; `descent.rs` has the formulas.

use super::descent::{EffectiveFitter, EffectiveObjective};
use crate::law::numerics::{transpose_times, weighted_gram};

/// Below this `κs` the series take the place of the formulas, which cancel.
const SERIES: f64 = 0.02;

/// `log(1 + κs)/κ`, its derivatives `q` (with the sign of `E`) and `q'` by `κ`.
pub(super) fn saturation(kappa: f64, s: f64) -> (f64, f64, f64) {
    let x = kappa * s;
    if x < SERIES {
        // Terms (−x)ⁿ/(n+1), (−x)ⁿ(n+1)/(n+2), and those of the derivative by κ.
        let (mut l, mut q, mut dq, mut power) = (0.0, 0.0, 0.0, 1.0);
        for n in 0..9 {
            let n = f64::from(n);
            l += power / (n + 1.0);
            q += power * (n + 1.0) / (n + 2.0);
            dq -= power * (n + 1.0) * (n + 2.0) / (n + 3.0);
            power *= -x;
        }
        (s * l, s * s * q, s * s * s * dq)
    } else {
        let t = 1.0 + x;
        let log = x.ln_1p();
        let q = log / (kappa * kappa) - s / (kappa * t);
        let dq = 2.0 * s / (kappa * kappa * t) - 2.0 * log / (kappa * kappa * kappa)
            + s * s / (kappa * t * t);
        (log / kappa, q, dq)
    }
}

impl EffectiveFitter {
    /// Fills the rows of derivatives at the point reached, and the gradient.
    pub(super) fn gradient(&mut self, objective: &EffectiveObjective<'_>, theta: &[f64]) {
        let (m, size) = (self.m, theta.len());
        let kappa = theta[size - 2];
        for k in 0..self.s.len() {
            self.other[k] = -1.0 / (1.0 + kappa * self.s[k]);
        }
        self.rows.col_as_slice_mut(0).fill(1.0);
        for j in 0..m {
            let column = self.rows.col_as_slice_mut(1 + j).iter_mut();
            let phi = self.phi.col_as_slice(j).iter();
            for ((into, phi), factor) in column.zip(phi).zip(&self.other) {
                *into = phi * factor;
            }
        }
        for j in m + 1..size - 3 {
            let shares = objective.shares.col_as_slice(j - m - 1);
            self.rows.col_as_slice_mut(j).copy_from_slice(shares);
        }
        for k in 0..self.s.len() {
            self.rows[(k, size - 2)] = saturation(kappa, self.s[k]).1;
        }
        let fitted = objective.power_ridge.is_finite();
        self.s1.fill(0.0);
        self.s2.fill(0.0);
        if fitted {
            for (j, v) in theta[1..=m].iter().enumerate().filter(|(_, v)| **v > 0.0) {
                let logs = objective.logs.col_as_slice(j);
                for (k, (phi, log)) in self.phi.col_as_slice(j).iter().zip(logs).enumerate() {
                    self.s1[k] += v * phi * log;
                    self.s2[k] += v * phi * log * log;
                }
            }
        }
        for k in 0..self.s.len() {
            self.rows[(k, size - 3)] = self.s1[k] * self.other[k];
        }
        let mut for_c = 0.0;
        for k in 0..self.r.len() {
            let psi = objective.w[k] * self.r[k].clamp(-objective.delta, objective.delta);
            for_c += psi;
            self.row[k] = psi * self.e[k];
        }
        transpose_times(&self.rows, &self.row, &mut self.gradient[..size - 1]);
        for (gradient, v) in self.gradient[1..=m].iter_mut().zip(&theta[1..=m]) {
            *gradient += objective.ridge * v;
        }
        let competition = m + 1..size - 3;
        let gradient = self.gradient[competition.clone()].iter_mut();
        for (gradient, u) in gradient.zip(&theta[competition]) {
            *gradient += objective.competition_ridge * u;
        }
        if fitted {
            self.gradient[size - 3] += objective.power_ridge * (theta[size - 3] - objective.power);
        }
        self.gradient[size - 1] = for_c;
    }

    /// Fills the lower triangle of the Hessian: the Newton matrix, or that of Gauss and Newton.
    pub(super) fn curvature(
        &mut self,
        objective: &EffectiveObjective<'_>,
        theta: &[f64],
        newton: bool,
    ) {
        let (m, size) = (self.m, theta.len());
        let (kappa, delta) = (theta[size - 2], objective.delta);
        let mut for_c = 0.0;
        for k in 0..self.r.len() {
            let (w, r, e) = (objective.w[k], self.r[k], self.e[k]);
            let (d, second) = if newton {
                (
                    f64::from(u8::from(r.abs() <= delta)),
                    r.clamp(-delta, delta) * e,
                )
            } else {
                (
                    if r.abs() <= delta {
                        1.0
                    } else {
                        delta / r.abs()
                    },
                    0.0,
                )
            };
            for_c += w * d;
            self.row[k] = w * (d * e * e + second);
            self.e_next[k] = w * d * e;
            let t = 1.0 + kappa * self.s[k];
            self.r_next[k] = w * second / (t * t);
        }
        let own = self
            .hessian
            .as_mut()
            .submatrix_mut(0, 0, size - 1, size - 1);
        weighted_gram(&self.rows, &self.row, &mut self.scaled, own);
        transpose_times(&self.rows, &self.e_next, &mut self.cross);
        if newton {
            for k in 0..self.s.len() {
                self.row[k] = self.r_next[k] * kappa;
                self.other[k] = self.r_next[k] * self.s[k];
            }
            let bend = self.bend.as_mut();
            weighted_gram(&self.phi, &self.row, &mut self.scaled_phi, bend);
            for j in 0..m {
                for i in j..m {
                    self.hessian[(1 + i, 1 + j)] += self.bend[(i, j)];
                }
            }
            transpose_times(&self.phi, &self.other, &mut self.step[..m]);
            for j in 0..m {
                self.hessian[(size - 2, 1 + j)] += self.step[j];
            }
            let bends = (0..self.s.len()).map(|k| {
                let psi = objective.w[k] * self.r[k].clamp(-delta, delta);
                psi * self.e[k] * saturation(kappa, self.s[k]).2
            });
            self.hessian[(size - 2, size - 2)] += bends.sum::<f64>();
            if objective.power_ridge.is_finite() {
                self.add_power_bends(objective, kappa, size);
            }
        }
        for j in 1..=m {
            self.hessian[(j, j)] += objective.ridge;
        }
        if objective.power_ridge.is_finite() {
            self.hessian[(size - 3, size - 3)] += objective.power_ridge;
        }
        for j in m + 1..size - 3 {
            self.hessian[(j, j)] += objective.competition_ridge;
        }
        for j in 0..size - 1 {
            self.hessian[(size - 1, j)] = self.cross[j];
        }
        self.hessian[(size - 1, size - 1)] = for_c;
        for j in (0..size).filter(|&j| self.held[j]) {
            for i in 0..size {
                self.hessian[(i.max(j), i.min(j))] = 0.0;
            }
            self.hessian[(j, j)] = 1.0;
        }
    }

    /// Adds the second derivatives that `a` has a part in; `r_next` holds `w ψ e / t²`.
    fn add_power_bends(&mut self, objective: &EffectiveObjective<'_>, kappa: f64, size: usize) {
        let (mut own, mut with_kappa) = (0.0, 0.0);
        for k in 0..self.s.len() {
            let (bend, t) = (self.r_next[k], 1.0 + kappa * self.s[k]);
            own += bend * (kappa * self.s1[k] * self.s1[k] - t * self.s2[k]);
            with_kappa += bend * self.s1[k] * self.s[k];
            self.row[k] = bend * kappa * self.s1[k];
            self.other[k] = -bend * t;
        }
        for j in 0..self.m {
            let logs = objective.logs.col_as_slice(j);
            let terms = self.phi.col_as_slice(j).iter().zip(logs).enumerate();
            let sum: f64 = terms
                .map(|(k, (phi, log))| phi * (self.row[k] + self.other[k] * log))
                .sum();
            self.hessian[(size - 3, 1 + j)] += sum;
        }
        self.hessian[(size - 3, size - 3)] += own;
        self.hessian[(size - 2, size - 3)] += with_kappa;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_and_formulas_of_the_saturation_agree_where_they_meet() {
        for s in [1e-3, 0.5, 4.0] {
            let kappa = SERIES / s;
            let near = saturation(kappa * (1.0 - 1e-12), s);
            let far = saturation(kappa * (1.0 + 1e-12), s);
            assert!(
                (near.0 - far.0).abs() < 1e-12 * far.0.abs(),
                "{near:?} {far:?}"
            );
            assert!(
                (near.1 - far.1).abs() < 1e-10 * far.1.abs(),
                "{near:?} {far:?}"
            );
            assert!(
                (near.2 - far.2).abs() < 1e-7 * far.2.abs(),
                "{near:?} {far:?}"
            );
        }
    }
}
