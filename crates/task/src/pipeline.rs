//! From a source's change to a record in the open batch: the capture thread's hot path.
//!
//! A change is encoded once, straight into the open batch. Compression, checksum and disk belong to the
//! appending thread. Nothing is allocated per row.

use std::time::{Duration, Instant};

use capture::{Sink, SinkError};
use catalog::Operations;
use change::{
    Body, Change, Clock, Position, Resume, RowOperation, SourceInfo, Transaction, UnixTime,
};
use kafka::Offset;
use kafka::batch::BatchBuilder;
use record::DtsEncoder;

use crate::appender::{Appender, Batch, behind};
use crate::metrics::TaskMetrics;
use crate::settings::Settings;

/// Uncompressed size at which a batch is handed over: large enough to compress well, small enough
/// that a consumer's default fetch of 1 MiB holds several.
const BATCH_BYTES: usize = 1 << 20;
/// A batch of more holds one huge row, and is waited for.
const HUGE_BATCH_BYTES: usize = 16 << 20;
/// Shortest pause that an idle source is asked for: it may be within a transaction, where no heartbeat
/// is written however long ago the last one was.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The [`Sink`] of one run of a source.
pub(crate) struct Pipeline<'a> {
    appender: &'a Appender,
    settings: &'a Settings,
    clock: &'a dyn Clock,
    metrics: &'a TaskMetrics,
    /// Kinds of changes that become records.
    operations: Operations,
    /// Told about each connection.
    on_connected: &'a mut dyn FnMut(Position),
    encoder: &'a mut DtsEncoder,
    batch: BatchBuilder,
    counts: Counts,
    /// Offset of the first record of the open batch.
    base_offset: Offset,
    /// Source time of the last record.
    time: UnixTime,
    /// The open batch holds more than heartbeats.
    has_changes: bool,
    /// Time as of the last entry that is not a row; good enough for rows' `readerThroughoutTime`.
    now: UnixTime,
    /// Told the time of the first change, once.
    first_change: Option<&'a mut dyn FnMut(UnixTime)>,
    /// When the last batch was handed over.
    sealed_at: Instant,
    /// When the last record was made; `None` asks for a heartbeat at the first occasion.
    record_at: Option<Instant>,
}

/// Rows in the open batch, added to the metrics once a batch.
#[derive(Debug, Default)]
struct Counts {
    inserts: u64,
    updates: u64,
    deletes: u64,
    transactions: u64,
    ddl: u64,
}

impl<'a> Pipeline<'a> {
    pub(crate) fn new(
        appender: &'a Appender,
        settings: &'a Settings,
        clock: &'a dyn Clock,
        metrics: &'a TaskMetrics,
        encoder: &'a mut DtsEncoder,
        operations: Operations,
        on_connected: &'a mut dyn FnMut(Position),
    ) -> Self {
        let progress = appender.progress();
        Self {
            batch: appender.builder(),
            base_offset: progress.next_offset,
            time: progress.time.unwrap_or_default(),
            has_changes: false,
            first_change: None,
            now: clock.now(),
            sealed_at: Instant::now(),
            record_at: None,
            counts: Counts::default(),
            appender,
            settings,
            clock,
            metrics,
            operations,
            on_connected,
            encoder,
        }
    }

    /// Has `told` know the source time of the first change that becomes a record.
    pub(crate) fn on_first_change(&mut self, told: &'a mut dyn FnMut(UnixTime)) {
        self.first_change = Some(told);
    }

    /// Adds a record for `change` to the open batch.
    fn push(&mut self, change: &Change<'_>) -> Result<(), SinkError> {
        let id = behind(self.base_offset, self.batch.record_count()).0;
        let mut record = self.batch.open(change.time.millis());
        self.encoder
            .encode(change, id, self.now, record.value())
            .map_err(|error| SinkError::Row(chain(&error)))?;
        record.finish().map_err(|error| SinkError::TooLarge(error.to_string()))?;
        self.time = change.time;
        self.has_changes |= !matches!(change.body, Body::Heartbeat);
        if self.batch.len_bytes() >= BATCH_BYTES {
            self.record_at = Some(Instant::now());
            self.seal(change.resume)?;
        }
        Ok(())
    }

    /// Hands the open batch over. `resume` is the point behind its last record.
    fn seal(&mut self, resume: &dyn Resume) -> Result<(), SinkError> {
        if self.batch.record_count() == 0 {
            return Ok(());
        }
        let records = std::mem::replace(&mut self.batch, self.appender.builder());
        let base_offset = self.base_offset;
        self.base_offset = behind(base_offset, records.record_count());
        self.sealed_at = Instant::now();
        self.report();
        let has_changes = std::mem::take(&mut self.has_changes);
        let (position, time) = (resume.to_position(), self.time);
        let is_huge = records.len_bytes() > HUGE_BATCH_BYTES;
        let batch = Batch { records, base_offset, position, time, has_changes };
        self.appender.push(batch).map_err(|_| SinkError::Closed)?;
        if is_huge {
            // The next one may be as large: there is memory for one at a time.
            self.appender.drain();
        }
        Ok(())
    }

    fn heartbeat(&mut self, at: &Change<'_>) -> Result<(), SinkError> {
        self.now = self.clock.now();
        self.record_at = Some(Instant::now());
        // A source that comes back may tell the age of its file first; consumers see time go on.
        let time = at.time.max(self.time);
        self.push(&Change { body: Body::Heartbeat, time, ..*at })?;
        self.seal(at.resume)
    }

    fn until_heartbeat(&self) -> Duration {
        self.record_at
            .map_or(Duration::ZERO, |at| self.settings.heartbeat.saturating_sub(at.elapsed()))
    }

    /// Writes a heartbeat without a source, from what the log holds: consumers must not starve while
    /// the source is away. It claims nothing new: time and position are those of the last record.
    pub(crate) fn keep_alive(&mut self) -> Result<(), SinkError> {
        let progress = self.appender.progress();
        let (Some(position), Some(time)) = (progress.position, progress.time) else {
            return Ok(());
        };
        self.heartbeat(&Change {
            time,
            position: "",
            safe_position: "",
            resume: &position as &Position,
            transaction: &Transaction::default(),
            body: Body::Heartbeat,
        })
    }

    fn report(&mut self) {
        let counts = std::mem::take(&mut self.counts);
        self.metrics.rows_inserted.inc_by(counts.inserts);
        self.metrics.rows_updated.inc_by(counts.updates);
        self.metrics.rows_deleted.inc_by(counts.deletes);
        self.metrics.transactions.inc_by(counts.transactions);
        self.metrics.ddl.inc_by(counts.ddl);
    }
}

impl Sink for Pipeline<'_> {
    fn connected(&mut self, info: &SourceInfo, at: &dyn Resume) -> Result<(), SinkError> {
        self.encoder.set_source(info);
        (self.on_connected)(at.to_position());
        Ok(())
    }

    fn change(&mut self, change: &Change<'_>) -> Result<(), SinkError> {
        let wanted = match change.body {
            Body::Ddl(_) => self.operations.ddl(),
            Body::Begin | Body::Row(_) | Body::Commit | Body::Rollback => self.operations.dml(),
            Body::Heartbeat => true,
        };
        if !wanted {
            // Filtered whole, it still moves the position, as a group of untracked tables does.
            return match change.body {
                Body::Commit | Body::Rollback | Body::Ddl(_) => self.progress(change),
                _ => Ok(()),
            };
        }
        match &change.body {
            Body::Row(row) => match row.operation {
                RowOperation::Insert => self.counts.inserts += 1,
                RowOperation::Update => self.counts.updates += 1,
                RowOperation::Delete => self.counts.deletes += 1,
            },
            other => {
                self.now = self.clock.now();
                self.record_at = Some(Instant::now());
                if let Some(told) = self.first_change.take() {
                    told(change.time);
                }
                match other {
                    Body::Commit => self.counts.transactions += 1,
                    Body::Ddl(_) => self.counts.ddl += 1,
                    _ => {}
                }
            }
        }
        self.push(change)
    }

    fn progress(&mut self, at: &Change<'_>) -> Result<(), SinkError> {
        if self.until_heartbeat().is_zero() {
            return self.heartbeat(at);
        }
        if self.sealed_at.elapsed() >= self.settings.sync_interval {
            return self.seal(at.resume);
        }
        Ok(())
    }

    fn idle(&mut self, at: &Change<'_>) -> Result<Duration, SinkError> {
        if self.batch.record_count() == 0 {
            return Ok(self.until_heartbeat().max(PAUSE_MIN));
        }
        let open_for = self.sealed_at.elapsed();
        if open_for < self.settings.sync_interval {
            return Ok(self.settings.sync_interval - open_for);
        }
        self.seal(at.resume)?;
        Ok(self.until_heartbeat().max(PAUSE_MIN))
    }

    fn settle(&mut self, at: &Change<'_>) -> Result<(), SinkError> {
        self.seal(at.resume)?;
        let progress = self.appender.drain();
        if progress.failure.is_some() || progress.pending > 0 || progress.drops() {
            return Err(SinkError::Closed);
        }
        Ok(())
    }
}

/// An error's text with those underneath.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
