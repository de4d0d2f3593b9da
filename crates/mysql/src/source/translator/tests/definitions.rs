//! What columns mean where the log does not say it, and tables that nobody can decode.

use std::sync::{Arc, Mutex};

use capture::{
    BadEvent, HistoryError, NoQuarantine, OnTableError, Quarantine, QuarantinedTable, Selection,
    TableDecision,
};
use change::TableSchema;

use super::{
    Catalog, FILE, History, MARIADB_MINIMAL, MYSQL_MINIMAL, Recorder, dump, kind, narrow, run_with,
    tables,
};
use crate::binlog::Checksum;
use crate::ddl::{Context, Dialect};
use crate::source::error::Failure;
use crate::source::position::BinlogPosition;
use crate::source::tables::{Setting, Tables};
use crate::source::translator::Translator;

const OLD: &str = r#"INSERT narrow a,b=["1", "2"]"#;
const NEW: &str = r#"INSERT narrow a,c=["3", "4"]"#;
const NEWER: &str = r#"INSERT narrow a,c=["5", "6"]"#;
const CREATE: &[u8] = b"CREATE TABLE narrow";
const ALTER: &[u8] = b"RENAME COLUMN b TO c";

/// Where the statement with these words ends.
fn end_of(file: &[u8], words: &[u8]) -> u32 {
    let is_it = |e: &&Vec<u8>| kind(e) == 2 && e.windows(words.len()).any(|w| w == words);
    let statement = dump(file, 4).iter().find(is_it).cloned().unwrap();
    u32::from_le_bytes(statement[13..17].try_into().unwrap())
}

/// A start behind the statement with these words, and what the server sends from there.
fn behind(file: &[u8], words: &[u8]) -> (String, Vec<Vec<u8>>) {
    let end = end_of(file, words);
    (format!("file={FILE} offset={end} server=this"), dump(file, end.into()))
}

fn has(tables: Vec<TableSchema>) -> Catalog {
    Catalog { tables, ..Catalog::default() }
}

#[test]
fn d03_the_statements_of_the_log_are_enough() {
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let history = History::default();
        let start = format!("file={FILE} offset=4 server=this");
        let mut catalog = has(vec![narrow(&["x", "y"])]);
        let (all, failure) = run_with(&start, &dump(file, 4), &mut catalog, &history, &[]);
        assert!(failure.is_none(), "{failure:?}");
        assert!([OLD, NEW, NEWER].iter().all(|row| all.texts().contains(row)), "{all:?}");
        // The history alone is enough to come back to any place.
        for words in [CREATE, ALTER] {
            let (start, events) = behind(file, words);
            let mut nothing = Catalog::default();
            let (again, failure) = run_with(&start, &events, &mut nothing, &history, &[]);
            assert!(failure.is_none(), "{failure:?}");
            let rows = [OLD, NEW, NEWER].map(|row| again.texts().contains(&row));
            assert_eq!(rows, [words == CREATE, true, true]);
            assert_eq!(nothing.questions, 0, "what is known is not asked again");
        }
    }
}

#[test]
fn d03_what_was_loaded_at_the_start_outlives_a_catalog_that_ran_ahead() {
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let history = History::default();
        let mut catalog = has(vec![narrow(&["a", "b"])]);
        let (start, events) = behind(file, CREATE);
        let at_start = BinlogPosition::parse(&start).unwrap();
        let selection = || Selection::new(&["shop.*"], &[]).unwrap();
        tables(selection(), &mut catalog, &history, &at_start).load_all(&at_start).unwrap();
        // The statement is executed before the first row is read.
        catalog.tables = vec![narrow(&["a", "c"])];
        let (all, failure) = run_with(&start, &events, &mut catalog, &history, &[]);
        assert!(failure.is_none(), "{failure:?}");
        assert!([OLD, NEW, NEWER].iter().all(|row| all.texts().contains(row)), "{all:?}");
        // Once there is a history, it is not loaded over.
        let questions = catalog.questions;
        tables(selection(), &mut catalog, &history, &at_start).load_all(&at_start).unwrap();
        assert_eq!(catalog.questions, questions);
    }
}

#[test]
fn e06_definitions_of_another_server_are_not_taken_for_this_one() {
    let history = History::default();
    let mut catalog = has(vec![narrow(&["a", "b"])]);
    let (start, events) = behind(MYSQL_MINIMAL, CREATE);
    run_with(&start, &events, &mut catalog, &history, &[]);
    catalog.tables = vec![narrow(&["x", "y"])];
    let other = start.replace("server=this", "server=other");
    let (recorder, _) = run_with(&other, &events, &mut catalog, &history, &[]);
    assert!(recorder.texts().contains(&r#"INSERT narrow x,y=["1", "2"]"#), "{recorder:?}");
}

#[test]
fn e12_a_catalog_ahead_of_the_row_is_not_believed() {
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let (start, events) = behind(file, CREATE);
        let place = (6, u64::from(end_of(file, ALTER)));
        let mut catalog = has(vec![narrow(&["a", "c"])]);
        catalog.ahead = vec![(place, "ALTER TABLE narrow RENAME COLUMN b TO c")];
        let history = History::default();
        let (_, failure) = run_with(&start, &events, &mut catalog, &history, &[]);
        let (failure, _) = failure.expect("it was another column when the row was written");
        assert!(matches!(failure, Failure::SchemaAhead { file: 6, .. }), "{failure}");
        // Statements about other tables do not matter.
        catalog.ahead = vec![(place, "ALTER TABLE wide RENAME COLUMN b TO c")];
        let (start, events) = behind(file, ALTER);
        let (all, failure) = run_with(&start, &events, &mut catalog, &History::default(), &[]);
        assert!(failure.is_none() && all.texts().contains(&NEW), "{failure:?}");
    }
}

#[test]
fn d08_a_definition_that_does_not_fit_the_log_is_refused() {
    let (start, events) = behind(MYSQL_MINIMAL, CREATE);
    let mut catalog = has(vec![narrow(&["a", "b", "c"])]);
    let (_, failure) = run_with(&start, &events, &mut catalog, &History::default(), &[]);
    let (failure, _) = failure.expect("three columns are not two");
    assert!(matches!(failure, Failure::Decode(_)), "{failure}");
}

#[test]
fn d08_only_columns_that_were_added_at_the_end_are_found_by_themselves() {
    let (start, events) = behind(MYSQL_MINIMAL, CREATE);
    let at = BinlogPosition::parse(&start).unwrap();
    for (before, fits) in [(&["a"], true), (&["b"], false)] {
        let history = History::default();
        let mut catalog = has(vec![narrow(before)]);
        let selection = Selection::new(&["shop.*"], &[]).unwrap();
        tables(selection, &mut catalog, &history, &at).load_all(&at).unwrap();
        catalog.tables = vec![narrow(&["a", "b"])];
        let (all, failure) = run_with(&start, &events, &mut catalog, &history, &[]);
        assert_eq!(failure.is_none(), fits, "{before:?}: {failure:?}");
        assert_eq!(all.texts().contains(&OLD), fits);
    }
}

#[test]
fn a_table_that_nobody_describes_is_an_error_with_its_name() {
    let (start, events) = behind(MYSQL_MINIMAL, CREATE);
    let (mut catalog, history) = (Catalog::default(), History::default());
    let (_, failure) = run_with(&start, &events, &mut catalog, &history, &[]);
    let (failure, _) = failure.unwrap();
    assert!(failure.to_string().contains("shop.narrow"), "{failure}");
}

#[test]
fn c07_emptying_a_table_does_not_end_its_definition() {
    let history = History::default();
    let mut catalog = has(vec![narrow(&["a", "b"])]);
    let at = BinlogPosition::parse(&format!("file={FILE} offset=4000 server=this")).unwrap();
    let selection = Selection::new(&["shop.*"], &[]).unwrap();
    let mut tables = tables(selection, &mut catalog, &history, &at);
    tables.load_all(&at).unwrap();
    let kept = history.0.lock().unwrap().len();
    let context = Context::new(Dialect::MySql { version: 90_700 }, "shop");
    tables.definition_changed("TRUNCATE TABLE narrow", &context, &at).unwrap();
    assert_eq!(history.0.lock().unwrap().len(), kept);
    tables.definition_changed("ALTER TABLE narrow ADD d INT", &context, &at).unwrap();
    assert_eq!(history.0.lock().unwrap().len(), kept + 1);
}

/// Keeps what is held in memory.
#[derive(Debug, Default, Clone)]
pub(super) struct Shelf(pub(super) Arc<Mutex<Vec<QuarantinedTable>>>);

impl Quarantine for Shelf {
    fn tables(&self) -> Result<Vec<QuarantinedTable>, HistoryError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn hold(&self, table: &QuarantinedTable) -> Result<(), HistoryError> {
        self.0.lock().unwrap().push(table.clone());
        Ok(())
    }

    fn release(&self, _: &str, _: &str) -> Result<(), HistoryError> {
        self.0.lock().unwrap().clear();
        Ok(())
    }

    fn events_to_skip(&self) -> Result<Vec<String>, HistoryError> {
        NoQuarantine.events_to_skip()
    }

    fn event_skipped(&self, _: &BadEvent) -> Result<bool, HistoryError> {
        Ok(true)
    }
}

pub(super) fn setting<'a>(history: &'a History, shelf: &'a Shelf) -> Setting<'a> {
    Setting {
        selection: Selection::new(&["shop.*"], &[]).unwrap(),
        only: None,
        moved_from: None,
        history,
        quarantine: shelf,
        on_table_error: OnTableError::Quarantine,
    }
}

#[test]
fn d08_a_table_is_held_from_its_first_row_on_and_the_place_leads_back_to_it() {
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let (history, shelf) = (History::default(), Shelf::default());
        let (start, events) = behind(file, CREATE);
        let at = BinlogPosition::parse(&start).unwrap();
        let mut catalog = Catalog::default();
        let tables = Tables::new(setting(&history, &shelf), &mut catalog, &at).unwrap();
        let mut translator = Translator::new(at, tables, Checksum::Crc32);
        let mut sink = Recorder::default();
        for event in &events {
            translator.event(event, &mut sink).unwrap();
        }
        assert!(!sink.texts().iter().any(|text| text.starts_with("INSERT")), "{sink:?}");
        assert_eq!(translator.skipped().held, 3);
        let held = vec![("shop.narrow".to_owned(), "schema_unknown".to_owned())];
        assert_eq!(translator.held(), held);
        assert_eq!(sink.settled, 1, "what came before is durable first");
        let table = shelf.0.lock().unwrap().remove(0);
        assert_eq!(table.decision, TableDecision::Pending);
        for words in ["shop.narrow", "retry", "skip", "binlog_row_metadata = FULL", FILE] {
            assert!(table.message.contains(words), "{}", table.message);
        }
        // From its place on, and with a definition, all that was held comes, up to where the task was.
        let from = BinlogPosition::parse(table.from.as_str()).unwrap();
        let mut catalog = Catalog::default();
        let name = ("shop".to_owned(), "narrow".to_owned());
        let setting = Setting { only: Some(name.clone()), ..setting(&history, &shelf) };
        let mut tables = Tables::new(setting, &mut catalog, &from).unwrap();
        let context = Context::new(Dialect::MySql { version: 90_700 }, "shop");
        let definition = "CREATE TABLE narrow (a INT, b INT)";
        // The catalog is asked for the default character set, and has none.
        tables.define(&name, Some((definition, &context)), &from).unwrap();
        let limit = BinlogPosition { offset: u64::from(end_of(file, ALTER)), ..from.clone() };
        let mut translator = Translator::new(from.clone(), tables, Checksum::Crc32);
        translator.set_limit(limit);
        let mut sink = Recorder::default();
        for event in dump(file, from.offset) {
            if translator.has_reached_limit() {
                break;
            }
            translator.event(&event, &mut sink).unwrap();
        }
        assert!(translator.has_reached_limit());
        assert!(sink.texts().contains(&OLD) && !sink.texts().contains(&NEW), "{sink:?}");
    }
}

#[test]
fn d08_no_table_is_held_while_delivered_rows_are_told_by_their_number_alone() {
    for file in [MYSQL_MINIMAL, MARIADB_MINIMAL] {
        let (history, shelf) = (History::default(), Shelf::default());
        let (start, events) = behind(file, CREATE);
        let run = |start: &str, events: &[Vec<u8>]| {
            let at = BinlogPosition::parse(start).unwrap();
            let mut catalog = Catalog::default();
            let tables = Tables::new(setting(&history, &shelf), &mut catalog, &at).unwrap();
            let mut translator = Translator::new(at, tables, Checksum::Crc32);
            let mut sink = Recorder::default();
            events.iter().try_for_each(|event| translator.event(event, &mut sink))
        };
        run(&start, &events).unwrap();
        let held = shelf.0.lock().unwrap().remove(0);
        let offset = BinlogPosition::parse(held.from.as_str()).unwrap().offset;
        // Two of its rows may be among the three that another server has told.
        let start = format!("file={FILE} offset={offset} rows_event=0 row=0 rows=3 begun=1");
        let failure = run(&start, &dump(file, offset)).unwrap_err();
        assert!(matches!(failure, Failure::UnknownTable(..)), "{failure:?}");
        assert!(shelf.0.lock().unwrap().is_empty());
    }
}

#[test]
fn d08_without_a_definition_a_held_table_is_not_decoded_by_one_of_later_on() {
    let (history, shelf) = (History::default(), Shelf::default());
    let at = BinlogPosition::parse(&format!("file={FILE} offset=4000 server=this")).unwrap();
    let name = ("shop".to_owned(), "narrow".to_owned());
    let mut catalog = has(vec![narrow(&["b", "a"])]);
    let define = |catalog: &mut Catalog| {
        let setting = Setting { only: Some(name.clone()), ..setting(&history, &shelf) };
        Tables::new(setting, catalog, &at).unwrap().define(&name, None, &at)
    };
    catalog.ahead = vec![((6, 5000), "ALTER TABLE narrow CHANGE a b INT, CHANGE b a INT")];
    let failure = define(&mut catalog).unwrap_err();
    assert!(matches!(failure, Failure::SchemaAhead { .. }), "{failure:?}");
    assert!(history.0.lock().unwrap().is_empty());
    catalog.ahead.clear();
    define(&mut catalog).unwrap();
    assert_eq!(history.0.lock().unwrap().len(), 1);
}

#[test]
fn d02_a_table_has_caught_up_only_once_it_has_seen_all_that_the_task_has() {
    const UUID: &str = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
    let (history, shelf) = (History::default(), Shelf::default());
    for (came_to, task_at, expected) in [
        (format!("{UUID}:1-5"), format!("{UUID}:1-5"), true),
        (format!("{UUID}:1-5:7"), format!("{UUID}:1-7"), false),
        ("0-1-7,1-1-4".into(), "0-2-7,1-1-4".into(), true),
        ("0-1-7,1-1-4".into(), "0-1-6,1-1-5".into(), false),
    ] {
        let parsed = |text: String| BinlogPosition::parse(&text).unwrap();
        let at = parsed(format!("file={FILE} offset=198 server=this gtid={came_to}"));
        let mut catalog = Catalog::default();
        let tables = Tables::new(setting(&history, &shelf), &mut catalog, &at).unwrap();
        let mut translator = Translator::new(at, tables, Checksum::Crc32);
        translator.set_limit(parsed(format!("file={FILE} offset=198 server=this gtid={task_at}")));
        assert_eq!(translator.has_reached_limit(), expected, "{came_to} of {task_at}");
    }
}
