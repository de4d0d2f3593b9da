//! The schema history: which definition a table had from which position of its source's log on.

use change::{TableSchema, TaskName};
use rusqlite::Row;

use crate::row::parsed;
use crate::{Catalog, Error, Result};

/// One step of a table's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaEntry {
    /// The source's own ordering text of where the definition became valid (sortable as bytes).
    pub valid_from: String,
    /// Database of the table.
    pub database: String,
    /// Name of the table.
    pub table: String,
    /// The definition, or `None` when the table was dropped there.
    pub schema: Option<TableSchema>,
}

impl SchemaEntry {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let schema = match row.get::<_, Option<String>>("schema_json")? {
            Some(_) => Some(parsed(row, "schema_json", |text| serde_json::from_str(&text))?),
            None => None,
        };
        Ok(Self {
            valid_from: row.get("valid_from")?,
            database: row.get("database_name")?,
            table: row.get("table_name")?,
            schema,
        })
    }
}

impl Catalog {
    /// All steps of a task's history, oldest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn schema_history(&self, task: &TaskName) -> Result<Vec<SchemaEntry>> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT * FROM schema_history WHERE task = ?1
                     ORDER BY valid_from, database_name, table_name",
            )?;
            let rows = statement.query_map([task.as_str()], SchemaEntry::from_row)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Adds steps, all or none; each replaces one of the same table at the same place.
    ///
    /// # Errors
    /// There is no such task, or the catalog cannot be written.
    pub fn append_schemas(&self, task: &TaskName, entries: &[SchemaEntry]) -> Result<()> {
        self.write(|transaction| {
            let exists: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM tasks WHERE name = ?1)",
                [task.as_str()],
                |row| row.get(0),
            )?;
            if !exists {
                return Err(Error::not_found("task", task));
            }
            let mut insert = transaction.prepare(
                "INSERT OR REPLACE INTO schema_history
                     (task, valid_from, database_name, table_name, schema_json)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for SchemaEntry { valid_from, database, table, schema } in entries {
                let schema = schema.as_ref().map(serde_json::to_string).transpose();
                let schema = schema.map_err(|error| Error::invalid("schema", error.to_string()))?;
                insert.execute((task.as_str(), valid_from, database, table, schema))?;
            }
            Ok(())
        })
    }
}
