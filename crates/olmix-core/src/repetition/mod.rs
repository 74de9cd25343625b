//! Repetition that is measured: what the next pass over a domain is worth, found from a swarm whose runs repeat
//! domains, in place of a cap on how often a domain may be seen.

mod capped;
mod measure;

pub use capped::Capped;
pub(crate) use measure::STEPS;
pub use measure::{Measuring, RepeatValue, measure_repeats};

use crate::{CoreError, DomainSet, Swarm};

/// That repetition is to be measured, and how often runs see their domains.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredRepetition {
    /// How often a run of the swarm sees a domain that is all of its mixture: the tokens of the run divided by those that
    /// it may draw from the domain (length `m`, above 0).
    pub runs: Vec<f64>,
    /// The same of the run that the mixture is for.
    pub target: Vec<f64>,
    /// The repetition factor `k` of the cap that the mixture is compared with; above 0.
    pub compared_cap: f64,
}

impl MeasuredRepetition {
    /// Of runs that have the epochs of a run of `run_tokens` on whole domains, for a run of `target_tokens`.
    ///
    /// # Errors
    /// [`CoreError::Unsupported`] when a domain's tokens are not known.
    pub fn new(
        domains: &DomainSet,
        run_tokens: f64,
        target_tokens: f64,
        compared_cap: f64,
    ) -> Result<Self, CoreError> {
        let tokens = domains.tokens().ok_or_else(|| {
            CoreError::Unsupported(
                "repetition can only be measured when every domain has a token count".into(),
            )
        })?;
        let epochs = |run: f64| tokens.iter().map(|&n| run / n as f64).collect();
        Ok(Self {
            runs: epochs(run_tokens),
            target: epochs(target_tokens),
            compared_cap,
        })
    }

    /// How often each domain is seen at most in a run of the swarm (length `m`).
    #[must_use]
    pub fn most_epochs(&self, swarm: &Swarm) -> Vec<f64> {
        let of_domain = |(j, epochs): (usize, &f64)| {
            let weights = (0..swarm.len()).map(|k| swarm.mixtures().get(k, j));
            epochs * weights.fold(0.0, f64::max)
        };
        self.runs.iter().enumerate().map(of_domain).collect()
    }

    /// Runs of the swarm that see a domain more than once.
    #[must_use]
    pub fn repeating_runs(&self, swarm: &Swarm) -> usize {
        let repeats = |&k: &usize| {
            let mixture = swarm.mixtures().row(k).iter();
            mixture.zip(&self.runs).any(|(p, e)| p * e > 1.0)
        };
        (0..swarm.len()).filter(repeats).count()
    }

    /// Refuses a swarm in which no run sees a domain more than once: it says nothing of repeats.
    ///
    /// # Errors
    /// [`CoreError::NothingRepeated`] with the domain that comes closest.
    pub fn check(&self, swarm: &Swarm) -> Result<(), CoreError> {
        let most = self.most_epochs(swarm);
        let closest = (0..most.len()).max_by(|&a, &b| most[a].total_cmp(&most[b]));
        match closest {
            Some(j) if most[j] <= 1.0 => Err(CoreError::NothingRepeated {
                domain: swarm.domains().name(j).to_owned(),
                epochs: most[j],
                runs: swarm.len(),
            }),
            _ => Ok(()),
        }
    }
}
