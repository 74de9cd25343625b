//! A plan from what is known: the policy's decisions ([`olmix_core::reuse::PlanInputs`]), with names, costs
//! and sentences.
//!
//! Nothing here reads the history or a file, so that every choice of a plan can be tested in memory.

use olmix_core::optimize::OptimizerKind;
use olmix_core::reuse::{
    FreezeGroup, LEAST_OLD_RUNS, PlanError, PlanInputs, PlanReason, PlanRequest, ReusePlan,
    RunRule, UnusedOption,
};
use olmix_core::{CoreError, LawKind};
use olmix_io::ProjectConfig;

use super::context::PlanningContext;
use super::reasons::{doubts, left_out, sentence, unstated};
use super::{CollapsedConstraints, ExpectedLosses};
use crate::{Plan, PlanOptions, ProjectError, ReusableSwarm, ReuseMethod, Risk, cost};

/// What the history says about a reuse.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The risk by laws of earlier fits; `None` where there is no law.
    pub risk: Option<Risk>,
    /// Earlier swarms over the domains of today, oldest first.
    pub swarms: Vec<ReusableSwarm>,
}

/// Makes a plan of a project in memory.
pub(crate) struct Planner<'a> {
    pub config: &'a ProjectConfig,
    pub context: &'a PlanningContext,
    pub options: &'a PlanOptions,
}

impl Planner<'_> {
    /// The rule for the size of swarms: `c (domains + 1)`, rounded up.
    pub fn run_rule(&self) -> RunRule {
        RunRule::new(self.config.runs_per_domain)
    }

    /// Whether no domain changed, or some were removed only, and nothing is asked for that takes runs.
    pub fn needs_no_run(&self) -> bool {
        let has_base = self.context.base.is_some();
        has_base && self.context.lineage.is_removal() && !self.request().wants_runs()
    }

    /// Refuses a method, or what to free or freeze, where nothing changed and no number of runs is given.
    fn check_nothing_asked(&self) -> Result<(), ProjectError> {
        let lineage = &self.context.lineage;
        let asked = PlanRequest {
            budget: None,
            ..self.request()
        };
        if lineage.old != lineage.new || asked == PlanRequest::default() {
            return Ok(());
        }
        let base = self.context.base.as_ref();
        let base = base.map_or_else(String::new, |(record, _)| record.name());
        Err(ProjectError::refused(
            &self.config.path,
            format!("nothing changed since {base}, so that no rule says how many runs to train"),
            "give a number with --runs, or tell what changed with `olmix update`; `--method recompute` plans a \
             new swarm all the same",
        ))
    }

    /// The plan.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] when a method has no use for an option or needs a mixture, when options name
    /// no domain, and for a virtual domain that can have no weight.
    pub fn plan(&self, evidence: Evidence) -> Result<Plan, ProjectError> {
        let Some((_, mixture)) = &self.context.base else {
            return self.first();
        };
        let (swarms, stale): (Vec<ReusableSwarm>, Vec<ReusableSwarm>) = evidence
            .swarms
            .into_iter()
            .partition(|swarm| swarm.runs >= LEAST_OLD_RUNS);
        let risk = evidence.risk;
        let inputs = PlanInputs {
            lineage: &self.context.lineage,
            mixture,
            run_rule: self.run_rule(),
            old_runs: effective_runs(&swarms),
            worth_freeing: risk.as_ref().map(|risk| risk.worth_freeing.as_slice()),
            request: self.request(),
        };
        if self.needs_no_run() {
            self.check_nothing_asked()?;
            let method = ReuseMethod::FullReuse;
            let plan = inputs.plan(method, &[], &[]);
            let plan = plan.map_err(|error| self.no_plan(error))?;
            return Ok(Plan {
                collapsed_kl: false,
                new: Vec::new(),
                reasons: plan.reasons.iter().map(sentence).collect(),
                ..self.bare(plan)
            });
        }
        self.check_bounds()?;
        let (method, mut reasons) = inputs.choose();
        let left_to_policy = inputs.request
            == PlanRequest {
                budget: inputs.request.budget,
                runs: inputs.request.runs,
                fit_old_runs: inputs.request.fit_old_runs,
                ..PlanRequest::default()
            };
        let (reuse, constraints) = match self.by_method(&inputs, method)? {
            (reuse, Ok(constraints)) => (reuse, constraints),
            (_, Err(error)) if left_to_policy && method.keeps_ratios() => {
                let other = inputs.without_kept_ratios();
                reasons.push(PlanReason::BoundsNeedOtherRatios { method, error });
                let (reuse, constraints) = self.by_method(&inputs, other)?;
                (
                    reuse,
                    constraints.map_err(|error| self.bounds_not_kept(&error))?,
                )
            }
            (_, Err(error)) => return Err(self.bounds_not_kept(&error)),
        };
        let method = reuse.method;
        let expected = self.expected_losses(&inputs, &reuse, risk.as_ref());
        reasons.extend(reuse.reasons.iter().cloned());
        let mut reasons: Vec<String> = reasons.iter().map(sentence).collect();
        reasons.extend(risk.as_ref().map(doubts).unwrap_or_default());
        reasons.extend(stale.iter().map(left_out));
        reasons.extend(unstated(swarms.iter().chain(&stale)));
        reasons.extend(reuse.cautions.iter().map(sentence));
        Ok(Plan {
            reasons,
            constraints: Some(constraints),
            expected,
            new: self.context.affected(),
            earlier: if reuse.fits_old_runs {
                swarms
            } else {
                Vec::new()
            },
            // Where no ratio is kept beside a change, nothing is risked.
            risk: risk
                .filter(|_| method != ReuseMethod::Recompute && !self.context.lineage.is_removal()),
            ..self.bare(reuse)
        })
    }

    /// A plan with what follows from the policy and the project alone.
    fn bare(&self, reuse: ReusePlan) -> Plan {
        Plan {
            version: self.context.version.clone(),
            domains: self.context.domains.clone(),
            base: self.context.base.as_ref().map(|(record, _)| record.clone()),
            reasons: Vec::new(),
            constraints: None,
            expected: ExpectedLosses::unknown(
                reuse.alternatives.len(),
                if reuse.runs == 0 {
                    "no run is needed"
                } else {
                    "no law of an earlier fit says what to expect"
                },
            ),
            new: Vec::new(),
            cost: cost::of_runs(self.config, reuse.runs),
            recompute: cost::of_runs(self.config, reuse.recompute_runs),
            earlier: Vec::new(),
            collapsed_kl: self.options.collapsed_kl,
            risk: None,
            reuse,
        }
    }

    /// The plan of a project without a mixture.
    fn first(&self) -> Result<Plan, ProjectError> {
        let asked = self.options.method;
        if let Some(method) = asked.filter(|method| *method != ReuseMethod::Recompute) {
            return Err(ProjectError::refused(
                &self.config.path,
                format!(
                    "there is no mixture yet, so that {} has nothing to reuse",
                    method.name()
                ),
                "measure a first swarm (`olmix plan --write DIR`), or `olmix commit` a mixture that you have",
            ));
        }
        self.check_bounds()?;
        let reuse = ReusePlan::first(&self.context.set, self.run_rule(), self.options.budget);
        let runs = self.options.runs.unwrap_or(reuse.runs);
        let reuse = ReusePlan { runs, ..reuse };
        Ok(Plan {
            reasons: reuse.reasons.iter().map(sentence).collect(),
            ..self.bare(reuse)
        })
    }

    fn request(&self) -> PlanRequest {
        PlanRequest {
            method: self.options.method,
            names_free: !self.options.free.is_empty(),
            names_groups: !self.options.groups.is_empty(),
            fit_old_runs: self.options.old_runs,
            budget: self.options.budget,
            runs: self.options.runs,
        }
    }

    /// Refuses an option that the method has no use for.
    fn check_options(
        &self,
        request: &PlanRequest,
        method: ReuseMethod,
    ) -> Result<(), ProjectError> {
        let (option, help) = match request.unused_option(method) {
            None => return self.check_kept_in_solve(request, method),
            Some(UnusedOption::Free) => ("--free", "use --method partial-reuse, or leave it out"),
            Some(UnusedOption::Groups) => (
                "--freeze",
                "use --method full-reuse or partial-reuse, or leave it out",
            ),
            Some(UnusedOption::OldRuns) => {
                ("--old-runs", "use --method swarm-reuse, or leave it out")
            }
        };
        let what = format!("{} has no use for {option}", method.name());
        Err(ProjectError::refused(&self.config.path, what, help))
    }

    /// Refuses old runs with kept ratios where the fit could not keep them.
    fn check_kept_in_solve(
        &self,
        request: &PlanRequest,
        method: ReuseMethod,
    ) -> Result<(), ProjectError> {
        let (law, optimizer) = (self.config.law, self.config.optimizer);
        let has_form = matches!(
            law,
            LawKind::Auto | LawKind::LogLinear | LawKind::Saturating
        );
        if !(request.fit_old_runs && method.keeps_ratios())
            || (has_form && optimizer == OptimizerKind::Exact)
        {
            return Ok(());
        }
        Err(ProjectError::refused(
            &self.config.path,
            format!(
                "{} with --old-runs keeps ratios in the solve, which takes the proposer `exact` and a \
                 log-linear or saturating law; the project has the law `{}`{}",
                method.name(),
                law.name(),
                if has_form {
                    " and another proposer"
                } else {
                    ""
                }
            ),
            "leave --old-runs out, use --method swarm-reuse, or change `regression` and `proposer`",
        ))
    }

    /// Positions of the domains that `--free` names.
    fn named_free(&self) -> Result<Vec<usize>, ProjectError> {
        let mut free = Vec::new();
        for pattern in &self.options.free {
            free.extend(
                self.context
                    .domains_matching(&self.config.path, "--free", pattern)?,
            );
        }
        Ok(free)
    }

    /// The virtual domains that `--freeze` names.
    fn named_groups(&self, method: ReuseMethod) -> Result<Vec<FreezeGroup>, ProjectError> {
        let groups = self.options.groups.iter().filter(|_| method.keeps_ratios());
        groups
            .map(|(name, pattern)| {
                let path = &self.config.path;
                let inside = self.context.domains_matching(path, "--freeze", pattern)?;
                Ok((name.clone(), inside))
            })
            .collect()
    }

    /// The plan by a method, and caps and bounds over its domains, or why it can't keep to them.
    fn by_method(
        &self,
        inputs: &PlanInputs<'_>,
        method: ReuseMethod,
    ) -> Result<(ReusePlan, Result<CollapsedConstraints, CoreError>), ProjectError> {
        self.check_options(&inputs.request, method)?;
        let free = self.named_free()?;
        let groups = self.named_groups(method)?;
        let reuse = inputs.plan(method, &free, &groups);
        let reuse = reuse.map_err(|error| self.no_plan(error))?;
        let constraints = reuse.constraints(&self.context.set, &self.context.constraints);
        let constraints = constraints.map(|(domains, constraints)| CollapsedConstraints {
            domains,
            constraints,
        });
        Ok((reuse, constraints))
    }

    /// Refuses caps and bounds that no mixture over the newest version meets.
    fn check_bounds(&self) -> Result<(), ProjectError> {
        let checked = self.context.constraints.check(&self.context.set);
        checked.map_err(|error| {
            ProjectError::core(
                &self.config.path,
                &error,
                "change `constraints`, or the domains with `olmix update`",
            )
        })
    }

    /// Why a method can't keep to caps and bounds, with what to do.
    fn bounds_not_kept(&self, error: &CoreError) -> ProjectError {
        ProjectError::core(
            &self.config.path,
            error,
            "change the bound in `constraints`, free the domain that is named with --free, remove it (`olmix \
             update remove`), or plan with --method swarm-reuse or recompute",
        )
    }

    /// Why there is no plan, with what to do.
    fn no_plan(&self, error: PlanError) -> ProjectError {
        let path = &self.config.path;
        let ratios = |error: &CoreError| {
            let base = self.context.base.as_ref();
            let base = base.map_or_else(String::new, |(record, _)| record.name());
            ProjectError::core(
                path,
                error,
                format!(
                    "{base} has to have these domains, and a weight for some of them; use --method \
                     swarm-reuse or recompute"
                ),
            )
        };
        match error {
            PlanError::EmptyGroup(at) => {
                let group = self.options.groups.get(at);
                let group =
                    group.map_or_else(String::new, |(name, pattern)| format!("{name}={pattern}"));
                ProjectError::refused(
                    path,
                    format!("--freeze {group}: all of these are free or in another virtual domain"),
                    "freeze domains that the update left alone, each once",
                )
            }
            PlanError::NothingFrozen => ProjectError::refused(
                path,
                "every domain is free: no ratio is left to reuse",
                "free fewer, or use --method swarm-reuse or recompute",
            ),
            PlanError::NothingFree => ProjectError::refused(
                path,
                "no domain changed, so that all of them would keep their ratios and nothing is left to solve \
                 for",
                "name what to free (--free) or a virtual domain (--freeze), or plan more runs over all domains \
                 with --runs alone",
            ),
            PlanError::Ratios(error) => ratios(&error),
        }
    }
}

/// What the runs of swarms count for together, in whole runs.
fn effective_runs(swarms: &[ReusableSwarm]) -> usize {
    let sum: f64 = swarms.iter().map(ReusableSwarm::effective).sum();
    // Not below a whole number for rounding alone.
    (sum + 1e-9) as usize
}
