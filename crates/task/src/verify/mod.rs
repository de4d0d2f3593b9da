//! A proof that a task's log says what its source says, made while both go on.
//!
//! What it proves and what it cannot stands in `docs/verify.md`; how, in decision 6. The log is checked
//! in itself ([`chain`](self)), and against the source, which is asked through a [`capture::Inspector`].
//! Nothing is written anywhere but the report. Memory is bounded by the ledger, by the rows of one
//! question, and by the largest row.

mod book;
mod chain;
mod compare;
mod ledger;
mod operation;
mod report;
mod run;
mod settle;
mod table;
mod walk;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use capture::Selection;
use change::{Position, TaskName};

pub(crate) use operation::Verifications;
pub use operation::{Outcome, Verification};
pub use report::{
    Difference, DifferenceKind, DifferingColumn, Phase, Progress, Report, Request, TableReport,
};

use ledger::{ENTRIES_MAX, Ledger};
use operation::Stopped;
use run::{Following, Subject};

use crate::error::Error;
use crate::state::TaskState;
use crate::task::Task;
use crate::tasks::{Tasks, selection_of};

impl Tasks {
    /// Starts to compare a running task's log with its source, in a thread of its own.
    ///
    /// # Errors
    /// There is no such task, it does not run, it is being verified already, or the request is wrong.
    pub fn verify(&self, name: &TaskName, request: Request) -> Result<Verification, Error> {
        let task = self.find(name)?;
        if !(1..=book::ALL).contains(&request.sample) {
            return Err(Error::Invalid("a sample is more than 0 and at most 100 percent".into()));
        }
        let narrowed = match request.tables.as_slice() {
            [] => None,
            patterns => {
                let parsed = Selection::new::<String>(patterns, &[]);
                Some(parsed.map_err(|error| Error::Invalid(error.to_string()))?)
            }
        };
        if !task.state().is_running() {
            return Err(Error::WrongState {
                task: name.to_string(),
                state: task.state(),
                act: "verified, because its log does not follow the source",
            });
        }
        let reader = task.reader().clone();
        let records = reader.high_watermark().0.saturating_sub(reader.log_start_offset().0);
        let records = records.unsigned_abs().saturating_mul(2);
        let subject = Subject {
            reader,
            inspector: self.build_inspector(&task)?,
            tracked: selection_of(&task.spec())?,
            narrowed,
            has_statements: task.spec().operations.ddl(),
            following: Box::new(task),
        };
        self.verifications().start(name, records, self.clock(), move |running| {
            run::run(subject, request, Ledger::new(ENTRIES_MAX), running)
        })
    }

    /// A verification that runs, or ended not long ago.
    #[must_use]
    pub fn verification(&self, id: &str) -> Option<Verification> {
        self.verifications().find(id)
    }

    /// Asks a verification to end; `None` if there is no such one.
    #[must_use]
    pub fn cancel_verification(&self, id: &str) -> Option<Verification> {
        self.verifications().cancel(id)
    }
}

impl Following for Arc<Task> {
    fn position(&self) -> Option<Position> {
        self.appender().progress().position
    }

    fn check(&self) -> Result<(), Stopped> {
        let state = self.state();
        if state.is_running() && state != TaskState::Failed {
            return Ok(());
        }
        let (name, state) = (self.name(), state.as_str());
        Err(Stopped::because(
            "task_stopped",
            format!(
                "task {name} is {state} since the verification began, so its log cannot be compared"
            ),
        ))
    }
}
