//! The catalog queries: a fixed number for any number of tables.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

use capture::Selection;
use change::{ColumnType, TableSchema, UniqueKey};

use super::column_type::{CatalogType, resolve};
use crate::Error;
use crate::connection::{Connection, Row, literal};
use crate::ddl::{ColumnDefinition, Definition, Key, KeyKind};

/// The definitions of a selection's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    /// In the order of database and table name.
    pub tables: Vec<TableSchema>,
    /// Columns whose tables are missing from `tables`, because their type is unknown.
    pub unknown: Vec<UnknownType>,
}

/// All that is defined in some databases, as later statements need to know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definitions {
    /// Databases with their default character sets.
    pub databases: Vec<(String, String)>,
    /// Tables, by database and name, in this order. Equal definitions are one.
    pub tables: Vec<(String, String, Arc<Definition>)>,
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
    /// Columns of MariaDB's own types (UUID, INET4, INET6, VECTOR), which the log shows as plain
    /// strings.
    pub plain_types: Vec<(String, ColumnType)>,
}

/// What servers and the services that host them keep for themselves.
pub const OWN_DATABASES: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// Loads the definitions of all tables that `selection` tracks; of the server's own only those named.
///
/// # Errors
/// The connection breaks, or the server refuses a query.
pub fn load(connection: &mut Connection, selection: &Selection) -> Result<Catalog, Error> {
    let selection = &selection.clone().reserving(&OWN_DATABASES);
    let databases = databases(connection, selection)?;
    let Some(condition) = within(&databases) else { return Ok(Catalog::default()) };
    let loaded = load_where(connection, &condition, |d, t| selection.tracks(d, t))?;
    let schema = |(database, table, definition): (String, String, Arc<Definition>)| {
        definition.schema(&database, &table)
    };
    Ok(Catalog { tables: loaded.tables.into_iter().map(schema).collect(), unknown: loaded.unknown })
}

/// Loads the definitions of all tables in databases that `selection` touches: also of those that it
/// does not track, since a statement may make one of them a table that it does.
///
/// # Errors
/// The connection breaks, or the server refuses a query.
pub fn load_definitions(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<Definitions, Error> {
    let databases = databases(connection, &selection.clone().reserving(&OWN_DATABASES))?;
    let Some(condition) = within(&databases) else { return Ok(Definitions::default()) };
    let loaded = load_where(connection, &condition, |_, _| true)?;
    Ok(Definitions { databases, ..loaded })
}

/// Databases that are touched, with their default character sets.
fn databases(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA";
    let answer = connection.query(sql)?;
    let rows = answer.rows.iter().map(|row| (row.text(0).to_owned(), row.text(1).to_owned()));
    Ok(rows.filter(|(database, _)| selection.touches(database)).collect())
}

/// `None` for no database at all.
fn within(databases: &[(String, String)]) -> Option<String> {
    let names: Vec<String> = databases.iter().map(|(database, _)| literal(database)).collect();
    (!names.is_empty()).then(|| format!("TABLE_SCHEMA IN ({})", names.join(",")))
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
    let definition = load_definition(connection, database, table)?;
    Ok(definition.map(|definition| definition.schema(database, table)))
}

/// The same, as later statements need to know it.
///
/// # Errors
/// As for [`load_table`].
pub fn load_definition(
    connection: &mut Connection,
    database: &str,
    table: &str,
) -> Result<Option<Definition>, Error> {
    let is_it = |d: &str, t: &str| d == database && t == table;
    let mut loaded = load_where(connection, &only(database, table), is_it)?;
    if let Some(unknown) = loaded.unknown.first() {
        return Err(Error::Unsupported(format!(
            "column {}.{}.{} has the type {}, which is not supported",
            unknown.database, unknown.table, unknown.column, unknown.column_type
        )));
    }
    Ok(loaded.tables.pop().map(|(_, _, definition)| Arc::unwrap_or_clone(definition)))
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
    let schema = load_table(connection, database, table)?;
    Ok(schema.map(|schema| TableKeys::of(&schema)))
}

/// The same for all tables that `selection` tracks, by database and name; of the server's own only those
/// named. A table with a column of an unknown type is missing.
///
/// # Errors
/// As for [`load`].
pub fn load_all_keys(
    connection: &mut Connection,
    selection: &Selection,
) -> Result<HashMap<(String, String), TableKeys>, Error> {
    let keys = |schema: TableSchema| {
        let keys = TableKeys::of(&schema);
        ((schema.database, schema.table), keys)
    };
    Ok(load(connection, selection)?.tables.into_iter().map(keys).collect())
}

impl TableKeys {
    /// What a definition says of them.
    #[must_use]
    pub fn of(schema: &TableSchema) -> Self {
        let names = |indexes: &[usize]| -> Vec<String> {
            let name = |index: &usize| Some(schema.columns.get(*index)?.name.clone());
            indexes.iter().filter_map(name).collect()
        };
        let plain = |kind: &ColumnType| {
            matches!(
                kind,
                ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6 | ColumnType::Vector
            )
        };
        let columns = schema.columns.iter().filter(|column| plain(&column.kind));
        let unique_key = |key: &UniqueKey| (key.name.clone(), names(&key.columns));
        Self {
            primary_key: names(&schema.primary_key),
            unique_keys: schema.unique_keys.iter().map(unique_key).collect(),
            plain_types: columns.map(|c| (c.name.clone(), c.kind.clone())).collect(),
        }
    }
}

/// Database and table.
type TableName = (String, String);

/// What was read of one table so far. Nothing relies on the order of rows: the catalog of some servers
/// sorts names without regard to case, which mixes the rows of `T` and `t`.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Its default character set.
    charset: Option<String>,
    /// By ordinal position. Many tables have the same few columns.
    columns: BTreeMap<u32, Rc<DraftColumn>>,
    keys: Vec<DraftKey>,
    /// Versioned by columns the catalog does not show.
    hidden_versioning: bool,
    /// The column of its own that holds the end of a row's life.
    row_end: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DraftColumn {
    name: String,
    /// The type; its text where it is unknown.
    kind: Result<ColumnType, String>,
    characters: Option<u32>,
}

#[derive(Debug)]
struct DraftKey {
    name: String,
    kind: KeyKind,
    /// By position in the key; `None` is an expression.
    parts: BTreeMap<u32, Option<String>>,
}

fn load_where(
    connection: &mut Connection,
    condition: &str,
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<Definitions, Error> {
    let mut drafts = BTreeMap::<TableName, Draft>::new();
    let name = |row: &Row| (row.text(0).to_owned(), row.text(1).to_owned());
    let tables = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_COLLATION FROM information_schema.TABLES \
         WHERE {condition} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE')"
    );
    connection.query_each(&tables, |row| {
        if wanted(row.text(0), row.text(1)) {
            drafts.insert(name(row), Draft::of_table(row));
        }
        Ok(())
    })?;
    let columns = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, \
         CHARACTER_SET_NAME, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, \
         DATETIME_PRECISION, GENERATION_EXPRESSION FROM information_schema.COLUMNS WHERE {condition}"
    );
    let mut shared = HashSet::new();
    connection.query_each(&columns, |row| {
        if let Some(draft) = drafts.get_mut(&name(row)) {
            draft.add_column(row, &mut shared);
        }
        Ok(())
    })?;
    drop(shared);
    let keys = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE \
         FROM information_schema.STATISTICS WHERE {condition}"
    );
    connection.query_each(&keys, |row| {
        if let Some(draft) = drafts.get_mut(&name(row)) {
            draft.add_key_part(row);
        }
        Ok(())
    })?;
    let mut loaded = Definitions::default();
    let mut shared = HashSet::new();
    for ((database, table), draft) in drafts {
        match draft.finish() {
            Ok(definition) => {
                loaded.tables.push((database, table, share(Arc::new(definition), &mut shared)));
            }
            Err((column, column_type)) => {
                loaded.unknown.push(UnknownType { database, table, column, column_type });
            }
        }
    }
    Ok(loaded)
}

impl Draft {
    /// Takes a row of `TABLES`, as `load_where` selects it.
    pub(super) fn of_table(row: &Row) -> Self {
        let charset = |collation: &str| collation.split('_').next().map(str::to_owned);
        Self {
            charset: row.cell(3).and_then(charset),
            hidden_versioning: row.text(2) == "SYSTEM VERSIONED",
            ..Self::default()
        }
    }

    /// Takes a row of `COLUMNS`, as `load_where` selects it.
    pub(super) fn add_column(&mut self, row: &Row, shared: &mut HashSet<Rc<DraftColumn>>) {
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
        if row.text(11).eq_ignore_ascii_case("ROW END") {
            self.row_end = Some(row.text(3).to_owned());
        }
        let is_counted = matches!(kind, Some(ColumnType::Char { .. } | ColumnType::VarChar { .. }));
        let column = DraftColumn {
            name: row.text(3).to_owned(),
            kind: kind.ok_or_else(|| row.text(5).to_owned()),
            characters: row.number(7).filter(|_| is_counted),
        };
        self.columns.insert(ordinal, share(Rc::new(column), shared));
    }

    /// Takes a row of `STATISTICS`, as `load_where` selects it.
    pub(super) fn add_key_part(&mut self, row: &Row) {
        let Some(part) = row.number(3) else { return };
        let name = row.text(2);
        let column = row.cell(4).map(str::to_owned);
        if let Some(key) = self.keys.iter_mut().find(|key| key.name == name) {
            key.parts.insert(part, column);
            return;
        }
        let kind = match (name, row.text(5)) {
            ("PRIMARY", _) => KeyKind::Primary,
            (_, "1") => KeyKind::Plain,
            _ => KeyKind::Unique,
        };
        let parts = BTreeMap::from([(part, column)]);
        self.keys.push(DraftKey { name: name.to_owned(), kind, parts });
    }

    /// The definition, or name and type of the first column whose type is unknown.
    pub(super) fn finish(self) -> Result<Definition, (String, String)> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in self.columns.into_values() {
            let DraftColumn { name, kind, characters } = &*column;
            let (name, characters) = (name.clone(), *characters);
            match kind {
                Ok(kind) => columns.push(ColumnDefinition { name, kind: kind.clone(), characters }),
                Err(column_type) => return Err((name, column_type.clone())),
            }
        }
        let key = |DraftKey { name, kind, parts }| Key {
            name,
            kind,
            parts: parts.into_values().collect(),
        };
        let keys = self.keys.into_iter().map(key).collect();
        let mut definition = Definition::new(self.charset, columns, keys);
        definition.row_end = self.row_end;
        Ok(if self.hidden_versioning { definition.with_hidden_versioning() } else { definition })
    }
}

/// The equal value that is there already, or this one from now on.
fn share<T: Clone + Eq + Hash>(value: T, shared: &mut HashSet<T>) -> T {
    if let Some(same) = shared.get(&value) {
        return same.clone();
    }
    shared.insert(value.clone());
    value
}

fn only(database: &str, table: &str) -> String {
    format!("TABLE_SCHEMA = {} AND TABLE_NAME = {}", literal(database), literal(table))
}
