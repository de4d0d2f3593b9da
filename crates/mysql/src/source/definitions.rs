//! The second connection of a running source: asks the server's catalog, when there is something to ask.

use capture::{Selection, Stop};

use super::error::Failure;
use super::look_ahead::read_ahead;
use super::position::BinlogPosition;
use super::tables::{Ahead, Definitions};
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
}

impl CatalogConnection {
    pub(crate) fn new(endpoint: Endpoint, timeouts: Timeouts, stop: Stop) -> Self {
        Self { endpoint, timeouts, stop, connection: None }
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

    fn keys(&mut self, database: &str, table: &str) -> Result<Option<TableKeys>, Error> {
        self.ask(|connection| describe::load_keys(connection, database, table))
    }

    fn read_ahead(&mut self, from: &BinlogPosition, ahead: &mut Ahead) -> Result<(), Failure> {
        read_ahead(&self.endpoint, self.timeouts, from, ahead, &self.stop)
            .map_err(|error| Failure::LookAhead(Box::new(error)))
    }
}
