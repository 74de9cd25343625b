//! Descents from a law that is close, as those of folds and resamples: Newton steps, and between them cheap ones.
//!
//! Near a minimum the Newton matrix changes little from step to step. A *chord* step takes the gradient at the new point
//! and the matrix that was factored for the last Newton step, at a quarter of the cost of another (Shamanskii's method;
//! Kelley, *Iterative Methods for Linear and Nonlinear Equations*, 1995, chapter 5). Chord steps go on while each keeps
//! enough of what it promises. A Newton step says when the descent has converged.

use super::newton::{Damping, Descent, End, MAX_ITERATIONS, Point, Step, Workspace};
use super::objective::{Objective, evaluate};

/// Chord steps after a Newton step, at most.
const MAX_CHORDS: usize = 4;
/// A chord step that keeps less than this share of what it promises is the last one.
const WORTHWHILE: f64 = 0.25;

impl Workspace {
    /// Descends from `(c, t)` until a Newton step promises less than `tolerance` of the objective.
    pub(crate) fn descend_by_chords(
        &mut self,
        objective: &Objective<'_>,
        c: f64,
        t: &[f64],
        tolerance: f64,
    ) -> Descent {
        let mut point = Point {
            c: c.max(objective.c_min),
            t: t.to_vec(),
            value: 0.0,
        };
        point.value = evaluate(objective, point.c, &point.t, &mut self.e, &mut self.r);
        let mut state = Damping::default();
        let mut iterations = 0;
        let end = loop {
            if iterations == MAX_ITERATIONS {
                break End::GaveUp;
            }
            match self.step(objective, &mut point, &mut state, tolerance) {
                Step::Taken => iterations += 1,
                Step::Converged => break End::Converged,
                Step::Stuck => break End::GaveUp,
            }
            for _ in 0..MAX_CHORDS {
                if !self.chord(objective, &mut point, tolerance) {
                    break;
                }
            }
        };
        Descent {
            point,
            end,
            iterations,
        }
    }

    /// One step by the last factor; whether another may be worth it.
    fn chord(&mut self, objective: &Objective<'_>, point: &mut Point, tolerance: f64) -> bool {
        let m = point.t.len();
        self.gradient(objective, point);
        // The factor is that of the coefficients that were free.
        let c_held = point.c <= objective.c_min;
        let on_bound = |j: usize| objective.is_bounded(j, m) && point.t[j] >= 0.0;
        if c_held || (0..m).any(|j| on_bound(j) != self.held[j]) {
            return false;
        }
        for j in 0..m {
            self.step[j] = if self.held[j] { 0.0 } else { -self.gradient[j] };
        }
        self.step[m] = -self.gradient[m];
        self.cholesky.solve(&mut self.step);
        let slope: f64 = (0..=m).map(|j| self.step[j] * self.gradient[j]).sum();
        let promised = -0.5 * slope;
        if promised <= tolerance * point.value {
            return false;
        }
        for j in 0..m {
            let next = point.t[j] + self.step[j];
            let bounded = objective.is_bounded(j, m);
            self.t_next[j] = if bounded { next.min(0.0) } else { next };
        }
        let c_next = (point.c + self.step[m]).max(objective.c_min);
        let (e, r) = (&mut self.e_next, &mut self.r_next);
        let value = evaluate(objective, c_next, &self.t_next, e, r);
        let decrease = point.value - value;
        if !(value.is_finite() && decrease > 0.0) {
            return false;
        }
        point.c = c_next;
        point.t.copy_from_slice(&self.t_next);
        point.value = value;
        std::mem::swap(&mut self.e, &mut self.e_next);
        std::mem::swap(&mut self.r, &mut self.r_next);
        decrease > WORTHWHILE * promised
    }
}
