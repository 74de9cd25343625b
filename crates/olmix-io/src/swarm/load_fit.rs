//! From a config file to everything a fit needs.

use std::path::Path;

use olmix_core::Swarm;
use olmix_core::reuse::VirtualDomain;

use super::domain_columns::DomainColumns;
use super::load_phases::PhasedTables;
use super::load_scale::SizedTables;
use super::load_swarm::SwarmTables;
use super::loaded_fit::LoadedFit;
use super::loader::Loader;
use super::tables::run_join::matrix;
use crate::config::fit::{Overrides, SwarmFiles, normalized};
use crate::error::IoError;

/// Reads a config and the swarm it names, and checks everything that can be checked before a
/// fit.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
/// write("ratios.csv", "run,web,code\nr1,0.5,0.5\nr2,0.9,0.1\nr3,0.2,0.8\n")?;
/// write("metrics.csv", "run,arc_easy\nr1,1.1\nr2,1.3\nr3,1.2\n")?;
/// write(
///     "fit.yaml",
///     "swarm: {ratios: ratios.csv, metrics: metrics.csv}\npriors: {relative_sizes: {web: 3, code: 1}}\n",
/// )?;
/// let fit = olmix_io::load_fit(&folder.path().join("fit.yaml"))?;
/// assert_eq!(fit.swarm.runs(), ["r1", "r2", "r3"]);
/// assert_eq!(fit.spec.prior.weights(), [0.75, 0.25]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`IoError`] for the first thing that can't be used, with file, place and help.
pub fn load_fit(config: &Path) -> Result<LoadedFit, IoError> {
    load_fit_with(config, &Overrides::default())
}

/// As [`load_fit`], with some settings given in place of the config's.
///
/// # Errors
/// As [`load_fit`].
pub fn load_fit_with(config: &Path, overrides: &Overrides) -> Result<LoadedFit, IoError> {
    let loader = Loader::open(config, overrides)?;
    let swarm = loader.config.swarm.clone();
    let Some(files) = swarm.filter(|_| loader.config.needs_swarm()) else {
        return without_swarm(loader);
    };
    let mut loader = loader;
    let tables = SwarmTables::read(&mut loader.tables, &files)?;
    let mut loaded = with_swarm(loader, &tables, &files.earlier)?;
    if let Some(law) = overrides.law {
        loaded.replace_law(law);
    }
    Ok(loaded)
}

/// As [`load_fit_with`], of a config that is text at hand (`name` is what messages call it), and of tables that are
/// in memory where the config has no `swarm`. Paths in the config are relative to the working directory.
///
/// # Errors
/// As [`load_fit`], and for a config that names a swarm where tables are given.
pub fn load_fit_text(
    name: &str,
    text: &str,
    tables: Option<&SwarmTables>,
    overrides: &Overrides,
) -> Result<LoadedFit, IoError> {
    let mut loader = Loader::of_text(name, text, overrides, tables.is_some())?;
    if let (Some(tables), true) = (tables, loader.config.needs_swarm()) {
        let records = [&tables.ratios, &tables.metrics].map(|table| table.record().clone());
        loader.tables.inputs.extend(records);
        return with_swarm(loader, tables, &[]);
    }
    let swarm = loader.config.swarm.clone();
    let Some(files) = swarm.filter(|_| loader.config.needs_swarm()) else {
        return without_swarm(loader);
    };
    let tables = SwarmTables::read(&mut loader.tables, &files)?;
    with_swarm(loader, &tables, &files.earlier)
}

/// Every step from the tables to the fit, in order.
fn with_swarm(
    mut loader: Loader,
    tables: &SwarmTables,
    earlier: &[SwarmFiles],
) -> Result<LoadedFit, IoError> {
    let scale = loader.config.scale.clone();
    let sized = scale.as_ref().map(|scale| SizedTables::new(tables, scale));
    let sized = sized.transpose()?;
    let tables = sized.as_ref().map_or(tables, |sized| &sized.tables);
    let phased = PhasedTables::new(&loader.config, tables)?;
    let tables = phased.as_ref().map_or(tables, |phased| &phased.tables[0]);
    let columns = DomainColumns::new(&loader.config, &tables.ratios)?;
    let domains = loader.resolve_domains(Some((&columns.names, &tables.ratios)))?;
    let mut selection = loader.select_tasks(&tables.metrics)?;
    let mut swarms = loader.load_swarms(earlier, tables, &columns, &selection)?;
    loader.convert_to_losses(&tables.metrics, &mut selection, &mut swarms)?;
    let runs = swarms.iter().map(|swarm| swarm.ids.len()).sum();
    let mut spec = loader.fit_spec(&domains, runs)?;
    let weighted = loader.weighted_swarms(earlier, &swarms);
    let mut swarm = loader.align_swarms(&domains.domains, &selection.tasks, &swarms, &spec)?;
    let mut size_check = None;
    if let (Some(sized), Some(scale)) = (&sized, &scale) {
        let found = loader.at_scale(&swarm, sized, scale)?;
        swarm = found.swarm;
        size_check = found.check;
        spec = loader.fit_spec(&domains, swarm.len())?;
        spec.scaling = Some(found.scaled);
    }
    if let Some(files) = loader.config.target.clone() {
        spec.target = Some(loader.load_target(&files, &swarm, &selection)?);
    }
    spec.repetition = loader.measured_repetition(&swarm, &spec)?;
    let config = &loader.config;
    spec.objective = config
        .objective
        .over(&config.file, &spec.prior, &selection.tasks)?;
    if let Some(phased) = &phased {
        swarm = loader.swarm_over_phases(phased, &columns, &swarm)?;
        spec.objective = loader.objective_over_phases(phased, &spec.objective)?;
        spec = loader.spec_over_phases(phased, spec)?;
        loader.config.phases = Some(phased.config.clone());
    }
    Ok(LoadedFit {
        size_check,
        virtual_domains: virtual_domains(&loader, &swarm),
        swarm,
        runs_given: swarms.iter().map(|swarm| swarm.given).sum(),
        weighted,
        members: selection.members,
        spec,
        notices: loader.tables.notices,
        inputs: loader.tables.inputs,
        config: loader.config,
    })
}

/// A mixture by a rule looks at the priors alone: its swarm has no runs and no tasks.
fn without_swarm(mut loader: Loader) -> Result<LoadedFit, IoError> {
    let domains = loader.resolve_domains(None)?;
    let spec = loader.fit_spec_without_runs(&domains);
    let mixtures = matrix(&[], domains.domains.len());
    let no_runs = Swarm::new(
        domains.domains,
        Vec::new(),
        Vec::new(),
        mixtures,
        matrix(&[], 0),
    );
    let swarm = no_runs.map_err(|error| loader.refused(error))?;
    Ok(LoadedFit {
        size_check: None,
        virtual_domains: virtual_domains(&loader, &swarm),
        swarm,
        runs_given: 0,
        weighted: Vec::new(),
        members: Vec::new(),
        spec,
        notices: loader.tables.notices,
        inputs: loader.tables.inputs,
        config: loader.config,
    })
}

/// The virtual domains that are domains of the swarm, with shares that sum to 1.
fn virtual_domains(loader: &Loader, swarm: &Swarm) -> Vec<VirtualDomain> {
    let declared = loader.config.declared_virtual_domains().iter();
    let present = declared.filter(|one| swarm.domains().position(&one.name).is_some());
    present
        .map(|one| VirtualDomain {
            name: one.name.clone(),
            members: normalized(&one.value),
        })
        .collect()
}
