//! Slurm, through its commands and their parsable output.

mod output;

use std::path::Path;
use std::process::{Command, Stdio};

use olmix_io::EngineConfig;

use super::cluster::contract::{Batch, Cluster, ClusterError, JobStatus, job_name};
use super::entry::EngineEntry;
use crate::LaunchError;
use crate::host::shell::quoted;

/// The script of a submission, kept with its job specs.
const SCRIPT: &str = "submit.sh";

/// Most jobs of one `scancel`.
const MAX_CANCELLED: usize = 400;

/// What Slurm says when its controller can't be reached for a while.
const TRANSIENT_ERRORS: [&str; 9] = [
    "Unable to contact slurm controller",
    "Socket timed out",
    "Connection refused",
    "Connection reset",
    "Connection timed out",
    "Zero Bytes were transmitted",
    "Resource temporarily unavailable",
    "Slurm backup controller",
    "Communication connection failure",
];

/// How the registry opens it.
pub const ENGINE: EngineEntry = EngineEntry::Cluster(|_| Ok(Box::new(Slurm::new())));

/// The Slurm that this machine's commands speak to.
#[derive(Debug)]
pub struct Slurm {
    max_tasks: Option<usize>,
    user: String,
}

impl Slurm {
    /// The Slurm of this machine, if it has one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_tasks: None,
            user: nix::unistd::geteuid().to_string(),
        }
    }
}

impl Default for Slurm {
    fn default() -> Self {
        Self::new()
    }
}

fn on_path(command: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(command).is_file())
}

impl Cluster for Slurm {
    fn name(&self) -> &'static str {
        "slurm"
    }

    fn check(&self) -> Result<(), LaunchError> {
        for command in ["sbatch", "squeue", "scancel", "scontrol"] {
            if !on_path(command) {
                return Err(LaunchError::refused(
                    format!(
                        "`{command}` is not on this machine's path, and the engine slurm needs it"
                    ),
                    "run this on a login node of the cluster, with Slurm's commands on the path (often \
                     `module load slurm`)",
                ));
            }
        }
        Ok(())
    }

    fn max_tasks(&mut self) -> Result<usize, ClusterError> {
        if let Some(most) = self.max_tasks {
            return Ok(most);
        }
        let config = run_command("scontrol", &["show", "config"])?;
        let size = config.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == "MaxArraySize").then(|| value.trim().parse::<usize>().ok())?
        });
        // Tasks are numbered below the size.
        let most = size.unwrap_or(1001).saturating_sub(1);
        if most == 0 {
            return Err(ClusterError::refused(
                "this Slurm allows no job arrays (MaxArraySize)",
                "ask its administrators",
            ));
        }
        self.max_tasks = Some(most);
        Ok(most)
    }

    fn supports_dependencies(&self) -> bool {
        true
    }

    fn preview(&self, batch: &Batch<'_>) -> String {
        format!(
            "# {}\n{}\n$ sbatch --parsable {}\n",
            batch.folder.join(SCRIPT).display(),
            script(batch),
            quoted(&batch.folder.join(SCRIPT).to_string_lossy())
        )
    }

    fn submit(&mut self, batch: &Batch<'_>) -> Result<Vec<String>, ClusterError> {
        let path = batch.folder.join(SCRIPT);
        olmix_fs::write_whole(&path, script(batch).as_bytes()).map_err(|error| {
            ClusterError::refused(error.to_string(), "give a folder that you may write to")
        })?;
        let answer = run_command("sbatch", &["--parsable", &path.to_string_lossy()])?;
        // `4711`, or `4711;cluster`.
        let id = answer.lines().next_back().unwrap_or_default();
        let id = id.split(';').next().unwrap_or_default().trim();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ClusterError::Unreachable(format!(
                "sbatch: its answer is not a job number: {answer}"
            )));
        }
        Ok((1..=batch.tasks)
            .map(|task| format!("{id}_{task}"))
            .collect())
    }

    fn list_jobs(&mut self) -> Result<Vec<JobStatus>, ClusterError> {
        let format = "%F|%K|%T|%M|%j|%r";
        let user = self.user.clone();
        let listed = run_command(
            "squeue",
            &[
                "--noheader",
                "--array",
                "--states=all",
                "--user",
                &user,
                "--format",
                format,
            ],
        )?;
        Ok(listed.lines().filter_map(output::queued_job).collect())
    }

    fn job_history(&mut self, jobs: &[String]) -> Result<Vec<JobStatus>, ClusterError> {
        if !on_path("sacct") || jobs.is_empty() {
            return Ok(Vec::new());
        }
        let jobs = jobs.join(",");
        let arguments = [
            "--noheader",
            "--parsable2",
            "--allocations",
            "--jobs",
            &jobs,
            "--format",
            "JobID,State,JobName,ExitCode",
        ];
        match run_command("sacct", &arguments) {
            Ok(listed) => Ok(listed.lines().filter_map(output::accounted_job).collect()),
            // A site that keeps no accounts says so.
            Err(ClusterError::Refused { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn cancel(&mut self, jobs: &[String], force: bool) -> Result<(), ClusterError> {
        for jobs in jobs.chunks(MAX_CANCELLED) {
            let mut arguments = vec!["--quiet"];
            if force {
                arguments.extend(["--signal=KILL", "--full"]);
            }
            arguments.extend(jobs.iter().map(String::as_str));
            match run_command("scancel", &arguments) {
                // Jobs that have ended meanwhile are what was wanted. Of one that is just ending, `--quiet`
                // says nothing, and scancel exits with 1 all the same.
                Err(ClusterError::Refused { message, .. })
                    if message.contains("Invalid job id")
                        || message.starts_with("scancel: exit status: 1") => {}
                other => {
                    other?;
                }
            }
            if force {
                let mut arguments = vec!["--quiet"];
                arguments.extend(jobs.iter().map(String::as_str));
                let _ = run_command("scancel", &arguments);
            }
        }
        Ok(())
    }

    fn job_output(&mut self, _job: &str, submission: &Path, task: usize) -> Option<String> {
        let path = submission.join(format!("{task}.log"));
        let text = std::fs::read_to_string(&path).ok()?;
        if text.is_empty() {
            let _ = std::fs::remove_file(path);
        }
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    }
}

/// The script of a job array: readable, and all that Slurm is told.
fn script(batch: &Batch<'_>) -> String {
    let settings = batch.settings;
    let mut script = format!(
        "#!/bin/bash\n# {} of the swarm {}. Line N of {} says what task N is.\n",
        if batch.probe {
            "A probe before the runs"
        } else {
            "Runs"
        },
        batch.swarm,
        batch.job_specs.display()
    );
    let mut option = |name: &str, value: &str| {
        script += &format!("#SBATCH --{name}={}\n", quoted(value));
    };
    option("job-name", &job_name(batch));
    let most = batch
        .max_parallel
        .map_or_else(String::new, |most| format!("%{most}"));
    option("array", &format!("1-{}{most}", batch.tasks));
    for (name, value) in resources(settings, batch.probe) {
        option(name, &value);
    }
    if let Some(job) = batch.after {
        let array = job.split('_').next().unwrap_or(job);
        option("dependency", &format!("afterany:{array}"));
    }
    option("chdir", &batch.workdir.to_string_lossy());
    let log = batch.output_file("%a");
    option("output", &log.to_string_lossy());
    option("open-mode", "append");
    if !batch.probe {
        script += "#SBATCH --requeue\n";
    }
    for given in &settings.options {
        script += &format!("#SBATCH {given}\n");
    }
    script + "\n" + &batch.shell_lines("\"$SLURM_ARRAY_TASK_ID\"")
}

/// What a task asks Slurm for. A probe asks for no GPU and five minutes.
fn resources(settings: &EngineConfig, probe: bool) -> Vec<(&'static str, String)> {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let mut resources = vec![
        ("partition", settings.partition.clone()),
        ("account", settings.account.clone()),
        ("qos", settings.qos.clone()),
    ];
    if probe {
        resources.push(("time", Some("5".into())));
    } else {
        resources.extend([
            ("time", settings.time.clone()),
            ("nodes", number(settings.nodes)),
            ("cpus-per-task", number(settings.cpus)),
            ("mem", settings.memory.clone()),
        ]);
        let gpus = settings.gpus.filter(|gpus| *gpus > 0);
        resources.push(match &settings.gres {
            Some(gres) => ("gres", Some(gres.clone())),
            None => ("gres", gpus.map(|gpus| format!("gpu:{gpus}"))),
        });
    }
    let given = resources.into_iter();
    given
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// Runs a command of Slurm, and returns what it prints.
///
/// # Errors
/// [`ClusterError`] by what it says on standard error.
fn run_command(program: &str, arguments: &[&str]) -> Result<String, ClusterError> {
    let done = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            ClusterError::refused(
                format!("{program}: could not be started: {error}"),
                "Slurm's commands must be on the path",
            )
        })?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let message = match lines.as_slice() {
        [] => format!("{program}: {}", done.status),
        lines => lines.join("; "),
    };
    if TRANSIENT_ERRORS.iter().any(|words| message.contains(words)) {
        return Err(ClusterError::Unreachable(message));
    }
    Err(ClusterError::refused(message, help(&text)))
}

/// What to do about what sbatch says.
fn help(message: &str) -> String {
    let message = message.to_ascii_lowercase();
    let about = |word: &str, what: &str| message.contains(word).then(|| what.to_owned());
    about(
        "partition",
        "correct `engine.partition`; `sinfo` lists the partitions",
    )
    .or_else(|| {
        about(
            "account",
            "correct `engine.account`; `sacctmgr show associations user=$USER` lists yours",
        )
    })
    .or_else(|| {
        about(
            "qos",
            "correct `engine.qos`; `sacctmgr show qos` lists them",
        )
    })
    .or_else(|| {
        about(
            "generic resource",
            "correct `engine.gres` or `engine.gpus`; `sinfo -o %G` lists what there is",
        )
    })
    .or_else(|| {
        about(
            "time limit",
            "correct `engine.time`; `sinfo -o '%P %l'` lists the limits",
        )
    })
    .or_else(|| {
        about(
            "munge",
            "Slurm's authentication does not work here: is munged running on this machine?",
        )
    })
    .or_else(|| {
        about(
            "slurm.conf",
            "this machine has no Slurm configuration: use a login node of the cluster",
        )
    })
    .unwrap_or_else(|| "correct the section `engine` of the launch config or olmix.yaml".to_owned())
}
