//! What repeated tokens are worth.

use serde::{Deserialize, Serialize};

use crate::Matrix;

/// The value of repeated tokens, after Muennighoff et al. (arXiv 2305.16264): of a domain that is seen `e > 1` times,
/// the run learns as much as from `1 + r* (1 − exp(−(e − 1)/r*))` times as many fresh tokens as the domain has. Up to
/// `e = 1` every token is fresh.
///
/// As a function of the domain's weight, the *effective weight* is increasing, concave and bounded, with a continuous
/// slope; its second derivative jumps at `e = 1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeats {
    /// `r*`, above 0 and finite: repeats of a domain are together worth at most so many times its tokens, and the next
    /// token is worth `1/e` of a fresh one after so many repeats.
    pub r_star: f64,
    /// How often a domain is seen at the weight 1, by domain (length `m`, above 0): the tokens of the run divided by
    /// those of the domain.
    pub epochs: Vec<f64>,
}

impl Repeats {
    /// Repeats of domain `j` at the weight `p`, in units of `r*`; 0 where no token is seen twice.
    fn repeats(&self, j: usize, p: f64) -> f64 {
        ((self.epochs[j] * p - 1.0) / self.r_star).max(0.0)
    }

    /// The effective weight of domain `j` at the weight `p`: at most `p`.
    #[must_use]
    pub fn value(&self, j: usize, p: f64) -> f64 {
        let repeats = self.repeats(j, p);
        if repeats == 0.0 {
            return p;
        }
        (1.0 - self.r_star * (-repeats).exp_m1()) / self.epochs[j]
    }

    /// The slope of [`Repeats::value`]: what the next token is worth, in fresh tokens.
    #[must_use]
    pub fn slope(&self, j: usize, p: f64) -> f64 {
        (-self.repeats(j, p)).exp()
    }

    /// Minus the second derivative of [`Repeats::value`], at least 0; 0 at `e = 1` itself.
    #[must_use]
    pub fn neg_second_derivative(&self, j: usize, p: f64) -> f64 {
        let repeats = self.repeats(j, p);
        if repeats == 0.0 {
            return 0.0;
        }
        self.epochs[j] / self.r_star * (-repeats).exp()
    }

    /// The effective weights at `p` (length `m`).
    #[must_use]
    pub fn values(&self, p: &[f64]) -> Vec<f64> {
        p.iter()
            .enumerate()
            .map(|(j, &p)| self.value(j, p))
            .collect()
    }

    /// [`Repeats::values`] of each row.
    pub(crate) fn of_rows(&self, mixtures: &Matrix) -> Matrix {
        Matrix::from_fn(mixtures.rows(), mixtures.columns(), |k, j| {
            self.value(j, mixtures.get(k, j))
        })
    }

    /// Fresh tokens, in multiples of a domain's, that `epochs` passes over it are worth.
    #[must_use]
    pub fn effective_epochs(r_star: f64, epochs: f64) -> f64 {
        let one = Self {
            r_star,
            epochs: vec![1.0],
        };
        one.value(0, epochs)
    }
}
