//! A MySQL or MariaDB server as a [`capture::Inspector`]: rows and keys by ordinary SELECTs.
//!
//! One connection in autocommit mode, so each statement is a consistent read of its own and nothing is
//! locked. SELECT on the tables and REPLICATION CLIENT (MariaDB: BINLOG MONITOR) are all it needs.
//! Where the server's log ends is told by file and offset, because the log is written before a change
//! becomes visible, while a GTID set may be updated later.

mod cell;
mod effect;
mod literal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use capture::{
    ErrorKind, InspectError, InspectedTable, Inspector, KeyMark, Selection, SourceError,
    TableEffect,
};
use change::{ColumnType, Position, Resume as _, TableSchema, UniqueKey, Value};

use crate::Error;
use crate::connection::{
    Connection, Endpoint, Flavour, Timeouts, explain, literal as text_literal,
};
use crate::ddl::{Context, Dialect};
use crate::describe::{self, UnknownType};
use crate::source::{BinlogPosition, file_number};

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

/// Why the rows of a table cannot be compared, by database and name.
type SpecialTables = BTreeMap<(String, String), &'static str>;

/// Tables whose rows are not what a SELECT shows.
fn special_tables(connection: &mut Connection, condition: &str) -> Result<SpecialTables, Error> {
    let mut special = SpecialTables::new();
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES \
         WHERE {condition} AND TABLE_TYPE IN ('SYSTEM VERSIONED', 'SEQUENCE')"
    );
    connection.query_each(&sql, |row| {
        let why = match row.text(2) {
            "SEQUENCE" => "it is a sequence",
            _ => "it keeps versions of its rows",
        };
        special.insert((row.text(0).to_owned(), row.text(1).to_owned()), why);
        Ok(())
    })?;
    Ok(special)
}

/// Finds the columns that tell a table's rows apart.
fn inspected(
    connection: &mut Connection,
    schema: TableSchema,
    special: &SpecialTables,
) -> Result<InspectedTable, Error> {
    if let Some(why) = special.get(&(schema.database.clone(), schema.table.clone())) {
        return Ok(InspectedTable { schema, key: Err(why) });
    }
    if !schema.primary_key.is_empty() {
        let key = Ok(schema.primary_key.clone());
        return Ok(InspectedTable { schema, key });
    }
    let nullable = connection.query(&format!(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE {} AND IS_NULLABLE = 'YES'",
        only(&schema)
    ))?;
    let nullable: BTreeSet<&str> = nullable.rows.iter().map(|row| row.text(0)).collect();
    let key = unique_key(&schema, &nullable).ok_or("it has no key without NULL");
    Ok(InspectedTable { schema, key })
}

fn only(schema: &TableSchema) -> String {
    let (database, table) = (text_literal(&schema.database), text_literal(&schema.table));
    format!("TABLE_SCHEMA = {database} AND TABLE_NAME = {table}")
}

/// The shortest unique key whose columns are never NULL.
fn unique_key(schema: &TableSchema, nullable: &BTreeSet<&str>) -> Option<Vec<usize>> {
    let never_null = |key: &&UniqueKey| {
        !key.columns.is_empty()
            && key.columns.iter().all(|index| {
                let column = schema.columns.get(*index);
                column.is_some_and(|column| !nullable.contains(column.name.as_str()))
            })
    };
    let keys = schema.unique_keys.iter().filter(never_null);
    keys.min_by_key(|key| key.columns.len()).map(|key| key.columns.clone())
}

/// Names and types of the key's columns.
fn key_columns(table: &InspectedTable) -> Vec<(&str, &ColumnType)> {
    let indexes = table.key.as_deref().unwrap_or_default();
    let column = |index: &usize| table.schema.columns.get(*index);
    indexes.iter().filter_map(column).map(|c| (c.name.as_str(), &c.kind)).collect()
}

/// All columns of the rows with these keys; `None` if none of the keys can be asked for.
fn rows_query(table: &InspectedTable, keys: &[Vec<Value<'_>>]) -> Option<String> {
    let key = key_columns(table);
    let mut sql = String::from("SELECT ");
    for (index, column) in table.schema.columns.iter().enumerate() {
        if index > 0 {
            sql.push(',');
        }
        cell::push_expression(&mut sql, &column.name, &column.kind);
    }
    sql.push_str(" FROM ");
    literal::push_table(&mut sql, &table.schema);
    sql.push_str(" WHERE ");
    let mut any = false;
    for values in keys {
        let mut condition = String::new();
        let complete = !key.is_empty()
            && values.len() == key.len()
            && key.iter().zip(values).enumerate().all(|(index, ((name, kind), value))| {
                condition.push_str(if index == 0 { "(" } else { " AND " });
                literal::push_name(&mut condition, name);
                condition.push('=');
                literal::push_value(&mut condition, kind, value)
            });
        if complete {
            sql.push_str(if any { " OR " } else { "" });
            sql.push_str(&condition);
            sql.push(')');
            any = true;
        }
    }
    any.then_some(sql)
}

/// A page of keys. Labels are ordered by their number, so that is selected too.
fn keys_query(table: &InspectedTable, after: Option<&KeyMark>, limit: usize) -> Option<String> {
    let key = key_columns(table);
    if key.is_empty() {
        return None;
    }
    let mut sql = String::from("SELECT ");
    for (index, (name, kind)) in key.iter().enumerate() {
        if index > 0 {
            sql.push(',');
        }
        cell::push_expression(&mut sql, name, kind);
    }
    for (name, _) in key.iter().filter(|(_, kind)| has_labels(kind)) {
        sql.push(',');
        push_order(&mut sql, name, true);
    }
    sql.push_str(" FROM ");
    literal::push_table(&mut sql, &table.schema);
    if let Some(KeyMark(mark)) = after {
        sql.push_str(" WHERE ");
        push_behind(&mut sql, &key, mark);
    }
    sql.push_str(" ORDER BY ");
    for (index, (name, _)) in key.iter().enumerate() {
        if index > 0 {
            sql.push(',');
        }
        literal::push_name(&mut sql, name);
    }
    sql.push_str(&format!(" LIMIT {limit}"));
    Some(sql)
}

/// `a > 1 OR (a = 1 AND b > 2)`: a comparison of whole rows would not use an index.
fn push_behind(sql: &mut String, key: &[(&str, &ColumnType)], mark: &str) {
    let bounds: Vec<&str> = mark.split(BETWEEN_BOUNDS).collect();
    for last in 0..key.len() {
        sql.push_str(if last == 0 { "(" } else { " OR (" });
        for (index, ((name, kind), bound)) in key.iter().zip(&bounds).take(last + 1).enumerate() {
            if index > 0 {
                sql.push_str(" AND ");
            }
            push_order(sql, name, has_labels(kind));
            sql.push_str(if index == last { ">" } else { "=" });
            sql.push_str(bound);
        }
        sql.push(')');
    }
}

fn push_order(sql: &mut String, name: &str, as_number: bool) {
    literal::push_name(sql, name);
    if as_number {
        sql.push_str("+0");
    }
}

const fn has_labels(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Enum { .. } | ColumnType::Set { .. })
}

/// The bounds of the page behind a key. `numbers` are those of its labels.
fn mark<'c>(
    key: &[(&str, &ColumnType)],
    values: &[Value<'_>],
    mut numbers: impl Iterator<Item = Option<&'c [u8]>>,
) -> Option<KeyMark> {
    let mut bounds = Vec::with_capacity(key.len());
    for ((_, kind), value) in key.iter().zip(values) {
        let mut bound = String::new();
        if has_labels(kind) {
            let digits = std::str::from_utf8(numbers.next()??).ok()?;
            let number: u64 = digits.parse().ok()?;
            bound.push_str(&number.to_string());
        } else if !literal::push_value(&mut bound, kind, value) {
            return None;
        }
        bounds.push(bound);
    }
    Some(KeyMark(bounds.join(BETWEEN_BOUNDS)))
}

/// Stands in no literal: text is hexadecimal there.
const BETWEEN_BOUNDS: &str = "\n";
