//! The thread that makes batches durable: compress, append, one disk flush for all that waits.
//!
//! Order of writes: a batch's bytes reach the file, the file is flushed, only then the log shows it to
//! readers and [`Progress`] moves. Nothing else in a task may claim that a change is safe.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use budget::{Lane, Permit, Share};
use capture::{ByteQueue, Pop};
use change::{Clock, Position, UnixTime};
use kafka::Offset;
use kafka::batch::BatchBuilder;

use crate::metrics::TaskMetrics;
use crate::settings::Settings;
use crate::state::Reason;

/// Name of the header on a batch's last record that holds the source's position.
pub const POSITION_HEADER: &str = "wellhead.position";

/// The door between a capture thread and the appending thread of one task.
#[derive(Debug)]
pub(crate) struct Appender {
    queue: ByteQueue<Queued>,
    /// The task's part of the memory that all tasks share.
    memory: Share,
    /// Emptied builders on their way back, so that their buffers are allocated once.
    spare: Mutex<Vec<BatchBuilder>>,
    /// How long the log keeps its records.
    keep: Mutex<log::Retention>,
    progress: Mutex<Progress>,
    moved: Condvar,
}

/// Records that end at a position of the source's log, on their way to the disk.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) records: BatchBuilder,
    pub(crate) base_offset: Offset,
    /// The point right behind the last record.
    pub(crate) position: Position,
    /// Source time of the last record.
    pub(crate) time: UnixTime,
    /// Whether it holds more than heartbeats.
    pub(crate) has_changes: bool,
}

/// A batch, with the right to hold it.
#[derive(Debug)]
struct Queued {
    batch: Batch,
    /// Held until the batch is on its way to the disk, or dropped.
    memory: Permit,
}

/// What is durable. Written by the appending thread only, but for `pending`, `mode` and `closing`.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// Offset of the next record; all before are durable when nothing is pending.
    pub(crate) next_offset: Offset,
    /// Where the source's log was durably read up to; `None` in an empty log.
    pub(crate) position: Option<Position>,
    /// Source time of the last durable record.
    pub(crate) time: Option<UnixTime>,
    /// When the last batch became durable, by our clock.
    pub(crate) moved_at: Option<UnixTime>,
    /// When the last batch with more than heartbeats became durable, by our clock.
    pub(crate) changed_at: Option<UnixTime>,
    /// Batches handed over and not yet durable.
    pub(crate) pending: usize,
    /// Since when the disk is asked to take something, while it is.
    pub(crate) writing_since: Option<UnixTime>,
    /// Why appending waits (a full disk), while it does.
    pub(crate) stall: Option<Reason>,
    /// Why appending has ended for good.
    pub(crate) failure: Option<Reason>,
    mode: Mode,
    closing: bool,
}

/// What becomes of batches that cannot be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They wait until the disk has space.
    Open,
    /// The capture is to end: they are not waited for.
    Stopping,
    /// One was dropped, so all behind it are, until the next capture reads them again.
    Dropping,
}

/// What a disk that is too full has left.
#[derive(Debug, Clone, Copy)]
enum Space {
    /// Less than is to be kept free.
    BelowReserve,
    /// Nothing, or another limit of the system was met.
    Nothing,
}

/// Appending has ended; [`Progress::failure`] says why if it was not asked for.
#[derive(Debug)]
pub(crate) struct Ended;

/// What a task may hold on its way to the disk whatever others do.
const RESERVE_BYTES: usize = 64 << 10;
/// Buffers are kept up to this size.
const SPARE_BYTES_MAX: usize = 4 << 20;
/// Builders kept.
const SPARE_COUNT_MAX: usize = 8;
/// Bytes appended before a flush although more waits: bounds the time to visibility.
const GROUP_BYTES_MAX: usize = 16 << 20;
/// A disk that takes longer for what it was given is told about.
pub(crate) const DISK_SLOW_SECONDS: i64 = 10;
/// Pause between looks at the clock for retention, and between tries on a full disk.
const TICK: Duration = Duration::from_secs(1);

impl Progress {
    /// Whether something that was handed over was dropped since the capture began.
    pub(crate) fn drops(&self) -> bool {
        self.mode == Mode::Dropping
    }
}

impl Appender {
    pub(crate) fn new(
        settings: &Settings,
        next_offset: Offset,
        resume: Option<Resume>,
        keep: log::Retention,
    ) -> Self {
        let (position, time) = resume.map(|r| (r.position, r.time)).unzip();
        let progress = Progress {
            next_offset,
            position,
            time,
            moved_at: None,
            changed_at: None,
            pending: 0,
            writing_since: None,
            stall: None,
            failure: None,
            mode: Mode::Open,
            closing: false,
        };
        Self {
            queue: ByteQueue::new(settings.queue_bytes),
            memory: settings.budget.share(Lane::Writing, RESERVE_BYTES),
            spare: Mutex::new(Vec::new()),
            keep: Mutex::new(keep),
            progress: Mutex::new(progress),
            moved: Condvar::new(),
        }
    }

    /// An empty builder, used before where possible.
    pub(crate) fn builder(&self) -> BatchBuilder {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_default()
    }

    /// Hands over a batch, waiting while too much is on its way.
    pub(crate) fn push(&self, batch: Batch) -> Result<(), Ended> {
        let mut progress = self.lock();
        if progress.mode == Mode::Dropping {
            return Err(Ended);
        }
        progress.pending += 1;
        drop(progress);
        let bytes = batch.records.len_bytes();
        let pushed = match self.memory.acquire_blocking(bytes) {
            Ok(memory) => self.queue.push(Queued { batch, memory }, bytes).is_ok(),
            Err(budget::Closed) => false,
        };
        if pushed {
            return Ok(());
        }
        self.dropped();
        Err(Ended)
    }

    /// The capture is about to end. What was handed over still becomes durable, but where the disk has
    /// no space it is dropped: it is not visible, and the next capture reads it again.
    pub(crate) fn begin_stop(&self) {
        let mut progress = self.lock();
        if progress.mode == Mode::Open {
            progress.mode = Mode::Stopping;
        }
        drop(progress);
        // A batch that waits for memory that others hold is not handed over yet.
        self.memory.close();
        self.moved.notify_all();
    }

    /// A new capture begins, from what is durable. The last one has ended, and [`Appender::drain`] was
    /// called since.
    pub(crate) fn reopen(&self) {
        self.lock().mode = Mode::Open;
        self.memory.reopen();
    }

    /// Changes how long the log keeps its records, within a second.
    pub(crate) fn set_retention(&self, keep: log::Retention) {
        *self.keep.lock().unwrap_or_else(PoisonError::into_inner) = keep;
    }

    /// Waits until everything handed over is durable or dropped, or appending has ended.
    pub(crate) fn drain(&self) -> Progress {
        let mut progress = self.lock();
        while progress.pending > 0 && progress.failure.is_none() && !progress.closing {
            progress = self.moved.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
        progress.clone()
    }

    pub(crate) fn progress(&self) -> Progress {
        self.lock().clone()
    }

    /// Bytes on their way.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Ends appending once what was handed over is durable.
    pub(crate) fn close(&self) {
        self.queue.close();
        self.memory.close();
        self.lock().closing = true;
        self.moved.notify_all();
    }

    /// Keeps an emptied builder for the next batch. Its buffer is counted nowhere, so none is kept while
    /// somebody waits for memory.
    pub(crate) fn recycle(&self, mut builder: BatchBuilder) {
        if self.memory.is_waited_for() {
            return;
        }
        builder.clear();
        builder.shrink_to(SPARE_BYTES_MAX);
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_COUNT_MAX {
            spare.push(builder);
        }
    }

    /// How many builders are kept.
    #[cfg(test)]
    pub(crate) fn spares(&self) -> usize {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Gives back what only a busy task needs.
    fn rest(&self) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A batch was handed over and is not appended.
    fn dropped(&self) {
        let mut progress = self.lock();
        progress.pending = progress.pending.saturating_sub(1);
        drop(progress);
        self.moved.notify_all();
    }

    fn fail(&self, reason: Reason) {
        self.lock().failure = Some(reason);
        self.queue.close();
        self.memory.close();
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a log says to resume.
#[derive(Debug, Clone)]
pub(crate) struct Resume {
    pub(crate) position: Position,
    pub(crate) time: UnixTime,
}

/// The appending thread's own side.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) appender: Arc<Appender>,
    pub(crate) writer: log::Writer,
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: TaskMetrics,
    /// Sealed bytes, reused.
    pub(crate) sealed: Vec<u8>,
    /// What was appended since the last flush.
    pub(crate) unsynced: Vec<Appended>,
}

#[derive(Debug)]
pub(crate) struct Appended {
    position: Position,
    time: UnixTime,
    next_offset: Offset,
    has_changes: bool,
}

impl Worker {
    /// Runs until [`Appender::close`], or until the disk fails.
    pub(crate) fn run(mut self) {
        let mut next_tick = Instant::now() + TICK;
        loop {
            let outcome = match self.appender.queue.pop(TICK) {
                Pop::Item(queued) => self.append_group(queued),
                Pop::TimedOut => {
                    self.appender.rest();
                    self.sealed = Vec::new();
                    Ok(())
                }
                Pop::Closed => return,
            };
            if let Err(reason) = outcome {
                tracing::error!(code = %reason.code, message = %reason.message, "log writer failed");
                return self.appender.fail(reason);
            }
            if Instant::now() >= next_tick {
                next_tick = Instant::now() + TICK;
                self.retain();
            }
        }
    }

    /// Appends `first` and whatever else waits, then flushes once.
    fn append_group(&mut self, first: Queued) -> Result<(), Reason> {
        self.appender.lock().writing_since = Some(self.clock.now());
        let mut bytes = self.append(first)?;
        while bytes < GROUP_BYTES_MAX {
            match self.appender.queue.pop(Duration::ZERO) {
                Pop::Item(queued) => bytes += self.append(queued)?,
                Pop::TimedOut | Pop::Closed => break,
            }
        }
        self.flush()?;
        self.appender.lock().writing_since = None;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Reason> {
        if self.unsynced.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        self.writer.sync().map_err(|error| disk_failed(&error))?;
        let seconds = started.elapsed().as_secs();
        self.metrics.fsync_seconds.observe(started.elapsed().as_secs_f64());
        self.publish();
        if seconds >= DISK_SLOW_SECONDS.unsigned_abs() {
            let folder = self.settings.log_dir.display();
            tracing::warn!(%folder, seconds, "the disk took long for a flush, the capture waited");
        }
        Ok(())
    }

    /// Answers the bytes appended; none if the batch had to be dropped.
    fn append(&mut self, queued: Queued) -> Result<usize, Reason> {
        let Queued { mut batch, memory: _held } = queued;
        if self.appender.lock().mode == Mode::Dropping || !self.wait_for_space()? {
            self.appender.dropped();
            return Ok(0);
        }
        self.sealed.clear();
        let count = batch.records.record_count();
        batch
            .records
            .seal(
                &[(POSITION_HEADER, batch.position.as_str().as_bytes())],
                self.settings.compression,
                batch.base_offset,
                self.writer.leader_epoch(),
                &mut self.sealed,
            )
            .map_err(|error| Reason {
                code: "record_too_large".into(),
                message: format!("a record cannot be stored: {error}"),
                remedy: vec!["exclude the table from the task".into()],
            })?;
        let next_offset = behind(batch.base_offset, count);
        loop {
            match self.writer.append(&mut self.sealed) {
                Ok(_) => break,
                Err(log::Error::Full { .. }) => {
                    if !self.stall_on_full_disk(Space::Nothing)? {
                        self.appender.dropped();
                        return Ok(0);
                    }
                }
                Err(error) => return Err(disk_failed(&error)),
            }
        }
        if self.appender.lock().stall.take().is_some() {
            tracing::info!("disk has space again, appending goes on");
        }
        let bytes = self.sealed.len();
        self.metrics.append_bytes.inc_by(bytes as u64);
        let Batch { position, time, has_changes, .. } = batch;
        self.unsynced.push(Appended { position, time, next_offset, has_changes });
        self.appender.recycle(batch.records);
        if self.sealed.capacity() > SPARE_BYTES_MAX {
            self.sealed = Vec::new();
        }
        Ok(bytes)
    }

    /// Holds the capture while the reserve of free space is touched; loses nothing, because the source
    /// simply is not read on. Answers whether there is space; if not, the capture is about to end.
    fn wait_for_space(&mut self) -> Result<bool, Reason> {
        while self.free_bytes().is_some_and(|free| free < self.settings.min_free_bytes) {
            if !self.stall_on_full_disk(Space::BelowReserve)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for a while. Answers whether to try again; if not, the batch is to be dropped.
    fn stall_on_full_disk(&mut self, space: Space) -> Result<bool, Reason> {
        // What was appended before is not held back by what cannot be.
        self.flush()?;
        let folder = self.settings.log_dir.display();
        let found = match space {
            Space::BelowReserve => {
                let reserve = self.settings.min_free_bytes;
                format!(
                    "less than storage.min_free ({reserve} bytes) is free on the disk of {folder}"
                )
            }
            Space::Nothing => format!("the disk of {folder} is full"),
        };
        let reason = Reason {
            code: "disk_full".into(),
            message: format!("{found}; the capture waits and loses nothing"),
            remedy: vec!["free space, or lower the task's retention or max_bytes".into()],
        };
        let mut progress = self.appender.lock();
        if progress.closing || progress.mode != Mode::Open {
            progress.mode = Mode::Dropping;
            progress.stall = None;
            return Ok(false);
        }
        if progress.stall.is_none() {
            let remedy = reason.remedy.join("; ");
            tracing::error!(reason = %reason.message, %remedy, "disk full");
        }
        progress.stall = Some(reason);
        let waited = self.appender.moved.wait_timeout(progress, TICK);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.retain();
        Ok(true)
    }

    fn free_bytes(&self) -> Option<u64> {
        log::durable::free_bytes(&self.settings.log_dir).ok()
    }

    fn publish(&mut self) {
        let Some(last) = self.unsynced.last() else { return };
        let mut progress = self.appender.lock();
        progress.next_offset = last.next_offset;
        progress.position = Some(last.position.clone());
        progress.time = Some(last.time);
        let now = self.clock.now();
        progress.moved_at = Some(now);
        if self.unsynced.iter().any(|appended| appended.has_changes) {
            progress.changed_at = Some(now);
        }
        progress.pending = progress.pending.saturating_sub(self.unsynced.len());
        drop(progress);
        self.unsynced.clear();
        self.appender.moved.notify_all();
    }

    fn retain(&mut self) {
        let now = self.clock.now().millis();
        let keep = *self.appender.keep.lock().unwrap_or_else(PoisonError::into_inner);
        match self.writer.retain(now, &keep) {
            Ok(log::Retained { segments, bytes }) if segments > 0 => {
                tracing::info!(segments, bytes, "retention deleted the oldest segments");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "retention could not delete"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.appender.fail(Reason {
                code: "log_failed".into(),
                message: "the appending thread has panicked; nothing visible was lost".into(),
                remedy: vec!["restart the server".into()],
            });
        }
    }
}

/// The offset `count` records behind `base`.
pub(crate) fn behind(base: Offset, count: usize) -> Offset {
    Offset(base.0.saturating_add(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn disk_failed(error: &log::Error) -> Reason {
    Reason {
        code: "log_failed".into(),
        message: format!("the log cannot be written: {error}; nothing visible was lost"),
        remedy: vec!["check the disk, then restart the server".into()],
    }
}
