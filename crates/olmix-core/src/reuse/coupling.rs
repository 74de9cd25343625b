//! When reuse is safe: how strongly frozen and free domains act on the same tasks (Olmix, section 4.3 and
//! appendix).
//!
//! With laws `c_i + exp(A_i·q)`, `α_fix,i = ‖A_i,fix‖` and `α_comp,i = ‖A_i,comp‖`, the coupling is
//! `κ = ‖(1 + α_fix + α_comp) ⊙ α_fix‖` over tasks. The bounds are those of the paper's Theorem 1 with
//! constants worked out for weighted tasks and a KL term (`docs/reuse.md` derives them); they hold without
//! caps.

use crate::law::{FittedLaw, Law};
use crate::swarm::dot;
use crate::{CoreError, kl_divergence};

/// The coupling of frozen domains with the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Coupling {
    /// `α_fix` by task (length `n`): norms of the frozen domains' coefficients, in nats.
    pub fix: Vec<f64>,
    /// `α_comp` by task (length `n`): norms of the free domains' coefficients, in nats.
    pub comp: Vec<f64>,
    /// `(1 + α_fix + α_comp) α_fix` by task (length `n`); `κ` is the norm of this vector.
    pub by_task: Vec<f64>,
    /// What each domain adds (length `m`): `κ² = Σ_j by_domain_j²`; 0 for domains that are not frozen.
    pub by_domain: Vec<f64>,
    /// `κ`, at least 0; without a unit, as exponents of laws have none.
    pub kappa: f64,
}

impl Coupling {
    /// The coupling by coefficients `A` (`n` rows of `m`), where `frozen[j]` says which domains keep their
    /// ratios.
    #[must_use]
    pub fn new(coefficients: &[Vec<f64>], frozen: &[bool]) -> Self {
        let norm = |row: &[f64], of: bool| {
            let inside = row.iter().zip(frozen).filter(|(_, f)| **f == of);
            inside.map(|(a, _)| a * a).sum::<f64>().sqrt()
        };
        let fix: Vec<f64> = coefficients.iter().map(|row| norm(row, true)).collect();
        let comp: Vec<f64> = coefficients.iter().map(|row| norm(row, false)).collect();
        let factor: Vec<f64> = fix.iter().zip(&comp).map(|(f, c)| 1.0 + f + c).collect();
        let by_task: Vec<f64> = factor.iter().zip(&fix).map(|(s, f)| s * f).collect();
        let of_domain = |j: usize| {
            if !frozen[j] {
                return 0.0;
            }
            let tasks = coefficients.iter().zip(&factor);
            tasks
                .map(|(row, s)| (s * row[j]).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        Self {
            by_domain: (0..frozen.len()).map(of_domain).collect(),
            kappa: dot(&by_task, &by_task).sqrt(),
            by_task,
            fix,
            comp,
        }
    }
}

/// Coefficients `A` of laws (`n` rows of `m`): those of log-linear laws, level and all, and for others the
/// slopes of the logarithm of the reducible loss at `p` less their mean over `p`, as such laws have their
/// level apart.
#[must_use]
pub fn coefficients(laws: &[FittedLaw], p: &[f64]) -> Vec<Vec<f64>> {
    let of = |law: &FittedLaw| match law.log_linear() {
        Some(law) => law.t.clone(),
        None => law.effects(p),
    };
    laws.iter().map(of).collect()
}

/// The bounds of Theorem 1 for a reuse, with their parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The coupling of the frozen domains with the others, by the laws' coefficients.
    pub coupling: Coupling,
    /// `C₁`, in units of the loss (`docs/reuse.md`).
    pub c1: f64,
    /// `C₂`; infinite without a KL term, as the old optimum need not be unique then.
    pub c2: f64,
    /// `‖p̃_fix − q*_fix‖`: how far the frozen ratios are from those of the full optimum.
    pub reuse_gap: f64,
    /// `1 − ρ*`: the weight that the full optimum gives to domains that are not frozen.
    pub moved: f64,
    /// `C₁ κ ‖p̃_fix − q*_fix‖`, and what the KL term loses by the frozen ratios: the objective of the best
    /// mixture with frozen ratios is at most so much above that of the full optimum.
    pub on_loss: f64,
    /// `C₂ κ (1 − ρ*)`: at most so large is the reuse gap, where the frozen ratios are the optimum of the old
    /// problem, and new domains were added to it.
    pub on_gap: f64,
}

/// A reuse whose laws and optimum are known: what the bounds are computed from.
#[derive(Debug, Clone, Copy)]
pub struct BoundInputs<'a> {
    /// Log-linear laws over all domains, one per task.
    pub laws: &'a [FittedLaw],
    /// Weights of the tasks, summing to 1.
    pub task_weights: &'a [f64],
    /// λ of the KL term (that of the expanded mixture).
    pub kl_reg: f64,
    /// Which domains keep their ratios.
    pub frozen: &'a [bool],
    /// The ratios of the frozen domains, 0 elsewhere; summing to 1.
    pub ratios: &'a [f64],
    /// The optimum over all domains with nothing frozen.
    pub optimum: &'a [f64],
    /// The prior of the KL term (length `m`), positive.
    pub prior: &'a [f64],
}

impl BoundInputs<'_> {
    /// The bounds of Theorem 1. Cost `O(n m)`.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] for laws that are not log-linear.
    pub fn bound(&self) -> Result<Bound, CoreError> {
        let rows: Option<Vec<Vec<f64>>> = self
            .laws
            .iter()
            .map(|law| law.log_linear().map(|law| law.t.clone()))
            .collect();
        let rows = rows.ok_or_else(|| {
            CoreError::Unsupported("the bounds of Theorem 1 are about log-linear laws".into())
        })?;
        let coupling = Coupling::new(&rows, self.frozen);
        let moved: f64 = self.weight(self.optimum, false);
        let rho = 1.0 - moved;
        let inside = |j: usize| if self.frozen[j] { self.optimum[j] } else { 0.0 };
        let distance = |j: usize| (self.ratios[j] - inside(j) / rho.max(f64::MIN_POSITIVE)).powi(2);
        let reuse_gap = if rho > 0.0 {
            (0..self.frozen.len())
                .filter(|&j| self.frozen[j])
                .map(distance)
                .sum::<f64>()
                .sqrt()
        } else {
            // With no weight on what is frozen its ratios do not matter.
            0.0
        };
        let (c1, c2) = (self.c1(&rows, &coupling), self.c2(&rows, &coupling));
        let times = |a: f64, b: f64| if b == 0.0 { 0.0 } else { a * b };
        Ok(Bound {
            on_loss: times(c1 * coupling.kappa, reuse_gap) + self.kl_lost(rho),
            on_gap: times(c2 * coupling.kappa, moved),
            coupling,
            c1,
            c2,
            reuse_gap,
            moved,
        })
    }

    fn weight(&self, p: &[f64], frozen: bool) -> f64 {
        let inside = p.iter().zip(self.frozen).filter(|(_, f)| **f == frozen);
        inside.map(|(p, _)| p).sum()
    }

    /// `ρ* ‖(w_i exp(A_i·q* + √2 ρ* α_fix,i))_i‖`.
    fn c1(&self, rows: &[Vec<f64>], coupling: &Coupling) -> f64 {
        let rho = self.weight(self.optimum, true);
        let reach = std::f64::consts::SQRT_2 * rho;
        let term = |(row, alpha): (&Vec<f64>, &f64)| dot(row, self.optimum) + reach * alpha;
        rho * self.norm(rows.iter().zip(&coupling.fix).map(term))
    }

    /// `‖(w_i exp(A_i·p̃ + α_fix,i + α_comp,i))_i‖ / λ`: the KL term makes the old problem strongly convex by
    /// λ.
    fn c2(&self, rows: &[Vec<f64>], coupling: &Coupling) -> f64 {
        if self.kl_reg <= 0.0 {
            return f64::INFINITY;
        }
        let alphas = coupling.fix.iter().zip(&coupling.comp);
        let term =
            |(row, (fix, comp)): (&Vec<f64>, (&f64, &f64))| dot(row, self.ratios) + fix + comp;
        self.norm(rows.iter().zip(alphas).map(term)) / self.kl_reg
    }

    /// `‖(w_i exp x_i)_i‖`.
    fn norm(&self, exponents: impl Iterator<Item = f64>) -> f64 {
        let terms = self.task_weights.iter().zip(exponents);
        terms
            .map(|(w, x)| (w * x.exp()).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    /// `λ ρ* (KL(p̃ ‖ p0_fix) − KL(q*_fix ‖ p0_fix))`, where that is a loss.
    fn kl_lost(&self, rho: f64) -> f64 {
        let inside = |p: &[f64]| -> Vec<f64> {
            let weight = self.weight(p, true).max(f64::MIN_POSITIVE);
            let of = |(p, f): (&f64, &bool)| if *f { p / weight } else { 0.0 };
            p.iter().zip(self.frozen).map(of).collect()
        };
        let prior = inside(self.prior);
        let change =
            kl_divergence(self.ratios, &prior) - kl_divergence(&inside(self.optimum), &prior);
        self.kl_reg * rho * change.max(0.0)
    }

    /// `Σ_i w_i f_i(q) + λ KL(q ‖ p0)` of a mixture `q` over all domains.
    #[must_use]
    pub fn objective(&self, q: &[f64]) -> f64 {
        let losses = self.laws.iter().zip(self.task_weights);
        losses.map(|(law, w)| w * law.predict(q)).sum::<f64>()
            + self.kl_reg * kl_divergence(q, self.prior)
    }
}
