//! Slurm, through its commands and their parsable output.

mod commands;
mod output;

use std::path::Path;

use olmix_io::EngineConfig;

use super::cluster::contract::{Batch, Cluster, ClusterError, JobState, JobStatus, job_name};
use super::entry::EngineEntry;
use crate::LaunchError;
use crate::host::shell::quoted;
use commands::{ignored_variables, on_path, run_command};

/// The script of a submission, kept with its job specs.
const SCRIPT: &str = "submit.sh";

/// Most jobs of one `scancel`.
const MAX_CANCELLED: usize = 400;

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
        // It has the variables of the environment, which may be secrets.
        olmix_fs::write_private(&path, script(batch).as_bytes()).map_err(|error| {
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

    fn notices(&self) -> Vec<String> {
        let ignored = ignored_variables();
        if ignored.is_empty() {
            return Vec::new();
        }
        vec![format!(
            "{} of the environment has no effect on what is submitted: the section `engine` says it",
            ignored.join(", ")
        )]
    }

    /// Accounts say how a job ended. Of one that they have as not ended the controller is asked once more:
    /// accounts may be late, and may keep what the controller lost as running for ever.
    fn job_history(&mut self, jobs: &[String]) -> Result<Vec<JobStatus>, ClusterError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = accounts_of(jobs);
        let ended = |status: &JobStatus| matches!(status.state, JobState::Ended(_));
        found.retain(ended);
        let open = jobs
            .iter()
            .filter(|job| !found.iter().any(|status| status.job == **job));
        let mut arrays: Vec<&str> = open
            .map(|job| job.split('_').next().unwrap_or(job))
            .collect();
        arrays.dedup();
        for array in arrays {
            match run_command("scontrol", &["--oneliner", "show", "job", array]) {
                Ok(shown) => found.extend(shown.lines().flat_map(output::shown_jobs)),
                // It does not know the job.
                Err(ClusterError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        found.retain(|status| jobs.contains(&status.job));
        Ok(found)
    }

    fn cancel(&mut self, jobs: &[String], force: bool) -> Result<(), ClusterError> {
        for jobs in jobs.chunks(MAX_CANCELLED) {
            let jobs = || jobs.iter().map(String::as_str);
            let plain: Vec<&str> = jobs().collect();
            let forced: Vec<&str> = ["--signal=KILL", "--full"]
                .into_iter()
                .chain(jobs())
                .collect();
            match run_command("scancel", if force { &forced } else { &plain }) {
                // Jobs that have ended meanwhile, or are just ending, are what was wanted.
                Err(ClusterError::Refused { message, .. })
                    if output::says_it_has_ended(&message) => {}
                other => {
                    other?;
                }
            }
            if force {
                let _ = run_command("scancel", &plain);
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

/// What `sacct` says of jobs; nothing where a site keeps no accounts, or where they do not answer.
fn accounts_of(jobs: &[String]) -> Vec<JobStatus> {
    if !on_path("sacct") {
        return Vec::new();
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
    let listed = run_command("sacct", &arguments).unwrap_or_default();
    listed.lines().filter_map(output::accounted_job).collect()
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
