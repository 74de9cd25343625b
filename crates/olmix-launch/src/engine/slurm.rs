//! Slurm, through its commands and their parsable output.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use olmix_io::EngineConfig;

use super::cluster::contract::{
    Batch, Cluster, ClusterError, ExitReason, JobState, JobStatus, job_name, token_of,
};
use super::entry::EngineEntry;
use crate::LaunchError;
use crate::host::shell::quoted;

/// The script of a submission, kept with its job specs.
const SCRIPT: &str = "submit.sh";

/// Jobs of one `scancel`.
const CANCELLED_AT_ONCE: usize = 400;

/// Why Slurm does not answer, in its words: these pass.
const PASSING: [&str; 9] = [
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
                    "run this on a login node of the cluster, with Slurm's commands on the path (often `module load slurm`)",
                ));
            }
        }
        Ok(())
    }

    fn max_tasks(&mut self) -> Result<usize, ClusterError> {
        if let Some(most) = self.max_tasks {
            return Ok(most);
        }
        let config = said("scontrol", &["show", "config"])?;
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
        let answer = said("sbatch", &["--parsable", &path.to_string_lossy()])?;
        // `4711`, or `4711;cluster`.
        let id = answer.lines().next_back().unwrap_or_default();
        let id = id.split(';').next().unwrap_or_default().trim();
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ClusterError::Unreachable(format!(
                "sbatch: its answer is no job's number: {answer}"
            )));
        }
        Ok((1..=batch.tasks)
            .map(|task| format!("{id}_{task}"))
            .collect())
    }

    fn list_jobs(&mut self) -> Result<Vec<JobStatus>, ClusterError> {
        let format = "%F|%K|%T|%M|%j|%r";
        let user = self.user.clone();
        let told = said(
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
        Ok(told.lines().filter_map(seen).collect())
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
        match said("sacct", &arguments) {
            Ok(told) => Ok(told.lines().filter_map(accounted).collect()),
            // A site that keeps no accounts says so.
            Err(ClusterError::Refused { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn cancel(&mut self, jobs: &[String], force: bool) -> Result<(), ClusterError> {
        for jobs in jobs.chunks(CANCELLED_AT_ONCE) {
            let mut arguments = vec!["--quiet"];
            if force {
                arguments.extend(["--signal=KILL", "--full"]);
            }
            arguments.extend(jobs.iter().map(String::as_str));
            match said("scancel", &arguments) {
                // Those that have ended meanwhile.
                Err(ClusterError::Refused { message, .. })
                    if message.contains("Invalid job id") => {}
                other => {
                    other?;
                }
            }
            if force {
                let mut arguments = vec!["--quiet"];
                arguments.extend(jobs.iter().map(String::as_str));
                let _ = said("scancel", &arguments);
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
    for (name, value) in wanted(settings, batch.probe) {
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
fn wanted(settings: &EngineConfig, probe: bool) -> Vec<(&'static str, String)> {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let mut wanted = vec![
        ("partition", settings.partition.clone()),
        ("account", settings.account.clone()),
        ("qos", settings.qos.clone()),
    ];
    if probe {
        wanted.push(("time", Some("5".into())));
    } else {
        wanted.extend([
            ("time", settings.time.clone()),
            ("nodes", number(settings.nodes)),
            ("cpus-per-task", number(settings.cpus)),
            ("mem", settings.memory.clone()),
        ]);
        let gpus = settings.gpus.filter(|gpus| *gpus > 0);
        wanted.push(match &settings.gres {
            Some(gres) => ("gres", Some(gres.clone())),
            None => ("gres", gpus.map(|gpus| format!("gpu:{gpus}"))),
        });
    }
    let given = wanted.into_iter();
    given
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// A line of squeue.
fn seen(line: &str) -> Option<JobStatus> {
    let mut parts = line.splitn(6, '|');
    let mut next = || parts.next().map(str::trim);
    let (array, task, state, time, name, reason) =
        (next()?, next()?, next()?, next()?, next()?, next()?);
    let token = token_of(name)?;
    // What is left of an array that was cancelled has no number of its own.
    let task: Option<usize> = task.parse().ok();
    let job = task.map_or_else(|| array.to_owned(), |task| format!("{array}_{task}"));
    let state = match (state_of(state)?, reason) {
        (JobState::Pending, reason) if never(reason) => JobState::Blocked,
        (state, _) => state,
    };
    Some(JobStatus {
        token,
        task,
        job,
        state,
        note: if reason == "None" {
            state_words(line)
        } else {
            reason.to_owned()
        },
        elapsed: elapsed(time),
    })
}

fn state_words(line: &str) -> String {
    line.split('|').nth(2).unwrap_or_default().trim().to_owned()
}

/// A line of sacct: `4711_3|CANCELLED by 1000|olmix-…|0:0`.
fn accounted(line: &str) -> Option<JobStatus> {
    let mut parts = line.splitn(4, '|');
    let (job, state, name) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, task) = job.split_once('_')?;
    let word = state.split_whitespace().next()?;
    Some(JobStatus {
        token: token_of(name)?,
        task: Some(task.parse().ok()?),
        job: job.to_owned(),
        state: state_of(word)?,
        note: state.to_owned(),
        elapsed: None,
    })
}

/// Reasons to wait that do not pass by themselves.
fn never(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase().replace([' ', '_'], "");
    reason.contains("requeuedheld")
        || reason == "dependencyneversatisfied"
        || reason == "badconstraints"
}

fn state_of(word: &str) -> Option<JobState> {
    Some(match word {
        "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_FED" | "RESV_DEL_HOLD" => {
            JobState::Pending
        }
        "REQUEUE_HOLD" | "SPECIAL_EXIT" => JobState::Blocked,
        "RUNNING" | "COMPLETING" | "SUSPENDED" | "SIGNALING" | "STAGE_OUT" | "STOPPED"
        | "RESIZING" => JobState::Running,
        "COMPLETED" => JobState::Ended(ExitReason::Success),
        "FAILED" => JobState::Ended(ExitReason::Failure),
        "CANCELLED" | "REVOKED" => JobState::Ended(ExitReason::Cancelled),
        "PREEMPTED" => JobState::Ended(ExitReason::Preempted),
        "NODE_FAIL" | "BOOT_FAIL" => JobState::Ended(ExitReason::NodeFailed),
        "TIMEOUT" | "DEADLINE" => JobState::Ended(ExitReason::TimedOut),
        "OUT_OF_MEMORY" => JobState::Ended(ExitReason::OutOfMemory),
        _ => return None,
    })
}

/// A time as squeue tells it: `M:S`, `H:M:S`, `D-H:M:S`.
fn elapsed(text: &str) -> Option<Duration> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let mut seconds: u64 = 0;
    for part in rest.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    Some(Duration::from_secs(
        days.parse::<u64>().ok()? * 86_400 + seconds,
    ))
}

/// What a command of Slurm prints.
fn said(program: &str, arguments: &[&str]) -> Result<String, ClusterError> {
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
    if PASSING.iter().any(|passing| message.contains(passing)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_squeue_are_read() {
        let read = |line: &str| {
            let seen = seen(line)?;
            Some((seen.token, seen.task, seen.job, seen.state))
        };
        assert_eq!(
            read("12|5|PENDING|0:00|olmix-web-3f.k2x|Resources"),
            Some(("k2x".into(), Some(5), "12_5".into(), JobState::Pending))
        );
        assert_eq!(
            read("12|N/A|CANCELLED|0:00|olmix-web.v2.k2x|JobArrayTaskLimit"),
            Some((
                "k2x".into(),
                None,
                "12".into(),
                JobState::Ended(ExitReason::Cancelled)
            ))
        );
        assert_eq!(
            read("12|1|PENDING|0:00|olmix-a.k|launch failed requeued held").map(|seen| seen.3),
            Some(JobState::Blocked)
        );
        assert_eq!(read("12|1|RUNNING|0:00|someone-else|None"), None);
        let told = seen("1|2|RUNNING|1-02:03:04|olmix-a.k|None");
        assert_eq!(
            told.and_then(|seen| seen.elapsed),
            Some(Duration::from_secs(93_784))
        );
    }

    #[test]
    fn lines_of_sacct_are_read() {
        let told =
            accounted("12_7|CANCELLED by 1000|olmix-a.k|0:0").map(|seen| (seen.task, seen.state));
        assert_eq!(
            told,
            Some((Some(7), JobState::Ended(ExitReason::Cancelled)))
        );
        assert_eq!(accounted("12_[1-4]|PENDING|olmix-a.k|0:0"), None);
    }
}
