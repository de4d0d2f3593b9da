//! A MySQL or MariaDB server as a [`capture::Inspector`]: rows and keys by ordinary SELECTs.
//!
//! One connection in autocommit mode, so each statement is a consistent read of its own and nothing is
//! locked. SELECT on the tables and REPLICATION CLIENT (MariaDB: BINLOG MONITOR) are all it needs.
//! Where the server's log ends is told by file and offset, because the log is written before a change
//! becomes visible, while a GTID set may be updated later.

mod cell;
mod effect;
mod literal;
mod query;
mod tables;
#[cfg(test)]
mod tests;

use capture::{
    ErrorKind, InspectError, InspectedTable, Inspector, KeyMark, Selection, SourceError,
    TableEffect,
};
use change::{ColumnType, Position, Resume as _, TableSchema, Value};

use crate::Error;
use crate::connection::{Connection, Endpoint, Flavour, Timeouts, explain};
use crate::ddl::{Context, Dialect};
use crate::describe::{self, UnknownType};
use crate::source::{BinlogPosition, file_number};
use query::{key_columns, keys_query, mark, rows_query};
use tables::{inspected, only, special_tables};

/// A server that is asked for rows.
#[derive(Debug)]
pub struct MySqlInspector {
    endpoint: Endpoint,
    timeouts: Timeouts,
    /// Made when it is first needed, and again after it broke.
    connection: Option<Connection>,
    /// How its statements are read.
    dialect: Dialect,
    /// Whether the server compares table names without regard to case.
    folds_names: bool,
    /// Tells the server apart from others whose files have the same names.
    server: String,
}

/// The longest row that is taken: what a packet can carry.
const ROW_BYTES_MAX: usize = 1 << 30;

impl MySqlInspector {
    /// An inspector that is not connected yet.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            timeouts: Timeouts::default(),
            connection: None,
            dialect: Dialect::MySql { version: 80_000 },
            folds_names: false,
            server: String::new(),
        }
    }

    /// Does something on the connection, which is dropped if it may be broken.
    fn on<T>(&mut self, act: impl FnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let result = act(&mut connection);
        if matches!(result, Ok(_) | Err(Error::Server(_))) {
            self.connection = Some(connection);
        }
        result
    }

    fn connect(&mut self) -> Result<Connection, Error> {
        let mut connection = Connection::connect(&self.endpoint, self.timeouts)?;
        // Whatever the server's defaults are, each statement must see what is committed when it begins.
        connection.execute("SET SESSION autocommit = 1")?;
        connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
        connection.execute("SET SESSION character_set_results = NULL")?;
        let variables = connection.query(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('lower_case_table_names', 'server_id', 'server_uuid')",
        )?;
        let variable = |name: &str| {
            let row = variables.rows.iter().find(|row| row.text(0).eq_ignore_ascii_case(name));
            row.map(|row| row.text(1).to_owned())
        };
        self.dialect = Dialect::of(connection.version());
        self.folds_names = variable("lower_case_table_names").is_some_and(|fold| fold != "0");
        let number = || variable("server_id").map(|id| format!("server-id-{id}"));
        self.server = variable("server_uuid").or_else(number).unwrap_or_default();
        Ok(connection)
    }

    fn told(&self, error: Error) -> SourceError {
        explain(error, &self.endpoint, None)
    }

    /// Tells a table that is no longer as it was from everything else.
    fn reading(&self, error: Error) -> InspectError {
        if matches!(error, Error::Malformed { what: STRANGE_ROW, .. }) {
            return InspectError::Redefined;
        }
        match error.server_code() {
            // ER_BAD_DB_ERROR, ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE, ER_TABLE_DEF_CHANGED,
            // ER_UNKNOWN_TABLE
            Some(1049 | 1054 | 1146 | 1412 | 1109) => InspectError::Redefined,
            _ => InspectError::Failed(self.told(error)),
        }
    }
}

impl Inspector for MySqlInspector {
    fn tables(&mut self, selection: &Selection) -> Result<Vec<InspectedTable>, SourceError> {
        let found = self.on(|connection| {
            let catalog = describe::load(connection, selection)?;
            let special = special_tables(connection, "TRUE")?;
            let mut tables = Vec::with_capacity(catalog.tables.len());
            for schema in catalog.tables {
                tables.push(inspected(connection, schema, &special)?);
            }
            for UnknownType { database, table, .. } in catalog.unknown {
                let schema = TableSchema::new(database, table, vec![], vec![], vec![]);
                tables
                    .push(InspectedTable { schema, key: Err("the type of a column is not known") });
            }
            Ok(tables)
        });
        found.map_err(|error| self.told(error))
    }

    fn table(
        &mut self,
        database: &str,
        table: &str,
    ) -> Result<Option<InspectedTable>, SourceError> {
        let found = self.on(|connection| {
            let Some(schema) = describe::load_table(connection, database, table)? else {
                return Ok(None);
            };
            let special = special_tables(connection, &only(&schema))?;
            inspected(connection, schema, &special).map(Some)
        });
        found.map_err(|error| self.told(error))
    }

    fn rows(
        &mut self,
        table: &InspectedTable,
        keys: &[Vec<Value<'_>>],
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<(), InspectError> {
        let Some(sql) = rows_query(table, keys) else { return Ok(()) };
        let kinds: Vec<&ColumnType> = table.schema.columns.iter().map(|c| &c.kind).collect();
        self.on(|connection| {
            connection.query_raw(&sql, ROW_BYTES_MAX, |row| {
                let mut values = Vec::with_capacity(kinds.len());
                for (kind, cell) in kinds.iter().zip(row.cells()) {
                    values.push(cell::value(kind, cell).ok_or(STRANGE)?);
                }
                each(&values);
                Ok(())
            })
        })
        .map_err(|error| self.reading(error))
    }

    fn keys(
        &mut self,
        table: &InspectedTable,
        after: Option<&KeyMark>,
        limit: usize,
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<Option<KeyMark>, InspectError> {
        let Some(sql) = keys_query(table, after, limit) else { return Ok(None) };
        let key = key_columns(table);
        let mut count = 0_usize;
        let mut last = None;
        self.on(|connection| {
            connection.query_raw(&sql, ROW_BYTES_MAX, |row| {
                let mut values = Vec::with_capacity(key.len());
                let mut cells = row.cells();
                for (_, kind) in &key {
                    let cell = cells.next().flatten();
                    values.push(cell::value(kind, cell).ok_or(STRANGE)?);
                }
                count += 1;
                if count == limit {
                    last = mark(&key, &values, cells);
                }
                each(&values);
                Ok(())
            })
        })
        .map_err(|error| self.reading(error))?;
        Ok(last)
    }

    fn watermark(&mut self) -> Result<Position, SourceError> {
        let end = self.on(|connection| {
            let version = connection.version();
            let new = version.flavour == Flavour::MySql && version.is_at_least(8, 2, 0);
            let sql = if new { "SHOW BINARY LOG STATUS" } else { "SHOW MASTER STATUS" };
            connection.query(sql)
        });
        let end = end.map_err(|error| self.told(error))?;
        let row = end.first().ok_or_else(|| {
            SourceError::new(
                ErrorKind::Misconfigured,
                "binlog_off",
                "the server does not say where its log ends: it writes no binlog",
            )
        })?;
        let position = BinlogPosition {
            file: row.text(0).to_owned(),
            offset: row.number(1).unwrap_or_default(),
            server: self.server.clone(),
            ..BinlogPosition::default()
        };
        Ok(position.to_position())
    }

    fn has_reached(&self, read: &Position, mark: &Position) -> bool {
        let parse = |position: &Position| BinlogPosition::parse(position.as_str()).ok();
        let Some((read, mark)) = parse(read).zip(parse(mark)) else { return false };
        let place = |of: &BinlogPosition| Some((file_number(&of.file)?, of.offset));
        let one_server = read.server == mark.server || read.server.is_empty();
        one_server && place(&read).zip(place(&mark)).is_some_and(|(read, mark)| read >= mark)
    }

    fn effects(&self, database: &str, statement: &str) -> Vec<TableEffect> {
        let context = Context::new(self.dialect, database);
        let mut effects = effect::effects(&context, statement);
        if self.folds_names {
            for effect in &mut effects {
                effect.database = effect.database.to_lowercase();
                effect.table = effect.table.take().map(|table| table.to_lowercase());
            }
        }
        effects
    }
}

/// A cell that is no value of its column: the column is no longer what it was.
const STRANGE: Error =
    Error::Malformed { what: STRANGE_ROW, reason: "a cell is no value of its column" };
const STRANGE_ROW: &str = "a row of a table";
