//! The two doors of a capture: a source pushes into a sink.

use std::sync::Arc;
use std::time::Duration;

use change::{Change, Position, Resume, SourceInfo, UnixTime};

use crate::{CheckItem, Quarantine, SchemaHistory, Selection, SourceError, Stop};

/// One server whose change log can be read. Blocking; a task gives it a thread of its own.
pub trait Source: Send + std::fmt::Debug {
    /// Reads the log from `start` and pushes each entry into `sink`, in order, until `stop` is raised
    /// (then `Ok`) or something fails. It may be called again: the task decides about retries, and
    /// then starts from what its log durably holds.
    ///
    /// # Errors
    /// Connection, rights, lost positions, undecodable events; or the sink refused.
    fn run(&mut self, start: &Start, sink: &mut dyn Sink, stop: &Stop) -> Result<(), SourceError>;

    /// Looks, read-only, whether [`Source::run`] would work. A server that cannot be reached is a
    /// failed item, not an error.
    fn check(&mut self) -> Vec<CheckItem>;

    /// A shared view on what the source knows about itself while it runs.
    fn status(&self) -> Arc<SourceStatus>;
}

/// Where a [`Source`] pushes what it reads.
pub trait Sink {
    /// A connection stands; what follows was read through it, from `at` on. A source that is asked to
    /// start now fixes by this what now means, also for a later try.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn connected(&mut self, info: &SourceInfo, at: &dyn Resume) -> Result<(), SinkError>;

    /// The next entry.
    ///
    /// # Errors
    /// See [`SinkError`]. After an image error nothing of this change was kept.
    fn change(&mut self, change: &Change<'_>) -> Result<(), SinkError>;

    /// Everything before `at` was delivered or filtered, and no transaction is open. Sources call this
    /// at the end of each transaction they filtered whole and at each sign of life of the server, so
    /// that an idle or filtered source advances too. `at.body` is [`change::Body::Heartbeat`].
    ///
    /// # Errors
    /// See [`SinkError`].
    fn progress(&mut self, at: &Change<'_>) -> Result<(), SinkError>;

    /// Nothing more waits in the source's buffers; `at` says what was delivered last, as in
    /// [`Sink::progress`], but a transaction may be open. Answers how long at the most the source may
    /// wait for more before it calls again.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn idle(&mut self, at: &Change<'_>) -> Result<Duration, SinkError>;

    /// Returns once everything that was delivered is durable. A source calls this before it writes down
    /// elsewhere what holds only behind that. A sink that keeps nothing has nothing to do.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn settle(&mut self, at: &Change<'_>) -> Result<(), SinkError> {
        let _nothing_kept = at;
        Ok(())
    }
}

/// Why a sink takes no more.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// A row could not be written, because one of its values breaks its column's type.
    #[error("a row cannot be written: {0}")]
    Row(String),
    /// One change is larger than what can be stored.
    #[error("the change is too large to be stored: {0}")]
    TooLarge(String),
    /// The receiver is shutting down or failed; it knows why.
    #[error("the receiver of changes has closed")]
    Closed,
}

/// What a task asks of its source, whatever kind it is.
#[derive(Debug)]
pub struct CaptureOptions {
    /// Which tables are tracked.
    pub selection: Selection,
    /// Which statements are delivered.
    pub ddl_scope: DdlScope,
    /// What becomes of a table whose rows cannot be decoded.
    pub on_table_error: OnTableError,
    /// Where definitions are kept that the log does not hold.
    pub history: Box<dyn SchemaHistory>,
    /// Where tables and events are kept that are set aside.
    pub quarantine: Box<dyn Quarantine>,
}

/// Which statements that change definitions are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DdlScope {
    /// Those of the whole server, as DTS does.
    #[default]
    Instance,
    /// Those that name a tracked table, or a database in which tables could be tracked.
    Tracked,
}

/// What becomes of a table whose rows cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnTableError {
    /// Its rows are held back in the [`Quarantine`] until a person decides; all other tables go on.
    #[default]
    Quarantine,
    /// The task stops.
    Stop,
}

/// Where reading starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At the server's current end.
    Now,
    /// At the oldest entry the server still has.
    Earliest,
    /// At the first transaction that was committed at or after this time of the source.
    Time(UnixTime),
    /// Right behind the entry whose [`change::Resume`] wrote this, or where an operator said.
    At(Position),
}

/// What a running source tells about itself, for status pages and metrics. Written by the source at
/// most once per network read, read by anyone.
#[derive(Debug, Default)]
pub struct SourceStatus {
    inner: std::sync::Mutex<StatusFields>,
}

/// See [`SourceStatus`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusFields {
    /// The server's flavour and version as people say it: `MySQL 8.4.6`, `MariaDB 10.11.6`.
    pub server: Option<String>,
    /// Whether a connection stands.
    pub connected: bool,
    /// When the server was last heard, a heartbeat included.
    pub last_contact: Option<UnixTime>,
    /// When everything the server had was last seen to be read.
    pub caught_up: Option<UnixTime>,
    /// By how much the source's clock is ahead of ours. The other times here are by our clock.
    pub clock_ahead_micros: i64,
    /// Bytes read from the server's log since the process started.
    pub bytes_read: u64,
    /// Events skipped by reason (constant texts).
    pub skipped: Vec<(&'static str, u64)>,
    /// Tables whose rows are held back, with the reason's machine code.
    pub held_tables: Vec<(String, String)>,
    /// Remarks that an operator should see, newest last, at most a handful.
    pub warnings: Vec<String>,
}

impl SourceStatus {
    /// A copy of the fields.
    #[must_use]
    pub fn read(&self) -> StatusFields {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Changes the fields.
    pub fn update(&self, change: impl FnOnce(&mut StatusFields)) {
        change(&mut self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}
