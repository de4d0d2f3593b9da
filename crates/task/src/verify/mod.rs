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

use capture::Selection;
use change::TaskName;

pub(crate) use operation::Verifications;
pub use operation::{Outcome, Verification};
pub use report::{
    Difference, DifferenceKind, DifferingColumn, Phase, Progress, Report, Request, TableReport,
};

use crate::error::Error;
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
        let tracked = selection_of(&task.spec())?;
        let inspector = self.build_inspector(&task)?;
        let reader = task.reader();
        let records = reader.high_watermark().0.saturating_sub(reader.log_start_offset().0);
        let records = records.unsigned_abs().saturating_mul(2);
        self.verifications().start(name, records, self.clock(), move |running| {
            run::run(task, inspector, tracked, narrowed, request, running)
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
