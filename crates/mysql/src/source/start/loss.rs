//! What is told when a start would leave a gap: the state's name, what is lost as far as the server lets
//! it be known, and the choices. The commands are those of `wellhead task`; `NAME` stands for the task.
//!
//! The codes are part of the API: `binlog_purged`, `server_rewound`, `server_diverged`,
//! `another_server`, `gtid_off`.

use capture::{ErrorKind, SourceError};
use change::UnixTime;

use super::super::position::BinlogPosition;
use crate::binlog::{GtidSet, MariaDbGtid};
use crate::connection::{Flavour, ServerFacts};

/// Files that were needed are gone.
pub(super) fn file_purged(position: &BinlogPosition, facts: &ServerFacts) -> SourceError {
    purged(format!("{} was purged; {}. {}", position.file, stopped_at(position), reach(facts)))
}

/// Transactions that were not read are gone.
pub(super) fn gtids_purged(
    position: &BinlogPosition,
    missing: &GtidSet,
    facts: &ServerFacts,
) -> SourceError {
    purged(format!(
        "the server has purged {} that {} not read: {}; {}. {}",
        transactions(missing),
        if missing.count() == 1 { "was" } else { "were" },
        cut(&missing.to_string()),
        stopped_at(position),
        reach(facts)
    ))
}

/// Transactions of MariaDB that were not read are gone: in each of these domains all up to the one named.
pub(super) fn list_purged(
    position: &BinlogPosition,
    last: &[MariaDbGtid],
    facts: &ServerFacts,
) -> SourceError {
    let last: Vec<String> = last.iter().map(MariaDbGtid::to_string).collect();
    purged(format!(
        "the server has purged transactions that were not read, up to {}; {}. {}",
        cut(&last.join(",")),
        stopped_at(position),
        reach(facts)
    ))
}

/// A time from before what the server still has.
pub(super) fn before_the_oldest(
    asked: UnixTime,
    oldest_file: &str,
    oldest: UnixTime,
) -> SourceError {
    let gap = oldest.seconds().saturating_sub(asked.seconds());
    purged(format!(
        "the server's log begins with {oldest_file} at {}, {} after the time asked for ({}); what was \
         logged before was purged",
        shown_time(oldest),
        duration(gap),
        shown_time(asked)
    ))
}

fn purged(message: String) -> SourceError {
    lost("binlog_purged", message).remedy(EARLIEST).remedy(NOW).remedy(
        "keep logs longer than a task may stand still: raise binlog_expire_logs_seconds (MySQL: SET PERSIST; MariaDB: SET GLOBAL)",
    )
}

/// The server that was read has less than it had.
pub(super) fn rewound(position: &BinlogPosition, what: &str) -> SourceError {
    let what = format!("{what}: the server was reset or restored; {}", stopped_at(position));
    lost("server_rewound", what).remedy(EARLIEST).remedy(NOW)
}

/// The server lacks transactions that were read. `common` is what both know of those.
pub(super) fn diverged(position: &BinlogPosition, missing: &str, common: &str) -> SourceError {
    let what = if was_read(position) {
        "transactions that were read before and are in the topic"
    } else {
        "transactions behind which the task was to start"
    };
    let what = format!(
        "the server lacks {what}: {}; it is a replica that was behind, was restored, or is another one; \
         {}",
        cut(missing),
        stopped_at(position)
    );
    let error = lost("server_diverged", what).remedy(right_server(position));
    let error = if common.is_empty() || common.len() > REMEDY_MAX {
        error
    } else {
        error.remedy(format!("wellhead task start NAME --start 'gtid={common}' --accept-gap"))
    };
    error.remedy(NOW)
}

/// Files of one server mean nothing to another one.
pub(super) fn another_server(position: &BinlogPosition, found: &str) -> SourceError {
    let what = format!(
        "the position was written by server {}, this is {found}; file names of two servers mean nothing \
         to each other, and there are no GTIDs to go by; {}",
        position.server,
        stopped_at(position)
    );
    lost("another_server", what)
        .remedy(right_server(position))
        .remedy("wellhead task start NAME --start @TIME --accept-gap, with the time of the last record in the topic; what falls into that second comes twice")
        .remedy(NOW)
}

/// The address leads to a server of the other family.
pub(super) fn another_family(position: &BinlogPosition, found: Flavour) -> SourceError {
    let (ours, theirs) = match found {
        Flavour::MySql => ("MariaDB", "MySQL"),
        Flavour::MariaDb => ("MySQL", "MariaDB"),
    };
    let what = format!(
        "the position is of {ours}, and the address leads to {theirs}, whose GTIDs are of another kind; \
         {}",
        stopped_at(position)
    );
    lost("another_server", what)
        .remedy(right_server(position))
        .remedy("wellhead task start NAME --start @TIME --accept-gap, with the time of the last record in the topic; what falls into that second comes twice")
        .remedy(NOW)
}

/// The position is a GTID set, and the server does not go by them.
pub(super) fn gtid_off(position: &BinlogPosition) -> SourceError {
    let what = format!(
        "the position is a GTID set, and the server's gtid_mode is not ON; {}",
        stopped_at(position)
    );
    lost("gtid_off", what)
        .remedy("switch gtid_mode to ON, then wellhead task start NAME")
        .remedy(NOW)
}

/// A person named a place that is none; `nearest` are places that are some.
pub(super) fn no_such_place(message: String, nearest: &[String]) -> SourceError {
    let error = SourceError::new(ErrorKind::Unsupported, "bad_position", message);
    let error = nearest.iter().fold(error, |error, place| {
        error.remedy(format!("wellhead task start NAME --start {place} --accept-gap"))
    });
    error.remedy(EARLIEST).remedy(NOW)
}

/// Whether the position was come to by reading; one that a person wrote names no server.
fn was_read(position: &BinlogPosition) -> bool {
    !position.server.is_empty()
}

fn right_server(position: &BinlogPosition) -> &'static str {
    if was_read(position) {
        "let the task read the server it read before, then wellhead task start NAME"
    } else {
        "let the task read the server that this place is of, then wellhead task start NAME"
    }
}

fn lost(code: &'static str, message: String) -> SourceError {
    SourceError::new(ErrorKind::PositionLost, code, message)
}

/// `the task stopped at …`, or was to start there.
fn stopped_at(position: &BinlogPosition) -> String {
    let gtids = cut(&position.gtids.to_string());
    let what = if was_read(position) { "stopped" } else { "was to start" };
    match (position.file.is_empty(), gtids.is_empty()) {
        (true, _) => format!("the task {what} at GTID {gtids}"),
        (false, true) => format!("the task {what} at {}:{}", position.file, position.offset),
        (false, false) => {
            format!("the task {what} at {}:{} (GTID {gtids})", position.file, position.offset)
        }
    }
}

/// What the server still has.
fn reach(facts: &ServerFacts) -> String {
    match facts.binlog_files.first() {
        Some(oldest) => format!("Its log now begins with {}", oldest.name),
        None => "It shows no log files".to_owned(),
    }
}

/// Adds when the oldest file was begun to a message about what was purged before it.
pub(super) fn dated(mut error: SourceError, oldest: UnixTime) -> SourceError {
    error.message.push_str(", of ");
    error.message.push_str(&shown_time(oldest));
    error
}

fn transactions(set: &GtidSet) -> String {
    match set.count() {
        1 => "1 transaction".to_owned(),
        count => format!("{count} transactions"),
    }
}

/// Sets can be long; a message shows their head.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        None => text.to_owned(),
        Some((at, _)) => format!("{} …", text.get(..at).unwrap_or_default()),
    }
}

/// `2026-11-21T04:00:00Z`.
pub(super) fn shown_time(time: UnixTime) -> String {
    jiff::Timestamp::from_second(time.seconds())
        .map_or_else(|_| format!("second {}", time.seconds()), |time| time.to_string())
}

/// `2 h 11 min`.
fn duration(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

const EARLIEST: &str = "wellhead task start NAME --start earliest --accept-gap";
const NOW: &str = "wellhead task start NAME --start now --accept-gap";
/// Characters of a set in a message.
const SHOWN_MAX: usize = 400;
/// A set longer than this is no use in a command.
const REMEDY_MAX: usize = 4_000;
