//! `ALTER TABLE`, `CREATE INDEX` and `DROP INDEX` as lists of steps.

use super::charsets::CharsetSpec;
use super::column::ColumnSpec;
use super::create::TableOptions;
use super::definition::KeyKind;
use super::key::{KeySpec, PRIMARY, Period};
use super::parser::{NotUnderstood, Parser, TableName};

/// What an `ALTER TABLE` says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AlterTable {
    pub(super) name: TableName,
    pub(super) steps: Vec<Step>,
    /// Periods that are defined here.
    pub(super) periods: Vec<Period>,
}

/// One thing to alter. A `bool` is whether it may be left out: `IF EXISTS`, `IF NOT EXISTS`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    AddColumn(ColumnSpec, bool),
    /// The old name, and what the column is from now on.
    ChangeColumn(String, ColumnSpec, bool),
    RenameColumn(String, String, bool),
    DropColumn(String, bool),
    AddKey(KeySpec),
    /// A key of this name, or a constraint that may be a key.
    DropKey(String, bool),
    RenameKey(String, String, bool),
    Convert(CharsetSpec),
    Charset(CharsetSpec),
    RenameTable(TableName),
    AddVersioning,
    DropVersioning,
    /// A partition becomes a table.
    PartitionToTable(TableName),
    /// A table becomes a partition.
    TableToPartition(TableName),
}

impl Step {
    /// The column that this adds or defines anew.
    pub(super) fn new_column(&self) -> Option<&ColumnSpec> {
        match self {
            Self::AddColumn(column, _) | Self::ChangeColumn(_, column, _) => Some(column),
            _ => None,
        }
    }
}

impl AlterTable {
    /// Whether anything but the table's name, its rows or another table changes.
    pub(super) fn changes_definition(&self) -> bool {
        let elsewhere = |step: &Step| {
            matches!(
                step,
                Step::RenameTable(_) | Step::PartitionToTable(_) | Step::TableToPartition(_)
            )
        };
        !self.steps.iter().all(elsewhere)
    }
}

/// Reads `ALTER TABLE`.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<AlterTable, NotUnderstood> {
    parser.expect("ALTER")?;
    while parser.accept_any(&["ONLINE", "OFFLINE", "IGNORE"]) {}
    parser.expect("TABLE")?;
    parser.if_exists();
    let name = parser.table_name()?;
    parser.skip_wait();
    let mut alter = AlterTable { name, steps: Vec::new(), periods: Vec::new() };
    while !parser.is_at_end() {
        parser.alter_step(&mut alter)?;
        if parser.is_any(0, &["PARTITION", "REMOVE"]) {
            // Partitioning may follow the last step without a comma.
            continue;
        }
        if !parser.accept_symbol(',') {
            parser.expect_end()?;
        }
    }
    Ok(alter)
}

/// Reads `CREATE INDEX`.
pub(super) fn parse_create_index(parser: &mut Parser<'_>) -> Result<AlterTable, NotUnderstood> {
    parser.expect("CREATE")?;
    parser.accept_all(&["OR", "REPLACE"]);
    parser.accept_any(&["ONLINE", "OFFLINE"]);
    let unique = parser.accept("UNIQUE");
    parser.accept_any(&["FULLTEXT", "SPATIAL", "VECTOR"]);
    parser.expect("INDEX")?;
    let if_not_exists = parser.if_not_exists();
    let index = parser.name()?;
    if parser.accept_any(&["USING", "TYPE"]) {
        parser.skip();
    }
    parser.expect("ON")?;
    let name = parser.table_name()?;
    let kind = if unique { KeyKind::Unique } else { KeyKind::Plain };
    let parts = parser.key_parts()?;
    let replace = Step::DropKey(index.clone(), true);
    let add = Step::AddKey(KeySpec { name: Some(index), kind, parts, if_not_exists });
    // CREATE OR REPLACE takes the place of a key of this name; otherwise there is none.
    let steps = if if_not_exists { vec![add] } else { vec![replace, add] };
    Ok(AlterTable { name, steps, periods: Vec::new() })
}

/// Reads `DROP INDEX`.
pub(super) fn parse_drop_index(parser: &mut Parser<'_>) -> Result<AlterTable, NotUnderstood> {
    parser.expect("DROP")?;
    parser.accept_any(&["ONLINE", "OFFLINE"]);
    parser.expect("INDEX")?;
    let if_exists = parser.if_exists();
    let index = parser.name()?;
    parser.expect("ON")?;
    let name = parser.table_name()?;
    Ok(AlterTable { name, steps: vec![Step::DropKey(index, if_exists)], periods: Vec::new() })
}

/// First words of the table options that may stand without an equals sign (MySQL 9, "ALTER TABLE
/// Statement"; MariaDB 11, "CREATE TABLE", table options).
const KNOWN_OPTIONS: [&str; 49] = [
    "ALGORITHM",
    "AUTOEXTEND_SIZE",
    "AUTO_INCREMENT",
    "AVG_ROW_LENGTH",
    "CHAR",
    "CHARACTER",
    "CHARSET",
    "CHECKSUM",
    "COLLATE",
    "COMMENT",
    "COMPRESSION",
    "CONNECTION",
    "DATA",
    "DEFAULT",
    "DELAY_KEY_WRITE",
    "ENCRYPTED",
    "ENCRYPTION",
    "ENCRYPTION_KEY_ID",
    "ENGINE",
    "ENGINE_ATTRIBUTE",
    "IETF_QUOTES",
    "INDEX",
    "INSERT_METHOD",
    "KEY_BLOCK_SIZE",
    "LOCK",
    "MAX_ROWS",
    "MIN_ROWS",
    "NODEGROUP",
    "PACK_KEYS",
    "PAGE_CHECKSUM",
    "PAGE_COMPRESSED",
    "PAGE_COMPRESSION_LEVEL",
    "PASSWORD",
    "ROW_FORMAT",
    "SECONDARY_ENGINE",
    "SECONDARY_ENGINE_ATTRIBUTE",
    "SEQUENCE",
    "START",
    "STATS_AUTO_RECALC",
    "STATS_PERSISTENT",
    "STATS_SAMPLE_PAGES",
    "STORAGE",
    "TABLESPACE",
    "TABLE_CHECKSUM",
    "TRANSACTIONAL",
    "TYPE",
    "UNION",
    "NOWAIT",
    "WAIT",
];

impl Parser<'_> {
    fn alter_step(&mut self, alter: &mut AlterTable) -> Result<(), NotUnderstood> {
        match self.keyword(0).as_str() {
            "ADD" => {
                self.skip();
                self.alter_add(alter)
            }
            "DROP" => {
                self.skip();
                self.alter_drop(alter)
            }
            "MODIFY" => {
                self.skip();
                self.accept("COLUMN");
                let optional = self.if_exists();
                let name = self.column_name()?;
                self.change(alter, name.clone(), name, optional)
            }
            "CHANGE" => {
                self.skip();
                self.accept("COLUMN");
                let optional = self.if_exists();
                let old = self.column_name()?;
                let new = self.column_name()?;
                self.change(alter, old, new, optional)
            }
            "RENAME" => {
                self.skip();
                self.alter_rename(alter)
            }
            "CONVERT" => {
                self.skip();
                self.alter_convert(alter)
            }
            "ORDER" => self.skip_order(),
            "PARTITION" | "REMOVE" | "REORGANIZE" | "COALESCE" | "TRUNCATE" | "ANALYZE"
            | "CHECK" | "OPTIMIZE" | "REBUILD" | "REPAIR" | "EXCHANGE" | "UPGRADE" | "DISCARD"
            | "IMPORT" => self.skip_partitions(),
            "ALTER" | "ENABLE" | "DISABLE" | "FORCE" | "WITH" | "WITHOUT" | "SECONDARY_LOAD"
            | "SECONDARY_UNLOAD" => self.skip_to_separator(),
            _ => {
                let mut options = TableOptions::default();
                while !self.is_at_separator() && !self.is_any(0, &["PARTITION", "REMOVE"]) {
                    // An act of a server to come may change columns; it must not pass for an option.
                    if !self.is_any(0, &KNOWN_OPTIONS) && !self.is_symbol(1, '=') {
                        return Err(self.not_understood());
                    }
                    self.table_option(&mut options)?;
                }
                alter.steps.extend(options.charset.map(Step::Charset));
                Ok(())
            }
        }
    }

    fn change(
        &mut self,
        alter: &mut AlterTable,
        old: String,
        new: String,
        optional: bool,
    ) -> Result<(), NotUnderstood> {
        let mut keys = Vec::new();
        let column = self.column(new, &mut keys)?;
        alter.steps.push(Step::ChangeColumn(old, column, optional));
        alter.steps.extend(keys.into_iter().map(Step::AddKey));
        Ok(())
    }

    fn alter_add(&mut self, alter: &mut AlterTable) -> Result<(), NotUnderstood> {
        if self.accept_all(&["SYSTEM", "VERSIONING"]) {
            alter.steps.push(Step::AddVersioning);
            return Ok(());
        }
        if self.is_word(0, "PARTITION") {
            return self.skip_partitions();
        }
        let column = self.accept("COLUMN");
        let optional = self.if_not_exists();
        if !self.accept_symbol('(') {
            return self.alter_add_one(alter, column, optional);
        }
        loop {
            self.alter_add_one(alter, false, optional)?;
            if self.accept_symbol(')') {
                return Ok(());
            }
            self.expect_symbol(',')?;
        }
    }

    fn alter_add_one(
        &mut self,
        alter: &mut AlterTable,
        is_column: bool,
        optional: bool,
    ) -> Result<(), NotUnderstood> {
        let mut keys = Vec::new();
        if !is_column && self.is_at_key() {
            self.key(&mut keys, &mut alter.periods)?;
        } else {
            let name = self.column_name()?;
            let column = self.column(name, &mut keys)?;
            alter.steps.push(Step::AddColumn(column, optional));
        }
        alter.steps.extend(keys.into_iter().map(Step::AddKey));
        Ok(())
    }

    fn alter_drop(&mut self, alter: &mut AlterTable) -> Result<(), NotUnderstood> {
        let step = match self.keyword(0).as_str() {
            "PRIMARY" => {
                self.skip();
                self.expect("KEY")?;
                Step::DropKey(PRIMARY.to_owned(), false)
            }
            "FOREIGN" | "CHECK" | "PERIOD" => return self.skip_to_separator(),
            "PARTITION" => return self.skip_partitions(),
            "SYSTEM" if self.is_word(1, "VERSIONING") => {
                self.skip();
                self.skip();
                Step::DropVersioning
            }
            "INDEX" | "KEY" => {
                self.skip();
                let optional = self.if_exists();
                Step::DropKey(self.name()?, optional)
            }
            "CONSTRAINT" => {
                self.skip();
                self.if_exists();
                // Of a check or a foreign key nothing is known here.
                Step::DropKey(self.name()?, true)
            }
            _ => {
                self.accept("COLUMN");
                let optional = self.if_exists();
                let step = Step::DropColumn(self.column_name()?, optional);
                self.accept_any(&["RESTRICT", "CASCADE"]);
                step
            }
        };
        alter.steps.push(step);
        Ok(())
    }

    fn alter_rename(&mut self, alter: &mut AlterTable) -> Result<(), NotUnderstood> {
        let step = if self.accept("COLUMN") {
            let optional = self.if_exists();
            let old = self.column_name()?;
            self.expect("TO")?;
            Step::RenameColumn(old, self.column_name()?, optional)
        } else if self.accept_any(&["INDEX", "KEY"]) {
            let optional = self.if_exists();
            let old = self.name()?;
            self.expect("TO")?;
            Step::RenameKey(old, self.name()?, optional)
        } else {
            if !self.accept_any(&["TO", "AS"]) {
                self.accept_symbol('=');
            }
            Step::RenameTable(self.table_name()?)
        };
        alter.steps.push(step);
        Ok(())
    }

    fn alter_convert(&mut self, alter: &mut AlterTable) -> Result<(), NotUnderstood> {
        if self.accept("PARTITION") {
            self.name()?;
            self.expect("TO")?;
            self.expect("TABLE")?;
            alter.steps.push(Step::PartitionToTable(self.table_name()?));
            return self.skip_partitions();
        }
        if self.accept("TABLE") {
            alter.steps.push(Step::TableToPartition(self.table_name()?));
            return self.skip_partitions();
        }
        self.expect("TO")?;
        if !self.accept_charset() {
            return Err(self.not_understood());
        }
        let mut charset = self.charset_name()?;
        if self.accept("COLLATE") {
            let collation = self.collation_name()?;
            if charset == CharsetSpec::Inherited {
                charset = collation;
            }
        }
        alter.steps.push(Step::Convert(charset));
        Ok(())
    }

    /// Goes past `ORDER BY a, b DESC`: a comma may also begin the next step.
    fn skip_order(&mut self) -> Result<(), NotUnderstood> {
        self.skip();
        self.expect("BY")?;
        loop {
            self.column_name()?;
            self.accept_any(&["ASC", "DESC"]);
            let ends = |ahead: usize| {
                self.peek(ahead).is_none()
                    || self.is_symbol(ahead, ',')
                    || self.is_symbol(ahead, ';')
                    || self.is_symbol(ahead, '.')
                    || self.is_any(ahead, &["ASC", "DESC"])
            };
            let goes_on = self.is_symbol(0, ',') && self.is_name(1) && ends(2);
            if !goes_on || self.is_word(1, "FORCE") {
                return Ok(());
            }
            self.skip();
        }
    }

    /// Goes past everything about partitions, whose lists have commas of their own. Nothing but another
    /// such clause can follow.
    fn skip_partitions(&mut self) -> Result<(), NotUnderstood> {
        while !self.is_at_end() {
            self.skip_term()?;
        }
        Ok(())
    }
}
