//! One connection to a server: connect, log in, ask, and turn it into the stream of its binlog.
//!
//! Blocking sockets without a runtime: a source has a thread of its own, and what limits it is the
//! server's dump, not the number of connections. The protocol itself lives in [`crate::wire`].

mod dump;
mod endpoint;
mod explain;
mod facts;
mod login;
mod packets;
mod query;
mod replica;
mod tls;
mod transport;
mod version;

#[cfg(test)]
mod tests;

pub use dump::{BinlogStream, Chunk, FillOutcome};
pub use endpoint::{Endpoint, EndpointError, Secret, TlsMode};
pub use explain::explain;
pub use facts::{BinlogFile, LogEnd, ServerFacts, server_facts};
pub(crate) use query::literal;
pub use query::{ResultSet, Row};
pub use replica::{DumpStart, Replica, ReplicaOptions, oldest_entry_time};
pub use version::{Flavour, ServerVersion};

use std::time::Duration;

use packets::Packets;

use crate::Error;
use crate::wire::resultset::TextRow;
use crate::wire::{command, reply};

/// An authenticated connection that waits for a command.
#[derive(Debug)]
pub struct Connection {
    packets: Packets,
    version: ServerVersion,
    connection_id: u32,
}

/// How long a connection waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the TCP connection, per address.
    pub connect: Duration,
    /// For the next bytes of an answer, and for the server to take bytes of ours.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), answer: Duration::from_secs(120) }
    }
}

impl Connection {
    /// Connects, encrypts as [`Endpoint::tls`] says, logs in, and sets the session up so that what the
    /// server answers does not depend on its configuration.
    ///
    /// # Errors
    /// The server cannot be reached, breaks the protocol, or refuses us.
    pub fn connect(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self, Error> {
        let mut connection = login::login(endpoint, timeouts)?;
        connection.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")?;
        if connection.version.flavour == Flavour::MySql && connection.version.is_at_least(8, 0, 30)
        {
            // A generated invisible primary key is in the log, so it must be in the definition.
            connection
                .execute("SET SESSION show_gipk_in_create_table_and_information_schema = ON")?;
        }
        Ok(connection)
    }

    /// Runs a statement and drops what it answers.
    ///
    /// # Errors
    /// The connection breaks, or the server answers with an error.
    pub fn execute(&mut self, sql: &str) -> Result<(), Error> {
        self.query_each(sql, |_| Ok(()))
    }

    /// Runs a statement and keeps its rows, up to 64 MiB of them.
    ///
    /// # Errors
    /// The connection breaks, the server answers with an error, or the answer is too large.
    pub fn query(&mut self, sql: &str) -> Result<ResultSet, Error> {
        query::collect(self, sql)
    }

    /// Runs a statement and hands out its rows one by one, so that a large answer takes no memory.
    ///
    /// # Errors
    /// The connection breaks, the server answers with an error, or `each` does; after an error of
    /// `each` the rest of the answer is unread and the connection must be dropped.
    pub fn query_each(
        &mut self,
        sql: &str,
        each: impl FnMut(&Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        query::run(&mut self.packets, sql, each)
    }

    /// Runs a statement and hands out its rows as the server sent them, each up to `max_row` bytes.
    ///
    /// # Errors
    /// As for [`Connection::query_each`].
    pub fn query_raw(
        &mut self,
        sql: &str,
        max_row: usize,
        each: impl FnMut(TextRow<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        query::run_raw(&mut self.packets, sql, max_row, each)
    }

    /// Asks the server for a sign of life.
    ///
    /// # Errors
    /// It gives none.
    pub fn ping(&mut self) -> Result<(), Error> {
        self.packets.command(&command::ping())?;
        reply::OkPacket::decode(self.packets.receive(MAX_SMALL)?).map(drop)
    }

    /// Says good-bye; errors do not matter any more.
    pub fn close(mut self) {
        let _broken_already = self.packets.command(&command::quit());
    }

    /// The server's version.
    #[must_use]
    pub const fn version(&self) -> &ServerVersion {
        &self.version
    }

    /// The server's number for this connection, as in `SHOW PROCESSLIST`.
    #[must_use]
    pub const fn connection_id(&self) -> u32 {
        self.connection_id
    }

    /// TLS version and cipher suite, or `None` if the connection is not encrypted.
    #[must_use]
    pub fn encryption(&self) -> Option<String> {
        self.packets.transport().encryption()
    }
}

/// Limit for answers that are one small packet.
const MAX_SMALL: usize = 64 * 1024;
