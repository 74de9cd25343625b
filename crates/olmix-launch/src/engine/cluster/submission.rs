//! A submission as it is written and shown.

use std::fs;
use std::path::{Path, PathBuf};

use olmix_io::EngineConfig;

use super::contract::{Batch, Cluster, ClusterError};
use crate::object_store::Storage;
use crate::protocol::JobSpec;

/// What runs on a cluster need besides the engine itself.
#[derive(Debug, Clone)]
pub struct Site {
    /// The swarm's name, for people.
    pub swarm: String,
    /// The folder of runs, on a filesystem that nodes share or with a store in its place.
    pub out: PathBuf,
    /// Where folders of runs are kept when nodes share no filesystem with the launcher.
    pub storage: Option<Storage>,
    /// The working directory.
    pub workdir: PathBuf,
    /// This program on the nodes.
    pub program: PathBuf,
    /// What each run gets.
    pub settings: EngineConfig,
}

/// Writes the job specs of a submission, and submits it: all jobs, or none. Returns what the cluster calls
/// each.
pub(super) fn submit_jobs(
    cluster: &mut dyn Cluster,
    site: &Site,
    token: &str,
    specs: &[JobSpec],
    with: &SubmitOptions<'_>,
) -> Result<Vec<String>, ClusterError> {
    let folder = submission_folder(&site.out, token);
    let records = site.submission_store(token);
    let file = records.path_of(JOB_SPECS_FILE);
    let refused =
        |message: String| ClusterError::refused(message, "give an --out that you may write to");
    fs::create_dir_all(&folder)
        .map_err(|error| refused(format!("{}: {error}", folder.display())))?;
    let mut text = String::new();
    for spec in specs {
        text += &spec.line().map_err(|error| refused(error.to_string()))?;
        text.push('\n');
    }
    records.put(JOB_SPECS_FILE, text.as_bytes())?;
    let batch = batch(site, token, &folder, &file, specs.len(), with);
    let done = cluster.submit(&batch);
    if matches!(done, Err(ClusterError::Refused { .. })) {
        // Nothing came of it, and nothing is kept.
        let _ = records.remove(JOB_SPECS_FILE);
        let _ = fs::remove_dir_all(&folder);
        let _ = folder.parent().map(fs::remove_dir);
    }
    done
}

/// How a submission is to be run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SubmitOptions<'w> {
    /// Most tasks at once.
    pub max_parallel: Option<usize>,
    /// The job that it begins after.
    pub after: Option<&'w str>,
    /// Whether it is a probe.
    pub probe: bool,
}

/// The file of job specs in a submission's folder, a line for each task.
pub(super) const JOB_SPECS_FILE: &str = "orders.jsonl";

fn batch<'b>(
    site: &'b Site,
    token: &'b str,
    folder: &'b Path,
    job_specs: &'b Path,
    tasks: usize,
    with: &SubmitOptions<'b>,
) -> Batch<'b> {
    Batch {
        token,
        swarm: &site.swarm,
        folder,
        job_specs,
        program: &site.program,
        tasks,
        max_parallel: with.max_parallel,
        settings: &site.settings,
        workdir: &site.workdir,
        after: with.after,
        probe: with.probe,
    }
}

/// What would be submitted for so many runs, for people; `apart` where each has an evaluation that may be
/// a job of its own. Nothing is done, and a cluster that does not answer is taken to have no limit.
pub fn preview(cluster: &mut dyn Cluster, site: &Site, runs: usize, apart: bool) -> String {
    let max_tasks = cluster.max_tasks().unwrap_or(usize::MAX);
    let max_parallel = site.settings.jobs.map(|jobs| jobs as usize);
    let max_parallel =
        max_parallel.map(|jobs| (jobs * runs.min(max_tasks)).div_ceil(runs.max(1)).max(1));
    let show = |site: &Site, token: &str, with: &SubmitOptions<'_>| {
        let folder = submission_folder(&site.out, token);
        let specs = site.submission_store(token).path_of(JOB_SPECS_FILE);
        cluster.preview(&batch(
            site,
            token,
            &folder,
            &specs,
            runs.min(max_tasks),
            with,
        ))
    };
    let mut text = show(
        site,
        "TOKEN",
        &SubmitOptions {
            max_parallel,
            ..SubmitOptions::default()
        },
    );
    if let Some(apart) = site.settings.evaluation.as_deref().filter(|_| apart) {
        let site = Site {
            settings: apart.clone(),
            ..site.clone()
        };
        let with = SubmitOptions {
            after: Some("JOB"),
            ..SubmitOptions::default()
        };
        text += "\n";
        text += &show(&site, "TOKENe", &with);
    }
    match runs.div_ceil(max_tasks.max(1)) {
        0 | 1 => text,
        arrays => {
            format!("# {arrays} submissions of at most {max_tasks} runs each, such as\n{text}")
        }
    }
}

/// The folder of a submission among those of a swarm.
#[must_use]
pub fn submission_folder(out: &Path, token: &str) -> PathBuf {
    out.join(SUBMISSIONS).join(token)
}

/// The folder of submissions in a swarm's folder of runs.
pub const SUBMISSIONS: &str = "submissions";
