//! Becoming a replica: session variables, registration, the dump command.

use std::time::Duration;

use aws_lc_rs::rand;
use change::UnixTime;

use super::dump::{BinlogStream, Chunk, FillOutcome};
use super::query::literal;
use super::{Connection, Endpoint, Flavour, MAX_SMALL, ServerVersion, Timeouts};
use crate::Error;
use crate::wire::{Reader, command, reply};

/// Where a dump starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DumpStart {
    /// At a byte of a file (4 is a file's first event). Every server.
    File {
        /// The file's name; empty for the oldest file the server has.
        name: String,
        /// The byte. Beyond 4 GiB the command cannot say it.
        position: u64,
    },
    /// Behind a set of transactions: MySQL's `Gtid_set` in its binary encoding.
    MySqlGtid {
        /// The encoded set.
        set: Vec<u8>,
    },
    /// Behind MariaDB's GTIDs, one per domain, as text: `0-1-100,1-1-7`.
    MariaDbGtid {
        /// The position; empty for the oldest transaction the server has.
        position: String,
    },
}

/// How we appear to the server and what we ask of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaOptions {
    /// Our number among the server's replicas; `None` finds a free one.
    pub server_id: Option<u32>,
    /// The server sends a sign of life when it had nothing to send for this long.
    pub heartbeat: Duration,
    /// Longest event that is taken.
    pub max_event_bytes: usize,
    /// MariaDB: send the statements' texts too.
    pub annotate_rows: bool,
    /// Ends a dump of a file at the end of the log, instead of waiting there for more. A server notices
    /// that nobody waits any more only when it has something to send.
    pub stop_at_end: bool,
}

impl Default for ReplicaOptions {
    fn default() -> Self {
        Self {
            server_id: None,
            heartbeat: Duration::from_secs(2),
            max_event_bytes: MAX_EVENT,
            annotate_rows: false,
            stop_at_end: false,
        }
    }
}

/// A connection set up for a dump.
#[derive(Debug)]
pub struct Replica {
    connection: Connection,
    options: ReplicaOptions,
    server_id: u32,
}

impl Replica {
    /// Sets the session up and registers us with the server.
    ///
    /// # Errors
    /// The connection breaks, or the server refuses a step.
    pub fn prepare(mut connection: Connection, options: ReplicaOptions) -> Result<Self, Error> {
        let server_id = match options.server_id {
            Some(server_id) => server_id,
            None => free_server_id(&mut connection)?,
        };
        for statement in session_statements(connection.version(), &options)? {
            connection.execute(&statement)?;
        }
        let host = connection.packets.transport().local_address();
        let host = host.map(|address| address.ip().to_string()).unwrap_or_default();
        connection.packets.command(&command::register_replica(server_id, &host))?;
        match connection.packets.receive(MAX_SMALL)? {
            payload @ [reply::ERR, ..] => return Err(refused_registration(payload)),
            payload => reply::OkPacket::decode(payload)?,
        };
        Ok(Self { connection, options, server_id })
    }

    /// The number we are registered under.
    #[must_use]
    pub const fn server_id(&self) -> u32 {
        self.server_id
    }

    /// Starts the dump. An impossible start (a purged file, an unknown GTID) is told by the first
    /// [`BinlogStream::fill`].
    ///
    /// # Errors
    /// The connection breaks, or the start cannot be said to this server.
    pub fn start(mut self, start: &DumpStart) -> Result<BinlogStream, Error> {
        let command = match start {
            DumpStart::File { name, position } => {
                let position = u32::try_from(*position).map_err(|_| {
                    Error::Unsupported(format!(
                        "byte {position} of {name} is beyond the 4 GiB that a dump can start at"
                    ))
                })?;
                command::binlog_dump(self.server_id, name, position, self.flags())
            }
            DumpStart::MySqlGtid { set } => command::binlog_dump_gtid(self.server_id, set),
            DumpStart::MariaDbGtid { position } => {
                for statement in gtid_statements(position) {
                    self.connection.execute(&statement)?;
                }
                command::binlog_dump(self.server_id, "", 4, self.flags())
            }
        };
        self.connection.packets.command(&command)?;
        self.connection.packets.transport().limit_waits(READ_WAIT, WRITE_WAIT)?;
        let (transport, rest, sequence) = self.connection.packets.into_parts();
        Ok(BinlogStream::new(transport, rest, sequence, self.options.max_event_bytes))
    }

    const fn flags(&self) -> u16 {
        let annotate = if self.options.annotate_rows { command::SEND_ANNOTATE_ROWS } else { 0 };
        let stop = if self.options.stop_at_end { command::STOP_AT_END } else { 0 };
        annotate | stop
    }
}

/// When the oldest file of the server's binlog was started. Opens a dump of its own and closes it after
/// the first event, so it also proves that a dump is allowed.
///
/// # Errors
/// The server cannot be reached or refuses the dump. `None` if no event with a time came.
pub fn oldest_entry_time(
    endpoint: &Endpoint,
    timeouts: Timeouts,
    oldest_file: &str,
) -> Result<Option<UnixTime>, Error> {
    let connection = Connection::connect(endpoint, timeouts)?;
    let options = ReplicaOptions { stop_at_end: true, ..ReplicaOptions::default() };
    let replica = Replica::prepare(connection, options)?;
    let start = DumpStart::File { name: oldest_file.to_owned(), position: 4 };
    let mut stream = replica.start(&start)?;
    let mut chunk = Chunk::default();
    for _quarter_second in 0..40 {
        let outcome = stream.fill(&mut chunk, 0)?;
        for event in chunk.events() {
            // The artificial ROTATE at the start has the time zero.
            match Reader::new("an event", event).u32()? {
                0 => {}
                seconds => return Ok(Some(UnixTime::from_seconds(i64::from(seconds)))),
            }
        }
        if outcome == FillOutcome::End {
            break;
        }
    }
    Ok(None)
}

/// Both servers answer `ER_ACCESS_DENIED_ERROR`, as if the password were wrong.
fn refused_registration(payload: &[u8]) -> Error {
    match reply::decode_error(payload) {
        Error::Server(source) if matches!(source.code, 1045 | 1227) => {
            Error::MissingPrivilege { privilege: "REPLICATION SLAVE", source }
        }
        other => other,
    }
}

fn session_statements(
    version: &ServerVersion,
    options: &ReplicaOptions,
) -> Result<Vec<String>, Error> {
    let heartbeat_ns = options.heartbeat.as_nanos();
    let uuid = random_uuid()?;
    let mut statements = vec![
        // A slow disk on our side must not make the server hang up.
        "SET SESSION net_write_timeout = 3600".to_owned(),
        format!("SET @master_heartbeat_period = {heartbeat_ns}"),
        "SET @master_binlog_checksum = @@global.binlog_checksum".to_owned(),
        format!("SET @slave_uuid = '{uuid}'"),
    ];
    match version.flavour {
        // The newer names since 8.0.26; servers read whichever they know.
        Flavour::MySql => statements.extend([
            format!("SET @source_heartbeat_period = {heartbeat_ns}"),
            "SET @source_binlog_checksum = @@global.binlog_checksum".to_owned(),
            format!("SET @replica_uuid = '{uuid}'"),
        ]),
        // 4: we know GTID events; less, and the server hides them behind dummies.
        Flavour::MariaDb => statements.push("SET @mariadb_slave_capability = 4".to_owned()),
    }
    Ok(statements)
}

fn gtid_statements(position: &str) -> [String; 3] {
    [
        format!("SET @slave_connect_state = {}", literal(position)),
        "SET @slave_gtid_strict_mode = 0".to_owned(),
        "SET @slave_gtid_ignore_duplicates = 0".to_owned(),
    ]
}

/// A number in the upper part of the range that none of the server's replicas has. Whoever may not list
/// them gets one that is merely unlikely to be taken.
fn free_server_id(connection: &mut Connection) -> Result<u32, Error> {
    let version = connection.version();
    let renamed = version.flavour == Flavour::MySql && version.is_at_least(8, 0, 22);
    let list = if renamed { "SHOW REPLICAS" } else { "SHOW SLAVE HOSTS" };
    let taken: Vec<u32> = match connection.query(list) {
        Ok(answer) => answer.rows.iter().filter_map(|row| row.number(0)).collect(),
        Err(error) if error.is_missing_privilege() => Vec::new(),
        Err(error) => return Err(error),
    };
    loop {
        let candidate = FIRST_SERVER_ID | u32::from_le_bytes(random()?);
        // All ones is refused by some servers as a marker.
        if candidate != u32::MAX && !taken.contains(&candidate) {
            return Ok(candidate);
        }
    }
}

/// A version 4 UUID as text.
fn random_uuid() -> Result<String, Error> {
    let bits = u128::from_be_bytes(random()?);
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes)
        .map_err(|_| Error::Unsupported("the system gives no random bytes".into()))?;
    Ok(bytes)
}

/// People number their servers from 1, or by address; the top quarter of the range is rarely used.
const FIRST_SERVER_ID: u32 = 0xc000_0000;

/// `max_allowed_packet` can be 1 GiB at most; an event may be a little over it.
const MAX_EVENT: usize = (1 << 30) + (1 << 20);

/// How long a read of the dump waits, so that a stop flag is looked at four times a second.
const READ_WAIT: Duration = Duration::from_millis(250);

/// Under TLS a dump may still write: answers to key updates.
const WRITE_WAIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_uuid_is_of_version_4() {
        let uuid = random_uuid().unwrap();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }

    #[test]
    fn each_flavour_gets_its_own_variables() {
        let mariadb = ServerVersion::parse("10.11.6-MariaDB");
        let statements = session_statements(&mariadb, &ReplicaOptions::default()).unwrap();
        assert!(statements.iter().any(|s| s == "SET @mariadb_slave_capability = 4"));
        assert!(statements.iter().any(|s| s == "SET @master_heartbeat_period = 2000000000"));
        let mysql = ServerVersion::parse("9.7.4");
        let statements = session_statements(&mysql, &ReplicaOptions::default()).unwrap();
        assert!(statements.iter().any(|s| s.starts_with("SET @source_binlog_checksum")));
        assert!(!statements.iter().any(|s| s.contains("mariadb")));
    }
}
