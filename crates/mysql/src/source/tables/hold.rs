//! Holding a table back: its rows wait in the log until a person decides, and all other tables go on.

use capture::{OnTableError, QuarantinedTable, TableDecision};
use change::Resume;

use super::{Rows, Tables};
use crate::binlog::{DecodeError, TableMap};
use crate::source::error::Failure;
use crate::source::position::BinlogPosition;

impl Tables<'_> {
    /// Whether rows of this table are held back.
    pub(crate) fn holds(&self, database: &str, table: &str) -> bool {
        self.held.contains_key(&(database.to_owned(), table.to_owned()))
    }

    /// How many tables are held back.
    pub(crate) fn held_count(&self) -> usize {
        self.held.len()
    }

    /// All tables that are held back, with the reason's machine code.
    pub(crate) fn held(&self) -> Vec<(String, String)> {
        let shown = |((database, table), code): (&super::Name, &String)| {
            (format!("{database}.{table}"), code.clone())
        };
        let mut held: Vec<_> = self.held.iter().map(shown).collect();
        held.sort();
        held
    }

    /// Whether a failure concerns but one table, which can be held back because of it.
    pub(crate) fn can_hold(&self, failure: &Failure) -> bool {
        self.setting.on_table_error == OnTableError::Quarantine && code(failure).is_some()
    }

    /// Holds the table of a map back, durably. `from` is where its first undelivered row can be read
    /// again, and `shown` the same for people.
    pub(crate) fn hold(
        &mut self,
        map: &TableMap<'_>,
        body: &[u8],
        from: &BinlogPosition,
        shown: &str,
        failure: Failure,
    ) -> Result<(), Failure> {
        let Some(code) = code(&failure) else { return Err(failure) };
        let name = format!("{}.{}", map.database, map.table);
        let message = format!(
            "the rows of {name} from {shown} on are held back, and all other tables go on: {failure}. \
             Choose: wellhead task table TASK {name} retry [--definition FILE], where FILE holds the \
             CREATE TABLE as it was there; or wellhead task table TASK {name} skip, which leaves them \
             out. SET GLOBAL binlog_row_metadata = FULL lets the server describe its tables from then on"
        );
        self.setting.quarantine.hold(&QuarantinedTable {
            database: map.database.to_owned(),
            table: map.table.to_owned(),
            from: from.to_position(),
            code: code.into(),
            message,
            decision: TableDecision::Pending,
        })?;
        self.held.insert((map.database.to_owned(), map.table.to_owned()), code.into());
        self.keep(map, body, Rows::Held);
        Ok(())
    }
}

/// The machine code of a failure that concerns but one table.
fn code(failure: &Failure) -> Option<&'static str> {
    Some(match failure {
        Failure::Decode(DecodeError::SchemaMismatch { .. }) => "schema_mismatch",
        Failure::Decode(DecodeError::MetadataMissing { .. }) | Failure::UnknownTable(..) => {
            "schema_unknown"
        }
        Failure::Decode(DecodeError::Unsupported(_)) => "schema_unsupported",
        Failure::Connection(crate::Error::Unsupported(_)) => "schema_unsupported",
        Failure::SchemaAhead { .. } => "schema_ambiguous",
        _ => return None,
    })
}
