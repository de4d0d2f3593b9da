//! Tables whose rows a task holds back, and what a person has decided about them.

use change::{Position, TaskName, UnixTime};
use rusqlite::{OptionalExtension, Row, Transaction};

use crate::gap::insert;
use crate::row::{parsed, time};
use crate::{Catalog, Error, NewGap, Result};

/// A table whose rows are held back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldTable {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// Where the first row that was held back begins.
    pub from: Position,
    /// Machine code of the reason.
    pub code: String,
    /// What happened, where, and what to do.
    pub message: String,
    /// What a person has decided.
    pub choice: TableChoice,
    /// Since when. Kept from the first time on.
    pub since: UnixTime,
}

/// What becomes of a table that is held back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TableChoice {
    /// Nobody has decided.
    #[default]
    Pending,
    /// Deliver what was held back; the text, if any, is a CREATE TABLE statement that says how the table
    /// was defined where its rows were held back first.
    Retry(Option<String>),
    /// Leave out what was held back.
    Skip,
}

impl TableChoice {
    /// The word it is kept as.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Retry(_) => "retry",
            Self::Skip => "skip",
        }
    }

    fn definition(&self) -> Option<&str> {
        match self {
            Self::Retry(definition) => definition.as_deref(),
            Self::Pending | Self::Skip => None,
        }
    }
}

impl HeldTable {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let definition = row.get("definition")?;
        Ok(Self {
            database: row.get("database_name")?,
            table: row.get("table_name")?,
            from: parsed(row, "from_position", |text| Position::parse(text.as_bytes()))?,
            code: row.get("code")?,
            message: row.get("message")?,
            choice: parsed(row, "choice", |word| match word.as_str() {
                "pending" => Ok(TableChoice::Pending),
                "retry" => Ok(TableChoice::Retry(definition)),
                "skip" => Ok(TableChoice::Skip),
                _ => Err("unknown word"),
            })?,
            since: time(row, "since_unix")?,
        })
    }
}

impl Catalog {
    /// The tables that a task's schema history knows now, as `database` and `table`.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn known_tables(&self, task: &TaskName) -> Result<Vec<(String, String)>> {
        self.read(|transaction| {
            // SQLite takes the other columns from the row that has the maximum.
            let mut statement = transaction.prepare(
                "SELECT database_name, table_name FROM (
                     SELECT database_name, table_name, schema_json, definition, max(valid_from)
                         FROM schema_history WHERE task = ?1 AND table_name <> ''
                         GROUP BY database_name, table_name)
                     WHERE schema_json IS NOT NULL OR definition IS NOT NULL",
            )?;
            let rows =
                statement.query_map([task.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// The tables that a task holds back, by name.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn held_tables(&self, task: &TaskName) -> Result<Vec<HeldTable>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT * FROM held_tables WHERE task = ?1 ORDER BY database_name, table_name",
            )?;
            let rows = statement.query_map([task.as_str()], HeldTable::from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Holds a table back, or replaces what is kept of one.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn hold_table(&self, task: &TaskName, held: &HeldTable) -> Result<()> {
        let HeldTable { database, table, from, code, message, choice, since } = held;
        self.write(|transaction| {
            crate::task::must_exist(transaction, task)?;
            transaction.execute(
                "INSERT INTO held_tables (task, database_name, table_name, from_position, code,
                     message, choice, definition, since_unix)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                 ON CONFLICT (task, database_name, table_name) DO UPDATE SET from_position = ?4,
                     code = ?5, message = ?6, choice = ?7, definition = ?8",
                (
                    task.as_str(),
                    database,
                    table,
                    from.as_str(),
                    code,
                    message,
                    choice.as_str(),
                    choice.definition(),
                    since.seconds(),
                ),
            )?;
            Ok(())
        })
    }

    /// Holds a table back no longer.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn release_table(&self, task: &TaskName, database: &str, table: &str) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM held_tables
                     WHERE task = ?1 AND database_name = ?2 AND table_name = ?3",
                (task.as_str(), database, table),
            )?;
            Ok(())
        })
    }

    /// Keeps that what was held back of a table shall be delivered.
    ///
    /// # Errors
    /// The table is not held back, or the catalog cannot be written.
    pub fn retry_table(
        &self,
        task: &TaskName,
        database: &str,
        table: &str,
        definition: Option<&str>,
    ) -> Result<()> {
        let choice = TableChoice::Retry(definition.map(ToOwned::to_owned));
        self.write(|transaction| choose(transaction, task, (database, table), &choice))
    }

    /// Keeps that what was held back of a table shall be left out, with the gap that this leaves. Said
    /// again, it changes nothing. Answers the gap's number, if there is a new one.
    ///
    /// # Errors
    /// The table is not held back, or the catalog cannot be written.
    pub fn skip_table(
        &self,
        task: &TaskName,
        database: &str,
        table: &str,
        gap: &NewGap,
    ) -> Result<Option<i64>> {
        self.write(|transaction| {
            let kept: Option<String> = transaction
                .query_row(
                    "SELECT choice FROM held_tables
                         WHERE task = ?1 AND database_name = ?2 AND table_name = ?3",
                    (task.as_str(), database, table),
                    |row| row.get(0),
                )
                .optional()?;
            if kept.as_deref() == Some(TableChoice::Skip.as_str()) {
                return Ok(None);
            }
            choose(transaction, task, (database, table), &TableChoice::Skip)?;
            let name = format!("{database}.{table}");
            insert(transaction, task, gap, Some(&name), None, self.now_unix()).map(Some)
        })
    }
}

fn choose(
    transaction: &Transaction<'_>,
    task: &TaskName,
    (database, table): (&str, &str),
    choice: &TableChoice,
) -> Result<()> {
    let changed = transaction.execute(
        "UPDATE held_tables SET choice = ?4, definition = ?5
             WHERE task = ?1 AND database_name = ?2 AND table_name = ?3",
        (task.as_str(), database, table, choice.as_str(), choice.definition()),
    )?;
    if changed == 0 {
        return Err(Error::not_found("table that is held back", &format!("{database}.{table}")));
    }
    Ok(())
}
