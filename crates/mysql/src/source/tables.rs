//! The tables of a dump: which are tracked, and how their rows are decoded.
//!
//! With `binlog_row_metadata=FULL` the log describes its tables; the server is asked only for what
//! stands nowhere in the log (unique keys, MariaDB's own types). With `MINIMAL` the definition comes
//! from the schema history or the server's catalog, and is checked against the log's column types. A
//! statement that names a table makes its definition stale: it is looked up again at the next row.

use std::collections::HashMap;
use std::sync::Arc;

use capture::{HistoryEntry, SchemaHistory, Selection};
use change::{Column, TableSchema, UniqueKey};

use super::error::Failure;
use super::position::BinlogPosition;
use crate::Error;
use crate::binlog::{DecodeError, TableBinding, TableId, TableMap};
use crate::describe::TableKeys;

/// What the server's catalog says now.
pub(crate) trait Definitions: std::fmt::Debug {
    /// The definition of a table; `None` if there is no such table.
    fn table(&mut self, database: &str, table: &str) -> Result<Option<TableSchema>, Error>;
    /// What the log does not say of a table; `None` if there is no such table.
    fn keys(&mut self, database: &str, table: &str) -> Result<Option<TableKeys>, Error>;
}

/// The tables of a dump, by the ids that the log gives them.
#[derive(Debug)]
pub(crate) struct Tables<'a> {
    selection: Selection,
    definitions: &'a mut dyn Definitions,
    history: &'a dyn SchemaHistory,
    /// By database and table; oldest first, with the sort key of the position it became valid at.
    known: HashMap<(String, String), Vec<(String, Option<Arc<TableSchema>>)>>,
    bound: HashMap<TableId, Entry>,
}

/// A table map that was seen.
#[derive(Debug)]
struct Entry {
    /// The event's body, id and all: equal bytes need no second look.
    body: Vec<u8>,
    database: String,
    table: String,
    /// `None` for tables that are not tracked.
    binding: Option<TableBinding>,
    /// A statement has named the table since.
    stale: bool,
}

/// How rows of a table id are to be handled.
#[derive(Debug)]
pub(crate) enum Bound<'a> {
    /// Decode them with this.
    Tracked(&'a TableBinding),
    /// Skip them.
    Untracked,
    /// The log never described the id.
    Unknown,
}

/// Table ids kept. Servers give a new id whenever they open a table anew, so old ones pile up.
const BOUND_MAX: usize = 100_000;

impl<'d> Tables<'d> {
    /// Loads the schema history.
    pub(crate) fn new(
        selection: Selection,
        definitions: &'d mut dyn Definitions,
        history: &'d dyn SchemaHistory,
    ) -> Result<Self, Failure> {
        let mut known = HashMap::<_, Vec<_>>::new();
        for entry in history.load()? {
            let versions = known.entry((entry.database, entry.table)).or_default();
            versions.push((entry.valid_from, entry.schema.map(Arc::new)));
        }
        Ok(Self { selection, definitions, history, known, bound: HashMap::new() })
    }

    /// Whether a TABLE_MAP event with this body says what is known already.
    pub(crate) fn knows(&self, body: &[u8]) -> bool {
        table_id(body)
            .and_then(|id| self.bound.get(&id))
            .is_some_and(|entry| !entry.stale && entry.body == body)
    }

    /// Takes a table map.
    pub(crate) fn bind(
        &mut self,
        map: &TableMap<'_>,
        body: &[u8],
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        let binding = if self.selection.tracks(map.database, map.table) {
            Some(self.binding(map, at)?)
        } else {
            None
        };
        if self.bound.len() >= BOUND_MAX {
            self.bound.clear();
        }
        let entry = Entry {
            body: body.to_vec(),
            database: map.database.to_owned(),
            table: map.table.to_owned(),
            binding,
            stale: false,
        };
        self.bound.insert(map.id, entry);
        Ok(())
    }

    /// How rows of this table are to be handled.
    pub(crate) fn get(&self, id: TableId) -> Bound<'_> {
        match self.bound.get(&id) {
            Some(Entry { binding: Some(binding), .. }) => Bound::Tracked(binding),
            Some(_) => Bound::Untracked,
            None => Bound::Unknown,
        }
    }

    /// A statement may have changed definitions: those of all tables that it names are stale. A name
    /// with a backtick stands in the text in another form, so its table is always taken as named.
    pub(crate) fn definition_changed(&mut self, statement: &str) {
        let statement = statement.to_lowercase();
        for entry in self.bound.values_mut() {
            let table = entry.table.to_lowercase();
            entry.stale |= table.contains('`') || statement.contains(&table);
        }
    }

    fn binding(
        &mut self,
        map: &TableMap<'_>,
        at: &BinlogPosition,
    ) -> Result<TableBinding, Failure> {
        match TableBinding::from_metadata(map) {
            Ok(described) => self.with_keys(map, described),
            Err(DecodeError::MetadataMissing { .. }) => self.from_elsewhere(map, at),
            Err(error) => Err(error.into()),
        }
    }

    /// Adds what the log does not say. The catalog may be ahead of the log, so anything that does not
    /// fit the columns of the log is left out.
    fn with_keys(
        &mut self,
        map: &TableMap<'_>,
        described: TableBinding,
    ) -> Result<TableBinding, Failure> {
        let Some(keys) = self.definitions.keys(map.database, map.table)? else {
            return Ok(described);
        };
        if keys.unique_keys.is_empty() && keys.plain_types.is_empty() {
            return Ok(described);
        }
        let schema = described.schema();
        let columns: Vec<Column> = schema
            .columns
            .iter()
            .map(|column| {
                let plain = keys.plain_types.iter().find(|(name, _)| *name == column.name);
                let kind = plain.map_or_else(|| column.kind.clone(), |(_, kind)| kind.clone());
                Column { name: column.name.clone(), kind }
            })
            .collect();
        let unique_keys = keys
            .unique_keys
            .into_iter()
            .filter_map(|(name, parts)| {
                let index = |part: &String| columns.iter().position(|c| c.name == *part);
                let columns = parts.iter().map(index).collect::<Option<Vec<_>>>()?;
                Some(UniqueKey { name, columns })
            })
            .collect();
        let richer = TableSchema::new(
            schema.database.clone(),
            schema.table.clone(),
            columns,
            schema.primary_key.clone(),
            unique_keys,
        );
        Ok(TableBinding::with_schema(map, Arc::new(richer)).unwrap_or(described))
    }

    /// The newest known definition that was valid at `at`, unless a statement has made it stale; else
    /// what the server says now. Either must fit what the log says of the columns.
    fn from_elsewhere(
        &mut self,
        map: &TableMap<'_>,
        at: &BinlogPosition,
    ) -> Result<TableBinding, Failure> {
        let key = (map.database.to_owned(), map.table.to_owned());
        let here = at.sort_key();
        let stale = self
            .bound
            .values()
            .any(|entry| entry.stale && entry.database == map.database && entry.table == map.table);
        let valid = self.known.get(&key).and_then(|versions| {
            versions.iter().rev().find(|(valid_from, _)| *valid_from <= here)?.1.clone()
        });
        if let Some(schema) = valid.clone().filter(|_| !stale)
            && let Ok(binding) = TableBinding::with_schema(map, schema)
        {
            return Ok(binding);
        }
        let Some(current) = self.definitions.table(map.database, map.table)? else {
            // The server has dropped the table since; what it was before may still be known.
            return match valid {
                Some(schema) => Ok(TableBinding::with_schema(map, schema)?),
                None => Err(Failure::UnknownTable(key.0, key.1)),
            };
        };
        let current = Arc::new(current);
        let binding = TableBinding::with_schema(map, Arc::clone(&current))?;
        if valid.as_deref() != Some(&*current) {
            self.history.append(&HistoryEntry {
                valid_from: here.clone(),
                database: key.0.clone(),
                table: key.1.clone(),
                schema: Some(TableSchema::clone(&current)),
            })?;
            self.known.entry(key).or_default().push((here, Some(current)));
        }
        Ok(binding)
    }
}

/// The table id that a TABLE_MAP event starts with, in the six bytes of every server since 5.1.4.
fn table_id(body: &[u8]) -> Option<TableId> {
    let [a, b, c, d, e, f] = *body.first_chunk::<6>()?;
    Some(TableId(u64::from_le_bytes([a, b, c, d, e, f, 0, 0])))
}
