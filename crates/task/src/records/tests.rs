//! Looks into logs that were written with the real encoder, batches and files.

use change::{
    Body, Change, Column, ColumnType, Ddl, Image, ImageError, Position, Row, RowOperation,
    TableSchema, Transaction, UnixTime, Value, Visitor,
};
use kafka::LeaderEpoch;
use kafka::batch::{BatchBuilder, Compression};
use log::{Config, Incarnation, Partition, Writer};
use record::DtsEncoder;

use super::*;

#[derive(Debug)]
struct Id(i64);

impl Image for Id {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        visitor.column(0, Value::Signed(self.0));
        Ok(())
    }
}

/// A log in a folder of its own.
struct Book {
    _folder: tempfile::TempDir,
    writer: Writer,
    reader: Reader,
}

/// What to write.
#[derive(Clone, Copy)]
enum Entry {
    Heartbeat,
    Insert(&'static str),
    Ddl(&'static str),
    Garbage,
}

impl Book {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(Incarnation::from_bytes([7; 16]));
        let Partition { writer, reader, .. } = Partition::open(folder.path(), &config).unwrap();
        Self { _folder: folder, writer, reader }
    }

    /// One batch; each record is ten seconds later than the one before.
    fn write(&mut self, entries: &[Entry]) {
        let base = self.writer.next_offset();
        let mut builder = BatchBuilder::default();
        for (offset, entry) in (base.0..).zip(entries) {
            builder.push(offset * 10_000, None, Some(&encoded(*entry, offset))).unwrap();
        }
        let mut bytes = Vec::new();
        builder.seal(&[], Compression::Lz4, base, LeaderEpoch::NONE, &mut bytes).unwrap();
        self.writer.append(&mut bytes).unwrap();
        self.writer.sync().unwrap();
    }

    fn offsets(&self, from: i64, filter: &Filter, limits: Limits) -> (Vec<i64>, i64) {
        let page = read(&self.reader, Offset(from), filter, limits).unwrap();
        (page.records.iter().map(|record| record.offset).collect(), page.next_offset)
    }

    fn last(&self, filter: &Filter, limits: Limits) -> Vec<i64> {
        let page = read_last(&self.reader, filter, limits).unwrap();
        assert_eq!(page.next_offset, page.end_offset);
        page.records.iter().map(|record| record.offset).collect()
    }
}

fn encoded(entry: Entry, id: i64) -> Vec<u8> {
    let resume = Position::parse(b"here").unwrap();
    let transaction = Transaction::default();
    let column = Column { name: "id".into(), kind: ColumnType::BigInt { unsigned: false } };
    let image = Id(id);
    let table = match entry {
        Entry::Garbage => return vec![0xff; 9],
        Entry::Insert(table) => table,
        Entry::Heartbeat | Entry::Ddl(_) => "none",
    };
    let schema = TableSchema::new("shop".into(), table.into(), vec![column], vec![0], vec![]);
    let body = match entry {
        Entry::Insert(_) => Body::Row(Row {
            operation: RowOperation::Insert,
            schema: &schema,
            before: None,
            after: Some(&image),
        }),
        Entry::Ddl(statement) => Body::Ddl(Ddl { database: "shop", statement }),
        Entry::Heartbeat | Entry::Garbage => Body::Heartbeat,
    };
    let time = UnixTime::from_seconds(id * 10);
    let change = Change {
        time,
        position: "1@1",
        safe_position: "1@1",
        resume: &resume,
        transaction: &transaction,
        body,
    };
    let mut out = Vec::new();
    DtsEncoder::new().encode(&change, id, time, &mut out).unwrap();
    out
}

const MANY: Limits = Limits { records: 1000, bytes: 1 << 20 };

fn only(count: usize) -> Limits {
    Limits { records: count, ..MANY }
}

#[test]
fn records_come_in_order_without_heartbeats_and_say_where_to_go_on() {
    let mut book = Book::new();
    book.write(&[Entry::Insert("a"), Entry::Heartbeat, Entry::Insert("b")]);
    book.write(&[Entry::Heartbeat, Entry::Insert("a"), Entry::Heartbeat]);
    let all = Filter::default();
    assert_eq!(book.offsets(0, &all, MANY), (vec![0, 2, 4], 6));
    assert_eq!(book.offsets(1, &all, only(1)), (vec![2], 3));
    assert_eq!(book.offsets(3, &all, only(1)), (vec![4], 5));
    assert_eq!(book.offsets(5, &all, MANY), (vec![], 6));
    assert_eq!(book.offsets(6, &all, MANY), (vec![], 6));
    let page = read(&book.reader, Offset(2), &all, only(1)).unwrap();
    assert_eq!(page.records[0].timestamp_ms, 20_000);
    let decoded = page.records[0].decoded.as_ref().unwrap();
    assert!(decoded.to_text_line().ends_with("INSERT shop.b id=2"));
}

#[test]
fn a_filter_chooses_tables_and_kinds() {
    let mut book = Book::new();
    book.write(&[Entry::Insert("a"), Entry::Insert("b"), Entry::Ddl("drop table a")]);
    book.write(&[Entry::Heartbeat]);
    let offsets = |table, kinds| book.offsets(0, &Filter::parse(table, kinds).unwrap(), MANY).0;
    assert_eq!(offsets(Some("shop.b"), None), [1, 2]);
    assert_eq!(offsets(Some("shop.b"), Some("insert")), [1]);
    assert_eq!(offsets(Some("crm.*"), None), Vec::<i64>::new());
    assert_eq!(offsets(None, Some("DDL,heartbeat")), [2, 3]);
    assert_eq!(offsets(None, Some("dml")), [0, 1]);
    assert_eq!(offsets(None, Some("all")), [0, 1, 2, 3]);
}

#[test]
fn a_filter_that_names_nothing_is_refused() {
    let refused = |table, kinds| Filter::parse(table, kinds).unwrap_err().to_string();
    assert_eq!(
        refused(None, Some("insert,upsert")),
        "op \"upsert\" is none of insert, update, delete, ddl, begin, commit, rollback, heartbeat, init, dml, all"
    );
    assert!(refused(Some("orders"), None).contains("must be database.table"));
}

#[test]
fn the_last_records_are_found_behind_any_number_of_heartbeats() {
    let mut book = Book::new();
    book.write(&[Entry::Insert("a"), Entry::Insert("a"), Entry::Heartbeat, Entry::Insert("a")]);
    for _ in 0..20 {
        book.write(&[Entry::Heartbeat; 100]);
    }
    book.write(&[Entry::Insert("a")]);
    let all = Filter::default();
    assert_eq!(book.last(&all, only(1)), [2004]);
    assert_eq!(book.last(&all, only(3)), [1, 3, 2004]);
    assert_eq!(book.last(&all, MANY), [0, 1, 3, 2004]);
    let heartbeats = Filter::parse(None, Some("heartbeat")).unwrap();
    assert_eq!(book.last(&heartbeats, only(2)), [2002, 2003]);
}

#[test]
fn an_answer_is_bounded_in_bytes_but_never_empty_for_that() {
    let mut book = Book::new();
    book.write(&[Entry::Insert("a"); 10]);
    let tiny = Limits { records: 1000, bytes: 1 };
    assert_eq!(book.offsets(4, &Filter::default(), tiny), (vec![4], 5));
    assert_eq!(book.last(&Filter::default(), tiny), [9]);
}

#[test]
fn what_cannot_be_decoded_is_shown_and_not_hidden() {
    let mut book = Book::new();
    book.write(&[Entry::Garbage, Entry::Insert("a")]);
    let ddl = Filter::parse(Some("shop.x"), Some("ddl")).unwrap();
    let page = read(&book.reader, Offset(0), &ddl, MANY).unwrap();
    assert_eq!(page.records.len(), 1);
    assert!(page.records[0].decoded.is_err());
    assert_eq!(page.records[0].value, [0xff; 9]);
}

#[test]
fn an_offset_outside_of_the_log_is_the_callers_fault() {
    let mut book = Book::new();
    book.write(&[Entry::Insert("a")]);
    for outside in [-1, 2] {
        let error = read(&book.reader, Offset(outside), &Filter::default(), MANY).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
}

#[test]
fn places_become_offsets_within_the_log() {
    let mut book = Book::new();
    let place = |book: &Book, place: Place| place.offset(&book.reader).unwrap().0;
    assert_eq!(place(&book, Place::BeforeEnd(5)), 0);
    assert_eq!(place(&book, Place::Time(0)), 0);
    book.write(&[Entry::Insert("a"); 4]);
    for (asked, offset) in [
        (Place::Start, 0),
        (Place::End, 4),
        (Place::BehindStart(1), 1),
        (Place::BehindStart(99), 4),
        (Place::BeforeEnd(1), 3),
        (Place::BeforeEnd(99), 0),
        (Place::At(77), 77),
        (Place::Time(15_000), 2),
        (Place::Time(99_000_000), 4),
    ] {
        assert_eq!(place(&book, asked), offset, "{asked:?}");
    }
}
