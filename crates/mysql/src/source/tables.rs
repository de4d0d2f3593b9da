//! The tables of a dump: which are tracked, and how their rows are decoded.
//!
//! With `binlog_row_metadata=FULL` the log describes its tables; the server is asked only for what
//! stands nowhere in the log (unique keys, MariaDB's own types). With less, the definition is the one
//! that was followed through the log's statements up to the row, or one that the server gives if no
//! statement between the row and the end of its log names the table. Either must fit what the log says
//! of the columns. A table for which there is none is held back, or stops the task; nothing is guessed.

mod ahead;
mod hold;
mod keys;
mod timeline;

use std::collections::HashMap;
use std::sync::Arc;

use capture::{OnTableError, Quarantine, SchemaHistory, Selection};
use change::{Column, ColumnType, TableSchema};

use super::error::Failure;
use super::position::BinlogPosition;
use crate::Error;
use crate::binlog::{DecodeError, TableBinding, TableId, TableMap};
use crate::ddl::{Context, Definition};
use crate::describe::{self, TableKeys};
pub(crate) use ahead::{Ahead, log_place};
use timeline::Timeline;

/// What the server says besides its log.
pub(crate) trait Definitions: std::fmt::Debug {
    /// The definition of a table now; `None` if there is no such table.
    fn table(&mut self, database: &str, table: &str) -> Result<Option<Definition>, Error>;
    /// The definitions of all tables that may matter to a selection.
    fn all(&mut self, selection: &Selection) -> Result<describe::Definitions, Error>;
    /// What the log does not say of a table; `None` if there is no such table.
    fn keys(&mut self, name: &Name, selection: &Selection) -> Result<Option<TableKeys>, Error>;
    /// A statement of the log may have changed definitions: what the server said before may be behind it.
    fn statement_was_read(&mut self);
    /// Adds the statements that stand between `from` and the end of the log.
    fn read_ahead(&mut self, from: &BinlogPosition, ahead: &mut Ahead) -> Result<(), Failure>;
}

/// What a dump's tables are made of.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    /// Which tables are tracked.
    pub(crate) selection: Selection,
    /// The only one that is, if there is one.
    pub(crate) only: Option<Name>,
    /// Where the reader was on another server, if it was: what was valid there is valid here.
    pub(crate) moved_from: Option<BinlogPosition>,
    /// Where definitions are kept.
    pub(crate) history: &'a dyn SchemaHistory,
    /// Where tables are set aside.
    pub(crate) quarantine: &'a dyn Quarantine,
    /// What becomes of a table that cannot be decoded.
    pub(crate) on_table_error: OnTableError,
}

/// The tables of a dump, by the ids that the log gives them.
#[derive(Debug)]
pub(crate) struct Tables<'a> {
    setting: Setting<'a>,
    definitions: &'a mut dyn Definitions,
    timeline: Timeline<'a>,
    ahead: Ahead,
    /// Tables whose rows are held back, with the reason's machine code.
    held: HashMap<Name, String>,
    bound: HashMap<TableId, Entry>,
    /// The newest id of each table. Servers give a new one whenever they open a table anew, and
    /// statements that are under way do not mix them.
    ids: HashMap<Name, TableId>,
}

/// Database and table.
pub(crate) type Name = (String, String);

/// A table map that was seen.
#[derive(Debug)]
struct Entry {
    /// The event's body, id and all: equal bytes need no second look.
    body: Vec<u8>,
    name: Name,
    rows: Rows,
    /// A statement has named the table since.
    stale: bool,
}

/// What becomes of a table's rows.
#[derive(Debug)]
enum Rows {
    Tracked(Box<TableBinding>),
    Untracked,
    Held,
}

/// How rows of a table id are to be handled.
#[derive(Debug)]
pub(crate) enum Bound<'a> {
    /// Decode them with this.
    Tracked(&'a TableBinding),
    /// Skip them.
    Untracked,
    /// Skip them for now: they are held back.
    Held,
    /// The log never described the id.
    Unknown,
}

/// Tables kept by their ids.
const BOUND_MAX: usize = 20_000;

impl<'d> Tables<'d> {
    /// The tables as they are at `at`.
    pub(crate) fn new(
        setting: Setting<'d>,
        definitions: &'d mut dyn Definitions,
        at: &BinlogPosition,
    ) -> Result<Self, Failure> {
        let (moved_from, only) = (setting.moved_from.as_ref(), setting.only.clone());
        let timeline = Timeline::load(setting.history, at, moved_from, only)?;
        let mut held = HashMap::new();
        if setting.only.is_none() {
            let mut needed_from = at.sort_key();
            for table in setting.quarantine.tables()? {
                if let Ok(from) = BinlogPosition::parse(table.from.as_str()) {
                    needed_from = needed_from.min(from.sort_key());
                }
                held.insert((table.database, table.table), table.code);
            }
            timeline.forget_before(&needed_from)?;
        }
        let (ahead, bound, ids) = Default::default();
        Ok(Self { setting, definitions, timeline, ahead, held, bound, ids })
    }

    /// For a log that does not describe its tables, at the first start: takes the server's definitions
    /// as those valid from `at` on, but for tables that a statement behind `at` names.
    pub(crate) fn load_all(&mut self, at: &BinlogPosition) -> Result<(), Failure> {
        if self.timeline.is_loaded() {
            return Ok(());
        }
        let current = self.definitions.all(&self.setting.selection)?;
        for unknown in &current.unknown {
            tracing::warn!(database = %unknown.database, table = %unknown.table,
                column = %unknown.column, column_type = %unknown.column_type,
                "column has an unknown type");
        }
        self.definitions.read_ahead(at, &mut self.ahead)?;
        let here = log_place(at);
        let ahead = &self.ahead;
        self.timeline.put_all(current, |name| ahead.names(name, here).is_some(), at)
    }

    /// Where tables and events are set aside.
    pub(crate) fn quarantine(&self) -> &dyn Quarantine {
        self.setting.quarantine
    }

    /// Whether rows of this table are tracked.
    pub(crate) fn tracks(&self, database: &str, table: &str) -> bool {
        let is_it = |(d, t): &Name| d == database && t == table;
        self.setting.only.as_ref().is_none_or(is_it)
            && self.setting.selection.tracks(database, table)
    }

    /// Whether any table of this database could be tracked.
    pub(crate) fn touches(&self, database: &str) -> bool {
        self.setting.selection.touches(database)
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
        let rows = if !self.tracks(map.database, map.table) {
            Rows::Untracked
        } else if self.holds(map.database, map.table) {
            Rows::Held
        } else {
            Rows::Tracked(Box::new(self.binding(map, at)?))
        };
        self.keep(map, body, rows);
        Ok(())
    }

    fn keep(&mut self, map: &TableMap<'_>, body: &[u8], rows: Rows) {
        let name = (map.database.to_owned(), map.table.to_owned());
        if let Some(old) = self.ids.insert(name.clone(), map.id) {
            self.bound.remove(&old);
        }
        let entry = Entry { body: body.to_vec(), name, rows, stale: false };
        self.bound.insert(map.id, entry);
    }

    /// How rows of this table are to be handled.
    pub(crate) fn get(&self, id: TableId) -> Bound<'_> {
        match self.bound.get(&id).map(|entry| &entry.rows) {
            Some(Rows::Tracked(binding)) => Bound::Tracked(binding),
            Some(Rows::Untracked) => Bound::Untracked,
            Some(Rows::Held) => Bound::Held,
            None => Bound::Unknown,
        }
    }

    /// A statement may have changed definitions.
    pub(crate) fn definition_changed(
        &mut self,
        statement: &str,
        context: &Context<'_>,
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        self.definitions.statement_was_read();
        let changed = self.timeline.follow(statement, context, at)?;
        for entry in self.bound.values_mut() {
            entry.stale |= changed.contains(&entry.name);
        }
        Ok(())
    }

    fn binding(
        &mut self,
        map: &TableMap<'_>,
        at: &BinlogPosition,
    ) -> Result<TableBinding, Failure> {
        match TableBinding::from_metadata(map) {
            Ok(described) => self.with_keys(map, described, at),
            Err(DecodeError::MetadataMissing { .. }) => self.looked_up(map, at),
            Err(error) => Err(error.into()),
        }
    }
    /// The definition that is valid at `at`; else what the server says now, if that is how the table is
    /// at `at` too. Either must fit what the log says of the columns.
    fn looked_up(
        &mut self,
        map: &TableMap<'_>,
        at: &BinlogPosition,
    ) -> Result<TableBinding, Failure> {
        let name = (map.database.to_owned(), map.table.to_owned());
        if self.setting.only.is_none() {
            self.load_all(at)?;
        }
        self.timeline.save_unsaved(at)?;
        let mut misfit = None;
        let bind = |definition: &Definition| {
            let schema = as_logged(&definition.schema(map.database, map.table));
            TableBinding::with_schema(map, Arc::new(schema))
        };
        if let Some(schema) = self.timeline.schema(&name) {
            match TableBinding::with_schema(map, Arc::new(as_logged(&schema))) {
                Ok(binding) => return Ok(binding),
                Err(error) => misfit = Some((schema, error)),
            }
        }
        if let Some(answered) = self.timeline.answered_at(&name, at)
            && let Ok(binding) = bind(answered)
        {
            let answered = answered.clone();
            self.timeline.answer(&name, answered, at)?;
            return Ok(binding);
        }
        let Some(current) = self.definitions.table(map.database, map.table)? else {
            return Err(match misfit {
                Some((_, error)) => error.into(),
                None => Failure::UnknownTable(name.0, name.1),
            });
        };
        let binding = bind(&current)?;
        // A change that the log does not have was made. Of what it left in place nothing is known but
        // the order of columns, so only columns behind the known ones tell for sure what it was.
        if let Some((before, error)) = misfit
            && !binding.schema().columns.starts_with(&before.columns)
        {
            return Err(error.into());
        }
        self.check_ahead(&name, at)?;
        self.timeline.answer(&name, current, at)?;
        Ok(binding)
    }

    /// The default character set of a database, which a CREATE TABLE may lean on.
    fn default_charset(&mut self, database: &str) -> Result<Option<String>, Failure> {
        let known = self.timeline.charset(database);
        if known.is_some() {
            return Ok(known);
        }
        let databases = self.definitions.all(&self.setting.selection)?.databases;
        Ok(databases.into_iter().find(|(name, _)| name == database).map(|(_, charset)| charset))
    }

    /// Writes down how a table is defined from `at` on: as a person said, else as the server has it now,
    /// if no statement in between names it.
    pub(crate) fn define(
        &mut self,
        name: &Name,
        statement: Option<(&str, &Context<'_>)>,
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        let definition = match statement {
            Some((text, context)) => {
                let charset = self.default_charset(&name.0)?;
                timeline::read_create(text, context, charset)
                    .map_err(|reason| Failure::Definition { table: name.clone(), reason })?
            }
            None => {
                let current = self.definitions.table(&name.0, &name.1)?;
                let gone = || Failure::UnknownTable(name.0.clone(), name.1.clone());
                let current = current.ok_or_else(gone)?;
                self.check_ahead(name, at)?;
                current
            }
        };
        self.timeline.define(name, definition, at)
    }
}

/// The definition with the character sets called as the log's metadata are read: the catalogs of newer
/// servers say `utf8mb3` for `utf8`.
fn as_logged(schema: &TableSchema) -> TableSchema {
    let named = |charset: &String| {
        if charset == "utf8mb3" { "utf8".to_owned() } else { charset.clone() }
    };
    let kind = |kind: &ColumnType| match kind {
        ColumnType::Char { charset } => ColumnType::Char { charset: named(charset) },
        ColumnType::VarChar { charset } => ColumnType::VarChar { charset: named(charset) },
        ColumnType::Text { size, charset } => {
            ColumnType::Text { size: *size, charset: named(charset) }
        }
        other => other.clone(),
    };
    let column = |column: &Column| Column { name: column.name.clone(), kind: kind(&column.kind) };
    TableSchema::new(
        schema.database.clone(),
        schema.table.clone(),
        schema.columns.iter().map(column).collect(),
        schema.primary_key.clone(),
        schema.unique_keys.clone(),
    )
}

/// The table id that a TABLE_MAP event starts with, in the six bytes of every server since 5.1.4.
fn table_id(body: &[u8]) -> Option<TableId> {
    let [a, b, c, d, e, f] = *body.first_chunk::<6>()?;
    Some(TableId(u64::from_le_bytes([a, b, c, d, e, f, 0, 0])))
}
