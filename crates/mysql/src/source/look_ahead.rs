//! Reads the log ahead of the reader, for its statements alone.
//!
//! A dump of its own, from the reader's place to where the server's log ends now. Rows are passed over
//! without a look, so it goes as fast as the server sends; it is needed only where the log does not
//! describe its tables and the server is asked for a definition.

use std::time::Instant;

use capture::{ErrorKind, SourceError, Start, Stop};
use change::{Resume, UnixTime};

use super::place::Place;
use super::position::BinlogPosition;
use super::start::{self, Forward, ServerLog};
use super::tables::{Ahead, log_place};
use super::{SILENCE_MAX, checksum};
use crate::binlog::{
    DecodeError, Event, EventType, FormatDescription, PayloadReader, Query, RawEvent,
    charset_of_collation, decode_text,
};
use crate::connection::{
    Chunk, Connection, Endpoint, FillOutcome, Replica, ReplicaOptions, ServerFacts, Timeouts,
    explain, server_facts,
};
use crate::ddl::{Context, Dialect};

/// Bytes asked of the socket at once.
const CHUNK_BYTES: usize = 1 << 20;
/// Largest unpacked event that is taken.
const INFLATED_BYTES_MAX: usize = (1 << 30) + (1 << 20);

/// Adds the statements from `from` up to the current end of the server's log.
pub(super) fn read_ahead(
    endpoint: &Endpoint,
    timeouts: Timeouts,
    from: &BinlogPosition,
    ahead: &mut Ahead,
    stop: &Stop,
) -> Result<(), SourceError> {
    let failed = |error| explain(error, endpoint, None);
    let mut connection = Connection::connect(endpoint, timeouts).map_err(failed)?;
    let mut facts = server_facts(&mut connection).map_err(failed)?;
    let Some(end) = &facts.log_end else {
        return Err(SourceError::new(
            ErrorKind::Denied,
            "binlog_hidden",
            "the server does not show this account where its binlog ends, so it cannot be told which \
             definitions are valid: the log does not describe its tables",
        )
        .remedy("GRANT REPLICATION CLIENT ON *.* TO the account")
        .remedy("SET GLOBAL binlog_row_metadata = FULL, so that the log describes its tables"));
    };
    let read_to = BinlogPosition {
        file: end.file.clone(),
        offset: end.position,
        server: start::server_identity(&facts),
        ..BinlogPosition::default()
    };
    let end = log_place(&read_to);
    let from = ahead.unread(from);
    if !from.file.is_empty() && log_place(from) >= end {
        return Ok(());
    }
    let (checksum, now) = (checksum(&facts), UnixTime::default());
    let mut log = ServerLog { endpoint, timeouts, checksum, now, stop };
    let from = Start::At(from.to_position());
    let plan = start::resolve(&from, &mut log, &mut connection, &mut facts)?;
    let replica = Replica::prepare(connection, ReplicaOptions::default()).map_err(failed)?;
    let mut stream = replica.start(&plan.dump).map_err(failed)?;
    let mut forward = plan.forward_to.map(|to| Forward::new(to, checksum));
    let mut scan = Scan::new(plan.position, &facts);
    let mut chunk = Chunk::with_capacity(CHUNK_BYTES);
    let mut heard_at = Instant::now();
    while scan.place.read_to() < end && !stop.is_raised() {
        match stream.fill(&mut chunk, CHUNK_BYTES).map_err(failed)? {
            FillOutcome::Events | FillOutcome::Partial => heard_at = Instant::now(),
            FillOutcome::Silence if heard_at.elapsed() < SILENCE_MAX => {}
            FillOutcome::Silence | FillOutcome::End => {
                return Err(SourceError::new(
                    ErrorKind::Unreachable,
                    "connection_silent",
                    format!("reading ahead ended at {}", scan.place.shown_end()),
                ));
            }
        }
        for event in chunk.events() {
            let event = Forward::pass(&mut forward, event).map_err(|error| {
                let at = scan.place.shown_event();
                SourceError::new(
                    ErrorKind::Corrupt,
                    "event_corrupt",
                    format!("the event at {at} cannot be used: {error}"),
                )
            })?;
            if let Some(event) = event {
                scan.event(event, ahead);
            }
        }
    }
    if stop.is_raised() {
        return Err(SourceError::new(
            ErrorKind::SinkClosed,
            "stopped",
            "the task is being stopped",
        ));
    }
    ahead.has_read(read_to);
    Ok(())
}

/// Where the reading ahead stands.
struct Scan {
    place: Place,
    format: FormatDescription,
    payloads: Option<PayloadReader>,
    inflated: Vec<u8>,
    dialect: Dialect,
    lower_case_table_names: u8,
}

impl Scan {
    fn new(position: BinlogPosition, facts: &ServerFacts) -> Self {
        let mut format = FormatDescription::assumed();
        format.checksum = checksum(facts);
        Self {
            place: Place::new(position),
            format,
            payloads: None,
            inflated: Vec::new(),
            dialect: Dialect::of(&facts.version),
            lower_case_table_names: facts.lower_case_table_names.unwrap_or_default(),
        }
    }

    /// An event that is damaged may be any statement. It stops nothing here: the reader tells of it when
    /// it comes there, with all that lies before it delivered.
    fn event(&mut self, bytes: &[u8], ahead: &mut Ahead) {
        self.place.begin_event();
        let (file, start) = self.place.read_to();
        let taken = RawEvent::parse(bytes, self.format.checksum).and_then(|raw| {
            self.place.advance(raw.header.log_pos, raw.header.event_size);
            self.handle(&raw, ahead)
        });
        if taken.is_err() {
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            ahead.cannot_tell((file, start.saturating_add(size)).max(self.place.read_to()));
        }
    }

    fn handle(&mut self, raw: &RawEvent<'_>, ahead: &mut Ahead) -> Result<(), DecodeError> {
        match raw.header.event_type {
            EventType::FORMAT_DESCRIPTION
            | EventType::ROTATE
            | EventType::QUERY
            | EventType::QUERY_COMPRESSED
            | EventType::TRANSACTION_PAYLOAD => {}
            _ => return Ok(()),
        }
        match Event::decode(raw, &self.format)? {
            Event::FormatDescription(format) => self.format = format,
            Event::Rotate(rotate) => {
                if let Ok(file) = std::str::from_utf8(rotate.file) {
                    self.place.rotate(file, rotate.position);
                }
            }
            Event::Query(query) => self.query(&query, ahead),
            Event::CompressedQuery(query) => {
                let mut buffer = std::mem::take(&mut self.inflated);
                self.query(&query.inflate(&mut buffer, INFLATED_BYTES_MAX)?, ahead);
                self.inflated = buffer;
            }
            Event::TransactionPayload(payload) => {
                let mut reader = match self.payloads.take() {
                    Some(reader) => reader,
                    None => PayloadReader::new(INFLATED_BYTES_MAX)?,
                };
                let mut events = reader.open(&payload)?;
                while let Some(inner) = events.next_event()? {
                    self.handle(&inner, ahead)?;
                }
                self.payloads = Some(reader);
            }
            _ => {}
        }
        Ok(())
    }

    fn query(&mut self, query: &Query<'_>, ahead: &mut Ahead) {
        if query.statement == b"BEGIN" || query.statement == b"COMMIT" {
            return;
        }
        let charset = query.variables.charset.map(|[client, ..]| u64::from(client));
        let charset = charset.and_then(charset_of_collation).unwrap_or("utf8mb4");
        let mut statement = String::new();
        if !decode_text(charset, query.statement, &mut statement) {
            statement.push_str(&String::from_utf8_lossy(query.statement));
        }
        let database = String::from_utf8_lossy(query.database);
        let context = Context {
            sql_mode: query.variables.sql_mode.unwrap_or_default(),
            lower_case_table_names: self.lower_case_table_names,
            ..Context::new(self.dialect, &database)
        };
        ahead.add(self.place.read_to(), &statement, &context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[u8] = include_bytes!("testdata/mysql-9.7-groups.binlog");

    /// The events of a binlog file.
    fn events() -> Vec<Vec<u8>> {
        let mut rest = &LOG[4..];
        let mut events = Vec::new();
        while !rest.is_empty() {
            let size = u32::from_le_bytes(rest[9..13].try_into().unwrap()) as usize;
            events.push(rest[..size].to_vec());
            rest = &rest[size..];
        }
        events
    }

    fn scanned(events: &[Vec<u8>]) -> Ahead {
        let start = BinlogPosition::parse("binlog.000001:4").unwrap();
        let mut scan = Scan {
            place: Place::new(start),
            format: FormatDescription::assumed(),
            payloads: None,
            inflated: Vec::new(),
            dialect: Dialect::MySql { version: 90_000 },
            lower_case_table_names: 0,
        };
        let mut ahead = Ahead::default();
        events.iter().for_each(|event| scan.event(event, &mut ahead));
        ahead
    }

    #[test]
    fn a03_a_damaged_event_ahead_leaves_only_what_lies_before_it_in_doubt() {
        let unnamed = ("no".to_owned(), "such".to_owned());
        let whole = events();
        assert_eq!(scanned(&whole).names(&unnamed, (1, 4)), None);
        let mut end = 4;
        for (index, event) in whole.iter().enumerate() {
            let start = end;
            end += event.len() as u64;
            if index == 0 {
                continue;
            }
            let mut damaged = whole.clone();
            *damaged[index].last_mut().unwrap() ^= 1;
            let ahead = scanned(&damaged);
            assert_eq!(ahead.names(&unnamed, (1, start)), Some((1, end)), "event {index}");
            assert_eq!(ahead.names(&unnamed, (1, end)), None, "event {index}");
        }
    }
}
