//! Table definitions by log position, for sources whose log does not describe its tables itself.

use change::TableSchema;

/// One step of a table's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The source's own ordering text of where the definition became valid (sortable as bytes).
    pub valid_from: String,
    /// Database of the table.
    pub database: String,
    /// Name of the table.
    pub table: String,
    /// The definition, or `None` when the table was dropped there.
    pub schema: Option<TableSchema>,
}

/// Where a source keeps the definitions it has learned. One per task.
pub trait SchemaHistory: Send + std::fmt::Debug {
    /// All entries, oldest first.
    ///
    /// # Errors
    /// The store cannot be read.
    fn load(&self) -> Result<Vec<HistoryEntry>, HistoryError>;

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
}

/// The store behind a [`SchemaHistory`] failed.
#[derive(Debug, thiserror::Error)]
#[error("the schema history cannot be used: {0}")]
pub struct HistoryError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
