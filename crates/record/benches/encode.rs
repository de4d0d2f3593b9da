//! What it costs to encode a row: of a narrow table, and of a wide one with values of every kind.
//!
//! `cargo bench -p record --bench encode`; with `-- --test` each runs once.

#![allow(missing_docs, reason = "the macros of criterion make functions without documentation")]

#[path = "../tests/cells/mod.rs"]
mod cells;

use change::{
    Body, Change, Column, ColumnType, Image, Position, Row, RowOperation, TableSchema, Transaction,
    UnixTime, Value,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use record::DtsEncoder;

use cells::Cells;

/// Rows encoded at a time: about as many as a batch holds.
const ROWS: i64 = 1_000;
/// Columns of the wide table.
const WIDE: usize = 60;

fn table(cells: impl Iterator<Item = (ColumnType, Value<'static>)>) -> (TableSchema, Cells) {
    let (kinds, values): (Vec<_>, Vec<_>) = cells.unzip();
    let column = |(index, kind)| Column { name: format!("column_{index}"), kind };
    let columns = kinds.into_iter().enumerate().map(column).collect();
    let schema = TableSchema::new("shop".into(), "orders".into(), columns, vec![0], vec![]);
    (schema, Cells(values))
}

fn kinds() -> Vec<(ColumnType, Value<'static>)> {
    let charset = || "utf8mb4".to_owned();
    let (year, month, day, hour, minute, second) = (2026, 11, 21, 4, 5, 6);
    let date_time = Value::DateTime { year, month, day, hour, minute, second, micros: 317_000 };
    vec![
        (ColumnType::BigInt { unsigned: true }, Value::Unsigned(1_234_567)),
        (ColumnType::Int { unsigned: false }, Value::Signed(42_000)),
        (ColumnType::Enum { labels: vec![] }, Value::Label("sent")),
        (ColumnType::Decimal { precision: 12, scale: 2 }, Value::Decimal("1312.50")),
        (
            ColumnType::VarChar { charset: charset() },
            Value::Text(b"leave at the door, straight on"),
        ),
        (ColumnType::DateTime { fraction: 3 }, date_time),
        (
            ColumnType::Timestamp { fraction: 0 },
            Value::Timestamp { seconds: 1_700_000_000, micros: 0 },
        ),
        (ColumnType::Json, Value::Json(r#"{"items": 3, "channel": "web", "coupon": null}"#)),
        (ColumnType::Float, Value::Float(123.45)),
        (ColumnType::Double, Value::Double(123.45)),
        (ColumnType::Date, Value::Date { year, month, day }),
        (ColumnType::VarBinary, Value::Bytes(&[7; 20])),
        (ColumnType::Text { size: 2, charset: charset() }, Value::Text(&[b'x'; 60])),
        (ColumnType::Int { unsigned: false }, Value::Null),
        (ColumnType::TinyInt { unsigned: true }, Value::Unsigned(200)),
    ]
}

fn encode(criterion: &mut Criterion) {
    let narrow = table(kinds().into_iter().take(8));
    let wide = table(kinds().into_iter().cycle().take(WIDE));
    let resume = Position::parse(b"binlog.000001:4").expect("it is no longer than positions are");
    let transaction =
        Transaction { server_id: Some(1), thread_id: Some(987), ..Transaction::default() };
    let now = UnixTime::from_millis(1_795_233_600_123);
    let mut encoder = DtsEncoder::new();
    let mut out = Vec::new();
    let mut group = criterion.benchmark_group("encode");
    group.throughput(Throughput::Elements(ROWS.unsigned_abs()));
    for (name, (schema, row)) in [("narrow", &narrow), ("wide", &wide)] {
        for operation in [RowOperation::Insert, RowOperation::Update] {
            let before: Option<&dyn Image> =
                if operation == RowOperation::Update { Some(row) } else { None };
            let change = Change {
                time: UnixTime::from_seconds(1_795_233_600),
                position: "72469@78",
                safe_position: "72347@78",
                resume: &resume,
                transaction: &transaction,
                body: Body::Row(Row { operation, schema, before, after: Some(row) }),
            };
            group.bench_function(format!("{name} {operation:?}"), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    for id in 0..ROWS {
                        encoder.encode(&change, id, now, &mut out).expect("the row fits its table");
                    }
                    out.len()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, encode);
criterion_main!(benches);
