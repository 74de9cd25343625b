//! Ray, through the REST API of its jobs.

use std::path::Path;
use std::time::Duration;

use olmix_io::EngineConfig;
use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::cluster::contract::{
    Batch, Cluster, ClusterError, ExitReason, JobState, JobStatus, job_name, token_of,
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

/// How the registry opens it.
pub const ENGINE: EngineEntry = EngineEntry::Cluster(|settings| Ok(Box::new(Ray::at(settings)?)));

/// The jobs of a Ray cluster.
#[derive(Debug)]
pub struct Ray {
    address: String,
    client: Client,
    headers: Vec<(String, String)>,
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
        let said = text
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .trim();
        let message = format!("{}: {status}: {said}", self.address);
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ClusterError::refused(
                message,
                "the credential is missing or has expired: renew RAY_AUTH_TOKEN or RAY_JOB_HEADERS",
            ),
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => ClusterError::Unreachable(message),
            _ => ClusterError::refused(
                message,
                "correct the section `engine`; its runtime_env and resources are passed to Ray as they are",
            ),
        })
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/api/jobs/{rest}", self.address)
    }
}

impl Cluster for Ray {
    fn name(&self) -> &'static str {
        "ray"
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
        Ok(jobs)
    }

    fn list_jobs(&mut self) -> Result<Vec<JobStatus>, ClusterError> {
        let told = self.answer(self.client.get(self.url("")))?;
        let jobs = told.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(jobs.iter().filter_map(seen).collect())
    }

    fn job_history(&mut self, _jobs: &[String]) -> Result<Vec<JobStatus>, ClusterError> {
        Ok(Vec::new())
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
        if let Some(gpus) = settings.gpus {
            request["entrypoint_num_gpus"] = gpus.into();
        }
        if let Some(bytes) = settings.memory.as_deref().and_then(bytes) {
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

/// An amount of memory as Slurm writes it: megabytes, or a number with K, M, G or T.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = match text.char_indices().next_back()? {
        (at, unit) if unit.is_ascii_alphabetic() => (&text[..at], unit.to_ascii_uppercase()),
        _ => (text, 'M'),
    };
    let power = "KMGT".find(unit)? + 1;
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(1024_u64.checked_pow(u32::try_from(power).ok()?)?)
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
        "failed to start within",
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
mod tests {
    use super::*;

    #[test]
    fn jobs_of_the_list_are_read() {
        let job = json!({"submission_id": "olmix-web-v2.k2x-7", "status": "FAILED", "message": "Job \
            supervisor actor could not be scheduled: its node died"});
        let told = seen(&job).map(|seen| (seen.token, seen.task, seen.state));
        assert_eq!(
            told,
            Some((
                "k2x".into(),
                Some(7),
                JobState::Ended(ExitReason::NodeFailed)
            ))
        );
        assert_eq!(
            seen(&json!({"submission_id": "raysubmit_x", "status": "RUNNING"})),
            None
        );
        assert_eq!(
            seen(&json!({"submission_id": null, "status": "RUNNING"})),
            None
        );
    }

    #[test]
    fn memory_is_read_as_slurm_reads_it() {
        assert_eq!(bytes("32G"), Some(32 << 30));
        assert_eq!(bytes("512"), Some(512 << 20));
        assert_eq!(bytes("many"), None);
    }
}
