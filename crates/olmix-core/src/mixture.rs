//! Mixtures: points of the simplex over a set of domains.

use crate::{CoreError, DomainSet};

/// How far from 1 the weights of a mixture may sum before it is refused.
pub const SUM_TOLERANCE: f64 = 0.01;

/// The first row of `rows` (mixtures × `m` domains, row-major) that is no mixture: with a share that is negative or not
/// finite, or a sum that is not within [`SUM_TOLERANCE`] of 1 (and 1e-9, for sums that were rounded).
///
/// ```
/// assert_eq!(olmix_core::first_that_is_no_mixture(&[0.5, 0.5, 0.7, 0.7], 2), Some(1));
/// ```
#[must_use]
pub fn first_that_is_no_mixture(rows: &[f64], m: usize) -> Option<usize> {
    rows.chunks(m.max(1)).position(|row| {
        // Several sums side by side, which are vectors. A share that is no number makes its sum none.
        let (mut sums, mut least) = ([0.0; 8], [0.0f64; 8]);
        let (eights, rest) = row.as_chunks::<8>();
        for shares in eights {
            for k in 0..8 {
                sums[k] += shares[k];
                least[k] = least[k].min(shares[k]);
            }
        }
        let sum = sums.iter().sum::<f64>() + rest.iter().sum::<f64>();
        let is_close = (sum - 1.0).abs() <= SUM_TOLERANCE + 1e-9;
        !(is_close && least.iter().chain(rest).all(|&share| share >= 0.0))
    })
}

/// Weights closer than this are the same.
const SAME: f64 = 1e-5;

/// Whether two weights are one, to rounding.
pub(crate) fn same_weight(a: f64, b: f64) -> bool {
    (a - b).abs() <= SAME
}

/// Whether two rows of weights are one mixture, to rounding.
pub(crate) fn same_mixture(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| same_weight(*a, *b))
}

/// `½ Σ |a − b|`: the share of the data in which two mixtures differ, from 0 to 1.
#[must_use]
pub fn total_variation(a: &[f64], b: &[f64]) -> f64 {
    0.5 * a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>()
}

/// How a training run divides its tokens among domains: non-negative weights that sum to 1.
///
/// A mixture knows its domains, so two mixtures are compared by name and never by position.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    domains: DomainSet,
    weights: Vec<f64>,
}

impl Mixture {
    /// Builds a mixture from one weight per domain, dividing by their sum.
    ///
    /// # Errors
    /// [`CoreError::Shape`] when the lengths differ, [`CoreError::BadWeight`] when a weight is
    /// negative or not finite, [`CoreError::BadSum`] when the sum is not within
    /// [`SUM_TOLERANCE`] of 1.
    pub fn new(domains: DomainSet, weights: Vec<f64>) -> Result<Self, CoreError> {
        let sum = checked_sum(&domains, &weights)?;
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(CoreError::BadSum(sum));
        }
        Ok(Self::divided(domains, weights, sum))
    }

    /// Builds a mixture proportional to non-negative sizes of any scale, such as token counts.
    ///
    /// # Errors
    /// As [`Mixture::new`], and [`CoreError::BadSum`] when all sizes are zero.
    pub fn proportional_to(domains: DomainSet, sizes: Vec<f64>) -> Result<Self, CoreError> {
        let sum = checked_sum(&domains, &sizes)?;
        if !(sum > 0.0 && sum.is_finite()) {
            return Err(CoreError::BadSum(sum));
        }
        Ok(Self::divided(domains, sizes, sum))
    }

    fn divided(domains: DomainSet, mut weights: Vec<f64>, sum: f64) -> Self {
        // Dividing by a sum that is 1 up to rounding would change the last digits of a mixture
        // each time it is written and read again.
        if (sum - 1.0).abs() > 1e-12 {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
        Self { domains, weights }
    }

    /// The domains the weights belong to.
    #[must_use]
    pub fn domains(&self) -> &DomainSet {
        &self.domains
    }

    /// One weight per domain, in the order of [`Mixture::domains`].
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The weight of a domain by name; `None` for a domain that is not in the set.
    #[must_use]
    pub fn weight(&self, name: &str) -> Option<f64> {
        self.domains.position(name).map(|j| self.weights[j])
    }

    /// The same mixture over `domains`: zero for domains it does not have.
    ///
    /// # Errors
    /// [`CoreError::MissingDomain`] when `domains` lacks one that has weight here.
    pub fn aligned_to(&self, domains: &DomainSet) -> Result<Self, CoreError> {
        let mut weights = vec![0.0; domains.len()];
        for (name, &weight) in self.domains.names().zip(&self.weights) {
            match domains.position(name) {
                Some(j) => weights[j] = weight,
                None if weight == 0.0 => {}
                None => return Err(CoreError::MissingDomain(name.to_owned())),
            }
        }
        Ok(Self {
            domains: domains.clone(),
            weights,
        })
    }

    /// `KL(self ‖ other)` in nats, aligned by position; infinite where `other` is zero and
    /// `self` is not.
    #[must_use]
    pub fn kl_to(&self, other: &Self) -> f64 {
        kl_divergence(&self.weights, &other.weights)
    }

    /// `exp` of the entropy: `m` for the uniform mixture, 1 for a single domain.
    #[must_use]
    pub fn effective_domains(&self) -> f64 {
        let entropy: f64 = self
            .weights
            .iter()
            .filter(|&&p| p > 0.0)
            .map(|&p| -p * p.ln())
            .sum();
        entropy.exp()
    }
}

/// `Σ p log(p/q)` in nats, with `0 log 0 = 0`.
#[must_use]
pub fn kl_divergence(p: &[f64], q: &[f64]) -> f64 {
    let term = |(&p, &q): (&f64, &f64)| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    p.iter().zip(q).map(term).sum()
}

fn checked_sum(domains: &DomainSet, weights: &[f64]) -> Result<f64, CoreError> {
    if weights.len() != domains.len() {
        return Err(CoreError::Shape {
            what: "weights of a mixture",
            expected: domains.len(),
            found: weights.len(),
        });
    }
    for (name, &weight) in domains.names().zip(weights) {
        if !weight.is_finite() || weight < 0.0 {
            return Err(CoreError::BadWeight {
                domain: name.to_owned(),
                weight,
            });
        }
    }
    Ok(weights.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains() -> DomainSet {
        DomainSet::from_names(["web", "code"]).unwrap()
    }

    #[test]
    fn the_first_row_that_is_no_mixture_is_found_wherever_its_fault_stands() {
        for m in [1, 3, 8, 19] {
            let good = vec![1.0 / m as f64; 5 * m];
            assert_eq!(first_that_is_no_mixture(&good, m), None);
            for at in 2 * m..3 * m {
                let fault = |share: f64| {
                    let mut rows = good.clone();
                    rows[at] = share;
                    rows[4 * m] = f64::NAN;
                    first_that_is_no_mixture(&rows, m)
                };
                for share in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e-9, 1.5] {
                    assert_eq!(fault(share), Some(2), "{share} at {at} of {m}");
                }
                assert_eq!(fault(1.0 / m as f64 + 0.009), Some(4));
                // A negative share with one that makes up for it.
                if at + 1 < 3 * m {
                    let mut rows = good.clone();
                    (rows[at], rows[at + 1]) = (-0.5, 0.5 + 2.0 / m as f64);
                    assert_eq!(first_that_is_no_mixture(&rows, m), Some(2));
                }
            }
        }
        assert_eq!(first_that_is_no_mixture(&[], 3), None);
    }

    #[test]
    fn a_mixture_is_on_the_simplex_or_refused() {
        assert!(Mixture::new(domains(), vec![0.5, 0.504]).is_ok());
        assert!(matches!(
            Mixture::new(domains(), vec![0.5, 0.6]),
            Err(CoreError::BadSum(_))
        ));
        assert!(matches!(
            Mixture::new(domains(), vec![1.1, -0.1]),
            Err(CoreError::BadWeight { .. })
        ));
        let p = Mixture::new(domains(), vec![0.5, 0.504]).unwrap();
        assert!((p.weights().iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn mixture_alignment_goes_by_domain_name() {
        let p = Mixture::new(domains(), vec![0.3, 0.7]).unwrap();
        let other = DomainSet::from_names(["code", "math", "web"]).unwrap();
        assert_eq!(p.aligned_to(&other).unwrap().weights(), &[0.7, 0.0, 0.3]);
        let lacking = DomainSet::from_names(["web", "math"]).unwrap();
        assert_eq!(
            p.aligned_to(&lacking),
            Err(CoreError::MissingDomain("code".into()))
        );
    }

    #[test]
    fn mixture_effective_domains_counts_equal_weights() {
        let p = Mixture::new(domains(), vec![0.5, 0.5]).unwrap();
        assert!((p.effective_domains() - 2.0).abs() < 1e-12);
        let single = Mixture::new(domains(), vec![1.0, 0.0]).unwrap();
        assert!((single.effective_domains() - 1.0).abs() < 1e-12);
    }
}
