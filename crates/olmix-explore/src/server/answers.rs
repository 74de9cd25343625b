//! Answers to the page's requests.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;

use super::turns::Ticket;
use super::{Shared, json_response};
use crate::error::ApiError;
use crate::explorer::Explorer;
use crate::settings::Settings;

type Server = State<Arc<Shared>>;

/// How long files are waited for that other processes may have locked.
const READING: Duration = Duration::from_secs(4);
/// The same where work is to be done, such as reading a large swarm or planning.
const PLANNING: Duration = Duration::from_mins(2);

/// What is explored. A mixture file that was written anew is read anew.
pub async fn model(State(shared): Server) -> Response {
    let own = Arc::clone(&shared);
    let described = shared
        .turns
        .look(PLANNING, move || {
            own.renew().map(|explorer| explorer.describe())
        })
        .await;
    respond(described.and_then(|described| described))
}

/// The mixture for settings.
pub async fn solve(State(shared): Server, headers: HeaderMap, body: Bytes) -> Response {
    answer(&shared, "solve", &headers, &body, |explorer, asked| {
        if let Some(background) = &explorer.background {
            background.make_way();
        }
        let settings = Settings::parse(asked)?;
        crate::solve::solve(&*explorer.laws()?, explorer.runs.as_deref(), &settings)
    })
    .await
}

/// What a mixture is predicted to do.
pub async fn predict(State(shared): Server, headers: HeaderMap, body: Bytes) -> Response {
    answer(
        &shared,
        "predict",
        &headers,
        &body,
        |explorer, mut asked| {
            let weights = weights(&mut asked)?;
            let settings = Settings::parse(asked["settings"].take())?;
            crate::predict::predict(explorer, &weights, &settings)
        },
    )
    .await
}

/// What constraints cost.
pub async fn prices(State(shared): Server, headers: HeaderMap, body: Bytes) -> Response {
    answer(&shared, "prices", &headers, &body, |explorer, asked| {
        let settings = Settings::parse(asked)?;
        crate::solve::prices(&*explorer.laws()?, &settings)
    })
    .await
}

/// Writes a fit config that gives a mixture.
pub async fn save(State(shared): Server, headers: HeaderMap, body: Bytes) -> Response {
    answer(&shared, "save", &headers, &body, |explorer, mut asked| {
        let name = asked
            .as_object_mut()
            .and_then(|fields| fields.remove("name"));
        let name = name
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        crate::save::save(explorer, &name, &Settings::parse(asked)?)
    })
    .await
}

/// A mixture as a trainer's configuration.
pub async fn export(State(shared): Server, headers: HeaderMap, body: Bytes) -> Response {
    answer(&shared, "export", &headers, &body, |explorer, mut asked| {
        let weights = weights(&mut asked)?;
        crate::export::export(
            explorer,
            &weights,
            asked["format"].as_str().unwrap_or_default(),
        )
    })
    .await
}

/// The runs.
pub async fn swarm(State(shared): Server) -> Response {
    let version = shared.events.version();
    let waits = shared.explorer().source.ledger.is_some();
    let patience = if waits { READING } else { PLANNING };
    look(&shared, patience, move |explorer| {
        crate::swarm::view(explorer, version)
    })
    .await
}

/// The runs worth training next.
pub async fn next(State(shared): Server, headers: HeaderMap, body: Bytes) -> Response {
    answer(&shared, "next", &headers, &body, |explorer, asked| {
        let runs = asked["runs"]
            .as_u64()
            .and_then(|runs| usize::try_from(runs).ok());
        let runs = runs
            .ok_or_else(|| ApiError::refused("`runs` is no whole number", "ask for 1 or more"))?;
        crate::swarm::next(explorer, runs)
    })
    .await
}

/// The history of the project.
pub async fn project(State(shared): Server) -> Response {
    look(&shared, READING, crate::project::records).await
}

/// A mixture of it.
pub async fn project_mixture(State(shared): Server, Path(id): Path<String>) -> Response {
    look(&shared, READING, move |explorer| {
        crate::project::mixture(explorer, &id)
    })
    .await
}

/// What can be done next in it.
pub async fn project_plans(State(shared): Server) -> Response {
    look(&shared, PLANNING, crate::project::plans).await
}

/// There is no such thing.
pub async fn nothing() -> Response {
    let error = ApiError {
        status: StatusCode::NOT_FOUND,
        ..ApiError::refused("there is nothing under this address", "")
    };
    error.into_response()
}

/// The weights of a request.
fn weights(asked: &mut Value) -> Result<Vec<f64>, ApiError> {
    serde_json::from_value(asked["weights"].take()).map_err(|error| {
        ApiError::refused(
            format!("the weights can't be understood: {error}"),
            "give a list of numbers",
        )
    })
}

/// Reads a request, does its work when it is its turn, and answers.
async fn answer<T: Serialize + Send + 'static>(
    shared: &Shared,
    what: &str,
    headers: &HeaderMap,
    body: &Bytes,
    work: impl FnOnce(&Explorer, Value) -> Result<T, ApiError> + Send + 'static,
) -> Response {
    // A form of another page can't send JSON without asking first.
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if kind.is_none_or(|kind| kind.split(';').next() != Some("application/json")) {
        let error = ApiError {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..ApiError::refused(
                "a request is JSON, with the content type application/json",
                "",
            )
        };
        return error.into_response();
    }
    let asked = match serde_json::from_slice::<Value>(body) {
        Ok(asked) if asked.is_object() => asked,
        Ok(_) => return ApiError::refused("a request is a JSON object", "").into_response(),
        Err(error) => {
            return ApiError::refused(format!("the request is no JSON: {error}"), "")
                .into_response();
        }
    };
    let explorer = shared.explorer();
    let done = shared
        .turns
        .take(Ticket::of(what, headers), move || work(&explorer, asked))
        .await;
    respond(done.and_then(|done| done))
}

/// Answers what is asked for without settings.
async fn look<T: Serialize + Send + 'static>(
    shared: &Shared,
    patience: Duration,
    work: impl FnOnce(&Explorer) -> Result<T, ApiError> + Send + 'static,
) -> Response {
    let explorer = shared.explorer();
    let done = shared.turns.look(patience, move || work(&explorer)).await;
    respond(done.and_then(|done| done))
}

fn respond(done: Result<impl Serialize, ApiError>) -> Response {
    match done {
        Ok(done) => json_response(StatusCode::OK, &done),
        Err(error) => error.into_response(),
    }
}
