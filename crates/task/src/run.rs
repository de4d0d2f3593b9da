//! The capture thread of a running task: run the source, decide what follows when it stops, wait, and
//! run it again from what the log durably holds, or from where a person has decided instead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{ErrorKind, Source, SourceError, Start};
use catalog::PendingStart;
use change::{Position, UnixTime};

use crate::pipeline::Pipeline;
use crate::policy::{Decision, Tries};
use crate::state::{Reason, Retry, TaskState};
use crate::tasks::started_at;
use crate::waiting::Waiting;

/// One start of a task, until it is stopped.
pub(crate) struct Run {
    pub(crate) waiting: Waiting,
    pub(crate) source: Box<dyn Source>,
    /// Where to start when the log is empty.
    pub(crate) first: Start,
}

impl Run {
    /// Runs until the stop is raised. A task that failed for good stays here too, so that its topic
    /// keeps its heartbeats while a person chooses.
    pub(crate) fn run(mut self) {
        let settings = Arc::clone(self.waiting.task.settings());
        let mut tries = Tries::new(settings.retry_for, settings.retry_max_interval);
        loop {
            let (error, worked) = match self.run_source() {
                (Ok(()), _) => return,
                (Err(error), worked) => (error, worked),
            };
            if self.waiting.stop.is_raised() {
                return;
            }
            let task = &self.waiting.task;
            task.keep_event(&error);
            let reason = self.reason_of(&error);
            let log_has_failed = task.appender().progress().failure.is_some();
            match tries.failed(&error, worked, Instant::now()) {
                Decision::Retry { pause, tries, left } if !log_has_failed => {
                    tracing::warn!(task = %task.name(), code = %reason.code,
                        message = %reason.message, next_try_ms = pause.as_millis(), "source failed");
                    task.retrying(reason, self.retry(tries, pause, left));
                    self.waiting.wait(pause);
                    if self.waiting.stop.is_raised() {
                        return;
                    }
                }
                Decision::Retry { .. } | Decision::Fail => {
                    tracing::error!(task = %task.name(), code = %reason.code,
                        message = %reason.message, "task failed");
                    task.fail(reason);
                    self.waiting.wait(Duration::MAX);
                    return;
                }
            }
        }
    }

    /// Runs the source once; also tells whether it worked: it connected, and brought changes or at least
    /// lasted. One that fails at the same event each time must not look like one that works.
    fn run_source(&mut self) -> (Result<(), SourceError>, bool) {
        let task = Arc::clone(&self.waiting.task);
        let before = task.appender().drain();
        let elsewhere = match task.pending_start(before.position.as_ref()) {
            Ok(elsewhere) => elsewhere,
            Err(error) => return (Err(undecided(&error)), false),
        };
        let start = match (&elsewhere, before.position) {
            (Some(pending), _) => started_at(pending.start.clone()),
            (None, Some(position)) => Start::At(position),
            (None, None) => self.first.clone(),
        };
        let started = Instant::now();
        let mut connected = false;
        // What "now" was at the first connection stays what it is, until the log itself says more.
        let first = &mut self.first;
        let mut on_connected = |at: Position| {
            connected = true;
            if elsewhere.is_some() {
                task.fix_pending_start(&at);
            }
            *first = Start::At(at);
            task.enter(TaskState::Normal, None);
        };
        let mut end_gap = elsewhere.as_ref().map(|pending: &PendingStart| {
            let gap = pending.gap;
            let task = &task;
            move |time: UnixTime| task.end_gap(gap, time)
        });
        let mut pipeline = Pipeline::new(
            task.appender(),
            task.settings(),
            task.clock(),
            task.metrics(),
            &mut self.waiting.encoder,
            self.waiting.operations,
            &mut on_connected,
        );
        if let Some(end_gap) = &mut end_gap {
            pipeline.on_first_change(end_gap);
        }
        let result = self.source.run(&start, &mut pipeline, &self.waiting.stop);
        drop(pipeline);
        if connected {
            self.waiting.alive_at = Instant::now();
        }
        let brought_changes = task.appender().drain().changed_at != before.changed_at;
        let lasted = started.elapsed() >= task.settings().retry_max_interval;
        (result, connected && (brought_changes || lasted))
    }

    /// A closed sink is the log's fault, not the source's.
    fn reason_of(&self, error: &SourceError) -> Reason {
        let task = &self.waiting.task;
        match (error.kind, task.appender().progress().failure) {
            (ErrorKind::SinkClosed, Some(reason)) => reason,
            _ => Reason::of(error, task.name()),
        }
    }

    fn retry(&self, count: u32, pause: Duration, left: Duration) -> Retry {
        let now = self.waiting.task.clock().now().seconds();
        let after =
            |d: Duration| now.saturating_add(i64::try_from(d.as_secs()).unwrap_or(i64::MAX));
        Retry { count, next_at_unix: after(pause), until_unix: after(left) }
    }
}

/// Without the catalog nobody knows whether a person has decided otherwise.
fn undecided(error: &catalog::Error) -> SourceError {
    let message = format!("where to go on cannot be looked up: {error}");
    SourceError::new(ErrorKind::SinkClosed, "catalog_failed", message)
}
