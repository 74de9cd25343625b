//! A plan from what is known: the policy's decisions ([`olmix_core::reuse::PlanInputs`]), with names, costs
//! and sentences.
//!
//! Nothing here reads the history or a file, so that every choice of a plan can be tested in memory.

use olmix_core::CoreError;
use olmix_core::reuse::{
    FreezeGroup, LEAST_OLD_RUNS, PlanError, PlanInputs, PlanRequest, ReusePlan, RunRule,
    UnusedOption,
};
use olmix_io::ProjectConfig;

use super::context::PlanningContext;
use super::reasons::{doubts, left_out, sentence};
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

    /// Whether domains were only removed and no recomputation is asked for, so that no run is needed.
    pub fn is_removal(&self) -> bool {
        self.context.base.is_some()
            && self.context.lineage.is_removal()
            && self.options.method != Some(ReuseMethod::Recompute)
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
            old_runs: swarms.iter().map(|swarm| swarm.runs).sum(),
            worth_freeing: risk.as_ref().map(|risk| risk.worth_freeing.as_slice()),
            request: self.request(),
        };
        if self.is_removal() {
            let method = ReuseMethod::FullReuse;
            let plan = inputs.plan(method, &[], &[]);
            let plan = plan.map_err(|error| self.no_plan(error))?;
            let caps = self.caps(&plan)?;
            return Ok(Plan {
                collapsed_kl: false,
                caps,
                new: Vec::new(),
                reasons: plan.reasons.iter().map(sentence).collect(),
                ..self.bare(plan)
            });
        }
        let (method, mut reasons) = inputs.choose();
        self.check_options(&inputs.request, method)?;
        let free = self.named_free()?;
        let groups = self.named_groups(method)?;
        let reuse = inputs.plan(method, &free, &groups);
        let reuse = reuse.map_err(|error| self.no_plan(error))?;
        let caps = self.caps(&reuse)?;
        reasons.extend(reuse.reasons.iter().cloned());
        let mut reasons: Vec<String> = reasons.iter().map(sentence).collect();
        reasons.extend(risk.as_ref().map(doubts).unwrap_or_default());
        reasons.extend(stale.iter().map(left_out));
        reasons.extend(reuse.cautions.iter().map(sentence));
        Ok(Plan {
            reasons,
            caps,
            new: self.context.affected(),
            earlier: if reuse.fits_old_runs {
                swarms
            } else {
                Vec::new()
            },
            // Where nothing is reused, nothing is risked.
            risk: risk.filter(|_| method != ReuseMethod::Recompute),
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
            caps: Vec::new(),
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
        let reuse = ReusePlan::first(&self.context.set, self.run_rule(), self.options.budget);
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
        }
    }

    /// Refuses an option that the method has no use for.
    fn check_options(
        &self,
        request: &PlanRequest,
        method: ReuseMethod,
    ) -> Result<(), ProjectError> {
        let (option, help) = match request.unused_option(method) {
            None => return Ok(()),
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

    /// The greatest weight of each virtual domain.
    fn caps(&self, plan: &ReusePlan) -> Result<Vec<Option<f64>>, ProjectError> {
        let caps = plan.caps(&self.context.set, &self.context.constraints);
        caps.map_err(|error| {
            ProjectError::core(
                &self.config.path,
                &error,
                "free the domain that is named with --free, remove it (`olmix update remove`), or plan with \
                 --method swarm-reuse or recompute",
            )
        })
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
            PlanError::Ratios(error) => ratios(&error),
        }
    }
}
