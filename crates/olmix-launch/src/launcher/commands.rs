//! The commands that train and measure a run, by the trainer of its launch config.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use olmix_io::{LaunchConfig, TrainerKind};
use olmix_ledger::{Run, Stage, Swarm};

use super::megatron;
use crate::LaunchError;
use crate::host::shell::{filled, quoted};
use crate::protocol::{Job, MIXTURE_FILE, RemoteFolder, Step};
use crate::swarm::run_folder;

/// What commands need besides the config.
#[derive(Debug, Clone)]
pub struct Tools {
    /// This program, which trains and measures too.
    pub program: PathBuf,
    /// The Python that has torch.
    pub python: String,
    /// Threads of each run.
    pub threads: usize,
    /// The folder on a node in which runs have their folders, where nodes share no filesystem with the
    /// launcher.
    pub scratch: Option<PathBuf>,
}

impl Tools {
    /// This program, and the Python named by `OLMIX_PYTHON` or `python3`.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] when the system does not say where this program is.
    pub fn here(threads: usize) -> Result<Self, LaunchError> {
        let program = std::env::current_exe().map_err(|error| {
            LaunchError::refused(
                format!("the path of this program is not known: {error}"),
                "start it by its path",
            )
        })?;
        let python = std::env::var("OLMIX_PYTHON").unwrap_or_else(|_| "python3".into());
        Ok(Self {
            program,
            python,
            threads,
            scratch: None,
        })
    }
}

/// The job of a run. Paths are absolute.
///
/// # Errors
/// [`LaunchError::Refused`] for a file of metrics that all runs would share.
pub fn job(
    run: &Run,
    config: &LaunchConfig,
    path: &Path,
    folder: &Path,
    tools: &Tools,
) -> Result<Job, LaunchError> {
    let mut timeout = None;
    let mut metrics = folder.join("metrics.json");
    let mut steps = match &config.trainer {
        TrainerKind::Builtin => vec![proxy_train(path, folder, tools), proxy_eval(folder, tools)],
        TrainerKind::Torch => {
            let mut steps = torch(path, folder, tools);
            steps.push(proxy_eval(folder, tools));
            steps
        }
        TrainerKind::Command {
            command,
            metrics: file,
            timeout: seconds,
        } => {
            timeout = seconds.map(Duration::from_secs);
            let values = Values::new(config, path, folder, tools, command)?;
            let file = values.path(file);
            if ![&config.name, &text(folder)]
                .into_iter()
                .any(|own| file.contains(own.as_str()))
            {
                return Err(LaunchError::refused(
                    format!("{}: `trainer.metrics` is {file} for every run", config.file),
                    "name a file of each run's own, such as {out}/metrics.json",
                ));
            }
            metrics = folder.join(file);
            vec![Step {
                stage: Stage::Train,
                program: "sh".into(),
                arguments: vec!["-c".into(), values.command(command)],
                environment: Vec::new(),
            }]
        }
    };
    // Numeric libraries take all cores, unless they are told.
    if std::env::var_os("OMP_NUM_THREADS").is_none() {
        let limit = ("OMP_NUM_THREADS".to_owned(), tools.threads.to_string());
        for step in &mut steps {
            step.environment.push(limit.clone());
        }
    }
    Ok(Job {
        run: run.id,
        name: run.name.clone(),
        attempt: run.attempt,
        folder: folder.to_owned(),
        mixture: run.mixture.clone(),
        phases: run.phases.clone(),
        steps,
        timeout,
        metrics,
        previous_process: run.process.clone(),
        fresh: run.fresh,
        remote: None,
    })
}

/// The job of a run that was claimed.
///
/// # Errors
/// A sentence, for a launch config that can't be used, or that was changed since the launch began.
pub fn job_of_run(swarm: &Swarm, run: &Run, tools: &Tools) -> Result<Job, String> {
    let path = swarm.variants.join(&run.config);
    let (config, record) = LaunchConfig::load(&path).map_err(|error| error.to_string())?;
    if record.sha256 != run.config_sha256 {
        return Err(format!(
            "{} was changed after the launch began; launch again",
            path.display()
        ));
    }
    job_on_engine(run, &config, &path, &run_folder(swarm, run), tools)
        .map_err(|error| error.to_string())
}

/// The job of a run that an engine has: only where its results are is still of interest, so a config that
/// can't be read any more does no harm.
#[must_use]
pub fn job_to_follow(swarm: &Swarm, run: &Run, tools: &Tools) -> Job {
    job_of_run(swarm, run, tools).unwrap_or_else(|_| {
        let folder = run_folder(swarm, run);
        Job {
            run: run.id,
            name: run.name.clone(),
            attempt: run.attempt,
            metrics: folder.join("metrics.json"),
            folder,
            mixture: run.mixture.clone(),
            phases: run.phases.clone(),
            steps: Vec::new(),
            timeout: None,
            previous_process: None,
            fresh: false,
            remote: None,
        }
    })
}

/// The launch config's name in a remote folder.
const CONFIG: &str = "launch.yaml";

/// The job of a run on an engine: where its nodes do not see `folder`, the commands work in the scratch
/// folder there, and the launch config goes with the job.
///
/// # Errors
/// As [`job`], and [`LaunchError::Refused`] for metrics that are not in the run's folder.
pub fn job_on_engine(
    run: &Run,
    config: &LaunchConfig,
    path: &Path,
    folder: &Path,
    tools: &Tools,
) -> Result<Job, LaunchError> {
    let Some(scratch) = &tools.scratch else {
        return job(run, config, path, folder, tools);
    };
    let there = scratch.join(&run.name);
    let file = there.join(CONFIG);
    let mut job = job(run, config, &file, &there, tools)?;
    let Ok(inside) = job.metrics.strip_prefix(&there) else {
        return Err(LaunchError::refused(
            format!(
                "{}: `trainer.metrics` is {}, outside of the run's folder",
                config.file,
                job.metrics.display()
            ),
            "with engine.storage only the run's folder is kept: name a file in {out}",
        ));
    };
    let here = folder.join(inside);
    let text = std::fs::read_to_string(path).map_err(|error| {
        LaunchError::refused(format!("{}: {error}", path.display()), "launch again")
    })?;
    folder.clone_into(&mut job.folder);
    job.remote = Some(RemoteFolder {
        folder: there,
        metrics: std::mem::replace(&mut job.metrics, here),
        files: BTreeMap::from([(file, text)]),
    });
    Ok(job)
}

fn proxy(stage: Stage, words: &[&str], tools: &Tools) -> Step {
    let mut arguments = vec!["proxy".to_owned()];
    arguments.extend(words.iter().map(|&word| word.to_owned()));
    arguments.extend(["--threads".into(), tools.threads.to_string()]);
    arguments.push("--quiet".into());
    Step {
        stage,
        program: text(&tools.program),
        arguments,
        environment: Vec::new(),
    }
}

fn proxy_train(path: &Path, folder: &Path, tools: &Tools) -> Step {
    let words = ["train", "--config", &text(path), "--out", &text(folder)];
    proxy(Stage::Train, &words, tools)
}

fn proxy_eval(folder: &Path, tools: &Tools) -> Step {
    proxy(Stage::Evaluate, &["eval", "--model", &text(folder)], tools)
}

fn torch(path: &Path, folder: &Path, tools: &Tools) -> Vec<Step> {
    let words = [
        "-m",
        "olmix_torch",
        "train",
        "--config",
        &text(path),
        "--out",
    ];
    let mut arguments: Vec<String> = words.map(str::to_owned).into();
    arguments.push(text(folder));
    let mut environment = vec![("OLMIX".to_owned(), text(&tools.program))];
    environment.extend(torch_folder(tools).map(|found| ("PYTHONPATH".to_owned(), found)));
    vec![Step {
        stage: Stage::Train,
        program: tools.python.clone(),
        arguments,
        environment,
    }]
}

/// `PYTHONPATH` with the folder of the torch trainer, where it lies above this program or the working
/// directory; elsewhere it is installed.
fn torch_folder(tools: &Tools) -> Option<String> {
    let here = std::env::current_dir().unwrap_or_default();
    let found = tools
        .program
        .ancestors()
        .chain(here.ancestors())
        .map(|folder| folder.join("trainers/torch"))
        .find(|folder| folder.join("olmix_torch/__main__.py").is_file())?;
    let others = std::env::var_os("PYTHONPATH").unwrap_or_default();
    let paths = std::iter::once(found).chain(std::env::split_paths(&others));
    let joined = std::env::join_paths(paths).ok()?;
    joined.into_string().ok()
}

/// What the placeholders of a custom trainer stand for.
struct Values {
    /// Each is one word of the command.
    words: Vec<(&'static str, String)>,
    /// Several words each, which are quoted already.
    lines: Vec<(&'static str, String)>,
}

impl Values {
    /// The values, and the blends that `command` names.
    fn new(
        config: &LaunchConfig,
        path: &Path,
        folder: &Path,
        tools: &Tools,
        command: &str,
    ) -> Result<Self, LaunchError> {
        let mut values = Self {
            words: vec![
                ("mix_json", text(&folder.join(MIXTURE_FILE))),
                ("out", text(folder)),
                ("config", text(path)),
                ("name", config.name.clone()),
                ("seed", config.training.seed.to_string()),
                ("threads", tools.threads.to_string()),
            ],
            lines: Vec::new(),
        };
        for blend in ["{megatron_blend}", "{megatron_bridge}"] {
            if command.contains(blend) && !config.phases.is_empty() {
                return Err(LaunchError::refused(
                    format!(
                        "{}: `{blend}` in `trainer.command` is one blend, and the run has {} phases",
                        config.file,
                        config.phases.len()
                    ),
                    "train a run for each phase, or read the phases from {mix_json}",
                ));
            }
        }
        if command.contains("{megatron_blend}") {
            values
                .lines
                .push(("megatron_blend", megatron::line(config)?));
        }
        if command.contains("{megatron_bridge}") {
            values
                .words
                .push(("megatron_bridge", megatron::lists(config)?));
        }
        Ok(values)
    }

    fn path(&self, template: &str) -> String {
        filled(template, |name| {
            let found = self.words.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str())
        })
    }

    fn command(&self, template: &str) -> String {
        let words = self
            .words
            .iter()
            .map(|(name, value)| (*name, quoted(value)));
        let all: Vec<(&str, String)> = words.chain(self.lines.clone()).collect();
        filled(template, |name| {
            let found = all.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_str())
        })
    }
}

/// A path as text. Paths that are not UTF-8 are refused before they come here.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
