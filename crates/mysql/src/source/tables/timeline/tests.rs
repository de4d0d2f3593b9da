//! The timeline over a history in memory.

use std::sync::Mutex;

use capture::HistoryError;
use change::ColumnType;

use super::*;
use crate::ddl::{ColumnDefinition, Dialect};

#[derive(Debug, Default)]
struct History(Mutex<Vec<HistoryEntry>>);

impl SchemaHistory for History {
    fn load(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        let mut entries = self.0.lock().unwrap().clone();
        entries.sort_by(|a, b| a.valid_from.cmp(&b.valid_from));
        Ok(entries)
    }

    fn append_all(&self, added: &[HistoryEntry]) -> Result<(), HistoryError> {
        let mut entries = self.0.lock().unwrap();
        let key = |e: &HistoryEntry| (e.valid_from.clone(), e.database.clone(), e.table.clone());
        for entry in added {
            entries.retain(|e| key(e) != key(entry));
            entries.push(entry.clone());
        }
        Ok(())
    }
}

fn at(offset: u64) -> BinlogPosition {
    on("one", offset)
}

fn on(server: &str, offset: u64) -> BinlogPosition {
    let file = "bin.000003".into();
    BinlogPosition { file, offset, server: server.into(), ..BinlogPosition::default() }
}

fn name(table: &str) -> Name {
    ("shop".into(), table.into())
}

fn columns_of(timeline: &Timeline<'_>, table: &str) -> Option<String> {
    let schema = timeline.schema(&name(table))?;
    let names: Vec<_> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    Some(names.join(","))
}

fn numbers(columns: &[&str]) -> Definition {
    let column = |name: &&str| ColumnDefinition {
        name: (*name).into(),
        kind: ColumnType::Int { unsigned: false },
        characters: None,
    };
    Definition::new(Some("utf8mb4".into()), columns.iter().map(column).collect(), Vec::new())
}

fn load<'a>(history: &'a History, at: &BinlogPosition) -> Timeline<'a> {
    Timeline::load(history, at, None, None).unwrap()
}

fn follow(timeline: &mut Timeline<'_>, statement: &str, offset: u64) {
    let context = Context::new(Dialect::MySql { version: 90_700 }, "shop");
    timeline.follow(statement, &context, &at(offset)).unwrap();
}

/// Definitions of the server at 100, and three statements behind.
fn past(history: &History) {
    let mut timeline = load(history, &at(100));
    let loaded = describe::Definitions {
        databases: vec![("shop".into(), "utf8mb4".into())],
        tables: ["t", "u"].map(|t| ("shop".into(), t.into(), numbers(&["a", "b"]).into())).to_vec(),
        unknown: Vec::new(),
    };
    timeline.put_all(loaded, |name| name.1 == "u", &at(100)).unwrap();
    follow(&mut timeline, "ALTER TABLE t ADD c INT FIRST", 200);
    follow(&mut timeline, "ALTER TABLE t DROP b", 300);
    follow(&mut timeline, "RENAME TABLE t TO v", 400);
}

#[test]
fn d03_each_place_has_its_definition_however_far_the_reader_was() {
    let history = History::default();
    past(&history);
    for (offset, t, v) in [
        (100, Some("a,b"), None),
        // At a statement's own place it is still to come.
        (200, Some("a,b"), None),
        (201, Some("c,a,b"), None),
        (300, Some("c,a,b"), None),
        (400, Some("c,a"), None),
        (500, None, Some("c,a")),
    ] {
        let timeline = load(&history, &at(offset));
        let seen = (columns_of(&timeline, "t"), columns_of(&timeline, "v"));
        assert_eq!((seen.0.as_deref(), seen.1.as_deref()), (t, v), "at {offset}");
        assert!(timeline.is_loaded());
        assert_eq!(columns_of(&timeline, "u"), None, "it was not sure");
    }
    assert!(!load(&history, &at(99)).is_loaded(), "nothing is known of before");
}

#[test]
fn d17_a_statement_that_is_read_again_changes_nothing_twice() {
    let history = History::default();
    past(&history);
    let kept = history.load().unwrap();
    let mut timeline = load(&history, &at(200));
    follow(&mut timeline, "ALTER TABLE t ADD c INT FIRST", 200);
    assert_eq!(columns_of(&timeline, "t").as_deref(), Some("c,a,b"));
    assert_eq!(history.load().unwrap(), kept);
}

#[test]
fn d02_what_the_server_answered_once_is_not_asked_again_at_the_same_place() {
    let history = History::default();
    past(&history);
    let mut timeline = load(&history, &at(500));
    follow(&mut timeline, "CREATE TABLE w LIKE elsewhere.w", 600);
    assert_eq!(columns_of(&timeline, "w"), None);
    timeline.answer(&name("w"), numbers(&["x"]), &at(700)).unwrap();
    assert_eq!(columns_of(&load(&history, &at(800)), "w").as_deref(), Some("x"));
    let mut again = load(&history, &at(500));
    follow(&mut again, "CREATE TABLE w LIKE elsewhere.w", 600);
    assert_eq!(columns_of(&again, "w"), None);
    assert_eq!(again.answered_at(&name("w"), &at(700)), Some(&numbers(&["x"])));
    assert_eq!(again.answered_at(&name("w"), &at(701)), None);
}

#[test]
fn d02_a_statement_that_nobody_understands_ends_the_definitions_it_names_and_no_others() {
    let history = History::default();
    let mut timeline = load(&history, &at(100));
    follow(&mut timeline, "CREATE TABLE t (a INT)", 200);
    follow(&mut timeline, "CREATE TABLE n (a INT)", 300);
    follow(&mut timeline, "ALTER TABLE t ADD COLUMN b HOLOGRAM(3) AFTER a", 400);
    assert_eq!(columns_of(&timeline, "t"), None);
    assert_eq!(columns_of(&timeline, "n").as_deref(), Some("a"));
    assert_eq!(columns_of(&load(&history, &at(500)), "t"), None);
    assert_eq!(columns_of(&load(&history, &at(400)), "t").as_deref(), Some("a"));
}

#[test]
fn e05_definitions_move_to_another_server_with_the_reader() {
    let history = History::default();
    past(&history);
    let there = BinlogPosition { server: "two".into(), ..BinlogPosition::default() };
    let mut moved = Timeline::load(&history, &there, Some(&at(350)), None).unwrap();
    assert_eq!(columns_of(&moved, "t").as_deref(), Some("c,a"));
    // Its place in a file is known at the first group.
    moved.save_unsaved(&there).unwrap();
    assert!(!load(&history, &on("two", 9_000)).is_loaded());
    moved.save_unsaved(&on("two", 70)).unwrap();
    let resumed = load(&history, &on("two", 9_000));
    assert_eq!(columns_of(&resumed, "t").as_deref(), Some("c,a"));
    assert!(resumed.is_loaded());
    assert!(!load(&history, &on("two", 60)).is_loaded());
}

#[test]
fn d07_a_dropped_database_takes_its_tables_along() {
    let history = History::default();
    past(&history);
    let mut timeline = load(&history, &at(500));
    follow(&mut timeline, "DROP DATABASE shop", 600);
    follow(&mut timeline, "CREATE DATABASE shop CHARACTER SET latin1", 700);
    assert_eq!(columns_of(&load(&history, &at(800)), "v"), None);
    assert_eq!(load(&history, &at(800)).charset("shop").as_deref(), Some("latin1"));
}

#[test]
fn d06_a_table_that_may_have_existed_is_not_taken_for_new() {
    let history = History::default();
    let mut timeline = load(&history, &at(100));
    follow(&mut timeline, "CREATE TABLE IF NOT EXISTS t (x INT)", 200);
    assert_eq!(columns_of(&timeline, "t"), None);
    follow(&mut timeline, "CREATE TABLE n (x INT)", 300);
    assert_eq!(columns_of(&timeline, "n").as_deref(), Some("x"));
}

#[test]
fn a_catch_up_keeps_the_steps_of_its_own_table_alone() {
    let history = History::default();
    past(&history);
    let before = history.load().unwrap().len();
    let only = Some(name("t"));
    let mut timeline = Timeline::load(&history, &at(150), None, only).unwrap();
    timeline.define(&name("t"), numbers(&["z"]), &at(150)).unwrap();
    follow(&mut timeline, "ALTER TABLE t ADD c INT FIRST", 200);
    follow(&mut timeline, "CREATE TABLE more (x INT)", 250);
    assert_eq!(history.load().unwrap().len(), before + 1);
    assert_eq!(columns_of(&load(&history, &at(250)), "t").as_deref(), Some("c,z"));
}

#[test]
fn a_create_statement_is_read_with_the_default_of_its_database() {
    let context = Context::new(Dialect::MariaDb { version: 101_100 }, "shop");
    let read = |text: &str| read_create(text, &context, Some("latin1".into()));
    let schema = read("CREATE TABLE any_name (n VARCHAR(9), PRIMARY KEY (n))").unwrap();
    let kind = &schema.schema("shop", "t").columns[0].kind;
    assert_eq!(*kind, ColumnType::VarChar { charset: "latin1".into() });
    for text in ["CREATE TABLE t (nonsense", "SELECT 1", "CREATE TABLE t LIKE u", "DROP TABLE t"] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn schemas_of_older_catalogs_serve_until_a_statement_names_their_table() {
    let history = History::default();
    let schema = numbers(&["a"]).schema("shop", "t");
    let (database, table) = name("t");
    let (valid_from, schema) = (at(100).sort_key(), Some(schema));
    let old = HistoryEntry { valid_from, database, table, schema, definition: None };
    history.append(&old).unwrap();
    let mut timeline = load(&history, &at(150));
    assert_eq!(columns_of(&timeline, "t").as_deref(), Some("a"));
    follow(&mut timeline, "ALTER TABLE t ADD b INT", 200);
    assert_eq!(columns_of(&timeline, "t"), None);
}
