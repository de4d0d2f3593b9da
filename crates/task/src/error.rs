//! What can go wrong with an act on a task.

use crate::state::{Reason, TaskState};

/// Why an act on a task was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No task has this name.
    #[error("there is no task {0}")]
    NotFound(String),
    /// The task's state does not allow the act.
    #[error("task {task} is {}, it cannot be {act}; look at it with: wellhead task show {task}", state.as_str())]
    WrongState {
        /// The task.
        task: String,
        /// Its state.
        state: TaskState,
        /// The act, as a participle: `started`.
        act: &'static str,
    },
    /// Reading elsewhere would leave changes out, and nobody has said that this is accepted.
    #[error(
        "task {task} has read its source up to {position}; at {start} it would leave out what lies \
         between. Accept that gap with: wellhead task start {task} --start {start} --accept-gap"
    )]
    GapNotAccepted {
        /// The task.
        task: String,
        /// Where its log ends.
        position: String,
        /// Where it would read on.
        start: String,
    },
    /// No event keeps the task from going on.
    #[error("task {0} has no event that it cannot use; look at it with: wellhead task show {0}")]
    NoEvent(String),
    /// The table is not held back.
    #[error("task {task} holds no table {table:?} back; look at: wellhead task table {task}")]
    NotHeld {
        /// The task.
        task: String,
        /// The table.
        table: String,
    },
    /// The task's log could not be opened when the server started.
    #[error("{}", .0.message)]
    Unusable(Reason),
    /// The specification contradicts what exists.
    #[error("{0}")]
    Conflict(String),
    /// The specification cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// The source cannot be used.
    #[error("{}", .0.message)]
    Source(Reason),
    /// The task's log cannot be used.
    #[error("the log of task {task} cannot be used: {source}")]
    Log {
        /// The task.
        task: String,
        /// What the log says.
        source: log::Error,
    },
    /// The task was started, so it has had a log, and there is none.
    #[error(
        "the log of task {task} is gone: {} has no segment and no partition.meta",
        folder.display()
    )]
    LogGone {
        /// The task.
        task: String,
        /// Where the log was.
        folder: std::path::PathBuf,
    },
    /// A new task would go on with a log of which nothing is known.
    #[error(
        "task {task} is new, but {} holds a log that belongs to no task; move it away, or restore the \
         catalog that knows it",
        folder.display()
    )]
    LogOfNobody {
        /// The task.
        task: String,
        /// Where the log is.
        folder: std::path::PathBuf,
    },
    /// Records of the task's log cannot be shown.
    #[error("the records cannot be read: {0}")]
    Records(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The files of a deleted task cannot be removed.
    #[error("{folder} cannot be removed: {source}; remove it by hand")]
    Remove {
        /// The task's folder.
        folder: std::path::PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The task's log ends with a batch that does not say where its source was read up to.
    #[error(
        "the log of task {0} ends with a batch without a source position; it was not written by wellhead, or was altered"
    )]
    NoPosition(String),
    /// The catalog cannot be used.
    #[error("the catalog cannot be used: {0}")]
    Catalog(#[from] catalog::Error),
    /// The operating system gives no thread.
    #[error("a thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}
