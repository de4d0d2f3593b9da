//! Table definitions by log position, for sources whose log does not describe its tables itself.

use change::TableSchema;

/// One step of a table's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The source's own ordering text of where the definition became valid (sortable as bytes).
    pub valid_from: String,
    /// Database of the table.
    pub database: String,
    /// Name of the table; empty where the entry is about the database itself.
    pub table: String,
    /// The definition, where `definition` does not hold it.
    pub schema: Option<TableSchema>,
    /// All that the source needs to know of it, as text of its own. Without it and without `schema`,
    /// nothing is known from there on: it was dropped, or changed in a way that was not understood.
    pub definition: Option<String>,
}

/// Where a source keeps the definitions it has learned. One per task.
pub trait SchemaHistory: Send + std::fmt::Debug {
    /// All entries, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    fn load(&self) -> Result<Vec<HistoryEntry>, HistoryError>;

    /// Hands out all entries, oldest first, without holding them all.
    ///
    /// # Errors
    /// The store cannot be read.
    fn each(&self, take: &mut dyn FnMut(HistoryEntry)) -> Result<(), HistoryError> {
        self.load()?.into_iter().for_each(take);
        Ok(())
    }

    /// Adds an entry durably. An entry with the same table and `valid_from` is replaced.
    ///
    /// # Errors
    /// The store cannot be written.
    fn append(&self, entry: &HistoryEntry) -> Result<(), HistoryError> {
        self.append_all(std::slice::from_ref(entry))
    }

    /// Adds entries durably, all or none.
    ///
    /// # Errors
    /// The store cannot be written.
    fn append_all(&self, entries: &[HistoryEntry]) -> Result<(), HistoryError>;

    /// Forgets entries that say nothing more at `floor` or behind it, because a later one of the same
    /// table is valid there. Only entries that sort between `since` and `floor` are looked at.
    ///
    /// # Errors
    /// The store cannot be written.
    fn forget(&self, since: &str, floor: &str) -> Result<(), HistoryError> {
        let _kept = (since, floor);
        Ok(())
    }
}

/// The store behind a [`SchemaHistory`] failed.
#[derive(Debug, thiserror::Error)]
#[error("the schema history cannot be used: {0}")]
pub struct HistoryError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
