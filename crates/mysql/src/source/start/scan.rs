//! The groups of a log by their outsides: where each begins and ends, when it was committed, and what
//! was executed before it. Sans-IO; nothing of a row is looked at.
//!
//! A group's end is told by the length that MySQL 8.0.2 and later write at its beginning, and by its
//! events elsewhere: the first statement of a MariaDB group that stands alone, a XID, a COMMIT.

use change::UnixTime;

use super::super::gtids::Gtids;
use super::super::position::file_number;
use crate::binlog::{
    Checksum, DecodeError, Event, EventHeader, EventType, FormatDescription, Gtid, GtidList,
    MariaDbGtid, RawEvent,
};

/// Follows a dump that began with the first event of a file.
#[derive(Debug)]
pub(crate) struct Scan {
    file: String,
    /// The file that the end of this one names.
    next_file: Option<String>,
    format: FormatDescription,
    /// Where the last event ended.
    end: u64,
    /// Where the open group starts, or where the next one will.
    boundary: u64,
    /// Where the last group started.
    previous: u64,
    /// Executed before the last group, or before the open one.
    gtids: Gtids,
    /// The last group, until the next event.
    ended: Option<AnyGtid>,
    open: Option<Open>,
}

/// A place between two groups, and what was executed before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) file: String,
    pub(crate) offset: u64,
    pub(crate) gtids: Gtids,
}

/// A group that has not ended yet.
#[derive(Debug, Default)]
struct Open {
    gtid: Option<AnyGtid>,
    /// Where it ends, if its beginning says so.
    end: Option<u64>,
    /// When it was committed, if its beginning says so.
    commit: Option<UnixTime>,
    kind: Kind,
}

/// How a group ends that does not say where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// Its first statement will tell.
    #[default]
    Unknown,
    /// With its only statement.
    Single,
    /// With a XID, a COMMIT or a ROLLBACK.
    Transaction,
}

#[derive(Debug, Clone, Copy)]
enum AnyGtid {
    MySql(Gtid),
    MariaDb(MariaDbGtid),
}

/// What an event was to a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Made for the connection, or about the file as a whole.
    Control,
    /// Part of a group; the latest time that it may stand for.
    Group(UnixTime),
}

impl Scan {
    /// `checksum` is what the server was asked to send; it holds until the first format description.
    pub(crate) fn new(checksum: Checksum) -> Self {
        let mut format = FormatDescription::assumed();
        format.checksum = checksum;
        Self {
            file: String::new(),
            next_file: None,
            format,
            end: FIRST_EVENT,
            boundary: FIRST_EVENT,
            previous: FIRST_EVENT,
            gtids: Gtids::None,
            ended: None,
            open: None,
        }
    }

    /// Takes the next event of the dump.
    pub(crate) fn event(&mut self, bytes: &[u8]) -> Result<Seen, DecodeError> {
        self.settle();
        let raw = RawEvent::parse(bytes, self.format.checksum)?;
        let kind = raw.header.event_type;
        if kind == EventType::FORMAT_DESCRIPTION
            && let Some(file) = self.next_file.take()
        {
            self.enter(file, FIRST_EVENT);
        }
        let start = self.advance(raw.header.log_pos, raw.header.event_size);
        match kind {
            EventType::HEARTBEAT | EventType::HEARTBEAT_V2 => return Ok(Seen::Control),
            EventType::FORMAT_DESCRIPTION
            | EventType::ROTATE
            | EventType::PREVIOUS_GTIDS
            | EventType::MARIADB_GTID_LIST
            | EventType::BINLOG_CHECKPOINT
            | EventType::START_ENCRYPTION
            | EventType::STOP => {
                self.control(&raw)?;
                return Ok(Seen::Control);
            }
            _ => {}
        }
        match kind {
            EventType::GTID
            | EventType::ANONYMOUS_GTID
            | EventType::GTID_TAGGED
            | EventType::MARIADB_GTID => self.mark(&raw, start)?,
            // Newer servers may put between two groups what this one does not know.
            _ if self.open.is_none() && raw.header.is_ignorable() => {
                self.move_to_end();
                return Ok(Seen::Control);
            }
            // A server that marks no groups begins one with its first event.
            _ if self.open.is_none() => self.begin(start, Open::default()),
            _ => {}
        }
        let time = self.time_of(&raw.header);
        if self.ends_group(&raw)? {
            self.finish();
        }
        Ok(Seen::Group(time))
    }

    /// The file that is being read; empty before the first event says so.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Where the open group starts, or where the next one will.
    pub(crate) const fn boundary(&self) -> u64 {
        self.boundary
    }

    /// Where the open group starts, or where the next one will.
    pub(crate) fn here(mut self) -> Found {
        self.settle();
        Found { file: self.file, offset: self.boundary, gtids: self.gtids }
    }

    /// Where the group of the last event starts.
    pub(crate) fn before_group(self) -> Found {
        let offset = if self.open.is_some() { self.boundary } else { self.previous };
        Found { file: self.file, offset, gtids: self.gtids }
    }

    /// `file:offset` of the boundary, for messages.
    pub(crate) fn shown(&self) -> String {
        format!("{}:{}", self.file, self.boundary)
    }

    /// File number and byte up to which all groups are whole.
    pub(crate) fn read_to(&self) -> (u64, u64) {
        (file_number(&self.file).unwrap_or(0), self.boundary)
    }

    /// Headers have only the lower 32 bits of where an event ends.
    fn advance(&mut self, log_pos: u32, event_size: u32) -> u64 {
        if log_pos == 0 {
            return self.end;
        }
        let mut end = (self.end & !LOW) | u64::from(log_pos);
        if end < self.end && self.end - end > LOW / 2 {
            end = end.saturating_add(LOW + 1);
        }
        self.end = end;
        end.saturating_sub(u64::from(event_size))
    }

    fn control(&mut self, raw: &RawEvent<'_>) -> Result<(), DecodeError> {
        let is_in_file = raw.header.log_pos != 0 && !raw.header.is_artificial();
        match Event::decode(raw, &self.format)? {
            Event::FormatDescription(format) => self.format = format,
            Event::Rotate(rotate) => {
                let file = String::from_utf8_lossy(rotate.file).into_owned();
                if is_in_file {
                    self.next_file = Some(file);
                } else {
                    self.next_file = None;
                    self.enter(file, rotate.position);
                    return Ok(());
                }
            }
            Event::PreviousGtids(previous) if self.gtids.is_none() => {
                self.gtids = Gtids::MySql(previous.set()?);
            }
            Event::GtidList(list) if self.gtids.is_none() => {
                let mut state = GtidList::new();
                list.gtids().for_each(|gtid| state.set(gtid));
                self.gtids = Gtids::MariaDb(state);
            }
            _ => {}
        }
        if is_in_file && self.open.is_none() {
            self.move_to_end();
        }
        Ok(())
    }

    /// The log goes on in another file. Naming the same one again means nothing.
    fn enter(&mut self, file: String, offset: u64) {
        if self.file != file {
            // A group that its file does not end was cut off by a crash, and never committed.
            self.open = None;
            self.file = file;
            self.end = offset;
            self.boundary = offset;
            self.previous = offset;
        }
    }

    /// A group begins, and says so.
    fn mark(&mut self, raw: &RawEvent<'_>, start: u64) -> Result<(), DecodeError> {
        let open = match Event::decode(raw, &self.format)? {
            Event::Gtid(event) => {
                let length = event.transaction_length.filter(|length| *length > 0);
                let commit = event.immediate_commit.max(event.original_commit);
                let end = length.map(|length| start.saturating_add(length));
                Open { gtid: event.gtid.map(AnyGtid::MySql), end, commit, ..Open::default() }
            }
            Event::MariaDbGtid(event) => {
                let kind = if event.is_standalone() { Kind::Single } else { Kind::Transaction };
                Open { gtid: Some(AnyGtid::MariaDb(event.gtid)), kind, ..Open::default() }
            }
            _ => return Ok(()),
        };
        self.begin(start, open);
        if self.open.as_ref().is_some_and(|open| open.gtid.is_none()) {
            // A set that lacks this transaction says nothing about where to go on.
            self.gtids = Gtids::None;
        }
        Ok(())
    }

    fn begin(&mut self, start: u64, open: Open) {
        // What was not seen to end has ended here.
        self.ended = self.open.take().and_then(|open| open.gtid);
        self.settle();
        self.boundary = start;
        self.open = Some(open);
    }

    /// The open group ends with the current event.
    fn finish(&mut self) {
        self.ended = self.open.take().and_then(|open| open.gtid);
        self.move_to_end();
    }

    fn move_to_end(&mut self) {
        self.previous = std::mem::replace(&mut self.boundary, self.end);
    }

    /// From here on the last group counts as executed.
    fn settle(&mut self) {
        match (self.ended.take(), &mut self.gtids) {
            (Some(AnyGtid::MySql(gtid)), Gtids::MySql(set)) => set.add(gtid),
            (Some(AnyGtid::MariaDb(gtid)), Gtids::MariaDb(list)) => list.set(gtid),
            _ => {}
        }
    }

    /// The latest time that an event may stand for: headers know only the second.
    fn time_of(&self, header: &EventHeader) -> UnixTime {
        match self.open.as_ref().and_then(|open| open.commit) {
            Some(commit) => header.time().max(commit),
            None => UnixTime::from_micros(header.time().micros().saturating_add(999_999)),
        }
    }

    fn ends_group(&mut self, raw: &RawEvent<'_>) -> Result<bool, DecodeError> {
        let Some(open) = &mut self.open else { return Ok(false) };
        if let Some(end) = open.end {
            return Ok(self.end >= end);
        }
        match raw.header.event_type {
            EventType::XID | EventType::XA_PREPARE | EventType::TRANSACTION_PAYLOAD => Ok(true),
            // Only long statements are compressed, so it is no COMMIT.
            EventType::QUERY_COMPRESSED => Ok(open.kind == Kind::Single),
            EventType::QUERY => match Event::decode(raw, &self.format)? {
                Event::Query(query) => Ok(open.kind.ends_with(query.statement)),
                _ => Ok(false),
            },
            _ => Ok(false),
        }
    }
}

impl Kind {
    /// Whether a group ends with this statement. The first one may tell what kind of group it is.
    fn ends_with(&mut self, statement: &[u8]) -> bool {
        let begins = |words: &[u8]| {
            let head = statement.get(..words.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(words))
        };
        match self {
            Self::Single => true,
            Self::Transaction => {
                begins(b"COMMIT")
                    || statement.eq_ignore_ascii_case(b"ROLLBACK")
                    || begins(b"XA COMMIT")
                    || begins(b"XA ROLLBACK")
            }
            Self::Unknown if begins(b"BEGIN") || begins(b"XA START") => {
                *self = Self::Transaction;
                false
            }
            Self::Unknown => true,
        }
    }
}

/// First byte of a file's first event.
pub(super) const FIRST_EVENT: u64 = 4;
const LOW: u64 = 0xffff_ffff;
