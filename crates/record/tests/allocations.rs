//! Encoding a row allocates nothing once its table is known.

mod cells;
mod counting;

use change::{
    Body, Change, Column, ColumnType, Image, Position, Row, RowOperation, TableSchema, Transaction,
    UnixTime, Value,
};
use record::DtsEncoder;

use cells::Cells;

fn table(name: &str) -> (TableSchema, Cells) {
    let charset = || "utf8mb4".to_owned();
    let cells = vec![
        (ColumnType::BigInt { unsigned: true }, Value::Unsigned(u64::MAX)),
        (ColumnType::Int { unsigned: false }, Value::Signed(i64::MIN)),
        (ColumnType::Decimal { precision: 10, scale: 2 }, Value::Decimal("-12345.60")),
        (ColumnType::Float, Value::Float(1.1e-40)),
        (ColumnType::Double, Value::Double(f64::MAX)),
        (ColumnType::Date, Value::Date { year: 2026, month: 11, day: 21 }),
        (ColumnType::Timestamp { fraction: 6 }, Value::Timestamp { seconds: 1, micros: 1 }),
        (ColumnType::VarChar { charset: charset() }, Value::Text(b"some text")),
        (ColumnType::Text { size: 4, charset: charset() }, Value::Text(&[b'x'; 70_000])),
        (ColumnType::Json, Value::Json("{\"a\":[1,2,3]}")),
        (ColumnType::Set { labels: vec![] }, Value::Label("a,b")),
        (ColumnType::Uuid, Value::Plain("e7ae3cb6-7d7a-4f4a-b0f5-0b2b0c7ad4e5")),
        (ColumnType::Geometry, Value::Geometry { srid: 0, wkb: &[1; 21] }),
        (ColumnType::Year, Value::Null),
        (ColumnType::Year, Value::Absent),
    ];
    let (kinds, values): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
    let columns = kinds
        .into_iter()
        .enumerate()
        .map(|(index, kind)| Column { name: format!("c{index}"), kind })
        .collect();
    (TableSchema::new("shop".into(), name.into(), columns, vec![0], vec![]), Cells(values))
}

#[test]
fn a_row_allocates_nothing_once_its_table_is_known() {
    let tables = [table("orders"), table("items"), table("customers")];
    let resume = Position::parse(b"here").unwrap();
    let transaction = Transaction {
        server_id: Some(1),
        thread_id: Some(2),
        gtid: "0-1-2".into(),
        commit_time: None,
        sql_mode: Some(3),
        charset: Some([4, 5, 6]),
        flags2: Some(7),
        statement: "INSERT INTO orders VALUES (1)".into(),
    };
    let mut encoder = DtsEncoder::new();
    let mut out = Vec::new();
    let mut round = || {
        out.clear();
        let mut bodies = 0;
        let mut encode = |body| {
            let change = Change {
                time: UnixTime::from_seconds(1_700_000_000),
                position: "4@1",
                safe_position: "4@1",
                resume: &resume,
                transaction: &transaction,
                body,
            };
            bodies += 1;
            encoder.encode(&change, bodies, UnixTime::from_millis(1_700_000_000_123), &mut out)
        };
        encode(Body::Begin).unwrap();
        for (schema, cells) in &tables {
            let operation = RowOperation::Update;
            let (before, after): (Option<&dyn Image>, Option<&dyn Image>) =
                (Some(cells), Some(cells));
            encode(Body::Row(Row { operation, schema, before, after })).unwrap();
        }
        encode(Body::Commit).unwrap();
        encode(Body::Heartbeat).unwrap();
        counting::allocations()
    };
    let cold = round();
    assert!(cold > 0, "the counter counts");
    let warm = round();
    for _ in 0..100 {
        round();
    }
    assert_eq!(round(), warm, "an allocation crept into the way of a row");
}
