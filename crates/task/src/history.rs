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
        let mut entries = Vec::new();
        self.each(&mut |entry| entries.push(entry))?;
        Ok(entries)
    }

    fn each(&self, take: &mut dyn FnMut(HistoryEntry)) -> Result<(), HistoryError> {
        let mut take = |e: SchemaEntry| {
            take(HistoryEntry {
                valid_from: e.valid_from,
                database: e.database,
                table: e.table,
                schema: e.schema,
                definition: e.definition,
            });
        };
        self.catalog.each_schema(&self.task, &mut take).map_err(store_failed)
    }

    fn append_all(&self, entries: &[HistoryEntry]) -> Result<(), HistoryError> {
        let entry = |entry: &HistoryEntry| SchemaEntry {
            valid_from: entry.valid_from.clone(),
            database: entry.database.clone(),
            table: entry.table.clone(),
            schema: entry.schema.clone(),
            definition: entry.definition.clone(),
        };
        let entries: Vec<_> = entries.iter().map(entry).collect();
        self.catalog.append_schemas(&self.task, &entries).map_err(store_failed)
    }

    fn forget(&self, since: &str, floor: &str) -> Result<(), HistoryError> {
        self.catalog.forget_schemas(&self.task, since, floor).map_err(store_failed)
    }
}

fn store_failed(error: catalog::Error) -> HistoryError {
    HistoryError(Box::new(error))
}
