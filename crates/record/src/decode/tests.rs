use change::{Body, ColumnType, Ddl, Value};
use proptest::prelude::*;

use super::*;
use crate::DtsEncoder;
use crate::testing::{Cells, NOW, Surroundings, column, insert, table, update};

fn encode(body: Body<'_>) -> Vec<u8> {
    let surroundings = Surroundings::new();
    let mut out = Vec::new();
    DtsEncoder::new().encode(&surroundings.change(body), 1, NOW, &mut out).unwrap();
    out
}

/// A cell of the only column of a row.
fn cell(kind: ColumnType, value: Value<'_>) -> Cell {
    let schema = table("t", vec![column("c", kind)], vec![]);
    let row = Cells(vec![value]);
    let record = Record::decode(&encode(Body::Row(insert(&schema, &row)))).unwrap();
    record.after.unwrap().remove(0)
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

#[test]
fn values_become_text_bytes_or_numbers() {
    let int = ColumnType::Int { unsigned: false };
    assert_eq!(cell(int.clone(), Value::Null), Cell::Null);
    assert_eq!(cell(int.clone(), Value::Absent), Cell::Absent);
    assert_eq!(cell(int, Value::Signed(-7)), Cell::Integer("-7".into()));
    assert_eq!(cell(ColumnType::Float, Value::Float(0.1)), Cell::Float(0.1));
    let decimal = ColumnType::Decimal { precision: 4, scale: 2 };
    assert_eq!(cell(decimal, Value::Decimal("12.50")), text("12.50"));
    let latin = ColumnType::VarChar { charset: "latin1".into() };
    assert_eq!(cell(latin, Value::Text(b"caf\xe9")), text("café"));
    let bytes = vec![0xc0];
    let unread =
        |charset: &str| Cell::Bytes { charset: Some(charset.into()), bytes: bytes.clone() };
    let broken = ColumnType::VarChar { charset: "utf8mb4".into() };
    assert_eq!(cell(broken, Value::Text(&bytes)), unread("utf8mb4"));
    let bare = Cell::Bytes { charset: None, bytes: bytes.clone() };
    assert_eq!(cell(ColumnType::VarBinary, Value::Bytes(&bytes)), bare);
    assert_eq!(cell(ColumnType::Blob { size: 2 }, Value::Bytes(&bytes)), bare);
    assert_eq!(cell(ColumnType::Geometry, Value::Geometry { srid: 0, wkb: &bytes }), bare);
    let long = || ColumnType::Text { size: 4, charset: "utf8mb4".into() };
    assert_eq!(cell(long(), Value::Text("ü".as_bytes())), text("ü"));
    assert_eq!(cell(long(), Value::Text(&bytes)), unread("utf8mb4"));
    assert_eq!(cell(ColumnType::Json, Value::Json("[1]")), text("[1]"));
}

#[test]
fn times_are_written_as_mysql_writes_them() {
    let date = |year, month, day| Value::Date { year, month, day };
    assert_eq!(cell(ColumnType::Date, date(2026, 11, 21)), text("2026-11-21"));
    assert_eq!(cell(ColumnType::Date, date(0, 0, 0)), text("0000-00-00"));
    assert_eq!(cell(ColumnType::Year, Value::Year(0)), text("0000"));
    let time = |hours, minutes, micros| {
        let value = Value::Time { negative: true, hours, minutes, seconds: 3, micros };
        cell(ColumnType::Time { fraction: 6 }, value)
    };
    assert_eq!(time(838, 59, 0), text("-838:59:03"));
    assert_eq!(time(0, 0, 4_500), text("-00:00:03.004500"));
    let value = Value::DateTime {
        year: 2026,
        month: 1,
        day: 2,
        hour: 3,
        minute: 4,
        second: 5,
        micros: 600_000,
    };
    let date_time = cell(ColumnType::DateTime { fraction: 1 }, value);
    assert_eq!(date_time, text("2026-01-02 03:04:05.600000"));
    let stamp = Value::Timestamp { seconds: 1_696_984_408, micros: 500_000 };
    let stamp = cell(ColumnType::Timestamp { fraction: 1 }, stamp);
    assert_eq!(stamp, text("2023-10-11T00:33:28.5Z"));
    let zero = Value::Timestamp { seconds: 0, micros: 0 };
    assert_eq!(cell(ColumnType::Timestamp { fraction: 6 }, zero), text("0000-00-00 00:00:00"));
}

#[test]
fn a_row_is_read_back_with_its_surroundings() {
    let schema = table("t", vec![column("id", ColumnType::Int { unsigned: false })], vec![0]);
    let (one, two) = (Cells(vec![Value::Signed(1)]), Cells(vec![Value::Signed(2)]));
    let record = Record::decode(&encode(Body::Row(update(&schema, &one, &two)))).unwrap();
    assert_eq!(record.operation, Operation::Update);
    assert_eq!((record.id, record.source_time_seconds), (1, 1_696_984_408));
    assert_eq!((&*record.position, &*record.safe_position), ("72469@78", "72347@78"));
    assert_eq!(record.object_name.as_deref(), Some("db1.t"));
    assert_eq!(record.tag("thread_id"), Some("9"));
    assert_eq!(record.fields, [Field { name: "id".into(), type_number: 3 }]);
    assert_eq!(record.fields[0].type_name(), "int");
    assert_eq!(record.before, Some(vec![Cell::Integer("1".into())]));
    assert_eq!(record.after, Some(vec![Cell::Integer("2".into())]));
    assert_eq!(record.statement, None);
}

/// One record with every branch that we write.
fn everything() -> Vec<u8> {
    let columns = vec![
        column("a", ColumnType::Int { unsigned: false }),
        column("b", ColumnType::VarChar { charset: "utf8mb4".into() }),
        column("c", ColumnType::Decimal { precision: 4, scale: 2 }),
        column("d", ColumnType::Float),
        column("e", ColumnType::Timestamp { fraction: 0 }),
        column("f", ColumnType::Time { fraction: 0 }),
        column("g", ColumnType::Geometry),
        column("h", ColumnType::Blob { size: 2 }),
        column("i", ColumnType::Json),
        column("j", ColumnType::Json),
        column("k", ColumnType::Json),
    ];
    let schema = table("t", columns, vec![0]);
    let row = Cells(vec![
        Value::Signed(1_000),
        Value::Text(b"text"),
        Value::Decimal("1.50"),
        Value::Float(1.5),
        Value::Timestamp { seconds: 1, micros: 1 },
        Value::Time { negative: false, hours: 1, minutes: 2, seconds: 3, micros: 0 },
        Value::Geometry { srid: 0, wkb: b"wkb" },
        Value::Bytes(b"blob"),
        Value::Json("{}"),
        Value::Null,
        Value::Absent,
    ]);
    encode(Body::Row(update(&schema, &row, &row)))
}

#[test]
fn every_truncation_is_an_error() {
    let ddl = Ddl { database: "d", statement: "drop table t" };
    for bytes in [everything(), encode(Body::Ddl(ddl)), encode(Body::Begin)] {
        assert!(Record::decode(&bytes).is_ok());
        for len in 0..bytes.len() {
            let cut = Record::decode(&bytes[..len]);
            assert!(matches!(cut, Err(DecodeError::Truncated(at)) if at == len), "{len}: {cut:?}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(Record::decode(&longer), Err(DecodeError::Malformed { .. })));
    }
}

#[test]
fn every_changed_byte_is_survived() {
    let bytes = everything();
    for at in 0..bytes.len() {
        for byte in [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] = byte;
            fuzz_decode(&changed);
        }
    }
}

#[test]
fn an_image_with_another_number_of_values_than_fields_is_refused() {
    let schema = table("t", vec![column("c", ColumnType::Json)], vec![]);
    let mut bytes = encode(Body::Row(insert(&schema, &Cells(vec![Value::Null]))));
    // The image is: array branch, one item, null, end of the array; then five bytes of time.
    let image = bytes.len() - 9;
    assert_eq!(bytes[image..image + 4], [0x04, 0x02, 0x00, 0x00]);
    bytes.splice(image + 1..image + 3, [0x04, 0x00, 0x00]);
    assert!(matches!(Record::decode(&bytes), Err(DecodeError::Malformed { .. })));
}

#[test]
fn more_items_than_any_table_has_columns_are_refused() {
    let mut bytes = encode(Body::Heartbeat);
    let images = bytes.len() - 8;
    assert_eq!(bytes[images..images + 3], [0, 0, 0]);
    // As fields: an array of 2^40 fields without a name.
    bytes.splice(images..images + 1, [0x04, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);
    bytes.extend_from_slice(&[0; 100_000]);
    let DecodeError::Malformed { reason, .. } = Record::decode(&bytes).unwrap_err() else {
        panic!("not refused by number")
    };
    assert_eq!(reason, "too many items");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_decode(&bytes);
    }

    #[test]
    fn arbitrary_content_behind_a_real_header_is_survived(
        tail in prop::collection::vec(prop_oneof![0_u8..26, any::<u8>()], 0..200)
    ) {
        let mut bytes = encode(Body::Heartbeat);
        bytes.truncate(bytes.len() - 8);
        bytes.extend(tail);
        fuzz_decode(&bytes);
    }
}
