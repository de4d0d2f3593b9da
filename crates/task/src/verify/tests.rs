//! Verifications of small logs against a source that is only played, and that changes when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use capture::{
    Effect, InspectError, InspectedTable, Inspector, KeyMark, Selection, SourceError, TableEffect,
};
use change::{
    Body, Change, Column, ColumnType, Ddl, Image, ImageError, Position, Row, RowOperation,
    SystemClock, TableSchema, Transaction, UnixTime, Value, Visitor,
};
use kafka::LeaderEpoch;
use kafka::batch::{BatchBuilder, Compression};
use log::{Config, Incarnation, Partition, Writer};
use record::DtsEncoder;

use super::ledger::Ledger;
use super::operation::{Stopped, Verifications};
use super::run::{Following, Subject, run};
use super::{DifferenceKind, Outcome, Report, Request};

/// A record of the only table: `shop.t (id, n)`.
#[derive(Debug, Clone, Copy)]
enum Entry {
    Insert(i64, i64),
    /// The id and number before, and after.
    Update((i64, i64), (i64, i64)),
    Delete(i64, i64),
    Statement(&'static str),
}
use Entry::{Delete, Insert, Statement, Update};

/// What the played source and the test share.
#[derive(Debug)]
struct World {
    writer: Writer,
    rows: BTreeMap<i64, i64>,
    /// What happens at the next questions for rows, first come first: entries for the log, and changes
    /// of the rows before and after the answer.
    events: Vec<Event>,
    asked: usize,
}

#[derive(Debug, Clone, Default)]
struct Event {
    log: Vec<Entry>,
    before: Vec<(i64, Option<i64>)>,
    after: Vec<(i64, Option<i64>)>,
}

type Shared = Arc<Mutex<World>>;

#[derive(Debug)]
struct Pair([Value<'static>; 2]);

impl Image for Pair {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        self.0.iter().enumerate().for_each(|(index, value)| visitor.column(index, *value));
        Ok(())
    }
}

fn pair((id, number): (i64, i64)) -> Pair {
    Pair([Value::Signed(id), Value::Signed(number)])
}

fn schema() -> TableSchema {
    let column =
        |name: &str| Column { name: name.into(), kind: ColumnType::BigInt { unsigned: false } };
    let columns = vec![column("id"), column("n")];
    TableSchema::new("shop".into(), "t".into(), columns, vec![0], vec![])
}

fn encoded(entry: Entry) -> Vec<u8> {
    let (resume, transaction) = (Position::parse(b"1").unwrap(), Transaction::default());
    let schema = schema();
    let (before, after) = match entry {
        Insert(id, n) => (None, Some(pair((id, n)))),
        Update(then, now) => (Some(pair(then)), Some(pair(now))),
        Delete(id, n) => (Some(pair((id, n))), None),
        Statement(_) => (None, None),
    };
    let operation = match entry {
        Insert(..) => RowOperation::Insert,
        Update(..) => RowOperation::Update,
        Delete(..) | Statement(_) => RowOperation::Delete,
    };
    let body = match entry {
        Statement(statement) => Body::Ddl(Ddl { database: "shop", statement }),
        _ => Body::Row(Row {
            operation,
            schema: &schema,
            before: before.as_ref().map(|image| image as &dyn Image),
            after: after.as_ref().map(|image| image as &dyn Image),
        }),
    };
    let time = UnixTime::from_seconds(1);
    let change = Change {
        time,
        position: "1@1",
        safe_position: "1@1",
        resume: &resume,
        transaction: &transaction,
        body,
    };
    let mut out = Vec::new();
    DtsEncoder::new().encode(&change, 1, time, &mut out).unwrap();
    out
}

impl World {
    /// Appends a batch.
    fn log(&mut self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let base = self.writer.next_offset();
        let mut builder = BatchBuilder::default();
        for entry in entries {
            builder.push(1, None, Some(&encoded(*entry))).unwrap();
        }
        let mut bytes = Vec::new();
        builder.seal(&[], Compression::Lz4, base, LeaderEpoch::NONE, &mut bytes).unwrap();
        self.writer.append(&mut bytes).unwrap();
        self.writer.sync().unwrap();
    }

    fn change(&mut self, changes: &[(i64, Option<i64>)]) {
        for (id, number) in changes {
            match number {
                Some(number) => self.rows.insert(*id, *number),
                None => self.rows.remove(id),
            };
        }
    }
}

#[derive(Debug)]
struct Played(Shared);

impl Following for Played {
    fn position(&self) -> Option<Position> {
        Some(Position::parse(b"1").unwrap())
    }

    fn check(&self) -> Result<(), Stopped> {
        Ok(())
    }
}

impl Inspector for Played {
    fn tables(&mut self, _: &Selection) -> Result<Vec<InspectedTable>, SourceError> {
        Ok(vec![InspectedTable { schema: schema(), key: Ok(vec![0]) }])
    }

    fn table(&mut self, _: &str, _: &str) -> Result<Option<InspectedTable>, SourceError> {
        Ok(Some(InspectedTable { schema: schema(), key: Ok(vec![0]) }))
    }

    fn rows(
        &mut self,
        _: &InspectedTable,
        keys: &[Vec<Value<'_>>],
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<(), InspectError> {
        let mut world = self.0.lock().unwrap();
        world.asked += 1;
        let event = if world.events.is_empty() { Event::default() } else { world.events.remove(0) };
        world.change(&event.before);
        let rows = world.rows.clone();
        world.change(&event.after);
        world.log(&event.log);
        drop(world);
        for key in keys {
            let [Value::Signed(id)] = key.as_slice() else { panic!("{key:?}") };
            if let Some(number) = rows.get(id) {
                each(&[Value::Signed(*id), Value::Signed(*number)]);
            }
        }
        Ok(())
    }

    fn keys(
        &mut self,
        _: &InspectedTable,
        after: Option<&KeyMark>,
        limit: usize,
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<Option<KeyMark>, InspectError> {
        let behind = after.map_or(i64::MIN, |mark| mark.0.parse().unwrap());
        let rows = self.0.lock().unwrap().rows.clone();
        let page: Vec<i64> = rows.keys().copied().filter(|id| *id > behind).take(limit).collect();
        page.iter().for_each(|id| each(&[Value::Signed(*id)]));
        Ok(page.last().filter(|_| page.len() == limit).map(|id| KeyMark(id.to_string())))
    }

    fn watermark(&mut self) -> Result<Position, SourceError> {
        Ok(Position::parse(b"1").unwrap())
    }

    fn has_reached(&self, _: &Position, _: &Position) -> bool {
        true
    }

    fn effects(&self, database: &str, statement: &str) -> Vec<TableEffect> {
        let effect = match statement {
            "create" | "truncate" => Effect::Emptied,
            "exchange" => Effect::Replaced,
            _ => Effect::Altered,
        };
        vec![TableEffect { database: database.into(), table: Some("t".into()), effect }]
    }
}

/// Verifies a log with these entries against these rows.
fn verified(
    entries: &[Entry],
    rows: &[(i64, i64)],
    events: Vec<Event>,
    limit: usize,
    sample: u32,
) -> (Report, usize) {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(Incarnation::from_bytes([7; 16]));
    let Partition { writer, reader, .. } = Partition::open(folder.path(), &config).unwrap();
    let mut world = World { writer, rows: rows.iter().copied().collect(), events, asked: 0 };
    entries.chunks(3).for_each(|some| world.log(some));
    let world: Shared = Arc::new(Mutex::new(world));
    let subject = Subject {
        reader,
        following: Box::new(Played(Arc::clone(&world))),
        inspector: Box::new(Played(Arc::clone(&world))),
        tracked: Selection::new(&["shop.*"], &[]).unwrap(),
        narrowed: None,
        has_statements: true,
    };
    let request = Request { tables: vec![], sample, values: true, listed: 100 };
    let verifications = Verifications::default();
    let task = change::TaskName::new("shop").unwrap();
    let clock = Arc::new(SystemClock);
    let started = verifications
        .start(&task, 0, clock, move |running| run(subject, request, Ledger::new(limit), running))
        .unwrap();
    verifications.join();
    let ended = verifications.find(&started.id).unwrap().ended.unwrap();
    let Outcome::Done(report) = ended.1 else { panic!("{ended:?}") };
    let asked = world.lock().unwrap().asked;
    (Report::clone(&report), asked)
}

fn simple(entries: &[Entry], rows: &[(i64, i64)], events: Vec<Event>) -> Report {
    verified(entries, rows, events, 1000, 10_000).0
}

fn kinds(report: &Report) -> Vec<(DifferenceKind, String)> {
    assert_eq!(report.difference_count, report.differences.len() as u64);
    let mut kinds: Vec<_> =
        report.differences.iter().map(|d| (d.kind, d.key[0].1.clone())).collect();
    kinds.sort_by_key(|(_, key)| key.clone());
    kinds
}

#[test]
fn a_log_that_says_what_its_source_says_is_equal() {
    let entries = [
        Statement("create"),
        Insert(1, 10),
        Insert(2, 20),
        Update((1, 10), (1, 11)),
        Update((2, 20), (3, 20)),
        Insert(4, 40),
        Delete(4, 40),
    ];
    let report = simple(&entries, &[(1, 11), (3, 20)], vec![]);
    assert!(report.is_good(), "{report:?}");
    let table = &report.tables[0];
    assert_eq!((table.rows, table.equal, table.records), (4, 4, 6));
    assert_eq!((report.first_offset, report.end_offset, report.passes), (0, 7, 1));
}

#[test]
fn every_kind_of_difference_is_told_with_its_key() {
    let entries = [
        Statement("create"),
        Insert(1, 10),
        Insert(2, 20),
        Insert(3, 30),
        Delete(3, 30),
        Insert(5, 50),
        Insert(5, 51),
        Update((6, 60), (6, 61)),
        Insert(7, 70),
        Update((7, 71), (7, 72)),
    ];
    let rows = [(1, 11), (3, 30), (4, 40), (5, 51), (6, 61), (7, 72)];
    let report = simple(&entries, &rows, vec![]);
    use DifferenceKind::{
        AppearsTwice, BrokenChain, MissingInLog, MissingInSource, NeverAppeared, NotDeleted,
    };
    assert_eq!(
        kinds(&report),
        [
            (DifferenceKind::Value, "1".to_owned()),
            (MissingInSource, "2".to_owned()),
            (NotDeleted, "3".to_owned()),
            (MissingInLog, "4".to_owned()),
            (AppearsTwice, "5".to_owned()),
            (NeverAppeared, "6".to_owned()),
            (BrokenChain, "7".to_owned()),
        ]
    );
    for (kind, values) in [(DifferenceKind::Value, ("10", "11")), (BrokenChain, ("70", "71"))] {
        let difference = report.differences.iter().find(|d| d.kind == kind).unwrap();
        let [column] = difference.columns.as_slice() else { panic!("{difference:?}") };
        assert_eq!(column.name, "n");
        let shown = column.values.clone().unwrap();
        assert_eq!((shown.0.as_str(), shown.1.as_str()), values, "{kind:?}");
    }
    let table = &report.tables[0];
    assert_eq!((table.different, table.broken), (4, 3));
}

#[test]
fn rows_that_are_older_than_the_log_are_neither_equal_nor_different() {
    let report = simple(&[Update((1, 9), (1, 10))], &[(1, 10), (2, 20), (3, 30)], vec![]);
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.tables[0].rows, report.tables[0].not_in_log), (1, 2));
}

#[test]
fn a_row_that_changes_between_log_and_question_is_no_difference() {
    let entries = [Statement("create"), Insert(1, 10), Insert(2, 20), Insert(3, 30)];
    let event = Event {
        before: vec![(1, Some(11)), (2, None), (3, Some(31))],
        after: vec![(3, Some(32))],
        log: vec![
            Update((1, 10), (1, 11)),
            Delete(2, 20),
            Update((3, 30), (3, 31)),
            Update((3, 31), (3, 32)),
        ],
    };
    let (report, asked) =
        verified(&entries, &[(1, 10), (2, 20), (3, 30)], vec![event], 1000, 10_000);
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.tables[0].rows, report.tables[0].changed_meanwhile), (3, 3));
    assert_eq!(asked, 1, "the records that came meanwhile explain what was found");
}

#[test]
fn a_row_is_asked_for_again_before_it_is_called_different() {
    let entries = [Statement("create"), Insert(1, 11)];
    // The log has the change, the source shows it a moment later.
    let event = Event { after: vec![(1, Some(11))], ..Event::default() };
    let (report, asked) = verified(&entries, &[(1, 10)], vec![event], 1000, 10_000);
    assert!(report.is_good(), "{report:?}");
    assert_eq!(asked, 2);
}

#[test]
fn a_record_of_the_window_that_says_something_else_explains_nothing() {
    let entries = [Statement("create"), Insert(1, 10)];
    let event = Event {
        before: vec![(1, Some(99))],
        log: vec![Update((1, 10), (1, 12))],
        ..Event::default()
    };
    let report = simple(&entries, &[(1, 10)], vec![event]);
    assert_eq!(kinds(&report), [(DifferenceKind::Value, "1".to_owned())]);
}

#[test]
fn with_little_memory_each_row_is_still_compared_once() {
    let rows: Vec<(i64, i64)> = (0..600).map(|id| (id, id * 2)).collect();
    let mut entries = vec![Statement("create")];
    entries.extend(rows.iter().map(|(id, n)| Insert(*id, *n)));
    entries.extend(rows.iter().map(|(id, n)| Update((*id, *n), (*id, n + 1))));
    let mut now: Vec<(i64, i64)> = rows.iter().map(|(id, n)| (*id, n + 1)).collect();
    now[77].1 = -1;
    now.push((9_999, 1));
    let (report, _) = verified(&entries, &now, vec![], 100, 10_000);
    assert!(report.passes > 4, "{}", report.passes);
    let table = &report.tables[0];
    assert_eq!((table.rows, table.equal, table.records), (601, 599, 1200));
    use DifferenceKind::{MissingInLog, Value};
    assert_eq!(kinds(&report), [(Value, "77".to_owned()), (MissingInLog, "9999".to_owned())]);
}

#[test]
fn a_sample_is_the_same_share_each_time() {
    let rows: Vec<(i64, i64)> = (0..1000).map(|id| (id, id)).collect();
    let mut entries = vec![Statement("create")];
    entries.extend(rows.iter().map(|(id, n)| Insert(*id, *n)));
    let share = || verified(&entries, &rows, vec![], 1000, 2_000).0.tables[0].rows;
    let rows = share();
    assert!((150..250).contains(&rows), "{rows}");
    assert_eq!(share(), rows);
}

#[test]
fn an_emptied_table_begins_anew_and_a_replaced_one_is_no_longer_known() {
    let entries = [Insert(1, 10), Statement("truncate"), Insert(2, 20)];
    let report = simple(&entries, &[(2, 20)], vec![]);
    assert!(report.is_good(), "{report:?}");
    assert_eq!(report.tables[0].rows, 1);
    let entries = [Statement("create"), Insert(1, 10), Statement("exchange"), Insert(2, 20)];
    let report = simple(&entries, &[(2, 20), (8, 80)], vec![]);
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.tables[0].rows, report.tables[0].not_in_log), (1, 1));
}

#[test]
fn a_table_that_is_emptied_while_it_is_compared_has_no_old_rows() {
    let entries = [Statement("create"), Insert(1, 10), Insert(2, 20)];
    let event = Event {
        before: vec![(1, None), (2, None)],
        log: vec![Statement("truncate"), Insert(3, 30)],
        after: vec![(3, Some(30))],
    };
    let report = simple(&entries, &[(1, 10), (2, 20)], vec![event]);
    assert!(report.is_good(), "{report:?}");
}

#[test]
fn a_task_is_verified_once_at_a_time_and_can_be_told_to_end() {
    let verifications = Verifications::default();
    let task = change::TaskName::new("shop").unwrap();
    let endless = |running: &super::operation::Running| loop {
        running.cancel.pause(std::time::Duration::from_secs(60))?;
    };
    let start = || verifications.start(&task, 0, Arc::new(SystemClock), endless);
    let first = start().unwrap();
    assert!(matches!(start(), Err(crate::Error::Conflict(_))));
    assert!(verifications.cancel("another").is_none());
    verifications.cancel(&first.id).unwrap();
    verifications.join();
    let ended = verifications.find(&first.id).unwrap().ended.unwrap();
    assert!(matches!(ended.1, Outcome::Cancelled));
    start().unwrap();
    verifications.end(Some(&task));
}
