//! The design of a fit: the mixtures of a swarm, in the layout the numerics want.

use faer::{Mat, Side};

use super::basis::{Basis, feature};
use super::linalg::{Cholesky, weighted_gram};
use super::newton::Workspace;
use super::rows::Rows;
use crate::{CoreError, Matrix};

/// What a law sees of a mixture: the columns of its design.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Features {
    /// The weights of the live domains.
    Shares,
    /// 1, then each of these functions of the weights of the live domains.
    Bases(Vec<Basis>),
}

/// The mixtures of `K` runs over the `m_live` domains that at least one run sampled.
///
/// Made once per swarm (or fold) and shared by all tasks and threads.
#[derive(Debug, Clone)]
pub struct DesignMatrix {
    /// `K ×` the number of features.
    pub(crate) x: Rows,
    live: Vec<usize>,
    prior: Vec<f64>,
    features: Features,
}

impl DesignMatrix {
    /// Takes the mixtures (`K × m`) of a swarm and the natural distribution (length `m`), which
    /// says what a law makes of domains that no run sampled.
    ///
    /// # Errors
    /// [`CoreError::TooFewRuns`] when `K < m_live + 1`: the law would not be determined.
    pub fn new(mixtures: &Matrix, prior: &[f64]) -> Result<Self, CoreError> {
        let live: Vec<usize> = (0..mixtures.columns())
            .filter(|&j| (0..mixtures.rows()).any(|i| mixtures.get(i, j) != 0.0))
            .collect();
        let runs = mixtures.rows();
        if runs < live.len() + 1 {
            return Err(CoreError::TooFewRuns {
                law: "log_linear",
                runs,
                live: live.len(),
                needed: live.len() + 1,
            });
        }
        Ok(Self::over(mixtures, live, prior))
    }

    /// As [`DesignMatrix::new`] with the live domains given and the number of runs not checked: for
    /// folds and resamples, where a domain may lose all its runs and keeps a column of zeros.
    pub(crate) fn over(mixtures: &Matrix, live: Vec<usize>, prior: &[f64]) -> Self {
        Self::of_features(mixtures, live, prior, Features::Shares)
    }

    /// As [`DesignMatrix::over`], of other features than the weights themselves.
    pub(crate) fn of_features(
        mixtures: &Matrix,
        live: Vec<usize>,
        prior: &[f64],
        features: Features,
    ) -> Self {
        let runs = mixtures.rows();
        let x = match &features {
            Features::Shares => Rows::new(runs, live.len(), |i, j| mixtures.get(i, live[j])),
            Features::Bases(bases) => Rows::new(runs, 1 + bases.len() * live.len(), |i, j| {
                feature(bases, &live, mixtures.row(i), j)
            }),
        };
        Self {
            x,
            live,
            prior: prior.to_vec(),
            features,
        }
    }

    /// Memory for fits on this design.
    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::new(&self.x, self.columns())
    }

    /// Number of features.
    pub(crate) fn columns(&self) -> usize {
        match &self.features {
            Features::Shares => self.live.len(),
            Features::Bases(bases) => 1 + bases.len() * self.live.len(),
        }
    }

    /// Number of runs, `K`.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.x.runs()
    }

    /// Positions of the live domains, length `m_live`.
    #[must_use]
    pub fn live(&self) -> &[usize] {
        &self.live
    }

    /// Number of domains, `m`, dead ones included.
    #[must_use]
    pub fn domains(&self) -> usize {
        self.prior.len()
    }

    /// Coefficients over all `m` domains from those over the live ones.
    ///
    /// A dead domain gets the prior's average of the live coefficients: by the law it is worth as
    /// much as the natural mixture of what was sampled.
    pub(crate) fn expand(&self, live_t: &[f64]) -> Vec<f64> {
        let share: f64 = self.live.iter().map(|&j| self.prior[j]).sum();
        let sum: f64 = self
            .live
            .iter()
            .zip(live_t)
            .map(|(&j, t)| self.prior[j] * t)
            .sum();
        let mut t = vec![if share > 0.0 { sum / share } else { 0.0 }; self.prior.len()];
        for (&j, &live_t) in self.live.iter().zip(live_t) {
            t[j] = live_t;
        }
        t
    }

    /// A Cholesky factor of `XᵀX + εI`, from which every start of every task takes its first
    /// coefficients.
    pub(crate) fn normal_equations(&self) -> Cholesky {
        let m = self.columns();
        let mut gram = Mat::zeros(m, m);
        self.x.gram(
            &vec![1.0; self.runs()],
            &mut self.x.scratch(),
            gram.as_mut(),
        );
        let mut factor = Cholesky::new(m);
        // Mixtures have entries up to 1: a shift this small only matters where the design is
        // singular, and makes the start finite there.
        let shift = 1e-6 * self.runs() as f64 / m as f64;
        let positive = factor.factor(&gram, |_| shift);
        debug_assert!(positive, "a Gram matrix plus a shift is positive definite");
        factor
    }
}

/// A direction whose share of the variation is below this does not vary.
const NO_VARIATION: f64 = 1e-10;

/// How many directions the mixtures (`K × m`) leave out among the live domains: `m_live` minus the
/// rank of their Gram matrix, scaled to a unit diagonal. Costs `K m² + 4 m³ / 3`.
pub(crate) fn undetermined(mixtures: &Matrix, live: &[usize]) -> usize {
    let m = live.len();
    let x = Mat::from_fn(mixtures.rows(), m, |i, j| mixtures.get(i, live[j]));
    let mut gram = Mat::zeros(m, m);
    let ones = vec![1.0; mixtures.rows()];
    weighted_gram(
        &x,
        &ones,
        &mut Mat::zeros(mixtures.rows(), m),
        gram.as_mut(),
    );
    let sizes: Vec<f64> = (0..m).map(|j| gram[(j, j)].sqrt()).collect();
    let scaled = Mat::from_fn(m, m, |i, j| {
        gram[(i.max(j), i.min(j))] / (sizes[i] * sizes[j])
    });
    let values = scaled
        .self_adjoint_eigenvalues(Side::Lower)
        .unwrap_or_default();
    let most = values.iter().copied().fold(0.0, f64::max);
    values
        .iter()
        .filter(|value| **value < NO_VARIATION * most)
        .count()
}
