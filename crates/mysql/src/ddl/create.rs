//! `CREATE TABLE` and `CREATE SEQUENCE`.

use change::ColumnType;

use super::charsets::CharsetSpec;
use super::column::{ColumnSpec, RowPeriod};
use super::context::{Context, Dialect};
use super::data_type::{Charsets, TypeSpec, VarCharRule};
use super::definition::{ColumnDefinition, Definition, KeyKind};
use super::key::{self, KeySpec, Period};
use super::lexer::Kind;
use super::parser::{NotUnderstood, Parser, TableName};

/// What a `CREATE TABLE` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CreateTable {
    pub(super) name: TableName,
    pub(super) if_not_exists: bool,
    pub(super) body: Body,
}

/// Where the columns come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Body {
    /// They are written down.
    Defined(TableSpec),
    /// They are those of another table.
    Like(TableName),
    /// They are those of a query, at least in part.
    Query,
}

/// Columns, keys and options of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TableSpec {
    columns: Vec<ColumnSpec>,
    keys: Vec<KeySpec>,
    periods: Vec<Period>,
    options: TableOptions,
}

/// Options of a table that matter here.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TableOptions {
    pub(super) charset: Option<CharsetSpec>,
    versioned: bool,
    has_query: bool,
}

/// The most columns a table can have.
const COLUMNS_MAX: usize = 4_096;

/// Reads `CREATE TABLE`.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<CreateTable, NotUnderstood> {
    parser.expect("CREATE")?;
    parser.accept_all(&["OR", "REPLACE"]);
    parser.expect("TABLE")?;
    let if_not_exists = parser.if_not_exists();
    let name = parser.table_name()?;
    let body = parser.create_body()?;
    Ok(CreateTable { name, if_not_exists, body })
}

/// The columns of a MariaDB sequence created with this statement, and its name.
pub(super) fn parse_sequence(
    parser: &mut Parser<'_>,
) -> Result<(TableName, bool, Definition), NotUnderstood> {
    parser.expect("CREATE")?;
    parser.accept_all(&["OR", "REPLACE"]);
    parser.expect("SEQUENCE")?;
    let if_not_exists = parser.if_not_exists();
    let name = parser.table_name()?;
    let mut value = ColumnType::BigInt { unsigned: false };
    if parser.accept("AS") {
        match parser.data_type()?.spec {
            TypeSpec::Plain(kind) => value = kind,
            _ => return Err(parser.not_understood()),
        }
    }
    Ok((name, if_not_exists, sequence(&value)))
}

/// The table behind a sequence (`sequence_structure` in MariaDB's `sql/sql_sequence.cc`).
pub(super) fn sequence(value: &ColumnType) -> Definition {
    let big = |unsigned| ColumnType::BigInt { unsigned };
    let columns = [
        ("next_not_cached_value", value.clone()),
        ("minimum_value", value.clone()),
        ("maximum_value", value.clone()),
        ("start_value", value.clone()),
        ("increment", big(false)),
        ("cache_size", big(true)),
        ("cycle_option", ColumnType::TinyInt { unsigned: true }),
        ("cycle_count", big(false)),
    ];
    let columns = columns
        .map(|(name, kind)| ColumnDefinition { name: name.into(), kind, characters: None })
        .into();
    Definition { columns, ..Definition::default() }
}

/// The column that holds the end of a row's life.
pub(super) fn row_end<'a>(columns: impl IntoIterator<Item = &'a ColumnSpec>) -> Option<String> {
    let end = |column: &&ColumnSpec| column.row_period == Some(RowPeriod::End);
    columns.into_iter().find(end).map(|column| column.name.clone())
}

impl TableSpec {
    /// The table that this makes in a database with a default character set.
    pub(super) fn define(
        mut self,
        database_charset: Option<&str>,
        context: &Context<'_>,
    ) -> Result<Definition, NotUnderstood> {
        if self.columns.len() > COLUMNS_MAX {
            return Err(NotUnderstood::Unfit("it has more columns than a table can have".into()));
        }
        let charset = match self.options.charset {
            Some(CharsetSpec::Named(charset)) => Some(charset.to_owned()),
            Some(CharsetSpec::Inherited) | None => database_charset.map(str::to_owned),
        };
        let is_versioned =
            self.options.versioned || self.columns.iter().any(|column| column.is_versioned);
        let row_end = row_end(&self.columns);
        let hidden_versioning = is_versioned && row_end.is_none();
        let has_primary_key = self.keys.iter().any(|key| key.kind == KeyKind::Primary);
        let mysql = matches!(context.dialect, Dialect::MySql { .. });
        if context.adds_invisible_primary_key && mysql && !has_primary_key {
            let column = ColumnSpec::invisible_primary_key();
            self.keys.insert(0, KeySpec::of_column(KeyKind::Primary, &column.name));
            self.columns.insert(0, column);
        }
        let varchar = VarCharRule::of(context);
        let charsets = Charsets { table: charset.as_deref(), convert_to: None, varchar };
        let columns = self
            .columns
            .into_iter()
            .map(|column| column.resolve(charsets))
            .collect::<Result<_, _>>()?;
        let mut keys = Vec::new();
        let specs: Vec<KeySpec> =
            self.keys.into_iter().map(|key| key.with_row_end(row_end.as_deref())).collect();
        key::add(&mut keys, &specs, &self.periods)?;
        Ok(Definition { charset, columns, keys, hidden_versioning, row_end })
    }
}

impl Parser<'_> {
    fn create_body(&mut self) -> Result<Body, NotUnderstood> {
        if self.accept("LIKE") {
            return Ok(Body::Like(self.table_name()?));
        }
        if !self.is_symbol(0, '(') || self.begins_query(1) {
            return Ok(Body::Query);
        }
        self.skip();
        if self.accept("LIKE") {
            let other = self.table_name()?;
            self.expect_symbol(')')?;
            return Ok(Body::Like(other));
        }
        let mut table = TableSpec::default();
        loop {
            if self.is_at_key() {
                self.key(&mut table.keys, &mut table.periods)?;
            } else {
                let name = self.column_name()?;
                let column = self.column(name, &mut table.keys)?;
                table.columns.push(column);
            }
            if self.accept_symbol(')') {
                break;
            }
            self.expect_symbol(',')?;
        }
        table.options = self.table_options()?;
        self.expect_end()?;
        Ok(if table.options.has_query { Body::Query } else { Body::Defined(table) })
    }

    /// Whether a query begins so many tokens ahead, perhaps in further parentheses.
    fn begins_query(&self, ahead: usize) -> bool {
        let mut ahead = ahead;
        while self.is_symbol(ahead, '(') {
            ahead += 1;
        }
        self.is_any(ahead, &["SELECT", "WITH", "VALUES", "TABLE"])
    }

    /// Options of a new table, to the end of the statement.
    fn table_options(&mut self) -> Result<TableOptions, NotUnderstood> {
        let mut options = TableOptions::default();
        while !self.is_at_end() {
            if self.begins_query(0) && !self.is_word(1, "SYSTEM") {
                options.has_query = true;
                self.skip();
            } else if self.is_any(0, &["PARTITION", "AS", "IGNORE", "REPLACE"]) {
                // What follows has an end of its own: a query's, or the partitions'.
                let partitions = self.accept("PARTITION");
                options.has_query |= !partitions;
                while !self.is_at_end() {
                    options.has_query |= partitions && self.begins_query(0);
                    self.skip_term()?;
                }
            } else if !self.table_option(&mut options)? {
                self.accept_symbol(',');
            }
        }
        Ok(options)
    }

    /// One option of a table; `false` if what was skipped is no option.
    pub(super) fn table_option(
        &mut self,
        options: &mut TableOptions,
    ) -> Result<bool, NotUnderstood> {
        self.accept("DEFAULT");
        if self.accept_charset() {
            self.accept_symbol('=');
            options.charset = Some(self.charset_name()?);
        } else if self.accept("COLLATE") {
            self.accept_symbol('=');
            let collation = self.collation_name()?;
            // A collation of any character set leaves the one that was named before.
            if collation != CharsetSpec::Inherited || options.charset.is_none() {
                options.charset = Some(collation);
            }
        } else if self.accept_all(&["WITH", "SYSTEM", "VERSIONING"]) {
            options.versioned = true;
        } else if self.accept_all(&["START", "TRANSACTION"]) {
        } else if self.is_name(0) {
            self.option_with_value()?;
        } else {
            let separator = self.is_symbol(0, ',');
            if !separator {
                return Err(self.not_understood());
            }
            return Ok(false);
        }
        Ok(true)
    }

    /// Any other option: `ENGINE=InnoDB`, `COMMENT 'x'`, `UNION=(a, b)`, `DATA DIRECTORY='x'`.
    fn option_with_value(&mut self) -> Result<(), NotUnderstood> {
        let two_words = (self.is_any(0, &["DATA", "INDEX"]) && self.is_word(1, "DIRECTORY"))
            || (self.is_word(0, "STORAGE") && self.is_any(1, &["ENGINE", "TYPE"]));
        self.skip();
        if two_words {
            self.skip();
        }
        if !self.accept_symbol('=') {
            let literal = self.peek(0).is_some_and(|token| {
                matches!(token.kind, Kind::String | Kind::Number | Kind::Hex | Kind::Quoted)
            });
            let default = self.is_word(0, "DEFAULT") && self.is_default_value();
            let word = self.is_name(0) && (default || !self.is_at_option());
            if !literal && !word && !self.is_symbol(0, '(') {
                return Ok(());
            }
        }
        self.skip_term()
    }

    /// Whether the `DEFAULT` ahead is a value, and not the beginning of an option.
    fn is_default_value(&self) -> bool {
        !self.is_any(1, &["CHARSET", "CHARACTER", "CHAR", "COLLATE"])
    }

    /// Whether an option of interest begins here, and so no value stands here.
    fn is_at_option(&self) -> bool {
        const BEGIN: [&str; 12] = [
            "DEFAULT",
            "CHARSET",
            "CHARACTER",
            "COLLATE",
            "PARTITION",
            "AS",
            "SELECT",
            "WITH",
            "IGNORE",
            "REPLACE",
            "START",
            "TABLE",
        ];
        self.is_any(0, &BEGIN)
    }
}
