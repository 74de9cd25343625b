//! Plans: what to recompute after updates, what that costs, and what it risks, before anything is trained.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use olmix_core::reuse::{Collapse, Lineage, Origin, VirtualDomain};
use olmix_core::{Constraints, DomainSet, Mixture};
use olmix_io::{MixtureFile, ProjectDomain, carry_ratios};
use olmix_ledger::{Cost, Record, RecordId, RecordKind};
use serde::Serialize;

use crate::content::{DomainsContent, MixtureContent, SwarmContent};
use crate::knowledge::Knowledge;
use crate::project::domain_set;
use crate::risk::Question;
use crate::version::as_changes;
use crate::{Project, ProjectError, Risk, cost};

/// How the next mixture follows the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Old ratios among all domains that the update left alone.
    FullReuse,
    /// The same, but for some of them that are free again.
    PartialReuse,
    /// Old runs, with new ones over all domains.
    SwarmReuse,
    /// A new swarm over all domains.
    Recompute,
}

impl Method {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("full-reuse", Self::FullReuse),
        ("partial-reuse", Self::PartialReuse),
        ("swarm-reuse", Self::SwarmReuse),
        ("recompute", Self::Recompute),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, method)| *method == self);
        found.map_or("", |(name, _)| name)
    }
}

/// What a plan is asked for.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The method; `None` for the one that fits best.
    pub method: Option<Method>,
    /// The mixture to go on from; `None` for the newest of `main`.
    pub from: Option<String>,
    /// Runs at most; `None` for as many as the project's rule asks for.
    pub budget: Option<usize>,
    /// Domains, or patterns with `*`, to free; none leaves it to what is coupled, where partial reuse is meant.
    pub free: Vec<String>,
    /// Further virtual domains: a name, and patterns of what is frozen in it.
    pub groups: Vec<(String, String)>,
    /// Whether old runs inform the laws where ratios are reused, too.
    pub old_runs: bool,
    /// Whether the KL term is that of the mixture in which each virtual domain is one.
    pub collapsed_kl: bool,
    /// A mixture.json with laws over the new domains, of a pilot.
    pub pilot: Option<PathBuf>,
}

/// A domain whose ratio is computed anew, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Free {
    /// The domain.
    pub domain: String,
    /// Why.
    pub reason: FreeReason,
}

/// Why a domain is free.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeReason {
    /// It was added.
    Added,
    /// It is a part of what was partitioned.
    Part,
    /// Its content changed.
    Revised,
    /// It was asked for.
    Asked,
    /// Freeing it lets the coupling with the update fall to this share of what it was.
    Coupled {
        /// Coupling after, over coupling before.
        left: f64,
    },
    /// Everything is free.
    All,
}

/// Another way, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// The method.
    pub method: Method,
    /// Domains in its swarm, a virtual one as one.
    pub domains: usize,
    /// Runs.
    pub runs: usize,
}

/// An earlier swarm that is fitted too.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    /// Its record: `swarm@2`.
    pub swarm: String,
    /// Runs over the domains of today.
    pub runs: usize,
    /// Runs that used content which is gone.
    pub lost: usize,
    /// Its files: ratios over the domains of today, and metrics as they were.
    pub files: (Vec<u8>, Vec<u8>),
}

/// A plan.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The version of the domain set it is for.
    pub version: Record,
    /// Its domains.
    pub domains: Vec<ProjectDomain>,
    /// The mixture that it goes on from, if there is one.
    pub base: Option<Record>,
    /// The method.
    pub method: Method,
    /// Why that one, and why so.
    pub reasons: Vec<String>,
    /// Domains in fixed ratios; none for methods that reuse none.
    pub virtuals: Vec<VirtualDomain>,
    /// The most that each of them can have of the mixture, where repetition is limited.
    pub caps: Vec<Option<f64>>,
    /// Domains whose ratios are computed.
    pub free: Vec<Free>,
    /// Runs of the swarm; 0 where nothing has to be measured.
    pub runs: usize,
    /// What they cost.
    pub cost: Cost,
    /// What full recomputation costs.
    pub recompute: Cost,
    /// Earlier swarms whose runs inform the laws.
    pub earlier: Vec<Carried>,
    /// Whether the KL term is that of the mixture in which each virtual domain is one.
    pub collapsed_kl: bool,
    /// What it risks; `None` where no law was fitted, or nothing is reused.
    pub risk: Option<Risk>,
    /// All methods with their runs.
    pub alternatives: Vec<Alternative>,
}

/// Where the project stands, before a method is chosen.
struct Ground {
    version: Record,
    domains: Vec<ProjectDomain>,
    set: DomainSet,
    prior: Vec<f64>,
    lineage: Lineage,
    base: Option<(Record, Mixture)>,
    constraints: Constraints,
}

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
        let asked = self.asked(&ground, options)?;
        let unaffected: Vec<bool> = ground
            .lineage
            .origins
            .iter()
            .map(|origin| matches!(origin, Origin::Kept(_)))
            .collect();
        let risk = self.risk(&ground, options, base, mixture, &unaffected)?;
        let earlier = self.carried(&ground, base)?;
        let carried: usize = earlier.iter().map(|swarm| swarm.runs).sum();
        let affected = unaffected.iter().filter(|u| !**u).count();
        let (method, mut reasons) = self.choose(&ground, options, risk.as_ref(), carried, affected);
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
        if method == Method::PartialReuse && options.free.is_empty() {
            match &risk {
                Some(risk) => free.extend(risk.worth_freeing.iter().map(|freed| Free {
                    domain: ground.set.name(freed.domain).to_owned(),
                    reason: FreeReason::Coupled {
                        left: freed.after / freed.before,
                    },
                })),
                None => reasons.push(
                    "no law was fitted yet, so that nothing says what to free: name it with --free"
                        .into(),
                ),
            }
        }
        let virtuals = match method {
            Method::FullReuse | Method::PartialReuse => {
                self.virtuals(&ground, options, mixture, &free)?
            }
            Method::SwarmReuse | Method::Recompute => Vec::new(),
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
        if let Some(left_out) = risk.as_ref().map(|risk| risk.left_out).filter(|n| *n > 0) {
            reasons.push(format!(
                "{left_out} tasks say nothing of coupling: their laws predict unseen runs no better than their mean"
            ));
        }
        if let Some(risk) = risk.as_ref().filter(|risk| risk.largest > WILD) {
            reasons.push(format!(
                "the laws of {} have coefficients of up to {:.0} nats: its runs do not determine them, and coupling by them \
                 says little; fit again with `--ridge auto`, and commit that",
                risk.fit, risk.largest
            ));
        }
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
            alternatives: self.alternatives(
                ground.set.len(),
                affected,
                free.len(),
                carried,
                method,
            ),
            version: ground.version,
            domains: ground.domains,
            base: Some(base.clone()),
            method,
            reasons,
            virtuals,
            caps,
            free,
            runs,
            earlier: if with_old { earlier } else { Vec::new() },
            collapsed_kl: options.collapsed_kl,
            risk,
        })
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

    /// The newest version, the mixture to go on from, and what lies between.
    fn ground(&self, options: &PlanOptions) -> Result<Ground, ProjectError> {
        let (version, content) = self.version()?;
        let unusable = |error: &olmix_core::CoreError| {
            ProjectError::core(
                &self.config.path,
                error,
                "correct the domains with `olmix update`",
            )
        };
        let set = domain_set(&content.domains).map_err(|error| unusable(&error))?;
        let sizes: Vec<f64> = content.domains.iter().map(size).collect();
        let sum: f64 = sizes.iter().sum();
        let base = match &options.from {
            Some(name) => Some(self.mixture(name)?),
            None => self.ledger.newest("main")?,
        };
        let constraints = self.config.constraints_over(&set)?;
        let (lineage, base) = match base {
            None => (
                Lineage::of(&set, &[]).map_err(|error| unusable(&error))?,
                None,
            ),
            Some(base) => {
                let told: MixtureContent = self.content(&base)?;
                let from = self.ledger.record(&told.version)?;
                let old: DomainsContent = self.content(&from)?;
                let old_set = domain_set(&old.domains).map_err(|error| unusable(&error))?;
                let mut changes = Vec::new();
                for number in from.number + 1..=version.number {
                    let step = self.ledger.record(&format!("domains@{number}"))?;
                    let step: DomainsContent = self.content(&step)?;
                    changes.extend(as_changes(&step.changes));
                }
                let lineage = Lineage::of(&old_set, &changes).map_err(|error| unusable(&error))?;
                if lineage.old == lineage.new
                    && lineage.affected().is_empty()
                    && options.method != Some(Method::Recompute)
                {
                    return Err(ProjectError::refused(
                        &self.config.path,
                        format!(
                            "{} is of {}, and nothing changed since",
                            base.name(),
                            version.name()
                        ),
                        "tell what changed with `olmix update`; `--method recompute` plans a new swarm all the same",
                    ));
                }
                let (names, weights): (Vec<String>, Vec<f64>) = told.weights.into_iter().unzip();
                let mixture = DomainSet::from_names(names)
                    .and_then(|set| Mixture::new(set, weights))
                    .map_err(|error| unusable(&error))?;
                (lineage, Some((base, mixture)))
            }
        };
        Ok(Ground {
            prior: sizes.iter().map(|size| size / sum).collect(),
            version,
            domains: content.domains,
            set,
            lineage,
            base,
            constraints,
        })
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
            alternatives: self.alternatives(
                ground.set.len(),
                ground.set.len(),
                0,
                0,
                Method::Recompute,
            ),
            version: ground.version,
            domains: ground.domains,
            base: None,
            method: Method::Recompute,
            virtuals: Vec::new(),
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
            caps,
            free: Vec::new(),
            runs: 0,
            cost: Cost::default(),
            recompute: all,
            earlier: Vec::new(),
            collapsed_kl: false,
            risk: None,
            alternatives: self.alternatives(ground.set.len(), 0, 0, 0, Method::FullReuse),
        })
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

    /// Positions of the domains of a pattern.
    fn matching(
        &self,
        ground: &Ground,
        option: &str,
        pattern: &str,
    ) -> Result<Vec<usize>, ProjectError> {
        let names = ground.set.names().enumerate();
        let found: Vec<usize> = names
            .filter(|(_, name)| olmix_io::matches(pattern, name))
            .map(|(j, _)| j)
            .collect();
        if found.is_empty() {
            return Err(ProjectError::refused(
                &self.config.path,
                format!(
                    "{option} `{pattern}`: {} has no such domain",
                    ground.version.name()
                ),
                format!(
                    "name domains, or patterns such as dclm:*; `olmix show {}` lists them",
                    ground.version.name()
                ),
            ));
        }
        Ok(found)
    }

    /// Everything that is not free at its old ratios: in the groups asked for, and the rest as `existing`.
    fn virtuals(
        &self,
        ground: &Ground,
        options: &PlanOptions,
        mixture: &Mixture,
        free: &[Free],
    ) -> Result<Vec<VirtualDomain>, ProjectError> {
        let free: HashSet<&str> = free.iter().map(|free| free.domain.as_str()).collect();
        let frozen = |j: usize| {
            let kept = matches!(ground.lineage.origins[j], Origin::Kept(_));
            kept && !free.contains(ground.set.name(j))
        };
        let mut left: Vec<usize> = (0..ground.set.len()).filter(|&j| frozen(j)).collect();
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for (name, pattern) in &options.groups {
            let inside = self.matching(ground, "--freeze", pattern)?;
            let members: Vec<usize> = left
                .iter()
                .copied()
                .filter(|j| inside.contains(j))
                .collect();
            if members.is_empty() {
                return Err(ProjectError::refused(
                    &self.config.path,
                    format!(
                        "--freeze {name}={pattern}: all of these are free or in another virtual domain"
                    ),
                    "freeze domains that the update left alone, each once",
                ));
            }
            left.retain(|j| !members.contains(j));
            groups.push((name.clone(), members));
        }
        if !left.is_empty() {
            let mut name = "existing".to_owned();
            while ground.set.position(&name).is_some()
                || groups.iter().any(|(other, _)| *other == name)
            {
                name.push('_');
            }
            groups.insert(0, (name, left));
        }
        if groups.is_empty() {
            return Err(ProjectError::refused(
                &self.config.path,
                "every domain is free: no ratio is left to reuse",
                "free fewer, or use --method swarm-reuse or recompute",
            ));
        }
        let freeze = |(name, members): &(String, Vec<usize>)| {
            let names: Vec<&str> = members.iter().map(|&j| ground.set.name(j)).collect();
            VirtualDomain::frozen(name, &names, mixture).map_err(|error| {
                let base = ground.base.as_ref().map_or_else(String::new, |(record, _)| record.name());
                ProjectError::core(
                    &self.config.path,
                    &error,
                    format!("{base} has to have these domains, and a weight for some of them; use --method swarm-reuse or recompute"),
                )
            })
        };
        groups.iter().map(freeze).collect()
    }

    /// The greatest weight of each virtual domain.
    fn caps(
        &self,
        ground: &Ground,
        virtuals: &[VirtualDomain],
    ) -> Result<Vec<Option<f64>>, ProjectError> {
        let told = |error: &olmix_core::CoreError| {
            ProjectError::core(
                &self.config.path,
                error,
                "free the domain that is named with --free, remove it (`olmix update remove`), or plan with --method swarm-reuse or recompute",
            )
        };
        let collapse = Collapse::new(&ground.set, virtuals).map_err(|error| told(&error))?;
        let constraints = collapse
            .constraints(&ground.constraints)
            .map_err(|error| told(&error))?;
        Ok((0..virtuals.len())
            .map(|v| constraints.caps.as_ref().map(|caps| caps[v].min(1.0)))
            .collect())
    }

    fn risk(
        &self,
        ground: &Ground,
        options: &PlanOptions,
        base: &Record,
        mixture: &Mixture,
        unaffected: &[bool],
    ) -> Result<Option<Risk>, ProjectError> {
        let pilot = match &options.pilot {
            None => None,
            Some(path) => {
                let file = MixtureFile::read(path)?;
                let known = Knowledge::of(&file, &path.display().to_string()).ok_or_else(|| {
                    ProjectError::refused(
                        path,
                        "it holds no laws",
                        "fit the pilot with a law, such as log_linear",
                    )
                })?;
                Some(known)
            }
        };
        let Some(knowledge) = Knowledge::behind(self, base)?.or(pilot.clone()) else {
            return Ok(None);
        };
        let names: Vec<&str> = (0..ground.set.len())
            .filter(|&j| unaffected[j])
            .map(|j| ground.set.name(j))
            .collect();
        // With nothing to keep, or nothing that any old weight speaks of, there is no reuse to be judged.
        let Ok(frozen) = VirtualDomain::frozen("existing", &names, mixture) else {
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

    /// Earlier swarms behind the mixture, told over the domains of today; those of which no run is left are left out.
    fn carried(&self, ground: &Ground, base: &Record) -> Result<Vec<Carried>, ProjectError> {
        // Newest first: a record is made of older ones.
        let mut open: BTreeSet<i64> = BTreeSet::from([base.id.0]);
        let mut swarms: Vec<Record> = Vec::new();
        while let Some(id) = open.pop_last().filter(|_| swarms.len() < MOST_EARLIER) {
            let id = RecordId(id);
            let Some(record) = self.ledger.record_by_id(id)? else {
                continue;
            };
            open.extend(record.parents.iter().map(|parent| parent.0));
            if record.kind == RecordKind::Swarm
                && record.files.iter().any(|file| file.name == "ratios.csv")
            {
                swarms.push(record);
            }
        }
        swarms.reverse();
        let mut carried = Vec::new();
        for swarm in &swarms {
            if let SwarmContent::Measured { .. } = self.content(swarm)? {
                carried.extend(self.carry(ground, swarm)?);
            }
        }
        Ok(carried)
    }

    fn carry(&self, ground: &Ground, swarm: &Record) -> Result<Option<Carried>, ProjectError> {
        let file = |name: &str| -> Result<Option<Vec<u8>>, ProjectError> {
            match swarm.files.iter().find(|file| file.name == name) {
                Some(kept) => Ok(self.ledger.file(&kept.sha256)?),
                None => Ok(None),
            }
        };
        let (Some(ratios), Some(metrics)) = (file("ratios.csv")?, file("metrics.csv")?) else {
            return Ok(None);
        };
        let (mut version, mut virtuals) = (None, Vec::new());
        for id in &swarm.parents {
            match self.ledger.record_by_id(*id)? {
                Some(parent) if parent.kind == RecordKind::Domains => version = Some(parent),
                Some(parent) if parent.kind == RecordKind::Swarm => {
                    if let SwarmContent::Planned(planned) = self.content(&parent)? {
                        virtuals = planned
                            .virtuals
                            .iter()
                            .map(crate::Frozen::to_virtual)
                            .collect();
                    }
                }
                _ => {}
            }
        }
        let Some(version) = version else {
            return Ok(None);
        };
        let old: DomainsContent = self.content(&version)?;
        let told = |error: &olmix_core::CoreError| {
            ProjectError::core(
                self.ledger.path(),
                error,
                "the history does not fit together: `olmix verify`",
            )
        };
        let mut changes = Vec::new();
        for number in version.number + 1..=ground.version.number {
            let step = self.ledger.record(&format!("domains@{number}"))?;
            let step: DomainsContent = self.content(&step)?;
            changes.extend(as_changes(&step.changes));
        }
        let old_set = domain_set(&old.domains).map_err(|error| told(&error))?;
        let lineage = Lineage::of(&old_set, &changes).map_err(|error| told(&error))?;
        let name = format!("ratios.csv of {}", swarm.name());
        let found = carry_ratios(&name, ratios, &virtuals, &lineage, &ground.prior)?;
        if found.runs == 0 {
            return Ok(None);
        }
        Ok(Some(Carried {
            swarm: swarm.name(),
            runs: found.runs,
            lost: found.lost.len(),
            files: (found.csv, metrics),
        }))
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
        let runs = options
            .budget
            .unwrap_or_else(|| self.runs_for(affected + 1));
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
        free: usize,
        carried: usize,
        chosen: Method,
    ) -> Vec<Alternative> {
        let of = |(_, method): &(&str, Method)| {
            let domains = match method {
                Method::FullReuse => affected + 1,
                Method::PartialReuse if chosen == Method::PartialReuse => free + 1,
                Method::PartialReuse => affected + 1,
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

/// Swarms behind a mixture that are fitted again, the newest: each has a level of its own to be determined.
const MOST_EARLIER: usize = 16;

/// No domain alone makes a loss larger or smaller by a factor of e to this: such laws are not determined by their runs.
const WILD: f64 = 40.0;

/// λ where the project leaves it to the data, for estimates.
const DEFAULT_KL: f64 = 0.05;

/// A domain's size in the prior.
pub fn size(domain: &ProjectDomain) -> f64 {
    let tokens = domain.tokens.map(|tokens| tokens as f64);
    domain.size.or(tokens).unwrap_or(1.0)
}

fn everything(set: &DomainSet) -> Vec<Free> {
    let free = |name: &str| Free {
        domain: name.to_owned(),
        reason: FreeReason::All,
    };
    set.names().map(free).collect()
}

/// The folder of an earlier swarm beside a fit config.
pub fn earlier_folder(position: usize) -> String {
    format!("earlier/{}", position + 1)
}

/// Whether a folder exists and holds something else under a name.
pub fn holds_other(path: &Path, content: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|found| found != content)
}

impl Plan {
    /// The summed weight in a mixture over the plan's domains of those that are not kept.
    #[must_use]
    pub fn free_weight(&self, mixture: &[f64]) -> f64 {
        let kept = |name: &str| {
            let members = self.virtuals.iter().flat_map(|one| &one.members);
            members.into_iter().any(|(member, _)| member == name)
        };
        let free = self.domains.iter().zip(mixture);
        free.filter(|(domain, _)| !kept(&domain.name))
            .map(|(_, w)| w)
            .sum()
    }
}
