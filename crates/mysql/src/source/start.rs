//! Where a dump starts, and whether the server can still give what follows.
//!
//! [`decide`] is sans-IO: from a wish and the server's facts it makes a dump, an error that names what
//! would be lost, or a [`Search`] that the server's log itself must answer. [`resolve`] answers it.

mod forward;
mod loss;
mod resolve;
mod scan;
mod search;

use capture::{ErrorKind, SourceError, Start};
use change::UnixTime;

use super::gtids::Gtids;
use super::position::{BinlogPosition, file_number};
use crate::binlog::{GtidList, GtidSet, MariaDbGtid};
use crate::connection::{DumpStart, Flavour, ServerFacts};
use scan::Found;

pub(crate) use forward::Forward;
pub(crate) use resolve::{ServerLog, resolve};

/// A dump to ask for, and the position that its reader starts with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) dump: DumpStart,
    pub(crate) position: BinlogPosition,
    /// The byte of the dump's first file before which nothing is to be looked at: the dump command has
    /// only 32 bits for where to start.
    pub(crate) forward_to: Option<u64>,
}

/// What follows from a wish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Dump(Plan),
    Search(Search),
}

/// What only the server's log can tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// The first group of this time or later.
    Time(UnixTime),
    /// Whether a group begins at the place that a person named.
    Place(BinlogPosition),
    /// Whether the file is still the one that was read.
    SameFile(Plan),
}

/// Stands before the number of a server that has no UUID: of MariaDB.
const WITHOUT_UUID: &str = "server-id-";
/// First byte of a file's first event.
const FILE_START: u64 = scan::FIRST_EVENT;

/// Decides. Whatever would leave a gap is an error; nothing ever starts elsewhere by itself.
pub(crate) fn decide(start: &Start, facts: &ServerFacts) -> Result<Next, SourceError> {
    match start {
        Start::Now => now(facts).map(Next::Dump),
        Start::Earliest => earliest(facts).map(Next::Dump),
        Start::Time(time) => Ok(Next::Search(Search::Time(*time))),
        Start::At(position) => {
            let position = BinlogPosition::parse(position.as_str())
                .map_err(|error| loss::no_such_place(error.to_string(), &[]))?;
            at(position, facts)
        }
    }
}

/// Tells servers apart whose files may have the same names.
pub(crate) fn server_identity(facts: &ServerFacts) -> String {
    match (&facts.server_uuid, facts.server_id) {
        (Some(uuid), _) => uuid.clone(),
        (None, Some(id)) => format!("{WITHOUT_UUID}{id}"),
        (None, None) => String::new(),
    }
}

fn now(facts: &ServerFacts) -> Result<Plan, SourceError> {
    let mut position =
        BinlogPosition { server: server_identity(facts), ..BinlogPosition::default() };
    position.gtids = executed(facts);
    if let Some(dump) = by_gtid(&position, facts) {
        return Ok(Plan { dump, position, forward_to: None });
    }
    let Some(end) = &facts.log_end else { return Err(no_log(facts)) };
    position.file.clone_from(&end.file);
    position.offset = end.position;
    Ok(by_file(position))
}

fn earliest(facts: &ServerFacts) -> Result<Plan, SourceError> {
    let Some(first) = facts.binlog_files.first() else { return Err(no_log(facts)) };
    let found = Found { file: first.name.clone(), offset: FILE_START, gtids: Gtids::None };
    Ok(from_found(found, facts))
}

/// The dump from a place that was found in the log, with all that was executed before it.
fn from_found(found: Found, facts: &ServerFacts) -> Plan {
    let Found { file, offset, mut gtids } = found;
    if facts.version.flavour == Flavour::MySql {
        gtids = match (gtids, uses_gtids(facts)) {
            (_, false) => Gtids::None,
            // Nothing that was purged is in the log behind the place, wherever that is.
            (Gtids::MySql(mut set), true) => {
                set.add_all(&parsed_set(facts.gtid_purged.as_deref()).unwrap_or_default());
                Gtids::MySql(set)
            }
            (_, true) if offset == FILE_START => {
                parsed_set(facts.gtid_purged.as_deref()).map_or(Gtids::None, Gtids::MySql)
            }
            (_, true) => Gtids::None,
        };
    }
    let server = server_identity(facts);
    by_file(BinlogPosition { file, offset, gtids, server, ..BinlogPosition::default() })
}

fn at(mut position: BinlogPosition, facts: &ServerFacts) -> Result<Next, SourceError> {
    if is_of_another_family(&position, facts) {
        return Err(loss::another_family(&position, facts.version.flavour));
    }
    let server = server_identity(facts);
    let is_ours = !position.server.is_empty();
    let is_same_server = is_ours && position.server == server;
    // An empty set may be from before the server wrote GTIDs: then only the file tells the place.
    let says_nothing = is_ours && position.gtids.is_empty() && !position.file.is_empty();
    if says_nothing && !is_same_server {
        return Err(loss::another_server(&position, &server));
    }
    let goes_by_file = says_nothing && is_listed(&position, facts);
    if let Some(dump) = by_gtid(&position, facts).filter(|_| !goes_by_file) {
        check_gtids(&position, facts)?;
        if is_same_server {
            check_file_order(&position, facts)?;
        } else if is_ours {
            leave_server(&mut position);
        }
        let must_compare = is_same_server && is_listed(&position, facts) && position.created != 0;
        position.server = server;
        let plan = Plan { dump, position, forward_to: None };
        return Ok(if must_compare {
            Next::Search(Search::SameFile(plan))
        } else {
            Next::Dump(plan)
        });
    }
    if position.file.is_empty() {
        return Err(loss::gtid_off(&position));
    }
    if is_ours && !is_same_server {
        return Err(loss::another_server(&position, &server));
    }
    check_file(&position, facts)?;
    if !is_ours {
        return Ok(Next::Search(Search::Place(position)));
    }
    let must_compare = position.created != 0;
    let plan = by_file(position);
    Ok(if must_compare { Next::Search(Search::SameFile(plan)) } else { Next::Dump(plan) })
}

/// Keeps of a position what means the same on another server: not the file, nor how rows were cut into
/// events.
pub(crate) fn leave_server(position: &mut BinlogPosition) {
    position.file.clear();
    position.offset = 0;
    position.created = 0;
    position.prepared.leave_server();
    if position.within.rows > 0 {
        position.within.rows_event = 0;
        position.within.row = 0;
    }
}

/// What the server has executed, where it can start a dump from that.
fn executed(facts: &ServerFacts) -> Gtids {
    match facts.version.flavour {
        Flavour::MySql if uses_gtids(facts) => {
            parsed_set(facts.gtid_executed.as_deref()).map_or(Gtids::None, Gtids::MySql)
        }
        Flavour::MySql => Gtids::None,
        // Not gtid_current_pos: what a replica does not log itself is not in its log.
        Flavour::MariaDb => facts
            .gtid_binlog_pos
            .as_deref()
            .and_then(|text| GtidList::parse(text).ok())
            .filter(|list| !list.is_empty())
            .map_or(Gtids::None, Gtids::MariaDb),
    }
}

/// The dump that starts behind the position's GTIDs, if the server goes by them.
fn by_gtid(position: &BinlogPosition, facts: &ServerFacts) -> Option<DumpStart> {
    match (&position.gtids, facts.version.flavour) {
        (Gtids::MySql(set), Flavour::MySql) if uses_gtids(facts) => {
            let mut encoded = Vec::new();
            set.encode(&mut encoded);
            Some(DumpStart::MySqlGtid { set: encoded })
        }
        (Gtids::MariaDb(list), Flavour::MariaDb) if !list.is_empty() => {
            Some(DumpStart::MariaDbGtid { position: list.to_string() })
        }
        // `gtid=` without anything, which only people write for MariaDB: all that there ever was.
        (Gtids::MySql(set), Flavour::MariaDb) if set.is_empty() => {
            Some(DumpStart::MariaDbGtid { position: String::new() })
        }
        _ => None,
    }
}

/// The dump from a byte of a file.
fn by_file(position: BinlogPosition) -> Plan {
    let is_far = u32::try_from(position.offset).is_err();
    let start = if is_far { FILE_START } else { position.offset };
    Plan {
        dump: DumpStart::File { name: position.file.clone(), position: start },
        forward_to: is_far.then_some(position.offset),
        position,
    }
}

/// Every transaction has a GTID only when the mode is ON.
fn uses_gtids(facts: &ServerFacts) -> bool {
    facts.gtid_mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("ON"))
}

fn is_of_another_family(position: &BinlogPosition, facts: &ServerFacts) -> bool {
    match (&position.gtids, facts.version.flavour) {
        (Gtids::MySql(set), Flavour::MariaDb) => {
            let server = &position.server;
            !set.is_empty() || !(server.is_empty() || server.starts_with(WITHOUT_UUID))
        }
        (Gtids::MariaDb(_), Flavour::MySql) => true,
        _ => false,
    }
}

fn check_gtids(position: &BinlogPosition, facts: &ServerFacts) -> Result<(), SourceError> {
    match &position.gtids {
        Gtids::MySql(ours) if facts.version.flavour == Flavour::MySql => {
            check_set(position, ours, facts)
        }
        Gtids::MariaDb(ours) => check_list(position, ours, facts),
        _ => Ok(()),
    }
}

fn check_set(
    position: &BinlogPosition,
    ours: &GtidSet,
    facts: &ServerFacts,
) -> Result<(), SourceError> {
    if let Some(executed) = parsed_set(facts.gtid_executed.as_deref()) {
        let missing = ours.minus(&executed);
        if !missing.is_empty() {
            let common = ours.minus(&missing);
            return Err(lacks(position, facts, &missing.to_string(), &common.to_string()));
        }
    }
    if let Some(purged) = parsed_set(facts.gtid_purged.as_deref()) {
        let missing = purged.minus(ours);
        if !missing.is_empty() {
            return Err(loss::gtids_purged(position, &missing, facts));
        }
    }
    Ok(())
}

/// Compares what was read with the last transaction of each server in each domain of MariaDB's log.
/// Whether the log reaches back far enough is told by the server when the dump starts.
fn check_list(
    position: &BinlogPosition,
    ours: &GtidList,
    facts: &ServerFacts,
) -> Result<(), SourceError> {
    let Some(logged) = facts.gtid_binlog_state.as_deref().and_then(parsed_state) else {
        return Ok(());
    };
    let applied = facts.gtid_slave_pos.as_deref().and_then(parsed_state).unwrap_or_default();
    let has = |gtid: &MariaDbGtid| {
        let is_logged = logged.iter().any(|held| {
            (held.domain, held.server_id) == (gtid.domain, gtid.server_id)
                && held.sequence >= gtid.sequence
        });
        // What a replica executed and did not log is not lost; it may be out of reach.
        let is_applied =
            applied.iter().any(|held| held.domain == gtid.domain && held.sequence >= gtid.sequence);
        is_logged || is_applied
    };
    let missing: Vec<String> =
        ours.iter().filter(|gtid| !has(gtid)).map(|gtid| gtid.to_string()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(lacks(position, facts, &missing.join(","), ""))
}

/// The server lacks what was read of it, or of the one before it.
fn lacks(
    position: &BinlogPosition,
    facts: &ServerFacts,
    missing: &str,
    common: &str,
) -> SourceError {
    if position.server == server_identity(facts) && !position.server.is_empty() {
        let what = format!("the server no longer has {missing}, which was read of it");
        loss::rewound(position, &what)
    } else {
        loss::diverged(position, missing, common)
    }
}

/// A server never goes back to files of lower numbers.
fn check_file_order(position: &BinlogPosition, facts: &ServerFacts) -> Result<(), SourceError> {
    let Some(end) = &facts.log_end else { return Ok(()) };
    if base_name(&end.file) == base_name(&position.file)
        && file_number(&position.file) > file_number(&end.file)
    {
        let what = format!("the server's log ends with {}, before {}", end.file, position.file);
        return Err(loss::rewound(position, &what));
    }
    Ok(())
}

fn check_file(position: &BinlogPosition, facts: &ServerFacts) -> Result<(), SourceError> {
    let (Some(oldest), Some(newest)) = (facts.binlog_files.first(), facts.binlog_files.last())
    else {
        return Ok(());
    };
    let is_ours = !position.server.is_empty();
    match facts.binlog_files.iter().find(|file| file.name == position.file) {
        Some(file) if file.bytes < position.offset && is_ours => {
            let what = format!("{} is shorter than what was read of it", position.file);
            Err(loss::rewound(position, &what))
        }
        Some(file) if file.bytes < position.offset => {
            let end = format!("{}:{}", file.name, file.bytes);
            let what = format!("{} has only {} bytes; it ends at {end}", file.name, file.bytes);
            Err(loss::no_such_place(what, &[end]))
        }
        Some(_) => Ok(()),
        None if is_ours => {
            check_file_order(position, facts)?;
            Err(loss::file_purged(position, facts))
        }
        None if file_number(&position.file) < file_number(&oldest.name) => {
            Err(loss::file_purged(position, facts))
        }
        None => {
            let has = match facts.binlog_files.len() {
                1 => format!("only {}", oldest.name),
                _ => format!("{} to {}", oldest.name, newest.name),
            };
            let what = format!("the server has no log file {}; it has {has}", position.file);
            Err(loss::no_such_place(what, &[]))
        }
    }
}

fn is_listed(position: &BinlogPosition, facts: &ServerFacts) -> bool {
    facts.binlog_files.iter().any(|file| file.name == position.file)
}

/// `mysql-bin` of `mysql-bin.000042`.
fn base_name(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}

fn parsed_set(text: Option<&str>) -> Option<GtidSet> {
    GtidSet::parse(text?).ok()
}

/// `gtid_binlog_state`: unlike a position, it may name a domain more than once.
fn parsed_state(text: &str) -> Option<Vec<MariaDbGtid>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| MariaDbGtid::parse(part).ok()).collect()
}

fn no_log(facts: &ServerFacts) -> SourceError {
    if facts.log_bin {
        SourceError::new(
            ErrorKind::Denied,
            "binlog_hidden",
            "the server does not show its binlog files to this account",
        )
        .remedy("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the account")
    } else {
        SourceError::new(ErrorKind::Misconfigured, "binlog_off", "the server writes no binlog")
            .remedy("set log_bin and server_id in the server's configuration and restart it")
    }
}

#[cfg(test)]
mod tests;
