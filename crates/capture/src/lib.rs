//! What every source shares: the [`Source`] and [`Sink`] doors between a database and a task, the
//! selection of objects, precheck items, the schema history a source may lean on, what is set aside of
//! a log, and the byte-bounded queue between the threads of a capture.
//!
//! No database is known here by name, and no thread is started here.

mod check;
mod error;
mod history;
mod inspect;
mod quarantine;
mod queue;
mod selection;
mod source;
mod stop;

pub use check::{CheckItem, CheckResult, Remedy};
pub use error::{ErrorKind, SourceError};
pub use history::{HistoryEntry, HistoryError, SchemaHistory};
pub use inspect::{Effect, InspectError, InspectedTable, Inspector, KeyMark, TableEffect};
pub use quarantine::{BadEvent, NoQuarantine, Quarantine, QuarantinedTable, TableDecision};
pub use queue::{ByteQueue, Pop, QueueClosed};
pub use selection::{Selection, SelectionError};
pub use source::{
    CaptureOptions, DdlScope, OnTableError, Sink, SinkError, Source, SourceStatus, Start,
    StatusFields,
};
pub use stop::{OnRaise, Stop};
