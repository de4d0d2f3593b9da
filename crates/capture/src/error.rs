//! Why a source stopped, said so that a task can decide and a person can act.

use crate::BadEvent;

/// What went wrong with a source. What follows from it (retry, stop, ask) is decided in `task`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// The kind, by which the task decides.
    pub kind: ErrorKind,
    /// Stable machine code, like `binlog_purged`; part of the API.
    pub code: &'static str,
    /// What happened, where, and what to do; for a person. No passwords, row values or SQL literals.
    pub message: String,
    /// Commands or settings that mend it, most advisable first.
    pub remedies: Vec<String>,
    /// The event at which the source cannot go on, where a single one is at fault.
    pub event: Option<Box<BadEvent>>,
    /// The error underneath, if any.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Who is at fault, as far as it decides what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The server cannot be reached, or the connection broke. Worth a retry.
    Unreachable,
    /// The server refuses our credentials or rights. Worth a slow retry: someone may mend it.
    Denied,
    /// The server is not set up for capture. Worth a slow retry.
    Misconfigured,
    /// What we need is no longer in the server's log, or the server is not the one we knew: going on
    /// would leave a gap. Never retried by itself.
    PositionLost,
    /// Bytes that break the protocol or a checksum. Worth a retry from the last durable position.
    Corrupt,
    /// Something well-formed that we do not support. Never retried by itself.
    Unsupported,
    /// The sink closed; the task knows why.
    SinkClosed,
}

impl SourceError {
    /// An error without cause and remedies.
    #[must_use]
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), remedies: Vec::new(), event: None, cause: None }
    }

    /// Adds a remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedies.push(remedy.into());
        self
    }

    /// Adds the event that is at fault.
    #[must_use]
    pub fn at_event(mut self, event: BadEvent) -> Self {
        self.event = Some(Box::new(event));
        self
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}
