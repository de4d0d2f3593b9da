//! From events to changes: groups, GTIDs, rows, statements. Sans-IO, but for what [`Tables`] asks.
//!
//! A *group* is what the server logs as one unit: a transaction, or a statement of its own. Within a
//! group the rows events are counted, so that a reader that comes back knows which rows it has already
//! delivered. BEGIN is delivered with the first tracked row, so that a group without one leaves no
//! trace but its position.

mod group;
mod held;
mod rows;
mod skip;
mod statement;
mod xa;

use std::time::Duration;

use capture::{DdlScope, Sink, SinkError};
use change::{Body, UnixTime};

use self::group::Group;
use self::xa::KeptGroups;
pub(crate) use self::xa::{EachEvent, PreparedLog};
use super::error::Failure;
use super::gtids::Gtids;
use super::place::Place;
use super::position::{BinlogPosition, Within, file_number};
use super::tables::Tables;
use super::warnings::Warnings;
use crate::binlog::{
    Checksum, Event, EventHeader, EventType, FormatDescription, GtidList, PayloadReader, RawEvent,
    TransactionPayload,
};
use crate::ddl::Dialect;

/// Turns the events of one dump, in order, into changes.
#[derive(Debug)]
pub(crate) struct Translator<'a> {
    place: Place,
    format: FormatDescription,
    tables: Tables<'a>,
    /// Where this dump has to end, if it has to.
    limit: Option<BinlogPosition>,
    /// What of the first group was delivered by an earlier run; nothing of any later one.
    delivered: Within,
    group: Group,
    /// MariaDB's compressed events, unpacked.
    inflated: Vec<u8>,
    /// MySQL's compressed transactions, unpacked.
    payloads: Option<PayloadReader>,
    server: Server,
    skipped: Skipped,
    /// Places of events that an operator has decided to leave out.
    skips: Vec<String>,
    warnings: Warnings,
    /// Reads groups of prepared XA transactions again.
    prepared_log: Option<&'a mut dyn PreparedLog>,
    /// Groups of prepared XA transactions that need not be read again.
    kept: KeptGroups,
    /// Where the server's log ended when the dump started. A server that searches its log for the
    /// start shows signs of life before it has come so far.
    log_end: (u64, u64),
    /// Everything the server has was read when its last sign of life came.
    caught_up: bool,
}

/// What statements are read with, beside what the log says of their sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    pub(crate) dialect: Dialect,
    pub(crate) lower_case_table_names: u8,
    pub(crate) utf8_is_utf8mb4: bool,
    pub(crate) ddl_scope: DdlScope,
}

/// Events that were understood and not delivered, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// Changes of tracked tables in statement format: there are no rows for them in the log.
    pub(crate) statement_format: u64,
    /// Statements that name no tracked table: changes in statement format, or out of the scope.
    pub(crate) untracked_statement: u64,
    /// Rows events of tables that are not tracked.
    pub(crate) untracked: u64,
    /// Rows events of tables that are held back.
    pub(crate) held: u64,
    /// Events, and rows without their table, that an operator has decided to leave out.
    pub(crate) quarantined: u64,
    /// XA transactions that were prepared before the start.
    pub(crate) xa_unprepared: u64,
}

/// Largest unpacked event that is taken, as for an event of the log itself.
const INFLATED_BYTES_MAX: usize = (1 << 30) + (1 << 20);

/// Until it is told: MySQL of today.
impl Default for Server {
    fn default() -> Self {
        let dialect = Dialect::MySql { version: 80_400 };
        let ddl_scope = DdlScope::default();
        Self { dialect, lower_case_table_names: 0, utf8_is_utf8mb4: false, ddl_scope }
    }
}

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
            limit: None,
            delivered,
            group: Group::default(),
            inflated: Vec::new(),
            payloads: None,
            server: Server::default(),
            skipped: Skipped::default(),
            skips: Vec::new(),
            warnings: Warnings::default(),
            prepared_log: None,
            kept: KeptGroups::default(),
            log_end: (0, 0),
            caught_up: false,
        }
    }

    /// What statements are read with.
    pub(crate) fn set_server(&mut self, server: Server) {
        self.server = server;
    }

    /// How groups of prepared XA transactions are read again.
    pub(crate) fn set_prepared_log(&mut self, log: &'t mut dyn PreparedLog) {
        self.prepared_log = Some(log);
    }

    /// Where the server's log ended when the dump started.
    pub(crate) fn set_log_end(&mut self, file: &str, offset: u64) {
        self.log_end = (file_number(file).unwrap_or(0), offset);
    }

    /// Handles the next event of the dump.
    pub(crate) fn event(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Failure> {
        self.place.begin_event();
        let raw = RawEvent::parse(bytes, self.format.checksum).inspect_err(|_| {
            self.locate(bytes);
        })?;
        let start = self.place.advance(raw.header.log_pos, raw.header.event_size);
        if !matches!(raw.header.event_type, EventType::HEARTBEAT | EventType::HEARTBEAT_V2) {
            self.caught_up = false;
        }
        self.keep(bytes);
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

    /// Remarks for an operator, if there is a new one since the last call.
    pub(crate) fn new_warnings(&mut self) -> Option<Vec<String>> {
        self.warnings.take_changed()
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
            Event::Rows(rows) if self.is_held_back() => self.note_held_back(rows.table_id),
            Event::CompressedRows(rows) if self.is_held_back() => {
                self.note_held_back(rows.table_id());
            }
            Event::Rows(rows) => self.rows(&rows, sink)?,
            Event::TableMap(map) => self.table_map(&map, raw.body, sink)?,
            Event::CompressedRows(rows) => {
                let mut buffer = std::mem::take(&mut self.inflated);
                let rows = rows.inflate(&mut buffer, INFLATED_BYTES_MAX)?;
                let handled = self.rows(&rows, sink);
                self.inflated = buffer;
                handled?;
            }
            Event::Query(query) => self.query(&query, raw, start, sink)?,
            Event::CompressedQuery(query) => self.compressed_query(&query, raw, start, sink)?,
            Event::Xid(_) => self.commit(sink)?,
            Event::XaPrepare(event) => self.xa_prepare(&event, sink)?,
            Event::Gtid(gtid) => self.gtid(&gtid, raw, start, sink)?,
            Event::MariaDbGtid(gtid) => self.mariadb_gtid(&gtid, raw, start, sink)?,
            Event::TransactionPayload(payload) => self.payload(&payload, start, sink)?,
            Event::FormatDescription(format) => {
                self.format = format;
                if !raw.header.is_artificial() && raw.header.log_pos != 0 {
                    self.cut_off(sink)?;
                }
                self.place.describe_file(raw.header.timestamp);
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
            Event::RowsQuery(statement) => self.note_statement(statement),
            Event::AnnotateRows(event) => self.note_statement(event.statement),
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
}

#[cfg(test)]
mod tests;
