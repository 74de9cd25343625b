//! Plans: what to recompute after updates, what that costs, and what it risks, before anything is trained.

use olmix_core::reuse::{Origin, VirtualDomain};
use olmix_core::{DomainSet, Mixture};
use olmix_io::MixtureFile;
use olmix_ledger::{Cost, Record};

use crate::ground::Ground;
use crate::knowledge::Knowledge;
use crate::risk::Question;
use crate::{
    Alternative, Carried, Free, FreeReason, Method, Plan, PlanOptions, Project, ProjectError, Risk,
    cost,
};

/// One run of a swarm with a level of its own says nothing, and two say little.
const LEAST_EARLIER: usize = 3;

/// No domain alone makes a loss larger or smaller by a factor of e to this: such laws are not determined by their runs.
const WILD: f64 = 40.0;

/// λ where the project leaves it to the data, for estimates.
const DEFAULT_KL: f64 = 0.05;

impl Project {
    /// Plans the next mixture.
    ///
    /// # Errors
    /// [`ProjectError::Refused`] when nothing changed, a method needs what is not there, options name no domain, and a
    /// virtual domain can have no weight.
    pub fn plan(&self, options: &PlanOptions) -> Result<Plan, ProjectError> {
        let ground = self.ground(options)?;
        let all = cost::of_runs(&self.config, self.runs_for(ground.set.len()));
        let Some((base, mixture)) = &ground.base else {
            return self.first(ground, options, all);
        };
        if ground.lineage.is_removal() && options.method != Some(Method::Recompute) {
            return self.removal(&ground, base, mixture, all);
        }
        let unaffected = ground.unaffected();
        let risk = self.risk(&ground, options, base, mixture, &unaffected)?;
        let (earlier, stale): (Vec<Carried>, Vec<Carried>) = self
            .carried(&ground, base)?
            .into_iter()
            .partition(|swarm| swarm.runs >= LEAST_EARLIER);
        let carried: usize = earlier.iter().map(|swarm| swarm.runs).sum();
        let affected = unaffected.iter().filter(|u| !**u).count();
        let (method, mut reasons) = self.choose(&ground, options, risk.as_ref(), carried, affected);
        self.check_options(options, method)?;
        let free = self.free(&ground, options, method, risk.as_ref())?;
        // What partial reuse would free, or does.
        let partly = match (&risk, options.free.is_empty()) {
            (Some(risk), true) => affected + risk.worth_freeing.len(),
            _ => free.len().max(affected),
        };
        if method == Method::PartialReuse && options.free.is_empty() && risk.is_none() {
            reasons.push(
                "no law was fitted yet, so that nothing says what to free: name it with --free"
                    .into(),
            );
        }
        let virtuals = match method {
            Method::FullReuse | Method::PartialReuse => {
                self.virtuals(&ground, options, mixture, &free)?
            }
            Method::SwarmReuse | Method::Recompute => Vec::new(),
        };
        let drawn = match method {
            Method::SwarmReuse if carried > ground.set.len() => self
                .virtuals(&ground, &PlanOptions::default(), mixture, &[])
                .unwrap_or_default(),
            _ => virtuals.clone(),
        };
        let caps = self.caps(&ground, &virtuals)?;
        let sampled = if virtuals.is_empty() {
            affected + 1
        } else {
            virtuals.len() + free.len()
        };
        let wanted = match method {
            Method::Recompute => self.runs_for(ground.set.len()),
            Method::SwarmReuse => self.runs_beside(carried, affected, ground.set.len()),
            _ => self.runs_for(sampled),
        };
        let runs = options.budget.map_or(wanted, |budget| budget.min(wanted));
        let with_old = method == Method::SwarmReuse || options.old_runs;
        reasons.extend(risk.as_ref().map(doubts).unwrap_or_default());
        reasons.extend(stale.iter().map(left_out));
        reasons.extend(hardly_reused(&virtuals, ground.set.len()));
        if runs < wanted {
            reasons.push(format!(
                "{runs} runs are the budget; the rule asks for {wanted}"
            ));
        }
        let total = runs + if with_old { carried } else { 0 };
        let needed = if with_old || virtuals.is_empty() {
            ground.set.len() + 1
        } else {
            sampled + 1
        };
        if total < needed {
            reasons.push(format!(
                "{total} runs do not determine a law over {} domains: fit with a ridge (`--ridge auto`)",
                needed - 1
            ));
        }
        Ok(Plan {
            cost: cost::of_runs(&self.config, runs),
            recompute: all,
            alternatives: self.alternatives(ground.set.len(), affected, partly, carried),
            new: ground.affected(),
            version: ground.version,
            domains: ground.domains,
            base: Some(base.clone()),
            method,
            reasons,
            virtuals,
            drawn,
            caps,
            free,
            runs,
            earlier: if with_old { earlier } else { Vec::new() },
            collapsed_kl: options.collapsed_kl,
            // Where nothing is reused, nothing is risked.
            risk: risk.filter(|_| method != Method::Recompute),
        })
    }

    /// Refuses options that the method has no use for.
    fn check_options(&self, options: &PlanOptions, method: Method) -> Result<(), ProjectError> {
        let no_use = |option: &str, help: &str| {
            let what = format!("{} has no use for {option}", method.name());
            Err(ProjectError::refused(&self.config.path, what, help))
        };
        let keeps = matches!(method, Method::FullReuse | Method::PartialReuse);
        if !options.free.is_empty() && method != Method::PartialReuse {
            return no_use("--free", "use --method partial-reuse, or leave it out");
        }
        if !keeps && !options.groups.is_empty() {
            return no_use(
                "--freeze",
                "use --method full-reuse or partial-reuse, or leave it out",
            );
        }
        if method == Method::Recompute && options.old_runs {
            return no_use("--old-runs", "use --method swarm-reuse, or leave it out");
        }
        Ok(())
    }

    /// Domains whose ratios are computed, and why.
    fn free(
        &self,
        ground: &Ground,
        options: &PlanOptions,
        method: Method,
        risk: Option<&Risk>,
    ) -> Result<Vec<Free>, ProjectError> {
        let asked = self.asked(ground, options)?;
        let mut free: Vec<Free> = Vec::new();
        for (j, origin) in ground.lineage.origins.iter().enumerate() {
            let reason = match (origin, method) {
                (_, Method::Recompute | Method::SwarmReuse) => FreeReason::All,
                (Origin::Added, _) => FreeReason::Added,
                (Origin::Part(_), _) => FreeReason::Part,
                (Origin::Revised(_), _) => FreeReason::Revised,
                (Origin::Kept(_), _) if asked[j] => FreeReason::Asked,
                (Origin::Kept(_), _) => continue,
            };
            free.push(Free {
                domain: ground.set.name(j).to_owned(),
                reason,
            });
        }
        let coupled = risk.filter(|_| method == Method::PartialReuse && options.free.is_empty());
        for freed in coupled.iter().flat_map(|risk| &risk.worth_freeing) {
            free.push(Free {
                domain: ground.set.name(freed.domain).to_owned(),
                reason: FreeReason::Coupled {
                    left: freed.after / freed.before,
                },
            });
        }
        Ok(free)
    }

    /// Which domains were asked to be free, by position.
    fn asked(&self, ground: &Ground, options: &PlanOptions) -> Result<Vec<bool>, ProjectError> {
        let mut asked = vec![false; ground.set.len()];
        for pattern in &options.free {
            for j in self.matching(ground, "--free", pattern)? {
                asked[j] = true;
            }
        }
        Ok(asked)
    }

    /// `c (domains + 1)`, rounded up.
    fn runs_for(&self, domains: usize) -> usize {
        (self.config.runs_per_domain * (domains + 1) as f64).ceil() as usize
    }

    /// Runs over all `m` domains beside old ones: as many as full reuse would train, and enough to determine a law.
    fn runs_beside(&self, carried: usize, affected: usize, m: usize) -> usize {
        self.runs_for(affected + 1)
            .max((m + 2).saturating_sub(carried))
    }

    /// A project without a mixture: everything is to be measured.
    fn first(
        &self,
        ground: Ground,
        options: &PlanOptions,
        all: Cost,
    ) -> Result<Plan, ProjectError> {
        if let Some(method) = options.method.filter(|method| *method != Method::Recompute) {
            return Err(ProjectError::refused(
                &self.config.path,
                format!(
                    "there is no mixture yet, so that {} has nothing to reuse",
                    method.name()
                ),
                "measure a first swarm (`olmix plan --write DIR`), or `olmix commit` a mixture that you have",
            ));
        }
        let wanted = self.runs_for(ground.set.len());
        let runs = options.budget.map_or(wanted, |budget| budget.min(wanted));
        Ok(Plan {
            cost: cost::of_runs(&self.config, runs),
            recompute: all,
            reasons: vec!["there is no mixture yet: the first swarm is over all domains".into()],
            free: everything(&ground.set),
            new: Vec::new(),
            alternatives: vec![Alternative {
                method: Method::Recompute,
                domains: ground.set.len(),
                runs: wanted,
            }],
            version: ground.version,
            domains: ground.domains,
            base: None,
            method: Method::Recompute,
            virtuals: Vec::new(),
            drawn: Vec::new(),
            caps: Vec::new(),
            runs,
            earlier: Vec::new(),
            collapsed_kl: options.collapsed_kl,
            risk: None,
        })
    }

    /// Domains only went: what stays keeps its ratios, and nothing has to be measured.
    fn removal(
        &self,
        ground: &Ground,
        base: &Record,
        mixture: &Mixture,
        all: Cost,
    ) -> Result<Plan, ProjectError> {
        let virtuals = self.virtuals(ground, &PlanOptions::default(), mixture, &[])?;
        let caps = self.caps(ground, &virtuals)?;
        Ok(Plan {
            version: ground.version.clone(),
            domains: ground.domains.clone(),
            base: Some(base.clone()),
            method: Method::FullReuse,
            reasons: vec![
                "domains were only removed: what stays keeps its ratios, and no run is needed; `olmix commit` records it"
                    .into(),
            ],
            virtuals,
            drawn: Vec::new(),
            caps,
            free: Vec::new(),
            new: Vec::new(),
            runs: 0,
            cost: Cost::default(),
            recompute: all,
            earlier: Vec::new(),
            collapsed_kl: false,
            risk: None,
            alternatives: self.alternatives(ground.set.len(), 0, 0, 0),
        })
    }

    fn risk(
        &self,
        ground: &Ground,
        options: &PlanOptions,
        base: &Record,
        mixture: &Mixture,
        unaffected: &[bool],
    ) -> Result<Option<Risk>, ProjectError> {
        let behind = Knowledge::behind(self, base)?;
        let pilot = match &options.pilot {
            None => None,
            Some(path) => {
                let file = MixtureFile::read(path)?;
                let known = Knowledge::of(&file, &path.display().to_string());
                let mut known = known.ok_or_else(|| {
                    ProjectError::refused(
                        path,
                        "it holds no laws that predict unseen runs",
                        "fit the pilot with a law, such as log_linear, or with more runs",
                    )
                })?;
                known.tell_apart(&file, behind.as_ref());
                Some(known)
            }
        };
        let Some(knowledge) = behind.or(pilot.clone()) else {
            return Ok(None);
        };
        let names: Vec<&str> = (0..ground.set.len())
            .filter(|&j| unaffected[j])
            .map(|j| ground.set.name(j))
            .collect();
        // With nothing to keep, or nothing that any old weight speaks of, there is no reuse to be judged.
        let Ok(frozen) = VirtualDomain::frozen(&ground.free_name(), &names, mixture) else {
            return Ok(None);
        };
        let affected = unaffected.iter().filter(|u| !**u).count();
        let base_runs = self.runs_for(affected + 1);
        let extra = options.budget.map_or(usize::MAX, |budget| {
            (budget.saturating_sub(base_runs) as f64 / self.config.runs_per_domain) as usize
        });
        let question = Question {
            knowledge: &knowledge,
            pilot: pilot.as_ref(),
            lineage: &ground.lineage,
            domains: &ground.domains,
            set: &ground.set,
            prior: &ground.prior,
            kl_reg: self.config.kl_reg.unwrap_or(DEFAULT_KL),
            constraints: &ground.constraints,
            frozen: &frozen,
            unaffected,
            shards: (&self.root, self.config.token_width()),
            most: extra,
        };
        match question.answer() {
            Ok(risk) => Ok(Some(risk)),
            Err(error) => Err(ProjectError::core(
                &self.config.path,
                &error,
                "free what it names with --free, or plan with --method swarm-reuse or recompute",
            )),
        }
    }

    /// The method, and why.
    fn choose(
        &self,
        ground: &Ground,
        options: &PlanOptions,
        risk: Option<&Risk>,
        carried: usize,
        affected: usize,
    ) -> (Method, Vec<String>) {
        if let Some(method) = options.method {
            return (method, Vec::new());
        }
        if !options.free.is_empty() {
            return (
                Method::PartialReuse,
                vec!["domains were named to be free".into()],
            );
        }
        let m = ground.set.len();
        let runs = self.runs_beside(carried, affected, m);
        let runs = options.budget.map_or(runs, |budget| budget.min(runs));
        if !options.groups.is_empty() {
            return (
                Method::FullReuse,
                vec!["virtual domains were asked for".into()],
            );
        }
        if affected + 1 >= m {
            return (
                Method::Recompute,
                vec!["nearly every domain changed: there is little to reuse".into()],
            );
        }
        if carried > m {
            let why = format!(
                "{carried} old runs still speak of today's domains; with {runs} new ones they determine laws over all \
                 {m}. Of the methods here this keeps most of full recomputation's gain per run (docs/study-reuse.md)"
            );
            return (Method::SwarmReuse, vec![why]);
        }
        let few = format!(
            "only {carried} old runs still speak of today's domains, too few for laws over all {m}"
        );
        match risk {
            Some(risk) if !risk.worth_freeing.is_empty() => {
                let names: Vec<&str> = risk
                    .worth_freeing
                    .iter()
                    .map(|freed| ground.set.name(freed.domain))
                    .collect();
                let why = format!("the update acts on the tasks of {}: worth freeing", names.join(", "));
                (Method::PartialReuse, vec![few, why])
            }
            Some(_) => (
                Method::FullReuse,
                vec![few, "no domain is so coupled with the update that freeing it would be worth its runs".into()],
            ),
            None => (
                Method::FullReuse,
                vec![few, "no law was fitted yet, so that coupling is not known: all ratios are kept".into()],
            ),
        }
    }

    fn alternatives(
        &self,
        m: usize,
        affected: usize,
        partly: usize,
        carried: usize,
    ) -> Vec<Alternative> {
        let of = |(_, method): &(&str, Method)| {
            let domains = match method {
                Method::PartialReuse => partly + 1,
                Method::FullReuse => affected + 1,
                Method::SwarmReuse if carried > m => affected + 1,
                Method::SwarmReuse | Method::Recompute => m,
            };
            let runs = match method {
                _ if affected == 0 && *method != Method::Recompute => 0,
                Method::SwarmReuse => self.runs_beside(carried, affected, m),
                _ => self.runs_for(domains),
            };
            Alternative {
                method: *method,
                domains,
                runs,
            }
        };
        Method::ALL.iter().map(of).collect()
    }
}

/// Why an earlier swarm is not fitted again.
fn left_out(swarm: &Carried) -> String {
    format!(
        "{} is left out: {} of its {} runs used content that is gone",
        swarm.swarm,
        swarm.lost,
        swarm.lost + swarm.runs
    )
}

/// What speaks against a reuse of next to nothing.
fn hardly_reused(virtuals: &[VirtualDomain], m: usize) -> Option<String> {
    match virtuals {
        [one] if one.members.len() <= m / 4 => Some(format!(
            "only {} of {m} domains keep their ratios: this is nearly a recomputation",
            one.members.len()
        )),
        _ => None,
    }
}

/// What speaks against going by a risk.
fn doubts(risk: &Risk) -> Vec<String> {
    let mut doubts = Vec::new();
    if risk.left_out > 0 {
        doubts.push(format!(
            "{} tasks say nothing of coupling: their laws predict unseen runs no better than their mean",
            risk.left_out
        ));
    }
    if risk.largest > WILD {
        doubts.push(format!(
            "the laws of {} have coefficients of up to {:.0} nats: its runs do not determine them, and coupling by them \
             says little; fit again with `--ridge auto`, and commit that",
            risk.fit, risk.largest
        ));
    }
    doubts
}

fn everything(set: &DomainSet) -> Vec<Free> {
    let free = |name: &str| Free {
        domain: name.to_owned(),
        reason: FreeReason::All,
    };
    set.names().map(free).collect()
}
