//! What a plan is expected to reach, by laws that are estimated before it is trained.

use crate::law::{FittedLaw, average_loss};
use crate::optimize::{ExactProblem, solve_exact};
use crate::reuse::{VirtualDomain, solve_frozen};
use crate::{Constraints, CoreError, DomainSet};

/// Runs of a fit for each domain of its laws and one more, and the share of the gain that they keep: the means
/// over methods, oracles and targets of `docs/study-reuse.md`, each against the same method with exact laws.
/// With one run per domain they range from 0.92 to 1.02, with two from 0.99 to 1.01.
const GAIN_KEPT: [(f64, f64); 2] = [(1.0, 0.965), (2.0, 1.0)];

/// The share of the gain over the prior that laws fitted to `runs` runs over `domains` domains keep, of what
/// exact laws would gain: linear between the numbers of runs that were studied, and 1 beyond them. `None` for
/// fewer runs than one for each domain and one more, of which the study says nothing.
#[must_use]
pub fn gain_kept_by_runs(runs: usize, domains: usize) -> Option<f64> {
    let per_domain = runs as f64 / (domains + 1) as f64;
    let [(few, least), (enough, most)] = GAIN_KEPT;
    if per_domain < few {
        return None;
    }
    let along = ((per_domain - few) / (enough - few)).min(1.0);
    Some(least + along * (most - least))
}

/// Laws over all of today's domains, before any run of the plan: fitted ones, with estimates for new domains.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedLaws<'a> {
    /// All `m` domains.
    pub domains: &'a DomainSet,
    /// A convex law per task, over all domains, with a form over virtual domains.
    pub laws: &'a [FittedLaw],
    /// Weights of the tasks, summing to 1.
    pub task_weights: &'a [f64],
    /// The prior of the KL term, positive.
    pub prior: &'a [f64],
    /// λ, in loss per nat.
    pub kl_reg: f64,
    /// Caps and bounds over all domains.
    pub constraints: &'a Constraints,
}

impl ExpectedLaws<'_> {
    /// The average loss at a mixture (length `m`).
    #[must_use]
    pub fn loss(&self, mixture: &[f64]) -> f64 {
        average_loss(self.laws, self.task_weights, mixture)
    }

    /// The average loss at the best mixture that keeps the ratios of `frozen`, with exact laws. One exact
    /// solve.
    ///
    /// # Errors
    /// Those of [`solve_exact`] and [`solve_frozen`].
    pub fn best(&self, frozen: &[VirtualDomain]) -> Result<f64, CoreError> {
        let problem = ExactProblem {
            domains: self.domains,
            laws: self.laws,
            task_weights: self.task_weights,
            reference: self.prior,
            kl_reg: self.kl_reg,
            linear: None,
            terms: None,
            constraints: self.constraints,
        };
        let solution = if frozen.is_empty() {
            solve_exact(&problem)?
        } else {
            solve_frozen(&problem, frozen)?
        };
        Ok(self.loss(&solution.weights))
    }

    /// The average loss that is expected after a fit that keeps the share `kept` of the gain over the prior
    /// ([`gain_kept_by_runs`]).
    ///
    /// # Errors
    /// As [`ExpectedLaws::best`].
    pub fn expected(&self, frozen: &[VirtualDomain], kept: f64) -> Result<f64, CoreError> {
        let prior = self.loss(self.prior);
        Ok(prior - kept * (prior - self.best(frozen)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::LogLinear;

    #[test]
    fn gain_kept_by_runs_is_that_of_the_study_and_unknown_below_it() {
        assert_eq!(gain_kept_by_runs(3, 3), None);
        assert_eq!(gain_kept_by_runs(4, 3), Some(0.965));
        let between = gain_kept_by_runs(6, 3).unwrap();
        assert!((between - 0.9825).abs() < 1e-12, "{between}");
        assert_eq!(gain_kept_by_runs(8, 3), Some(1.0));
        assert_eq!(gain_kept_by_runs(800, 3), Some(1.0));
    }

    #[test]
    fn expected_loss_is_least_with_everything_free_and_grows_with_what_is_kept_and_what_runs_lack()
    {
        let domains = DomainSet::from_names(["a", "b", "c"]).unwrap();
        let law = |t: [f64; 3]| {
            FittedLaw::from(LogLinear {
                log_c: -1.0,
                t: t.to_vec(),
            })
        };
        let laws = [law([-1.0, -0.2, -0.4]), law([-0.1, -0.3, -2.0])];
        let prior = [0.4, 0.4, 0.2];
        let known = ExpectedLaws {
            domains: &domains,
            laws: &laws,
            task_weights: &[0.5, 0.5],
            prior: &prior,
            kl_reg: 0.01,
            constraints: &Constraints::none(3),
        };
        let frozen = VirtualDomain {
            name: "existing".into(),
            members: vec![("a".into(), 0.5), ("b".into(), 0.5)],
        };
        let free = known.best(&[]).unwrap();
        let kept = known.best(std::slice::from_ref(&frozen)).unwrap();
        let at_prior = known.loss(&prior);
        assert!(free < kept && kept < at_prior, "{free} {kept} {at_prior}");
        let expected = known.expected(&[frozen], 0.9).unwrap();
        assert!((expected - (at_prior - 0.9 * (at_prior - kept))).abs() < 1e-12);
    }
}
