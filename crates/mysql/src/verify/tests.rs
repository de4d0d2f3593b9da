//! The statements that rows and keys are asked for by.

use std::collections::BTreeSet;

use capture::{InspectedTable, Inspector, KeyMark};
use change::{Column, ColumnType, Position, TableSchema, UniqueKey, Value};

use super::MySqlInspector;
use super::query::{key_columns, keys_query, mark, rows_query};
use super::tables::unique_key;
use crate::connection::Endpoint;

fn table(columns: Vec<(&str, ColumnType)>, key: Vec<usize>) -> InspectedTable {
    let columns =
        columns.into_iter().map(|(name, kind)| Column { name: name.into(), kind }).collect();
    let schema = TableSchema::new("shop".into(), "t".into(), columns, key.clone(), vec![]);
    InspectedTable { schema, key: Ok(key) }
}

fn sizes() -> ColumnType {
    ColumnType::Enum { labels: vec!["s".into(), "l".into()] }
}

#[test]
fn rows_are_asked_for_by_whole_keys() {
    let text = ColumnType::VarChar { charset: "latin1".into() };
    let t = table(vec![("id", ColumnType::Int { unsigned: false }), ("n", text)], vec![0, 1]);
    let keys = vec![
        vec![Value::Signed(1), Value::Text(b"a")],
        vec![Value::Null, Value::Text(b"b")],
        vec![Value::Signed(2), Value::Text(b"")],
    ];
    assert_eq!(
        rows_query(&t, &keys).unwrap(),
        "SELECT `id`,`n` FROM `shop`.`t` WHERE (`id`=1 AND `n`=_latin1 X'61') OR (`id`=2 AND `n`=_latin1 X'')"
    );
    assert_eq!(rows_query(&t, &[vec![Value::Null, Value::Null]]), None);
}

#[test]
fn a_page_begins_behind_the_key_before() {
    let t = table(vec![("e", sizes()), ("d", ColumnType::Double)], vec![0, 1]);
    assert_eq!(
        keys_query(&t, None, 9).unwrap(),
        "SELECT CONVERT(`e` USING utf8mb4),`d`*1e0,`e`+0 FROM `shop`.`t` ORDER BY `e`,`d` LIMIT 9"
    );
    let key = key_columns(&t);
    let values = [Value::Label("l"), Value::Double(1.5)];
    let numbers = [Some(&b"2"[..])];
    let behind = mark(&key, &values, numbers.into_iter()).unwrap();
    assert_eq!(behind, KeyMark("2\n1.5e0".into()));
    let page = keys_query(&t, Some(&behind), 9).unwrap();
    assert!(page.contains(" WHERE (`e`+0>2) OR (`e`+0=2 AND `d`>1.5e0) ORDER BY "), "{page}");
}

#[test]
fn a_key_with_null_tells_no_rows_apart() {
    let int = || ColumnType::Int { unsigned: false };
    let mut schema = table(vec![("a", int()), ("b", int())], vec![]).schema;
    schema.unique_keys = vec![
        UniqueKey { name: "ab".into(), columns: vec![0, 1] },
        UniqueKey { name: "a".into(), columns: vec![0] },
    ];
    assert_eq!(unique_key(&schema, &BTreeSet::new()), Some(vec![0]));
    assert_eq!(unique_key(&schema, &BTreeSet::from(["a"])), None);
}

#[test]
fn a_log_has_reached_a_mark_by_file_then_offset() {
    let inspector = MySqlInspector::new(Endpoint::parse("mysql://u@h").unwrap());
    let position = |text: &str| Position::parse(text.as_bytes()).unwrap();
    let reached = |read, mark| inspector.has_reached(&position(read), &position(mark));
    assert!(reached("file=bin.000009 offset=4 gtid=0-1-5", "file=bin.000008 offset=900"));
    assert!(reached("file=bin.000008 offset=900", "file=bin.000008 offset=900"));
    assert!(!reached("file=bin.999999 offset=900", "file=bin.1000000 offset=4"));
    assert!(!reached("file=bin.000008 offset=899 rows_event=1", "file=bin.000008 offset=900"));
    assert!(!reached("gtid=0-1-5", "file=bin.000008 offset=900"));
    let (one, other) = ("file=bin.000009 offset=4 server=a", "file=bin.000008 offset=4 server=b");
    assert!(!reached(one, other), "files of another server");
    assert!(reached(one, "file=bin.000009 offset=4 server=a"));
}
