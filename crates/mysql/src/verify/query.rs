//! The statements that rows and keys are asked for by.
//!
//! Conditions are spelled out column by column: comparisons of whole rows, and IN, convert constants
//! differently and use no index on some versions.

use capture::{InspectedTable, KeyMark};
use change::{ColumnType, Value};

use super::{cell, literal};

/// Names and types of the key's columns.
pub(super) fn key_columns(table: &InspectedTable) -> Vec<(&str, &ColumnType)> {
    let indexes = table.key.as_deref().unwrap_or_default();
    let column = |index: &usize| table.schema.columns.get(*index);
    indexes.iter().filter_map(column).map(|c| (c.name.as_str(), &c.kind)).collect()
}

/// All columns of the rows with these keys; `None` if none of the keys can be asked for.
pub(super) fn rows_query(table: &InspectedTable, keys: &[Vec<Value<'_>>]) -> Option<String> {
    let key = key_columns(table);
    let mut sql = String::from("SELECT ");
    for (index, column) in table.schema.columns.iter().enumerate() {
        if index > 0 {
            sql.push(',');
        }
        cell::push_expression(&mut sql, &column.name, &column.kind);
    }
    sql.push_str(" FROM ");
    literal::push_table(&mut sql, &table.schema);
    sql.push_str(" WHERE ");
    let mut any = false;
    for values in keys {
        let mut condition = String::new();
        let complete = !key.is_empty()
            && values.len() == key.len()
            && key.iter().zip(values).enumerate().all(|(index, ((name, kind), value))| {
                condition.push_str(if index == 0 { "(" } else { " AND " });
                literal::push_name(&mut condition, name);
                condition.push('=');
                literal::push_value(&mut condition, kind, value)
            });
        if complete {
            sql.push_str(if any { " OR " } else { "" });
            sql.push_str(&condition);
            sql.push(')');
            any = true;
        }
    }
    any.then_some(sql)
}

/// A page of keys. Labels are ordered by their number, so that is selected too.
pub(super) fn keys_query(
    table: &InspectedTable,
    after: Option<&KeyMark>,
    limit: usize,
) -> Option<String> {
    let key = key_columns(table);
    if key.is_empty() {
        return None;
    }
    let mut sql = String::from("SELECT ");
    for (index, (name, kind)) in key.iter().enumerate() {
        if index > 0 {
            sql.push(',');
        }
        cell::push_expression(&mut sql, name, kind);
    }
    for (name, _) in key.iter().filter(|(_, kind)| has_labels(kind)) {
        sql.push(',');
        push_order(&mut sql, name, true);
    }
    sql.push_str(" FROM ");
    literal::push_table(&mut sql, &table.schema);
    if let Some(KeyMark(mark)) = after {
        sql.push_str(" WHERE ");
        push_behind(&mut sql, &key, mark);
    }
    sql.push_str(" ORDER BY ");
    for (index, (name, _)) in key.iter().enumerate() {
        if index > 0 {
            sql.push(',');
        }
        literal::push_name(&mut sql, name);
    }
    sql.push_str(&format!(" LIMIT {limit}"));
    Some(sql)
}

/// `a > 1 OR (a = 1 AND b > 2)`: a comparison of whole rows would not use an index.
fn push_behind(sql: &mut String, key: &[(&str, &ColumnType)], mark: &str) {
    let bounds: Vec<&str> = mark.split(BETWEEN_BOUNDS).collect();
    for last in 0..key.len() {
        sql.push_str(if last == 0 { "(" } else { " OR (" });
        for (index, ((name, kind), bound)) in key.iter().zip(&bounds).take(last + 1).enumerate() {
            if index > 0 {
                sql.push_str(" AND ");
            }
            push_order(sql, name, has_labels(kind));
            sql.push_str(if index == last { ">" } else { "=" });
            sql.push_str(bound);
        }
        sql.push(')');
    }
}

fn push_order(sql: &mut String, name: &str, as_number: bool) {
    literal::push_name(sql, name);
    if as_number {
        sql.push_str("+0");
    }
}

const fn has_labels(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Enum { .. } | ColumnType::Set { .. })
}

/// The bounds of the page behind a key. `numbers` are those of its labels.
pub(super) fn mark<'c>(
    key: &[(&str, &ColumnType)],
    values: &[Value<'_>],
    mut numbers: impl Iterator<Item = Option<&'c [u8]>>,
) -> Option<KeyMark> {
    let mut bounds = Vec::with_capacity(key.len());
    for ((_, kind), value) in key.iter().zip(values) {
        let mut bound = String::new();
        if has_labels(kind) {
            let digits = std::str::from_utf8(numbers.next()??).ok()?;
            let number: u64 = digits.parse().ok()?;
            bound.push_str(&number.to_string());
        } else if !literal::push_value(&mut bound, kind, value) {
            return None;
        }
        bounds.push(bound);
    }
    Some(KeyMark(bounds.join(BETWEEN_BOUNDS)))
}

/// Stands in no literal: text is hexadecimal there.
const BETWEEN_BOUNDS: &str = "\n";
