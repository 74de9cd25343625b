//! `phases`: the phases of the runs and of the mixture, with bounds on the mixture of each.

use olmix_core::DomainSet;
use olmix_core::phases::{Phase, PhaseBounds, Phases};
use serde::Serialize;

use super::as_written::map;
use super::constraints::{read_bound, read_group};
use super::constraints_over::bounds_over;
use super::{Bound, FitConfig, GroupConfig, Named, named};
use crate::config::yaml::{Value, Yaml};
use crate::error::{IoError, Location};

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseConfig {
    /// The name, as the column `phase` of the ratios has it.
    pub name: String,
    /// Share of the run's tokens; all sum to 1.
    pub fraction: f64,
    /// Bounds on single domains, as shares of the phase.
    #[serde(serialize_with = "map")]
    pub bounds: Vec<Named<Bound>>,
    /// Bounds on groups, as shares of the phase.
    #[serde(serialize_with = "map")]
    pub groups: Vec<Named<GroupConfig>>,
}

/// The section `phases`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct PhasesConfig {
    /// The phases in order, at least one.
    pub phases: Vec<PhaseConfig>,
    /// Where the section is.
    #[serde(skip)]
    pub location: Location,
}

impl PhasesConfig {
    pub(crate) fn read(value: &Value<'_>) -> Result<Self, IoError> {
        let items = value.items()?;
        let phases: Vec<PhaseConfig> = items.iter().map(read_phase).collect::<Result<_, _>>()?;
        let found = Self {
            phases,
            location: value.location(),
        };
        match found.phases() {
            Ok(_) => Ok(found),
            Err(error) => Err(value.error(
                error.to_string(),
                "give each phase a name of its own and its share of the run's tokens, as the runs were trained: \
                 `phases: [{name: pretraining, fraction: 0.8}, {name: cooldown, fraction: 0.2}]`",
            )),
        }
    }

    /// Refuses phases where a rule makes the mixture from sizes alone.
    pub(super) fn check(value: Option<&Value<'_>>, config: &FitConfig) -> Result<(), IoError> {
        let Some(value) = value.filter(|_| !config.needs_swarm()) else {
            return Ok(());
        };
        Err(value.error(
            format!(
                "`phases` has no effect: the proposer {} looks at no run",
                config.proposer.kind.name()
            ),
            "remove `phases`",
        ))
    }

    /// Phases without bounds.
    pub(crate) fn of(phases: &Phases) -> Self {
        let phase = |phase: &Phase| PhaseConfig {
            name: phase.name.clone(),
            fraction: phase.fraction,
            bounds: Vec::new(),
            groups: Vec::new(),
        };
        Self {
            phases: phases.iter().map(phase).collect(),
            location: Location::File,
        }
    }

    /// The section as a config has it.
    pub(crate) fn to_yaml(&self) -> Yaml {
        let bound = |one: &Named<Bound>| {
            let least = (one.value.min > 0.0).then(|| ("min", Yaml::number(one.value.min)));
            let most = (one.value.max < 1.0).then(|| ("max", Yaml::number(one.value.max)));
            (one.name.clone(), Yaml::map(least.into_iter().chain(most)))
        };
        let phase = |phase: &PhaseConfig| {
            let mut map = Yaml::map([
                ("name", Yaml::text(&phase.name)),
                ("fraction", Yaml::number(phase.fraction)),
            ]);
            let bounds: Vec<(String, Yaml)> = phase
                .bounds
                .iter()
                .filter(|one| one.value.min > 0.0 || one.value.max < 1.0)
                .map(bound)
                .collect();
            if !bounds.is_empty() {
                map.set("bounds", Yaml::map(bounds));
            }
            map
        };
        Yaml::List(self.phases.iter().map(phase).collect())
    }

    /// The phases.
    ///
    /// # Errors
    /// As [`Phases::new`]; not of a config that was read.
    pub fn phases(&self) -> Result<Phases, olmix_core::CoreError> {
        let phase = |phase: &PhaseConfig| Phase {
            name: phase.name.clone(),
            fraction: phase.fraction,
        };
        Phases::new(self.phases.iter().map(phase).collect())
    }

    /// The bounds of each phase over `domains`; `file` names the config in messages.
    pub(crate) fn over(
        &self,
        file: &str,
        domains: &DomainSet,
    ) -> Result<Vec<PhaseBounds>, IoError> {
        let each = self.phases.iter().enumerate();
        let bounds = |(s, phase): (usize, &PhaseConfig)| {
            let key = format!("phases[{s}]");
            let found = bounds_over(file, domains, &phase.bounds, &phase.groups, &key)?;
            Ok(PhaseBounds {
                lower: found.lower,
                upper: found.upper,
                groups: found.groups,
            })
        };
        each.map(bounds).collect()
    }
}

fn read_phase(value: &Value<'_>) -> Result<PhaseConfig, IoError> {
    let mut section = value.section()?;
    let name = section.required("name")?;
    let fraction = section.required("fraction")?;
    let bounds = section.optional("bounds");
    let groups = section.optional("groups");
    section.finish()?;
    Ok(PhaseConfig {
        name: name.name()?.to_owned(),
        fraction: fraction.number()?,
        bounds: bounds.map_or(Ok(Vec::new()), |v| named(&v, read_bound))?,
        groups: groups.map_or(Ok(Vec::new()), |v| named(&v, read_group))?,
    })
}
