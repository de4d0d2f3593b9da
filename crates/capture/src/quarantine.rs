//! What a task sets aside so that the rest can go on: a table whose rows cannot be decoded, and single
//! events that an operator has decided to leave out. Nothing is set aside without an entry here.

use change::Position;

use crate::HistoryError;

/// A table whose rows are held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedTable {
    /// Database of the table.
    pub database: String,
    /// Name of the table.
    pub table: String,
    /// Where the first row that was held back begins; its rows are read again from here.
    pub from: Position,
    /// Stable machine code, like `schema_mismatch`.
    pub code: String,
    /// What happened, where, and what to do; for a person.
    pub message: String,
    /// What a person has decided about it.
    pub decision: TableDecision,
}

/// What becomes of a quarantined table. Looked at each time the source starts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TableDecision {
    /// Nobody has decided: its rows stay held back.
    #[default]
    Pending,
    /// Deliver what was held back, then go on as before. The text, if any, is a CREATE TABLE statement
    /// that says how the table was defined at [`QuarantinedTable::from`].
    Retry(Option<String>),
    /// Leave out what was held back, and deliver its rows again from where the source now stands.
    Skip,
}

/// The event at which a source cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEvent {
    /// Where it stands, as the source writes it for people: `binlog.000007:4711`.
    pub place: String,
    /// The kind of event in the source's words: `UPDATE_ROWS_EVENTv2`.
    pub kind: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its first bytes, at most [`BadEvent::BYTES_MAX`].
    pub bytes: Vec<u8>,
}

impl BadEvent {
    /// As much of an event is kept to be shown.
    pub const BYTES_MAX: usize = 64 * 1024;
}

/// Where a task keeps what it has set aside. One per task.
pub trait Quarantine: Send + std::fmt::Debug {
    /// All tables that are held back.
    ///
    /// # Errors
    /// The store cannot be read.
    fn tables(&self) -> Result<Vec<QuarantinedTable>, HistoryError>;

    /// Holds a table back, durably, before anything behind it is delivered. Replaces its entry.
    ///
    /// # Errors
    /// The store cannot be written.
    fn hold(&self, table: &QuarantinedTable) -> Result<(), HistoryError>;

    /// A table is delivered again.
    ///
    /// # Errors
    /// The store cannot be written.
    fn release(&self, database: &str, table: &str) -> Result<(), HistoryError>;

    /// The places of the events that an operator has decided to leave out, one by one; spelled as in
    /// [`BadEvent::place`]. A decision stays: until the log holds something behind the event, the source
    /// comes by it again after each restart.
    ///
    /// # Errors
    /// The store cannot be read.
    fn events_to_skip(&self) -> Result<Vec<String>, HistoryError>;

    /// The source is at an event at one of these places; called each time it comes by, before anything
    /// behind it is delivered. Answers whether it is the event that was decided about, and is left out:
    /// on a server that was reset, another one may stand there.
    ///
    /// # Errors
    /// Nobody has decided about this place, or the store cannot be written.
    fn event_skipped(&self, event: &BadEvent) -> Result<bool, HistoryError>;
}

/// Holds nothing and keeps nothing: for a source that is only looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoQuarantine;

impl Quarantine for NoQuarantine {
    fn tables(&self) -> Result<Vec<QuarantinedTable>, HistoryError> {
        Ok(Vec::new())
    }

    fn hold(&self, table: &QuarantinedTable) -> Result<(), HistoryError> {
        Err(HistoryError(
            format!("{}.{} cannot be set aside here", table.database, table.table).into(),
        ))
    }

    fn release(&self, _: &str, _: &str) -> Result<(), HistoryError> {
        Ok(())
    }

    fn events_to_skip(&self) -> Result<Vec<String>, HistoryError> {
        Ok(Vec::new())
    }

    fn event_skipped(&self, event: &BadEvent) -> Result<bool, HistoryError> {
        Err(HistoryError(format!("the event at {} cannot be set aside here", event.place).into()))
    }
}
