//! Which columns tell a table's rows apart, and whose rows cannot be compared.

use std::collections::{BTreeMap, BTreeSet};

use capture::InspectedTable;
use change::{TableSchema, UniqueKey};

use crate::Error;
use crate::connection::{Connection, literal as text_literal};

/// Why the rows of a table cannot be compared, by database and name.
pub(super) type SpecialTables = BTreeMap<(String, String), &'static str>;

/// Tables whose rows are not what a SELECT shows.
pub(super) fn special_tables(
    connection: &mut Connection,
    condition: &str,
) -> Result<SpecialTables, Error> {
    let mut special = SpecialTables::new();
    let sql = format!(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES \
         WHERE {condition} AND TABLE_TYPE IN ('SYSTEM VERSIONED', 'SEQUENCE')"
    );
    connection.query_each(&sql, |row| {
        let why = match row.text(2) {
            "SEQUENCE" => "it is a sequence",
            _ => "it keeps versions of its rows",
        };
        special.insert((row.text(0).to_owned(), row.text(1).to_owned()), why);
        Ok(())
    })?;
    Ok(special)
}

/// Finds the columns that tell a table's rows apart.
pub(super) fn inspected(
    connection: &mut Connection,
    schema: TableSchema,
    special: &SpecialTables,
) -> Result<InspectedTable, Error> {
    if let Some(why) = special.get(&(schema.database.clone(), schema.table.clone())) {
        return Ok(InspectedTable { schema, key: Err(why) });
    }
    if !schema.primary_key.is_empty() {
        let key = Ok(schema.primary_key.clone());
        return Ok(InspectedTable { schema, key });
    }
    let nullable = connection.query(&format!(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE {} AND IS_NULLABLE = 'YES'",
        only(&schema)
    ))?;
    let nullable: BTreeSet<&str> = nullable.rows.iter().map(|row| row.text(0)).collect();
    let key = unique_key(&schema, &nullable).ok_or("it has no key without NULL");
    Ok(InspectedTable { schema, key })
}

pub(super) fn only(schema: &TableSchema) -> String {
    let (database, table) = (text_literal(&schema.database), text_literal(&schema.table));
    format!("TABLE_SCHEMA = {database} AND TABLE_NAME = {table}")
}

/// The shortest unique key whose columns are never NULL.
pub(super) fn unique_key(schema: &TableSchema, nullable: &BTreeSet<&str>) -> Option<Vec<usize>> {
    let never_null = |key: &&UniqueKey| {
        !key.columns.is_empty()
            && key.columns.iter().all(|index| {
                let column = schema.columns.get(*index);
                column.is_some_and(|column| !nullable.contains(column.name.as_str()))
            })
    };
    let keys = schema.unique_keys.iter().filter(never_null);
    keys.min_by_key(|key| key.columns.len()).map(|key| key.columns.clone())
}
