//! What a request can't have, in the words of an answer.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use olmix_core::CoreError;
use olmix_io::IoError;
use serde_json::json;

/// A request that is refused: one message, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The status of the answer.
    pub status: StatusCode,
    /// What was found.
    pub message: String,
    /// What to do, where the message does not say it.
    pub help: Option<String>,
}

impl ApiError {
    /// 422: it was understood and can't be done.
    #[must_use]
    pub fn refused(message: impl Into<String>, help: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: message.into(),
            help: (!help.is_empty()).then(|| help.to_owned()),
        }
    }

    /// 409: what it needs is not there, or not now.
    #[must_use]
    pub fn conflict(message: impl Into<String>, help: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            ..Self::refused(message, help)
        }
    }

    /// 409: a newer request of the same tab came.
    #[must_use]
    pub fn superseded() -> Self {
        Self::conflict("a newer request of this tab has taken its place", "")
    }

    /// 500: a defect of ours.
    #[must_use]
    pub fn defect(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::refused(message, "this is a defect of olmix; please report it")
        }
    }
}

impl From<CoreError> for ApiError {
    fn from(error: CoreError) -> Self {
        let help = match &error {
            CoreError::Infeasible(_) => {
                "loosen a bound, a group or a fixed weight, raise the repetition factor, or lower the tokens of the run"
            }
            CoreError::SolverFailed(_) => "raise λ a little",
            CoreError::Unsupported(_) => "leave the tokens of the run empty",
            _ => "",
        };
        Self::refused(error.to_string(), help)
    }
}

impl From<IoError> for ApiError {
    fn from(error: IoError) -> Self {
        // Displayed as two lines; an answer has a field for the second.
        let text = error.to_string();
        let message = text
            .split_once("\n  help: ")
            .map_or(text.as_str(), |(message, _)| message);
        Self::refused(message, error.help())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"error": {"message": self.message, "help": self.help}});
        crate::server::json_response(self.status, &body)
    }
}
