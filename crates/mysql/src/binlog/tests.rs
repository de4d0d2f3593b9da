//! The decoder against real binlogs; `testdata/README.md` says how they were made.

mod charsets;
mod damage;
mod documents;
mod every_event;
mod gtids;
mod kinds;
mod options;
mod oracle;
mod special;
mod transactions;

use std::collections::HashMap;

use change::{Image, Value, Visitor};

use super::{
    Checksum, DecodeError, Event, EventHeader, FormatDescription, PayloadReader, RawEvent, Rows,
    TableBinding, TableId,
};

const MYSQL_FULL: &[u8] = include_bytes!("testdata/mysql-9.7-full.binlog");
const MYSQL_COMPRESSED: &[u8] = include_bytes!("testdata/mysql-9.7-compressed.binlog");
const MYSQL_UNCHECKED: &[u8] = include_bytes!("testdata/mysql-9.7-unchecked.binlog");
const MARIADB_FULL: &[u8] = include_bytes!("testdata/mariadb-10.11-full.binlog");
const MARIADB_COMPRESSED: &[u8] = include_bytes!("testdata/mariadb-10.11-compressed.binlog");
const MARIADB_UNCHECKED: &[u8] = include_bytes!("testdata/mariadb-10.11-unchecked.binlog");
const MYSQL_MIXED: &[u8] = include_bytes!("testdata/mysql-9.7-mixed.binlog");
const MARIADB_MIXED: &[u8] = include_bytes!("testdata/mariadb-10.11-mixed.binlog");
const MYSQL_PARTIAL: &[u8] = include_bytes!("testdata/mysql-9.7-partial.binlog");
const ALL: [&[u8]; 9] = [
    MYSQL_PARTIAL,
    MYSQL_MIXED,
    MARIADB_MIXED,
    MYSQL_FULL,
    MYSQL_COMPRESSED,
    MYSQL_UNCHECKED,
    MARIADB_FULL,
    MARIADB_COMPRESSED,
    MARIADB_UNCHECKED,
];

/// The bytes of each event of a file.
fn cut(file: &[u8]) -> Vec<&[u8]> {
    let mut rest = file.strip_prefix(b"\xfebin").expect("a binlog starts with its magic");
    let mut events = Vec::new();
    while !rest.is_empty() {
        let header = EventHeader::parse(rest).unwrap();
        let (event, behind) = rest.split_at(usize::try_from(header.event_size).unwrap());
        events.push(event);
        rest = behind;
    }
    events
}

/// The format of a file, from its first event.
fn format_of(file: &[u8]) -> FormatDescription {
    let first = RawEvent::parse(cut(file)[0], Checksum::None).unwrap();
    match Event::decode(&first, &FormatDescription::assumed()).unwrap() {
        Event::FormatDescription(format) => format,
        other => panic!("{other:?} is no format description"),
    }
}

fn raw<'a>(event: &'a [u8], format: &FormatDescription) -> RawEvent<'a> {
    RawEvent::parse(event, format.checksum).unwrap()
}

/// A row as text: its table, and its images column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    table: String,
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
}

/// All rows of a file whose tables describe themselves, or are described by `bind`.
fn rows_with(
    file: &[u8],
    bind: &dyn Fn(&super::TableMap<'_>) -> Result<TableBinding, DecodeError>,
) -> Vec<Shown> {
    let format = format_of(file);
    let mut collected =
        Collected { bind, format: &format, tables: HashMap::new(), rows: Vec::new() };
    for event in cut(file) {
        let raw = raw(event, &format);
        collected.event(&raw);
    }
    collected.rows
}

fn rows(file: &[u8]) -> Vec<Shown> {
    rows_with(file, &TableBinding::from_metadata)
}

struct Collected<'f> {
    bind: &'f dyn Fn(&super::TableMap<'_>) -> Result<TableBinding, DecodeError>,
    format: &'f FormatDescription,
    tables: HashMap<TableId, TableBinding>,
    rows: Vec<Shown>,
}

impl Collected<'_> {
    fn event(&mut self, raw: &RawEvent<'_>) {
        let mut buffer = Vec::new();
        match Event::decode(raw, self.format) {
            Ok(Event::TableMap(map)) => {
                if !self.tables.get(&map.id).is_some_and(|table| table.describes(&map)) {
                    self.tables.insert(map.id, (self.bind)(&map).unwrap());
                }
            }
            Ok(Event::Rows(event)) => {
                let rows = event.rows(&self.tables[&event.table_id]).unwrap();
                self.rows.extend(shown(rows));
            }
            Ok(Event::CompressedRows(event)) => {
                let event = event.inflate(&mut buffer, 1 << 20).unwrap();
                let rows = event.rows(&self.tables[&event.table_id]).unwrap();
                self.rows.extend(shown(rows));
            }
            Ok(Event::TransactionPayload(payload)) => {
                let mut reader = PayloadReader::new(1 << 20).unwrap();
                let mut events = reader.open(&payload).unwrap();
                while let Some(raw) = events.next_event().unwrap() {
                    self.event(&raw);
                }
            }
            Ok(_) | Err(DecodeError::Unsupported(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn shown(mut rows: Rows<'_>) -> Vec<Shown> {
    let mut shown = Vec::new();
    while let Some(row) = rows.next_row().unwrap() {
        let table = rows.table().to_owned();
        let [before, after] = [row.before, row.after].map(|image| image.map(|i| texts(&i)));
        shown.push(Shown { table, before, after });
    }
    shown
}

fn texts(image: &dyn Image) -> Vec<String> {
    struct Texts(Vec<String>);
    impl Visitor for Texts {
        fn column(&mut self, index: usize, value: Value<'_>) {
            assert_eq!(index, self.0.len(), "columns come in order");
            self.0.push(text(value));
        }
    }
    let mut texts = Texts(Vec::new());
    image.visit(&mut texts).unwrap();
    texts.0
}

/// A value as the expectations of `testdata` spell it.
fn text(value: Value<'_>) -> String {
    let fraction = |micros: u32| {
        if micros == 0 {
            String::new()
        } else {
            format!(".{micros:06}").trim_end_matches('0').into()
        }
    };
    match value {
        Value::Null => "NULL".into(),
        Value::Absent => "ABSENT".into(),
        Value::Signed(number) => number.to_string(),
        Value::Unsigned(number) => number.to_string(),
        Value::Float(number) => format!("{}", f64::from(number)),
        Value::Double(number) => format!("{number}"),
        Value::Decimal(text) | Value::Json(text) | Value::Plain(text) => text.into(),
        Value::Text(bytes) | Value::Bytes(bytes) => hex(bytes),
        Value::Label(label) => hex(label.as_bytes()),
        Value::Date { year, month, day } => format!("{year:04}-{month:02}-{day:02}"),
        Value::Time { negative, hours, minutes, seconds, micros } => format!(
            "{}{hours:02}:{minutes:02}:{seconds:02}{}",
            if negative { "-" } else { "" },
            fraction(micros)
        ),
        Value::DateTime { year, month, day, hour, minute, second, micros } => format!(
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{}",
            fraction(micros)
        ),
        Value::Timestamp { seconds, micros } => format!("{seconds}{}", fraction(micros)),
        Value::Year(year) => year.to_string(),
        Value::Geometry { srid, wkb } => format!("{srid}:{}", hex(wkb)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
