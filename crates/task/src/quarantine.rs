//! What one task sets aside, kept in the catalog.

use std::sync::Arc;

use capture::{BadEvent, HistoryError, Quarantine, QuarantinedTable, TableDecision};
use catalog::{Catalog, HeldTable, TableChoice};
use change::{Clock, TaskName};

use crate::state::named;

/// [`Quarantine`] over the catalog.
#[derive(Debug)]
pub(crate) struct CatalogQuarantine {
    pub(crate) catalog: Catalog,
    pub(crate) task: TaskName,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Quarantine for CatalogQuarantine {
    fn tables(&self) -> Result<Vec<QuarantinedTable>, HistoryError> {
        let held = self.catalog.held_tables(&self.task).map_err(store_failed)?;
        let table = |held: HeldTable| QuarantinedTable {
            database: held.database,
            table: held.table,
            from: held.from,
            code: held.code,
            message: held.message,
            decision: match held.choice {
                TableChoice::Pending => TableDecision::Pending,
                TableChoice::Retry(definition) => TableDecision::Retry(definition),
                TableChoice::Skip => TableDecision::Skip,
            },
        };
        Ok(held.into_iter().map(table).collect())
    }

    fn hold(&self, table: &QuarantinedTable) -> Result<(), HistoryError> {
        let held = HeldTable {
            database: table.database.clone(),
            table: table.table.clone(),
            from: table.from.clone(),
            code: table.code.clone(),
            message: named(&table.message, &self.task),
            choice: match &table.decision {
                TableDecision::Pending => TableChoice::Pending,
                TableDecision::Retry(definition) => TableChoice::Retry(definition.clone()),
                TableDecision::Skip => TableChoice::Skip,
            },
            since: self.clock.now(),
        };
        tracing::error!(task = %self.task, table = format!("{}.{}", held.database, held.table),
            code = %held.code, message = %held.message, "table held back");
        self.catalog.hold_table(&self.task, &held).map_err(store_failed)
    }

    fn release(&self, database: &str, table: &str) -> Result<(), HistoryError> {
        self.catalog.release_table(&self.task, database, table).map_err(store_failed)
    }

    fn events_to_skip(&self) -> Result<Vec<String>, HistoryError> {
        self.catalog.events_to_skip(&self.task).map_err(store_failed)
    }

    fn event_skipped(&self, event: &BadEvent) -> Result<bool, HistoryError> {
        let BadEvent { place, kind, size, bytes } = event;
        self.catalog.event_skipped(&self.task, place, kind, *size, bytes).map_err(store_failed)
    }
}

fn store_failed(error: catalog::Error) -> HistoryError {
    HistoryError(Box::new(error))
}
