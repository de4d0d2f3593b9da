//! The life of a task: precheck, start, the pipeline from source to log, retry, stop.
//!
//! A task owns one partition of the log and, while it runs, one source. It does not know which
//! database that is (a [`Sources`] builds it) nor who reads the log (a [`Topics`] is told about it).

mod appender;
mod choices;
mod error;
mod history;
mod metrics;
mod opening;
mod pipeline;
mod policy;
mod quarantine;
pub mod records;
mod run;
mod settings;
mod state;
mod task;
mod tasks;
mod unusable;
pub mod verify;
mod waiting;

pub use appender::POSITION_HEADER;
pub use capture::CheckResult;
pub use choices::{Plan, PlannedGap, TableAct, TrackedTable};
pub use error::Error;
pub use metrics::Metrics;
pub use settings::Settings;
pub use state::{DataRange, Reason, Retry, TaskState, TaskView, Verdict};
pub use tasks::{Sources, Tasks, Topics};

#[cfg(test)]
mod tests;
