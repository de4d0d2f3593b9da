//! From events to changes: groups, GTIDs, rows, statements. Sans-IO, but for what [`Tables`] asks.
//!
//! A *group* is what the server logs as one unit: a transaction, or a statement of its own. Within a
//! group the rows events are counted, so that a reader that comes back knows which rows it has already
//! delivered. BEGIN is delivered with the first tracked row, so that a group without one leaves no
//! trace but its position.

use std::fmt::Write as _;
use std::time::Duration;

use capture::{Sink, SinkError};
use change::{Body, Ddl, Image, Row, UnixTime};

use super::error::Failure;
use super::gtids::Gtids;
use super::place::Place;
use super::position::{BinlogPosition, Within, file_number};
use super::statement::{Statement, classify, starts_transaction};
use super::tables::{Bound, Tables};
use crate::binlog::{
    Checksum, CompressedQuery, Event, EventHeader, EventType, FormatDescription, Gtid, GtidEvent,
    GtidList, MariaDbGtid, MariaDbGtidEvent, PayloadReader, Query, RawEvent, RowsEvent,
    TransactionPayload, charset_of_collation, decode_text,
};

/// Turns the events of one dump, in order, into changes.
#[derive(Debug)]
pub(crate) struct Translator<'a> {
    place: Place,
    format: FormatDescription,
    tables: Tables<'a>,
    /// What of the first group was delivered by an earlier run; nothing of any later one.
    delivered: Within,
    group: Group,
    /// MariaDB's compressed events, unpacked.
    inflated: Vec<u8>,
    /// MySQL's compressed transactions, unpacked.
    payloads: Option<PayloadReader>,
    skipped: Skipped,
    /// Where the server's log ended when the dump started. A server that searches its log for the
    /// start shows signs of life before it has come so far.
    log_end: (u64, u64),
    /// Everything the server has was read when its last sign of life came.
    caught_up: bool,
}

/// What is known of the open group besides its place.
#[derive(Debug, Default)]
struct Group {
    /// Added to the executed set when the group ends.
    gtid: Option<AnyGtid>,
    /// A BEGIN was seen or is implied: a COMMIT, ROLLBACK or XID ends the group, and not a statement.
    transactional: bool,
    /// Rows events so far, tracked or not.
    rows_event: u32,
    /// Rows of tracked tables so far.
    rows: u64,
}

#[derive(Debug)]
enum AnyGtid {
    MySql(Gtid),
    MariaDb(MariaDbGtid),
}

/// Events that were understood and not delivered, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// DML in statement format: there are no rows for it in the log.
    pub(crate) statement_format: u64,
    /// Statements about accounts and rights.
    pub(crate) account: u64,
    /// Rows events of tables that are not tracked.
    pub(crate) untracked: u64,
}

/// Largest unpacked event that is taken, as for an event of the log itself.
const INFLATED_BYTES_MAX: usize = (1 << 30) + (1 << 20);

/// What the first rows event of a statement carries when it only ends the statement.
const DUMMY_TABLE_ID: u64 = 0x00ff_ffff;

impl<'t> Translator<'t> {
    /// `checksum` is what the server was asked to send; it holds until the first format description.
    pub(crate) fn new(position: BinlogPosition, tables: Tables<'t>, checksum: Checksum) -> Self {
        let delivered = position.within;
        let mut format = FormatDescription::assumed();
        format.checksum = checksum;
        Self {
            place: Place::new(position),
            format,
            tables,
            delivered,
            group: Group::default(),
            inflated: Vec::new(),
            payloads: None,
            skipped: Skipped::default(),
            log_end: (0, 0),
            caught_up: false,
        }
    }

    /// Where the server's log ended when the dump started.
    pub(crate) fn set_log_end(&mut self, file: &str, offset: u64) {
        self.log_end = (file_number(file).unwrap_or(0), offset);
    }

    /// Handles the next event of the dump.
    pub(crate) fn event(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Failure> {
        self.place.begin_event();
        let raw = RawEvent::parse(bytes, self.format.checksum)?;
        let start = self.place.advance(raw.header.log_pos, raw.header.event_size);
        if !matches!(raw.header.event_type, EventType::HEARTBEAT | EventType::HEARTBEAT_V2) {
            self.caught_up = false;
        }
        self.handle(&raw, start, sink)
    }

    /// Nothing more has arrived. `now` is the server's time, which is how far it was read once it said
    /// that it has nothing more. Answers how long to wait at the most before the next call.
    pub(crate) fn rest(
        &mut self,
        now: UnixTime,
        sink: &mut dyn Sink,
    ) -> Result<Duration, SinkError> {
        if self.caught_up {
            self.place.time = self.place.time.max(now);
        }
        let here = self.place.change(Body::Heartbeat);
        // Before the first events of a dump there is no time, or no file, to tell.
        let is_told =
            self.place.time != UnixTime::default() && !self.place.position.file.is_empty();
        if !self.place.open && is_told {
            sink.progress(&here)?;
        }
        sink.idle(&here)
    }

    /// The server's time at a start from now on.
    pub(crate) fn set_time(&mut self, now: UnixTime) {
        self.place.time = now;
    }

    /// Whether the server has nothing more, as of its last sign of life.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    pub(crate) fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// Up to where the log was read, for messages.
    pub(crate) fn shown_place(&self) -> String {
        self.place.shown_end()
    }

    /// Where the last event stands, for messages about it.
    pub(crate) fn shown_event(&self) -> String {
        self.place.shown_event()
    }

    fn handle(
        &mut self,
        raw: &RawEvent<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.tell_time(&raw.header);
        // A start within a transaction, or a server that marks no groups: what follows needs its map.
        if raw.header.event_type == EventType::TABLE_MAP && !self.place.open {
            self.open_group(start, raw.header.server_id);
        }
        // The same few tables are mapped again in every group: known bytes need no decoding.
        if raw.header.event_type == EventType::TABLE_MAP && self.tables.knows(raw.body) {
            return Ok(());
        }
        match Event::decode(raw, &self.format)? {
            Event::Rows(rows) => self.rows(&rows, sink)?,
            Event::TableMap(map) => self.tables.bind(&map, raw.body, &self.place.position)?,
            Event::CompressedRows(rows) => {
                let mut buffer = std::mem::take(&mut self.inflated);
                let rows = rows.inflate(&mut buffer, INFLATED_BYTES_MAX)?;
                let handled = self.rows(&rows, sink);
                self.inflated = buffer;
                handled?;
            }
            Event::Query(query) => self.query(&query, raw, start, sink)?,
            Event::CompressedQuery(query) => self.compressed_query(&query, raw, start, sink)?,
            Event::Xid(_) | Event::XaPrepare(_) => self.commit(sink)?,
            Event::Gtid(gtid) => self.gtid(&gtid, raw, start, sink)?,
            Event::MariaDbGtid(gtid) => self.mariadb_gtid(&gtid, raw, start, sink)?,
            Event::TransactionPayload(payload) => self.payload(&payload, start, sink)?,
            Event::FormatDescription(format) => {
                self.format = format;
                if !raw.header.is_artificial() && raw.header.log_pos != 0 {
                    self.cut_off(sink)?;
                }
                self.place.pass();
            }
            Event::Rotate(rotate) => {
                let file = std::str::from_utf8(rotate.file).map_err(|_| Failure::FileName)?;
                // No group goes on in another file; a fake ROTATE may name the same one again.
                if !self.place.is_in(file) {
                    self.cut_off(sink)?;
                }
                self.place.rotate(file, rotate.position);
            }
            Event::PreviousGtids(previous) => {
                if self.place.position.gtids.is_none() {
                    self.place.position.gtids = Gtids::MySql(previous.set()?);
                }
                self.place.pass();
            }
            Event::GtidList(list) => {
                if self.place.position.gtids.is_none() {
                    let mut state = GtidList::new();
                    list.gtids().for_each(|gtid| state.set(gtid));
                    self.place.position.gtids = Gtids::MariaDb(state);
                }
                self.place.pass();
            }
            Event::Heartbeat(_) => self.caught_up = self.place.read_to() >= self.log_end,
            Event::Incident(incident) => {
                return Err(Failure::Incident(
                    String::from_utf8_lossy(incident.message).into_owned(),
                ));
            }
            Event::Stop
            | Event::BinlogCheckpoint(_)
            | Event::StartEncryption(_)
            | Event::Skipped => self.place.pass(),
            Event::RowsQuery(_) | Event::AnnotateRows(_) => {}
        }
        Ok(())
    }

    /// Takes the source's time of an event. What opens or closes a file may be old, and says nothing of
    /// the groups around it.
    fn tell_time(&mut self, header: &EventHeader) {
        match header.event_type {
            _ if header.timestamp == 0 => {}
            EventType::FORMAT_DESCRIPTION
            | EventType::PREVIOUS_GTIDS
            | EventType::MARIADB_GTID_LIST
            | EventType::BINLOG_CHECKPOINT
            | EventType::START_ENCRYPTION
            | EventType::ROTATE
            | EventType::STOP => self.place.time = self.place.time.max(header.time()),
            _ => self.place.time = header.time(),
        }
    }

    fn gtid(
        &mut self,
        event: &GtidEvent,
        raw: &RawEvent<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.end_unfinished(sink)?;
        let expected = self.expected_group();
        self.open_group(start, raw.header.server_id);
        self.place.transaction.commit_time = event.original_commit.or(event.immediate_commit);
        if let Some(gtid) = event.gtid {
            let _infallible = write!(self.place.transaction.gtid, "{gtid}");
            self.group.gtid = Some(AnyGtid::MySql(gtid));
        }
        self.identify_group(expected)
    }

    fn mariadb_gtid(
        &mut self,
        event: &MariaDbGtidEvent<'_>,
        raw: &RawEvent<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.end_unfinished(sink)?;
        let expected = self.expected_group();
        self.open_group(start, raw.header.server_id);
        self.place.transaction.thread_id = event.thread_id;
        let _infallible = write!(self.place.transaction.gtid, "{}", event.gtid);
        self.group.gtid = Some(AnyGtid::MariaDb(event.gtid));
        self.group.transactional = !event.is_standalone();
        self.identify_group(expected)
    }

    /// The GTID of the group that an earlier run delivered in part, if the next one must be that.
    fn expected_group(&self) -> Option<String> {
        let is_partial = self.delivered != Within::default();
        let group = &self.place.position.group;
        (is_partial && !group.is_empty()).then(|| group.clone())
    }

    /// Takes the GTID of the group that was opened. After a failover the next group may be another one
    /// than that which was delivered in part; going on would count the wrong rows.
    fn identify_group(&mut self, expected: Option<String>) -> Result<(), Failure> {
        let found = &self.place.transaction.gtid;
        if let Some(expected) = expected.filter(|expected| expected != found) {
            return Err(Failure::OtherTransaction { expected, found: found.clone() });
        }
        self.place.position.group.clone_from(found);
        Ok(())
    }

    /// A group whose end was not recognized has ended where the next one begins.
    fn end_unfinished(&mut self, sink: &mut dyn Sink) -> Result<(), SinkError> {
        if !self.place.open {
            return Ok(());
        }
        self.add_gtid();
        if self.place.close_group_before_event() {
            sink.change(&self.place.change(Body::Commit))?;
        }
        Ok(())
    }

    fn open_group(&mut self, start: u64, server_id: u32) {
        self.tables.make_room();
        self.place.open_group(start, self.delivered);
        self.place.transaction.server_id = Some(server_id);
        self.group = Group::default();
    }

    fn payload(
        &mut self,
        payload: &TransactionPayload<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let mut reader = match self.payloads.take() {
            Some(reader) => reader,
            None => PayloadReader::new(INFLATED_BYTES_MAX)?,
        };
        let mut events = reader.open(payload)?;
        while let Some(inner) = events.next_event()? {
            self.handle(&inner, start, sink)?;
        }
        self.payloads = Some(reader);
        Ok(())
    }

    fn compressed_query(
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

    fn query(
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

    fn ddl(&mut self, database: &str, text: &str, sink: &mut dyn Sink) -> Result<(), Failure> {
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

    fn rows(&mut self, rows: &RowsEvent<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        let ordinal = self.count_rows_event();
        match self.tables.get(rows.table_id) {
            Bound::Tracked(table) => {
                self.place.write_here();
                let mut walk = rows.rows(table)?;
                let mut row = 0_u32;
                while let Some(pair) = walk.next_row()? {
                    row = row.saturating_add(1);
                    self.group.rows = self.group.rows.saturating_add(1);
                    let at =
                        Within { rows_event: ordinal, row, rows: self.group.rows, begun: true };
                    if self.delivered.covers(&at) {
                        continue;
                    }
                    let within = &mut self.place.position.within;
                    if !within.begun {
                        within.begun = true;
                        sink.change(&self.place.change(Body::Begin))?;
                    }
                    self.place.position.within = at;
                    let body = Body::Row(Row {
                        operation: rows.operation,
                        schema: table.schema(),
                        before: pair.before.as_ref().map(|image| image as &dyn Image),
                        after: pair.after.as_ref().map(|image| image as &dyn Image),
                    });
                    sink.change(&self.place.change(body))?;
                }
            }
            Bound::Untracked => self.skipped.untracked += 1,
            Bound::Unknown if rows.table_id.0 == DUMMY_TABLE_ID => {}
            Bound::Unknown => return Err(Failure::NoTableMap(rows.table_id.0)),
        }
        self.passed(ordinal);
        Ok(())
    }

    /// Answers the number of the current rows event in its group.
    fn count_rows_event(&mut self) -> u32 {
        let ordinal = self.group.rows_event;
        self.group.rows_event = ordinal.saturating_add(1);
        ordinal
    }

    /// A rows event was handled whole. The resume point goes behind it, unless an earlier run has
    /// delivered more.
    fn passed(&mut self, ordinal: u32) {
        let rows = self.group.rows;
        let within = &mut self.place.position.within;
        let behind = Within { rows_event: ordinal.saturating_add(1), row: 0, rows, ..*within };
        let is_ahead = if self.delivered.counts_rows_only() {
            rows >= self.delivered.rows
        } else {
            (behind.rows_event, behind.row) > (self.delivered.rows_event, self.delivered.row)
        };
        if is_ahead {
            *within = behind;
        }
    }

    fn commit(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.end_with(Body::Commit, sink)
    }

    /// A transaction that changed tables of engines without transactions is logged although it was
    /// rolled back; those changes stand.
    fn rollback(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.end_with(Body::Rollback, sink)
    }

    /// Ends the open group; `end` is delivered where its BEGIN was.
    fn end_with(&mut self, end: Body<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        if self.close_group() {
            sink.change(&self.place.change(end))?;
        } else {
            sink.progress(&self.place.change(Body::Heartbeat))?;
        }
        Ok(())
    }

    fn end_group(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.close_group();
        Ok(sink.progress(&self.place.change(Body::Heartbeat))?)
    }

    fn end_unless_transactional(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        if self.group.transactional { Ok(()) } else { self.end_group(sink) }
    }

    /// A file ends or begins: a group that is still open was cut off by a crash and never committed.
    fn cut_off(&mut self, sink: &mut dyn Sink) -> Result<(), SinkError> {
        if !self.place.open {
            return Ok(());
        }
        self.group.gtid = None;
        if self.close_group() {
            sink.change(&self.place.change(Body::Rollback))?;
        }
        Ok(())
    }

    /// Ends the open group at the current event: from here on it counts as executed. Answers whether
    /// its BEGIN was delivered.
    fn close_group(&mut self) -> bool {
        self.add_gtid();
        self.place.close_group()
    }

    fn add_gtid(&mut self) {
        match (self.group.gtid.take(), &mut self.place.position.gtids) {
            (Some(AnyGtid::MySql(gtid)), Gtids::MySql(set)) => set.add(gtid),
            (Some(AnyGtid::MariaDb(gtid)), Gtids::MariaDb(list)) => list.set(gtid),
            _ => {}
        }
        self.group.transactional = false;
        self.delivered = Within::default();
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

#[cfg(test)]
mod tests;
