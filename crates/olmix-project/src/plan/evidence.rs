//! What the history says about a reuse, gathered for the planner.

use olmix_core::Mixture;
use olmix_core::reuse::{VirtualDomain, existing_name};
use olmix_io::MixtureFile;
use olmix_ledger::Record;

use super::planner::{Evidence, Planner};
use crate::risk::{LawCoefficients, RiskInputs};
use crate::{Plan, PlanOptions, Project, ProjectError, Risk};

/// λ for estimates, where the project leaves it to the data.
const DEFAULT_KL: f64 = 0.05;

impl Project {
    /// Plans the next mixture: reads the history, estimates the risk, and follows the policy of
    /// [`olmix_core::reuse::PlanInputs`]. Changes nothing.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] when a method needs a mixture that is not there or has no
    /// use for an option, options name no domain, bounds can't be kept to, and `olmix generate` would refuse
    /// the plan's config.
    pub fn plan(&self, options: &PlanOptions) -> Result<Plan, ProjectError> {
        let context = self.planning_context(options)?;
        let planner = Planner {
            config: &self.config,
            context: &context,
            options,
        };
        let evidence = match &context.base {
            Some((base, mixture)) if !planner.needs_no_run() => Evidence {
                risk: self.risk(&planner, base, mixture)?,
                swarms: self.reusable_swarms(&context, base)?,
            },
            _ => Evidence::default(),
        };
        let plan = planner.plan(evidence)?;
        self.check_generation(&plan)?;
        Ok(plan)
    }

    /// The risk of keeping all ratios, by the laws behind a mixture or a pilot's; `None` where there is no
    /// law, and where the mixture says nothing of any domain that could be kept.
    fn risk(
        &self,
        planner: &Planner<'_>,
        base: &Record,
        mixture: &Mixture,
    ) -> Result<Option<Risk>, ProjectError> {
        let (context, options) = (planner.context, planner.options);
        let earlier = LawCoefficients::behind(self, base)?;
        let pilot = match &options.pilot {
            None => None,
            Some(path) => {
                let file = MixtureFile::read(path)?.without_phases(path, "olmix plan")?;
                let laws = LawCoefficients::from_file(&file, &path.display().to_string());
                let mut laws = laws.ok_or_else(|| {
                    ProjectError::refused(
                        path,
                        "it holds no laws that predict unseen runs",
                        "fit the pilot with a law, such as log_linear, or with more runs",
                    )
                })?;
                laws.split_virtual(&file, earlier.as_ref());
                Some(laws)
            }
        };
        let Some(laws) = earlier.or(pilot.clone()) else {
            return Ok(None);
        };
        let unaffected = context.unaffected();
        let names: Vec<&str> = (0..context.set.len())
            .filter(|&j| unaffected[j])
            .map(|j| context.set.name(j))
            .collect();
        // With nothing to keep, or no old weight of what is kept, there is no reuse to be judged.
        let Ok(frozen) = VirtualDomain::frozen(&existing_name(&context.set), &names, mixture)
        else {
            return Ok(None);
        };
        let affected = unaffected.iter().filter(|unaffected| !**unaffected).count();
        let inputs = RiskInputs {
            laws: &laws,
            pilot: pilot.as_ref(),
            lineage: &context.lineage,
            domains: &context.domains,
            set: &context.set,
            prior: &context.prior,
            kl_reg: self.config.kl_reg.unwrap_or(DEFAULT_KL),
            constraints: &context.constraints,
            frozen: &frozen,
            unaffected: &unaffected,
            shards: (&self.root, self.config.token_width()),
            max_freed: planner
                .run_rule()
                .affordable_frees(affected, options.runs.or(options.budget)),
        };
        let risk = inputs.estimate().map_err(|error| {
            ProjectError::core(
                &self.config.path,
                &error,
                "free what it names with --free, or plan with --method swarm-reuse or recompute",
            )
        })?;
        Ok(Some(risk))
    }
}
