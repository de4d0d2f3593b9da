//! The definitions that are valid at the reader's place, and the history they are kept in.
//!
//! The statements of the log are followed by [`Model`]; each step becomes an entry of the history, by
//! the place where it became valid. An entry is a fact about the log of one server and stays one, so a
//! reader that comes back to an earlier place finds what was valid there. Where the server was asked,
//! the answer is kept too: asked again, it may already have moved on.

use std::collections::HashMap;
use std::sync::Arc;

use capture::{HistoryEntry, SchemaHistory};
use change::TableSchema;
use serde::{Deserialize, Serialize};

use super::Name;
use crate::ddl::{Context, DatabaseChange, Definition, Model, Table, TableChange, mentions};
use crate::describe;
use crate::source::error::Failure;
use crate::source::position::BinlogPosition;

/// The definitions at the reader's place. It moves on with the statements it is told of.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    history: &'a dyn SchemaHistory,
    /// The only table whose steps are kept, if there is one.
    only: Option<Name>,
    model: Model,
    /// Tables that an older release kept without all that following statements needs.
    plain: HashMap<Name, Arc<TableSchema>>,
    /// What an earlier run was answered at places that this run has yet to come to.
    answered: HashMap<(Name, String), Definition>,
    /// All definitions were loaded from the server once.
    is_loaded: bool,
    /// What is valid here is not in the history of this server yet: its place in a file was not known.
    is_unsaved: bool,
}

/// What an entry of the history says, as its text holds it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    /// The table is defined like this.
    Table(Definition),
    /// The table may exist; why it is not known how it is defined.
    Stale(String),
    /// There is no such table or database.
    Dropped,
    /// The database has this default character set.
    Database(Option<String>),
    /// All definitions of the server were loaded.
    Loaded,
}

/// Stands behind the place in an entry of a statement: it is valid from behind the statement on.
const BEHIND_STATEMENT: &str = "+";
/// Stands behind the place in an entry of what the server answered for a row there.
const ANSWERED: &str = "-";
/// Entries that are written at once.
const ENTRIES_AT_ONCE: usize = 500;

impl<'a> Timeline<'a> {
    /// What is valid at `at`. Where `moved_from` is a place on another server, it is what was valid
    /// there.
    pub(super) fn load(
        history: &'a dyn SchemaHistory,
        at: &BinlogPosition,
        moved_from: Option<&BinlogPosition>,
        only: Option<Name>,
    ) -> Result<Self, Failure> {
        let known_at = moved_from.unwrap_or(at);
        let (here, prefix) = (known_at.sort_key(), format!("{} ", known_at.server));
        let mut timeline = Self {
            history,
            only,
            model: Model::default(),
            plain: HashMap::new(),
            answered: HashMap::new(),
            is_loaded: false,
            is_unsaved: moved_from.is_some(),
        };
        let mut damaged = None;
        // Later entries replace earlier ones: they come in order.
        history.each(&mut |entry| {
            if !entry.valid_from.starts_with(&prefix) {
                return;
            }
            let is_behind = entry.valid_from > here;
            if let Err(error) = timeline.take(entry, is_behind) {
                damaged = Some(error);
            }
        })?;
        match damaged {
            Some(error) => Err(error.into()),
            None => Ok(timeline),
        }
    }

    fn take(&mut self, entry: HistoryEntry, is_behind: bool) -> Result<(), capture::HistoryError> {
        let HistoryEntry { valid_from, database, table, schema, definition } = entry;
        let kept = match definition {
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| capture::HistoryError(Box::new(error)))?,
            None => Kept::Stale("it was changed before this release followed statements".into()),
        };
        let name = (database, table);
        if is_behind {
            if let (true, Kept::Table(definition)) = (valid_from.ends_with(ANSWERED), kept) {
                self.answered.insert((name, valid_from), definition);
            }
            return Ok(());
        }
        self.plain.remove(&name);
        match kept {
            Kept::Table(definition) => self.model.set_table(&name.0, &name.1, definition),
            Kept::Stale(reason) => {
                self.model.set_stale(&name.0, &name.1, reason);
                if let Some(schema) = schema {
                    self.plain.insert(name, Arc::new(schema));
                }
            }
            Kept::Dropped => self.model.remove_table(&name.0, &name.1),
            Kept::Database(charset) => self.model.set_database(&name.0, charset),
            Kept::Loaded => self.is_loaded = true,
        }
        Ok(())
    }

    /// Forgets what is of no use to a reader that stands at `floor` or behind it.
    pub(super) fn forget_before(&self, floor: &str) -> Result<(), Failure> {
        if self.is_unsaved {
            return Ok(());
        }
        let since = floor.split_inclusive(' ').next().unwrap_or_default();
        Ok(self.history.forget(since, floor)?)
    }

    /// Whether all definitions were loaded from the server once.
    pub(super) fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// The definition that is valid here, if it is known.
    pub(super) fn schema(&self, name: &Name) -> Option<Arc<TableSchema>> {
        match self.model.table(&name.0, &name.1) {
            Some(Table::Known(definition)) => Some(Arc::new(definition.schema(&name.0, &name.1))),
            _ => self.plain.get(name).cloned(),
        }
    }

    /// What an earlier run was answered when it asked at this place.
    pub(super) fn answered_at(&self, name: &Name, at: &BinlogPosition) -> Option<&Definition> {
        self.answered.get(&(name.clone(), at.sort_key() + ANSWERED))
    }

    /// The server was asked at `at`, and the table is defined like this there.
    pub(super) fn answer(
        &mut self,
        name: &Name,
        definition: Definition,
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        self.put(name, definition, &(at.sort_key() + ANSWERED), at)
    }

    /// The table is defined like this from `at` on.
    pub(super) fn define(
        &mut self,
        name: &Name,
        definition: Definition,
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        self.put(name, definition, &at.sort_key(), at)
    }

    fn put(
        &mut self,
        name: &Name,
        definition: Definition,
        valid_from: &str,
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        self.save_unsaved(at)?;
        if !at.file.is_empty() {
            self.append(&[entry(valid_from, name, &Kept::Table(definition.clone()))?])?;
        }
        self.plain.remove(name);
        self.model.set_table(&name.0, &name.1, definition);
        Ok(())
    }

    /// Takes the definitions of a whole server, as they are valid at `at`. Of those that `is_unsure`
    /// names only the existence is taken.
    pub(super) fn put_all(
        &mut self,
        loaded: describe::Definitions,
        is_unsure: impl Fn(&Name) -> bool,
        at: &BinlogPosition,
    ) -> Result<(), Failure> {
        for (database, charset) in loaded.databases {
            self.model.set_database(&database, Some(charset));
        }
        for (database, table, definition) in loaded.tables {
            let name = (database, table);
            if let Some(Table::Known(_)) = self.model.table(&name.0, &name.1) {
                // What was followed up to here is sure.
                continue;
            }
            if is_unsure(&name) {
                let reason = "a statement further on in the log changes it".to_owned();
                self.model.set_stale(&name.0, &name.1, reason);
            } else {
                self.model.set_table(&name.0, &name.1, Arc::unwrap_or_clone(definition));
            }
        }
        self.is_loaded = true;
        self.is_unsaved = true;
        self.save_unsaved(at)
    }

    /// Writes down what is valid at `at`, once that is a place in a file.
    pub(super) fn save_unsaved(&mut self, at: &BinlogPosition) -> Result<(), Failure> {
        if !self.is_unsaved || at.file.is_empty() || self.only.is_some() {
            return Ok(());
        }
        let valid_from = at.sort_key();
        let mut entries = Vec::with_capacity(ENTRIES_AT_ONCE);
        for (database, charset) in self.model.databases() {
            let kept = Kept::Database(charset.map(str::to_owned));
            entries.push(entry(&valid_from, &(database.to_owned(), String::new()), &kept)?);
        }
        for (database, table, known) in self.model.tables() {
            if entries.len() >= ENTRIES_AT_ONCE {
                self.history.append_all(&entries)?;
                entries.clear();
            }
            let kept = kept(known);
            entries.push(entry(&valid_from, &(database.to_owned(), table.to_owned()), &kept)?);
        }
        // Written last: without it, all are loaded again.
        if self.is_loaded {
            entries.push(entry(&valid_from, &Name::default(), &Kept::Loaded)?);
        }
        self.history.append_all(&entries)?;
        self.is_unsaved = false;
        Ok(())
    }

    /// Follows a statement that stands at `at`. Answers the tables that it changed, or may have.
    pub(super) fn follow(
        &mut self,
        statement: &str,
        context: &Context<'_>,
        at: &BinlogPosition,
    ) -> Result<Vec<Name>, Failure> {
        self.save_unsaved(at)?;
        let dropped = if drops_database(statement) { self.names() } else { Vec::new() };
        let is_conditional = !self.is_loaded && is_conditional(statement);
        let effect = self.model.apply(statement, context);
        if let Some(reason) = &effect.not_understood {
            tracing::warn!(%reason, file = %at.file, offset = at.offset,
                "statement is not understood");
        }
        let valid_from = at.sort_key() + BEHIND_STATEMENT;
        let mut entries = Vec::new();
        let mut changed = Vec::new();
        for (database, change) in effect.databases {
            let name = (database, String::new());
            let kept = match change {
                DatabaseChange::Defined => Kept::Database(self.charset(&name.0)),
                DatabaseChange::Dropped => Kept::Dropped,
            };
            entries.push(entry(&valid_from, &name, &kept)?);
        }
        for name in dropped {
            if self.model.table(&name.0, &name.1).is_none() {
                entries.push(entry(&valid_from, &name, &Kept::Dropped)?);
                changed.push(name);
            }
        }
        for (name, change) in effect.tables {
            // A table that is not known may have been there before.
            if is_conditional && change == TableChange::Defined {
                let reason = "it may have existed before".to_owned();
                self.model.set_stale(&name.0, &name.1, reason);
            }
            self.plain.remove(&name);
            let kept = self.model.table(&name.0, &name.1).map_or(Kept::Dropped, kept);
            entries.push(entry(&valid_from, &name, &kept)?);
            changed.push(name);
        }
        for name in self.outdated_plain(statement, context) {
            self.plain.remove(&name);
            let kept = self.model.table(&name.0, &name.1).map_or(Kept::Dropped, kept);
            entries.push(entry(&valid_from, &name, &kept)?);
            changed.push(name);
        }
        self.append(&entries)?;
        Ok(changed)
    }

    /// Tables of an older release that a statement names.
    fn outdated_plain(&self, statement: &str, context: &Context<'_>) -> Vec<Name> {
        if self.plain.is_empty() {
            return Vec::new();
        }
        let named = mentions(statement, context).tables;
        self.plain.keys().filter(|name| named.contains(*name)).cloned().collect()
    }

    fn append(&self, entries: &[HistoryEntry]) -> Result<(), Failure> {
        let is_kept = |entry: &&HistoryEntry| {
            let is_it =
                |(database, table): &Name| *database == entry.database && *table == entry.table;
            self.only.as_ref().is_none_or(is_it)
        };
        let kept: Vec<_> = entries.iter().filter(is_kept).cloned().collect();
        if kept.is_empty() {
            return Ok(());
        }
        Ok(self.history.append_all(&kept)?)
    }

    fn names(&self) -> Vec<Name> {
        let name = |(database, table, _): (&str, &str, &Table)| (database.into(), table.into());
        self.model.tables().map(name).collect()
    }

    /// The default character set of a database, if it is known.
    pub(super) fn charset(&self, database: &str) -> Option<String> {
        let charset = self.model.databases().find(|(name, _)| *name == database)?.1;
        charset.map(str::to_owned)
    }
}

/// The table that a CREATE TABLE makes in the current database of `context`; else what is wrong with it.
pub(super) fn read_create(
    statement: &str,
    context: &Context<'_>,
    charset: Option<String>,
) -> Result<Definition, String> {
    let mut model = Model::default();
    model.set_database(context.database, charset);
    let effect = model.apply(statement, context);
    if let Some(reason) = effect.not_understood {
        return Err(reason.to_string());
    }
    match effect.tables.as_slice() {
        [((database, table), _)] => match model.table(database, table) {
            Some(Table::Known(definition)) => Ok(Definition::clone(definition)),
            Some(Table::Stale(reason)) => Err(reason.clone()),
            None => Err("it makes no table".into()),
        },
        _ => Err("it is not one CREATE TABLE".into()),
    }
}

fn kept(table: &Table) -> Kept {
    match table {
        Table::Known(definition) => Kept::Table(Definition::clone(definition)),
        Table::Stale(reason) => Kept::Stale(reason.clone()),
    }
}

fn entry(valid_from: &str, name: &Name, kept: &Kept) -> Result<HistoryEntry, Failure> {
    let text = serde_json::to_string(kept).map_err(|e| capture::HistoryError(Box::new(e)))?;
    let ((database, table), valid_from) = (name.clone(), valid_from.to_owned());
    Ok(HistoryEntry { valid_from, database, table, schema: None, definition: Some(text) })
}

/// Whether a statement may drop a whole database.
fn drops_database(statement: &str) -> bool {
    let head = head(statement);
    head.contains("DROP") && (head.contains("DATABASE") || head.contains("SCHEMA"))
}

/// Whether a statement may do nothing because a table is there already.
fn is_conditional(statement: &str) -> bool {
    head(statement).contains("EXISTS")
}

/// The first words of a statement, in upper case.
fn head(statement: &str) -> String {
    statement.chars().take(HEAD_CHARS).map(|c| c.to_ascii_uppercase()).collect()
}

/// Statements say what they are about in so many first characters.
const HEAD_CHARS: usize = 4096;

#[cfg(test)]
mod tests;
