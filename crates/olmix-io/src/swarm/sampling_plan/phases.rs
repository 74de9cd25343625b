//! Phases of a swarm's runs: what they go with, and their bounds over the leaves.

use olmix_core::generate::{Design, PhasedOptions, Tree};
use olmix_core::phases::{PhaseBounds, PhaseDesign, Phases};
use olmix_core::{Constraints, CoreError};

use super::SamplingPlan;
use crate::artifact::first_fit;
use crate::config::generation::GenerationConfig;
use crate::error::{IoError, Location};
use crate::messages::excerpt;
use crate::swarm::tables::csv_table::PHASE;

/// How far phases go from a run's amounts, where the config does not say.
const STRENGTH: f64 = 1.0;
/// Share of tied runs, where the config does not say.
const TIED: f64 = 0.1;

/// The phases of every run of a swarm.
#[derive(Debug, Clone)]
pub struct PhasePlan {
    /// The phases in order, at least two.
    pub phases: Phases,
    /// Bounds on single leaves, one entry per phase.
    pub within: Vec<PhaseBounds>,
    /// How far phases go from a run's amounts.
    pub strength: f64,
    /// Share of tied runs.
    pub tied: f64,
}

impl GenerationConfig {
    /// Refuses what has no meaning with phases, or without them.
    pub(super) fn check_phases(&self) -> Result<(), IoError> {
        let swarm = &self.swarm;
        let refuse = |location: &Location, message: String, help: &str| {
            Err(self.error(location, message, help))
        };
        let Some(phases) = &self.phases else {
            let given = [
                ("phase_strength", swarm.phase_strength.is_some()),
                ("tied", swarm.tied.is_some()),
            ];
            return match given.iter().find(|(_, given)| *given) {
                None => Ok(()),
                Some((key, _)) => refuse(
                    &swarm.location,
                    format!("swarm.{key} is of no effect: the runs have no phases"),
                    "remove it, or give `phases: [{name: pretraining, fraction: 0.8}, {name: cooldown, fraction: 0.2}]`",
                ),
            };
        };
        if let [only] = phases.phases.as_slice() {
            return refuse(
                &phases.location,
                format!(
                    "`{}` is the only phase: there is no timing to vary",
                    excerpt(&only.name)
                ),
                "give two phases at least, or remove `phases`",
            );
        }
        if let Some(group) = phases.phases.iter().find_map(|phase| phase.groups.first()) {
            return refuse(
                &group.location,
                format!(
                    "`groups` of phases bound no draws, and `{}` is one",
                    excerpt(&group.name)
                ),
                "give `bounds` of single leaves, and the group in the fit config",
            );
        }
        if swarm.design != Design::Random {
            return refuse(
                &swarm.location,
                format!(
                    "the design {} chooses runs of one mixture each, and the runs have phases",
                    swarm.design.name()
                ),
                "use the design `random`, or remove `phases`",
            );
        }
        let together = [
            ("swarm.virtual_domains", !swarm.virtual_domains.is_empty()),
            (
                "swarm.existing_mix_file",
                !swarm.existing_mix_file.is_empty(),
            ),
            ("swarm.candidates", swarm.candidates.is_some()),
            ("swarm.target_tokens", swarm.target.is_some()),
        ];
        if let Some((key, _)) = together.iter().find(|(_, given)| *given) {
            return refuse(
                &swarm.location,
                format!("{key} is given, and the runs have phases: the two can't be combined"),
                "remove one of the two",
            );
        }
        if let Some(odd) = swarm.variants.filter(|variants| variants % 2 == 1) {
            return refuse(
                &swarm.location,
                format!("{odd} runs in phases are asked for, and they are drawn in pairs"),
                "give an even number of variants",
            );
        }
        let leaves = self.data.leaves();
        if let Some((_, source)) = leaves.iter().find(|(leaf, _)| leaf == PHASE) {
            return refuse(
                &source.location,
                format!(
                    "a leaf can't be called `{PHASE}` with phases: ratios.csv has a column of that name"
                ),
                "rename it",
            );
        }
        let pinned = first_fit::pinned_sources(&self.data.sources);
        if let Some(name) = pinned.first() {
            return refuse(
                &phases.location,
                format!(
                    "all parts of `{}` have a fixed weight: it is one domain to a fit, which can't be combined with phases",
                    excerpt(name)
                ),
                "remove a `weight` of its parts, give its files as one leaf, or remove `phases`",
            );
        }
        Ok(())
    }

    /// The phases over the leaves of a tree, with bounds that some mixtures meet.
    pub(super) fn phase_plan(
        &self,
        tree: &Tree,
        caps: Option<&[f64]>,
    ) -> Result<Option<PhasePlan>, IoError> {
        let Some(given) = &self.phases else {
            return Ok(None);
        };
        let phases = given
            .phases()
            .map_err(|error| IoError::core(self.file.clone(), error))?;
        let domains = tree.domains();
        let within = given.over(&self.file, domains)?;
        let whole = Constraints {
            caps: caps.map(<[f64]>::to_vec),
            ..Constraints::none(domains.len())
        };
        let all = phases
            .constraints(domains, &whole, &within)
            .and_then(|all| all.check(&phases.domains(domains)?));
        all.map_err(|error| match error {
            CoreError::Infeasible(message) => self.error(
                &given.location,
                message,
                "loosen the bounds of the phases, raise swarm.repetition_factor, or lower max_tokens",
            ),
            other => self.error(&given.location, other.to_string(), "rename a phase or a leaf"),
        })?;
        Ok(Some(PhasePlan {
            phases,
            within,
            strength: self.swarm.phase_strength.unwrap_or(STRENGTH),
            tied: self.swarm.tied.unwrap_or(TIED),
        }))
    }
}

impl SamplingPlan {
    /// How runs in phases are to be drawn; `None` for runs of one mixture each.
    #[must_use]
    pub fn phased_options(&self, config: &GenerationConfig) -> Option<PhasedOptions<'_>> {
        let plan = self.phases.as_ref()?;
        Some(PhasedOptions {
            phases: &plan.phases,
            within: &plan.within,
            count: self.variants,
            design: PhaseDesign {
                tied: plan.tied,
                strength: plan.strength,
                seed: config.swarm.seed,
            },
            draws_each: config.swarm.sample_multiplier,
        })
    }
}
