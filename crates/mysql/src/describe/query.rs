//! The catalog queries: a fixed number for any number of tables.

use std::collections::BTreeMap;

use capture::Selection;
use change::{Column, ColumnType, TableSchema, UniqueKey};

use super::column_type::{CatalogType, resolve};
use crate::Error;
use crate::connection::{Connection, Row, literal};

/// The definitions of a selection's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// In the order of database and table name.
    pub tables: Vec<TableSchema>,
    /// Columns whose tables are missing from `tables`, because their type is unknown.
    pub unknown: Vec<UnknownType>,
}

/// A column whose type we do not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownType {
    /// Database of its table.
    pub database: String,
    /// Its table.
    pub table: String,
    /// Its name.
    pub column: String,
    /// Its type as the server writes it.
    pub column_type: String,
}

/// What the catalog adds to a table map with full metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableKeys {
    /// Names of the primary key's columns, in key order.
    pub primary_key: Vec<String>,
    /// Names of the other unique keys and of their columns, in key order.
    pub unique_keys: Vec<(String, Vec<String>)>,
    /// Columns of MariaDB's own types (UUID, INET4, INET6), which the log shows as plain strings.
    pub plain_types: Vec<(String, ColumnType)>,
}

/// Loads the definitions of all tables that `selection` tracks.
///
/// # Errors
/// The connection breaks, or the server refuses a query.
pub fn load(connection: &mut Connection, selection: &Selection) -> Result<Catalog, Error> {
    let databases = connection.query("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")?;
    let touched: Vec<String> = databases
        .rows
        .iter()
        .filter_map(|row| row.cell(0))
        .filter(|database| selection.touches(database))
        .map(literal)
        .collect();
    if touched.is_empty() {
        return Ok(Catalog::default());
    }
    let condition = format!("TABLE_SCHEMA IN ({})", touched.join(","));
    load_where(connection, &condition, |database, table| selection.tracks(database, table))
}

/// Loads one table's definition; `None` if there is no such table.
///
/// # Errors
/// The connection breaks, the server refuses a query, or a column's type is unknown.
pub fn load_table(
    connection: &mut Connection,
    database: &str,
    table: &str,
) -> Result<Option<TableSchema>, Error> {
    let is_it = |d: &str, t: &str| d == database && t == table;
    let mut catalog = load_where(connection, &only(database, table), is_it)?;
    if let Some(unknown) = catalog.unknown.first() {
        return Err(Error::Unsupported(format!(
            "column {}.{}.{} has the type {}, which is not supported",
            unknown.database, unknown.table, unknown.column, unknown.column_type
        )));
    }
    Ok(catalog.tables.pop())
}

/// Loads what the log does not say even with `binlog_row_metadata=FULL`; `None` if there is no such
/// table.
///
/// # Errors
/// As for [`load_table`].
pub fn load_keys(
    connection: &mut Connection,
    database: &str,
    table: &str,
) -> Result<Option<TableKeys>, Error> {
    let Some(schema) = load_table(connection, database, table)? else { return Ok(None) };
    let names = |indexes: &[usize]| -> Vec<String> {
        indexes.iter().filter_map(|index| Some(schema.columns.get(*index)?.name.clone())).collect()
    };
    let unique_key = |key: &UniqueKey| (key.name.clone(), names(&key.columns));
    let plain = |kind: &ColumnType| {
        matches!(kind, ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6)
    };
    Ok(Some(TableKeys {
        primary_key: names(&schema.primary_key),
        unique_keys: schema.unique_keys.iter().map(unique_key).collect(),
        plain_types: schema
            .columns
            .iter()
            .filter(|column| plain(&column.kind))
            .map(|column| (column.name.clone(), column.kind.clone()))
            .collect(),
    }))
}

/// Database and table.
type TableName = (String, String);

/// What was read of one table so far. Nothing relies on the order of rows: the catalog of some servers
/// sorts names without regard to case, which mixes the rows of `T` and `t`.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// By ordinal position.
    columns: BTreeMap<u32, (String, Option<ColumnType>, String)>,
    /// By key name, then by position in the key; `None` is an expression.
    unique_keys: BTreeMap<String, BTreeMap<u32, Option<String>>>,
    /// Versioned by columns the catalog does not show.
    hidden_versioning: bool,
}

fn load_where(
    connection: &mut Connection,
    condition: &str,
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<Catalog, Error> {
    let mut drafts = BTreeMap::<TableName, Draft>::new();
    let name = |row: &Row| (row.text(0).to_owned(), row.text(1).to_owned());
    let tables = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES \
         WHERE {condition} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')"
    );
    connection.query_each(&tables, |row| {
        if wanted(row.text(0), row.text(1)) {
            let versioned = row.text(2) == "SYSTEM VERSIONED";
            let draft = if versioned { Draft::versioned() } else { Draft::default() };
            drafts.insert(name(row), draft);
        }
        Ok(())
    })?;
    let columns = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, \
         CHARACTER_SET_NAME, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, \
         DATETIME_PRECISION, GENERATION_EXPRESSION FROM information_schema.COLUMNS WHERE {condition}"
    );
    connection.query_each(&columns, |row| {
        if let Some(draft) = drafts.get_mut(&name(row)) {
            draft.add_column(row);
        }
        Ok(())
    })?;
    let keys = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME \
         FROM information_schema.STATISTICS WHERE {condition} AND NON_UNIQUE = 0"
    );
    connection.query_each(&keys, |row| {
        if let Some(draft) = drafts.get_mut(&name(row)) {
            draft.add_key_part(row);
        }
        Ok(())
    })?;
    let mut catalog = Catalog::default();
    for ((database, table), draft) in drafts {
        match draft.finish(database, table) {
            Ok(schema) => catalog.tables.push(schema),
            Err(unknown) => catalog.unknown.push(unknown),
        }
    }
    Ok(catalog)
}

impl Draft {
    /// A table versioned by the server, its columns not seen yet.
    pub(super) fn versioned() -> Self {
        Self { hidden_versioning: true, ..Self::default() }
    }

    /// Takes a row of `COLUMNS`, as `load_where` selects it.
    pub(super) fn add_column(&mut self, row: &Row) {
        let Some(ordinal) = row.number(2) else { return };
        let kind = resolve(CatalogType {
            data_type: row.text(4),
            column_type: row.text(5),
            charset: row.cell(6),
            length: row.number(7),
            precision: row.number(8),
            scale: row.number(9),
            fraction: row.number(10),
        });
        if row.text(11).eq_ignore_ascii_case("ROW START") {
            self.hidden_versioning = false;
        }
        self.columns.insert(ordinal, (row.text(3).to_owned(), kind, row.text(5).to_owned()));
    }

    /// Takes a row of `STATISTICS`, as `load_where` selects it.
    pub(super) fn add_key_part(&mut self, row: &Row) {
        let Some(part) = row.number(3) else { return };
        let key = self.unique_keys.entry(row.text(2).to_owned()).or_default();
        key.insert(part, row.cell(4).map(str::to_owned));
    }

    /// The definition, or the first column whose type is unknown.
    pub(super) fn finish(
        self,
        database: String,
        table: String,
    ) -> Result<TableSchema, UnknownType> {
        let mut columns = Vec::with_capacity(self.columns.len() + 2);
        for (name, kind, column_type) in self.columns.into_values() {
            let Some(kind) = kind else {
                return Err(UnknownType { database, table, column: name, column_type });
            };
            columns.push(Column { name, kind });
        }
        if self.hidden_versioning {
            let kind = ColumnType::Timestamp { fraction: 6 };
            columns.extend(
                ["row_start", "row_end"]
                    .map(|name| Column { name: name.to_owned(), kind: kind.clone() }),
            );
        }
        let indexes = |parts: &BTreeMap<u32, Option<String>>| -> Option<Vec<usize>> {
            let find = |name: &str| columns.iter().position(|column| column.name == name);
            parts.values().map(|name| find(name.as_deref()?)).collect()
        };
        let mut primary_key = Vec::new();
        let mut unique_keys = Vec::new();
        for (name, parts) in &self.unique_keys {
            // A key over an expression has no columns to name.
            let Some(columns) = indexes(parts) else { continue };
            if name == "PRIMARY" {
                primary_key = columns;
            } else {
                unique_keys.push(UniqueKey { name: name.clone(), columns });
            }
        }
        Ok(TableSchema::new(database, table, columns, primary_key, unique_keys))
    }
}

fn only(database: &str, table: &str) -> String {
    format!("TABLE_SCHEMA = {} AND TABLE_NAME = {}", literal(database), literal(table))
}
