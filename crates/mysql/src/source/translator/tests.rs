//! The translator over whole files of real servers; `testdata/README.md` says how they were made.

mod definitions;
mod groups;
mod left_out;
mod log;
mod meaning;
mod resume;
mod scope;
mod xa;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use capture::{
    HistoryEntry, HistoryError, NoQuarantine, OnTableError, SchemaHistory, Selection, Sink,
    SinkError,
};
use change::{Body, Change, Column, ColumnType, RowOperation, SourceInfo, TableSchema};

use super::{Failure, Translator};
use crate::Error;
use crate::binlog::{Checksum, EventHeader};
use crate::ddl::{ColumnDefinition, Context, Definition, Dialect};
use crate::describe::{self, TableKeys};
use crate::source::position::BinlogPosition;
use crate::source::tables::{Ahead, Definitions, Name, Setting, Tables};

const MYSQL: &[u8] = include_bytes!("../testdata/mysql-9.7-groups.binlog");
const MYSQL_COMPRESSED: &[u8] = include_bytes!("../testdata/mysql-9.7-compressed.binlog");
const MYSQL_MINIMAL: &[u8] = include_bytes!("../testdata/mysql-9.7-minimal.binlog");
const MARIADB: &[u8] = include_bytes!("../testdata/mariadb-10.11-groups.binlog");
const MARIADB_COMPRESSED: &[u8] = include_bytes!("../testdata/mariadb-10.11-compressed.binlog");
const MARIADB_MINIMAL: &[u8] = include_bytes!("../testdata/mariadb-10.11-minimal.binlog");

/// The events of a file, each with the offset at which it starts.
fn cut(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut rest = file.strip_prefix(b"\xfebin").expect("a binlog starts with its magic");
    let mut offset = 4;
    let mut events = Vec::new();
    while !rest.is_empty() {
        let size = EventHeader::parse(rest).unwrap().event_size;
        let (event, behind) = rest.split_at(usize::try_from(size).unwrap());
        events.push((offset, event.to_vec()));
        offset += u64::from(size);
        rest = behind;
    }
    events
}

fn kind(event: &[u8]) -> u8 {
    event[4]
}

/// Puts the checksum behind an event.
fn signed(mut event: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&event);
    event.extend_from_slice(&checksum.to_le_bytes());
    event
}

/// An event made by hand, with checksum.
fn made(kind: u8, timestamp: u32, log_pos: u32, flags: u16, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(EventHeader::LENGTH + body.len() + 4).unwrap();
    let mut event = timestamp.to_le_bytes().to_vec();
    event.push(kind);
    event.extend_from_slice(&1_u32.to_le_bytes());
    event.extend_from_slice(&size.to_le_bytes());
    event.extend_from_slice(&log_pos.to_le_bytes());
    event.extend_from_slice(&flags.to_le_bytes());
    event.extend_from_slice(body);
    signed(event)
}

fn fake_rotate(file: &str, offset: u64) -> Vec<u8> {
    made(4, 0, 0, 0x20, &[&offset.to_le_bytes()[..], file.as_bytes()].concat())
}

fn heartbeat(file: &str, log_pos: u32) -> Vec<u8> {
    made(27, 0, log_pos, 0, file.as_bytes())
}

/// The format as a server sends it at a start within a file: with an end of 0.
fn format_within(file: &[u8]) -> Vec<u8> {
    let mut event = cut(file)[0].1.clone();
    event[13..17].fill(0);
    event.truncate(event.len() - 4);
    signed(event)
}

const FILE: &str = "bin.000006";

/// What a server sends of `file` to who asks for `offset`.
fn dump(file: &[u8], offset: u64) -> Vec<Vec<u8>> {
    let mut events = vec![fake_rotate(FILE, offset)];
    if offset > 4 {
        events.push(format_within(file));
    }
    events.extend(cut(file).into_iter().filter(|(start, _)| *start >= offset).map(|(_, e)| e));
    events
}

/// What came, as text, each with the resume point that was lent with it.
#[derive(Debug, Default)]
struct Recorder {
    changes: Vec<(String, String)>,
    progress: Vec<String>,
    /// Resume points told while nothing waited.
    idle: Vec<String>,
    times: Vec<i64>,
    /// How often it was asked to make things durable.
    settled: u32,
}

impl Recorder {
    fn texts(&self) -> Vec<&str> {
        self.changes.iter().map(|(text, _)| text.as_str()).collect()
    }
}

fn position_of(change: &Change<'_>) -> String {
    let text = change.resume.to_position().to_string();
    assert!(text.bytes().all(|b| b.is_ascii_graphic() || b == b' '), "{text}");
    text
}

fn show(change: &Change<'_>) -> String {
    match &change.body {
        Body::Begin => "BEGIN".into(),
        Body::Commit => "COMMIT".into(),
        Body::Rollback => "ROLLBACK".into(),
        Body::Heartbeat => "HEARTBEAT".into(),
        Body::Ddl(ddl) => {
            format!("DDL {}", ddl.statement.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        Body::Row(row) => {
            let name = match row.operation {
                RowOperation::Insert => "INSERT",
                RowOperation::Update => "UPDATE",
                RowOperation::Delete => "DELETE",
            };
            let names: Vec<_> = row.schema.columns.iter().map(|c| c.name.as_str()).collect();
            let image = row.after.or(row.before).unwrap();
            format!("{name} {} {}={:?}", row.schema.table, names.join(","), values(image))
        }
    }
}

fn values(image: &dyn change::Image) -> Vec<String> {
    struct Values(Vec<String>);
    impl change::Visitor for Values {
        fn column(&mut self, _: usize, value: change::Value<'_>) {
            self.0.push(match value {
                change::Value::Signed(number) => number.to_string(),
                change::Value::Text(bytes) => {
                    String::from_utf8_lossy(bytes).chars().take(8).collect()
                }
                other => format!("{other:?}"),
            });
        }
    }
    let mut values = Values(Vec::new());
    image.visit(&mut values).unwrap();
    values.0
}

impl Sink for Recorder {
    fn connected(&mut self, _: &SourceInfo, _: &dyn change::Resume) -> Result<(), SinkError> {
        Ok(())
    }

    fn change(&mut self, change: &Change<'_>) -> Result<(), SinkError> {
        self.changes.push((show(change), position_of(change)));
        self.times.push(change.time.seconds());
        Ok(())
    }

    fn progress(&mut self, at: &Change<'_>) -> Result<(), SinkError> {
        assert!(matches!(at.body, Body::Heartbeat));
        self.progress.push(position_of(at));
        Ok(())
    }

    fn settle(&mut self, _: &Change<'_>) -> Result<(), SinkError> {
        self.settled += 1;
        Ok(())
    }

    fn idle(&mut self, at: &Change<'_>) -> Result<Duration, SinkError> {
        self.idle.push(position_of(at));
        Ok(Duration::from_secs(1))
    }
}

/// What a server's catalog says, and how often it was asked.
#[derive(Debug, Default)]
struct Catalog {
    tables: Vec<TableSchema>,
    questions: u32,
    /// Statements further on in the log, each with the place where it ends.
    ahead: Vec<((u64, u64), &'static str)>,
}

/// A table without keys, as the catalog has it.
fn definition(schema: &TableSchema) -> Definition {
    let column = |Column { name, kind }: &Column| {
        let (name, kind) = (name.clone(), kind.clone());
        ColumnDefinition { name, kind, characters: None }
    };
    let columns = schema.columns.iter().map(column).collect();
    Definition::new(Some("utf8mb4".into()), columns, Vec::new())
}

impl Definitions for Catalog {
    fn table(&mut self, database: &str, table: &str) -> Result<Option<Definition>, Error> {
        self.questions += 1;
        let found = self.tables.iter().find(|t| t.database == database && t.table == table);
        Ok(found.map(definition))
    }

    fn all(&mut self, selection: &Selection) -> Result<describe::Definitions, Error> {
        self.questions += 1;
        let tracked = |t: &&TableSchema| selection.tracks(&t.database, &t.table);
        let named = |t: &TableSchema| (t.database.clone(), t.table.clone(), definition(t).into());
        let tables = self.tables.iter().filter(tracked).map(named).collect();
        Ok(describe::Definitions { tables, ..Default::default() })
    }

    fn keys(&mut self, _: &Name, _: &Selection) -> Result<Option<TableKeys>, Error> {
        Ok(None)
    }

    fn statement_was_read(&mut self) {}

    fn read_ahead(&mut self, _: &BinlogPosition, ahead: &mut Ahead) -> Result<(), Failure> {
        let context = Context::new(Dialect::MySql { version: 90_700 }, "shop");
        for (place, statement) in &self.ahead {
            ahead.add(*place, statement, &context);
        }
        Ok(())
    }
}

#[derive(Debug, Default, Clone)]
struct History(Arc<Mutex<Vec<HistoryEntry>>>);

impl SchemaHistory for History {
    fn load(&self) -> Result<Vec<HistoryEntry>, HistoryError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn append_all(&self, added: &[HistoryEntry]) -> Result<(), HistoryError> {
        let mut entries = self.0.lock().unwrap();
        for entry in added {
            entries.retain(|e| (&e.valid_from, &e.table) != (&entry.valid_from, &entry.table));
            entries.push(entry.clone());
        }
        Ok(())
    }
}

fn narrow(columns: &[&str]) -> TableSchema {
    let column =
        |name: &&str| Column { name: (*name).into(), kind: ColumnType::Int { unsigned: false } };
    let columns = columns.iter().map(column).collect();
    TableSchema::new("shop".into(), "narrow".into(), columns, vec![], vec![])
}

/// The tables of a task that stops at a table it cannot decode.
fn tables<'a>(
    selection: Selection,
    catalog: &'a mut Catalog,
    history: &'a History,
    at: &BinlogPosition,
) -> Tables<'a> {
    let setting = Setting {
        selection,
        only: None,
        moved_from: None,
        history,
        quarantine: &NoQuarantine,
        on_table_error: OnTableError::Stop,
    };
    Tables::new(setting, catalog, at).unwrap()
}

/// Runs events from a position; answers what came, and the error that ended it.
fn run_with(
    start: &str,
    events: &[Vec<u8>],
    catalog: &mut Catalog,
    history: &History,
    exclude: &[&str],
) -> (Recorder, Option<(Failure, String)>) {
    let selection = Selection::new(&["shop.*"], exclude).unwrap();
    let position = BinlogPosition::parse(start).unwrap();
    let tables = tables(selection, catalog, history, &position);
    let mut translator = Translator::new(position, tables, Checksum::Crc32);
    let mut again = xa::Again::default();
    translator.set_prepared_log(&mut again);
    let mut recorder = Recorder::default();
    for event in events {
        if let Err(failure) = translator.event(event, &mut recorder) {
            let at = translator.shown_event();
            return (recorder, Some((failure, at)));
        }
        translator.rest(change::UnixTime::from_seconds(0), &mut recorder).unwrap();
    }
    (recorder, None)
}

fn run(start: &str, events: &[Vec<u8>]) -> Recorder {
    let history = History::default();
    let (recorder, failure) =
        run_with(start, events, &mut Catalog::default(), &history, &["shop.hidden"]);
    assert!(failure.is_none(), "{failure:?}");
    recorder
}
