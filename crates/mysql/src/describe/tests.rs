//! Rows as MySQL 9.7 and MariaDB 10.11 answer them.

use std::collections::HashSet;

use change::{ColumnType, UniqueKey};

use super::labels;
use super::query::Draft;
use crate::connection::Row;

#[test]
fn labels_are_unescaped() {
    let text = r"enum('a','it''s','b\\c','d,e','ü','n\nl','(',')')";
    let expected = ["a", "it's", "b\\c", "d,e", "ü", "n\nl", "(", ")"];
    assert_eq!(labels::parse(text).unwrap(), expected);
    assert_eq!(labels::parse("set('')").unwrap(), [""]);
}

#[test]
fn a_cut_label_list_is_refused() {
    let text = r"enum('a','it''s','b\\')";
    for end in 0..text.len() {
        assert_eq!(labels::parse(&text[..end]), None, "cut at {end}");
    }
}

fn column<'a>(
    ordinal: &'a str,
    name: &'a str,
    types: [&'a str; 2],
    rest: [Option<&'a str>; 6],
) -> Row {
    let head = [Some("shop"), Some("t"), Some(ordinal), Some(name)];
    Row::from_cells(head.into_iter().chain(types.map(Some)).chain(rest))
}

fn key<'a>(name: &'a str, part: &'a str, column: Option<&'a str>) -> Row {
    Row::from_cells([Some("shop"), Some("t"), Some(name), Some(part), column])
}

fn kind_of(types: [&str; 2], rest: [Option<&str>; 6]) -> Option<ColumnType> {
    let mut draft = Draft::default();
    draft.add_column(&column("1", "c", types, rest), &mut HashSet::new());
    let schema = draft.finish().ok()?.schema("shop", "t");
    schema.columns.into_iter().next().map(|column| column.kind)
}

const NONE: [Option<&str>; 6] = [None; 6];

#[test]
fn types_of_both_catalogs_are_understood() {
    let utf8 = [Some("utf8mb4"), Some("20"), None, None, None, None];
    for (types, rest, expected) in [
        (["int", "int unsigned"], NONE, ColumnType::Int { unsigned: true }),
        (["int", "int(10) unsigned zerofill"], NONE, ColumnType::Int { unsigned: true }),
        (["int", "int(11)"], NONE, ColumnType::Int { unsigned: false }),
        (
            ["bit", "bit(13)"],
            [None, None, Some("13"), None, None, None],
            ColumnType::Bit { width: 13 },
        ),
        (
            ["decimal", "decimal(20,5)"],
            [None, None, Some("20"), Some("5"), None, None],
            ColumnType::Decimal { precision: 20, scale: 5 },
        ),
        (
            ["timestamp", "timestamp(3)"],
            [None, None, None, None, Some("3"), None],
            ColumnType::Timestamp { fraction: 3 },
        ),
        (["varchar", "varchar(20)"], utf8, ColumnType::VarChar { charset: "utf8mb4".into() }),
        (["longtext", "longtext"], utf8, ColumnType::Text { size: 4, charset: "utf8mb4".into() }),
        (["geomcollection", "geomcollection"], NONE, ColumnType::Geometry),
        (["inet6", "inet6"], NONE, ColumnType::Inet6),
        (
            ["set", "set('x','y''z')"],
            utf8,
            ColumnType::Set { labels: vec!["x".into(), "y'z".into()] },
        ),
    ] {
        assert_eq!(kind_of(types, rest), Some(expected), "{types:?}");
    }
    assert_eq!(kind_of(["hologram", "hologram(3)"], NONE), None);
    assert_eq!(kind_of(["decimal", "decimal"], NONE), None);
}

#[test]
fn b23_keys_over_expressions_are_left_out() {
    let mut draft = Draft::default();
    draft.add_column(&column("2", "b", ["int", "int"], NONE), &mut HashSet::new());
    draft.add_column(&column("1", "a", ["int", "int"], NONE), &mut HashSet::new());
    for row in [
        key("PRIMARY", "2", Some("a")),
        key("PRIMARY", "1", Some("b")),
        key("u", "1", Some("b")),
        key("fx", "1", None),
    ] {
        draft.add_key_part(&row);
    }
    let schema = draft.finish().unwrap().schema("shop", "t");
    assert_eq!(schema.columns[0].name, "a");
    assert_eq!(schema.primary_key, [1, 0]);
    assert_eq!(schema.unique_keys, [UniqueKey { name: "u".into(), columns: vec![1] }]);
}

#[test]
fn d13_hidden_columns_of_system_versioning_are_added() {
    let versioned = || {
        let cells = ["shop", "t", "SYSTEM VERSIONED", "utf8mb4_general_ci"];
        Draft::of_table(&Row::from_cells(cells.map(Some)))
    };
    let mut hidden = versioned();
    hidden.add_column(&column("1", "a", ["int", "int(11)"], NONE), &mut HashSet::new());
    let names = |draft: Draft| -> Vec<String> {
        let schema = draft.finish().unwrap().schema("shop", "t");
        schema.columns.into_iter().map(|column| column.name).collect()
    };
    assert_eq!(names(hidden), ["a", "row_start", "row_end"]);
    let mut visible = versioned();
    let start = [None, None, None, None, Some("6"), Some("ROW START")];
    visible
        .add_column(&column("1", "rs", ["timestamp", "timestamp(6)"], start), &mut HashSet::new());
    assert_eq!(names(visible), ["rs"]);
}
