//! What resampled runs, and runs of other sizes, say of a proposed mixture.

use std::sync::Mutex;

use super::{Fit, FitStage, Observer};
use crate::law::{FittedLaw, average_loss};
use crate::optimize::Optimizer;
use crate::scaling::{Drift, ScaledProposal, resample_scaled};
use crate::trust::{Bootstrap, Interval, Resampling, bootstrap, interval};
use crate::{Constraints, CoreError, FitSpec, Swarm};

/// A proposal to be put to the test.
pub(super) struct ToResample<'a> {
    pub swarm: &'a Swarm,
    pub spec: &'a FitSpec,
    pub optimizer: &'a Optimizer,
    pub fit: &'a Fit,
    pub constraints: &'a Constraints,
    pub proposed: &'a [f64],
    /// The best mixture that is the same in every phase, where there are phases.
    pub unchanging: Option<&'a [f64]>,
    pub observer: &'a dyn Observer,
}

/// Nothing where there is no law, or where it is not asked for.
#[derive(Default)]
pub(super) struct Resampled {
    pub bootstrap: Option<Bootstrap>,
    pub scaling: Option<ScaledProposal>,
    /// Of what phases are worth.
    pub phases: Option<Interval>,
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
        let weights = of.swarm.task_weights();
        let worth = PhaseWorth::new(of);
        let optimizer = of.optimizer.for_resamples();
        let again = |laws: &[FittedLaw]| {
            worth.add(laws, &weights);
            let solution = spec.solve_again(of.swarm, &optimizer, laws, of.constraints)?;
            Ok(solution.weights)
        };
        let step = || of.observer.step();
        if let (Some(scaled), Some(scaling)) = (&spec.scaling, &mut found.scaling) {
            let (resampled, losses) =
                resample_scaled(scaled, &fit.train, &weights, &with, &again, &step)?;
            found.bootstrap = Some(resampled);
            scaling.losses = Some(losses);
        } else {
            found.bootstrap = Some(bootstrap(of.swarm, &with, &again, &step)?);
        }
        found.phases = worth.interval(spec.confidence);
        Ok(found)
    }
}

/// What the phases are worth by the laws of each resample.
struct PhaseWorth<'a> {
    /// The best static mixture and the proposed one, over the domains of phases.
    mixtures: Option<(Vec<f64>, &'a [f64])>,
    /// In the order in which threads come; only their order by size is used.
    gains: Mutex<Vec<f64>>,
}

impl<'a> PhaseWorth<'a> {
    fn new(of: &ToResample<'a>) -> Self {
        let phases = of.spec.phases.as_ref();
        let pair = phases.zip(of.unchanging);
        let mixtures = pair.map(|(spec, p)| (spec.phases.stack_static(p), of.proposed));
        Self {
            mixtures,
            gains: Mutex::default(),
        }
    }

    fn add(&self, laws: &[FittedLaw], weights: &[f64]) {
        let (Some((unchanging, proposed)), Ok(mut gains)) = (&self.mixtures, self.gains.lock())
        else {
            return;
        };
        let loss = |q: &[f64]| average_loss(laws, weights, q);
        gains.push(loss(unchanging) - loss(proposed));
    }

    fn interval(self, confidence: f64) -> Option<Interval> {
        let gains = self.gains.into_inner().ok()?;
        (!gains.is_empty()).then(|| interval(&gains, confidence))
    }
}
