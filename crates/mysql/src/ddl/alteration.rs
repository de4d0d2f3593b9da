//! What an `ALTER TABLE` makes of a definition.
//!
//! The order is that of the servers (`mysql_prepare_alter_table` in `sql/sql_table.cc`), not that of the
//! text: columns are dropped, changed and renamed in their places by their old names, all at once; then
//! columns are added and moved in the order of the text, by their new names; keys come last.

use change::ColumnType;

use super::alter::{AlterTable, Step};
use super::charsets::{CharsetSpec, bytes_per_character};
use super::column::{GENERATED_PRIMARY_KEY, Place};
use super::context::Context;
use super::create;
use super::data_type::{Charsets, TypeSpec, VarCharRule, size_of};
use super::definition::{ColumnDefinition, Definition, Key, is_same_name};
use super::key::{self, KeySpec};
use super::parser::NotUnderstood;

impl Definition {
    /// The definition after an `ALTER TABLE` in a database with this default character set.
    pub(super) fn altered(
        &self,
        alter: &AlterTable,
        database_charset: Option<&str>,
        context: &Context<'_>,
    ) -> Result<Self, NotUnderstood> {
        if self.columns.len() + alter.steps.len() > STEPS_MAX {
            return Err(NotUnderstood::Unfit("it has more columns than a table can have".into()));
        }
        let mut altered = Alteration {
            old: self,
            charset: self.charset.clone(),
            convert_to: None,
            varchar: VarCharRule::of(context),
            columns: Vec::with_capacity(self.columns.len() + 1),
            origins: Vec::with_capacity(self.columns.len() + 1),
        };
        altered.charsets(&alter.steps, database_charset)?;
        altered.keep_columns(&alter.steps)?;
        altered.place_columns(&alter.steps)?;
        let mut keys = altered.kept_keys(&alter.steps)?;
        let new_row_end = create::row_end(alter.steps.iter().filter_map(Step::new_column));
        let mut row_end = new_row_end.clone().or_else(|| self.row_end.clone());
        let mut hidden_versioning = self.hidden_versioning;
        for step in &alter.steps {
            match step {
                Step::AddVersioning => hidden_versioning = new_row_end.is_none(),
                Step::DropVersioning => (hidden_versioning, row_end) = (false, None),
                _ => {}
            }
        }
        key::add(&mut keys, &self.new_keys(&alter.steps, row_end.as_deref()), &alter.periods)?;
        let Alteration { charset, columns, .. } = altered;
        Ok(Self { charset, columns, keys, hidden_versioning, row_end })
    }

    /// Keys to add. Whether one exists is a question about the table as it was.
    fn new_keys(&self, steps: &[Step], row_end: Option<&str>) -> Vec<KeySpec> {
        let exists = |key: &KeySpec| {
            let asked = key.asked_name().filter(|_| key.if_not_exists);
            asked.is_some_and(|name| self.keys.iter().any(|old| is_same_name(&old.name, name)))
        };
        let key = |step: &Step| match step {
            Step::AddKey(key) if !exists(key) => Some(key.clone().with_row_end(row_end)),
            _ => None,
        };
        steps.iter().filter_map(key).collect()
    }

    /// Whether the first column may be the invisible primary key that MySQL adds. It stays the first.
    fn may_have_generated_primary_key(&self) -> bool {
        let first = self.columns.first();
        first.is_some_and(|column| {
            column.name == GENERATED_PRIMARY_KEY
                && column.kind == ColumnType::BigInt { unsigned: true }
        })
    }
}

/// Columns and steps together: a table has 4096 columns at most, each of which can be altered.
const STEPS_MAX: usize = 4 * 4_096;

/// An alteration under way.
struct Alteration<'a> {
    old: &'a Definition,
    charset: Option<String>,
    convert_to: Option<String>,
    varchar: VarCharRule,
    columns: Vec<ColumnDefinition>,
    /// What each of `columns` was called before.
    origins: Vec<Option<String>>,
}

impl Alteration<'_> {
    fn charsets(
        &mut self,
        steps: &[Step],
        database_charset: Option<&str>,
    ) -> Result<(), NotUnderstood> {
        for step in steps {
            let (Step::Convert(spec) | Step::Charset(spec)) = step else { continue };
            let charset = match spec {
                CharsetSpec::Named(charset) => Some((*charset).to_owned()),
                CharsetSpec::Inherited => database_charset.map(str::to_owned),
            };
            if matches!(step, Step::Convert(_)) {
                let known = charset.clone().ok_or_else(|| {
                    NotUnderstood::Unfit("the default character set is not known".into())
                })?;
                self.convert_to = Some(known);
            }
            self.charset = charset;
        }
        Ok(())
    }

    /// The charsets as a column sees them.
    fn for_column(&self) -> (Option<String>, Option<String>) {
        (self.charset.clone(), self.convert_to.clone())
    }

    fn resolve(
        &self,
        column: &super::column::ColumnSpec,
    ) -> Result<ColumnDefinition, NotUnderstood> {
        let (table, convert_to) = self.for_column();
        let (table, convert_to) = (table.as_deref(), convert_to.as_deref());
        let charsets = Charsets { table, convert_to, varchar: self.varchar };
        column.clone().resolve(charsets)
    }

    /// Old columns that stay, in their places, as they are from now on.
    fn keep_columns(&mut self, steps: &[Step]) -> Result<(), NotUnderstood> {
        self.check_names(steps)?;
        for column in &self.old.columns {
            let mut kept = Some(column.clone());
            let mut is_defined_anew = false;
            for step in steps {
                match step {
                    Step::DropColumn(name, _) if is_same_name(name, &column.name) => kept = None,
                    Step::ChangeColumn(name, new, _) if is_same_name(name, &column.name) => {
                        kept = Some(self.resolve(new)?);
                        is_defined_anew = true;
                    }
                    Step::RenameColumn(name, new, _) if is_same_name(name, &column.name) => {
                        if let Some(kept) = &mut kept {
                            kept.name.clone_from(new);
                        }
                    }
                    _ => {}
                }
            }
            let Some(mut kept) = kept else { continue };
            if let Some(charset) = &self.convert_to
                && !is_defined_anew
            {
                kept = converted(kept, charset, self.varchar)?;
            }
            self.columns.push(kept);
            self.origins.push(Some(column.name.clone()));
        }
        Ok(())
    }

    /// Refuses what the server would have refused: then this is not the table the statement was for.
    fn check_names(&self, steps: &[Step]) -> Result<(), NotUnderstood> {
        for step in steps {
            let (Step::DropColumn(name, optional)
            | Step::ChangeColumn(name, _, optional)
            | Step::RenameColumn(name, _, optional)) = step
            else {
                continue;
            };
            if !optional && self.old.position(name).is_none() {
                return Err(NotUnderstood::Unfit(format!("there is no column {name}")));
            }
        }
        Ok(())
    }

    /// New columns, and old ones that move.
    fn place_columns(&mut self, steps: &[Step]) -> Result<(), NotUnderstood> {
        for step in steps {
            match step {
                Step::AddColumn(column, optional) => {
                    let exists = self.find(&column.name).is_some();
                    if exists && *optional {
                        continue;
                    }
                    if exists {
                        let name = &column.name;
                        return Err(NotUnderstood::Unfit(format!(
                            "there is a column {name} already"
                        )));
                    }
                    let resolved = self.resolve(column)?;
                    self.insert(resolved, None, column.place.as_ref())?;
                }
                Step::ChangeColumn(old, column, _) => {
                    let origin = self.origins.iter().position(|origin| {
                        origin.as_deref().is_some_and(|origin| is_same_name(origin, old))
                    });
                    let (Some(place), Some(at)) = (&column.place, origin) else { continue };
                    let moved = self.columns.remove(at);
                    let origin = self.origins.remove(at);
                    self.insert(moved, origin, Some(place))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| is_same_name(&column.name, name))
    }

    fn insert(
        &mut self,
        column: ColumnDefinition,
        origin: Option<String>,
        place: Option<&Place>,
    ) -> Result<(), NotUnderstood> {
        let at = match place {
            None => self.columns.len(),
            Some(Place::First) if self.old.may_have_generated_primary_key() => {
                return Err(NotUnderstood::Unfit("its first column may have to stay there".into()));
            }
            Some(Place::First) => 0,
            Some(Place::After(name)) => {
                let before = self.find(name);
                let unknown = || NotUnderstood::Unfit(format!("there is no column {name}"));
                before.ok_or_else(unknown)? + 1
            }
        };
        self.columns.insert(at, column);
        self.origins.insert(at, origin);
        Ok(())
    }

    /// Old keys that stay, over the columns as they are called now.
    fn kept_keys(&self, steps: &[Step]) -> Result<Vec<Key>, NotUnderstood> {
        let known = |name: &str| self.old.keys.iter().any(|key| is_same_name(&key.name, name));
        for step in steps {
            if let Step::DropKey(name, false) | Step::RenameKey(name, _, false) = step
                && !known(name)
            {
                return Err(NotUnderstood::Unfit(format!("there is no key {name}")));
            }
        }
        let mut keys = Vec::with_capacity(self.old.keys.len());
        for key in &self.old.keys {
            let is_it = |name: &String| is_same_name(name, &key.name);
            let dropped =
                steps.iter().any(|step| matches!(step, Step::DropKey(name, _) if is_it(name)));
            let parts: Vec<Option<String>> = key
                .parts
                .iter()
                .filter_map(|part| match part {
                    Some(name) => self.name_now(name).map(Some),
                    None => Some(None),
                })
                .collect();
            if dropped || parts.is_empty() {
                continue;
            }
            let renamed = steps.iter().find_map(|step| match step {
                Step::RenameKey(old, new, _) if is_it(old) => Some(new.clone()),
                _ => None,
            });
            let name = renamed.unwrap_or_else(|| key.name.clone());
            keys.push(Key { name, kind: key.kind, parts });
        }
        Ok(keys)
    }

    /// What a column is called now; a new column takes the place of a dropped one of its name.
    fn name_now(&self, old: &str) -> Option<String> {
        let origin = self
            .origins
            .iter()
            .position(|origin| origin.as_deref().is_some_and(|origin| is_same_name(origin, old)));
        let reborn = || {
            let at = self.find(old)?;
            self.origins.get(at)?.is_none().then_some(at)
        };
        let at = origin.or_else(reborn)?;
        self.columns.get(at).map(|column| column.name.clone())
    }
}

/// A column after `CONVERT TO CHARACTER SET`. A text takes the size that its characters may need.
fn converted(
    column: ColumnDefinition,
    target: &str,
    varchar: VarCharRule,
) -> Result<ColumnDefinition, NotUnderstood> {
    let length = || {
        let unknown =
            || NotUnderstood::Unfit(format!("the length of {} is not known", column.name));
        column.characters.ok_or_else(unknown)
    };
    let spec = match &column.kind {
        ColumnType::Char { .. } => TypeSpec::Char(length()?),
        ColumnType::VarChar { .. } => TypeSpec::VarChar(length()?),
        ColumnType::Text { size, charset } => {
            let bytes = (1_u64 << (8 * u32::from(*size).min(4))) - 1;
            let needed = bytes / bytes_per_character(charset) * bytes_per_character(target);
            TypeSpec::Text(size_of(needed).max(*size))
        }
        _ => return Ok(column),
    };
    let charsets = Charsets { table: Some(target), convert_to: None, varchar };
    let (kind, characters) = spec.resolve(None, charsets)?;
    Ok(ColumnDefinition { name: column.name, kind, characters })
}
