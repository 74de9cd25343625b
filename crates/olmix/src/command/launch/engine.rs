//! Which engine a swarm is for, and the way to it.

use std::path::{Path, PathBuf};

use olmix_io::{EngineConfig, EngineKind};
use olmix_launch::cluster::{self, ClusterEngine, Site};
use olmix_launch::{
    DEFAULT_RETRIES, Engine, Event, Launcher, Liveness, Local, MultiEngine, StopRequest,
    SwarmPaths, SystemClock, Tools, Until, Variant, Watcher, liveness, registry,
};
use olmix_ledger::{Ledger, State, Swarm};

use crate::args::LaunchRunArgs;
use crate::failure::Failure;
use crate::output;

/// The file of a project that may have the section `engine`.
const PROJECT: &str = "olmix.yaml";

/// What the launch configs say of the engine, or the nearest olmix.yaml above them or the working directory; the command
/// line's words come first.
pub fn settings(
    args: &LaunchRunArgs,
    place: &SwarmPaths,
    variants: &[Variant],
) -> Result<EngineConfig, Failure> {
    let said: Vec<Option<&EngineConfig>> = variants
        .iter()
        .map(|variant| variant.config.engine.as_ref())
        .collect();
    if let Some(other) = said.iter().position(|engine| *engine != said[0]) {
        return Err(Failure::usage(
            format!(
                "{}: its section `engine` is another than that of {}",
                variants[other].file, variants[0].file
            ),
            "a swarm has one engine; make them alike",
        ));
    }
    let mut settings = match said.first().copied().flatten() {
        Some(engine) => engine.clone(),
        None => of_project(&place.variants)?.unwrap_or_default(),
    };
    if let Some(name) = args.engine {
        settings.kind = name.into();
    }
    if let Some(jobs) = args.jobs {
        settings.jobs = Some(jobs.into());
    }
    Ok(settings)
}

fn of_project(variants: &Path) -> Result<Option<EngineConfig>, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let folders = variants.ancestors().chain(here.ancestors());
    let found = folders
        .map(|folder| folder.join(PROJECT))
        .find(|path| path.is_file());
    Ok(found
        .map(|path| EngineConfig::load(&path))
        .transpose()?
        .flatten())
}

/// This program on the nodes, and the working directory there.
fn paths(settings: &EngineConfig) -> Result<(PathBuf, PathBuf), Failure> {
    let program = match &settings.program {
        Some(program) => PathBuf::from(program),
        None => Tools::here(1)?.program,
    };
    let workdir = match &settings.workdir {
        Some(workdir) => PathBuf::from(workdir),
        None => std::env::current_dir().map_err(|error| {
            Failure::refused(format!("the working directory can't be used: {error}"))
        })?,
    };
    Ok((program, workdir))
}

/// What runs on a cluster need.
pub fn site(settings: &EngineConfig, name: &str, out: &Path) -> Result<Site, Failure> {
    let (program, workdir) = paths(settings)?;
    Ok(Site {
        swarm: name.to_owned(),
        out: out.to_owned(),
        storage: cluster::storage(settings)?,
        workdir,
        program,
        settings: settings.clone(),
    })
}

/// What commands of runs need, on this engine.
pub fn tools(settings: &EngineConfig, threads: usize) -> Result<Tools, Failure> {
    let mut tools = Tools::here(threads)?;
    if settings.kind != EngineKind::Local {
        tools.program = paths(settings)?.0;
        tools.threads = settings.cpus.unwrap_or(1) as usize;
        tools.scratch = cluster::scratch(settings)?;
    }
    Ok(tools)
}

/// The engine of a launch, which finds the way to those of earlier launches by what the ledger remembers.
pub fn fleet<'f>(
    settings: &EngineConfig,
    jobs: usize,
    ledger: &Ledger,
    swarm: &'f Swarm,
) -> Result<MultiEngine<'f>, Failure> {
    let main: Box<dyn Engine> = if settings.kind == EngineKind::Local {
        Box::new(Local::new(jobs))
    } else {
        let cluster = registry::open(settings)?;
        let text = serde_json::to_string(settings)
            .map_err(|error| Failure::Internal(error.to_string()))?;
        ledger.remember_engine(swarm.id, settings.kind.word(), &text)?;
        Box::new(ClusterEngine::new(
            cluster,
            site(settings, &swarm.name, &swarm.out)?,
            SystemClock::shared(),
        ))
    };
    let known = ledger.engines(swarm.id)?;
    let open = move |name: &str| {
        let settings = known
            .get(name)
            .map(|text| serde_json::from_str::<EngineConfig>(text));
        let Some(Ok(settings)) = settings else {
            return Err(olmix_launch::LaunchError::Refused {
                message: format!(
                    "runs are with {name}, and the ledger does not say how to reach it"
                ),
                help: format!("launch with --engine {name}"),
            });
        };
        let cluster = registry::open(&settings)?;
        let site = site(&settings, &swarm.name, &swarm.out).map_err(|failure| {
            olmix_launch::LaunchError::Refused {
                message: failure.to_string(),
                help: "try again from a folder that exists".into(),
            }
        })?;
        Ok(Box::new(ClusterEngine::new(cluster, site, SystemClock::shared())) as Box<dyn Engine>)
    };
    Ok(MultiEngine::new(main, Box::new(open)))
}

/// Brings the ledger up to date with the engines of runs that no launcher follows, and ends those that are to be cancelled.
pub fn reconcile(ledger: &mut Ledger, swarm: &Swarm, until: Until) -> Result<(), Failure> {
    let launchers = ledger.launchers()?;
    let alive = |id: &str| {
        let found = launchers.iter().find(|launcher| launcher.id == id);
        found.is_some_and(|launcher| liveness(&launcher.process) != Liveness::Dead)
    };
    let runs = ledger.runs(swarm.id)?;
    let left = runs.iter().any(|run| {
        let open = matches!(run.state, State::Submitted | State::Running);
        open && run.engine_job.is_some() && !run.launcher.as_deref().is_some_and(alive)
    });
    if !left {
        return Ok(());
    }
    let settings = EngineConfig::default();
    let mut fleet = fleet(&settings, 0, ledger, swarm)?;
    let mut launcher = Launcher {
        ledger,
        swarm,
        tools: Tools::here(1)?,
        retries: DEFAULT_RETRIES,
        until,
        clock: SystemClock::shared(),
    };
    launcher.run(&mut fleet, &mut Quiet)?;
    Ok(())
}

/// Says only what matters, and goes on.
struct Quiet;

impl Watcher for Quiet {
    fn event(&mut self, event: &Event) {
        if let Event::Notice(line) = event {
            output::eprint_line(line);
        }
    }

    fn stop_request(&mut self, _ledger: &Ledger) -> StopRequest {
        StopRequest::None
    }
}
