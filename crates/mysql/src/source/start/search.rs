//! Looks for a place in the server's log: by time, or whether one that a person named is one. Sans-IO
//! but for [`Logs`], through which it reads the log's events.
//!
//! Times of a log are not in order: a clock may step, a statement is logged with the time at which it
//! began, and a replica keeps the times of its primary. So the search for a time begins a file and a
//! minute early and reads on to the first group that may be of that time; it may find one that is too
//! early, and never one that is too late.

use capture::{ErrorKind, SourceError};
use change::UnixTime;

use super::super::gtids::Gtids;
use super::super::position::file_number;
use super::loss;
use super::scan::{FIRST_EVENT, Found, Scan, Seen};
use crate::binlog::{Checksum, DecodeError, Event, FormatDescription, GtidList, RawEvent};
use crate::connection::ServerFacts;

/// The server's log, read from the beginning of a file.
pub(crate) trait Logs {
    /// Hands out the events from the start of `file` on, into the files that follow, until `each` has
    /// seen enough or the log ends.
    fn read(
        &mut self,
        file: &str,
        each: &mut dyn FnMut(&[u8]) -> Result<Look, SourceError>,
    ) -> Result<(), SourceError>;
}

/// Whether more events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    More,
    Enough,
}

/// What a file's first events say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// When the server began it, in seconds since the epoch.
    pub(crate) created: u32,
    /// Transactions with GTIDs that came before it.
    pub(crate) before: Gtids,
}

/// Earlier by this than the time asked for is where the search begins, for clocks that differ.
const SLACK_S: i64 = 60;

/// The first group that was committed at `time` or later, or the end of the log.
pub(crate) fn by_time(
    logs: &mut dyn Logs,
    facts: &ServerFacts,
    checksum: Checksum,
    time: UnixTime,
    server_now: UnixTime,
) -> Result<Found, SourceError> {
    if time.seconds() > server_now.seconds().saturating_add(SLACK_S) {
        return Err(SourceError::new(
            ErrorKind::Unsupported,
            "start_in_future",
            format!(
                "{} is in the future of the server, whose clock says {}",
                loss::shown_time(time),
                loss::shown_time(server_now)
            ),
        )
        .remedy("wellhead task start NAME --start now"));
    }
    let (Some(oldest), Some(end)) = (facts.binlog_files.first(), &facts.log_end) else {
        return Err(super::no_log(facts));
    };
    let first = head(logs, &oldest.name, checksum)?;
    let created = UnixTime::from_seconds(i64::from(first.created));
    let nothing_before = file_number(&oldest.name) == Some(1)
        && first.before.is_empty()
        && facts.gtid_purged.as_deref().is_none_or(|purged| purged.trim().is_empty());
    if created >= time && !nothing_before {
        return Err(loss::before_the_oldest(time, &oldest.name, created));
    }
    let files: Vec<&str> = facts.binlog_files.iter().map(|file| file.name.as_str()).collect();
    let from = first_file(files.len(), time, &mut |index| {
        let file = files.get(index).copied().unwrap_or_default();
        head(logs, file, checksum).map(|head| head.created)
    })?;
    let from = files.get(from).copied().unwrap_or_default();
    tracing::info!(file = from, "searching the binlog for a time");
    let log_end = (file_number(&end.file).unwrap_or(0), end.position);
    let mut scan = Scan::new(checksum);
    let mut is_found = false;
    logs.read(from, &mut |event| {
        is_found = matches!(scanned(&mut scan, event)?, Seen::Group(at) if at >= time);
        Ok(if is_found || scan.read_to() >= log_end { Look::Enough } else { Look::More })
    })?;
    match (is_found, scan.read_to() >= log_end) {
        (true, _) => Ok(scan.before_group()),
        (false, true) => Ok(scan.here()),
        (false, false) => Err(ended_early(&format!("the log ended at {}", scan.shown()))),
    }
}

/// The file in which the search for `time` begins: the one before the first that does not certainly end
/// before it. Asks for as few files as it can, unless their times are out of order.
pub(crate) fn first_file(
    count: usize,
    time: UnixTime,
    created: &mut dyn FnMut(usize) -> Result<u32, SourceError>,
) -> Result<usize, SourceError> {
    let wanted = time.seconds().saturating_sub(SLACK_S);
    let mut known = std::collections::BTreeMap::new();
    let mut ends_before = |index: usize, known: &mut std::collections::BTreeMap<usize, u32>| {
        let next = index.saturating_add(1);
        if next >= count {
            return Ok(false);
        }
        let created = match known.get(&next) {
            Some(created) => *created,
            None => created(next)?,
        };
        known.insert(next, created);
        Ok::<_, SourceError>(i64::from(created) < wanted)
    };
    let (mut low, mut high) = (0, count.saturating_sub(1));
    while low < high {
        let middle = low.midpoint(high);
        if ends_before(middle, &mut known)? {
            low = middle.saturating_add(1)
        } else {
            high = middle
        }
    }
    // The files before must end before the time too: those nearby, and some further back.
    let mut is_in_order = known.values().is_sorted();
    let mut back = 1;
    while let Some(earlier) = low.checked_sub(back).filter(|_| is_in_order) {
        is_in_order = ends_before(earlier, &mut known)?;
        back = if back < 8 { back + 1 } else { back.saturating_mul(2) };
    }
    if !is_in_order {
        // The server's clock was set back. Only all of them can tell.
        low = 0;
        while low.saturating_add(1) < count && ends_before(low, &mut known)? {
            low = low.saturating_add(1);
        }
    }
    Ok(low.saturating_sub(1))
}

/// Whether `offset` is where a group of `file` begins, or its log ends; and what was executed before.
pub(crate) fn by_offset(
    logs: &mut dyn Logs,
    checksum: Checksum,
    file: &str,
    offset: u64,
) -> Result<Found, SourceError> {
    if offset == FIRST_EVENT {
        let gtids = head(logs, file, checksum)?.before;
        return Ok(Found { file: file.to_owned(), offset, gtids });
    }
    let mut scan = Scan::new(checksum);
    let mut before = FIRST_EVENT;
    logs.read(file, &mut |event| {
        scanned(&mut scan, event)?;
        if scan.boundary() <= offset {
            before = scan.boundary();
        }
        let is_behind = scan.boundary() >= offset || scan.file() != file;
        Ok(if is_behind { Look::Enough } else { Look::More })
    })?;
    if scan.file() == file && scan.boundary() == offset {
        return Ok(scan.here());
    }
    let mut nearest = vec![format!("{file}:{before}")];
    match scan.boundary() {
        _ if scan.file() != file => {}
        boundary if boundary > offset => nearest.push(format!("{file}:{boundary}")),
        _ => return Err(ended_early(&format!("the log ended at {}", scan.shown()))),
    }
    let what = format!(
        "{file}:{offset} is not where a transaction begins; the nearest places to start at are {}",
        nearest.join(" and ")
    );
    Err(loss::no_such_place(what, &nearest))
}

/// Reads a file's first events.
pub(crate) fn head(
    logs: &mut dyn Logs,
    file: &str,
    checksum: Checksum,
) -> Result<Head, SourceError> {
    let mut head = Head { created: 0, before: Gtids::None };
    let mut format = FormatDescription::assumed();
    format.checksum = checksum;
    logs.read(file, &mut |bytes| {
        head_event(bytes, &mut format, &mut head).map_err(|error| corrupt(file, &error))
    })?;
    if head.created == 0 {
        return Err(ended_early(&format!("{file} has no beginning")));
    }
    Ok(head)
}

/// The server ended what it was asked for before it was answered; asked again, it may answer.
pub(super) fn ended_early(what: &str) -> SourceError {
    SourceError::new(
        ErrorKind::Unreachable,
        "search_interrupted",
        format!("{what}, while it was searched for where to start"),
    )
}

fn head_event(
    bytes: &[u8],
    format: &mut FormatDescription,
    head: &mut Head,
) -> Result<Look, DecodeError> {
    let raw = RawEvent::parse(bytes, format.checksum)?;
    Ok(match Event::decode(&raw, format)? {
        Event::Rotate(_) if head.created == 0 => Look::More,
        Event::FormatDescription(description) if head.created == 0 => {
            head.created = raw.header.timestamp;
            *format = description;
            Look::More
        }
        Event::StartEncryption(_) => Look::More,
        Event::PreviousGtids(previous) => {
            head.before = Gtids::MySql(previous.set()?);
            Look::Enough
        }
        Event::GtidList(list) => {
            let mut state = GtidList::new();
            list.gtids().for_each(|gtid| state.set(gtid));
            head.before = Gtids::MariaDb(state);
            Look::Enough
        }
        _ => Look::Enough,
    })
}

fn scanned(scan: &mut Scan, event: &[u8]) -> Result<Seen, SourceError> {
    scan.event(event).map_err(|error| corrupt(&scan.shown(), &error))
}

fn corrupt(at: &str, error: &DecodeError) -> SourceError {
    SourceError::new(
        ErrorKind::Corrupt,
        "event_corrupt",
        format!("an event behind {at} cannot be used: {error}"),
    )
}
