//! The second connection of a running source: asks the server's catalog, when there is something to ask.

use capture::Selection;
use change::TableSchema;

use super::tables::Definitions;
use crate::Error;
use crate::connection::{Connection, Endpoint, Timeouts};
use crate::describe::{TableKeys, load, load_keys, load_table};

/// A connection that is opened when it is needed, and again when the server has closed it in between:
/// questions may lie further apart than the server's `wait_timeout`.
#[derive(Debug)]
pub(crate) struct CatalogConnection {
    endpoint: Endpoint,
    timeouts: Timeouts,
    connection: Option<Connection>,
}

impl CatalogConnection {
    pub(crate) fn new(endpoint: Endpoint, timeouts: Timeouts) -> Self {
        Self { endpoint, timeouts, connection: None }
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
    fn table(&mut self, database: &str, table: &str) -> Result<Option<TableSchema>, Error> {
        self.ask(|connection| load_table(connection, database, table))
    }

    fn all(&mut self, selection: &Selection) -> Result<Vec<TableSchema>, Error> {
        self.ask(|connection| load(connection, selection)).map(|catalog| catalog.tables)
    }

    fn keys(&mut self, database: &str, table: &str) -> Result<Option<TableKeys>, Error> {
        self.ask(|connection| load_keys(connection, database, table))
    }
}
