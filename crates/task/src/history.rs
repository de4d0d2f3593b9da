//! The schema history of one task, kept in the catalog.

use capture::{HistoryEntry, HistoryError, SchemaHistory};
use catalog::{Catalog, SchemaEntry};
use change::TaskName;

/// [`SchemaHistory`] over the catalog.
#[derive(Debug)]
pub(crate) struct CatalogHistory {
    pub(crate) catalog: Catalog,
    pub(crate) task: TaskName,
}

/// The history of a source that never runs.
#[derive(Debug)]
pub(crate) struct NoHistory;

impl SchemaHistory for NoHistory {
    fn load(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        Ok(Vec::new())
    }

    fn append_all(&self, _: &[HistoryEntry]) -> Result<(), HistoryError> {
        Err(HistoryError("this source keeps no history".into()))
    }
}

impl SchemaHistory for CatalogHistory {
    fn load(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        let entries = self.catalog.schema_history(&self.task).map_err(store_failed)?;
        let entry = |e: SchemaEntry| HistoryEntry {
            valid_from: e.valid_from,
            database: e.database,
            table: e.table,
            schema: e.schema,
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn append_all(&self, entries: &[HistoryEntry]) -> Result<(), HistoryError> {
        let entry = |entry: &HistoryEntry| SchemaEntry {
            valid_from: entry.valid_from.clone(),
            database: entry.database.clone(),
            table: entry.table.clone(),
            schema: entry.schema.clone(),
        };
        let entries: Vec<_> = entries.iter().map(entry).collect();
        self.catalog.append_schemas(&self.task, &entries).map_err(store_failed)
    }
}

fn store_failed(error: catalog::Error) -> HistoryError {
    HistoryError(Box::new(error))
}
