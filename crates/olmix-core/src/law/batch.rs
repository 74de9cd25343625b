//! Many mixtures at once: where all laws are exponentials, by one matrix product for each of their functions.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};

use super::{Basis, FittedLaw, Law};
use crate::vector;

/// Laws of the form `c + exp(level + Σ_φ s_φ Σ_j v_φj φ(p_j))`, side by side.
pub(crate) struct ExponentialLaws {
    /// The functions `φ`; of log-linear laws, `p` itself.
    bases: Vec<Basis>,
    /// `n × m` per basis.
    coefficients: Vec<Mat<f64>>,
    /// What each exponent is without any data; `n`.
    levels: Vec<f64>,
    /// `c` of each law; `n`.
    pub floors: Vec<f64>,
}

impl ExponentialLaws {
    /// The laws over `m` domains; `None` where one is no exponential.
    pub fn new(m: usize, laws: &[FittedLaw]) -> Option<Self> {
        let laws = laws
            .iter()
            .map(Law::exponential)
            .collect::<Option<Vec<_>>>()?;
        let mut bases: Vec<Basis> = Vec::new();
        for (basis, ..) in laws.iter().flat_map(|law| &law.terms) {
            if !bases.contains(basis) {
                bases.push(*basis);
            }
        }
        let coefficients = bases.iter().map(|basis| {
            Mat::from_fn(laws.len(), m, |i, j| {
                let terms = laws[i].terms.iter().filter(|(other, ..)| other == basis);
                terms.map(|(_, v, sign)| sign * v[j]).sum()
            })
        });
        Some(Self {
            coefficients: coefficients.collect(),
            bases,
            levels: laws.iter().map(|law| law.level).collect(),
            floors: laws.iter().map(|law| law.floor).collect(),
        })
    }

    /// The exponential of each law (rows) at `count` mixtures (columns); `share(s, j)` is that of domain `j` in
    /// mixture `s`.
    pub fn exponentials(&self, count: usize, share: impl Fn(usize, usize) -> f64) -> Mat<f64> {
        let mut exponents = Mat::from_fn(self.levels.len(), count, |i, _| self.levels[i]);
        for (basis, coefficients) in self.bases.iter().zip(&self.coefficients) {
            let mut points = Mat::from_fn(coefficients.ncols(), count, |j, s| share(s, j));
            for s in 0..count {
                basis.of_all(points.col_as_slice_mut(s));
            }
            matmul(
                exponents.as_mut(),
                Accum::Add,
                coefficients.as_ref(),
                points.as_ref(),
                1.0,
                Par::Seq,
            );
        }
        for s in 0..count {
            vector::exp(exponents.col_as_slice_mut(s));
        }
        exponents
    }
}

/// Mixtures of a matrix product. All products have this shape, so that what is predicted of a mixture does not depend
/// on its neighbours.
const TOGETHER: usize = 64;

/// Fitted laws that predict many mixtures.
///
/// ```
/// use olmix_core::law::{FittedLaw, Law, LawBatch, LogLinear};
///
/// let law = FittedLaw::from(LogLinear { log_c: 0.0, t: vec![0.5, -1.0] });
/// let laws = [law];
/// let mut losses = [0.0; 2];
/// LawBatch::new(2, &laws).predict(&[0.5, 0.5, 0.1, 0.9], &mut losses);
/// assert!((losses[1] - laws[0].predict(&[0.1, 0.9])).abs() < 1e-14);
/// ```
pub struct LawBatch<'a> {
    m: usize,
    laws: &'a [FittedLaw],
    exponentials: Option<ExponentialLaws>,
}

impl<'a> LawBatch<'a> {
    /// Laws over `m` domains.
    #[must_use]
    pub fn new(m: usize, laws: &'a [FittedLaw]) -> Self {
        Self {
            m,
            laws,
            exponentials: ExponentialLaws::new(m, laws),
        }
    }

    /// Fills `losses` (mixtures × laws, row-major) with the predictions at `mixtures` (mixtures × domains, row-major).
    /// They agree with [`Law::predict`] to some units of the last place, and a mixture has the same bits wherever it
    /// stands.
    ///
    /// # Panics
    /// Where there are fewer mixtures than rows of losses.
    // Not generic: it is compiled here, as the rest of the numerics, and not where it is called.
    pub fn predict(&self, mixtures: &[f64], losses: &mut [f64]) {
        let (n, m) = (self.laws.len(), self.m);
        if n == 0 || m == 0 {
            return;
        }
        let Some(laws) = &self.exponentials else {
            for (p, losses) in mixtures.chunks(m).zip(losses.chunks_mut(n)) {
                for (loss, law) in losses.iter_mut().zip(self.laws) {
                    *loss = law.predict(p);
                }
            }
            return;
        };
        let last = (losses.len() / n).saturating_sub(1);
        for (block, losses) in losses.chunks_mut(TOGETHER * n).enumerate() {
            let row = |s: usize| {
                let row = (block * TOGETHER + s).min(last);
                &mixtures[row * m..(row + 1) * m]
            };
            let terms = laws.exponentials(TOGETHER, |s, j| row(s)[j]);
            for (s, losses) in losses.chunks_mut(n).enumerate() {
                let terms = terms.col_as_slice(s).iter();
                for ((loss, term), floor) in losses.iter_mut().zip(terms).zip(&laws.floors) {
                    *loss = floor + term;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::LogLinear;

    fn log_linear(shift: f64) -> FittedLaw {
        FittedLaw::from(LogLinear {
            log_c: -0.4 + shift,
            t: vec![0.4 + shift, -2.5, 0.3, -0.2],
        })
    }

    fn mixtures(count: usize) -> Vec<Vec<f64>> {
        let size = |s: usize, j: usize| 1.0 + ((s * (j + 3) + 5 * j) % 11) as f64;
        let mixture = |s| {
            let sum: f64 = (0..4).map(|j| size(s, j)).sum();
            (0..4).map(|j| size(s, j) / sum).collect()
        };
        (0..count).map(mixture).collect()
    }

    fn predicted(laws: &[FittedLaw], mixtures: &[Vec<f64>]) -> Vec<f64> {
        let mut losses = vec![f64::NAN; mixtures.len() * laws.len()];
        LawBatch::new(4, laws).predict(&mixtures.concat(), &mut losses);
        losses
    }

    #[test]
    fn a_batch_predicts_what_each_law_does() {
        let laws: Vec<FittedLaw> = (0..5).map(|i| log_linear(0.1 * f64::from(i))).collect();
        let mixtures = mixtures(150);
        for (s, losses) in predicted(&laws, &mixtures).chunks(5).enumerate() {
            for (loss, law) in losses.iter().zip(&laws) {
                let expected = law.predict(&mixtures[s]);
                assert!((loss - expected).abs() < 1e-14 * expected.abs() * 8.0);
            }
        }
    }

    #[test]
    fn a_mixture_has_the_same_bits_wherever_it_stands_in_a_batch() {
        let laws: Vec<FittedLaw> = (0..7).map(|i| log_linear(0.07 * f64::from(i))).collect();
        let mixtures = mixtures(200);
        let all = predicted(&laws, &mixtures);
        for (first, last) in [(0, 1), (3, 4), (0, 63), (63, 66), (17, 199)] {
            let part = predicted(&laws, &mixtures[first..last]);
            assert_eq!(part, all[first * 7..last * 7]);
        }
    }

    #[test]
    fn no_mixtures_and_no_laws_predict_nothing() {
        assert_eq!(predicted(&[log_linear(0.0)], &[]), Vec::<f64>::new());
        assert_eq!(predicted(&[], &mixtures(3)), Vec::<f64>::new());
    }
}
