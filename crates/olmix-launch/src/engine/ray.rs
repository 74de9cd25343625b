//! Ray, through the REST API of its jobs.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use olmix_io::EngineConfig;
use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::cluster::contract::{
    Batch, Cluster, ClusterError, ExitReason, JobState, JobStatus, first_sentence, job_name,
    token_of,
};
use super::entry::EngineEntry;
use crate::LaunchError;
use crate::host::clock::now;
use crate::host::shell::quoted;

/// Jobs at once where nobody says: each that waits has an actor of its own, and gives up after a quarter
/// of an hour.
const AT_ONCE: u32 = 16;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take until somebody listens at the address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a cluster is tried before a launch.
const TRIES: u32 = 3;

/// How the registry opens it.
pub const ENGINE: EngineEntry = EngineEntry::Cluster(|settings| Ok(Box::new(Ray::at(settings)?)));

/// The jobs of a Ray cluster.
#[derive(Debug)]
pub struct Ray {
    address: String,
    client: Client,
    headers: Vec<(String, String)>,
    /// What each run asks for, by Ray's names of resources.
    request: Vec<(String, f64)>,
    /// Jobs that were submitted here.
    submitted: HashSet<String>,
    /// What Ray said of one of them that no node has room for.
    unplaced: Option<String>,
}

impl Ray {
    /// The cluster at `engine.address` or `RAY_ADDRESS`. Credentials are those of Ray's own tools:
    /// `RAY_JOB_HEADERS`, and `RAY_AUTH_TOKEN`.
    ///
    /// # Errors
    /// [`LaunchError::Refused`] without an address, and for headers that are none.
    pub fn at(settings: &EngineConfig) -> Result<Self, LaunchError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let address = settings.address.clone().or_else(|| variable("RAY_ADDRESS"));
        let address = address.unwrap_or_default();
        if !address.starts_with("http://") && !address.starts_with("https://") {
            return Err(LaunchError::refused(
                if address.is_empty() {
                    "there is no address of a Ray cluster".to_owned()
                } else {
                    format!("{address} is not the address of a Ray dashboard")
                },
                "set engine.address or RAY_ADDRESS to the dashboard's, such as http://127.0.0.1:8265",
            ));
        }
        let mut headers = Vec::new();
        if let Some(text) = variable("RAY_JOB_HEADERS") {
            let map: serde_json::Map<String, Value> =
                serde_json::from_str(&text).map_err(|error| {
                    LaunchError::refused(
                        format!("RAY_JOB_HEADERS is not a JSON object: {error}"),
                        r#"write it as {"Authorization": "Bearer …"}"#,
                    )
                })?;
            let text = |value: Value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            };
            headers.extend(map.into_iter().map(|(name, value)| (name, text(value))));
        }
        if let Some(token) = variable("RAY_AUTH_TOKEN") {
            headers.push(("Authorization".into(), format!("Bearer {token}")));
        }
        olmix_data::install_tls_provider();
        let client = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| {
                LaunchError::refused(
                    format!("no requests can be made: {error}"),
                    "look at the system's certificates",
                )
            })?;
        Ok(Self {
            address: address.trim_end_matches('/').to_owned(),
            client,
            headers,
            request: resources(settings),
            submitted: HashSet::new(),
            unplaced: None,
        })
    }

    /// What a request is answered.
    fn answer(&self, request: RequestBuilder) -> Result<Value, ClusterError> {
        let mut request = request;
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let away = |error: reqwest::Error| {
            let why = std::error::Error::source(&error)
                .map_or_else(String::new, |why| format!(": {why}"));
            ClusterError::Unreachable(format!("{}: {}{why}", self.address, error.without_url()))
        };
        let answer = request.send().map_err(away)?;
        let status = answer.status();
        let text = answer.text().map_err(away)?;
        if status.is_success() {
            return serde_json::from_str(&text).map_err(|_| {
                ClusterError::refused(
                    format!("{}: answers, but not as Ray's dashboard does", self.address),
                    "correct engine.address: it is the dashboard's, port 8265 by default",
                )
            });
        }
        let said = last_words(&text);
        let message = format!("{}: {status}: {said}", self.address);
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ClusterError::refused(
                message,
                "the credential is missing or has expired: renew RAY_AUTH_TOKEN or RAY_JOB_HEADERS",
            ),
            _ if is_for_now(status, said) => ClusterError::Unreachable(message),
            _ => ClusterError::refused(
                message,
                "correct the section `engine`; its runtime_env and resources are passed to Ray as they are",
            ),
        })
    }

    /// Whether a node of the cluster has, when it is idle, what a run asks for; `None` where that is not known.
    fn fits(&self) -> Option<bool> {
        let url = format!("{}/api/v0/nodes?limit=10000", self.address);
        let told = self.answer(self.client.get(url)).ok()?;
        fits_a_node(&told, &self.request)
    }

    /// Of jobs that could not be placed in time those stay so that no node has room for: a cluster that is busy
    /// with other work for long is not too small.
    fn look_at_unplaced(&mut self, jobs: &mut [JobStatus]) {
        let unplaced = JobState::Ended(ExitReason::NotPlaced);
        if !jobs.iter().any(|job| job.state == unplaced) {
            return;
        }
        if self.fits() == Some(false) {
            // For those of others, and of earlier launches, the cluster may have been another.
            let own = |job: &&JobStatus| job.state == unplaced && self.submitted.contains(&job.job);
            self.unplaced = jobs.iter().find(own).map(|job| job.note.clone());
            return;
        }
        for job in jobs.iter_mut().filter(|job| job.state == unplaced) {
            job.state = JobState::Ended(ExitReason::NodeFailed);
        }
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/api/jobs/{rest}", self.address)
    }
}

impl Cluster for Ray {
    fn name(&self) -> &'static str {
        "ray"
    }

    fn check_answers(&self) -> Result<(), ClusterError> {
        let mut tries = 1;
        loop {
            match self.answer(self.client.get(self.url(""))) {
                Err(ClusterError::Unreachable(_)) if tries < TRIES => {
                    tries += 1;
                    std::thread::sleep(Duration::from_secs(1));
                }
                Err(ClusterError::Unreachable(message)) => {
                    return Err(ClusterError::refused(
                        message,
                        "start the cluster, or correct engine.address or RAY_ADDRESS: it is the dashboard's, \
                         port 8265 by default; nothing was submitted",
                    ));
                }
                other => return other.map(|_| ()),
            }
        }
    }

    fn max_tasks(&mut self) -> Result<usize, ClusterError> {
        Ok(usize::MAX)
    }

    fn capacity(&self, has: usize, most: Option<u32>) -> usize {
        (most.unwrap_or(AT_ONCE) as usize).saturating_sub(has)
    }

    fn preview(&self, batch: &Batch<'_>) -> String {
        let text = serde_json::to_string_pretty(&request(batch, 1)).unwrap_or_default();
        format!("POST {}\n{text}\n", self.url(""))
    }

    fn submit(&mut self, batch: &Batch<'_>) -> Result<Vec<String>, ClusterError> {
        // What waited in vain once would do so again, and each for a quarter of an hour.
        if let Some(said) = self.unplaced.as_ref().filter(|_| !batch.probe)
            && self.fits() == Some(false)
        {
            return Err(ClusterError::refused(
                format!(
                    "no node of the cluster has what a run asks for: {}",
                    first_sentence(said)
                ),
                "correct engine.cpus, gpus, memory or resources, or add such a node; the same command with \
                 --retry-failed goes on",
            ));
        }
        let mut jobs: Vec<String> = Vec::new();
        for task in 1..=batch.tasks {
            let id = name(batch, task);
            let done = self.answer(self.client.post(self.url("")).json(&request(batch, task)));
            match done {
                Ok(_) => jobs.push(id),
                // An answer was lost, and it was asked once more.
                Err(ClusterError::Refused { message, .. })
                    if message.contains("already exists") =>
                {
                    jobs.push(id);
                }
                Err(ClusterError::Refused { message, help }) => {
                    let _ = self.cancel(&jobs, true);
                    return Err(ClusterError::Refused { message, help });
                }
                Err(error) => return Err(error),
            }
        }
        self.submitted.extend(jobs.iter().cloned());
        Ok(jobs)
    }

    fn list_jobs(&mut self) -> Result<Vec<JobStatus>, ClusterError> {
        let told = self.answer(self.client.get(self.url("")))?;
        let jobs = told.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut jobs: Vec<JobStatus> = jobs.iter().filter_map(seen).collect();
        self.look_at_unplaced(&mut jobs);
        Ok(jobs)
    }

    fn job_history(&mut self, jobs: &[String]) -> Result<Vec<JobStatus>, ClusterError> {
        let mut found = Vec::new();
        for job in jobs {
            match self.answer(self.client.get(self.url(job))) {
                Ok(told) => found.extend(seen(&told)),
                Err(ClusterError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.look_at_unplaced(&mut found);
        Ok(found)
    }

    fn cancel(&mut self, jobs: &[String], _force: bool) -> Result<(), ClusterError> {
        for job in jobs {
            match self.answer(self.client.post(self.url(&format!("{job}/stop")))) {
                // One that is not known has ended.
                Err(ClusterError::Refused { message, .. })
                    if message.contains("does not exist") => {}
                other => {
                    other?;
                }
            }
        }
        Ok(())
    }

    fn job_output(&mut self, job: &str, _submission: &Path, _task: usize) -> Option<String> {
        let told = self
            .answer(self.client.get(self.url(&format!("{job}/logs"))))
            .ok()?;
        let text = told["logs"].as_str()?;
        let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    }
}

fn name(batch: &Batch<'_>, task: usize) -> String {
    format!("{}-{task}", job_name(batch))
}

/// The request that submits a task.
fn request(batch: &Batch<'_>, task: usize) -> Value {
    let settings = batch.settings;
    let id = name(batch, task);
    let environment = settings.runtime_env.clone().unwrap_or_else(|| json!({}));
    let folder = match environment.get("working_dir") {
        Some(_) => String::new(),
        None => format!(
            "cd {} || exit 1\n",
            quoted(&batch.workdir.to_string_lossy())
        ),
    };
    let mut request = json!({
        "submission_id": id,
        "entrypoint": format!("{folder}export OLMIX_JOB={id}\n{}", batch.shell_lines(&task.to_string())),
        "runtime_env": environment,
        "metadata": {"olmix_swarm": batch.swarm},
    });
    if !batch.probe {
        request["entrypoint_num_cpus"] = settings.cpus.unwrap_or(1).into();
        if let Some(gpus) = settings.gpu_fraction {
            request["entrypoint_num_gpus"] = gpus.into();
        } else if let Some(gpus) = settings.gpus {
            request["entrypoint_num_gpus"] = gpus.into();
        }
        if let Some(bytes) = settings.memory_bytes() {
            request["entrypoint_memory"] = bytes.into();
        }
        if !settings.resources.is_empty() {
            let resources = settings.resources.iter();
            request["entrypoint_resources"] = resources
                .map(|(name, amount)| (name.clone(), (*amount).into()))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
    }
    request
}

/// Whether an answer holds only for now: one of a proxy whose server is away, or of a head that has just started and
/// whose agents have not ("No available agent to submit job, please try again later.", Ray 2.60).
fn is_for_now(status: StatusCode, said: &str) -> bool {
    let proxy = [
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    proxy.contains(&status) || status.is_server_error() && said.contains("try again later")
}

/// The line of an error that says what it is: the last one of a traceback. What an agent refuses ends with a
/// further line, which is a dot.
fn last_words(text: &str) -> &str {
    let mut lines = text.lines().rev();
    let found = lines.find(|line| line.contains(char::is_alphanumeric));
    found.unwrap_or_default().trim()
}

/// What a run asks for, by Ray's names of resources.
fn resources(settings: &EngineConfig) -> Vec<(String, f64)> {
    let mut resources = settings.resources.clone();
    resources.push(("CPU".into(), f64::from(settings.cpus.unwrap_or(1))));
    let gpus = settings
        .gpu_fraction
        .or_else(|| settings.gpus.map(f64::from));
    resources.extend(gpus.map(|gpus| ("GPU".to_owned(), gpus)));
    let memory = settings.memory_bytes();
    resources.extend(memory.map(|bytes| ("memory".to_owned(), bytes as f64)));
    resources.retain(|(_, amount)| *amount > 0.0);
    resources
}

/// Whether a node that lives has all of a request, by the answer of Ray's state API.
fn fits_a_node(told: &Value, request: &[(String, f64)]) -> Option<bool> {
    let nodes = told.pointer("/data/result/result")?.as_array()?;
    let alive = nodes.iter().filter(|node| node["state"] == "ALIVE");
    let mut fits = alive.map(|node| {
        let total = &node["resources_total"];
        let has = |(name, amount): &(String, f64)| total[name].as_f64().unwrap_or(0.0) >= *amount;
        request.iter().all(has)
    });
    Some(fits.any(|fits| fits))
}

/// A job of the list.
fn seen(job: &Value) -> Option<JobStatus> {
    let id = job["submission_id"].as_str()?;
    let (name, task) = id.rsplit_once('-')?;
    let note = job["message"].as_str().unwrap_or_default();
    let lost = [
        "node has died",
        "node was dead",
        "node died",
        "actor died",
        "ActorDiedError",
        "ActorUnschedulableError",
    ];
    let state = match job["status"].as_str()? {
        "PENDING" => JobState::Pending,
        "RUNNING" => JobState::Running,
        "STOPPED" => JobState::Ended(ExitReason::Cancelled),
        "SUCCEEDED" => JobState::Ended(ExitReason::Success),
        "FAILED" if lost.iter().any(|words| note.contains(words)) => {
            JobState::Ended(ExitReason::NodeFailed)
        }
        "FAILED" if note.contains("failed to start within") => {
            JobState::Ended(ExitReason::NotPlaced)
        }
        "FAILED" => JobState::Ended(ExitReason::Failure),
        _ => return None,
    };
    let since = job["start_time"].as_i64().unwrap_or_else(now);
    Some(JobStatus {
        token: token_of(name)?,
        task: Some(task.parse().ok()?),
        job: id.to_owned(),
        state,
        note: note.lines().next().unwrap_or_default().to_owned(),
        elapsed: u64::try_from(now() - since).ok().map(Duration::from_millis),
    })
}

#[cfg(test)]
mod tests;
