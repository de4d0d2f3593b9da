//! What a task is doing, as people and programs see it.

use capture::{ErrorKind, SourceError};
use catalog::{OnTableError, StartAt, StatementScope};
use change::{TaskName, UnixTime};
use serde::Serialize;

/// The states of a task; which acts each allows stands in [`TaskState::allows_start`] and its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Its source is being looked at.
    Prechecking,
    /// The look found something that must be mended first.
    PrecheckFailed,
    /// Ready, waiting to be started.
    NotStarted,
    /// Started, not yet connected.
    Initial,
    /// Tracking.
    Normal,
    /// Its source fails; retried by itself.
    Error,
    /// Its source failed for good or for too long; a person must choose.
    Failed,
    /// Stopped by a person.
    Stopped,
}

/// Why a task is in the state it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Stable machine code.
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
    /// Commands or settings that mend it.
    pub remedy: Vec<String>,
}

/// One word on a running task: does it keep up?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Changes flow and the log follows them.
    Current,
    /// Connected, and the source has nothing new.
    Idle,
    /// There is work and it does not progress.
    Stalled,
    /// Not connected, so nobody knows.
    Unknown,
}

/// Everything about a task that can be shown, at one moment, save for what it has left out.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// Its name.
    pub name: String,
    /// A name for people.
    pub title: String,
    /// Its source's name.
    pub source: String,
    /// Where the source is, without password.
    pub source_url: String,
    /// The server behind it, once known: `MySQL 9.1.0`.
    pub server: Option<String>,
    /// Its topic.
    pub topic: String,
    /// Patterns of tracked tables.
    pub tables: Vec<String>,
    /// Patterns of tables left out.
    pub exclude: Vec<String>,
    /// Where its first start read from, or will.
    pub start: StartAt,
    /// Which definitions it delivers.
    pub statements: StatementScope,
    /// What becomes of a table whose rows cannot be decoded.
    pub on_table_error: OnTableError,
    /// State.
    pub state: TaskState,
    /// Since when, in seconds since the epoch.
    pub state_since_unix: i64,
    /// Does it keep up?
    pub verdict: Verdict,
    /// Why, when something is wrong.
    pub reason: Option<Reason>,
    /// Where the source's log was durably read up to.
    pub position: Option<String>,
    /// How far the log is behind the source; absent while nobody knows.
    pub lag_seconds: Option<f64>,
    /// First and last source time in the log, in seconds since the epoch.
    pub data_range: Option<DataRange>,
    /// Retries since the source last worked.
    pub retry: Option<Retry>,
    /// Remarks that an operator should see.
    pub warnings: Vec<String>,
    /// Who may change it, if that is not everybody: a line of a configuration file.
    pub owner: Option<String>,
}

/// What a topic holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DataRange {
    /// Source time of the first record, seconds since the epoch.
    pub begin_unix: i64,
    /// Source time of the last record, seconds since the epoch.
    pub end_unix: i64,
    /// First offset.
    pub begin_offset: i64,
    /// Offset behind the last record.
    pub end_offset: i64,
    /// Size on disk.
    pub bytes: u64,
}

/// How retrying goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// Tries since the source last worked.
    pub count: u32,
    /// When the next try is due, seconds since the epoch.
    pub next_at_unix: i64,
    /// When the task gives up, seconds since the epoch.
    pub until_unix: i64,
}

/// The part of a task's state that its threads write.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) state: TaskState,
    pub(crate) since: UnixTime,
    pub(crate) reason: Option<Reason>,
    pub(crate) retry: Option<Retry>,
}

impl TaskState {
    /// The word used in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prechecking => "prechecking",
            Self::PrecheckFailed => "precheck_failed",
            Self::NotStarted => "not_started",
            Self::Initial => "initial",
            Self::Normal => "normal",
            Self::Error => "error",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the task may be started or resumed from here.
    #[must_use]
    pub fn allows_start(self) -> bool {
        matches!(self, Self::NotStarted | Self::Stopped | Self::Failed | Self::PrecheckFailed)
    }

    /// Whether the task runs or tries to.
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(self, Self::Initial | Self::Normal | Self::Error)
    }
}

impl Condition {
    pub(crate) fn new(state: TaskState, now: UnixTime) -> Self {
        Self { state, since: now, reason: None, retry: None }
    }

    /// Changes state; the time of the change is kept when the state stays.
    pub(crate) fn enter(&mut self, state: TaskState, reason: Option<Reason>, now: UnixTime) {
        if self.state != state {
            self.since = now;
        }
        self.state = state;
        self.reason = reason;
        self.retry = None;
    }
}

impl Reason {
    /// Why a task's source stopped, with the choices that a person has. Sources write `NAME` for the
    /// task's name in commands.
    pub(crate) fn of(error: &SourceError, task: &TaskName) -> Self {
        let mut choices = Vec::new();
        if error.event.is_some() {
            choices.push("wellhead task event NAME");
            choices.push("wellhead task event NAME --skip");
        }
        if error.kind == ErrorKind::PositionLost {
            choices.push("wellhead task start NAME --start earliest --accept-gap");
            choices.push("wellhead task start NAME --start now --accept-gap");
        }
        let mut remedy = error.remedies.clone();
        for choice in choices {
            if !remedy.iter().any(|told| told.contains(choice)) {
                remedy.push(choice.into());
            }
        }
        let remedy = remedy.iter().map(|remedy| named(remedy, task)).collect();
        Self { code: error.code.into(), message: named(&error.message, task), remedy }
    }
}

/// The text with the task's name for `NAME` (or `TASK`) in each command of ours.
pub(crate) fn named(text: &str, task: &TaskName) -> String {
    let mut named = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, command)) = rest.split_once("wellhead ") {
        let end = command.find([',', ';', '|']).unwrap_or(command.len());
        let (command, behind) = command.split_at(end);
        let words: Vec<_> = command
            .split(' ')
            .map(|word| if matches!(word, "NAME" | "TASK") { task.as_str() } else { word })
            .collect();
        named.push_str(before);
        named.push_str("wellhead ");
        named.push_str(&words.join(" "));
        rest = behind;
    }
    named.push_str(rest);
    named
}

impl From<catalog::Failure> for Reason {
    fn from(failure: catalog::Failure) -> Self {
        Self { code: failure.code, message: failure.message, remedy: failure.remedies }
    }
}

#[cfg(test)]
mod tests {
    use capture::BadEvent;

    use super::*;

    fn reason(error: &SourceError) -> Reason {
        Reason::of(error, &TaskName::new("shop").unwrap())
    }

    #[test]
    fn e04_a_lost_position_has_its_choices_with_the_tasks_name() {
        let error = SourceError::new(ErrorKind::PositionLost, "binlog_purged", "NAME was purged")
            .remedy("restore the files, then: wellhead task start NAME; it goes on")
            .remedy("wellhead task start NAME --start now --accept-gap: what is missing stays so");
        let reason = reason(&error);
        assert_eq!(reason.message, "NAME was purged");
        assert_eq!(
            reason.remedy,
            [
                "restore the files, then: wellhead task start shop; it goes on",
                "wellhead task start shop --start now --accept-gap: what is missing stays so",
                "wellhead task start shop --start earliest --accept-gap",
            ]
        );
    }

    #[test]
    fn a_bad_event_can_be_looked_at_and_skipped() {
        let (place, kind) = ("bin.000001:4".into(), "QUERY_EVENT".into());
        let error = SourceError::new(ErrorKind::Corrupt, "event_corrupt", "as told")
            .at_event(BadEvent { place, kind, size: 3, bytes: vec![] });
        let choices = ["wellhead task event shop", "wellhead task event shop --skip"];
        assert_eq!(reason(&error).remedy, choices);
        let error = SourceError::new(ErrorKind::Unreachable, "unreachable", "as told");
        assert!(reason(&error).remedy.is_empty());
    }
}
