//! The page: everything it consists of is in the binary.

use axum::http::header;
use axum::response::IntoResponse;

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

/// The font, in rules that carry it.
pub async fn fonts() -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, olmix_report::font_faces())
}
