//! Verifications as they run: one at a time for each task, in a thread of their own, and kept for a
//! while after their end.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use capture::{ErrorKind, SourceError};
use change::{Clock, TaskName, UnixTime};

use super::report::{Progress, Report};
use crate::error::Error;
use crate::state::Reason;

/// The verifications of a server.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    kept: Mutex<Vec<Arc<Running>>>,
}

/// A verification as it is now.
#[derive(Debug, Clone)]
pub struct Verification {
    /// Its id.
    pub id: String,
    /// The task it verifies.
    pub task: TaskName,
    /// When it began.
    pub started: UnixTime,
    /// How far it is.
    pub progress: Progress,
    /// Records that are read at most once, as far as is known from the start.
    pub records: u64,
    /// How it ended, and when; `None` while it runs.
    pub ended: Option<(UnixTime, Outcome)>,
}

/// How a verification ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It was done; whether the log is right stands in the report.
    Done(Arc<Report>),
    /// It was cancelled.
    Cancelled,
    /// It could not be done.
    Failed {
        /// Why.
        reason: Reason,
        /// Whether it was the source that could not be asked.
        by_source: bool,
    },
}

/// What the thread of a verification shares with those who look at it.
#[derive(Debug)]
pub(super) struct Running {
    id: String,
    task: TaskName,
    started: UnixTime,
    records: u64,
    pub(super) cancel: Cancel,
    pub(super) progress: Mutex<Progress>,
    ended: Mutex<Option<(UnixTime, Outcome)>>,
    /// Told when `ended` is known.
    over: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Raised once to end a verification; also what it pauses on.
#[derive(Debug, Default)]
pub(super) struct Cancel {
    raised: Mutex<bool>,
    changed: Condvar,
}

/// Why a verification ended early.
#[derive(Debug)]
pub(super) enum Stopped {
    Cancelled,
    Failed { reason: Reason, by_source: bool },
}

/// How long one is waited for that was told to end.
const END_MAX: Duration = Duration::from_secs(3);
/// Verifications that are kept after their end.
const KEPT_MAX: usize = 50;

impl Verifications {
    /// Starts one, unless the task has one that runs.
    pub(super) fn start(
        &self,
        task: &TaskName,
        records: u64,
        clock: Arc<dyn Clock>,
        work: impl FnOnce(&Running) -> Result<Report, Stopped> + Send + 'static,
    ) -> Result<Verification, Error> {
        let mut kept = lock(&self.kept);
        if let Some(other) = kept.iter().find(|other| other.task == *task && !other.is_ended()) {
            return Err(Error::Conflict(format!(
                "task {task} is being verified already, by operation {}",
                other.id
            )));
        }
        let running = Arc::new(Running {
            id: uuid::Uuid::new_v4().to_string(),
            task: task.clone(),
            started: clock.now(),
            records,
            cancel: Cancel::default(),
            progress: Mutex::default(),
            ended: Mutex::default(),
            over: Condvar::new(),
            thread: Mutex::default(),
        });
        let shared = Arc::clone(&running);
        let thread = std::thread::Builder::new()
            .name(format!("verify {task}"))
            .spawn(move || {
                // One that panics must not look as if it ran for ever.
                let result = std::panic::catch_unwind(AssertUnwindSafe(|| work(&shared)));
                let result = result.unwrap_or_else(|_| Err(Stopped::panicked()));
                let outcome = match result {
                    Ok(report) => Outcome::Done(Arc::new(report)),
                    Err(Stopped::Cancelled) => Outcome::Cancelled,
                    Err(Stopped::Failed { reason, by_source }) => {
                        tracing::warn!(task = %shared.task, code = %reason.code,
                            message = %reason.message, "verification failed");
                        Outcome::Failed { reason, by_source }
                    }
                };
                *lock(&shared.ended) = Some((clock.now(), outcome));
                shared.over.notify_all();
            })
            .map_err(Error::Thread)?;
        *lock(&running.thread) = Some(thread);
        let surplus = (kept.len() + 1).saturating_sub(KEPT_MAX);
        let mut dropped = 0;
        kept.retain(|one| {
            let drop = dropped < surplus && one.is_ended();
            dropped += usize::from(drop);
            !drop
        });
        kept.push(Arc::clone(&running));
        Ok(running.view())
    }

    pub(crate) fn find(&self, id: &str) -> Option<Verification> {
        lock(&self.kept).iter().find(|one| one.id == id).map(|one| one.view())
    }

    /// Asks one to end; `None` if there is no such one.
    pub(crate) fn cancel(&self, id: &str) -> Option<Verification> {
        let found = lock(&self.kept).iter().find(|one| one.id == id).cloned()?;
        found.cancel.raise();
        Some(found.view())
    }

    /// Ends those of a task; of all tasks if none is named. One that waits for its source's answer is left
    /// behind after a while: it only reads.
    pub(crate) fn end(&self, task: Option<&TaskName>) {
        let of_task = |one: &&Arc<Running>| task.is_none_or(|task| one.task == *task);
        let ending: Vec<_> = lock(&self.kept).iter().filter(of_task).cloned().collect();
        ending.iter().for_each(|one| one.cancel.raise());
        for one in ending {
            if one.is_over_within(END_MAX) {
                one.join();
            } else {
                tracing::warn!(task = %one.task, "a verification waits for its source, it is left");
            }
        }
    }

    /// Waits for all.
    #[cfg(test)]
    pub(super) fn join(&self) {
        let all = lock(&self.kept).clone();
        all.iter().for_each(|one| one.join());
    }
}

impl Running {
    fn is_ended(&self) -> bool {
        lock(&self.ended).is_some()
            || lock(&self.thread).as_ref().is_some_and(JoinHandle::is_finished)
    }

    fn is_over_within(&self, time: Duration) -> bool {
        let ended = lock(&self.ended);
        let waited = self.over.wait_timeout_while(ended, time, |ended| ended.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }

    fn join(&self) {
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!(task = %self.task, "a verification panicked");
        }
    }

    fn view(&self) -> Verification {
        Verification {
            id: self.id.clone(),
            task: self.task.clone(),
            started: self.started,
            progress: lock(&self.progress).clone(),
            records: self.records,
            ended: lock(&self.ended).clone(),
        }
    }

    /// Says how far it is.
    pub(super) fn tell(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut lock(&self.progress));
    }
}

impl Cancel {
    fn raise(&self) {
        *lock(&self.raised) = true;
        self.changed.notify_all();
    }

    /// Fails once it was raised.
    pub(super) fn check(&self) -> Result<(), Stopped> {
        if *lock(&self.raised) { Err(Stopped::Cancelled) } else { Ok(()) }
    }

    /// Waits for a time, or until it is raised.
    pub(super) fn pause(&self, time: Duration) -> Result<(), Stopped> {
        let raised = lock(&self.raised);
        let waited = self.changed.wait_timeout_while(raised, time, |raised| !*raised);
        let (raised, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *raised { Err(Stopped::Cancelled) } else { Ok(()) }
    }
}

impl Stopped {
    /// The log cannot be read.
    pub(super) fn log(error: &dyn std::error::Error) -> Self {
        Self::because("log_unreadable", format!("the log cannot be read: {error}"))
    }

    fn panicked() -> Self {
        Self::because("internal", "the verification ended early; the server's log says more".into())
    }

    pub(super) fn because(code: &str, message: String) -> Self {
        let reason = Reason { code: code.into(), message, remedy: Vec::new() };
        Self::Failed { reason, by_source: false }
    }
}

impl From<SourceError> for Stopped {
    fn from(error: SourceError) -> Self {
        let by_source = !matches!(error.kind, ErrorKind::SinkClosed);
        let SourceError { code, message, remedies, .. } = error;
        let reason = Reason { code: code.into(), message, remedy: remedies };
        Self::Failed { reason, by_source }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
