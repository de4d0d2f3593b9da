//! The capture thread of a running task: run the source, decide what follows when it stops, wait, and
//! run it again from what the log durably holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{ErrorKind, Source, SourceError, Start, Stop};
use catalog::Operations;
use change::Position;
use record::DtsEncoder;

use crate::pipeline::Pipeline;
use crate::policy::{Backoff, Decision, decide};
use crate::state::{Reason, Retry, TaskState};
use crate::task::Task;

/// One start of a task, until it is stopped.
pub(crate) struct Run {
    pub(crate) task: Arc<Task>,
    pub(crate) source: Box<dyn Source>,
    /// Where to start when the log is empty.
    pub(crate) first: Start,
    /// Kinds of changes that become records.
    pub(crate) operations: Operations,
    pub(crate) stop: Stop,
    pub(crate) encoder: DtsEncoder,
    /// When the source last ran, or a heartbeat was written for it.
    pub(crate) alive_at: Instant,
}

impl Run {
    /// Runs until the stop is raised. A task that failed for good stays here too, so that its topic
    /// keeps its heartbeats while a person chooses.
    pub(crate) fn run(mut self) {
        let settings = Arc::clone(self.task.settings());
        let mut backoff = Backoff::new(settings.retry_max_interval);
        let mut failing_since: Option<Instant> = None;
        loop {
            let error = match self.run_source() {
                (Ok(()), _) => return,
                (Err(error), worked) => {
                    if worked {
                        backoff.succeeded();
                        failing_since = None;
                    }
                    error
                }
            };
            if self.stop.is_raised() {
                return;
            }
            let reason = self.reason_of(&error);
            let failing_for = failing_since.get_or_insert_with(Instant::now).elapsed();
            let decision = match decide(error.kind) {
                Decision::Retry if self.task.appender().progress().failure.is_some() => {
                    Decision::Fail
                }
                Decision::Retry if failing_for >= settings.retry_for => Decision::Fail,
                decision => decision,
            };
            match decision {
                Decision::Fail => {
                    tracing::error!(task = %self.task.name(), code = %reason.code,
                        message = %reason.message, "task failed");
                    self.task.fail(reason);
                    self.wait(Duration::MAX);
                    return;
                }
                Decision::Retry => {
                    let pause = backoff.pause();
                    tracing::warn!(task = %self.task.name(), code = %reason.code,
                        message = %reason.message, next_try_ms = pause.as_millis(), "source failed");
                    let left = settings.retry_for.saturating_sub(failing_for);
                    self.task.retrying(reason, self.retry(&backoff, pause, left));
                    self.wait(pause);
                    if self.stop.is_raised() {
                        return;
                    }
                }
            }
        }
    }

    /// Runs the source once; also tells whether it worked: it connected, and brought changes or at least
    /// lasted. One that fails at the same event each time must not look like one that works.
    fn run_source(&mut self) -> (Result<(), SourceError>, bool) {
        let before = self.task.appender().drain();
        let start = before.position.map_or_else(|| self.first.clone(), Start::At);
        let started = Instant::now();
        let mut connected = false;
        let task = Arc::clone(&self.task);
        // What "now" was at the first connection stays what it is, until the log itself says more.
        let first = &mut self.first;
        let mut on_connected = |at: Position| {
            connected = true;
            *first = Start::At(at);
            task.enter(TaskState::Normal, None);
        };
        let mut pipeline = Pipeline::new(
            task.appender(),
            task.settings(),
            task.clock(),
            task.metrics(),
            &mut self.encoder,
            self.operations,
            &mut on_connected,
        );
        let result = self.source.run(&start, &mut pipeline, &self.stop);
        drop(pipeline);
        if connected {
            self.alive_at = Instant::now();
        }
        let brought_changes = task.appender().drain().changed_at != before.changed_at;
        let lasted = started.elapsed() >= task.settings().retry_max_interval;
        (result, connected && (brought_changes || lasted))
    }

    /// A closed sink is the log's fault, not the source's.
    fn reason_of(&self, error: &SourceError) -> Reason {
        let log_failure = self.task.appender().progress().failure;
        match (error.kind, log_failure) {
            (ErrorKind::SinkClosed, Some(reason)) => reason,
            _ => Reason::from(error),
        }
    }

    fn retry(&self, backoff: &Backoff, pause: Duration, left: Duration) -> Retry {
        let now = self.task.clock().now().seconds();
        let after =
            |d: Duration| now.saturating_add(i64::try_from(d.as_secs()).unwrap_or(i64::MAX));
        Retry { count: backoff.tries(), next_at_unix: after(pause), until_unix: after(left) }
    }

    /// Waits for `time` or the stop, keeping the topic alive.
    fn wait(&mut self, time: Duration) {
        let until = Instant::now().checked_add(time);
        let heartbeat = self.task.settings().heartbeat;
        while !self.stop.is_raised() {
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                return;
            }
            // Counted over all tries: each may be shorter than the pause between heartbeats.
            let mut until_heartbeat = heartbeat.saturating_sub(now - self.alive_at);
            if until_heartbeat.is_zero() {
                self.keep_alive();
                self.alive_at = now;
                until_heartbeat = heartbeat;
            }
            let left = until.map_or(heartbeat, |until| until.saturating_duration_since(now));
            std::thread::park_timeout(left.min(until_heartbeat));
        }
    }

    fn keep_alive(&mut self) {
        self.task.appender().drain();
        let task = Arc::clone(&self.task);
        let mut nothing = |_: Position| {};
        let mut pipeline = Pipeline::new(
            task.appender(),
            task.settings(),
            task.clock(),
            task.metrics(),
            &mut self.encoder,
            self.operations,
            &mut nothing,
        );
        if pipeline.keep_alive().is_err() {
            tracing::debug!(task = %task.name(), "no heartbeat, the log has closed");
        }
    }
}
