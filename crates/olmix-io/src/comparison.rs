//! Several methods on one swarm, each mixture judged by the laws of every other.

use std::path::Path;

use olmix_core::{Domain, DomainSet, Fit, Mixture, Observer, fit};

use crate::config::fit::Overrides;
use crate::error::IoError;
use crate::swarm::load_fit::load_fit_with;
use crate::swarm::loaded_fit::LoadedFit;

/// One method that ran: what it was given and what it proposes.
#[derive(Debug, Clone)]
pub struct MethodResult {
    /// Its name, such as that of a preset.
    pub name: String,
    /// Config and swarm, with the method's settings.
    pub loaded: LoadedFit,
    /// What was found.
    pub fit: Fit,
    /// The proposed mixture, over the domains in the order of their names: methods whose tables and
    /// priors have other orders can be compared.
    pub mixture: Mixture,
}

/// What the laws of one method say of a mixture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Predicted average loss.
    pub loss: f64,
    /// The share by which it is below that of the prior.
    pub gain: f64,
}

impl MethodResult {
    /// Loads the config with the method's settings, fits and proposes; `None` where the settings ask
    /// for no mixture.
    ///
    /// # Errors
    /// As [`load_fit_with`], and the errors of the method.
    pub fn run(
        name: &str,
        config: &Path,
        overrides: &Overrides,
        observer: &dyn Observer,
    ) -> Result<Option<Self>, IoError> {
        let loaded = load_fit_with(config, overrides)?;
        loaded.check_constraints()?;
        let fit = fit(&loaded.swarm, &loaded.spec, observer);
        let fit = fit.map_err(|error| loaded.core_error(error))?;
        let Some(proposal) = &fit.proposal else {
            return Ok(None);
        };
        let mut domains: Vec<Domain> = loaded.swarm.domains().iter().cloned().collect();
        domains.sort_by(|a, b| a.name.cmp(&b.name));
        let sorted = DomainSet::new(domains).and_then(|set| proposal.mixture.aligned_to(&set));
        let mixture = sorted.map_err(|error| loaded.core_error(error))?;
        Ok(Some(Self {
            name: name.to_owned(),
            loaded,
            fit,
            mixture,
        }))
    }

    /// Whether it fitted laws that can judge mixtures.
    #[must_use]
    pub fn has_laws(&self) -> bool {
        !self.fit.laws.is_empty()
    }

    /// How often a run sees the most repeated domain, where tokens are known.
    #[must_use]
    pub fn most_epochs(&self) -> Option<f64> {
        let target = self.loaded.spec.target_tokens?;
        let epochs = self
            .mixture
            .domains()
            .epochs(self.mixture.weights(), target)?;
        Some(epochs.into_iter().fold(0.0, f64::max))
    }

    /// What the laws of `judge` say of this method's mixture; `None` where it has no laws, or other
    /// domains.
    #[must_use]
    pub fn judged_by(&self, judge: &Self) -> Option<Judgement> {
        let aligned = self.mixture.aligned_to(judge.loaded.swarm.domains()).ok()?;
        let loss = judge.predicted(aligned.weights())?;
        let prior = judge.predicted(judge.loaded.spec.prior.weights())?;
        Some(Judgement {
            loss,
            gain: 1.0 - loss / prior,
        })
    }

    /// The average loss that its laws predict at `p` (length `m`, in the order of its own swarm).
    fn predicted(&self, p: &[f64]) -> Option<f64> {
        let weights = self.loaded.swarm.task_weights();
        self.has_laws().then(|| self.fit.average_loss(&weights, p))
    }
}
