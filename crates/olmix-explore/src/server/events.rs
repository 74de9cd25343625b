//! Server-sent events: the page is told when the files behind it changed.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use tokio::time::sleep;

use super::Shared;
use crate::error::ApiError;
use crate::swarm::Watch;

/// How often files are looked at for each page that listens.
const PERIOD: Duration = Duration::from_secs(1);
/// Pages that may listen at once.
const MOST: usize = 64;

/// What pages are told.
#[derive(Debug)]
pub struct Events {
    watch: Arc<Watch>,
    listening: Arc<AtomicUsize>,
}

impl Events {
    pub fn new(watch: Watch) -> Self {
        Self {
            watch: Arc::new(watch),
            listening: Arc::default(),
        }
    }

    /// The version of the files now.
    pub fn version(&self) -> u64 {
        self.watch.version()
    }
}

/// Counts a page as long as it listens.
struct Listening(Arc<AtomicUsize>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Tells the version at once, and again whenever it is another one.
pub async fn events(State(shared): State<Arc<Shared>>) -> Response {
    let counter = Arc::clone(&shared.events.listening);
    let before = counter.fetch_add(1, Ordering::Relaxed);
    let listening = Listening(counter);
    if before >= MOST {
        let error = ApiError {
            status: StatusCode::TOO_MANY_REQUESTS,
            ..ApiError::refused(format!("{MOST} pages listen already"), "close some of them")
        };
        return error.into_response();
    }
    let watch = Arc::clone(&shared.events.watch);
    let stream = unfold(
        (watch, listening, 0),
        |(watch, listening, told)| async move {
            loop {
                let look = Arc::clone(&watch);
                let version = tokio::task::spawn_blocking(move || look.version())
                    .await
                    .unwrap_or(told);
                if version != told {
                    let event = Event::default().data(format!("{{\"version\":{version}}}"));
                    return Some((Ok::<_, Infallible>(event), (watch, listening, version)));
                }
                sleep(PERIOD).await;
            }
        },
    );
    Sse::new(stream)
        .keep_alive(KeepAlive::default())
        .into_response()
}
