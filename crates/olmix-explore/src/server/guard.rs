//! Who is answered at all: those who know the token, ask this address, and do not come from another page.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq as _;

/// What a request is compared with.
#[derive(Debug)]
pub struct Guard {
    token: String,
    /// `127.0.0.1:PORT` and `localhost:PORT`.
    hosts: [String; 2],
}

impl Guard {
    pub fn new(address: SocketAddr, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            hosts: [address.to_string(), format!("localhost:{}", address.port())],
        }
    }

    /// Why a request is not answered.
    fn refuses(&self, path: &str, headers: &HeaderMap) -> Option<StatusCode> {
        // A page elsewhere can make a browser ask this port under a name of its own, but not under ours.
        let host = single(headers, &header::HOST);
        if !self.hosts.iter().any(|known| Some(known.as_str()) == host) {
            return Some(StatusCode::FORBIDDEN);
        }
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin
                .to_str()
                .ok()
                .and_then(|origin| origin.strip_prefix("http://"));
            if origin != host {
                return Some(StatusCode::FORBIDDEN);
            }
        }
        let site = headers
            .get("sec-fetch-site")
            .and_then(|site| site.to_str().ok());
        if matches!(site, Some("cross-site" | "same-site")) {
            return Some(StatusCode::FORBIDDEN);
        }
        let token = path
            .trim_start_matches('/')
            .split('/')
            .next()
            .unwrap_or_default();
        let known = bool::from(token.as_bytes().ct_eq(self.token.as_bytes()));
        (!known).then_some(StatusCode::NOT_FOUND)
    }
}

/// The value of a header that is there once.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    first.filter(|_| second.is_none())?.to_str().ok()
}

/// What a browser may do with an answer: load and send nothing elsewhere, show it in no frame, keep no copy.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src \
         'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// Answers those who may ask, with the headers of every answer.
pub async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.refuses(request.uri().path(), request.headers()) {
        None => next.run(request).await,
        Some(status) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = status;
            response
        }
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    response
}
