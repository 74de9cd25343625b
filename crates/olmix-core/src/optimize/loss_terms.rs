//! What an objective says of single losses: limits, penalties above a limit, and the largest of
//! several, each of a weighted mean of laws.
//!
//! With `T_k(p) = Σ_i a_ki f̂_i(p) − b_k`, convex as the laws are and `a ≥ 0`, the problem is
//!
//! ```text
//! min  F(p) + Σ_{k penalized} ρ_k max(0, T_k(p)) + θ max_{k compared} T_k(p)
//! s.t. T_k(p) ≤ 0 for each k limited
//! ```

/// What a term is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TermRole {
    /// `T_k ≤ 0`.
    Limit,
    /// Adds `ρ max(0, T_k)` to the objective, `ρ > 0` in the unit of the objective.
    Penalty(f64),
    /// One of those whose largest is in the objective.
    Compared,
}

/// One `T_k`.
#[derive(Debug, Clone, PartialEq)]
pub struct LossTerm {
    /// What messages call it.
    pub name: String,
    /// `a_k`, one entry per law, not negative.
    pub weights: Vec<f64>,
    /// `b_k`.
    pub bound: f64,
    /// What it is for.
    pub role: TermRole,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossTerms {
    /// The terms.
    pub terms: Vec<LossTerm>,
    /// `θ ≥ 0`.
    pub largest_weight: f64,
    /// Whether the weighted average of the losses is no part of `F`.
    pub without_average: bool,
}

/// A term at a solution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermAt {
    /// `T_k`.
    pub value: f64,
    /// Its multiplier `y_k ≥ 0`: for a limit, how fast the least objective falls as `b_k` rises; at
    /// most `ρ` for a penalty; those of all terms compared sum to `θ`.
    pub multiplier: f64,
}

impl LossTerm {
    /// `T_k` from the losses of all laws.
    #[must_use]
    pub fn value(&self, losses: &[f64]) -> f64 {
        let used = self.weights.iter().zip(losses).filter(|(a, _)| **a > 0.0);
        used.map(|(a, loss)| a * loss).sum::<f64>() - self.bound
    }

    /// `ρ`, of a penalty.
    pub(super) fn penalty(&self) -> Option<f64> {
        match self.role {
            TermRole::Penalty(weight) => Some(weight),
            TermRole::Limit | TermRole::Compared => None,
        }
    }
}

impl LossTerms {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What the terms add to the objective at their values; limits add nothing.
    #[must_use]
    pub fn cost(&self, values: &[f64]) -> f64 {
        let terms = self.terms.iter().zip(values);
        let penalties = terms
            .filter_map(|(term, value)| Some(term.penalty()? * value.max(0.0)))
            .sum::<f64>();
        match self.largest(values) {
            Some(largest) => penalties + self.largest_weight * largest,
            None => penalties,
        }
    }

    /// The largest value of the terms compared.
    pub(super) fn largest(&self, values: &[f64]) -> Option<f64> {
        let terms = self.terms.iter().zip(values);
        let compared = terms.filter(|(term, _)| term.role == TermRole::Compared);
        compared.map(|(_, value)| *value).reduce(f64::max)
    }

    /// The largest value of the limits: above 0 where one is not kept.
    pub(super) fn worst_limit(&self, values: &[f64]) -> Option<f64> {
        let terms = self.terms.iter().zip(values);
        let limits = terms.filter(|(term, _)| term.role == TermRole::Limit);
        limits.map(|(_, value)| *value).reduce(f64::max)
    }

    /// The multipliers nearest to `y ≥ 0` (one per term) that a dual solution may have.
    pub(super) fn dual_feasible(&self, y: &[f64]) -> Vec<f64> {
        let compared = |(term, _): &(&LossTerm, &f64)| term.role == TermRole::Compared;
        let pairs = || self.terms.iter().zip(y);
        let sum: f64 = pairs().filter(compared).map(|(_, y)| *y).sum();
        let count = pairs().filter(compared).count();
        let each = |(term, &y): (&LossTerm, &f64)| match term.role {
            TermRole::Limit => y.max(0.0),
            TermRole::Penalty(most) => y.clamp(0.0, most),
            TermRole::Compared if sum > 0.0 => self.largest_weight * y / sum,
            TermRole::Compared => self.largest_weight / count as f64,
        };
        pairs().map(each).collect()
    }

    /// How far the objective is above the Lagrangian at multipliers that are
    /// [`LossTerms::dual_feasible`]; each part is at least zero.
    pub(super) fn complementarity(&self, values: &[f64], y: &[f64]) -> f64 {
        let largest = self.largest(values).unwrap_or(0.0);
        let terms = self.terms.iter().zip(values).zip(y);
        terms
            .map(|((term, value), y)| match term.role {
                TermRole::Limit => -y * value.min(0.0),
                TermRole::Penalty(weight) if *value > 0.0 => (weight - y) * value,
                TermRole::Penalty(_) => -y * value,
                TermRole::Compared => y * (largest - value),
            })
            .sum()
    }
}
