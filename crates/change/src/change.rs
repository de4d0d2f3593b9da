//! One entry of a source's log, borrowed from the buffers of whoever read it.

use crate::{Resume, TableSchema, UnixTime, Value};

/// One entry of a source's log in its order: a transaction's begin, a row, its commit, a DDL
/// statement, or a sign of life.
///
/// Everything is borrowed; a receiver that wants to keep something copies it.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// When the source wrote this entry, by the source's clock.
    pub time: UnixTime,
    /// Where this entry ends in the source's log, in the form DTS clients see
    /// (`<offset>@<file number>` for binlogs). ASCII.
    pub position: &'a str,
    /// The same for the start of the transaction this entry belongs to. ASCII.
    pub safe_position: &'a str,
    /// The point right behind this entry: who has this entry durably may resume there.
    pub resume: &'a dyn Resume,
    /// The transaction this entry belongs to.
    pub transaction: &'a Transaction,
    /// What happened.
    pub body: Body<'a>,
}

/// What happened, by kind.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// The first entry of a transaction that has rows we track.
    Begin,
    /// One row was inserted, updated or deleted.
    Row(Row<'a>),
    /// The last entry of a transaction that had a [`Body::Begin`].
    Commit,
    /// The last entry of a transaction whose rows, delivered since its [`Body::Begin`], were undone as
    /// far as the source's engines can: it was rolled back, or cut off by a crash of the source.
    Rollback,
    /// A statement that changes definitions.
    Ddl(Ddl<'a>),
    /// Nothing happened up to here: the source is alive and everything before was delivered.
    Heartbeat,
}

/// What the entries of one transaction share. Owned by the source and reused between transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The server that first executed it (MySQL's `server_id`).
    pub server_id: Option<u32>,
    /// The connection that executed it, where the log says so.
    pub thread_id: Option<u32>,
    /// Its global identifier in the source's own spelling, or empty.
    pub gtid: String,
    /// When it was committed on the server that first executed it, where the log says so.
    pub commit_time: Option<UnixTime>,
    /// `sql_mode` in force (MySQL's `Q_SQL_MODE_CODE`), where the log says so.
    pub sql_mode: Option<u64>,
    /// Client, connection and server collation (MySQL's `Q_CHARSET_CODE`), where the log says so.
    pub charset: Option<[u16; 3]>,
    /// Session flags (MySQL's `Q_FLAGS2_CODE`), where the log says so.
    pub flags2: Option<u32>,
    /// The statement that changed the rows now coming, where the log has it, else empty. Of a long one,
    /// its beginning.
    pub statement: String,
}

/// One changed row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// What was done to the row.
    pub operation: RowOperation,
    /// The table's definition at this position of the log.
    pub schema: &'a TableSchema,
    /// The row as it was; absent for inserts.
    pub before: Option<&'a dyn Image>,
    /// The row as it is; absent for deletes.
    pub after: Option<&'a dyn Image>,
}

/// What was done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowOperation {
    /// A new row; only an after image.
    Insert,
    /// A changed row; both images.
    Update,
    /// A removed row; only a before image.
    Delete,
}

/// A statement that changes definitions, verbatim.
#[derive(Debug, Clone, Copy)]
pub struct Ddl<'a> {
    /// The session's current database, or empty.
    pub database: &'a str,
    /// The text as the source logged it, converted to UTF-8.
    pub statement: &'a str,
}

/// One image (before or after) of a row, decoded column by column while it is visited.
///
/// An image was measured against its buffer before it is handed out, so a visit reads nothing beyond
/// it; what can still fail is the content of a value.
pub trait Image: std::fmt::Debug {
    /// Calls `visitor` once for each column of the row's schema, in the schema's order.
    ///
    /// # Errors
    /// A value that its type does not allow. Columns before it have been visited.
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError>;
}

/// Receives the values of an [`Image`].
pub trait Visitor {
    /// Column `index` of the schema has this value. The value lives only during the call.
    fn column(&mut self, index: usize, value: Value<'_>);
}

/// A value that its column type does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column} cannot be decoded: {reason}")]
pub struct ImageError {
    /// Zero-based index of the column in the schema.
    pub column: usize,
    /// What is wrong with it.
    pub reason: String,
}
