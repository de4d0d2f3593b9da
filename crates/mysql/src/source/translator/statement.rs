//! Statements: what ends or begins a group, what changes definitions, and what should have been rows.
//!
//! Of a statement nothing but its secrets is left out, and nothing of it stands in a message.

use capture::{DdlScope, Sink};
use change::{Body, Ddl};

use super::{INFLATED_BYTES_MAX, Server, Translator};
use crate::binlog::{
    CompressedQuery, Query, QueryVariables, RawEvent, charset_of_collation, decode_text,
};
use crate::ddl::{Context, Mentions, masked, mentions};
use crate::source::error::Failure;
use crate::source::statement::{Statement, classify, starts_transaction};

/// As much of a statement is passed on with each row it changed.
const STATEMENT_BYTES: usize = 4 << 10;
/// As much of a statement that changes rows is looked at.
const HEAD_BYTES: usize = 64 << 10;

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
        let kind = classify(&statement);
        match kind {
            Statement::Begin => self.group.transactional = true,
            Statement::XaStart => self.hold_back(),
            Statement::Commit => self.commit(sink)?,
            Statement::Rollback => self.rollback(sink)?,
            Statement::WithinTransaction => {}
            Statement::XaCommit => self.xa_commit(&statement, sink)?,
            Statement::XaRollback => self.xa_rollback(&statement, sink)?,
            Statement::Temporary => self.end_unless_transactional(sink)?,
            Statement::Dml | Statement::Ddl => {
                let database = text("utf8mb4", query.database);
                let context = Context {
                    strings_are_certain: is_certain(query.variables.charset, query.statement),
                    ..self.server.context(&database, &query.variables)
                };
                match kind {
                    Statement::Dml => self.statement_format(&context, &statement, sink)?,
                    _ => self.ddl(&context, &statement, sink)?,
                }
            }
        }
        Ok(())
    }

    /// The statement behind the rows that follow. Of a long one, its beginning is kept: it goes into
    /// each of their records. What the rows do not hold, like the key of a cipher, is masked.
    pub(super) fn note_statement(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(..STATEMENT_BYTES.min(bytes.len())).unwrap_or_default();
        // Not in the middle of a character.
        let whole = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let bytes = bytes.get(..whole).filter(|_| bytes.len() - whole < 4).unwrap_or(bytes);
        let client = self.place.transaction.charset.map(|[client, ..]| u64::from(client));
        let charset = client.and_then(charset_of_collation).unwrap_or("utf8mb4");
        let statement = &mut self.place.transaction.statement;
        statement.clear();
        if !decode_text(charset, bytes, statement) {
            statement.clear();
            statement.push_str(&String::from_utf8_lossy(bytes));
        }
        let sql_mode = self.place.transaction.sql_mode.unwrap_or(0);
        let context = Context { sql_mode, ..Context::new(self.server.dialect, "") };
        if let Some(masked) = masked(&self.place.transaction.statement, &context) {
            self.place.transaction.statement = masked;
        }
    }

    /// Rows were changed, and the log has the statement instead of them.
    fn statement_format(
        &mut self,
        context: &Context<'_>,
        statement: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        // What a statement changes, it names first; its values may be many megabytes.
        let end = (0..=HEAD_BYTES.min(statement.len()))
            .rev()
            .find(|end| statement.is_char_boundary(*end));
        let head = end.and_then(|end| statement.get(..end)).unwrap_or(statement);
        let named = mentions(head, context).tables;
        if let Some((database, table)) =
            named.iter().find(|(database, table)| self.tables.tracks(database, table))
        {
            self.skipped.statement_format += 1;
            let name = format!("{database}.{table}");
            let at = self.place.shown_event();
            self.warnings.add(
                "statement_format",
                &name,
                format!(
                    "changes of {name} at {at} are missing: they were logged as a statement, not as \
                     rows (binlog_format of the session that made them)"
                ),
            );
        } else {
            self.skipped.untracked_statement += 1;
        }
        self.end_unless_transactional(sink)
    }

    fn ddl(
        &mut self,
        context: &Context<'_>,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.tables.definition_changed(text, context, &self.place.position)?;
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
        let is_alone = !self.group.transactional;
        if is_alone {
            self.close_group();
        }
        self.place.write_here();
        if !self.is_in_scope(text, context) {
            self.skipped.untracked_statement += 1;
            if is_alone {
                sink.progress(&self.place.change(Body::Heartbeat))?;
            }
        } else if is_new {
            let masked = masked(text, context);
            let ddl =
                Ddl { database: context.database, statement: masked.as_deref().unwrap_or(text) };
            sink.change(&self.place.change(Body::Ddl(ddl)))?;
        }
        Ok(())
    }

    /// Whether a statement is delivered. One of a database, or of a routine in it, counts as one of
    /// each of its tables.
    fn is_in_scope(&self, statement: &str, context: &Context<'_>) -> bool {
        if self.server.ddl_scope == DdlScope::Instance {
            return true;
        }
        let Mentions { databases, tables } = mentions(statement, context);
        let alone = |database: &&String| !tables.iter().any(|(of, _)| of == *database);
        tables.iter().any(|(database, table)| self.tables.tracks(database, table))
            || databases.iter().filter(alone).any(|database| self.tables.touches(database))
    }
}

impl Server {
    /// What a statement must be read with.
    fn context<'c>(&self, database: &'c str, variables: &QueryVariables<'_>) -> Context<'c> {
        Context {
            sql_mode: variables.sql_mode.unwrap_or(0),
            server_collation: variables.charset.map(|[_, _, server]| server),
            database_collation: variables.database_collation,
            lower_case_table_names: self.lower_case_table_names,
            utf8_is_utf8mb4: self.utf8_is_utf8mb4,
            ..Context::new(self.dialect, database)
        }
    }
}

/// Whether the server read the strings in these bytes as the text they are in the session's character
/// set: it brings them into that of the connection first. `charset` holds the numbers of both.
fn is_certain(charset: Option<[u16; 3]>, bytes: &[u8]) -> bool {
    let Some([client, connection, _]) = charset.filter(|_| !bytes.is_ascii()) else { return true };
    let name = |collation| charset_of_collation(u64::from(collation));
    let is_text =
        name(client).is_some_and(|client| change::charset::decode(client, bytes).is_some());
    let keeps_all = name(connection) == name(client) || name(connection) == Some("utf8mb4");
    client != BINARY_COLLATION && is_text && keeps_all
}

/// The number of the collation `binary`.
const BINARY_COLLATION: u16 = 63;

/// Text in a charset of the server as UTF-8; bytes that have no reading are shown as U+FFFD.
fn text(charset: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    if !decode_text(charset, bytes, &mut text) {
        text.push_str(&String::from_utf8_lossy(bytes));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d10_a_text_in_no_character_set_may_be_any() {
        let session = |client, connection| Some([client, connection, 45]);
        let (utf8mb4, latin1) = (session(45, 255), session(8, 8));
        let binary = session(BINARY_COLLATION, BINARY_COLLATION);
        for charset in [utf8mb4, latin1, binary, session(9_999, 8), None] {
            assert!(is_certain(charset, b"ENUM('e')"));
        }
        let accent = "ENUM('é')".as_bytes();
        assert!(is_certain(utf8mb4, accent) && is_certain(latin1, b"ENUM('\xe9')"));
        assert!(is_certain(session(8, 45), b"ENUM('\xe9')"));
        assert!(!is_certain(utf8mb4, b"ENUM('\xe9')"));
        assert!(!is_certain(binary, accent));
        assert!(!is_certain(session(45, 8), accent), "SET CHARACTER SET in a database of latin1");
    }
}
