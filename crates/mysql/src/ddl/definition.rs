//! A table's definition, as far as it decides what is logged and what later statements make of it.

use change::{Column, ColumnType, TableSchema, UniqueKey};
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::create;
use super::parser::{NotUnderstood, Parser};
use super::statement::{Subject, subject};

/// A table, without its name: equal tables have equal definitions.
///
/// Left out is what no row shows and no later change of the columns depends on: defaults, nullability,
/// comments, checks, foreign keys, partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Definition {
    /// The default character set, as `information_schema` calls it. `None` if it is not known; then a
    /// column that needs it cannot be added.
    pub charset: Option<String>,
    /// Columns in the order in which they are logged, without those that only the server sees.
    pub columns: Vec<ColumnDefinition>,
    /// All keys, in the order in which they were defined.
    pub keys: Vec<Key>,
    /// Whether MariaDB's system versioning adds `row_start` and `row_end`, which the catalog hides.
    pub hidden_versioning: bool,
    /// The column that MariaDB's system versioning keeps the end of a row's life in, if the table names
    /// one itself. It is part of every unique key.
    pub row_end: Option<String>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColumnDefinition {
    /// Its name as the server spells it.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// Of `CHAR` and `VARCHAR`: the declared length in characters (`CHARACTER_MAXIMUM_LENGTH`).
    pub characters: Option<u32>,
}

/// A key: primary, unique or any other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Its name; that of the primary key is `PRIMARY`.
    pub name: String,
    /// What it is.
    pub kind: KeyKind,
    /// Its columns in key order; `None` for an expression.
    pub parts: Vec<Option<String>>,
}

/// What a key demands of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyKind {
    /// The primary key.
    Primary,
    /// Unique.
    Unique,
    /// Nothing.
    Plain,
    /// Nothing; the server made it for a foreign key, and drops it when another key serves as well.
    ForForeignKey,
}

impl Definition {
    /// A definition out of what the catalog says: the table's default character set
    /// (`TABLE_COLLATION` up to its first underscore), its columns by `ORDINAL_POSITION`, and all keys
    /// of `STATISTICS`. A key that the server made for a foreign key looks there like any other; a unique
    /// key that is added over the same columns later, without a name, is then called `a_2` instead of `a`.
    #[must_use]
    pub fn new(charset: Option<String>, columns: Vec<ColumnDefinition>, keys: Vec<Key>) -> Self {
        Self { charset, columns, keys, hidden_versioning: false, row_end: None }
    }

    /// The same table with the two hidden columns of MariaDB's system versioning.
    #[must_use]
    pub fn with_hidden_versioning(mut self) -> Self {
        self.hidden_versioning = true;
        self
    }

    /// Reads `CREATE TABLE`, for example what `SHOW CREATE TABLE` answers. The name of the table is not
    /// compared.
    ///
    /// # Errors
    /// The text is no `CREATE TABLE`, or takes its columns from somewhere else, or is not understood.
    pub fn parse_create(text: &str, context: &Context<'_>) -> Result<Self, NotUnderstood> {
        let (subject, lexer) = subject(text, context);
        let mut parser = Parser::new(text, lexer, context)?;
        if subject != Subject::Table {
            return Err(parser.not_understood());
        }
        let create = create::parse(&mut parser)?;
        match create.body {
            create::Body::Defined(table) => {
                let charset = context
                    .database_collation
                    .and_then(|number| super::charsets::charset_of_number(number, context.dialect));
                table.define(charset, context)
            }
            _ => Err(NotUnderstood::Unfit("the table takes its columns from elsewhere".into())),
        }
    }

    /// The definition as the log and `information_schema` show it.
    #[must_use]
    pub fn schema(&self, database: &str, table: &str) -> TableSchema {
        let mut columns: Vec<Column> = self
            .columns
            .iter()
            .map(|column| Column { name: column.name.clone(), kind: column.kind.clone() })
            .collect();
        if self.hidden_versioning {
            let kind = ColumnType::Timestamp { fraction: 6 };
            columns.extend(
                ["row_start", "row_end"]
                    .map(|name| Column { name: name.to_owned(), kind: kind.clone() }),
            );
        }
        let indexes = |key: &Key| -> Option<Vec<usize>> {
            let index = |part: &Option<String>| {
                let part = part.as_deref()?;
                columns.iter().position(|column| is_same_name(&column.name, part))
            };
            key.parts.iter().map(index).collect()
        };
        let mut primary_key = Vec::new();
        let mut unique_keys = Vec::new();
        for key in &self.keys {
            // A key over an expression has no columns to name.
            let Some(columns) = indexes(key) else { continue };
            match key.kind {
                KeyKind::Primary => primary_key = columns,
                KeyKind::Unique => unique_keys.push(UniqueKey { name: key.name.clone(), columns }),
                KeyKind::Plain | KeyKind::ForForeignKey => {}
            }
        }
        unique_keys.sort_by(|a, b| a.name.cmp(&b.name));
        TableSchema::new(database.to_owned(), table.to_owned(), columns, primary_key, unique_keys)
    }

    /// Where the column of this name stands.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| is_same_name(&column.name, name))
    }
}

/// Names of columns and keys are the same whatever their case.
pub(super) fn is_same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!a.is_ascii() && a.to_lowercase() == b.to_lowercase())
}
