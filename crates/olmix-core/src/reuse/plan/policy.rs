//! The decisions: which method, what to freeze and to free, what to draw, how many runs.

use super::{
    Alternative, FreeDomain, FreeReason, PlanReason, PlanRequest, ReuseMethod, ReusePlan, RunRule,
};
use crate::reuse::{Freed, Lineage, Origin, VirtualDomain};
use crate::{CoreError, DomainSet, Mixture};

/// The name of the virtual domain of everything that keeps its ratio and is in no group of its own.
const EXISTING: &str = "existing";

/// What the policy decides on. Copying it is cheap: it holds references.
///
/// # Example
/// Code is added to four domains, and no earlier swarm can be fitted again: the old ratios are kept, and a
/// small swarm over `existing` and `code` says how much of each there should be.
/// ```
/// use olmix_core::reuse::{Change, Lineage, PlanInputs, PlanRequest, ReuseMethod, RunRule};
/// use olmix_core::{Domain, DomainSet, Mixture};
///
/// let old = DomainSet::from_names(["web", "books", "papers", "wiki"])?;
/// let mixture = Mixture::new(old.clone(), vec![0.6, 0.2, 0.1, 0.1])?;
/// let code = Domain { name: "code".into(), tokens: Some(1_000_000_000) };
/// let lineage = Lineage::of(&old, &[Change::Add(vec![code])])?;
/// let inputs = PlanInputs {
///     lineage: &lineage,
///     mixture: &mixture,
///     run_rule: RunRule::new(3.0),
///     old_runs: 0,
///     worth_freeing: None,
///     request: PlanRequest::default(),
/// };
/// let (method, reasons) = inputs.choose();
/// assert_eq!(method, ReuseMethod::FullReuse);
/// println!("{reasons:?}");
/// let plan = inputs.plan(method, &[], &[]).expect("the old mixture has ratios to keep");
/// assert_eq!(plan.frozen[0].name, "existing");
/// assert_eq!(plan.frozen[0].members[0], ("web".to_owned(), 0.6));
/// assert_eq!(plan.free[0].domain, "code");
/// // Two sampled domains: 3 (2 + 1) runs, where full recomputation takes 3 (5 + 1).
/// assert_eq!((plan.runs, plan.recompute_runs), (9, 18));
/// # Ok::<(), olmix_core::CoreError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PlanInputs<'a> {
    /// The domain sets of the old mixture and of today, `m` domains now.
    pub lineage: &'a Lineage,
    /// The old mixture, over `lineage.old`.
    pub mixture: &'a Mixture,
    /// How many runs a swarm has.
    pub run_rule: RunRule,
    /// Runs of earlier swarms that can be fitted over today's domains, in swarms of at least
    /// [`super::LEAST_OLD_RUNS`].
    pub old_runs: usize,
    /// Domains that are worth freeing, best first; `None` where no law says how domains are coupled.
    pub worth_freeing: Option<&'a [Freed]>,
    /// What was asked for.
    pub request: PlanRequest,
}

/// A virtual domain that was asked for: its name, and the positions of its domains.
pub type FreezeGroup = (String, Vec<usize>);

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanError {
    /// Every domain of the group at this position is free, or in an earlier group.
    EmptyGroup(usize),
    /// Every domain is free, so that no ratio is left to keep.
    NothingFrozen,
    /// Every domain is in one virtual domain, so that nothing is left to solve for.
    NothingFree,
    /// The old mixture has no ratios among domains that are to be frozen.
    Ratios(CoreError),
}

impl PlanInputs<'_> {
    /// The domain set after the update.
    fn set(&self) -> &DomainSet {
        &self.lineage.new
    }

    /// The method that was asked for, or the one that fits, and why.
    #[must_use]
    pub fn choose(&self) -> (ReuseMethod, Vec<PlanReason>) {
        let request = &self.request;
        if let Some(method) = request.method {
            return (method, Vec::new());
        }
        if request.names_free {
            return (ReuseMethod::PartialReuse, vec![PlanReason::FreeNamed]);
        }
        if request.names_groups {
            return (ReuseMethod::FullReuse, vec![PlanReason::GroupsNamed]);
        }
        let (m, old_runs) = (self.set().len(), self.old_runs);
        let affected = self.lineage.affected().len();
        if affected == 0 {
            return match old_runs {
                0 => (ReuseMethod::Recompute, vec![PlanReason::MoreRunsAlone]),
                _ => (
                    ReuseMethod::SwarmReuse,
                    vec![PlanReason::MoreRuns { old_runs }],
                ),
            };
        }
        if affected + 1 >= m {
            return (ReuseMethod::Recompute, vec![PlanReason::NearlyAllAffected]);
        }
        if old_runs > m {
            let new_runs = self.within_budget(self.run_rule.runs_beside(old_runs, affected, m));
            let reason = PlanReason::EnoughOldRuns {
                old_runs,
                new_runs,
                domains: m,
            };
            return (ReuseMethod::SwarmReuse, vec![reason]);
        }
        let few = PlanReason::TooFewOldRuns {
            old_runs,
            domains: m,
        };
        match self.worth_freeing {
            Some(freed) if !freed.is_empty() => {
                let names = freed.iter().map(|f| self.set().name(f.domain).to_owned());
                let coupled = PlanReason::Coupled(names.collect());
                (ReuseMethod::PartialReuse, vec![few, coupled])
            }
            Some(_) => (ReuseMethod::FullReuse, vec![few, PlanReason::NotCoupled]),
            None => (
                ReuseMethod::FullReuse,
                vec![few, PlanReason::CouplingUnknown],
            ),
        }
    }

    /// The method to take where caps and bounds can't be met with kept ratios: old runs are used where there
    /// are some.
    #[must_use]
    pub fn without_kept_ratios(&self) -> ReuseMethod {
        if self.old_runs > 0 || self.request.fit_old_runs {
            ReuseMethod::SwarmReuse
        } else {
            ReuseMethod::Recompute
        }
    }

    /// The plan by `method`, with the domains to free and the groups to freeze that the request names, by
    /// position.
    ///
    /// Where domains were only removed, or none changed, and the request wants no runs
    /// ([`PlanRequest::wants_runs`]), the plan needs none: see [`super::remaining_mixture`]. With runs, swarm
    /// reuse draws them over all domains, by a design that knows the old ones.
    ///
    /// # Errors
    /// [`PlanError`], for methods that keep ratios.
    pub fn plan(
        &self,
        method: ReuseMethod,
        free: &[usize],
        groups: &[FreezeGroup],
    ) -> Result<ReusePlan, PlanError> {
        let request = &self.request;
        if self.lineage.is_removal() && !request.wants_runs() {
            return self.removal();
        }
        let m = self.set().len();
        let affected = self.lineage.affected().len();
        let mut reasons = Vec::new();
        let left_to_policy = !request.names_free;
        if method == ReuseMethod::PartialReuse && left_to_policy && self.worth_freeing.is_none() {
            reasons.push(PlanReason::NothingSaysWhatToFree);
        }
        let free = self.free_domains(method, free);
        let frozen = if method.keeps_ratios() {
            self.freeze(&free, groups)?
        } else {
            Vec::new()
        };
        let drawn = match method {
            ReuseMethod::SwarmReuse if self.old_runs > m && affected > 0 => {
                self.freeze(&[], &[]).unwrap_or_default()
            }
            _ => frozen.clone(),
        };
        let sampled = if frozen.is_empty() {
            affected + 1
        } else {
            frozen.len() + free.len()
        };
        if sampled < 2 && !frozen.is_empty() {
            return Err(PlanError::NothingFree);
        }
        let wanted = match method {
            ReuseMethod::Recompute => self.run_rule.runs(m),
            ReuseMethod::SwarmReuse => self.run_rule.runs_beside(self.old_runs, affected, m),
            ReuseMethod::FullReuse | ReuseMethod::PartialReuse => self.run_rule.runs(sampled),
        };
        let runs = self.within_budget(wanted);
        let for_more = affected == 0 && method == ReuseMethod::SwarmReuse;
        let fits_old_runs = method == ReuseMethod::SwarmReuse || request.fit_old_runs;
        let mut cautions = Vec::new();
        if let [one] = frozen.as_slice()
            && one.members.len() <= m / 4
        {
            cautions.push(PlanReason::HardlyReused {
                kept: one.members.len(),
                domains: m,
            });
        }
        if runs < wanted && !for_more {
            cautions.push(PlanReason::OverBudget { runs, wanted });
        }
        let total = runs + if fits_old_runs { self.old_runs } else { 0 };
        let law_domains = if fits_old_runs || frozen.is_empty() {
            m
        } else {
            sampled
        };
        if total < law_domains + 1 {
            cautions.push(PlanReason::TooFewRuns {
                runs: total,
                domains: law_domains,
            });
        }
        let partly = match (self.worth_freeing, left_to_policy) {
            (Some(freed), true) => affected + freed.len(),
            _ => free.len().max(affected),
        };
        Ok(ReusePlan {
            designed: method != ReuseMethod::SwarmReuse || !drawn.is_empty() || for_more,
            recompute_runs: self.run_rule.runs(m),
            alternatives: if affected > 0 {
                self.alternatives(affected, partly, self.old_runs)
            } else {
                self.without_update(method, sampled, runs)
            },
            method,
            reasons,
            cautions,
            frozen,
            drawn,
            free,
            runs,
            fits_old_runs,
        })
    }

    /// Domains were only removed: the rest keeps its ratios.
    fn removal(&self) -> Result<ReusePlan, PlanError> {
        Ok(ReusePlan {
            method: ReuseMethod::FullReuse,
            reasons: vec![if self.lineage.old == self.lineage.new {
                PlanReason::NothingChanged
            } else {
                PlanReason::OnlyRemoved
            }],
            cautions: Vec::new(),
            frozen: self.freeze(&[], &[])?,
            drawn: Vec::new(),
            designed: true,
            free: Vec::new(),
            runs: 0,
            recompute_runs: self.run_rule.runs(self.set().len()),
            fits_old_runs: false,
            alternatives: self.alternatives(0, 0, 0),
        })
    }

    fn within_budget(&self, runs: usize) -> usize {
        let most = self.request.budget.unwrap_or(usize::MAX);
        self.request.runs.unwrap_or(runs.min(most))
    }

    /// Domains whose ratios are computed, and why: those of the update in their order, then those freed for
    /// their coupling, best first.
    fn free_domains(&self, method: ReuseMethod, asked: &[usize]) -> Vec<FreeDomain> {
        let domain = |j: usize, reason| FreeDomain {
            domain: self.set().name(j).to_owned(),
            reason,
        };
        let mut free = Vec::new();
        for (j, origin) in self.lineage.origins.iter().enumerate() {
            let reason = match origin {
                _ if !method.keeps_ratios() => FreeReason::All,
                Origin::Added => FreeReason::Added,
                Origin::Part(_) => FreeReason::Part,
                Origin::Revised(_) => FreeReason::Revised,
                Origin::Kept(_) if asked.contains(&j) => FreeReason::Asked,
                Origin::Kept(_) => continue,
            };
            free.push(domain(j, reason));
        }
        if method == ReuseMethod::PartialReuse && !self.request.names_free {
            for freed in self.worth_freeing.unwrap_or_default() {
                let left = freed.after / freed.before;
                free.push(domain(freed.domain, FreeReason::Coupled { left }));
            }
        }
        free
    }

    /// Everything that is not free, at its old ratios: in the groups asked for, and the rest as one virtual
    /// domain, which comes first. A domain that is in two groups belongs to the first.
    fn freeze(
        &self,
        free: &[FreeDomain],
        groups: &[FreezeGroup],
    ) -> Result<Vec<VirtualDomain>, PlanError> {
        let set = self.set();
        let is_free = |j: usize| free.iter().any(|free| free.domain == set.name(j));
        let mut rest = self.lineage.unaffected();
        rest.retain(|&j| !is_free(j));
        let mut found: Vec<FreezeGroup> = Vec::new();
        for (at, (name, inside)) in groups.iter().enumerate() {
            let (members, others): (Vec<usize>, Vec<usize>) =
                rest.into_iter().partition(|j| inside.contains(j));
            if members.is_empty() {
                return Err(PlanError::EmptyGroup(at));
            }
            found.push((name.clone(), members));
            rest = others;
        }
        if !rest.is_empty() {
            let mut name = existing_name(set);
            while found.iter().any(|(other, _)| *other == name) {
                name.push('_');
            }
            found.insert(0, (name, rest));
        }
        if found.is_empty() {
            return Err(PlanError::NothingFrozen);
        }
        let freeze = |(name, members): &FreezeGroup| {
            let names: Vec<&str> = members.iter().map(|&j| set.name(j)).collect();
            VirtualDomain::frozen(name, &names, self.mixture).map_err(PlanError::Ratios)
        };
        found.iter().map(freeze).collect()
    }

    /// A plan that no update asks for, and a swarm of its own beside it.
    fn without_update(&self, method: ReuseMethod, sampled: usize, runs: usize) -> Vec<Alternative> {
        let m = self.set().len();
        let keeps = method.keeps_ratios();
        let mut found = vec![Alternative {
            method,
            domains: if keeps { sampled } else { m },
            runs,
        }];
        if method != ReuseMethod::Recompute {
            found.push(Alternative {
                method: ReuseMethod::Recompute,
                domains: m,
                runs: self.run_rule.runs(m),
            });
        }
        found
    }

    /// Every method with the domains it samples and its runs; `partly` domains are free in partial reuse.
    fn alternatives(&self, affected: usize, partly: usize, old_runs: usize) -> Vec<Alternative> {
        let (m, rule) = (self.set().len(), self.run_rule);
        let alternative = |(_, method): &(&str, ReuseMethod)| {
            let domains = match method {
                ReuseMethod::PartialReuse => partly + 1,
                ReuseMethod::FullReuse => affected + 1,
                ReuseMethod::SwarmReuse if old_runs > m => affected + 1,
                ReuseMethod::SwarmReuse | ReuseMethod::Recompute => m,
            };
            let runs = match method {
                _ if affected == 0 && *method != ReuseMethod::Recompute => 0,
                ReuseMethod::SwarmReuse => rule.runs_beside(old_runs, affected, m),
                _ => rule.runs(domains),
            };
            Alternative {
                method: *method,
                domains,
                runs,
            }
        };
        ReuseMethod::ALL.iter().map(alternative).collect()
    }
}

/// The name of the virtual domain of everything that is in no group of its own: `existing`, followed by
/// underscores where a domain has that name.
#[must_use]
pub fn existing_name(set: &DomainSet) -> String {
    let mut name = EXISTING.to_owned();
    while set.position(&name).is_some() {
        name.push('_');
    }
    name
}
