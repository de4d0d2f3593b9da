//! What people and programs call: the HTTP API, its OpenAPI description, and metrics.
//!
//! Handlers translate between JSON and the use cases of `task` and `catalog`; they hold no state and
//! decide nothing. The command line is a client of this API.

mod access;
mod app;
mod audit;
mod choices;
mod code;
mod door;
mod group_seek;
mod groups;
mod health;
mod left_out;
mod metrics;
mod model;
mod openapi;
mod owner;
mod place;
mod problem;
mod records;
mod reload;
mod routes;
mod server;
mod source_url;
mod standing;
mod task_put;
mod tasks;
#[cfg(test)]
mod tests;
mod verify;

pub use app::{App, ListenerFacts, ServerFacts};
pub use code::{Program, ProgramFile};
pub use group_seek::{GroupSeek, GroupSought, PlaceView, TabletSeek};
pub use left_out::{
    Event, EventSkip, Gap, Held, Plan, PlannedGap, SkippedEvent, Table, TableRetry, TaskStart,
};
pub use model::{
    CertificateView, Checkpoint, DataRange, Group, GroupCreated, GroupMember, GroupPut,
    InlineSource, ListenerView, Objects, Page, RecordItem, RecordsPage, ServerView, SourcePut,
    Task, TaskPut,
};
pub use openapi::openapi_json;
pub use problem::{Code, Fault, Problem, Remedy};
pub use reload::{LastReload, Reload, Reloaded};
pub use server::{HttpServer, ServeError};
pub use source_url::{SourceUrl, SourceUrlError};
pub use verify::{
    Operation, OperationError, OperationProgress, VerifiedTable, VerifyDifference, VerifyReport,
    VerifyRequest,
};
