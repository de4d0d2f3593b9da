//! Prints how many rows a second one thread encodes: inserts of eight columns from an image in memory.
//!
//! `cargo run --release -p record --example encode_rate`

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::time::Instant;

use change::{
    Body, Change, Column, ColumnType, Image, ImageError, Position, Row, RowOperation, TableSchema,
    Transaction, UnixTime, Value, Visitor,
};
use record::DtsEncoder;

#[derive(Debug)]
struct Cells([Value<'static>; 8]);

impl Image for Cells {
    fn visit(&self, visitor: &mut dyn Visitor) -> Result<(), ImageError> {
        for (index, value) in self.0.iter().enumerate() {
            visitor.column(index, *value);
        }
        Ok(())
    }
}

fn orders() -> (TableSchema, Cells) {
    let charset = || "utf8mb4".to_owned();
    let (year, month, day, hour, minute, second, micros) = (2026, 11, 21, 4, 0, 0, 0);
    let date_time = Value::DateTime { year, month, day, hour, minute, second, micros };
    let cells = [
        ("id", ColumnType::BigInt { unsigned: true }, Value::Unsigned(1_234_567)),
        ("customer_id", ColumnType::Int { unsigned: false }, Value::Signed(42_000)),
        ("status", ColumnType::TinyInt { unsigned: false }, Value::Signed(3)),
        ("total", ColumnType::Decimal { precision: 10, scale: 2 }, Value::Decimal("1312.50")),
        ("name", ColumnType::VarChar { charset: charset() }, Value::Text(b"Ada Lovelace")),
        ("address", ColumnType::VarChar { charset: charset() }, Value::Text(&[b'x'; 60])),
        ("note", ColumnType::VarChar { charset: charset() }, Value::Null),
        ("created", ColumnType::DateTime { fraction: 0 }, date_time),
    ];
    let values = Cells(cells.each_ref().map(|(_, _, value)| *value));
    let columns =
        cells.map(|(name, kind, _)| Column { name: name.to_owned(), kind }).into_iter().collect();
    (TableSchema::new("shop".into(), "orders".into(), columns, vec![0], vec![]), values)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (schema, row) = orders();
    let resume = Position::parse(b"binlog.000001:4")?;
    let transaction =
        Transaction { server_id: Some(1), thread_id: Some(987), ..Transaction::default() };
    let change = Change {
        time: UnixTime::from_seconds(1_795_233_600),
        position: "72469@78",
        safe_position: "72347@78",
        resume: &resume,
        transaction: &transaction,
        body: Body::Row(Row {
            operation: RowOperation::Insert,
            schema: &schema,
            before: None,
            after: Some(&row),
        }),
    };
    let now = UnixTime::from_millis(1_795_233_600_123);
    let mut encoder = DtsEncoder::new();
    let mut batch = Vec::with_capacity(BATCH_SIZE);
    let mut size = 0;
    let start = Instant::now();
    for id in 0..ROWS {
        encoder.encode(&change, id, now, &mut batch)?;
        if batch.len() > BATCH_SIZE {
            size += batch.len();
            batch.clear();
        }
    }
    size += batch.len();
    let seconds = start.elapsed().as_secs_f64();
    let bytes_per_row = size / usize::try_from(ROWS)?;
    let million_rows = f64::from(i32::try_from(ROWS)?) / 1e6;
    println!("{:.2} million rows/s, {bytes_per_row} bytes a row", million_rows / seconds);
    Ok(())
}

const ROWS: i64 = 10_000_000;
const BATCH_SIZE: usize = 1 << 20;
