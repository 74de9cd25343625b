//! Which engine a swarm is for, and the way to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use olmix_io::{EngineConfig, EngineKind};
use olmix_ledger::{Ledger, Run, State, Swarm};

use super::{DEFAULT_RETRIES, Event, Launcher, Tools, Until, Watcher};
use crate::LaunchError;
use crate::engine::cluster::{self, Cluster, ClusterEngine, Site};
use crate::engine::contract::Engine;
use crate::engine::multi::MultiEngine;
use crate::engine::{EngineEntry, registry};
use crate::host::clock::{Clock, SystemClock};
use crate::host::interrupt::StopRequest;
use crate::host::process::{Liveness, liveness};
use crate::object_store::Storage;
use crate::swarm::Variant;

/// The file of a project that may have the section `engine`.
const PROJECT_FILE: &str = "olmix.yaml";

/// What the launch configs of a swarm say of its engine, or else the nearest olmix.yaml above
/// `variants_folder` or the working directory. `kind` and `jobs`, of the command line, come first.
///
/// # Errors
/// [`LaunchError`] for launch configs that differ, and for a project file that can't be used.
pub fn engine_settings(
    variants_folder: &Path,
    variants: &[Variant],
    kind: Option<EngineKind>,
    jobs: Option<u32>,
) -> Result<EngineConfig, LaunchError> {
    let sections: Vec<Option<&EngineConfig>> = variants
        .iter()
        .map(|variant| variant.config.engine.as_ref())
        .collect();
    if let Some(other) = sections.iter().position(|engine| *engine != sections[0]) {
        return Err(LaunchError::refused(
            format!(
                "{}: its section `engine` is another than that of {}",
                variants[other].file, variants[0].file
            ),
            "a swarm has one engine; make them alike",
        ));
    }
    let mut settings = match sections.first().copied().flatten() {
        Some(engine) => engine.clone(),
        None => settings_of_project(variants_folder)?.unwrap_or_default(),
    };
    // So many jobs of a cluster are not so many processes of this machine.
    if kind == Some(EngineKind::Local) && settings.kind != EngineKind::Local {
        settings.jobs = None;
    }
    settings.kind = kind.unwrap_or(settings.kind);
    settings.jobs = jobs.or(settings.jobs);
    Ok(settings)
}

fn settings_of_project(variants_folder: &Path) -> Result<Option<EngineConfig>, LaunchError> {
    let here = std::env::current_dir().unwrap_or_default();
    let folders = variants_folder.ancestors().chain(here.ancestors());
    let found = folders
        .map(|folder| folder.join(PROJECT_FILE))
        .find(|path| path.is_file());
    Ok(found
        .map(|path| EngineConfig::load(&path))
        .transpose()?
        .flatten())
}

/// This program on the nodes, and the working directory there.
fn node_paths(settings: &EngineConfig) -> Result<(PathBuf, PathBuf), LaunchError> {
    let program = match &settings.program {
        Some(program) => PathBuf::from(program),
        None => Tools::here(1)?.program,
    };
    let workdir = match &settings.workdir {
        Some(workdir) => PathBuf::from(workdir),
        None => std::env::current_dir().map_err(|error| {
            LaunchError::refused(
                format!("the working directory can't be used: {error}"),
                "try again from a folder that exists",
            )
        })?,
    };
    Ok((program, workdir))
}

/// What runs on a cluster need; `name` is the swarm's, and `out` its folder of runs.
///
/// # Errors
/// [`LaunchError::Refused`] for a store or a working directory that can't be used.
pub fn site(settings: &EngineConfig, name: &str, out: &Path) -> Result<Site, LaunchError> {
    let (program, workdir) = node_paths(settings)?;
    Ok(Site {
        swarm: name.to_owned(),
        out: out.to_owned(),
        storage: cluster::storage(settings)?,
        workdir,
        program,
        settings: settings.clone(),
    })
}

/// What commands of runs need on the engine of these settings; `threads` of each run on this machine.
///
/// # Errors
/// [`LaunchError::Refused`] when the path of this program is not known, and for a scratch folder that is not
/// absolute.
pub fn tools(settings: &EngineConfig, threads: usize) -> Result<Tools, LaunchError> {
    let mut tools = Tools::here(threads)?;
    if registry::is_cluster(settings) {
        tools.program = node_paths(settings)?.0;
        tools.threads = settings.cpus.unwrap_or(1) as usize;
        tools.scratch = cluster::scratch(settings)?;
    }
    Ok(tools)
}

/// The engine of a launch, opened and checked before anything is made for its swarm.
pub struct OpenedEngine {
    settings: EngineConfig,
    /// `None` for processes of this machine.
    cluster: Option<Box<dyn Cluster>>,
    storage: Option<Storage>,
}

impl std::fmt::Debug for OpenedEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedEngine")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl OpenedEngine {
    /// Opens the engine of these settings. What is missing on this machine, and a store that does not keep
    /// what it is given, is told here.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] with what is missing.
    pub fn open(settings: &EngineConfig) -> Result<Self, LaunchError> {
        let (mut opened, mut storage) = (None, None);
        if registry::is_cluster(settings) {
            let cluster = registry::open_cluster(settings)?;
            cluster.check_answers()?;
            opened = Some(cluster);
            storage = cluster::storage(settings)?;
            storage.as_ref().map(Storage::check).transpose()?;
        }
        Ok(Self {
            settings: settings.clone(),
            cluster: opened,
            storage,
        })
    }

    /// Whether its runs go on without a launcher.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// Refuses a store that has runs of these names before this swarm has begun any: another swarm's, which
    /// would be gone on with.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] for such a store, and one that does not answer.
    pub fn check_storage_is_own(&self, runs: &[Run]) -> Result<(), LaunchError> {
        let Some(storage) = &self.storage else {
            return Ok(());
        };
        if runs.iter().any(|run| run.attempt > 0) {
            return Ok(());
        }
        let folders = storage.folders()?;
        match runs.iter().find(|run| folders.contains(&run.name)) {
            None => Ok(()),
            Some(run) => Err(LaunchError::refused(
                format!(
                    "{}: holds the run {} of another swarm",
                    storage.url(),
                    run.name
                ),
                "give each swarm an engine.storage of its own",
            )),
        }
    }

    /// The engine for a swarm, with those of earlier launches as far as runs are with them: the ledger
    /// remembers how each is reached. `jobs` is the number of processes at once.
    ///
    /// # Errors
    /// [`LaunchError`] for a ledger that can't be used.
    pub fn for_swarm(
        self,
        jobs: usize,
        ledger: &Ledger,
        swarm: &Swarm,
        clock: &Arc<dyn Clock>,
    ) -> Result<MultiEngine<'static>, LaunchError> {
        let name = self.settings.kind.word();
        let main = match (self.cluster, registry::entry(name)) {
            (None, Some(EngineEntry::Processes(open))) => open(jobs),
            (Some(cluster), _) => {
                let text = serde_json::to_string(&self.settings).unwrap_or_default();
                ledger.remember_engine(swarm.id, name, &text)?;
                let (program, workdir) = node_paths(&self.settings)?;
                let site = Site {
                    swarm: swarm.name.clone(),
                    out: swarm.out.clone(),
                    storage: self.storage,
                    workdir,
                    program,
                    settings: self.settings,
                };
                Box::new(ClusterEngine::new(cluster, site, Arc::clone(clock)))
            }
            (None, _) => return Err(unknown_way(name)),
        };
        let known = ledger.engines(swarm.id)?;
        let (swarm, clock) = (swarm.clone(), Arc::clone(clock));
        let open = move |name: &str| {
            let settings = known
                .get(name)
                .map(|text| serde_json::from_str::<EngineConfig>(text));
            let Some(Ok(settings)) = settings else {
                return Err(unknown_way(name));
            };
            let cluster = registry::open_cluster(&settings)?;
            let site = site(&settings, &swarm.name, &swarm.out)?;
            let engine = ClusterEngine::new(cluster, site, Arc::clone(&clock));
            Ok(Box::new(engine) as Box<dyn Engine>)
        };
        Ok(MultiEngine::new(main, Box::new(open)))
    }
}

fn unknown_way(name: &str) -> LaunchError {
    LaunchError::refused(
        format!("runs are with {name}, and the ledger does not say how to reach it"),
        format!("launch with --engine {name}"),
    )
}

/// Brings the ledger up to date with the engines of runs that no launcher follows, and with
/// [`Until::Cancelled`] ends those that are to be cancelled. What engines say for people goes to `notice`.
///
/// # Errors
/// [`LaunchError`] for a ledger or an engine that can't be used.
pub fn reconcile(
    ledger: &mut Ledger,
    swarm: &Swarm,
    until: Until,
    notice: &mut dyn FnMut(&str),
) -> Result<(), LaunchError> {
    let launchers = ledger.launchers()?;
    let alive = |id: &str| {
        let found = launchers.iter().find(|launcher| launcher.id == id);
        found.is_some_and(|launcher| liveness(&launcher.process) != Liveness::Dead)
    };
    let runs = ledger.runs(swarm.id)?;
    let orphans = runs.iter().any(|run| {
        let open = matches!(run.state, State::Submitted | State::Running);
        open && run.engine_job.is_some() && !run.launcher.as_deref().is_some_and(alive)
    });
    if !orphans {
        return Ok(());
    }
    let clock = SystemClock::shared();
    let opened = OpenedEngine::open(&EngineConfig::default())?;
    let mut engine = opened.for_swarm(0, ledger, swarm, &clock)?;
    let mut launcher = Launcher {
        ledger,
        swarm,
        tools: Tools::here(1)?,
        retries: DEFAULT_RETRIES,
        until,
        clock,
    };
    launcher.run(&mut engine, &mut NoticesOnly(notice))?;
    Ok(())
}

/// Passes on what engines say for people, and never stops a launch.
struct NoticesOnly<'n>(&'n mut dyn FnMut(&str));

impl Watcher for NoticesOnly<'_> {
    fn event(&mut self, event: &Event) {
        if let Event::Notice(line) = event {
            (self.0)(line);
        }
    }

    fn stop_request(&mut self, _ledger: &Ledger) -> StopRequest {
        StopRequest::None
    }
}
