//! The tables of a dump: which are tracked, and how their rows are decoded.
//!
//! With `binlog_row_metadata=FULL` the log describes its tables; the server is asked only for what
//! stands nowhere in the log (unique keys, MariaDB's own types). With `MINIMAL` the definition comes
//! from the schema history or the server's catalog, and is checked against the log's column types. A
//! statement that names a table ends its definition there, in the history too: what it is behind the
//! statement is looked up at the next row.

use std::collections::{BTreeMap, HashMap};
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
    /// The definitions of all tables that are tracked.
    fn all(&mut self, selection: &Selection) -> Result<Vec<TableSchema>, Error>;
    /// What the log does not say of a table; `None` if there is no such table.
    fn keys(&mut self, database: &str, table: &str) -> Result<Option<TableKeys>, Error>;
}

/// The tables of a dump, by the ids that the log gives them.
#[derive(Debug)]
pub(crate) struct Tables<'a> {
    selection: Selection,
    definitions: &'a mut dyn Definitions,
    history: &'a dyn SchemaHistory,
    known: HashMap<Name, Versions>,
    bound: HashMap<TableId, Entry>,
    /// The newest id of each table. Servers give a new one whenever they open a table anew, and
    /// statements that are under way do not mix them.
    ids: HashMap<Name, TableId>,
}

/// Database and table.
type Name = (String, String);

/// Definitions of one table by the sort key of the position they became valid at; `None` from where
/// nothing is known.
type Versions = BTreeMap<String, Option<Arc<TableSchema>>>;

/// A table map that was seen.
#[derive(Debug)]
struct Entry {
    /// The event's body, id and all: equal bytes need no second look.
    body: Vec<u8>,
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

/// Tables kept by their ids.
const BOUND_MAX: usize = 20_000;

impl<'d> Tables<'d> {
    /// Loads the schema history.
    pub(crate) fn new(
        selection: Selection,
        definitions: &'d mut dyn Definitions,
        history: &'d dyn SchemaHistory,
    ) -> Result<Self, Failure> {
        let mut known = HashMap::<_, Versions>::new();
        for entry in history.load()? {
            let versions = known.entry((entry.database, entry.table)).or_default();
            versions.insert(entry.valid_from, entry.schema.map(Arc::new));
        }
        let (bound, ids) = Default::default();
        Ok(Self { selection, definitions, history, known, bound, ids })
    }

    /// For a log that does not describe its tables, at the first start: takes the server's definitions
    /// as those valid from `at` on, before a statement behind `at` can change them.
    pub(crate) fn load_all(&mut self, at: &BinlogPosition) -> Result<(), Failure> {
        if !self.known.is_empty() {
            return Ok(());
        }
        let valid_from = at.sort_key();
        let entry = |schema: TableSchema| HistoryEntry {
            valid_from: valid_from.clone(),
            database: schema.database.clone(),
            table: schema.table.clone(),
            schema: Some(schema),
            definition: None,
        };
        let current = self.definitions.all(&self.selection)?;
        let entries: Vec<_> = current.into_iter().map(entry).collect();
        self.history.append_all(&entries)?;
        for HistoryEntry { valid_from, database, table, schema, .. } in entries {
            let versions = self.known.entry((database, table)).or_default();
            versions.insert(valid_from, schema.map(Arc::new));
        }
        Ok(())
    }

    /// Whether rows of this table are tracked.
    pub(crate) fn tracks(&self, database: &str, table: &str) -> bool {
        self.selection.tracks(database, table)
    }

    /// Whether any table of this database could be tracked.
    pub(crate) fn touches(&self, database: &str) -> bool {
        self.selection.touches(database)
    }

    /// Between groups: forgets the tables, should there be very many. Each group maps its own again.
    pub(crate) fn make_room(&mut self) {
        if self.bound.len() >= BOUND_MAX {
            self.bound.clear();
            self.ids.clear();
        }
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
        let name = (map.database.to_owned(), map.table.to_owned());
        if let Some(old) = self.ids.insert(name, map.id) {
            self.bound.remove(&old);
        }
        let entry =
            Entry { body: body.to_vec(), table: map.table.to_owned(), binding, stale: false };
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
    pub(crate) fn definition_changed(
        &mut self,
        statement: &str,
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        if keeps_columns(statement) {
            return Ok(());
        }
        let statement = statement.to_lowercase();
        let names = |table: &str| {
            let table = table.to_lowercase();
            table.contains(['`', '"']) || statement.contains(&table)
        };
        for entry in self.bound.values_mut() {
            entry.stale |= names(&entry.table);
        }
        let here = at.sort_key();
        for (name, versions) in &mut self.known {
            if names(&name.1) && newest(versions, at).is_some() {
                append(self.history, &here, name, None)?;
                versions.insert(here.clone(), None);
            }
        }
        Ok(())
    }

    fn binding(
        &mut self,
        map: &TableMap<'_>,
        at: &BinlogPosition,
    ) -> Result<TableBinding, Failure> {
        match TableBinding::from_metadata(map) {
            Ok(described) => self.with_keys(map, described),
            Err(DecodeError::MetadataMissing { .. }) => self.looked_up(map, at),
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

    /// The definition known to be valid at `at`; else what the server says now. Either must fit what the
    /// log says of the columns.
    fn looked_up(
        &mut self,
        map: &TableMap<'_>,
        at: &BinlogPosition,
    ) -> Result<TableBinding, Failure> {
        let name = (map.database.to_owned(), map.table.to_owned());
        let valid = self.known.get(&name).and_then(|versions| newest(versions, at));
        if let Some(schema) = valid
            && let Ok(binding) = TableBinding::with_schema(map, schema)
        {
            return Ok(binding);
        }
        let Some(current) = self.definitions.table(map.database, map.table)? else {
            return Err(Failure::UnknownTable(name.0, name.1));
        };
        let binding = TableBinding::with_schema(map, Arc::new(current))?;
        let here = at.sort_key();
        append(self.history, &here, &name, Some(binding.schema()))?;
        self.known.entry(name).or_default().insert(here, Some(Arc::clone(binding.schema())));
        Ok(binding)
    }
}

/// Statements that name a table and leave its columns as they are. A table that was emptied and then
/// dropped could otherwise not be decoded any more.
fn keeps_columns(statement: &str) -> bool {
    let first = statement.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next();
    let first = first.unwrap_or_default();
    ["TRUNCATE", "ANALYZE", "OPTIMIZE", "FLUSH"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// The definition that is valid at a position. Those of another server are not comparable, and older
/// ones of this server are followed by what ended them.
fn newest(versions: &Versions, at: &BinlogPosition) -> Option<Arc<TableSchema>> {
    let here = at.sort_key();
    let (valid_from, schema) = versions.range(..=here).next_back()?;
    let server = valid_from.split_once(' ')?.0;
    schema.clone().filter(|_| server == at.server)
}

fn append(
    history: &dyn SchemaHistory,
    valid_from: &str,
    name: &Name,
    schema: Option<&Arc<TableSchema>>,
) -> Result<(), Failure> {
    let (database, table) = name.clone();
    let schema = schema.map(|schema| TableSchema::clone(schema));
    let valid_from = valid_from.into();
    Ok(history.append(&HistoryEntry { valid_from, database, table, schema, definition: None })?)
}

/// The table id that a TABLE_MAP event starts with, in the six bytes of every server since 5.1.4.
fn table_id(body: &[u8]) -> Option<TableId> {
    let [a, b, c, d, e, f] = *body.first_chunk::<6>()?;
    Some(TableId(u64::from_le_bytes([a, b, c, d, e, f, 0, 0])))
}
