//! What a plan says.

use serde::Serialize;

use super::{FreeReason, PlanReason, ReuseMethod, RunRule};
use crate::reuse::{Collapse, VirtualDomain};
use crate::{Constraints, CoreError, DomainSet};

/// A domain whose ratio is computed anew.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FreeDomain {
    /// The full name of the domain.
    pub domain: String,
    /// Why its ratio is not kept.
    pub reason: FreeReason,
}

/// What a method samples and trains, for comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// The method.
    pub method: ReuseMethod,
    /// Domains that its swarm samples, a virtual one as one.
    pub domains: usize,
    /// Runs that it trains.
    pub runs: usize,
}

/// What to freeze, what to draw, and how many runs to train.
#[derive(Debug, Clone, PartialEq)]
pub struct ReusePlan {
    /// The method.
    pub method: ReuseMethod,
    /// Why so, beyond what [`super::PlanInputs::choose`] says of the method.
    pub reasons: Vec<PlanReason>,
    /// What speaks against going by this plan as it is.
    pub cautions: Vec<PlanReason>,
    /// Virtual domains of laws and solve; none for methods that keep no ratios.
    pub frozen: Vec<VirtualDomain>,
    /// Virtual domains of the swarm. Those of `frozen`; for swarm reuse with more old runs than domains
    /// everything that the update left alone, as old runs tell those domains apart.
    pub drawn: Vec<VirtualDomain>,
    /// Whether the swarm is a D-optimal choice from [`super::CANDIDATES_PER_RUN`] draws a run. After an update
    /// a swarm over all domains that old runs are fitted with is drawn plainly. More runs for the same domains
    /// are designed, with the old runs in the design.
    pub designed: bool,
    /// Domains whose ratios are computed, those of the update first.
    pub free: Vec<FreeDomain>,
    /// Runs to train; 0 where nothing has to be measured.
    pub runs: usize,
    /// Runs of full recomputation, for comparison.
    pub recompute_runs: usize,
    /// Whether earlier swarms are fitted again, in laws over all domains.
    pub fits_old_runs: bool,
    /// Every method with its runs.
    pub alternatives: Vec<Alternative>,
}

impl ReusePlan {
    /// The plan without a mixture to go on from: a swarm over all domains.
    #[must_use]
    pub fn first(set: &DomainSet, run_rule: RunRule, budget: Option<usize>) -> Self {
        let wanted = run_rule.runs(set.len());
        let free = set.names().map(|name| FreeDomain {
            domain: name.to_owned(),
            reason: FreeReason::All,
        });
        Self {
            method: ReuseMethod::Recompute,
            reasons: vec![PlanReason::FirstSwarm],
            cautions: Vec::new(),
            frozen: Vec::new(),
            drawn: Vec::new(),
            designed: true,
            free: free.collect(),
            runs: budget.map_or(wanted, |budget| budget.min(wanted)),
            recompute_runs: wanted,
            fits_old_runs: false,
            alternatives: vec![Alternative {
                method: ReuseMethod::Recompute,
                domains: set.len(),
                runs: wanted,
            }],
        }
    }

    /// The domains of laws and solve, with caps and bounds over them that hold exactly where `constraints`
    /// hold over `set`: virtual domains first, then the free ones.
    ///
    /// # Errors
    /// Those of [`Collapse::constraints`] and of [`Constraints::check`]: bounds that no mixture with the kept
    /// ratios meets, or that can't be expressed.
    pub fn constraints(
        &self,
        set: &DomainSet,
        constraints: &Constraints,
    ) -> Result<(DomainSet, Constraints), CoreError> {
        let collapse = Collapse::new(set, &self.frozen)?;
        let constraints = collapse.constraints(constraints)?;
        constraints
            .check(collapse.collapsed())
            .map_err(|error| match error {
                CoreError::Infeasible(what) if !self.frozen.is_empty() => {
                    CoreError::Infeasible(format!("with the ratios that are kept, {what}"))
                }
                error => error,
            })?;
        Ok((collapse.collapsed().clone(), constraints))
    }
}
