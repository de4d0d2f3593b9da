//! Columns as statements define them.

use change::ColumnType;

use super::charsets::CharsetSpec;
use super::context::Dialect;
use super::data_type::{Charsets, TypeSpec};
use super::definition::{ColumnDefinition, KeyKind};
use super::key::KeySpec;
use super::parser::{NotUnderstood, Parser};

/// A column as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ColumnSpec {
    pub(super) name: String,
    spec: TypeSpec,
    charset: Option<CharsetSpec>,
    /// Holds the start or end of a row's life under system versioning.
    pub(super) row_period: Option<RowPeriod>,
    /// Puts its table under system versioning.
    pub(super) is_versioned: bool,
    pub(super) place: Option<Place>,
}

/// Which end of a row's life a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowPeriod {
    Start,
    End,
}

/// Where a column goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    First,
    After(String),
}

impl ColumnSpec {
    pub(super) fn resolve(self, charsets: Charsets<'_>) -> Result<ColumnDefinition, NotUnderstood> {
        let (kind, characters) = self.spec.resolve(self.charset.as_ref(), charsets)?;
        Ok(ColumnDefinition { name: self.name, kind, characters })
    }

    /// The primary key that MySQL adds to a table without one.
    pub(super) fn invisible_primary_key() -> Self {
        Self {
            name: GENERATED_PRIMARY_KEY.into(),
            spec: TypeSpec::Plain(ColumnType::BigInt { unsigned: true }),
            charset: None,
            row_period: None,
            is_versioned: false,
            place: None,
        }
    }
}

/// The name of the primary key that MySQL adds to a table without one.
pub(super) const GENERATED_PRIMARY_KEY: &str = "my_row_id";

/// Words that begin an attribute of a column, and so end the expression before.
const ATTRIBUTES: [&str; 32] = [
    "NOT",
    "NULL",
    "AUTO_INCREMENT",
    "UNIQUE",
    "PRIMARY",
    "KEY",
    "COMMENT",
    "COLLATE",
    "CHARACTER",
    "CHARSET",
    "COLUMN_FORMAT",
    "STORAGE",
    "GENERATED",
    "AS",
    "VIRTUAL",
    "STORED",
    "PERSISTENT",
    "CONSTRAINT",
    "CHECK",
    "REFERENCES",
    "ON",
    "FIRST",
    "AFTER",
    "SRID",
    "INVISIBLE",
    "VISIBLE",
    "WITH",
    "WITHOUT",
    "DEFAULT",
    "PARTITION",
    "COMPRESSED",
    "SERIAL",
];

impl Parser<'_> {
    /// A column's type and attributes, behind its name. Keys that it defines are added to `keys`.
    pub(super) fn column(
        &mut self,
        name: String,
        keys: &mut Vec<KeySpec>,
    ) -> Result<ColumnSpec, NotUnderstood> {
        let data_type = self.data_type()?;
        let mut column = ColumnSpec {
            name,
            spec: data_type.spec,
            charset: data_type.charset,
            row_period: None,
            is_versioned: false,
            place: None,
        };
        if data_type.serial {
            keys.push(KeySpec::of_column(KeyKind::Unique, &column.name));
        }
        while !self.is_at_separator() && !self.is_any(0, &["PARTITION", "REMOVE"]) {
            let known = self.key_attribute(&column.name, keys)?
                || self.type_attribute(&mut column)?
                || self.skipped_attribute()?;
            if !known {
                return Err(self.not_understood());
            }
        }
        Ok(column)
    }

    /// Attributes that make keys.
    fn key_attribute(
        &mut self,
        column: &str,
        keys: &mut Vec<KeySpec>,
    ) -> Result<bool, NotUnderstood> {
        let kind = if self.accept("UNIQUE") {
            self.accept("KEY");
            KeyKind::Unique
        } else if self.accept_all(&["SERIAL", "DEFAULT", "VALUE"]) {
            KeyKind::Unique
        } else if self.accept_all(&["PRIMARY", "KEY"]) || self.accept_any(&["PRIMARY", "KEY"]) {
            KeyKind::Primary
        } else if self.is_word(0, "REFERENCES") {
            self.skip_references()?;
            // Before, the servers took this in and forgot it.
            match self.context.dialect {
                Dialect::MySql { version: 90_000.. } | Dialect::MariaDb { version: 100_500.. } => {
                    KeyKind::ForForeignKey
                }
                _ => return Ok(true),
            }
        } else {
            return Ok(false);
        };
        keys.push(KeySpec::of_column(kind, column));
        Ok(true)
    }

    /// Attributes that say what the column is and where it stands.
    fn type_attribute(&mut self, column: &mut ColumnSpec) -> Result<bool, NotUnderstood> {
        if self.accept("COLLATE") {
            let collation = self.collation_name()?;
            if column.charset.is_none() {
                column.charset = Some(collation);
            }
        } else if self.accept_charset() {
            column.charset = Some(self.charset_name()?);
        } else if self.accept("FIRST") {
            column.place = Some(Place::First);
        } else if self.accept("AFTER") {
            column.place = Some(Place::After(self.name()?));
        } else if self.accept_all(&["WITH", "SYSTEM", "VERSIONING"]) {
            column.is_versioned = true;
        } else if self.accept_any(&["GENERATED", "AS"]) {
            self.accept("ALWAYS");
            self.accept("AS");
            if self.accept("ROW") {
                let is_start = self.accept("START");
                if !is_start {
                    self.expect("END")?;
                }
                column.row_period = Some(if is_start { RowPeriod::Start } else { RowPeriod::End });
            } else {
                self.skip_parentheses()?;
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Attributes that change nothing here.
    fn skipped_attribute(&mut self) -> Result<bool, NotUnderstood> {
        const ALONE: [&str; 10] = [
            "NOT",
            "NULL",
            "AUTO_INCREMENT",
            "VISIBLE",
            "INVISIBLE",
            "VIRTUAL",
            "STORED",
            "PERSISTENT",
            "ENFORCED",
            "SECONDARY",
        ];
        const WITH_VALUE: [&str; 6] = [
            "COMMENT",
            "COLUMN_FORMAT",
            "STORAGE",
            "SRID",
            "ENGINE_ATTRIBUTE",
            "SECONDARY_ENGINE_ATTRIBUTE",
        ];
        if self.is_name(0) && self.is_symbol(1, '=') {
            // MariaDB's attributes of engines, and `COMPRESSED=zlib`.
            self.skip();
            self.skip();
            self.skip();
        } else if self.accept_all(&["WITHOUT", "SYSTEM", "VERSIONING"])
            || self.accept_any(&ALONE)
            || self.accept("COMPRESSED")
        {
        } else if self.accept_any(&WITH_VALUE) {
            self.skip();
        } else if self.accept("DEFAULT") || self.accept_all(&["ON", "UPDATE"]) {
            self.skip_expression()?;
        } else if self.accept("CONSTRAINT") {
            if !self.is_word(0, "CHECK") {
                self.name()?;
            }
        } else if self.accept("CHECK") {
            self.skip_parentheses()?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Goes past an expression: up to the next attribute.
    fn skip_expression(&mut self) -> Result<(), NotUnderstood> {
        self.skip_term()?;
        while !self.is_at_separator() && !self.is_any(0, &ATTRIBUTES) {
            self.skip_term()?;
        }
        Ok(())
    }

    /// Goes past `REFERENCES t (a) MATCH FULL ON DELETE SET NULL`.
    pub(super) fn skip_references(&mut self) -> Result<(), NotUnderstood> {
        self.expect("REFERENCES")?;
        self.table_name()?;
        if self.is_symbol(0, '(') {
            self.skip_parentheses()?;
        }
        loop {
            if self.accept("MATCH") {
                self.skip();
            } else if self.is_word(0, "ON") && self.is_any(1, &["DELETE", "UPDATE"]) {
                self.skip();
                self.skip();
                if self.accept_any(&["SET", "NO"]) || self.is_any(0, &["RESTRICT", "CASCADE"]) {
                    self.skip();
                } else {
                    return Err(self.not_understood());
                }
            } else {
                return Ok(());
            }
        }
    }
}
