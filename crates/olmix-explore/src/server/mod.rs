//! The server: the loopback address, a token, and the page's requests.

mod answers;
mod assets;
mod events;
mod guard;
mod turns;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Router, middleware};
use serde::Serialize;
use thiserror::Error;
use tokio::net::TcpListener;

use crate::error::ApiError;
use crate::explorer::Explorer;
use events::Events;
use guard::{Guard, guard};
use turns::Turns;

/// Greatest size of a request in bytes: the settings of a thousand domains are far below.
const MOST_BYTES: usize = 1 << 20;

/// Why no address could be taken.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Another program has the port.
    #[error(
        "port {0} is taken by another program\n  help: name another one with --port, or leave it out for any free one"
    )]
    Taken(u16),
    /// The system gives this port to no one like us.
    #[error(
        "port {0} can't be listened on: {1}\n  help: name a port from 1024 to 65535 with --port, or leave it out for any free one"
    )]
    Refused(u16, io::Error),
    /// The system gave no random numbers, or no thread.
    #[error("the server can't be started: {0}")]
    System(String),
}

/// What handlers share.
pub(crate) struct Shared {
    explorer: RwLock<Arc<Explorer>>,
    pub turns: Turns,
    pub events: Events,
}

impl Shared {
    /// What is explored now.
    pub fn explorer(&self) -> Arc<Explorer> {
        Arc::clone(&self.explorer.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the mixture file again where it is another one than was read. One that can't be read leaves the one
    /// before in place.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn renew(&self) -> Result<Arc<Explorer>, ApiError> {
        let known = self.explorer();
        if known.is_current() {
            return Ok(known);
        }
        let renewed = known.again()?;
        let renewed = Arc::new(renewed);
        *self
            .explorer
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::clone(&renewed);
        Ok(renewed)
    }
}

/// A server that listens, and has not begun to answer.
#[derive(Debug)]
pub struct Server {
    listener: std::net::TcpListener,
    token: String,
    address: SocketAddr,
}

impl Server {
    /// Takes a port of 127.0.0.1 (0 for any free one) and makes a token of 128 random bits.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn listen(port: u16) -> Result<Self, ListenError> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(
            |error| match error.kind() {
                io::ErrorKind::AddrInUse => ListenError::Taken(port),
                _ => ListenError::Refused(port, error),
            },
        )?;
        let system = |error: io::Error| ListenError::System(error.to_string());
        listener.set_nonblocking(true).map_err(system)?;
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).map_err(|error| ListenError::System(error.to_string()))?;
        Ok(Self {
            address: listener.local_addr().map_err(system)?,
            token: format!("{:032x}", u128::from_be_bytes(random)),
            listener,
        })
    }

    /// The address of the page, with the token.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }

    /// Answers until `stop` is ready. Requests in flight are dropped then.
    ///
    /// # Errors
    /// [`ListenError::System`] where no threads can be started.
    pub fn serve(
        self,
        explorer: Explorer,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ListenError> {
        let system = |error: io::Error| ListenError::System(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("olmix-explore")
            .enable_all()
            .build()
            .map_err(system)?;
        let served = runtime.block_on(async {
            let listener = TcpListener::from_std(self.listener).map_err(system)?;
            // An answer is not held back for more to send.
            let listener = listener.tap_io(|socket| {
                let _ = socket.set_nodelay(true);
            });
            let app = router(explorer, self.address, &self.token);
            tokio::select! {
                served = axum::serve(listener, app) => served.map_err(system),
                () = stop => Ok(()),
            }
        });
        runtime.shutdown_background();
        served
    }
}

/// Tells a server to stop.
#[derive(Debug)]
pub struct Stop(tokio::sync::oneshot::Sender<()>);

impl Stop {
    /// Stops it.
    pub fn stop(self) {
        // Where nothing waits any more, it has stopped.
        let _ = self.0.send(());
    }
}

/// What tells a server to stop, and what [`Server::serve`] waits for. A [`Stop`] that is dropped stops it, too.
pub fn stop() -> (Stop, impl Future<Output = ()>) {
    let (send, receive) = tokio::sync::oneshot::channel();
    (Stop(send), async move {
        let _ = receive.await;
    })
}

/// The routes, behind the guard.
pub(crate) fn router(mut explorer: Explorer, address: SocketAddr, token: &str) -> Router {
    explorer.begin_background();
    let shared = Arc::new(Shared {
        events: Events::new(explorer.watch()),
        explorer: RwLock::new(Arc::new(explorer)),
        turns: Turns::new(),
    });
    let at = |path: &str| format!("/{token}{path}");
    let to_page = at("/");
    Router::new()
        .route(
            &at(""),
            get(move || async move { Redirect::permanent(&to_page) }),
        )
        .route(&at("/"), get(assets::index))
        .route(&at("/explore.js"), get(assets::script))
        .route(&at("/explore.css"), get(assets::style))
        .route(&at("/fonts.css"), get(assets::fonts))
        .route(&at("/fonts/{name}"), get(assets::font))
        .route(&at("/api/model"), get(answers::model))
        .route(&at("/api/solve"), post(answers::solve))
        .route(&at("/api/predict"), post(answers::predict))
        .route(&at("/api/prices"), post(answers::prices))
        .route(&at("/api/save"), post(answers::save))
        .route(&at("/api/export"), post(answers::export))
        .route(&at("/api/swarm"), get(answers::swarm))
        .route(&at("/api/swarm/events"), get(events::events))
        .route(&at("/api/next"), post(answers::next))
        .route(&at("/api/project"), get(answers::project))
        .route(
            &at("/api/project/mixture/{id}"),
            get(answers::project_mixture),
        )
        .route(&at("/api/project/plans"), get(answers::project_plans))
        .fallback(answers::nothing)
        .with_state(shared)
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(middleware::from_fn_with_state(
            Arc::new(Guard::new(address, token)),
            guard,
        ))
}

/// JSON as an answer.
pub(crate) fn json_response(status: StatusCode, value: &impl Serialize) -> Response {
    let (status, body) = match serde_json::to_vec(value) {
        Ok(body) => (status, body),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, b"{}".to_vec()),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
