//! A MySQL or MariaDB server as a [`capture::Source`].
//!
//! One thread reads the socket and cuts it into events, the calling thread translates and encodes them.
//! [`translator`](self) is where events become changes.

mod bad_event;
mod catch_up;
mod definitions;
mod error;
mod gtids;
mod look_ahead;
mod outcome;
mod place;
mod position;
mod prepared;
mod reader;
mod start;
mod statement;
mod tables;
mod translator;
mod warnings;
mod xa;

use std::sync::Arc;
use std::time::Duration;

use budget::{Budget, Lane};
use capture::{
    BadEvent, CaptureOptions, CheckItem, ErrorKind, Pop, Sink, SinkError, Source, SourceError,
    SourceStatus, Start, Stop,
};
use change::{Clock, SourceInfo, SourceKind, UnixTime};

pub use position::{BadPosition, check_position};
pub(crate) use position::{BinlogPosition, file_number};

use crate::binlog::Checksum;
use crate::connection::{
    BinlogStream, Connection, Endpoint, Flavour, Replica, ReplicaOptions, ServerFacts, Timeouts,
    explain, server_facts,
};
use crate::ddl::Dialect;
use crate::precheck::precheck;
use definitions::CatalogConnection;
use error::Failure;
use outcome::LookAhead;
use prepared::SecondDump;
use reader::{Channel, Patience, Read, ReadError};
use start::{Forward, Plan};
use tables::{Setting, Tables};
use translator::{Server, Translator};

/// Everything a [`MySqlSource`] is made of.
#[derive(Debug)]
pub struct Options {
    /// The server and the account.
    pub endpoint: Endpoint,
    /// What the task asks for.
    pub capture: CaptureOptions,
    /// Number to register with; `None` picks a free one.
    pub server_id: Option<u32>,
    /// Bound of the queue between the reading and the translating thread.
    pub queue_bytes: usize,
    /// The memory that all sources share.
    pub budget: Budget,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// A MySQL or MariaDB server as a source of changes.
#[derive(Debug)]
pub struct MySqlSource {
    options: Options,
    timeouts: Timeouts,
    status: Arc<SourceStatus>,
}

/// How often an idle server says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// A connection without any byte for so long is dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const PATIENCE: Patience = Patience { first: Duration::from_secs(900), later: SILENCE_MAX };
/// The sink is asked for what is due this often at least.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long the reading thread waits for the server. It is woken by hanging up, so this is only how soon a
/// source that falls silent gives back what it held while it was busy; a server's heartbeats are rarer.
const READ_WAIT: Duration = Duration::from_secs(1);
/// Far below the time that a batch stays open, so that it is not held longer than it has to be.
const WAIT_MIN: Duration = Duration::from_micros(100);

impl MySqlSource {
    /// A source that is not connected yet.
    #[must_use]
    pub fn new(mut options: Options) -> Self {
        options.capture.selection =
            options.capture.selection.reserving(&crate::describe::OWN_DATABASES);
        Self { options, timeouts: Timeouts::default(), status: Arc::default() }
    }

    /// Connects, decides where to start, and starts the dump.
    fn connect(&self, start: &Start, stop: &Stop) -> Result<Dump, SourceError> {
        let failed = |error| explain(error, &self.options.endpoint, None);
        let mut connection =
            Connection::connect(&self.options.endpoint, self.timeouts).map_err(failed)?;
        let mut facts = server_facts(&mut connection).map_err(failed)?;
        check_settings(&facts)?;
        let clock_ahead_micros = self.clock_difference(&mut connection).map_err(failed)?;
        let now = self.options.clock.now().micros().saturating_add(clock_ahead_micros);
        let mut log = start::ServerLog {
            endpoint: &self.options.endpoint,
            timeouts: self.timeouts,
            checksum: checksum(&facts),
            now: UnixTime::from_micros(now),
            stop,
        };
        let plan = start::resolve(start, &mut log, &mut connection, &mut facts)?;
        let replica = Replica::prepare(connection, self.replica_options()).map_err(failed)?;
        let stream = replica.start(&plan.dump).map_err(failed)?;
        Ok(Dump { stream, facts, plan, clock_ahead_micros })
    }

    /// For a dump that was asked to start at `start`, and starts at `at`.
    fn tables_setting(
        &self,
        start: &Start,
        at: &BinlogPosition,
        only: Option<(String, String)>,
    ) -> Setting<'_> {
        let capture = &self.options.capture;
        let start = match start {
            Start::At(position) => BinlogPosition::parse(position.as_str()).ok(),
            _ => None,
        };
        let is_elsewhere =
            |start: &BinlogPosition| !start.server.is_empty() && start.server != at.server;
        Setting {
            selection: capture.selection.clone(),
            only,
            moved_from: start.filter(is_elsewhere),
            history: capture.history.as_ref(),
            quarantine: capture.quarantine.as_ref(),
            on_table_error: capture.on_table_error,
        }
    }

    fn definitions(&self, stop: &Stop) -> CatalogConnection {
        CatalogConnection::new(self.options.endpoint.clone(), self.timeouts, stop.clone())
    }

    fn server(&self, facts: &ServerFacts) -> Server {
        Server {
            dialect: Dialect::of(&facts.version),
            lower_case_table_names: facts.lower_case_table_names.unwrap_or(0),
            utf8_is_utf8mb4: facts.utf8_is_utf8mb4,
            ddl_scope: self.options.capture.ddl_scope,
        }
    }

    fn second_dump(&self, stop: &Stop) -> SecondDump {
        SecondDump::new(
            self.options.endpoint.clone(),
            self.timeouts,
            self.replica_options(),
            stop.clone(),
        )
    }

    fn replica_options(&self) -> ReplicaOptions {
        ReplicaOptions {
            server_id: self.options.server_id,
            heartbeat: HEARTBEAT,
            annotate_rows: self.options.endpoint.statements,
            ..ReplicaOptions::default()
        }
    }

    /// By how much the server's clock is ahead of ours.
    fn clock_difference(&self, connection: &mut Connection) -> Result<i64, crate::Error> {
        let answer = connection.query("SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)")?;
        let theirs: Option<i64> = answer.first().and_then(|row| row.number(0));
        let ours = self.options.clock.now().micros();
        Ok(theirs.map_or(0, |theirs| theirs.saturating_sub(ours)))
    }

    /// Translates what the reading thread brings, until it ends or the stop is raised.
    fn translate(
        &self,
        channel: &Channel,
        translator: &mut Translator<'_>,
        mut forward: Option<Forward>,
        clock_ahead_micros: i64,
        sink: &mut dyn Sink,
        stop: &Stop,
    ) -> Result<(), SourceError> {
        let explain_failure =
            |failure: Failure, at: &str| failure.into_source_error(at, &self.options.endpoint);
        let mut wait = WAIT_MIN;
        let mut ahead = LookAhead::default();
        while !stop.is_raised() {
            match channel.full.pop(wait) {
                Pop::Item(Read::Events(chunk, permit, bytes_read)) => {
                    ahead.each(&chunk, |event, is_undone| {
                        let shown = Forward::pass(&mut forward, event)
                            .map_err(|f| explain_failure(f.into(), &translator.shown_event()))?;
                        if let Some(event) = shown {
                            self.handle(event, translator, sink)?;
                            if is_undone {
                                translator.undo_group();
                            }
                        }
                        Ok(())
                    })?;
                    channel.recycle(chunk, permit);
                    self.report(translator, bytes_read);
                    if channel.full.bytes() > 0 {
                        continue;
                    }
                }
                Pop::Item(Read::Ended(error)) => {
                    return Err(self.ended(error, &translator.shown_place()));
                }
                Pop::TimedOut => {}
                Pop::Closed => return Ok(()),
            }
            let now = self.options.clock.now().micros().saturating_add(clock_ahead_micros);
            wait = translator
                .rest(UnixTime::from_micros(now), sink)
                .map_err(|error| explain_failure(error.into(), &translator.shown_place()))?
                .clamp(WAIT_MIN, WAIT_MAX);
        }
        Ok(())
    }

    /// Handles one event. A failure is told with it.
    fn handle(
        &self,
        event: &[u8],
        translator: &mut Translator<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), SourceError> {
        let endpoint = &self.options.endpoint;
        let quarantine = &self.options.capture.quarantine;
        let is_left_out = match translator.leaves_out(event) {
            None => Ok(false),
            Some(decided) => quarantine.event_skipped(&decided).inspect(|is_left_out| {
                let BadEvent { place, kind, .. } = &decided;
                tracing::warn!(%place, %kind, is_left_out, "event at a place to leave out");
            }),
        };
        let handled = is_left_out.map_err(Failure::from).and_then(|is_left_out| {
            if is_left_out {
                translator.leave_out(event, sink)
            } else {
                translator.event(event, sink)
            }
        });
        handled.map_err(|failure| failure.at_event(translator.bad_event(event), endpoint))
    }

    /// Places of events that an operator has decided to leave out.
    fn skips(&self) -> Result<Vec<String>, SourceError> {
        let places = self.options.capture.quarantine.events_to_skip();
        places.map_err(|error| self.at_start(error.into()))
    }

    fn at_start(&self, failure: Failure) -> SourceError {
        failure.into_source_error("the start", &self.options.endpoint)
    }

    fn report(&self, translator: &mut Translator<'_>, bytes_read: u64) {
        let now = self.options.clock.now();
        let skipped = translator.skipped();
        let warnings = translator.new_warnings();
        self.status.update(|status| {
            status.last_contact = Some(now);
            status.bytes_read = bytes_read;
            if translator.is_caught_up() {
                status.caught_up = Some(now);
            }
            if let Some(warnings) = warnings {
                status.warnings = warnings;
            }
            if status.held_tables.len() != translator.held_count() {
                status.held_tables = translator.held();
            }
            status.skipped.clear();
            status.skipped.extend([
                ("statement_format", skipped.statement_format),
                ("untracked_statement", skipped.untracked_statement),
                ("untracked_table", skipped.untracked),
                ("held_table", skipped.held),
                ("xa_prepared_before_start", skipped.xa_unprepared),
                ("quarantined", skipped.quarantined),
            ]);
        });
    }

    fn ended(&self, error: ReadError, at: &str) -> SourceError {
        let address = self.options.endpoint.address();
        match error {
            ReadError::Failed(error) => explain(error, &self.options.endpoint, Some(at)),
            ReadError::ServerEnded => SourceError::new(
                ErrorKind::Unreachable,
                "server_shutdown",
                format!("{address} ended the dump at {at}: it shuts down"),
            ),
            ReadError::Silent(time) => SourceError::new(
                ErrorKind::Unreachable,
                "connection_silent",
                format!("{address} has sent nothing for {time:?}, not even a heartbeat, at {at}"),
            ),
        }
    }
}

/// A dump that was started.
struct Dump {
    stream: BinlogStream,
    facts: ServerFacts,
    plan: Plan,
    clock_ahead_micros: i64,
}

impl Source for MySqlSource {
    fn run(&mut self, start: &Start, sink: &mut dyn Sink, stop: &Stop) -> Result<(), SourceError> {
        let from = match self.act_on_decisions(start, sink, stop) {
            Err(_) if stop.is_raised() => return Ok(()),
            acted => acted?,
        };
        let Dump { mut stream, facts, mut plan, clock_ahead_micros } =
            match self.connect(&from, stop) {
                Err(_) if stop.is_raised() => return Ok(()),
                connected => connected?,
            };
        // A start behind GTIDs has no place in a file, and by such places definitions are kept. The end
        // of the log was asked for before the GTIDs, so what it stands for is not ahead of them.
        if let (Start::Now, true, Some(end)) =
            (&from, plan.position.file.is_empty(), &facts.log_end)
        {
            plan.position.file.clone_from(&end.file);
            plan.position.offset = end.position;
        }
        sink.connected(&source_info(&facts), &plan.position).map_err(|error| closed(&error))?;
        tracing::info!(server = %server_name(&facts), dump = %shown(&plan), "reading the binlog");
        let mut definitions = self.definitions(stop);
        let at_start =
            |failure: Failure| failure.into_source_error("the start", &self.options.endpoint);
        let setting = self.tables_setting(&from, &plan.position, None);
        let mut tables =
            Tables::new(setting, &mut definitions, &plan.position).map_err(at_start)?;
        if !facts.describes_tables() {
            tables.load_all(&plan.position).map_err(at_start)?;
        }
        let now = self.options.clock.now();
        self.status.update(|status| {
            status.server = Some(server_name(&facts));
            status.clock_ahead_micros = clock_ahead_micros;
            status.connected = true;
            status.last_contact = Some(now);
            status.held_tables = tables.held();
        });
        let mut second = self.second_dump(stop);
        let mut translator = Translator::new(plan.position, tables, checksum(&facts));
        translator.set_prepared_log(&mut second);
        translator.set_server(self.server(&facts));
        translator.set_skips(self.skips()?);
        if let Some(end) = &facts.log_end {
            translator.set_log_end(&end.file, end.position);
        }
        if *start == Start::Now {
            let server_now = now.micros().saturating_add(clock_ahead_micros);
            translator.set_time(UnixTime::from_micros(server_now));
        }
        let forward = plan.forward_to.map(|to| Forward::new(to, checksum(&facts)));
        let memory = self.options.budget.share(Lane::Reading, reader::RESERVE_BYTES);
        let channel = Arc::new(Channel::new(self.options.queue_bytes, memory));
        let waiting = Arc::clone(&channel);
        let _woken = stop.on_raise(move || waiting.close());
        let hang_up = stream.wait_up_to(READ_WAIT);
        let reading_stop = Stop::default();
        let result = std::thread::scope(|threads| {
            let reading = std::thread::Builder::new()
                .name(format!("read {}", self.options.endpoint.address()))
                .spawn_scoped(threads, || reader::read(stream, &channel, &reading_stop, PATIENCE))
                .map_err(|error| {
                    SourceError::new(ErrorKind::Unreachable, "no_thread", error.to_string())
                })?;
            let result =
                self.translate(&channel, &mut translator, forward, clock_ahead_micros, sink, stop);
            reading_stop.raise();
            channel.close();
            if let Some(reading) = &hang_up {
                reading.hang_up();
            }
            if reading.join().is_err() {
                tracing::error!("the reading thread panicked");
            }
            result
        });
        self.status.update(|status| status.connected = false);
        result
    }

    fn check(&mut self) -> Vec<CheckItem> {
        let Options { endpoint, capture, clock, .. } = &self.options;
        precheck(endpoint, self.timeouts, &capture.selection, clock.as_ref())
    }

    fn status(&self) -> Arc<SourceStatus> {
        Arc::clone(&self.status)
    }
}

/// What makes a capture impossible or wrong, looked at each time a dump starts.
fn check_settings(facts: &ServerFacts) -> Result<(), SourceError> {
    if !facts.log_bin {
        return Err(SourceError::new(
            ErrorKind::Misconfigured,
            "binlog_off",
            "the server writes no binlog",
        )
        .remedy("set log_bin and server_id in the server's configuration and restart it"));
    }
    if let Some(format) = &facts.binlog_format
        && format.eq_ignore_ascii_case("STATEMENT")
    {
        return Err(SourceError::new(
            ErrorKind::Misconfigured,
            "binlog_format",
            format!("binlog_format is {format}: the log holds statements and no rows"),
        )
        .remedy("SET GLOBAL binlog_format = 'ROW'; then reconnect the sessions that write"));
    }
    Ok(())
}

/// The checksum that the server was asked to send.
fn checksum(facts: &ServerFacts) -> Checksum {
    match facts.binlog_checksum.as_deref() {
        Some(name) if name.eq_ignore_ascii_case("CRC32") => Checksum::Crc32,
        _ => Checksum::None,
    }
}

fn source_info(facts: &ServerFacts) -> SourceInfo {
    SourceInfo { kind: SourceKind::MySql, version: facts.version.text.clone() }
}

fn closed(error: &SinkError) -> SourceError {
    SourceError::new(ErrorKind::SinkClosed, "log_closed", error.to_string())
}

/// `MySQL 9.1.0`, `MariaDB 10.11.6`.
fn server_name(facts: &ServerFacts) -> String {
    let flavour = match facts.version.flavour {
        Flavour::MySql => "MySQL",
        Flavour::MariaDb => "MariaDB",
    };
    let version = facts.version.text.split('-').next().unwrap_or_default();
    format!("{flavour} {version}")
}

fn shown(plan: &Plan) -> String {
    change::Resume::to_position(&plan.position).to_string()
}
