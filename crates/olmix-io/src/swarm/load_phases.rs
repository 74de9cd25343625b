//! Runs in phases: a ratios table with a row for each run and phase, and the fit over the domains of phases.

use std::collections::HashMap;

use olmix_core::objective::Objective;
use olmix_core::phases::{Phase, PhaseSpec, Phases};
use olmix_core::{CoreError, FitSpec, Swarm};

use super::domain_columns::DomainColumns;
use super::load_swarm::SwarmTables;
use super::loader::Loader;
use super::metrics_meta::MetricsMeta;
use super::tables::csv_table::{PHASE, Table};
use super::tables::run_join::matrix;
use crate::config::fit::{FitConfig, PhasesConfig};
use crate::error::IoError;
use crate::messages::{count, excerpt, listed};

/// The column of ratios that names the phase of a row.
const COLUMN: &str = PHASE;

/// The tables of each phase, and the phases.
pub(crate) struct PhasedTables {
    pub config: PhasesConfig,
    pub phases: Phases,
    /// One per phase, each with a row a run; the metrics are the same.
    pub tables: Vec<SwarmTables>,
}

impl PhasedTables {
    /// The tables of runs in phases; `None` for runs without phases.
    pub fn new(config: &FitConfig, tables: &SwarmTables) -> Result<Option<Self>, IoError> {
        let ratios = &tables.ratios;
        let Some(column) = ratios.columns().iter().position(|name| name == COLUMN) else {
            return match &config.phases {
                None => Ok(None),
                Some(_) => Err(ratios.header_error(
                    format!(
                        "there is no column `{COLUMN}`: runs with one mixture say nothing of `phases`, which {} asks for",
                        config.file
                    ),
                    "give a row for each run and phase, with the phase's name in the column `phase`, or remove `phases`",
                )),
            };
        };
        if config.phases.is_none() && !ratios.has_text(column) {
            // A domain of that name.
            return ratios.unique_ids().map(|()| None);
        }
        let of_config = match &config.phases {
            Some(given) => given.clone(),
            None => of_metrics(config, ratios)?,
        };
        check_together(config)?;
        let phases = of_config
            .phases()
            .map_err(|error| IoError::core(config.file.clone(), error))?;
        let split = split(ratios, column, &phases)?;
        let each = split.into_iter().map(|ratios| SwarmTables {
            ratios,
            metrics: tables.metrics.clone(),
        });
        Ok(Some(Self {
            tables: each.collect(),
            config: of_config,
            phases,
        }))
    }
}

/// The phases that `olmix collect` wrote beside the metrics.
fn of_metrics(config: &FitConfig, ratios: &Table) -> Result<PhasesConfig, IoError> {
    let files = config.swarm.as_ref();
    let meta = files.map(|files| MetricsMeta::read(&files.metrics_path));
    let known = meta.transpose()?.flatten().map(|meta| meta.phases);
    let phase = |share: &super::metrics_meta::PhaseShare| Phase {
        name: share.name.clone(),
        fraction: share.fraction,
    };
    let phases = known.map(|known| Phases::new(known.iter().map(phase).collect()));
    match phases {
        Some(Ok(phases)) => Ok(PhasesConfig::of(&phases)),
        _ => Err(ratios.header_error(
            format!(
                "there is a row for each run and phase (column `{COLUMN}`), and nothing says which share of the tokens \
                 each phase has"
            ),
            format!(
                "add them to {}: `phases: [{{name: pretraining, fraction: 0.8}}, {{name: cooldown, fraction: 0.2}}]`",
                config.file
            ),
        )),
    }
}

/// Refuses what has no meaning over phases.
fn check_together(config: &FitConfig) -> Result<(), IoError> {
    let earlier = config.swarm.as_ref().is_some_and(|s| !s.earlier.is_empty());
    let together = [
        ("swarm.earlier", earlier),
        ("scale", config.scale.is_some()),
        ("target", config.target.is_some()),
        ("virtual_domains", config.virtual_domains.is_some()),
        ("constraints.frozen", !config.constraints.frozen.is_empty()),
    ];
    match together.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((setting, _)) => Err(IoError::input(
            &config.file,
            crate::error::Location::Field((*setting).to_owned()),
            format!("`{setting}` is given, and the runs are in phases: the two can't be combined"),
            "remove one of the two",
        )),
    }
}

/// A table for each phase, with the same runs in the same order.
fn split(ratios: &Table, column: usize, phases: &Phases) -> Result<Vec<Table>, IoError> {
    let mut rows: Vec<HashMap<&str, usize>> = vec![HashMap::new(); phases.len()];
    let mut runs: Vec<&str> = Vec::new();
    let names: Vec<&str> = phases.iter().map(|phase| phase.name.as_str()).collect();
    for row in 0..ratios.len() {
        let name = ratios.text(row, column);
        let Some(s) = names.iter().position(|known| *known == name) else {
            return Err(ratios.error(
                row,
                format!(
                    "the phase is `{}`, which is none of the phases",
                    excerpt(&name)
                ),
                &format!("the phases are {}", listed(names.clone(), 8)),
            ));
        };
        let run = ratios.id(row);
        if !rows.iter().any(|known| known.contains_key(run)) {
            runs.push(run);
        }
        rows[s].insert(run, row);
    }
    let mut tables = Vec::with_capacity(rows.len());
    for (known, name) in rows.iter().zip(&names) {
        let missing: Vec<&str> = runs
            .iter()
            .filter(|run| !known.contains_key(*run))
            .copied()
            .collect();
        if !missing.is_empty() {
            return Err(ratios.header_error(
                format!(
                    "{} no row for the phase `{}`: {}",
                    if missing.len() == 1 {
                        "a run has".to_owned()
                    } else {
                        format!("{} have", count(missing.len(), "run"))
                    },
                    excerpt(name),
                    listed(missing, 5)
                ),
                "give every run a row for each phase",
            ));
        }
        let of_phase: Vec<usize> = runs.iter().map(|run| known[run]).collect();
        tables.push(ratios.select(&of_phase).without(&[COLUMN]));
    }
    Ok(tables)
}

impl Loader {
    /// A swarm of the first phase's mixtures as one over the domains of phases.
    pub fn swarm_over_phases(
        &mut self,
        phased: &PhasedTables,
        columns: &DomainColumns,
        swarm: &Swarm,
    ) -> Result<Swarm, IoError> {
        let mut mixtures = vec![swarm.mixtures().clone()];
        for tables in &phased.tables[1..] {
            let ratios = &tables.ratios;
            let row_of: HashMap<&str, usize> = ratios.ids().zip(0..).collect();
            let rows: Vec<usize> = swarm
                .runs()
                .iter()
                .map(|run| row_of[run.as_str()])
                .collect();
            let all: Vec<usize> = (0..ratios.columns().len()).collect();
            let mut of_phase = Vec::with_capacity(rows.len());
            for (&row, mixture) in rows.iter().zip(self.tables.mixtures(ratios, &rows, &all)?) {
                let Some(mixture) = mixture else {
                    return Err(ratios.error(
                        row,
                        format!(
                            "run `{}` has a mixture in its other phases, and none here",
                            excerpt(ratios.id(row))
                        ),
                        "give a share for every domain, or remove all rows of the run",
                    ));
                };
                of_phase.push(columns.collapse(ratios, row, &mixture)?);
            }
            mixtures.push(matrix(&of_phase, swarm.domains().len()));
        }
        let whole = phased.phases.swarm(swarm, &mixtures);
        whole.map_err(|error| self.refused(error))
    }

    /// What is asked of the method, over the domains of phases.
    pub fn spec_over_phases(
        &self,
        phased: &PhasedTables,
        spec: FitSpec,
    ) -> Result<FitSpec, IoError> {
        let refused = |error: CoreError| match error {
            CoreError::Infeasible(message) => IoError::input(
                &self.config.file,
                phased.config.location.clone(),
                message,
                "loosen the bounds of the phases, raise constraints.repetition_factor, or lower \
                 constraints.target_tokens",
            ),
            other => self.refused(other),
        };
        let phases = &phased.phases;
        let domains = spec.prior.domains().clone();
        let within = phased.config.over(&self.config.file, &domains)?;
        let whole = &spec.constraints;
        let constraints = phases
            .constraints(&domains, whole, &within)
            .map_err(refused)?;
        let of_phases = PhaseSpec::new(phases.clone(), domains, whole, &within);
        let stacked = FitSpec {
            prior: phases.prior(&spec.prior).map_err(refused)?,
            kl_reference: spec.kl_reference.as_deref().map(|q| phases.stack_static(q)),
            constraints,
            phases: Some(of_phases),
            ..spec
        };
        stacked.validate().map_err(|error| match error {
            CoreError::Phases(message) => IoError::input(
                &self.config.file,
                phased.config.location.clone(),
                message,
                "use the proposer `exact`, or leave the phases out",
            ),
            other => self.refused(other),
        })?;
        Ok(stacked)
    }

    /// Guardrails and baselines over the domains of phases: a baseline is the same mixture in every phase.
    pub fn objective_over_phases(
        &self,
        phased: &PhasedTables,
        objective: &Objective,
    ) -> Result<Objective, IoError> {
        let over = objective.over_phases(&phased.phases);
        over.map_err(|error| self.refused(error))
    }
}
