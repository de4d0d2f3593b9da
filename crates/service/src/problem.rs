//! The error body of the API (RFC 9457), and its codes, which are a promise.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Stable codes. The same in the API, the command line and the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is no JSON, or not of the expected shape.
    Malformed,
    /// No or a wrong token.
    Unauthorized,
    /// No such object.
    NotFound,
    /// The object's state does not allow it.
    WrongState,
    /// It contradicts what exists.
    Conflict,
    /// It would leave changes out, which nobody has accepted.
    GapNotAccepted,
    /// A value is not allowed.
    InvalidValue,
    /// The source failed a precheck; `errors` has an entry for each failed check.
    PrecheckFailed,
    /// The source cannot be used.
    SourceUnusable,
    /// Our fault; the server's log says more.
    Internal,
}

/// An error, as every failing call answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The code again, as a relative URI.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// The contract.
    pub code: Code,
    /// What happened, where, and what to do.
    pub detail: String,
    /// All faults that were found, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// One fault among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// JSON pointer to what is at fault.
    pub pointer: String,
    /// Machine code of the fault.
    pub code: String,
    /// In words.
    pub detail: String,
    /// What mends it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remedy: Vec<Remedy>,
}

/// What mends a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Remedy {
    /// In words.
    pub title: String,
    /// SQL to run on the source, if that is what helps.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sql: String,
}

impl Problem {
    /// A problem with one fault.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/errors/{}", code.slug()),
            title: code.title().into(),
            status: code.status().as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// A value that is not allowed, with a pointer to it.
    #[must_use]
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self::invalid_all(vec![Fault::invalid(pointer, detail)])
    }

    /// Several values that are not allowed, all told at once.
    #[must_use]
    pub fn invalid_all(errors: Vec<Fault>) -> Self {
        let details: Vec<_> = errors.iter().map(|fault| fault.detail.as_str()).collect();
        let detail = details.join("; ");
        Self { errors, ..Self::new(Code::InvalidValue, detail) }
    }
}

impl Fault {
    /// A value at `pointer` that is not allowed.
    pub(crate) fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code: "invalid_value".into(),
            detail: detail.into(),
            remedy: Vec::new(),
        }
    }
}

impl Code {
    fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongState
            | Self::Conflict
            | Self::GapNotAccepted
            | Self::PrecheckFailed
            | Self::SourceUnusable => StatusCode::CONFLICT,
            Self::InvalidValue => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Malformed => "malformed request",
            Self::Unauthorized => "not authorized",
            Self::NotFound => "not found",
            Self::WrongState => "the state does not allow it",
            Self::Conflict => "conflict",
            Self::GapNotAccepted => "the gap is not accepted",
            Self::InvalidValue => "invalid value",
            Self::PrecheckFailed => "precheck failed",
            Self::SourceUnusable => "the source cannot be used",
            Self::Internal => "internal error",
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not-found",
            Self::WrongState => "wrong-state",
            Self::Conflict => "conflict",
            Self::GapNotAccepted => "gap-not-accepted",
            Self::InvalidValue => "invalid-value",
            Self::PrecheckFailed => "precheck-failed",
            Self::SourceUnusable => "source-unusable",
            Self::Internal => "internal",
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<task::Error> for Problem {
    fn from(error: task::Error) -> Self {
        let code = match error {
            task::Error::Catalog(error) => return error.into(),
            _ => code_of(&error),
        };
        internal_logged(code, &error)
    }
}

fn code_of(error: &task::Error) -> Code {
    match error {
        task::Error::NotFound(_) | task::Error::NoEvent(_) | task::Error::NotHeld { .. } => {
            Code::NotFound
        }
        task::Error::WrongState { .. } | task::Error::Unusable(_) => Code::WrongState,
        task::Error::GapNotAccepted { .. } => Code::GapNotAccepted,
        task::Error::Conflict(_) | task::Error::LogOfNobody { .. } => Code::Conflict,
        task::Error::Invalid(_) => Code::InvalidValue,
        task::Error::Source(_) => Code::SourceUnusable,
        _ => Code::Internal,
    }
}

impl From<catalog::Error> for Problem {
    fn from(error: catalog::Error) -> Self {
        let code = match &error {
            catalog::Error::Name(_)
            | catalog::Error::Invalid { .. }
            | catalog::Error::TooManyGroups { .. } => Code::InvalidValue,
            catalog::Error::NotFound { .. } => Code::NotFound,
            catalog::Error::Exists { .. } | catalog::Error::InUse { .. } => Code::Conflict,
            _ => Code::Internal,
        };
        internal_logged(code, &error)
    }
}

impl From<change::NameError> for Problem {
    fn from(error: change::NameError) -> Self {
        Self::new(Code::InvalidValue, error.to_string())
    }
}

/// Our own faults are logged where they are answered; the caller's are not.
pub(crate) fn internal_logged(code: Code, error: &dyn std::error::Error) -> Problem {
    if code == Code::Internal {
        tracing::error!(%error, "request failed");
    }
    Problem::new(code, error.to_string())
}
