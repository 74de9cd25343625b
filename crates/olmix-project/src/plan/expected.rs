//! The loss that each method is expected to reach, by the laws fitted so far.

use olmix_core::reuse::{
    Alternative, ExpectedLaws, Origin, PlanInputs, ReuseMethod, ReusePlan, VirtualDomain,
    gain_kept_by_runs,
};

use super::planner::Planner;
use crate::Risk;

/// A loss that is expected, or why none can be told, as a sentence without a full stop.
pub type ExpectedLoss = Result<f64, String>;

/// The losses that a plan and its alternatives are expected to reach.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedLosses {
    /// The fit whose laws say so, such as `fit@1`, or a pilot's file; `None` where no law is known.
    pub laws: Option<String>,
    /// Of the plan, with the runs that it trains.
    pub plan: ExpectedLoss,
    /// Of every method, aligned with [`ReusePlan::alternatives`].
    pub methods: Vec<ExpectedLoss>,
    /// Of the mixture that the plan goes on from, with weight 0 for what is new.
    pub in_use: ExpectedLoss,
}

impl ExpectedLosses {
    /// Nothing is known, for one reason.
    pub(crate) fn unknown(methods: usize, why: &str) -> Self {
        let unknown = || Err(why.to_owned());
        Self {
            laws: None,
            plan: unknown(),
            methods: (0..methods).map(|_| unknown()).collect(),
            in_use: unknown(),
        }
    }
}

impl Planner<'_> {
    /// The losses that a plan and every other method are expected to reach.
    pub(super) fn expected_losses(
        &self,
        inputs: &PlanInputs<'_>,
        plan: &ReusePlan,
        risk: Option<&Risk>,
    ) -> ExpectedLosses {
        let Some(risk) = risk else {
            return ExpectedLosses::unknown(
                plan.alternatives.len(),
                "no law of an earlier fit says what to expect",
            );
        };
        let known = ExpectedLaws {
            domains: &self.context.set,
            laws: &risk.laws,
            task_weights: &risk.task_weights,
            prior: &self.context.prior,
            kl_reg: risk.kl_reg,
            constraints: &self.context.constraints,
        };
        let of = |frozen: &[VirtualDomain], old_runs: usize, runs: usize| -> ExpectedLoss {
            // Old runs are fitted in laws over all domains, which know virtual ones one by one.
            let domains = if frozen.is_empty() || old_runs > 0 {
                self.context.set.len()
            } else {
                let inside: usize = frozen.iter().map(|one| one.members.len()).sum();
                self.context.set.len() - inside + frozen.len()
            };
            let kept = gain_kept_by_runs(old_runs + runs, domains).ok_or_else(|| {
                format!(
                    "{} runs for laws over {domains} domains: the study of reuse has none with so few",
                    old_runs + runs
                )
            })?;
            known
                .expected(frozen, kept)
                .map_err(|error| error.to_string())
        };
        let fitted_again = |fits: bool| if fits { inputs.old_runs } else { 0 };
        let method = |other: &Alternative| -> ExpectedLoss {
            if other.method == plan.method {
                return of(&plan.frozen, fitted_again(plan.fits_old_runs), other.runs);
            }
            let by = inputs.plan(other.method, &[], &[]);
            let by = by.map_err(|_| "no ratio is left that it could keep".to_owned())?;
            let fits = other.method == ReuseMethod::SwarmReuse;
            of(&by.frozen, fitted_again(fits), other.runs)
        };
        ExpectedLosses {
            laws: Some(risk.fit.clone()),
            plan: of(&plan.frozen, fitted_again(plan.fits_old_runs), plan.runs),
            methods: plan.alternatives.iter().map(method).collect(),
            in_use: self
                .carried_on(inputs)
                .map(|mixture| known.loss(&mixture))
                .ok_or_else(|| "nothing of that mixture is left".to_owned()),
        }
    }

    /// The old mixture over today's domains: parts share their whole's weight by size, new domains have none.
    /// `None` where nothing of it is left.
    fn carried_on(&self, inputs: &PlanInputs<'_>) -> Option<Vec<f64>> {
        let (origins, prior) = (&inputs.lineage.origins, &self.context.prior);
        let old = inputs.mixture.weights();
        let size_of_parts = |whole: usize| -> f64 {
            let parts = origins.iter().zip(prior);
            let parts = parts.filter(|(origin, _)| **origin == Origin::Part(whole));
            parts.map(|(_, size)| size).sum()
        };
        let weight = |(origin, size): (&Origin, &f64)| match *origin {
            Origin::Kept(j) | Origin::Revised(j) => old[j],
            Origin::Part(j) => old[j] * size / size_of_parts(j),
            Origin::Added => 0.0,
        };
        let mut weights: Vec<f64> = origins.iter().zip(prior).map(weight).collect();
        let left: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= left);
        (left > 0.0).then_some(weights)
    }
}
