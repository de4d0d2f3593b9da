//! Where a dump starts, and whether the server can still give what follows.

use capture::{ErrorKind, SourceError, Start};

use super::gtids::Gtids;
use super::position::BinlogPosition;
use crate::binlog::{GtidList, GtidSet};
use crate::connection::{DumpStart, Flavour, ServerFacts};

/// A dump to ask for, and the position that its reader starts with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) dump: DumpStart,
    pub(crate) position: BinlogPosition,
}

/// First byte of a file's first event.
const FILE_START: u64 = 4;

/// Decides. Whatever would leave a gap is an error; nothing ever starts elsewhere by itself.
pub(crate) fn plan(start: &Start, facts: &ServerFacts) -> Result<Plan, SourceError> {
    match start {
        Start::Now => now(facts),
        Start::Earliest => earliest(facts),
        Start::Time(_) => Err(SourceError::new(
            ErrorKind::Unsupported,
            "start_time",
            "this server cannot be read from a time on",
        )),
        Start::At(position) => {
            let position = BinlogPosition::parse(position.as_str()).map_err(|error| {
                SourceError::new(ErrorKind::Unsupported, "bad_position", error.to_string())
            })?;
            at(position, facts)
        }
    }
}

/// Tells servers apart whose files may have the same names.
pub(crate) fn server_identity(facts: &ServerFacts) -> String {
    match (&facts.server_uuid, facts.server_id) {
        (Some(uuid), _) => uuid.clone(),
        (None, Some(id)) => format!("server-id-{id}"),
        (None, None) => String::new(),
    }
}

fn now(facts: &ServerFacts) -> Result<Plan, SourceError> {
    let mut position =
        BinlogPosition { server: server_identity(facts), ..BinlogPosition::default() };
    position.gtids = executed(facts);
    if let Some(dump) = by_gtid(&position.gtids, facts) {
        return Ok(Plan { dump, position });
    }
    let Some(end) = &facts.log_end else { return Err(no_log(facts)) };
    position.file.clone_from(&end.file);
    position.offset = end.position;
    Ok(Plan { dump: DumpStart::File { name: end.file.clone(), position: end.position }, position })
}

fn earliest(facts: &ServerFacts) -> Result<Plan, SourceError> {
    let Some(first) = facts.binlog_files.first() else { return Err(no_log(facts)) };
    let position = BinlogPosition {
        file: first.name.clone(),
        offset: FILE_START,
        server: server_identity(facts),
        ..BinlogPosition::default()
    };
    Ok(Plan { dump: DumpStart::File { name: first.name.clone(), position: FILE_START }, position })
}

fn at(mut position: BinlogPosition, facts: &ServerFacts) -> Result<Plan, SourceError> {
    let server = server_identity(facts);
    if let Some(dump) = by_gtid(&position.gtids, facts) {
        check_gtids(&position, facts)?;
        if !position.server.is_empty() && position.server != server {
            leave_server(&mut position);
        }
        position.server = server;
        return Ok(Plan { dump, position });
    }
    if position.file.is_empty() {
        return Err(lost(
            &position,
            "gtid_off",
            "the position is a GTID set, and the server has no GTIDs",
        ));
    }
    if !position.server.is_empty() && position.server != server {
        return Err(lost(
            &position,
            "another_server",
            &format!(
                "the position was written by server {}, this is {server}; file names of two servers mean nothing to each other, and there are no GTIDs to go by",
                position.server
            ),
        ));
    }
    if !facts.binlog_files.is_empty() {
        match facts.binlog_files.iter().find(|file| file.name == position.file) {
            None => {
                let what = format!("{} was purged on the server", position.file);
                return Err(lost(&position, "binlog_purged", &what));
            }
            Some(file) if file.bytes < position.offset => {
                let what = format!(
                    "{} is shorter on the server than what was read of it: the server was reset or restored",
                    position.file
                );
                return Err(lost(&position, "server_rewound", &what));
            }
            Some(_) => {}
        }
    }
    position.server = server;
    let dump = DumpStart::File { name: position.file.clone(), position: position.offset };
    Ok(Plan { dump, position })
}

/// Keeps of a position what means the same on another server: not the file, nor how rows were cut into
/// events.
pub(crate) fn leave_server(position: &mut BinlogPosition) {
    position.file.clear();
    position.offset = 0;
    if position.within.rows > 0 {
        position.within.rows_event = 0;
        position.within.row = 0;
    }
}

/// What the server has executed, where it can start a dump from that.
fn executed(facts: &ServerFacts) -> Gtids {
    match facts.version.flavour {
        Flavour::MySql if uses_gtids(facts) => facts
            .gtid_executed
            .as_deref()
            .and_then(|text| GtidSet::parse(text).ok())
            .map_or(Gtids::None, Gtids::MySql),
        Flavour::MySql => Gtids::None,
        Flavour::MariaDb => facts
            .gtid_binlog_pos
            .as_deref()
            .and_then(|text| GtidList::parse(text).ok())
            .filter(|list| !list.is_empty())
            .map_or(Gtids::None, Gtids::MariaDb),
    }
}

/// The dump that starts behind these GTIDs, if the server goes by them.
fn by_gtid(gtids: &Gtids, facts: &ServerFacts) -> Option<DumpStart> {
    match (gtids, facts.version.flavour) {
        (Gtids::MySql(set), Flavour::MySql) if uses_gtids(facts) => {
            let mut encoded = Vec::new();
            set.encode(&mut encoded);
            Some(DumpStart::MySqlGtid { set: encoded })
        }
        (Gtids::MariaDb(list), Flavour::MariaDb) if !list.is_empty() => {
            Some(DumpStart::MariaDbGtid { position: list.to_string() })
        }
        _ => None,
    }
}

/// Every transaction has a GTID only when the mode is ON.
fn uses_gtids(facts: &ServerFacts) -> bool {
    facts.gtid_mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("ON"))
}

/// MySQL only: MariaDB itself refuses a position that it does not have.
fn check_gtids(position: &BinlogPosition, facts: &ServerFacts) -> Result<(), SourceError> {
    let Gtids::MySql(ours) = &position.gtids else { return Ok(()) };
    let parse = |text: &Option<String>| text.as_deref().and_then(|t| GtidSet::parse(t).ok());
    if let Some(executed) = parse(&facts.gtid_executed)
        && !executed.contains_all(ours)
    {
        return Err(lost(
            position,
            "server_diverged",
            &format!(
                "the server has executed {executed}, which lacks transactions that were read before: it was reset, restored, or is a replica that was behind"
            ),
        ));
    }
    if let Some(purged) = parse(&facts.gtid_purged)
        && !ours.contains_all(&purged)
    {
        return Err(lost(
            position,
            "binlog_purged",
            &format!("the server has purged transactions of {purged} that were not read"),
        ));
    }
    Ok(())
}

fn lost(position: &BinlogPosition, code: &'static str, what: &str) -> SourceError {
    let place = if position.file.is_empty() {
        position.gtids.to_string()
    } else {
        format!("{}:{} (GTID {})", position.file, position.offset, position.gtids)
    };
    SourceError::new(ErrorKind::PositionLost, code, format!("{what}; the task stopped at {place}"))
        .remedy("restore what is missing on the server, then wellhead task start NAME")
        .remedy("wellhead task delete NAME, then create it again: it starts behind the gap")
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
