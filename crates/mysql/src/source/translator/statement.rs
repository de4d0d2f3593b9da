//! Statements: what ends or begins a group, and what changes definitions.

use capture::Sink;
use change::{Body, Ddl};

use super::{INFLATED_BYTES_MAX, Translator};
use crate::binlog::{CompressedQuery, Query, RawEvent, charset_of_collation, decode_text};
use crate::source::error::Failure;
use crate::source::statement::{Statement, classify, starts_transaction};

impl Translator<'_> {
    pub(super) fn compressed_query(
        &mut self,
        query: &CompressedQuery<'_>,
        raw: &RawEvent<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let mut buffer = std::mem::take(&mut self.inflated);
        let query = query.inflate(&mut buffer, INFLATED_BYTES_MAX)?;
        let handled = self.query(&query, raw, start, sink);
        self.inflated = buffer;
        handled
    }

    pub(super) fn query(
        &mut self,
        query: &Query<'_>,
        raw: &RawEvent<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        // Servers that log no GTID events at all open a group with its first statement.
        if !self.place.open {
            self.open_group(start, raw.header.server_id);
        }
        let client = query.variables.charset.map(|[client, ..]| u64::from(client));
        let charset = client.and_then(charset_of_collation).unwrap_or("utf8mb4");
        let statement = text(charset, query.statement);
        let transaction = &mut self.place.transaction;
        transaction.thread_id = Some(query.thread_id);
        transaction.sql_mode = query.variables.sql_mode;
        transaction.charset = query.variables.charset;
        transaction.flags2 = query.variables.flags2;
        match classify(&statement) {
            Statement::Begin | Statement::XaStart => self.group.transactional = true,
            Statement::Commit => self.commit(sink)?,
            Statement::Rollback => self.rollback(sink)?,
            Statement::WithinTransaction => {}
            Statement::XaOutcome => self.end_group(sink)?,
            Statement::Dml => {
                self.skipped.statement_format += 1;
                self.end_unless_transactional(sink)?;
            }
            Statement::Account => {
                self.skipped.account += 1;
                self.end_unless_transactional(sink)?;
            }
            Statement::Temporary => self.end_unless_transactional(sink)?,
            Statement::Ddl => {
                let database = text("utf8mb4", query.database);
                self.ddl(&database, &statement, sink)?;
            }
        }
        Ok(())
    }

    pub(super) fn ddl(
        &mut self,
        database: &str,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.tables.definition_changed(text, &self.place.position)?;
        if starts_transaction(text) {
            self.group.transactional = true;
        }
        // Within a group a statement counts like a rows event; at its end the group's end says it all.
        let ordinal = self.count_rows_event();
        let is_new = if self.delivered.counts_rows_only() {
            self.group.rows >= self.delivered.rows
        } else {
            ordinal >= self.delivered.rows_event
        };
        self.passed(ordinal);
        if !self.group.transactional {
            self.close_group();
        }
        self.place.write_here();
        if is_new {
            sink.change(&self.place.change(Body::Ddl(Ddl { database, statement: text })))?;
        }
        Ok(())
    }
}

/// Text in a charset of the server as UTF-8; bytes that have no reading are shown as U+FFFD.
fn text(charset: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    if !decode_text(charset, bytes, &mut text) {
        text.push_str(&String::from_utf8_lossy(bytes));
    }
    text
}
