//! Waiting without a source: between two tries, or until a person has chosen. Consumers must not starve
//! meanwhile, so the topic keeps its heartbeats.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Stop;
use catalog::Operations;
use change::Position;
use record::DtsEncoder;

use crate::pipeline::Pipeline;
use crate::task::Task;

/// What a task's capture thread has besides its source.
pub(crate) struct Waiting {
    pub(crate) task: Arc<Task>,
    /// Kinds of changes that become records.
    pub(crate) operations: Operations,
    pub(crate) stop: Stop,
    pub(crate) encoder: DtsEncoder,
    /// When the source last ran, or a heartbeat was written for it.
    pub(crate) alive_at: Instant,
}

impl Waiting {
    pub(crate) fn new(task: Arc<Task>, operations: Operations, stop: Stop) -> Self {
        Self { task, operations, stop, encoder: DtsEncoder::new(), alive_at: Instant::now() }
    }

    /// Waits for `time` or the stop, keeping the topic alive.
    pub(crate) fn wait(&mut self, time: Duration) {
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
