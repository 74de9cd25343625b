//! Runs of an `MLflow` tracking server, through its REST API.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use super::run::Recorded;
use super::{Experiment, choose, runs_of};
use crate::LaunchError;
use crate::collect::mixtures::Mixtures;
use crate::collect::recording::Recording;
use crate::collect::run::SourceRuns;

/// Runs or experiments asked for at a time. The size hardly matters to a server (1,500 runs of 52 metrics take it some
/// 4 s in pages of 100 to 1000), which refuses more than 50,000; runs with a thousand metrics make 50 MB of a page.
const PAGE: usize = 500;

/// How long a server may take for a page. One that was just started may need a minute for its first.
const PATIENCE: Duration = Duration::from_mins(5);

/// How often a request is sent before the server is given up.
const TRIES: u32 = 3;

pub(in crate::collect) fn read(
    address: &str,
    wanted: Option<&str>,
    given: Option<&Mixtures>,
) -> Result<SourceRuns, LaunchError> {
    let server = Server::new(address)?;
    let experiment = choose(address, &server.experiments()?, wanted)?;
    let query = json!({"experiment_ids": [experiment.id], "run_view_type": "ACTIVE_ONLY"});
    let runs = server.all("runs/search", &query, "runs")?;
    let recordings = runs.iter().map(recording).collect();
    runs_of(address, &experiment, wanted, recordings, given)
}

/// When a run was begun, and what the server tells of it: the latest value of every metric, with its step.
fn recording(run: &Value) -> (i64, Recording) {
    let (info, data) = (&run["info"], &run["data"]);
    let id = info["run_id"].as_str().unwrap_or("a run without id");
    let mut metrics = Vec::new();
    for metric in data["metrics"].as_array().into_iter().flatten() {
        let Some(key) = metric["key"].as_str() else {
            continue;
        };
        let value = &metric["value"];
        let text = value.as_str().and_then(|text| text.parse().ok());
        let number = value.as_f64().or(text).unwrap_or(f64::NAN);
        let step = &metric["step"];
        let text = step.as_str().and_then(|text| text.parse().ok());
        metrics.push((key.to_owned(), number, step.as_f64().or(text)));
    }
    let pairs = |list: &str| {
        let pair = |pair: &Value| Some((pair["key"].as_str()?.to_owned(), pair["value"].clone()));
        let pairs = data[list].as_array().into_iter().flatten();
        pairs.filter_map(pair).collect::<Vec<_>>()
    };
    let name = info["run_name"].as_str().map(str::to_owned);
    let mut recorded = Recorded::new(id.to_owned(), name, info["status"].as_str());
    recorded.metrics = metrics;
    recorded.params = pairs("params");
    recorded.tags = pairs("tags");
    let begun = info["start_time"].as_i64().unwrap_or(0);
    (begun, recorded.recording())
}

struct Server {
    client: Client,
    address: String,
}

impl Server {
    fn new(address: &str) -> Result<Self, LaunchError> {
        olmix_data::install_tls_provider();
        let client = Client::builder().timeout(PATIENCE).build();
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

    fn experiments(&self) -> Result<Vec<Experiment>, LaunchError> {
        let query = json!({"view_type": "ACTIVE_ONLY"});
        let listed = self.all("experiments/search", &query, "experiments")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let experiment = |experiment: &Value| Experiment {
            id: text(&experiment["experiment_id"]),
            name: text(&experiment["name"]),
        };
        Ok(listed.iter().map(experiment).collect())
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
            format!("{}: is not an MLflow tracking server", self.address),
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
