//! What the log does not say of a table even where it describes it: unique keys, and which of MariaDB's
//! own types a string of bytes is.

use std::sync::Arc;

use change::{Column, ColumnType, TableSchema, UniqueKey};

use super::{Name, Tables, log_place};
use crate::binlog::{TableBinding, TableMap};
use crate::describe::TableKeys;
use crate::source::error::Failure;
use crate::source::position::BinlogPosition;

impl Tables<'_> {
    /// Adds it: from the definition that was followed up to here, else from the server. That may be
    /// ahead of the log, so of its keys only those are taken whose columns are all in the log, and its
    /// types only if no statement in between names the table.
    pub(super) fn with_keys(
        &mut self,
        map: &TableMap<'_>,
        described: TableBinding,
        at: &BinlogPosition,
    ) -> Result<TableBinding, Failure> {
        let name = (map.database.to_owned(), map.table.to_owned());
        let keys = match self.followed_keys(&name, described.schema()) {
            Some(keys) => keys,
            None => match self.definitions.keys(&name, &self.setting.selection)? {
                Some(keys) => {
                    let is_told = |column: &Column| {
                        is_bytes(&column.kind)
                            && keys.plain_types.iter().any(|(name, _)| *name == column.name)
                    };
                    if described.schema().columns.iter().any(is_told) {
                        self.check_ahead(&name, at)?;
                    }
                    keys
                }
                None => return Ok(described),
            },
        };
        if keys.unique_keys.is_empty() && keys.plain_types.is_empty() {
            return Ok(described);
        }
        let richer = Arc::new(richer(described.schema(), keys));
        Ok(TableBinding::with_schema(map, richer).unwrap_or(described))
    }

    /// Fails if a statement between `at` and the end of the log names the table.
    pub(super) fn check_ahead(&mut self, name: &Name, at: &BinlogPosition) -> Result<(), Failure> {
        self.definitions.read_ahead(at, &mut self.ahead)?;
        match self.ahead.names(name, log_place(at)) {
            Some((file, offset)) => Err(Failure::SchemaAhead { table: name.clone(), file, offset }),
            None => Ok(()),
        }
    }

    /// The keys and types of the definition that was followed, if it has the columns of the log.
    fn followed_keys(&self, name: &Name, described: &TableSchema) -> Option<TableKeys> {
        let known = self.timeline.schema(name)?;
        let names = |schema: &TableSchema| -> Vec<String> {
            schema.columns.iter().map(|column| column.name.clone()).collect()
        };
        (names(&known) == names(described)).then(|| TableKeys::of(&known))
    }
}

/// The types that MariaDB's own look like in the log.
fn is_bytes(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Binary { width: 4 | 16 } | ColumnType::VarBinary)
}

fn richer(described: &TableSchema, keys: TableKeys) -> TableSchema {
    let column = |column: &Column| {
        let plain = keys.plain_types.iter().find(|(name, _)| *name == column.name);
        let kind = plain.map_or_else(|| column.kind.clone(), |(_, kind)| kind.clone());
        Column { name: column.name.clone(), kind }
    };
    let columns: Vec<Column> = described.columns.iter().map(column).collect();
    let index = |part: &String| columns.iter().position(|column| column.name == *part);
    let unique_key = |(name, parts): (String, Vec<String>)| {
        let columns = parts.iter().map(index).collect::<Option<Vec<_>>>()?;
        Some(UniqueKey { name, columns })
    };
    let unique_keys = keys.unique_keys.into_iter().filter_map(unique_key).collect();
    TableSchema::new(
        described.database.clone(),
        described.table.clone(),
        columns,
        described.primary_key.clone(),
        unique_keys,
    )
}
