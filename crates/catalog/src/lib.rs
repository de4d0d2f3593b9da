//! Everything that survives a restart besides the log: sources, tasks, consumer groups, their members
//! and committed offsets, the schema history, what tasks have left out or set aside, access tokens and
//! the audit trail.
//!
//! One SQLite file, `catalog.db`, that an operator can open with `sqlite3`: columns have plain names
//! and times are seconds since the epoch in columns that end in `_unix`. Beside it lies `catalog.key`,
//! without which the passwords of sources cannot be read.
//!
//! Deliberately not here: what a task is doing right now, rebalances that are under way, and anything
//! that the log itself says, above all positions of a source.
//!
//! Every call of [`Catalog`] is one short blocking transaction that waits for the disk. Asynchronous
//! callers use `spawn_blocking`.

mod audit;
mod backup;
mod bad_event;
mod consumers;
mod error;
mod gap;
mod group;
mod held;
mod history;
mod login;
mod membership;
mod migration;
mod offset;
mod owner;
mod row;
mod seal;
mod secret;
mod source;
mod start;
mod store;
mod task;
#[cfg(test)]
mod tests;
mod token;
mod verifier;

pub use audit::AuditEntry;
pub use backup::{CatalogFile, Decisions, LogEnd, SetBack, copy_key};
pub use bad_event::BadEvent;
pub use consumers::{Consumer, ConsumerGroup, ConsumerRoll, HeldPartition, KnownTopic};
pub use error::{Error, Result};
pub use gap::{Gap, NewGap, PendingStart};
pub use group::{Group, GroupSpec, MAX_GROUPS_PER_TASK};
pub use held::{HeldTable, TableChoice};
pub use history::SchemaEntry;
pub use login::ScramLogin;
pub use membership::{GroupMember, KeptGroup, Membership};
pub use offset::CommittedOffset;
pub use owner::Owned;
pub use secret::Secret;
pub use source::{Source, SourceSpec, TlsMode};
pub use start::{StartAt, StartAtError, moment};
pub use store::{Catalog, Put};
pub use task::{Desired, Failure, OnTableError, Operations, StatementScope, Task, TaskSpec};
pub use token::{NewToken, Role, Token};
pub use verifier::{ScramHash, ScramVerifier};
