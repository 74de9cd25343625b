//! Training in phases: a run that draws its tokens from one mixture and then from another.
//!
//! With `S` phases, phase `s` has the share `φ_s` of the run's tokens and the mixture `p^s` over the `m` domains. The
//! whole is the vector `q` of length `S·m` with `q_sj = φ_s p^s_j`: the share of all tokens that phase `s` draws from
//! domain `j`. It sums to 1, and `Σ_j q_sj = φ_s`, so a schedule is a mixture over `S·m` *domains of phases* with `S`
//! given sums ([`crate::FixedSum`]). Everything that the method does with mixtures, it does with `q`:
//!
//! - tokens of a domain in all phases are `R Σ_s q_sj`, so a cap is a bound on a sum over phases;
//! - `Σ_s φ_s KL(p^s ‖ p0) = KL(q ‖ q0)` with `q0_sj = φ_s p0_j`: the KL term of each phase weighted by its length;
//! - a law over phases is a law of `q`: [`crate::law::PhasedOptions`] for those that know domains, and any law at all
//!   over the `S·m` domains of phases.

mod constraints;
mod contrast;
mod design;
mod spec;
mod value;
mod within;

pub use constraints::PhaseBounds;
pub use contrast::{Contrast, contrast};
pub(crate) use design::antithetic_pair;
pub use design::{PhaseDesign, antithetic};
pub use spec::PhaseSpec;
pub use value::{PhaseValue, StaticLaw, best_static};
pub use within::NoRoom;
pub(crate) use within::move_inside;

use serde::{Deserialize, Serialize};

use crate::{CoreError, Domain, DomainSet, Matrix, Mixture, Swarm};

/// How far from 1 the fractions of phases may sum before they are refused.
const FRACTION_TOLERANCE: f64 = 1e-6;

/// A part of a run with a mixture of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Unique among the phases.
    pub name: String,
    /// Share `φ` of the run's tokens, in `(0, 1]`.
    pub fraction: f64,
}

/// The phases of a run in order; their fractions sum to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Phase>", into = "Vec<Phase>")]
pub struct Phases(Vec<Phase>);

impl Phases {
    /// Phases whose fractions are divided by their sum.
    ///
    /// # Errors
    /// [`CoreError::Phases`] for no phase, two of one name, a fraction that is not above 0, and fractions that do not
    /// sum to 1 within 1e-6.
    pub fn new(mut phases: Vec<Phase>) -> Result<Self, CoreError> {
        let refuse = |message: String| Err(CoreError::Phases(message));
        if phases.is_empty() {
            return refuse("there is no phase".to_owned());
        }
        for (s, phase) in phases.iter().enumerate() {
            let (name, fraction) = (&phase.name, phase.fraction);
            if phases[..s].iter().any(|other| other.name == *name) {
                return refuse(format!("two phases are named `{name}`"));
            }
            if !(fraction > 0.0 && fraction.is_finite()) {
                return refuse(format!(
                    "phase `{name}` has the fraction {fraction}; a phase has a share of the run's tokens above 0"
                ));
            }
        }
        let sum: f64 = phases.iter().map(|phase| phase.fraction).sum();
        if (sum - 1.0).abs() > FRACTION_TOLERANCE {
            // Without what is only rounding.
            let sum = (1e9 * sum).round() / 1e9;
            return refuse(format!(
                "the fractions of the phases sum to {sum}, not to 1"
            ));
        }
        // A sum that is 1 up to rounding stays as it is written.
        if (sum - 1.0).abs() > 1e-12 {
            phases.iter_mut().for_each(|phase| phase.fraction /= sum);
        }
        Ok(Self(phases))
    }

    /// Number of phases, `S`; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // there is at least one
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The phases in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Phase> {
        self.0.iter()
    }

    /// `φ`, one per phase.
    #[must_use]
    pub fn fractions(&self) -> Vec<f64> {
        self.iter().map(|phase| phase.fraction).collect()
    }

    /// The `S·m` domains of phases, phase by phase, each named `phase/domain` and of the tokens of its domain.
    ///
    /// # Errors
    /// [`CoreError::DuplicateDomain`] where slashes in names make two of them one.
    pub fn domains(&self, domains: &DomainSet) -> Result<DomainSet, CoreError> {
        let of_phase = |phase: &Phase| -> Vec<Domain> {
            let named = |domain: &Domain| Domain {
                name: format!("{}/{}", phase.name, domain.name),
                tokens: domain.tokens,
            };
            domains.iter().map(named).collect()
        };
        DomainSet::new(self.iter().flat_map(of_phase).collect())
    }

    /// `q` (length `S·m`) of one mixture per phase, each of length `m`.
    #[must_use]
    pub fn stack(&self, mixtures: &[Vec<f64>]) -> Vec<f64> {
        let pairs = self.iter().zip(mixtures);
        let scaled = pairs.flat_map(|(phase, p)| p.iter().map(|p| phase.fraction * p));
        scaled.collect()
    }

    /// `q` of the same mixture in every phase.
    #[must_use]
    pub fn stack_static(&self, mixture: &[f64]) -> Vec<f64> {
        self.stack(&vec![mixture.to_vec(); self.len()])
    }

    /// The mixture of each phase, from `q` (length `S·m`).
    #[must_use]
    pub fn split(&self, q: &[f64]) -> Vec<Vec<f64>> {
        let m = q.len() / self.len();
        let of_phase = |(s, phase): (usize, &Phase)| {
            let part = q[s * m..(s + 1) * m].iter();
            part.map(|q| q / phase.fraction).collect()
        };
        self.iter().enumerate().map(of_phase).collect()
    }

    /// The share of all tokens that each domain has in all phases together (length `m`), from `q`.
    #[must_use]
    pub fn aggregate(&self, q: &[f64]) -> Vec<f64> {
        let m = q.len() / self.len();
        let of_domain = |j: usize| (0..self.len()).map(|s| q[s * m + j]).sum();
        (0..m).map(of_domain).collect()
    }

    /// [`Phases::aggregate`] of each row (`K × m`).
    #[must_use]
    pub fn amounts(&self, mixtures: &Matrix) -> Matrix {
        let rows: Vec<Vec<f64>> = (0..mixtures.rows())
            .map(|run| self.aggregate(mixtures.row(run)))
            .collect();
        Matrix::from_fn(
            mixtures.rows(),
            mixtures.columns() / self.len(),
            |run, j| rows[run][j],
        )
    }

    /// The runs of a swarm as mixtures over the domains of phases. `mixtures` has one matrix (`K × m`) per phase;
    /// `swarm` gives domains, tasks, runs, losses and weights (its own mixtures are not used).
    ///
    /// # Errors
    /// As [`Swarm::new`] and [`Phases::domains`]; [`CoreError::Shape`] for another number of phases or runs.
    pub fn swarm(&self, swarm: &Swarm, mixtures: &[Matrix]) -> Result<Swarm, CoreError> {
        let shape = |what, expected, found| CoreError::Shape {
            what,
            expected,
            found,
        };
        if mixtures.len() != self.len() {
            return Err(shape("phases of the runs", self.len(), mixtures.len()));
        }
        let m = swarm.domains().len();
        for of_phase in mixtures {
            if of_phase.rows() != swarm.len() || of_phase.columns() != m {
                let expected = swarm.len() * m;
                let found = of_phase.rows() * of_phase.columns();
                return Err(shape("weights of a phase", expected, found));
            }
        }
        let stacked = Matrix::from_fn(swarm.len(), self.len() * m, |run, column| {
            let (s, j) = (column / m, column % m);
            self.0[s].fraction * mixtures[s].get(run, j)
        });
        let whole = Swarm::new(
            self.domains(swarm.domains())?,
            swarm.tasks().to_vec(),
            swarm.runs().to_vec(),
            stacked,
            swarm.losses().clone(),
        )?;
        match swarm.weights() {
            Some(weights) => whole.with_weights(weights.to_vec()),
            None => Ok(whole),
        }
    }

    /// A prior over domains as one over the domains of phases: the same in every phase.
    ///
    /// # Errors
    /// As [`Phases::domains`].
    pub fn prior(&self, prior: &Mixture) -> Result<Mixture, CoreError> {
        Mixture::new(
            self.domains(prior.domains())?,
            self.stack_static(prior.weights()),
        )
    }
}

impl TryFrom<Vec<Phase>> for Phases {
    type Error = CoreError;

    fn try_from(phases: Vec<Phase>) -> Result<Self, CoreError> {
        Self::new(phases)
    }
}

impl From<Phases> for Vec<Phase> {
    fn from(phases: Phases) -> Self {
        phases.0
    }
}
