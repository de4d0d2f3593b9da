//! The second connection of a running source: asks the server's catalog, when there is something to ask.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use capture::{Selection, Stop};

use super::error::Failure;
use super::look_ahead::read_ahead;
use super::position::BinlogPosition;
use super::tables::{Ahead, Definitions, Name};
use crate::Error;
use crate::connection::{Connection, Endpoint, Timeouts};
use crate::ddl::Definition;
use crate::describe::{self, TableKeys};

/// A connection that is opened when it is needed, and again when the server has closed it in between:
/// questions may lie further apart than the server's `wait_timeout`.
#[derive(Debug)]
pub(crate) struct CatalogConnection {
    endpoint: Endpoint,
    timeouts: Timeouts,
    /// Ends a reading ahead.
    stop: Stop,
    connection: Option<Connection>,
    /// Questions for the keys of one table, and since when they are counted.
    asked_for_one: u32,
    counted_since: Instant,
    keys_of_all: Option<KeysOfAll>,
}

/// The keys of every tracked table, as the server had them at one time.
#[derive(Debug)]
struct KeysOfAll {
    asked_at: Instant,
    keys: HashMap<Name, TableKeys>,
}

/// So many tables are asked for one by one; who needs more of them in so short a time catches up, and will
/// need all. One question costs a server with thousands of tables a hundredth of a second.
const ONE_BY_ONE: u32 = 20;
/// How long the answer for all tables is good. Statements of the log end it at once; this is for those
/// that the server ran without writing them to its log.
const GOOD_FOR: Duration = Duration::from_secs(60);

impl CatalogConnection {
    pub(crate) fn new(endpoint: Endpoint, timeouts: Timeouts, stop: Stop) -> Self {
        let (connection, keys_of_all) = (None, None);
        let (asked_for_one, counted_since) = (0, Instant::now());
        Self { endpoint, timeouts, stop, connection, asked_for_one, counted_since, keys_of_all }
    }

    /// The keys of all tables, where so many were asked for that it is time for them.
    fn keys_of_all(
        &mut self,
        selection: &Selection,
    ) -> Result<Option<&HashMap<Name, TableKeys>>, Error> {
        let is_good = |all: &KeysOfAll| all.asked_at.elapsed() < GOOD_FOR;
        if !self.keys_of_all.as_ref().is_some_and(is_good) {
            self.keys_of_all = None;
            if self.asked_for_one >= ONE_BY_ONE {
                let asked_at = Instant::now();
                let keys = self.ask(|connection| describe::load_all_keys(connection, selection))?;
                self.keys_of_all = Some(KeysOfAll { asked_at, keys });
                self.asked_for_one = 0;
            }
        }
        Ok(self.keys_of_all.as_ref().map(|all| &all.keys))
    }

    fn ask<T>(
        &mut self,
        question: impl Fn(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(mut connection) = self.connection.take()
            && let Ok(answer) = question(&mut connection)
        {
            self.connection = Some(connection);
            return Ok(answer);
        }
        let mut connection = Connection::connect(&self.endpoint, self.timeouts)?;
        let answer = question(&mut connection)?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

impl Definitions for CatalogConnection {
    fn table(&mut self, database: &str, table: &str) -> Result<Option<Definition>, Error> {
        self.ask(|connection| describe::load_definition(connection, database, table))
    }

    fn all(&mut self, selection: &Selection) -> Result<describe::Definitions, Error> {
        self.ask(|connection| describe::load_definitions(connection, selection))
    }

    fn keys(&mut self, name: &Name, selection: &Selection) -> Result<Option<TableKeys>, Error> {
        let known = self.keys_of_all(selection)?.and_then(|keys| keys.get(name)).cloned();
        if known.is_some() {
            return Ok(known);
        }
        if self.counted_since.elapsed() > GOOD_FOR {
            (self.asked_for_one, self.counted_since) = (0, Instant::now());
        }
        self.asked_for_one = self.asked_for_one.saturating_add(1);
        let (database, table) = name;
        self.ask(|connection| describe::load_keys(connection, database, table))
    }

    fn statement_was_read(&mut self) {
        self.keys_of_all = None;
    }

    fn read_ahead(&mut self, from: &BinlogPosition, ahead: &mut Ahead) -> Result<(), Failure> {
        read_ahead(&self.endpoint, self.timeouts, from, ahead, &self.stop)
            .map_err(|error| Failure::LookAhead(Box::new(error)))
    }
}
