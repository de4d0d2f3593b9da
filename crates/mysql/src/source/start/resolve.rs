//! Answers what only the server can: asks again where an answer may not stand yet, and reads its log
//! through short dumps of their own.

use std::time::{Duration, Instant};

use capture::{ErrorKind, SourceError, Start, Stop};
use change::UnixTime;

use super::search::{self, Logs, Look};
use super::{Next, Plan, Search, decide, from_found, loss};
use crate::Error;
use crate::binlog::{Checksum, GtidSet, MariaDbGtid};
use crate::connection::{
    Chunk, Connection, DumpStart, Endpoint, FillOutcome, Flavour, Replica, ReplicaOptions,
    ServerFacts, Timeouts, explain, literal, server_facts,
};
use crate::source::gtids::Gtids;
use crate::source::position::BinlogPosition;

/// A server whose log can be looked into.
#[derive(Debug)]
pub(crate) struct ServerLog<'a> {
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) timeouts: Timeouts,
    /// What the server was asked to send behind each event.
    pub(crate) checksum: Checksum,
    /// The server's clock.
    pub(crate) now: UnixTime,
    pub(crate) stop: &'a Stop,
}

/// Turns a wish into a dump. `facts` are asked again where the server has not settled them.
pub(crate) fn resolve(
    start: &Start,
    server: &mut ServerLog<'_>,
    connection: &mut Connection,
    facts: &mut ServerFacts,
) -> Result<Plan, SourceError> {
    let decided = match decide(start, facts) {
        Err(error) if matches!(error.code, "server_diverged" | "server_rewound") => {
            wait_for_pending(start, server, connection, facts)?;
            decide(start, facts)
        }
        decided => decided,
    };
    match decided.map_err(|error| date_of_oldest(error, server, facts))? {
        Next::Dump(plan) => reaches_back(plan, server, facts),
        Next::Search(Search::Time(time)) => {
            let (checksum, now) = (server.checksum, server.now);
            let found = search::by_time(server, facts, checksum, time, now)?;
            Ok(from_found(found, facts))
        }
        Next::Search(Search::Place(position)) => {
            let checksum = server.checksum;
            let found = search::by_offset(server, checksum, &position.file, position.offset)?;
            Ok(from_found(found, facts))
        }
        Next::Search(Search::SameFile(plan)) => {
            let checksum = server.checksum;
            let head = search::head(server, &plan.position.file, checksum)?;
            if head.created == plan.position.created {
                return reaches_back(plan, server, facts);
            }
            let what = format!(
                "{} was begun at {}, and the file of that name that was read at {}",
                plan.position.file,
                loss::shown_time(UnixTime::from_seconds(i64::from(head.created))),
                loss::shown_time(UnixTime::from_seconds(i64::from(plan.position.created))),
            );
            Err(loss::rewound(&plan.position, &what))
        }
    }
}

/// MariaDB only tells what it has executed, not what it has purged: the beginning of its oldest file
/// does.
fn reaches_back(
    plan: Plan,
    server: &mut ServerLog<'_>,
    facts: &ServerFacts,
) -> Result<Plan, SourceError> {
    let (Gtids::MariaDb(ours), DumpStart::MariaDbGtid { .. }, Some(oldest)) =
        (&plan.position.gtids, &plan.dump, facts.binlog_files.first())
    else {
        return Ok(plan);
    };
    let checksum = server.checksum;
    let head = search::head(server, &oldest.name, checksum)?;
    let Gtids::MariaDb(purged) = head.before else { return Ok(plan) };
    // Numbers of two servers in one domain may be out of order: then the server itself tells.
    let is_unread = |gtid: &MariaDbGtid| {
        ours.get(gtid.domain)
            .is_none_or(|ours| ours.server_id == gtid.server_id && ours.sequence < gtid.sequence)
    };
    let missing: Vec<_> = purged.iter().filter(is_unread).collect();
    if missing.is_empty() {
        return Ok(plan);
    }
    let error = loss::list_purged(&plan.position, &missing, facts);
    Err(loss::dated(error, UnixTime::from_seconds(i64::from(head.created))))
}

/// Waits for what was read and the server does not count as executed yet. A transaction is in the log
/// while it still waits for a semi-synchronous replica, for as long as the server is set to wait; and a
/// replica that was failed over to may be about to catch up.
fn wait_for_pending(
    start: &Start,
    server: &ServerLog<'_>,
    connection: &mut Connection,
    facts: &mut ServerFacts,
) -> Result<(), SourceError> {
    let failed = |error| explain(error, server.endpoint, None);
    let Some(wait) = waiting_statement(start, facts) else { return Ok(()) };
    let patience = patience(connection).map_err(failed)?;
    let deadline = Instant::now() + patience;
    tracing::info!(patience_s = patience.as_secs(), "waiting for transactions to be executed");
    while !server.stop.is_raised() && Instant::now() < deadline {
        let answer = match connection.query(&wait) {
            // Servers that cannot wait so are not waited for.
            Err(Error::Server(_)) => return Ok(()),
            answer => answer.map_err(failed)?,
        };
        if answer.first().and_then(|row| row.number::<i64>(0)) == Some(0) {
            *facts = server_facts(connection).map_err(failed)?;
            break;
        }
    }
    Ok(())
}

/// A question that the server answers with 0 once it has executed what it lacks, or after a moment with
/// something else.
fn waiting_statement(start: &Start, facts: &ServerFacts) -> Option<String> {
    let Start::At(position) = start else { return None };
    let ours = BinlogPosition::parse(position.as_str()).ok()?.gtids;
    match (ours, facts.version.flavour) {
        (Gtids::MySql(ours), Flavour::MySql) => {
            let missing = ours.minus(&GtidSet::parse(facts.gtid_executed.as_deref()?).ok()?);
            let missing = literal(&missing.to_string());
            Some(format!("SELECT WAIT_FOR_EXECUTED_GTID_SET({missing}, 0.25)"))
        }
        (Gtids::MariaDb(ours), Flavour::MariaDb) => {
            Some(format!("SELECT MASTER_GTID_WAIT({}, 0.25)", literal(&ours.to_string())))
        }
        _ => None,
    }
}

/// How long a committed transaction may wait for a replica at the most.
fn patience(connection: &mut Connection) -> Result<Duration, Error> {
    let answer = connection.query("SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync_%'")?;
    let value = |names: [&str; 2]| {
        answer.rows.iter().find(|row| names.contains(&row.text(0))).map(|row| row.text(1))
    };
    let enabled = value(["rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled"]);
    if !enabled.is_some_and(|value| value.eq_ignore_ascii_case("ON")) {
        return Ok(PATIENCE);
    }
    let timeout = value(["rpl_semi_sync_source_timeout", "rpl_semi_sync_master_timeout"]);
    let timeout =
        timeout.and_then(|text| text.parse().ok()).map_or(PATIENCE, Duration::from_millis);
    Ok(timeout.saturating_add(PATIENCE).min(PATIENCE_MAX))
}

/// Says since when the server has what it still has, where something was purged.
fn date_of_oldest(
    error: SourceError,
    server: &mut ServerLog<'_>,
    facts: &ServerFacts,
) -> SourceError {
    let Some(oldest) = facts.binlog_files.first().filter(|_| error.code == "binlog_purged") else {
        return error;
    };
    let checksum = server.checksum;
    match search::head(server, &oldest.name, checksum) {
        Ok(head) => loss::dated(error, UnixTime::from_seconds(i64::from(head.created))),
        Err(_) => error,
    }
}

impl Logs for ServerLog<'_> {
    fn read(
        &mut self,
        file: &str,
        each: &mut dyn FnMut(&[u8]) -> Result<Look, SourceError>,
    ) -> Result<(), SourceError> {
        let failed = |error| explain(error, self.endpoint, Some(file));
        let connection = Connection::connect(self.endpoint, self.timeouts).map_err(failed)?;
        let options = ReplicaOptions { stop_at_end: true, ..ReplicaOptions::default() };
        let replica = Replica::prepare(connection, options).map_err(failed)?;
        let start = DumpStart::File { name: file.to_owned(), position: super::FILE_START };
        let mut stream = replica.start(&start).map_err(failed)?;
        let mut chunk = Chunk::default();
        let mut chunk_bytes = 0;
        let mut heard_at = Instant::now();
        loop {
            if self.stop.is_raised() {
                return Err(stopped());
            }
            match stream.fill(&mut chunk, chunk_bytes).map_err(failed)? {
                FillOutcome::Events | FillOutcome::Partial => heard_at = Instant::now(),
                FillOutcome::Silence if heard_at.elapsed() < SILENCE_MAX => {}
                FillOutcome::Silence => {
                    return Err(search::ended_early(&format!(
                        "{} has sent nothing for {SILENCE_MAX:?} in {file}",
                        self.endpoint.address()
                    )));
                }
                FillOutcome::End => return Ok(()),
            }
            for event in chunk.events() {
                if each(event)? == Look::Enough {
                    return Ok(());
                }
            }
            // A few events are wanted, or very many.
            chunk_bytes = CHUNK_BYTES;
        }
    }
}

fn stopped() -> SourceError {
    SourceError::new(ErrorKind::SinkClosed, "stopped", "stopped while looking for where to start")
}

/// Longer than a commit takes from the log to the engine.
const PATIENCE: Duration = Duration::from_secs(3);
const PATIENCE_MAX: Duration = Duration::from_secs(60);
/// A server sends as fast as it reads; without any byte for so long it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const CHUNK_BYTES: usize = 1 << 20;
