//! Runs of an `MLflow` tracking server, through its REST API.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::{MeasuredRun, SourceRuns};
use crate::LaunchError;

/// Runs or experiments asked for at a time.
const PAGE: usize = 100;

/// How often a request is sent before the server is given up.
const TRIES: u32 = 3;

pub(super) fn read(address: &str, experiment: Option<&str>) -> Result<SourceRuns, LaunchError> {
    let server = Server::new(address)?;
    let mut found = SourceRuns::default();
    let (id, name) = server.experiment(experiment)?;
    if experiment.is_none() {
        found
            .notices
            .push(format!("experiment `{name}` of {address}"));
    }
    let query = json!({"experiment_ids": [id], "run_view_type": "ACTIVE_ONLY"});
    let runs = server.all("runs/search", &query, "runs")?;
    if runs.is_empty() {
        return Err(LaunchError::refused(
            format!("{address}: the experiment `{name}` has no runs"),
            "give --experiment the name of another",
        ));
    }
    // The latest of several runs of one name.
    let mut latest: HashMap<String, (i64, usize)> = HashMap::new();
    for run in &runs {
        let name = run_name(run);
        let status = run["info"]["status"]
            .as_str()
            .unwrap_or("of unknown status");
        if status != "FINISHED" {
            found.left_out.push((name, status.to_ascii_lowercase()));
            continue;
        }
        let begun = run["info"]["start_time"].as_i64().unwrap_or(0);
        let measured = measured(name.clone(), run);
        if let Some(&(earlier, place)) = latest.get(&name) {
            found.notices.push(format!(
                "`{name}` was run several times; the latest is taken"
            ));
            if begun > earlier {
                latest.insert(name, (begun, place));
                found.runs[place] = measured;
            }
        } else {
            latest.insert(name, (begun, found.runs.len()));
            found.runs.push(measured);
        }
    }
    found
        .left_out
        .retain(|(name, _)| !latest.contains_key(name));
    found.notices.dedup();
    Ok(found)
}

fn run_name(run: &Value) -> String {
    let info = &run["info"];
    let name = info["run_name"].as_str().filter(|name| !name.is_empty());
    let id = || info["run_id"].as_str().unwrap_or("a run without id");
    name.unwrap_or_else(id).to_owned()
}

/// The latest value of every metric, as the server tells it.
fn measured(name: String, run: &Value) -> MeasuredRun {
    let mut measured = MeasuredRun {
        name,
        ..MeasuredRun::default()
    };
    let none = Vec::new();
    for metric in run["data"]["metrics"].as_array().unwrap_or(&none) {
        let Some(key) = metric["key"].as_str() else {
            continue;
        };
        // The server's own measurements of the machine.
        if key.starts_with("system/") {
            continue;
        }
        let value = &metric["value"];
        let text = value.as_str().and_then(|text| text.parse().ok());
        // Databases that know no infinity hold the largest number instead.
        match value.as_f64().or(text) {
            Some(x) if x.is_finite() && x.abs() < f64::MAX => {
                measured.metrics.push((key.to_owned(), x));
            }
            _ => measured.not_finite.push(key.to_owned()),
        }
    }
    measured
}

struct Server {
    client: Client,
    address: String,
}

impl Server {
    fn new(address: &str) -> Result<Self, LaunchError> {
        olmix_data::install_tls_provider();
        let client = Client::builder().timeout(Duration::from_mins(1)).build();
        let client = client.map_err(|error| {
            LaunchError::refused(
                format!("{address}: can't be asked: {error}"),
                "check the system's certificates",
            )
        })?;
        Ok(Self {
            client,
            address: address.to_owned(),
        })
    }

    /// The id and name of the experiment asked for, or of the only one.
    fn experiment(&self, wanted: Option<&str>) -> Result<(String, String), LaunchError> {
        let query = json!({"view_type": "ACTIVE_ONLY"});
        let listed = self.all("experiments/search", &query, "experiments")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let known: Vec<(String, String)> = listed
            .iter()
            .map(|experiment| {
                (
                    text(&experiment["experiment_id"]),
                    text(&experiment["name"]),
                )
            })
            .collect();
        let mut candidates: Vec<&(String, String)> = known
            .iter()
            .filter(|(_, name)| wanted.is_none_or(|wanted| name == wanted))
            .collect();
        if candidates.len() > 1 {
            // Every server has this one.
            candidates.retain(|(_, name)| name != "Default");
        }
        if let [only] = candidates.as_slice() {
            return Ok((*only).clone());
        }
        let names: Vec<&str> = known.iter().map(|(_, name)| name.as_str()).collect();
        let message = match wanted {
            Some(wanted) => format!("{}: there is no experiment `{wanted}`", self.address),
            None => format!("{}: which experiment?", self.address),
        };
        Err(LaunchError::refused(
            message,
            format!("give --experiment one of: {}", names.join(", ")),
        ))
    }

    /// Every item of a search, page by page.
    fn all(&self, what: &str, query: &Value, list: &str) -> Result<Vec<Value>, LaunchError> {
        let mut found = Vec::new();
        let mut query = query.clone();
        query["max_results"] = PAGE.into();
        loop {
            let mut page = self.post(what, &query)?;
            if let Some(Value::Array(items)) = page.get_mut(list).map(Value::take) {
                found.extend(items);
            }
            match page["next_page_token"]
                .as_str()
                .filter(|token| !token.is_empty())
            {
                Some(token) => query["page_token"] = token.into(),
                None => return Ok(found),
            }
        }
    }

    fn post(&self, what: &str, query: &Value) -> Result<Value, LaunchError> {
        let url = format!("{}/api/2.0/mlflow/{what}", self.address);
        let mut tries = 0;
        loop {
            tries += 1;
            let request = authorized(self.client.post(&url)).json(query);
            let answer = request.send().and_then(|answer| {
                let status = answer.status();
                Ok((status, answer.text()?))
            });
            match answer {
                Ok((status, text)) if status.is_success() => {
                    return serde_json::from_str(&text).map_err(|_| self.no_mlflow());
                }
                Ok((status, _)) if status.is_server_error() && tries < TRIES => {}
                Ok((status, text)) => return Err(self.refusal(status, &text)),
                Err(error) if tries == TRIES => {
                    // The reason stands at the end of the chain.
                    let mut reason: &dyn std::error::Error = &error;
                    while let Some(source) = reason.source() {
                        reason = source;
                    }
                    return Err(LaunchError::refused(
                        format!("{}: does not answer: {reason}", self.address),
                        "check the address, and whether the server runs",
                    ));
                }
                Err(_) => {}
            }
            std::thread::sleep(Duration::from_millis(300) * tries);
        }
    }

    fn no_mlflow(&self) -> LaunchError {
        LaunchError::refused(
            format!("{}: is no MLflow tracking server", self.address),
            "give the address that `mlflow server` answers at, without a path behind it",
        )
    }

    fn refusal(&self, status: StatusCode, text: &str) -> LaunchError {
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return LaunchError::refused(
                format!("{}: the server refuses access ({status})", self.address),
                "set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
            );
        }
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        match said["message"].as_str() {
            Some(message) => LaunchError::refused(
                format!("{}: the server says ({status}): {message}", self.address),
                "check the server",
            ),
            None => self.no_mlflow(),
        }
    }
}

fn authorized(request: RequestBuilder) -> RequestBuilder {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(token) = variable("MLFLOW_TRACKING_TOKEN") {
        return request.bearer_auth(token);
    }
    match variable("MLFLOW_TRACKING_USERNAME") {
        Some(user) => request.basic_auth(user, variable("MLFLOW_TRACKING_PASSWORD")),
        None => request,
    }
}
