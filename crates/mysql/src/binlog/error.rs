//! What can be wrong with binlog bytes, by who is at fault.
//!
//! The decoder does not know where in the log it is: the caller adds file and position.

/// Bytes of the binary log that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Bytes that break the format.
    #[error("{what} cannot be read: {reason}")]
    Malformed {
        /// The event or part concerned.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The checksum at the end of an event does not fit its bytes.
    #[error(
        "the checksum of an event of type {event_type} is {found:08x}, but its bytes give {computed:08x}"
    )]
    Checksum {
        /// The event's type number.
        event_type: u8,
        /// As the event says.
        found: u32,
        /// As its bytes say.
        computed: u32,
    },
    /// An event that we do not know and that the server does not mark as ignorable.
    #[error("the event type {0} is unknown and not marked as ignorable")]
    UnknownEvent(u8),
    /// Something longer than the caller allows.
    #[error("{what} of {bytes} bytes is over the limit of {limit}")]
    TooLarge {
        /// The part concerned.
        what: &'static str,
        /// Its length as far as known.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Something well-formed that we do not support.
    #[error("{0}")]
    Unsupported(String),
    /// A table map and the definition of the table do not describe the same table.
    #[error("{database}.{table} in the log does not fit its known definition: {reason}")]
    SchemaMismatch {
        /// Database of the table.
        database: String,
        /// Name of the table.
        table: String,
        /// The first difference found, with the column's name.
        reason: String,
    },
    /// The table map lacks what is needed to describe its table.
    #[error(
        "the log does not describe {database}.{table}: {missing} missing; set binlog_row_metadata=FULL"
    )]
    MetadataMissing {
        /// Database of the table.
        database: String,
        /// Name of the table.
        table: String,
        /// What is not there.
        missing: &'static str,
    },
    /// A row of a table that does not fit the table's map.
    #[error("a row of {database}.{table} cannot be read: {reason}")]
    Row {
        /// Database of the table.
        database: String,
        /// Name of the table.
        table: String,
        /// What is wrong.
        reason: &'static str,
    },
}

impl DecodeError {
    pub(super) const fn malformed(what: &'static str, reason: &'static str) -> Self {
        Self::Malformed { what, reason }
    }
}
