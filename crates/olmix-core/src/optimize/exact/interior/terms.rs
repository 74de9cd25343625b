//! The part of a state and of a step that belongs to the terms of [`LossTerms`].
//!
//! Each term has a slack `σ_k > 0` and a multiplier `y_k > 0`:
//!
//! ```text
//! limited    σ_k = −T_k(p)
//! penalized  σ_k = h_k − T_k(p),  h_k > 0 with a multiplier ζ_k, and ρ_k h_k in the objective
//! compared   σ_k = t − T_k(p),    and θ t in the objective
//! ```
//!
//! In Newton's system a term is a row of the border with the gradient `−∇T_k` and the curvature
//! `y_k/σ_k`; `h_k` is eliminated and `t` is one column more.

use super::{FRACTION, NEIGHBOURHOOD};
use crate::optimize::{LossTerm, LossTerms, TermRole};

/// Room that auxiliary variables start with, relative to the losses that terms are about.
const MARGIN: f64 = 0.01;
/// A step leaves a slack at least this share of what it was.
const LEFT: f64 = 1e-3;

#[derive(Clone)]
pub(super) struct TermState {
    /// `σ`, one per term.
    pub slack: Vec<f64>,
    /// `y`.
    pub y: Vec<f64>,
    /// `h`; 1 where the term is not penalized.
    pub above: Vec<f64>,
    /// `ζ`; 1 where the term is not penalized.
    pub zeta: Vec<f64>,
    /// `t`.
    pub largest: f64,
}

/// Changes of a [`TermState`].
pub(super) struct TermStep {
    pub slack: Vec<f64>,
    pub above: Vec<f64>,
    pub largest: f64,
}

impl TermState {
    /// Inside, at the `values` of all terms; `None` where a limit is not kept.
    pub fn start(terms: &LossTerms, values: &[f64]) -> Option<Self> {
        let spread = terms.largest(values).map_or(0.0, |largest| {
            let least = values.iter().copied().fold(largest, f64::min);
            largest - least
        });
        let above = |(term, value): (&LossTerm, &f64)| match term.role {
            TermRole::Penalty(_) => value.max(0.0) + MARGIN,
            TermRole::Limit | TermRole::Compared => 1.0,
        };
        let count = terms.terms.len();
        let mut state = Self {
            slack: Vec::new(),
            y: vec![0.0; count],
            above: terms.terms.iter().zip(values).map(above).collect(),
            zeta: vec![1.0; count],
            largest: terms.largest(values).unwrap_or(0.0) + spread.max(MARGIN),
        };
        state.slack = slacks(terms, values, &state.above, state.largest);
        state.slack.iter().all(|s| *s > 0.0).then_some(state)
    }

    /// The number of logarithms in the barrier.
    pub fn barriers(&self, terms: &LossTerms) -> usize {
        let penalties = terms.terms.iter().filter(|term| term.penalty().is_some());
        self.slack.len() + penalties.count()
    }

    /// Puts multipliers at `μ` over what they belong to.
    pub fn set_multipliers(&mut self, mu: f64) {
        self.y = self.slack.iter().map(|s| mu / s).collect();
        self.zeta = self.above.iter().map(|h| mu / h).collect();
    }

    /// `μ/σ`, one per term: what the barrier pulls with.
    pub fn pulls(&self, mu: f64) -> Vec<f64> {
        self.slack.iter().map(|s| mu / s).collect()
    }

    /// How the objective with its barrier falls as each `h` grows; 0 where there is none.
    pub fn falls_above(&self, terms: &LossTerms, mu: f64) -> Vec<f64> {
        let fall = |(k, term): (usize, &LossTerm)| {
            let weight = term.penalty()?;
            Some(mu / self.above[k] + mu / self.slack[k] - weight)
        };
        let all = terms.terms.iter().enumerate();
        all.map(|one| fall(one).unwrap_or(0.0)).collect()
    }

    /// How it falls as `t` grows.
    pub fn falls_largest(&self, terms: &LossTerms, mu: f64) -> f64 {
        let compared = terms.terms.iter().zip(&self.slack);
        let compared = compared.filter(|(term, _)| term.role == TermRole::Compared);
        compared.map(|(_, s)| mu / s).sum::<f64>() - terms.largest_weight
    }

    /// `h_k/ζ_k` of a penalty, else 0.
    pub fn give(&self, term: &LossTerm, k: usize) -> f64 {
        term.penalty().map_or(0.0, |_| self.above[k] / self.zeta[k])
    }

    /// How far along a step all variables stay positive, as slacks would change if they were linear.
    pub fn longest(&self, step: &TermStep) -> f64 {
        super::longest(&self.slack, &step.slack).min(super::longest(&self.above, &step.above))
    }

    /// The state `length` along a step to a mixture with these `values`, multipliers as they were, and
    /// the change of the objective's own part less `μ` times that of the barrier; `None` outside.
    pub fn moved(
        &self,
        terms: &LossTerms,
        step: &TermStep,
        length: f64,
        values: &[f64],
        mu: f64,
    ) -> Option<(Self, f64)> {
        let above = super::moved(&self.above, &step.above, length);
        let largest = self.largest + length * step.largest;
        let slack = slacks(terms, values, &above, largest);
        let inside = slack
            .iter()
            .zip(&self.slack)
            .all(|(s, old)| *s > LEFT * old);
        if !inside {
            return None;
        }
        let costs = terms.terms.iter().zip(&step.above);
        let costs = costs.filter_map(|(term, step)| Some(term.penalty()? * step));
        let cost = costs.sum::<f64>() + terms.largest_weight * step.largest;
        let logs = |new: &[f64], old: &[f64]| -> f64 {
            new.iter().zip(old).map(|(new, old)| (new / old).ln()).sum()
        };
        let barrier = logs(&slack, &self.slack) + logs(&above, &self.above);
        let state = Self {
            slack,
            above,
            largest,
            ..self.clone()
        };
        Some((state, length * cost - mu * barrier))
    }

    /// Newton's step of the multipliers, as far as they stay positive and near `μ` over the new
    /// slacks; `old` is the state that the step was made at.
    pub fn update_multipliers(&mut self, old: &Self, step: &TermStep, mu: f64) {
        let next = |y: &[f64], slack: &[f64], change: &[f64], now: &[f64]| -> Vec<f64> {
            let dy: Vec<f64> = (0..y.len())
                .map(|k| (mu - y[k] * change[k]) / slack[k] - y[k])
                .collect();
            let mut y = super::moved(y, &dy, super::longest(y, &dy));
            for (y, s) in y.iter_mut().zip(now) {
                *y = y.clamp(mu / s / NEIGHBOURHOOD, mu / s * NEIGHBOURHOOD);
            }
            y
        };
        self.y = next(&old.y, &old.slack, &step.slack, &self.slack);
        self.zeta = next(&old.zeta, &old.above, &step.above, &self.above);
    }
}

const _: () = assert!(FRACTION < 1.0 && LEFT < 1.0 - FRACTION);

fn slacks(terms: &LossTerms, values: &[f64], above: &[f64], largest: f64) -> Vec<f64> {
    let room = |(k, term): (usize, &LossTerm)| match term.role {
        TermRole::Limit => -values[k],
        TermRole::Penalty(_) => above[k] - values[k],
        TermRole::Compared => largest - values[k],
    };
    terms.terms.iter().enumerate().map(room).collect()
}
