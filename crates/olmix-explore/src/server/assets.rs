//! The page: everything it consists of is in the binary.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The page's frame; what it shows is made by the script.
pub async fn index() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (kind, include_str!("../../assets/index.html"))
}

/// Built from `web/src/explore/`.
pub async fn script() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("../../assets/explore.js"))
}

/// The look of the page.
pub async fn style() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../../assets/explore.css"))
}

/// Where the page's font is.
pub async fn fonts() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../../assets/fonts.css"))
}

/// A file of the page's font.
pub async fn font(Path(name): Path<String>) -> Response {
    let fonts = olmix_report::web_fonts();
    match fonts.into_iter().find(|(known, _)| *known == name) {
        Some((_, bytes)) => ([(header::CONTENT_TYPE, "font/woff2")], bytes).into_response(),
        None => super::answers::nothing().await,
    }
}
