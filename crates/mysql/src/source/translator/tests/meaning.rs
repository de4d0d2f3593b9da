//! What columns mean where the log does not say it: the server's catalog and the schema history.

use capture::Selection;

use super::{
    Catalog, FILE, History, MARIADB, MARIADB_MINIMAL, MYSQL, MYSQL_MINIMAL, Recorder, dump, kind,
    narrow, run_with, tables,
};
use crate::binlog::Checksum;
use crate::ddl::{Context, Dialect};
use crate::source::error::Failure;
use crate::source::position::BinlogPosition;
use crate::source::translator::Translator;

/// The events before the ALTER of `minimal.sql`, and those from it on.
fn split(file: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    const ALTER: &[u8] = b"RENAME COLUMN b TO c";
    let mut events = dump(file, 4);
    let is_alter =
        |event: &Vec<u8>| kind(event) == 2 && event.windows(ALTER.len()).any(|w| w == ALTER);
    let at = events.iter().position(is_alter).unwrap();
    let behind = events.split_off(at);
    (events, behind)
}

fn start() -> String {
    format!("file={FILE} offset=4 server=this")
}

const OLD: &str = r#"INSERT narrow a,b=["1", "2"]"#;
const NEW: &str = r#"INSERT narrow a,c=["3", "4"]"#;
const NEWER: &str = r#"INSERT narrow a,c=["5", "6"]"#;

#[test]
fn d03_a_definition_ends_with_the_statement_that_names_its_table() {
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let history = History::default();
        let mut catalog = Catalog { tables: vec![narrow(&["a", "b"])], questions: 0 };
        let (mut events, behind) = split(file);
        events.push(behind[0].clone());
        let (before, _) = run_with(&start(), &events, &mut catalog, &history, &[]);
        assert!(before.texts().contains(&OLD), "{before:?}");
        // Restarted right behind the statement, with a catalog that has changed too.
        catalog.tables = vec![narrow(&["a", "c"])];
        let end = u32::from_le_bytes(behind[0][13..17].try_into().unwrap());
        let position = format!("file={FILE} offset={end} server=this");
        let (after, failure) =
            run_with(&position, &dump(file, end.into()), &mut catalog, &history, &[]);
        assert!(failure.is_none(), "{failure:?}");
        assert!(after.texts().contains(&NEW) && after.texts().contains(&NEWER), "{after:?}");
        assert_eq!(catalog.questions, 2, "what is known is not asked again");
    }
}

#[test]
fn d03_what_was_loaded_at_the_start_outlives_a_catalog_that_ran_ahead() {
    const CREATE: &[u8] = b"CREATE TABLE narrow";
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let history = History::default();
        let mut catalog = Catalog { tables: vec![narrow(&["a", "b"])], questions: 0 };
        let is_create = |e: &&Vec<u8>| kind(e) == 2 && e.windows(CREATE.len()).any(|w| w == CREATE);
        let create = dump(file, 4).iter().find(is_create).cloned().unwrap();
        let end = u32::from_le_bytes(create[13..17].try_into().unwrap());
        let start = format!("file={FILE} offset={end} server=this");
        let at_start = BinlogPosition::parse(&start).unwrap();
        let selection = Selection::new(&["shop.*"], &[]).unwrap();
        tables(selection, &mut catalog, &history, &at_start).load_all(&at_start).unwrap();
        // The statement is executed before the first row is read.
        catalog.tables = vec![narrow(&["a", "c"])];
        let events = dump(file, end.into());
        let (all, failure) = run_with(&start, &events, &mut catalog, &history, &[]);
        assert!(failure.is_none(), "{failure:?}");
        assert!(all.texts().contains(&OLD) && all.texts().contains(&NEW), "{all:?}");
        // Once there is a history, it is not loaded over.
        let selection = Selection::new(&["shop.*"], &[]).unwrap();
        let questions = catalog.questions;
        tables(selection, &mut catalog, &history, &at_start).load_all(&at_start).unwrap();
        assert_eq!(catalog.questions, questions);
    }
}

#[test]
fn d03_rows_read_again_have_the_definition_of_their_place() {
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let history = History::default();
        let (before, behind) = split(file);
        let mut catalog = Catalog { tables: vec![narrow(&["a", "b"])], questions: 0 };
        run_with(&start(), &before, &mut catalog, &history, &[]);
        catalog.tables = vec![narrow(&["a", "c"])];
        let all = [before, behind].concat();
        let (first, _) = run_with(&start(), &all, &mut catalog, &history, &[]);
        assert!(first.texts().contains(&OLD) && first.texts().contains(&NEW), "{first:?}");
        catalog.tables.clear();
        let (second, _) = run_with(&start(), &all, &mut catalog, &history, &[]);
        assert_eq!(second.changes, first.changes, "the history alone is enough");
    }
}

#[test]
fn e06_definitions_of_another_server_are_not_taken_for_this_one() {
    let history = History::default();
    let mut catalog = Catalog { tables: vec![narrow(&["a", "b"])], questions: 0 };
    let (events, _) = split(MYSQL_MINIMAL);
    run_with(&start(), &events, &mut catalog, &history, &[]);
    catalog.tables = vec![narrow(&["x", "y"])];
    let other = format!("file={FILE} offset=4 server=other");
    let (recorder, _) = run_with(&other, &events, &mut catalog, &history, &[]);
    assert!(recorder.texts().contains(&r#"INSERT narrow x,y=["1", "2"]"#));
}

#[test]
fn d08_a_definition_that_does_not_fit_the_log_is_refused() {
    let mut catalog = Catalog { tables: vec![narrow(&["a", "b", "c"])], questions: 0 };
    let events = dump(MYSQL_MINIMAL, 4);
    let (_, failure) = run_with(&start(), &events, &mut catalog, &History::default(), &[]);
    let (failure, _) = failure.expect("three columns are not two");
    assert!(matches!(failure, Failure::Decode(_)), "{failure}");
}

#[test]
fn a_table_that_nobody_describes_is_an_error_with_its_name() {
    let (mut catalog, history) = (Catalog::default(), History::default());
    let events = dump(MYSQL_MINIMAL, 4);
    let (_, failure) = run_with(&start(), &events, &mut catalog, &history, &[]);
    let (failure, _) = failure.unwrap();
    assert!(failure.to_string().contains("shop.narrow"), "{failure}");
}

#[test]
fn a22_changes_in_statement_format_are_counted() {
    for file in [MYSQL, MARIADB] {
        let (mut catalog, history) = (Catalog::default(), History::default());
        let selection = Selection::new(&["shop.*"], &["shop.hidden"]).unwrap();
        let position = BinlogPosition::parse(&start()).unwrap();
        let tables = tables(selection, &mut catalog, &history, &position);
        let mut translator = Translator::new(position, tables, Checksum::Crc32);
        let mut sink = Recorder::default();
        for event in dump(file, 4) {
            translator.event(&event, &mut sink).unwrap();
        }
        let skipped = translator.skipped();
        assert_eq!((skipped.statement_format, skipped.untracked_statement), (2, 0));
        let warnings = translator.new_warnings().unwrap();
        for (warning, table) in warnings.iter().zip(["shop.items", "shop.plain"]) {
            assert!(warning.contains(table) && warning.contains(&format!("{FILE}:")), "{warning}");
        }
        assert_eq!(warnings.len(), 2);
        assert_eq!(skipped.untracked, 2);
    }
}

#[test]
fn c07_emptying_a_table_does_not_end_its_definition() {
    let history = History::default();
    let mut catalog = Catalog { tables: vec![narrow(&["a", "b"])], questions: 0 };
    let events = split(MYSQL_MINIMAL).0;
    run_with(&start(), &events, &mut catalog, &history, &[]);
    let at = BinlogPosition::parse(&format!("file={FILE} offset=4000 server=this")).unwrap();
    let mut tables = tables(Selection::default(), &mut catalog, &history, &at);
    let context = Context::new(Dialect::MySql { version: 90_700 }, "shop");
    tables.definition_changed("TRUNCATE TABLE narrow", &context, &at).unwrap();
    assert_eq!(history.0.lock().unwrap().len(), 1);
    tables.definition_changed("ALTER TABLE narrow ADD d INT", &context, &at).unwrap();
    assert_eq!(history.0.lock().unwrap().len(), 2);
}
