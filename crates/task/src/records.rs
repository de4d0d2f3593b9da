//! Records of a task's log, decoded, for people who look at it.
//!
//! Slow next to the broker, which sends files: every record is unpacked and decoded. So each look is
//! bounded, in records answered, in bytes answered and in records gone through.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use capture::Selection;
use kafka::batch::{self, BatchHeader};
use log::{Offset, Reader};
use record::{DecodeError, Operation, Record};

use crate::error::Error;

/// A place in a topic, as people say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first record.
    Start,
    /// Behind the last record.
    End,
    /// So many records behind the first one.
    BehindStart(i64),
    /// So many records before the end.
    BeforeEnd(i64),
    /// At this offset.
    At(i64),
    /// At the first record from this time on, in milliseconds since the epoch.
    Time(i64),
}

/// Which records are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only changes of these tables.
    tables: Option<Selection>,
    /// Only these kinds of records; all but heartbeats when `None`.
    operations: Option<Vec<Operation>>,
}

/// How much is answered at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most records.
    pub records: usize,
    /// Bytes of encoded records after which no other one is taken.
    pub bytes: usize,
}

/// One record.
#[derive(Debug)]
pub struct LogRecord {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Its bytes as consumers get them.
    pub value: Vec<u8>,
    /// What they mean.
    pub decoded: Result<Record, DecodeError>,
}

/// Some records, and where to go on.
#[derive(Debug)]
pub struct Records {
    /// In the order of the log.
    pub records: Vec<LogRecord>,
    /// The offset behind the last record that was looked at, wanted or not.
    pub next_offset: i64,
    /// The end of the log when it was looked at.
    pub end_offset: i64,
}

/// Bytes read from the log at once, save for a longer batch.
const CHUNK_BYTES: u64 = 1 << 20;
/// Bytes that the records of one batch may take: a batch is a few megabytes, or one row.
const BATCH_BYTES_MAX: usize = 512 << 20;
/// Records gone through for one answer.
const SCAN_RECORDS_MAX: usize = 200_000;
/// Records in the first window when looking for the last ones; each next window is larger.
const WINDOW_RECORDS: i64 = 256;
const WINDOW_GROWTH: i64 = 4;
const WINDOW_RECORDS_MAX: i64 = 65_536;

impl Place {
    /// The offset of this place. What lies outside of the log becomes its nearer end, save for an
    /// offset that was named.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn offset(self, reader: &Reader) -> Result<Offset, log::Error> {
        let (start, end) = (reader.log_start_offset(), reader.high_watermark());
        let within = |offset: i64| Offset(offset.clamp(start.0, end.0.max(start.0)));
        Ok(match self {
            Self::Start => start,
            Self::End => end,
            Self::BehindStart(records) => within(start.0.saturating_add(records)),
            Self::BeforeEnd(records) => within(end.0.saturating_sub(records)),
            Self::At(offset) => Offset(offset),
            Self::Time(ms) => reader.offset_for_time(ms)?.map_or(end, |found| found.offset),
        })
    }
}

impl Filter {
    /// A filter from what people write: a pattern of tables like `shop.*`, and kinds of records like
    /// `insert,delete`; `dml` are all changes of rows, `all` are all, heartbeats too.
    ///
    /// # Errors
    /// [`Error::Invalid`]: the pattern is none, or a word names no kind.
    pub fn parse(table: Option<&str>, kinds: Option<&str>) -> Result<Self, Error> {
        let tables = table.map(|pattern| Selection::new(&[pattern], &[])).transpose();
        let tables = tables.map_err(|error| Error::Invalid(error.to_string()))?;
        let operations =
            kinds.map(|kinds| kinds.split(',').map(kind).collect::<Result<Vec<_>, _>>());
        let operations = operations.transpose()?.map(|kinds| kinds.concat());
        Ok(Self { tables, operations })
    }

    /// What cannot be decoded is never hidden.
    fn wants(&self, decoded: &Result<Record, DecodeError>) -> bool {
        let Ok(record) = decoded else { return true };
        let kind = match &self.operations {
            Some(operations) => operations.contains(&record.operation),
            None => record.operation != Operation::Heartbeat,
        };
        let of_tables = |tables: &Selection| match record.object_path().as_slice() {
            [database, table] => tables.tracks(database, table),
            [database] => tables.touches(database),
            _ => false,
        };
        kind && self.tables.as_ref().is_none_or(of_tables)
    }
}

/// The first wanted records from `from` on.
///
/// # Errors
/// `from` is outside of the log ([`Error::Invalid`]), or the log cannot be read.
pub fn read(
    reader: &Reader,
    from: Offset,
    filter: &Filter,
    limits: Limits,
) -> Result<Records, Error> {
    let end = reader.high_watermark();
    let mut next = from;
    let mut records = Vec::new();
    let (mut bytes, mut scanned) = (0_usize, 0_usize);
    walk(reader, from, end, |record| {
        next = Offset(record.offset.saturating_add(1));
        scanned = scanned.saturating_add(1);
        if filter.wants(&record.decoded) {
            bytes = bytes.saturating_add(record.value.len());
            records.push(record);
        }
        let full = records.len() >= limits.records || bytes >= limits.bytes;
        if full || scanned >= SCAN_RECORDS_MAX {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(Records { records, next_offset: next.0, end_offset: end.0 })
}

/// The last wanted records of the log, found by going back in ever larger windows. Fewer than asked
/// when the log, or what one look may go through, ends before.
///
/// # Errors
/// The log cannot be read.
pub fn read_last(reader: &Reader, filter: &Filter, limits: Limits) -> Result<Records, Error> {
    let (start, end) = (reader.log_start_offset(), reader.high_watermark());
    let mut found: VecDeque<LogRecord> = VecDeque::new();
    let (mut behind, mut window, mut scanned) = (end, WINDOW_RECORDS, 0_usize);
    let mut full = limits.records == 0;
    while behind > start && !full && scanned < SCAN_RECORDS_MAX {
        let from = Offset(behind.0.saturating_sub(window).max(start.0));
        let mut part: VecDeque<LogRecord> = VecDeque::new();
        let mut bytes: usize = found.iter().map(|record| record.value.len()).sum();
        walk(reader, from, behind, |record| {
            scanned = scanned.saturating_add(1);
            if filter.wants(&record.decoded) {
                bytes = bytes.saturating_add(record.value.len());
                part.push_back(record);
            }
            while part.len() + found.len() > limits.records
                || (bytes > limits.bytes && part.len() + found.len() > 1)
            {
                let Some(oldest) = part.pop_front() else { break };
                bytes = bytes.saturating_sub(oldest.value.len());
                full = true;
            }
            ControlFlow::Continue(())
        })?;
        full |= part.len() + found.len() >= limits.records;
        part.append(&mut found);
        found = part;
        behind = from;
        window = window.saturating_mul(WINDOW_GROWTH).min(WINDOW_RECORDS_MAX);
    }
    Ok(Records { records: found.into(), next_offset: end.0, end_offset: end.0 })
}

/// The timestamp of the record at `offset` in milliseconds since the epoch, or of the next one where that
/// one is gone; `None` behind the last record.
///
/// # Errors
/// `offset` is outside of the log ([`Error::Invalid`]), or the log cannot be read.
pub fn time_at(reader: &Reader, offset: Offset) -> Result<Option<i64>, Error> {
    let mut found = None;
    walk(reader, offset, reader.high_watermark(), |record| {
        found = Some(record.timestamp_ms);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Visits the records from `from` up to before `until`.
fn walk(
    reader: &Reader,
    from: Offset,
    until: Offset,
    mut visit: impl FnMut(LogRecord) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut next = from;
    let mut buffer = Vec::new();
    // Also with nothing to read, so that an offset outside of the log is told.
    loop {
        let Some(range) = reader.read(next, CHUNK_BYTES).map_err(unread)?.range else {
            return Ok(());
        };
        if next >= until {
            return Ok(());
        }
        let bytes = range.read().map_err(|source| Error::Records(source.into()))?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let unpack = |error: kafka::Error| Error::Records(error.into());
            let header = BatchHeader::parse(rest).map_err(unpack)?;
            let records = batch::records(rest, BATCH_BYTES_MAX, &mut buffer).map_err(unpack)?;
            for record in records {
                let record = record.map_err(unpack)?;
                if record.offset < next {
                    continue;
                }
                if record.offset >= until {
                    return Ok(());
                }
                let value = record.value.unwrap_or_default().to_vec();
                let visited = visit(LogRecord {
                    offset: record.offset.0,
                    timestamp_ms: record.timestamp_ms,
                    decoded: Record::decode(&value),
                    value,
                });
                if visited.is_break() {
                    return Ok(());
                }
            }
            next = header.next_offset();
            rest = rest.get(header.batch_len..).unwrap_or_default();
        }
    }
}

/// The kinds of records that a word names.
fn kind(word: &str) -> Result<Vec<Operation>, Error> {
    match word {
        "all" => Ok(OPERATIONS.to_vec()),
        "dml" => Ok(DML.to_vec()),
        _ => {
            let named = OPERATIONS.iter().find(|kind| kind.name().eq_ignore_ascii_case(word));
            named.map(|kind| vec![*kind]).ok_or_else(|| {
                let word: String = word.chars().take(32).collect();
                Error::Invalid(format!(
                    "op {word:?} is none of insert, update, delete, ddl, begin, commit, rollback, heartbeat, init, dml, all"
                ))
            })
        }
    }
}

/// An offset outside of the log is the caller's fault, everything else is ours.
fn unread(error: log::Error) -> Error {
    match error {
        log::Error::OffsetOutOfRange { .. } => Error::Invalid(error.to_string()),
        other => Error::Records(other.into()),
    }
}

const DML: [Operation; 4] =
    [Operation::Insert, Operation::Update, Operation::Delete, Operation::Init];

/// The kinds that occur in a log of ours.
const OPERATIONS: [Operation; 9] = [
    Operation::Insert,
    Operation::Update,
    Operation::Delete,
    Operation::Ddl,
    Operation::Begin,
    Operation::Commit,
    Operation::Rollback,
    Operation::Heartbeat,
    Operation::Init,
];

#[cfg(test)]
mod tests;
