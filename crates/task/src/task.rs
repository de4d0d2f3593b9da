//! One task: its log, its state, and the two threads that work for it.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use capture::{Source, SourceError, SourceStatus, Start, Stop};
use catalog::{Catalog, Operations, PendingStart, TaskSpec};
use change::{Clock, Position, TaskName, UnixTime};
use kafka::batch::{BatchHeader, last_record_header};

use crate::appender::{Appender, DISK_SLOW_SECONDS, POSITION_HEADER, Progress, Resume, Worker};
use crate::error::Error;
use crate::metrics::{Gauges, Metrics, TaskMetrics};
use crate::run::Run;
use crate::settings::Settings;
use crate::state::{Condition, DataRange, Reason, Retry, TaskState, TaskView, Verdict};
use crate::waiting::Waiting;

/// What all tasks share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) catalog: Catalog,
    pub(crate) metrics: Metrics,
}

/// A task whose log is open.
#[derive(Debug)]
pub(crate) struct Task {
    name: TaskName,
    spec: Mutex<TaskSpec>,
    condition: Mutex<Condition>,
    appender: Arc<Appender>,
    reader: log::Reader,
    /// The appending thread, until the task is closed.
    worker: Mutex<Option<JoinHandle<()>>>,
    /// The capture thread, while the task is started. Locked for the whole of a start or stop, so that
    /// never two of them push into one log.
    capture: Mutex<Option<Capture>>,
    status: Mutex<Option<Arc<SourceStatus>>>,
    /// When the source came to an event that it cannot use, last.
    stuck_at: Mutex<Option<UnixTime>>,
    /// Locked for the whole of an act of a person, so that two acts follow each other.
    pub(crate) act: Mutex<()>,
    metrics: TaskMetrics,
    shared: Shared,
}

#[derive(Debug)]
struct Capture {
    stop: Stop,
    thread: JoinHandle<()>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

/// How long a source may be silent, its server's heartbeats included, before nobody believes it idle.
const CONTACT_SECONDS_MAX: i64 = 30;
/// How long a log may stand still before a caught-up task is called idle.
const IDLE_AFTER_SECONDS: i64 = 10;
/// How long a closing log waits for a source that does not look at its stop.
const STOP_MAX: Duration = Duration::from_secs(4);
/// How long work may wait without progress before a task is called stalled.
const STALLED_AFTER_SECONDS: i64 = 120;

/// Largest batch that is unpacked to find its position: a batch is at most one record longer than the
/// size at which it is handed over.
const RECOVERY_BYTES_MAX: usize = 0x7fff_ffff;

impl Task {
    /// Opens the task's log and starts its appending thread.
    pub(crate) fn open(spec: TaskSpec, shared: Shared) -> Result<Arc<Self>, Error> {
        let name = spec.name.clone();
        let folder = shared.settings.partition_dir(&name);
        let log::Partition { writer, reader, recovery } = open_log(&name, &folder, &shared)?;
        let resume = resume_point(&name, recovery.last_batch.as_deref())?;
        let appender = Arc::new(Appender::new(
            &shared.settings,
            recovery.next_offset,
            resume,
            retention(&spec, &shared.settings),
        ));
        let metrics = shared.metrics.task(name.as_str());
        let worker = Worker {
            appender: Arc::clone(&appender),
            writer,
            settings: Arc::clone(&shared.settings),
            clock: Arc::clone(&shared.clock),
            metrics: metrics.clone(),
            sealed: Vec::new(),
            unsynced: Vec::new(),
        };
        let worker = std::thread::Builder::new()
            .name(format!("append {name}"))
            .spawn(move || worker.run())
            .map_err(Error::Thread)?;
        let now = shared.clock.now();
        Ok(Arc::new(Self {
            name,
            spec: Mutex::new(spec),
            condition: Mutex::new(Condition::new(TaskState::NotStarted, now)),
            appender,
            reader,
            worker: Mutex::new(Some(worker)),
            capture: Mutex::new(None),
            status: Mutex::new(None),
            stuck_at: Mutex::new(None),
            act: Mutex::new(()),
            metrics,
            shared,
        }))
    }

    /// Starts the capture thread.
    pub(crate) fn start(
        self: &Arc<Self>,
        source: Box<dyn Source>,
        first: Start,
        operations: Operations,
    ) -> Result<(), Error> {
        let mut capture = lock(&self.capture);
        if capture.is_some() {
            return Ok(());
        }
        *lock(&self.status) = Some(source.status());
        self.appender.reopen();
        self.enter(TaskState::Initial, None);
        let started = self.spawn(operations, |waiting| Run { waiting, source, first }.run())?;
        *capture = Some(started);
        Ok(())
    }

    /// Starts the capture thread of a task that has failed before the server was started: without a
    /// source, only to keep the topic alive while a person chooses.
    pub(crate) fn start_waiting(self: &Arc<Self>) -> Result<(), Error> {
        let mut capture = lock(&self.capture);
        if capture.is_none() {
            let operations = self.spec().operations;
            *capture = Some(self.spawn(operations, |mut waiting| waiting.wait(Duration::MAX))?);
        }
        Ok(())
    }

    fn spawn(
        self: &Arc<Self>,
        operations: Operations,
        work: impl FnOnce(Waiting) + Send + 'static,
    ) -> Result<Capture, Error> {
        let (running, ended) = mpsc::sync_channel(0);
        let stop = Stop::default();
        let waiting = Waiting::new(Arc::clone(self), operations, stop.clone());
        let thread = std::thread::Builder::new()
            .name(format!("capture {}", self.name))
            .spawn(move || {
                let _running: SyncSender<()> = running;
                work(waiting);
            })
            .map_err(Error::Thread)?;
        Ok(Capture { stop, thread, ended })
    }

    /// Stops the capture thread, waits for it and for everything it handed over.
    pub(crate) fn stop(&self) {
        let mut running = lock(&self.capture);
        let Some(capture) = running.take() else { return };
        self.ask(&capture);
        self.join(capture);
    }

    fn ask(&self, capture: &Capture) {
        capture.stop.raise();
        self.appender.begin_stop();
        capture.thread.thread().unpark();
    }

    fn join(&self, capture: Capture) {
        if capture.thread.join().is_err() {
            tracing::error!(task = %self.name, "the capture thread panicked");
        }
        self.appender.drain();
        *lock(&self.status) = None;
    }

    /// Asks the capture thread to stop, without waiting.
    pub(crate) fn ask_to_stop(&self) {
        if let Some(capture) = lock(&self.capture).as_ref() {
            self.ask(capture);
        }
    }

    /// Stops everything; the log is closed when this returns. A source that hangs, in a connection that
    /// cannot be made, say, is left behind after a while: it cannot reach the log any more.
    pub(crate) fn close(&self) {
        let mut running = lock(&self.capture);
        if let Some(capture) = running.take() {
            self.ask(&capture);
            if capture.ended.recv_timeout(STOP_MAX) == Err(RecvTimeoutError::Timeout) {
                tracing::warn!(task = %self.name, "source does not stop, its log is closed without it");
            } else {
                self.join(capture);
            }
        }
        self.appender.close();
        if let Some(worker) = lock(&self.worker).take()
            && worker.join().is_err()
        {
            tracing::error!(task = %self.name, "the appending thread panicked");
        }
    }

    pub(crate) fn enter(&self, state: TaskState, reason: Option<Reason>) {
        let mut condition = lock(&self.condition);
        if condition.state != state {
            tracing::info!(task = %self.name, state = state.as_str(), "task state changed");
            self.shared.metrics.state_changed(self.name.as_str(), state);
        }
        condition.enter(state, reason, self.shared.clock.now());
    }

    pub(crate) fn retrying(&self, reason: Reason, retry: Retry) {
        self.shared.metrics.source_failed(self.name.as_str(), &reason.code);
        self.enter(TaskState::Error, Some(reason));
        lock(&self.condition).retry = Some(retry);
    }

    /// Fails for good, also across a restart of the server.
    pub(crate) fn fail(&self, reason: Reason) {
        self.shared.metrics.source_failed(self.name.as_str(), &reason.code);
        let failure = catalog::Failure {
            code: reason.code.clone(),
            message: reason.message.clone(),
            remedies: reason.remedy.clone(),
            at: self.shared.clock.now(),
        };
        if let Err(error) = self.shared.catalog.set_failure(&self.name, Some(&failure)) {
            tracing::error!(task = %self.name, %error, "the failure cannot be kept");
        }
        self.enter(TaskState::Failed, Some(reason));
    }

    /// Keeps the event at which the source cannot go on, so that a person can look at it.
    pub(crate) fn keep_event(&self, error: &SourceError) {
        let Some(event) = &error.event else { return };
        *lock(&self.stuck_at) = Some(self.shared.clock.now());
        let event = catalog::BadEvent {
            place: event.place.clone(),
            kind: event.kind.clone(),
            size: event.size,
            bytes: event.bytes.clone(),
            code: error.code.into(),
            message: error.message.clone(),
            at: self.shared.clock.now(),
        };
        let catalog = &self.shared.catalog;
        let is_known = |kept: &catalog::BadEvent| {
            (&kept.place, &kept.code, &kept.bytes) == (&event.place, &event.code, &event.bytes)
        };
        let kept = match catalog.bad_event(&self.name) {
            Ok(Some(kept)) if is_known(&kept) => Ok(()),
            _ => catalog.keep_bad_event(&self.name, &event),
        };
        if let Err(error) = kept {
            tracing::error!(task = %self.name, %error, "the event cannot be kept");
        }
    }

    /// Whether the source has come past the event that it once could not use: changes became durable
    /// since it stood there last, and it follows its server.
    pub(crate) fn is_past_event(&self) -> bool {
        let stuck_at = *lock(&self.stuck_at);
        self.state() == TaskState::Normal
            && stuck_at.is_some_and(|at| self.appender.progress().changed_at > Some(at))
    }

    /// Where a person has decided to read on instead of `position`, at which the log ends. A decision
    /// about another end is used up: the log has moved since.
    pub(crate) fn pending_start(
        &self,
        position: Option<&Position>,
    ) -> catalog::Result<Option<PendingStart>> {
        let catalog = &self.shared.catalog;
        let Some(pending) = catalog.pending_start(&self.name)? else { return Ok(None) };
        if Some(&pending.instead_of) == position {
            return Ok(Some(pending));
        }
        catalog.use_up_pending_start(&self.name)?;
        Ok(None)
    }

    /// What the decision meant is fixed by the first connection. If that cannot be kept, the next one
    /// fixes it.
    pub(crate) fn fix_pending_start(&self, at: &Position) {
        if let Err(error) = self.shared.catalog.fix_pending_start(&self.name, at) {
            tracing::error!(task = %self.name, %error, "where reading went on cannot be kept");
        }
    }

    /// Keeps when the first change behind a gap was made.
    pub(crate) fn end_gap(&self, gap: i64, time: UnixTime) {
        if let Err(error) = self.shared.catalog.end_gap(gap, time) {
            tracing::error!(task = %self.name, %error, "the end of a gap cannot be kept");
        }
    }

    pub(crate) fn replace_spec(&self, spec: TaskSpec) {
        self.appender.set_retention(retention(&spec, &self.shared.settings));
        *lock(&self.spec) = spec;
    }

    pub(crate) fn name(&self) -> &TaskName {
        &self.name
    }

    pub(crate) fn spec(&self) -> TaskSpec {
        lock(&self.spec).clone()
    }

    pub(crate) fn state(&self) -> TaskState {
        lock(&self.condition).state
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        lock(&self.condition).reason.clone()
    }

    pub(crate) fn appender(&self) -> &Appender {
        &self.appender
    }

    pub(crate) fn reader(&self) -> &log::Reader {
        &self.reader
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.shared.settings
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.shared.clock.as_ref()
    }

    pub(crate) fn metrics(&self) -> &TaskMetrics {
        &self.metrics
    }

    pub(crate) fn data_range(&self) -> Option<DataRange> {
        let range = self.reader.data_range()?;
        Some(DataRange {
            begin_unix: range.first_ms.div_euclid(1000),
            end_unix: range.last_ms.div_euclid(1000),
            begin_offset: self.reader.log_start_offset().0,
            end_offset: self.reader.high_watermark().0,
            bytes: self.reader.size_bytes(),
        })
    }

    /// Why the capture waits although the disk has space: what it was given last is not on it yet.
    fn slow_disk(&self, progress: &Progress, now: UnixTime) -> Option<Reason> {
        let seconds = age_seconds(Some(progress.writing_since?), now);
        let folder = self.shared.settings.log_dir.display();
        (seconds >= DISK_SLOW_SECONDS).then(|| Reason {
            code: "disk_slow".into(),
            message: format!(
                "the disk of {folder} has not finished a write for {seconds} seconds; the capture waits \
                 and loses nothing"
            ),
            remedy: vec!["look at the disk and the system's log; it goes on by itself".into()],
        })
    }

    /// Everything that can be shown, and what only metrics show.
    pub(crate) fn view(&self, source_url: String) -> (TaskView, Gauges) {
        let now = self.shared.clock.now();
        let spec = self.spec();
        let condition = lock(&self.condition).clone();
        let progress = self.appender.progress();
        let status = lock(&self.status).as_ref().map(|s| s.read()).unwrap_or_default();
        let connected = status.connected && condition.state == TaskState::Normal;
        let heard = connected && age_seconds(status.last_contact, now) <= CONTACT_SECONDS_MAX;
        // The times of records are by the source's clock, everything else is by ours.
        let ours = |time: UnixTime| {
            UnixTime::from_micros(time.micros().saturating_sub(status.clock_ahead_micros))
        };
        let known = progress.time.map(ours).max(status.caught_up);
        // Bytes on their way are heard of, even while the source waits for the disk.
        let stall = progress.stall.clone().or_else(|| self.slow_disk(&progress, now));
        let is_known = heard || (connected && stall.is_some());
        // The last that was heard is that there is nothing more.
        let all_read = status.caught_up.is_some()
            && status.caught_up == status.last_contact
            && self.appender.queued_bytes() == 0;
        let lag_of = |known| if all_read { 0.0 } else { seconds_between(known, now) };
        let lag_seconds = known.filter(|_| is_known).map(lag_of);
        let contact = status.last_contact.map(|at| seconds_between(at, now));
        let verdict = verdict(&Signs {
            heard,
            stalled: connected && stall.is_some(),
            moved: age_seconds(progress.moved_at.max(Some(condition.since)), now),
            changed: age_seconds(progress.changed_at, now),
            caught_up: age_seconds(status.caught_up, now),
        });
        let gauges = Gauges {
            bytes_read: status.bytes_read,
            queued_bytes: self.appender.queued_bytes() as u64,
            seconds_since_contact: contact,
            skipped: status.skipped,
        };
        let view = TaskView {
            name: self.name.to_string(),
            title: spec.title,
            source: spec.source.to_string(),
            source_url,
            server: status.server,
            topic: spec.topic.to_string(),
            tables: spec.include,
            exclude: spec.exclude,
            start: spec.start,
            statements: spec.statements,
            on_table_error: spec.on_table_error,
            // A full disk is no error of the source, but one that a person must see.
            state: if progress.stall.is_some() { TaskState::Error } else { condition.state },
            state_since_unix: condition.since.seconds(),
            verdict,
            reason: stall.or(condition.reason),
            position: progress.position.as_ref().map(ToString::to_string),
            lag_seconds,
            data_range: self.data_range(),
            retry: condition.retry,
            warnings: status.warnings,
            owner: spec.owner,
        };
        (view, gauges)
    }
}

/// What a verdict is made of; ages in seconds by our clock.
#[derive(Debug)]
struct Signs {
    /// The source is connected and was heard of lately.
    heard: bool,
    /// The disk is full.
    stalled: bool,
    /// Since the log moved, by a heartbeat or more; or since the connection stands.
    moved: i64,
    /// Since the log got more than a heartbeat.
    changed: i64,
    /// Since everything the source has was read.
    caught_up: i64,
}

/// Whether a task keeps up. Unknown is never called fine.
fn verdict(signs: &Signs) -> Verdict {
    if signs.stalled {
        Verdict::Stalled
    } else if !signs.heard {
        Verdict::Unknown
    } else if signs.changed <= IDLE_AFTER_SECONDS {
        Verdict::Current
    } else if signs.caught_up <= CONTACT_SECONDS_MAX {
        Verdict::Idle
    } else if signs.moved > STALLED_AFTER_SECONDS {
        Verdict::Stalled
    } else {
        Verdict::Current
    }
}

fn age_seconds(at: Option<UnixTime>, now: UnixTime) -> i64 {
    at.map_or(i64::MAX, |at| now.seconds().saturating_sub(at.seconds()))
}

fn seconds_between(earlier: UnixTime, later: UnixTime) -> f64 {
    let micros = later.micros().saturating_sub(earlier.micros()).max(0);
    std::time::Duration::from_micros(micros.unsigned_abs()).as_secs_f64()
}

pub(crate) fn retention(spec: &TaskSpec, settings: &Settings) -> log::Retention {
    log::Retention {
        age: Some(spec.retention.unwrap_or(settings.retention)),
        max_bytes: spec.max_bytes.or(settings.retention_bytes),
    }
}

fn open_log(name: &TaskName, folder: &Path, shared: &Shared) -> Result<log::Partition, Error> {
    let incarnation = log::Incarnation::from_bytes(uuid::Uuid::new_v4().into_bytes());
    let config = log::Config {
        segment_bytes: shared.settings.segment_bytes,
        new_epoch: log::new_epoch(shared.clock.now().millis()),
        ..log::Config::new(incarnation)
    };
    let disk = Arc::clone(&shared.settings.disk);
    let partition = log::Partition::open_on(disk, folder, &config)
        .map_err(|source| Error::Log { task: name.to_string(), source })?;
    let truncated = partition.recovery.truncated_bytes;
    if truncated > 0 {
        tracing::warn!(task = %name, bytes = truncated, "a torn tail was cut off");
    }
    Ok(partition)
}

/// Reads where the source was read up to from the header of the log's last record.
fn resume_point(name: &TaskName, last_batch: Option<&[u8]>) -> Result<Option<Resume>, Error> {
    let Some(batch) = last_batch else { return Ok(None) };
    let lost = || Error::NoPosition(name.to_string());
    let header = BatchHeader::parse(batch).map_err(|_| lost())?;
    let mut buffer = Vec::new();
    let text = last_record_header(batch, POSITION_HEADER, RECOVERY_BYTES_MAX, &mut buffer)
        .map_err(|_| lost())?
        .ok_or_else(lost)?;
    let position = Position::parse(text).map_err(|_| lost())?;
    Ok(Some(Resume { position, time: UnixTime::from_millis(header.max_timestamp) }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
