//! What the records of consecutive rows have in common, encoded once for all of them.
//!
//! Between its place in the log and its values a row's record says who the source is, what was done to
//! which table, and who did it when. That stays the same from row to row of a statement, mostly of a
//! transaction, and is copied as one piece. Only the statement's text, which may be long and different
//! for each, is not part of it.

use change::{RowOperation, SchemaVersion, Transaction, UnixTime};

use crate::header::{Object, Tags, write_kind};
use crate::plan::TablePlan;

/// From the source to the last tag but the statement, as the last row had it.
#[derive(Debug, Default)]
pub(crate) struct RowHead {
    bytes: Vec<u8>,
    of: Option<Of>,
}

/// What the bytes depend on, besides the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Of {
    table: SchemaVersion,
    operation: RowOperation,
    now: UnixTime,
    server_id: Option<u32>,
    thread_id: Option<u32>,
    has_statement: bool,
}

impl RowHead {
    /// The source is another one.
    pub(crate) fn forget(&mut self) {
        self.of = None;
    }

    /// The bytes for a row of `table`, whose plan is `plan`. They end where the tag with the statement
    /// follows, if there is one, and the end of the tags.
    #[inline]
    pub(crate) fn of_row(
        &mut self,
        (table, plan): (SchemaVersion, &TablePlan),
        operation: RowOperation,
        transaction: &Transaction,
        now: UnixTime,
        source: &[u8],
    ) -> &[u8] {
        let of = Of {
            table,
            operation,
            now,
            server_id: transaction.server_id,
            thread_id: transaction.thread_id,
            has_statement: !transaction.statement.is_empty(),
        };
        if self.of != Some(of) {
            self.bytes.clear();
            of.write(&mut self.bytes, plan, source);
            self.of = Some(of);
        }
        &self.bytes
    }
}

impl Of {
    fn write(&self, out: &mut Vec<u8>, plan: &TablePlan, source: &[u8]) {
        write_kind(out, source, self.operation.into(), Object::Encoded(&plan.object));
        let mut tags = Tags::begin(out);
        tags.encoded(&plan.tags, plan.tag_count);
        tags.number(READER_TIME, self.now.millis());
        tags.known_number(SERVER_ID, self.server_id);
        tags.known_number(THREAD_ID, self.thread_id);
        tags.leave_open(u8::from(self.has_statement));
    }
}

pub(crate) const READER_TIME: &str = "readerThroughoutTime";
pub(crate) const SERVER_ID: &str = "server_id";
pub(crate) const THREAD_ID: &str = "thread_id";
