//! Why a dump cannot be read on, before it is known where in the log.

use capture::{BadEvent, ErrorKind, HistoryError, SinkError, SourceError};

use super::xa::Prepared;
use crate::Error;
use crate::binlog::DecodeError;

/// What stopped the translator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An event breaks the format, or is not supported.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The receiver of changes refused.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A table's definition could not be asked for.
    #[error(transparent)]
    Connection(#[from] Error),
    /// The schema history cannot be used.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// Rows came for a table that was not described.
    #[error("rows came for table id {0}, which no table map describes")]
    NoTableMap(u64),
    /// The server's log does not describe a table, and its catalog does not have it any more.
    #[error("table {0}.{1} is not described in the log and no longer exists on the server")]
    UnknownTable(String, String),
    /// The server's catalog is ahead of a row, and the log does not describe its table.
    #[error(
        "the log does not describe table {0}.{1} here, and a statement further on in the log, before byte {offset} of binlog file number {file}, changes it: how the server defines it now may not be how it was",
        table.0, table.1
    )]
    SchemaAhead {
        /// The table.
        table: (String, String),
        /// Number of the file in which the last statement stands that names the table.
        file: u64,
        /// Where it ends.
        offset: u64,
    },
    /// The definition that a person gave for a table cannot be used.
    #[error("the definition given for table {0}.{1} cannot be used: {reason}", table.0, table.1)]
    Definition {
        /// The table.
        table: (String, String),
        /// What is wrong with it.
        reason: String,
    },
    /// The log could not be read ahead.
    #[error(transparent)]
    LookAhead(Box<SourceError>),
    /// A transaction was delivered in part, and the server goes on with another one.
    #[error(
        "transaction {expected} was delivered in part, and the server goes on with {found} instead"
    )]
    OtherTransaction {
        /// Delivered in part.
        expected: String,
        /// What came, or nothing.
        found: String,
    },
    /// The rows of an XA transaction that is committed cannot be read again.
    #[error(
        "the XA transaction {xid} is committed here, and its rows at {place} cannot be read again: {reason}"
    )]
    PreparedLost {
        /// Its identifier.
        xid: String,
        /// Where its rows stood.
        place: String,
        /// What is there instead, or what the server says.
        reason: String,
    },
    /// A ROTATE names no text.
    #[error("a ROTATE event names a file in no character set")]
    FileName,
    /// The server says that it lost events.
    #[error("the server lost events and says: {0}")]
    Incident(String),
}

impl Failure {
    pub(crate) fn prepared_lost(group: &Prepared, reason: impl Into<String>) -> Self {
        let (xid, place) = (group.xid.to_string(), group.shown_place());
        Self::PreparedLost { xid, place, reason: reason.into() }
    }

    /// Says what it means where one event is at fault, with that event.
    pub(crate) fn at_event(
        self,
        event: BadEvent,
        endpoint: &crate::connection::Endpoint,
    ) -> SourceError {
        let is_of_event = matches!(
            self,
            Self::Decode(_)
                | Self::Sink(SinkError::Row(_) | SinkError::TooLarge(_))
                | Self::NoTableMap(_)
                | Self::FileName
                | Self::Incident(_)
        );
        let at = format!("{} ({})", event.place, event.kind);
        let error = self.into_source_error(&at, endpoint);
        if is_of_event { error.at_event(event) } else { error }
    }

    /// Says what it means, with the place in the log.
    pub(crate) fn into_source_error(
        self,
        at: &str,
        endpoint: &crate::connection::Endpoint,
    ) -> SourceError {
        let text = |what: &str| format!("{at}: {what}");
        match self {
            Self::Sink(SinkError::Closed) => {
                SourceError::new(ErrorKind::SinkClosed, "log_closed", text("the log takes no more"))
            }
            Self::Sink(error @ SinkError::TooLarge(_)) => {
                SourceError::new(ErrorKind::Unsupported, "row_too_large", text(&error.to_string()))
                    .remedy("exclude the table from the task")
            }
            Self::Sink(error @ SinkError::Row(_)) => {
                SourceError::new(ErrorKind::Corrupt, "row_undecodable", text(&error.to_string()))
            }
            Self::Decode(error) => decode_failed(&error, at),
            Self::Connection(error) => crate::connection::explain(error, endpoint, Some(at)),
            Self::Incident(message) => SourceError::new(
                ErrorKind::PositionLost,
                "incident",
                text(&format!("the server lost events and says {message:?}: changes are missing")),
            )
            .remedy("wellhead task start NAME --start now --accept-gap"),
            Self::OtherTransaction { .. } => SourceError::new(
                ErrorKind::PositionLost,
                "server_diverged",
                text(&self.to_string()),
            )
            .remedy("let the task read the server it read before, then wellhead task start NAME")
            .remedy("wellhead task start NAME --start now --accept-gap"),
            Self::PreparedLost { .. } => {
                SourceError::new(ErrorKind::PositionLost, "xa_rows_lost", text(&self.to_string()))
                    .remedy("keep binlogs as long as XA transactions stay prepared")
                    .remedy("wellhead task start NAME --start now --accept-gap")
            }
            Self::LookAhead(error) => *error,
            Self::Definition { .. } => SourceError::new(
                ErrorKind::Misconfigured,
                "definition_unusable",
                text(&self.to_string()),
            ),
            Self::SchemaAhead { .. } => SourceError::new(
                ErrorKind::Misconfigured,
                "schema_ambiguous",
                text(&self.to_string()),
            )
            .remedy("SET GLOBAL binlog_row_metadata = FULL, so that the log describes its tables")
            .remedy("exclude the table from the task"),
            Self::UnknownTable(..) => SourceError::new(
                ErrorKind::Misconfigured,
                "schema_unknown",
                text(&self.to_string()),
            )
            .remedy("SET GLOBAL binlog_row_metadata = FULL, so that the log describes its tables")
            .remedy("exclude the table from the task"),
            Self::History(error) => {
                SourceError::new(ErrorKind::SinkClosed, "catalog_failed", text(&error.to_string()))
            }
            Self::NoTableMap(_) | Self::FileName => {
                SourceError::new(ErrorKind::Corrupt, "event_corrupt", text(&self.to_string()))
            }
        }
    }
}

fn decode_failed(error: &DecodeError, at: &str) -> SourceError {
    let message = format!("the event at {at} cannot be used: {error}");
    match error {
        DecodeError::Checksum { .. } => {
            SourceError::new(ErrorKind::Corrupt, "checksum_mismatch", message)
                .remedy("if it stays after retries, the server's binlog file is damaged: mysqlbinlog --verify-binlog-checksum tells")
        }
        DecodeError::UnknownEvent(_) | DecodeError::Unsupported(_) => {
            SourceError::new(ErrorKind::Unsupported, "event_unsupported", message)
        }
        DecodeError::TooLarge { .. } => {
            SourceError::new(ErrorKind::Unsupported, "event_too_large", message)
        }
        DecodeError::SchemaMismatch { .. } | DecodeError::MetadataMissing { .. } => {
            SourceError::new(ErrorKind::Misconfigured, "schema_mismatch", message)
                .remedy("SET GLOBAL binlog_row_metadata = FULL, so that the log describes its tables")
                .remedy("exclude the table from the task")
        }
        DecodeError::Malformed { .. } | DecodeError::Row { .. } => {
            SourceError::new(ErrorKind::Corrupt, "event_corrupt", message)
        }
    }
}
