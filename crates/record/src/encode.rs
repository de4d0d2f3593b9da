//! The encoder: one change in, the bytes of one record appended.
//!
//! Decides, per kind of change, which tags and which content a record has (sections 2.5, 2.6 and 2.8 of
//! the DTS record format). It neither numbers records nor reads clocks, and reads no charset: text goes
//! out as the bytes that came in.

use std::fmt::Write;

use change::{
    Body, Change, Ddl, Image, Row, RowOperation, SourceInfo, SourceKind, TableSchema, Transaction,
    UnixTime,
};

use crate::avro::{StackText, push_bytes, section, write_index, write_string};
use crate::head::{READER_TIME, RowHead, SERVER_ID, THREAD_ID};
use crate::header::{
    Header, Object, Place, TAGS_END, Tags, encode_source, write_end, write_place, write_record,
};
use crate::plan::TablePlan;
use crate::plans::Plans;
use crate::value::{ImageWriter, Wrong};
use crate::{EncodeError, Operation};

/// Encodes changes as DTS records.
///
/// Keeps a plan per table version, so that after the first row of a table nothing is allocated, but for
/// the growth of the caller's buffer.
#[derive(Debug)]
pub struct DtsEncoder {
    source: Vec<u8>,
    plans: Plans,
    head: RowHead,
}

impl Default for DtsEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl DtsEncoder {
    /// An encoder for MySQL of unknown version, until [`DtsEncoder::set_source`] says more.
    #[must_use]
    pub fn new() -> Self {
        let source = SourceInfo { kind: SourceKind::MySql, version: String::new() };
        let (source, plans) = (encode_source(&source), Plans::new(PLANS_SIZE_MAX));
        Self { source, plans, head: RowHead::default() }
    }

    /// Names the source in every record from here on.
    pub fn set_source(&mut self, source: &SourceInfo) {
        self.source = encode_source(source);
        self.head.forget();
    }

    /// Appends one bare Avro record to `out`. `id` is the record's number in its stream, `now` the time
    /// at which clients shall see it was read. On an error `out` is as it was.
    ///
    /// # Errors
    /// A row that cannot be read or does not follow its schema.
    pub fn encode(
        &mut self,
        change: &Change<'_>,
        id: i64,
        now: UnixTime,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let result = self.append(change, id, now, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn append(
        &mut self,
        change: &Change<'_>,
        id: i64,
        now: UnixTime,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let Self { source, plans, head } = self;
        let place = Place {
            id,
            time: change.time,
            position: change.position,
            safe_position: change.safe_position,
        };
        let header = |operation, object| Header { place, source, operation, object };
        let transaction = change.transaction;
        match change.body {
            Body::Row(row) => {
                let plan = plans.plan(row.schema);
                let table = (row.schema.version, plan);
                let head = head.of_row(table, row.operation, transaction, now, source);
                out.reserve(ROW_ROOM + head.len() + plan.fields.len());
                write_place(out, &place);
                out.extend_from_slice(head);
                if !transaction.statement.is_empty() {
                    write_string(out, STATEMENT);
                    write_string(out, &transaction.statement);
                }
                out.push(TAGS_END);
                write_row(out, plan, &row)?;
                write_end(out, &place);
                Ok(())
            }
            Body::Begin => {
                let tags = |tags: &mut Tags<'_>| begin_tags(tags, transaction, change.time, now);
                write_record(out, &header(Operation::Begin, Object::None), tags, write_nothing)
            }
            Body::Commit => write_plain(out, &header(Operation::Commit, Object::None), now),
            Body::Rollback => write_plain(out, &header(Operation::Rollback, Object::None), now),
            Body::Heartbeat => write_plain(out, &header(Operation::Heartbeat, Object::None), now),
            Body::Ddl(ddl) => {
                let header = header(Operation::Ddl, Object::Name(ddl.database));
                let tags = |tags: &mut Tags<'_>| session_tags(tags, transaction);
                write_record(out, &header, tags, |out| write_ddl(out, &ddl))
            }
        }
    }
}

/// `time` is the source's time of the record.
fn begin_tags(tags: &mut Tags<'_>, transaction: &Transaction, time: UnixTime, now: UnixTime) {
    tags.known_number(THREAD_ID, transaction.thread_id);
    tags.number("commitTimestamp", transaction.commit_time.unwrap_or(time).micros());
    if !transaction.gtid.is_empty() {
        tags.text("GTID", &transaction.gtid);
    }
    tags.number(READER_TIME, now.millis());
    session_tags(tags, transaction);
    tags.known_number(SERVER_ID, transaction.server_id);
}

/// The variables of the session that MySQL writes into its query events.
fn session_tags(tags: &mut Tags<'_>, transaction: &Transaction) {
    tags.known_number("Q_SQL_MODE_CODE", transaction.sql_mode);
    if let Some([client, connection, server]) = transaction.charset {
        let mut text = StackText::<24>::new();
        if write!(text, "{client},{connection},{server}").is_ok() {
            tags.text("Q_CHARSET_CODE", text.as_str());
        }
    }
    tags.known_number("Q_FLAGS2_CODE", transaction.flags2);
}

/// A record that says no more than its header. Its tag makes it longer than 48 bytes, the length by
/// which some clients take a record for a filler.
fn write_plain(out: &mut Vec<u8>, header: &Header<'_>, now: UnixTime) -> Result<(), EncodeError> {
    write_record(out, header, |tags| tags.number(READER_TIME, now.millis()), write_nothing)
}

pub(crate) fn write_nothing(out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.extend_from_slice(&[section::NULL; 3]);
    Ok(())
}

pub(crate) fn write_ddl(out: &mut Vec<u8>, ddl: &Ddl<'_>) -> Result<(), EncodeError> {
    out.extend_from_slice(&[section::NULL; 2]);
    write_index(out, section::TEXT);
    write_string(out, ddl.statement);
    Ok(())
}

pub(crate) fn write_row(
    out: &mut Vec<u8>,
    plan: &TablePlan,
    row: &Row<'_>,
) -> Result<(), EncodeError> {
    out.extend_from_slice(&plan.fields);
    match row.operation {
        RowOperation::Insert => out.push(section::NULL),
        _ => write_image(out, plan, row.schema, row.before, "before")?,
    }
    match row.operation {
        RowOperation::Delete => out.push(section::NULL),
        _ => write_image(out, plan, row.schema, row.after, "after")?,
    }
    Ok(())
}

fn write_image(
    out: &mut Vec<u8>,
    plan: &TablePlan,
    schema: &TableSchema,
    image: Option<&dyn Image>,
    side: &'static str,
) -> Result<(), EncodeError> {
    let Some(image) = image else {
        return Err(EncodeError::MissingImage { table: table_name(schema), image: side });
    };
    push_bytes(out, &plan.image_head);
    let mut writer = ImageWriter::new(out, &plan.columns);
    image
        .visit(&mut writer)
        .map_err(|error| EncodeError::Image { table: table_name(schema), error })?;
    writer.finish().map_err(|wrong| wrong_image(schema, wrong))?;
    out.push(0);
    Ok(())
}

#[cold]
fn wrong_image(schema: &TableSchema, wrong: Wrong) -> EncodeError {
    let table = table_name(schema);
    match wrong {
        Wrong::Value { column } => {
            let column = schema.columns.get(column).map(|column| column.name.clone());
            EncodeError::WrongValue { table, column: column.unwrap_or_default() }
        }
        Wrong::Column { expected, found } => EncodeError::WrongColumns { table, expected, found },
    }
}

#[cold]
fn table_name(schema: &TableSchema) -> String {
    format!("{}.{}", schema.database, schema.table)
}

/// The tag with the text of the statement that changed a row.
const STATEMENT: &str = "sql";
/// Plans of about ten thousand ordinary tables.
const PLANS_SIZE_MAX: usize = 16 << 20;
/// Room that is made for a row beyond its constant parts, so that the buffer grows once and not per value.
const ROW_ROOM: usize = 1 << 10;

#[cfg(test)]
mod tests;
