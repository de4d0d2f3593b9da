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
    /// Name of the table; empty where the step is about the database itself.
    pub table: String,
    /// The definition, where `definition` does not hold it.
    pub schema: Option<TableSchema>,
    /// The source's own text of the definition. Without both, nothing is known from there on.
    pub definition: Option<String>,
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
            definition: row.get("definition")?,
        })
    }
}

impl Catalog {
    /// All steps of a task's history, oldest first.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn schema_history(&self, task: &TaskName) -> Result<Vec<SchemaEntry>> {
        let mut entries = Vec::new();
        self.each_schema(task, &mut |entry| entries.push(entry))?;
        Ok(entries)
    }

    /// Hands out all steps of a task's history, oldest first, without holding them all. `take` must
    /// not call the catalog.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn each_schema(&self, task: &TaskName, take: &mut dyn FnMut(SchemaEntry)) -> Result<()> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT * FROM schema_history WHERE task = ?1
                     ORDER BY valid_from, database_name, table_name",
            )?;
            for entry in statement.query_map([task.as_str()], SchemaEntry::from_row)? {
                take(entry?);
            }
            Ok(())
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
                     (task, valid_from, database_name, table_name, schema_json, definition)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for SchemaEntry { valid_from, database, table, schema, definition } in entries {
                let schema = schema.as_ref().map(serde_json::to_string).transpose();
                let schema = schema.map_err(|error| Error::invalid("schema", error.to_string()))?;
                insert.execute((task.as_str(), valid_from, database, table, schema, definition))?;
            }
            Ok(())
        })
    }

    /// Removes the steps between `since` and `floor` that a later one of the same table replaced there.
    ///
    /// # Errors
    /// The catalog cannot be written.
    pub fn forget_schemas(&self, task: &TaskName, since: &str, floor: &str) -> Result<()> {
        self.write(|transaction| {
            transaction.execute(
                "DELETE FROM schema_history AS old
                     WHERE task = ?1 AND valid_from >= ?2 AND valid_from < ?3
                     AND EXISTS (SELECT 1 FROM schema_history AS new
                         WHERE new.task = old.task AND new.database_name = old.database_name
                         AND new.table_name = old.table_name
                         AND new.valid_from > old.valid_from AND new.valid_from <= ?3)",
                (task.as_str(), since, floor),
            )?;
            Ok(())
        })
    }
}
