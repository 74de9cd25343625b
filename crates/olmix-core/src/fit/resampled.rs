//! What resampled runs, and runs of other sizes, say of a proposed mixture.

use super::{Fit, FitStage, Observer};
use crate::law::FittedLaw;
use crate::optimize::Optimizer;
use crate::scaling::{Drift, ScaledProposal, resample_scaled};
use crate::trust::{Bootstrap, Resampling, bootstrap};
use crate::{Constraints, CoreError, FitSpec, Swarm};

/// A proposal to be put to the test.
pub(super) struct ToResample<'a> {
    pub swarm: &'a Swarm,
    pub spec: &'a FitSpec,
    pub optimizer: &'a Optimizer,
    pub fit: &'a Fit,
    pub constraints: &'a Constraints,
    pub proposed: &'a [f64],
    pub observer: &'a dyn Observer,
}

/// Nothing where there is no law, or where it is not asked for.
#[derive(Default)]
pub(super) struct Resampled {
    pub bootstrap: Option<Bootstrap>,
    pub scaling: Option<ScaledProposal>,
}

impl Resampled {
    pub fn new(of: &ToResample<'_>) -> Result<Self, CoreError> {
        let (spec, fit) = (of.spec, of.fit);
        let mut found = Self::default();
        let Some(options) = &fit.options else {
            return Ok(found);
        };
        if let Some(scaled) = &spec.scaling {
            let drift = Drift {
                scaled,
                spec,
                fit,
                options,
                optimizer: of.optimizer,
                proposed: of.proposed,
            };
            found.scaling = Some(drift.proposal()?);
        }
        if spec.bootstrap == 0 {
            return Ok(found);
        }
        of.observer.stage(FitStage::Bootstrap, spec.bootstrap);
        let with = Resampling {
            laws: &fit.laws,
            options,
            target: spec.target.as_ref(),
            natural: spec.prior.weights(),
            proposed: of.proposed,
            resamples: spec.bootstrap,
            confidence: spec.confidence,
            seed: spec.seed,
        };
        let again = |laws: &[FittedLaw]| {
            let solution = spec.solve_again(of.swarm, of.optimizer, laws, of.constraints)?;
            Ok(solution.weights)
        };
        let step = || of.observer.step();
        if let (Some(scaled), Some(scaling)) = (&spec.scaling, &mut found.scaling) {
            let weights = of.swarm.task_weights();
            let (resampled, losses) =
                resample_scaled(scaled, &fit.train, &weights, &with, &again, &step)?;
            found.bootstrap = Some(resampled);
            scaling.losses = Some(losses);
        } else {
            found.bootstrap = Some(bootstrap(of.swarm, &with, &again, &step)?);
        }
        Ok(found)
    }
}
