//! Every column type against apache-avro.

use apache_avro::types::Value as Avro;
use change::{Body, Column, ColumnType, Value};
use proptest::prelude::*;

use super::{branch, decode, encode, int, items, member};
use crate::DtsEncoder;
use crate::testing::{Cells, column, insert, table};

/// What a value of a column becomes: type number, branch, and the content in short.
fn written(kind: ColumnType, value: Value<'_>) -> (i32, u32, String) {
    let schema = table("t", vec![column("c", kind)], vec![]);
    let row = Cells(vec![value]);
    let record = decode(&encode(&mut DtsEncoder::new(), Body::Row(insert(&schema, &row))));
    let fields = items(member(&record, "fields"));
    let values = items(member(&record, "afterImages"));
    let ([field], [value]) = (fields, values) else { panic!("not one column: {record:?}") };
    let (branch, value) = branch(value);
    (int(member(field, "dataTypeNumber")), branch, short(value))
}

fn short(value: &Avro) -> String {
    match value {
        Avro::Null => "-".into(),
        Avro::Int(number) => number.to_string(),
        Avro::Long(number) => number.to_string(),
        Avro::Double(number) => number.to_string(),
        Avro::String(text) | Avro::Enum(_, text) => text.clone(),
        Avro::Bytes(bytes) => bytes.escape_ascii().to_string(),
        Avro::Union(_, value) => short(value),
        Avro::Record(members) => {
            members.iter().map(|(_, value)| short(value)).collect::<Vec<_>>().join("|")
        }
        other => panic!("unexpected {other:?}"),
    }
}

fn check(kind: ColumnType, value: Value<'_>, number: i32, branch: u32, content: &str) {
    let name = format!("{kind:?} {value:?}");
    assert_eq!(written(kind, value), (number, branch, content.to_owned()), "{name}");
}

#[test]
fn integers_are_digits_with_the_width_of_the_column() {
    use ColumnType::{BigInt, Bit, Int, MediumInt, SmallInt, TinyInt};
    check(TinyInt { unsigned: false }, Value::Signed(-128), 1, 1, "1|-128");
    check(SmallInt { unsigned: true }, Value::Unsigned(65_535), 2, 1, "2|65535");
    check(MediumInt { unsigned: false }, Value::Signed(-1), 9, 1, "3|-1");
    check(Int { unsigned: false }, Value::Signed(0), 3, 1, "4|0");
    check(BigInt { unsigned: false }, Value::Signed(i64::MIN), 8, 1, "8|-9223372036854775808");
    check(BigInt { unsigned: true }, Value::Unsigned(u64::MAX), 8, 1, "8|18446744073709551615");
    check(Bit { width: 1 }, Value::Unsigned(1), 16, 1, "1|1");
    check(Bit { width: 64 }, Value::Unsigned(u64::MAX), 16, 1, "8|18446744073709551615");
}

#[test]
fn decimals_keep_their_text_and_count_their_digits() {
    let kind = || ColumnType::Decimal { precision: 10, scale: 2 };
    check(kind(), Value::Decimal("348.00"), 246, 3, "348.00|5|2");
    check(kind(), Value::Decimal("-0.50"), 246, 3, "-0.50|3|2");
    check(kind(), Value::Decimal("7"), 246, 3, "7|1|0");
}

#[test]
fn floats_print_as_the_shortest_decimal() {
    check(ColumnType::Float, Value::Float(0.1), 4, 4, "0.1|8|15");
    check(ColumnType::Float, Value::Float(16_777_216.0), 4, 4, "16777216|8|15");
    check(ColumnType::Float, Value::Float(-1.5), 4, 4, "-1.5|8|15");
    check(ColumnType::Float, Value::Float(3.402_823_5e38), 4, 4, &format!("{}|8|15", 3.4028235e38));
    check(ColumnType::Float, Value::Float(1e-45), 4, 4, &format!("{}|8|15", 1e-45));
    check(ColumnType::Double, Value::Double(0.1), 5, 4, "0.1|8|15");
}

#[test]
fn times_fill_the_parts_their_type_has() {
    let date = Value::Date { year: 2023, month: 10, day: 11 };
    check(ColumnType::Date, date, 10, 6, "2023|10|11|-|-|-|-");
    let zero = Value::Date { year: 0, month: 0, day: 0 };
    check(ColumnType::Date, zero, 10, 6, "0|0|0|-|-|-|-");
    check(ColumnType::Year, Value::Year(2023), 13, 6, "2023|-|-|-|-|-|-");
    let (hour, minute, second) = (8, 33, 28);
    let date_time =
        |micros| Value::DateTime { year: 2023, month: 10, day: 11, hour, minute, second, micros };
    let kind = |fraction| ColumnType::DateTime { fraction };
    check(kind(0), date_time(0), 12, 6, "2023|10|11|8|33|28|0");
    check(kind(6), date_time(999_999), 12, 6, "2023|10|11|8|33|28|999999");
    let kind = |fraction| ColumnType::Timestamp { fraction };
    let stamp = |micros| Value::Timestamp { seconds: 1_696_984_408, micros };
    check(kind(0), stamp(0), 7, 5, "1696984408|0");
    check(kind(6), stamp(123_456), 7, 5, "1696984408|123456");
}

#[test]
fn a_negative_time_is_negative_in_every_part() {
    let kind = |fraction| ColumnType::Time { fraction };
    let time = |negative, hours, minutes, seconds, micros| Value::Time {
        negative,
        hours,
        minutes,
        seconds,
        micros,
    };
    check(kind(0), time(true, 838, 59, 59, 0), 11, 6, "-|-|-|-838|-59|-59|-");
    check(kind(0), time(true, 0, 2, 3, 0), 11, 6, "-|-|-|0|-2|-3|-");
    check(kind(0), time(false, 1, 2, 3, 0), 11, 6, "-|-|-|1|2|3|-");
    check(kind(3), time(false, 1, 2, 3, 0), 11, 6, "-|-|-|1|2|3|0");
    check(kind(6), time(true, 0, 0, 0, 4_500), 11, 6, "-|-|-|0|0|0|-4500");
}

#[test]
fn a_fraction_of_seven_digits_is_refused() {
    let schema = table("t", vec![column("c", ColumnType::Timestamp { fraction: 6 })], vec![]);
    let row = Cells(vec![Value::Timestamp { seconds: 1, micros: 1_000_000 }]);
    let surroundings = crate::testing::Surroundings::new();
    let change = surroundings.change(Body::Row(insert(&schema, &row)));
    let result = DtsEncoder::new().encode(&change, 1, crate::testing::NOW, &mut Vec::new());
    assert!(matches!(result, Err(crate::EncodeError::WrongValue { .. })), "{result:?}");
}

#[test]
fn characters_carry_a_charset_that_every_client_knows() {
    let charset = |name: &str| name.to_owned();
    let text = Value::Text(b"a\xff");
    check(ColumnType::Char { charset: charset("latin1") }, text, 254, 2, r"latin1|a\xff");
    check(ColumnType::VarChar { charset: charset("utf8mb4") }, text, 253, 2, r"utf8mb4|a\xff");
    check(ColumnType::VarChar { charset: charset("utf8mb3") }, text, 253, 2, r"utf8|a\xff");
    check(ColumnType::VarChar { charset: charset("") }, text, 253, 2, r"binary|a\xff");
    let bytes = Value::Bytes(b"\x00\x01");
    check(ColumnType::Binary { width: 2 }, bytes, 254, 2, r"binary|\x00\x01");
    check(ColumnType::VarBinary, bytes, 253, 2, r"binary|\x00\x01");
    for kind in [ColumnType::Uuid, ColumnType::Inet4, ColumnType::Inet6] {
        check(kind, Value::Plain("::1"), 254, 2, "utf8mb4|::1");
    }
}

#[test]
fn large_objects_are_numbered_by_size_and_typed_from_the_allowed_list() {
    for (size, number) in [(1, 249), (2, 252), (3, 250), (4, 251)] {
        let text = ColumnType::Text { size, charset: "gbk".into() };
        check(text, Value::Text(b"\xd6\xd0"), number, 10, r"TEXT|\xd6\xd0");
        check(ColumnType::Blob { size }, Value::Bytes(b"\x00"), number, 10, r"BLOB|\x00");
    }
    check(ColumnType::Vector, Value::Bytes(b"\x00"), 252, 10, r"BLOB|\x00");
    let labels = || vec!["a".to_owned(), "b".to_owned()];
    check(ColumnType::Enum { labels: labels() }, Value::Label("b"), 247, 11, "ENUM|b");
    check(ColumnType::Set { labels: labels() }, Value::Label("a,b"), 248, 11, "SET|a,b");
    check(ColumnType::Json, Value::Json("{\"a\":1}"), 245, 11, "JSON|{\"a\":1}");
    let point = Value::Geometry { srid: 4_326, wkb: b"\x01\x01" };
    check(ColumnType::Geometry, point, 255, 8, r"WKB|\x01\x01");
}

/// A column of every type, with a value of its own.
fn every_type() -> Vec<(ColumnType, Value<'static>)> {
    let unsigned = false;
    let fraction = 6;
    let charset = || "utf8mb4".to_owned();
    let number = Value::Signed(1);
    let time = Value::Time { negative: false, hours: 1, minutes: 2, seconds: 3, micros: 4 };
    let (year, month, day, hour, minute, second, micros) = (2026, 11, 21, 4, 5, 6, 7);
    let date_time = Value::DateTime { year, month, day, hour, minute, second, micros };
    let text = Value::Text(b"text");
    let bytes = Value::Bytes(b"bytes");
    let plain = Value::Plain("plain");
    vec![
        (ColumnType::TinyInt { unsigned }, number),
        (ColumnType::SmallInt { unsigned }, number),
        (ColumnType::MediumInt { unsigned }, number),
        (ColumnType::Int { unsigned }, number),
        (ColumnType::BigInt { unsigned }, number),
        (ColumnType::Bit { width: 9 }, Value::Unsigned(5)),
        (ColumnType::Decimal { precision: 4, scale: 2 }, Value::Decimal("1.50")),
        (ColumnType::Float, Value::Float(1.5)),
        (ColumnType::Double, Value::Double(1.5)),
        (ColumnType::Timestamp { fraction }, Value::Timestamp { seconds: 1, micros }),
        (ColumnType::Date, Value::Date { year, month, day }),
        (ColumnType::Time { fraction }, time),
        (ColumnType::DateTime { fraction }, date_time),
        (ColumnType::Year, Value::Year(year)),
        (ColumnType::Char { charset: charset() }, text),
        (ColumnType::VarChar { charset: charset() }, text),
        (ColumnType::Binary { width: 5 }, bytes),
        (ColumnType::VarBinary, bytes),
        (ColumnType::Text { size: 2, charset: charset() }, text),
        (ColumnType::Blob { size: 2 }, bytes),
        (ColumnType::Enum { labels: vec![] }, Value::Label("a")),
        (ColumnType::Set { labels: vec![] }, Value::Label("a,b")),
        (ColumnType::Json, Value::Json("[]")),
        (ColumnType::Geometry, Value::Geometry { srid: 1, wkb: b"wkb" }),
        (ColumnType::Vector, bytes),
        (ColumnType::Uuid, plain),
        (ColumnType::Inet4, plain),
        (ColumnType::Inet6, plain),
    ]
}

#[test]
fn objects_have_only_types_that_the_official_client_knows() {
    let known = "BINARY BOOL BLOB XML JSON TEXT BFILE RAW LONG_RAW ROWID UROWID ENUM SET BYTEA \
                 GEOMETRY XTYPE";
    for (kind, value) in every_type() {
        let (number, branch, content) = written(kind, value);
        if branch == 10 || branch == 11 {
            let (object, _) = content.split_once('|').unwrap();
            assert!(known.split(' ').any(|known| known == object), "{number} is {object}");
        }
    }
}

#[test]
fn a_value_of_another_kind_is_refused_or_has_the_branch_of_its_column() {
    let surroundings = crate::testing::Surroundings::new();
    for (kind, own) in every_type() {
        let (_, due, _) = written(kind.clone(), own);
        assert_eq!(written(kind.clone(), Value::Null).1, 0);
        assert_eq!(written(kind.clone(), Value::Absent).1, 12);
        let mut refused = 0;
        for (_, value) in every_type() {
            let schema = table("t", vec![column("c", kind.clone())], vec![]);
            let row = Cells(vec![value]);
            let change = surroundings.change(Body::Row(insert(&schema, &row)));
            let result = DtsEncoder::new().encode(&change, 1, crate::testing::NOW, &mut Vec::new());
            if result.is_ok() {
                assert_eq!(written(kind.clone(), value).1, due, "{kind:?} {value:?}");
            } else {
                refused += 1;
            }
        }
        assert!(refused >= 19, "{kind:?} refuses only {refused}");
    }
}

/// A column and the value and content that belong together.
#[derive(Debug, Clone)]
struct Sample {
    kind: ColumnType,
    value: Owned,
    content: String,
}

#[derive(Debug, Clone)]
enum Owned {
    Null,
    Absent,
    Signed(i64),
    Unsigned(u64),
    Float(f32),
    Double(f64),
    Decimal(String),
    Text(Vec<u8>),
    Label(String),
    Json(String),
    DateTime([u8; 5], u16, u32),
}

impl Owned {
    fn lend(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Absent => Value::Absent,
            Self::Signed(number) => Value::Signed(*number),
            Self::Unsigned(number) => Value::Unsigned(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Double(number) => Value::Double(*number),
            Self::Decimal(text) => Value::Decimal(text),
            Self::Text(bytes) => Value::Text(bytes),
            Self::Label(text) => Value::Label(text),
            Self::Json(text) => Value::Json(text),
            Self::DateTime([month, day, hour, minute, second], year, micros) => Value::DateTime {
                year: *year,
                month: *month,
                day: *day,
                hour: *hour,
                minute: *minute,
                second: *second,
                micros: *micros,
            },
        }
    }
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let sample = |kind, value, content: String| Sample { kind, value, content };
    let charset = || "utf8mb4".to_owned();
    let one = prop_oneof![
        any::<i64>().prop_map(move |number| {
            let kind = ColumnType::BigInt { unsigned: false };
            sample(kind, Owned::Signed(number), format!("8|{number}"))
        }),
        any::<u64>().prop_map(move |number| {
            let kind = ColumnType::BigInt { unsigned: true };
            sample(kind, Owned::Unsigned(number), format!("8|{number}"))
        }),
        prop::num::f32::NORMAL.prop_map(move |number| {
            let content = format!("{}|8|15", number.to_string().parse::<f64>().unwrap());
            sample(ColumnType::Float, Owned::Float(number), content)
        }),
        prop::num::f64::NORMAL.prop_map(move |number| {
            sample(ColumnType::Double, Owned::Double(number), format!("{number}|8|15"))
        }),
        (any::<u32>(), 0_u8..100).prop_map(move |(whole, hundredths)| {
            let text = format!("{whole}.{hundredths:02}");
            let content = format!("{text}|{}|2", text.len() - 1);
            let kind = ColumnType::Decimal { precision: 12, scale: 2 };
            sample(kind, Owned::Decimal(text), content)
        }),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(move |bytes| {
            let content = format!("utf8mb4|{}", bytes.escape_ascii());
            sample(ColumnType::VarChar { charset: charset() }, Owned::Text(bytes), content)
        }),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(move |bytes| {
            let content = format!("TEXT|{}", bytes.escape_ascii());
            sample(ColumnType::Text { size: 2, charset: charset() }, Owned::Text(bytes), content)
        }),
        ".{0,9}".prop_map(move |text| {
            let content = format!("SET|{text}");
            sample(ColumnType::Set { labels: vec![] }, Owned::Label(text), content)
        }),
        ".{0,200}".prop_map(move |text| {
            let content = format!("JSON|{text}");
            sample(ColumnType::Json, Owned::Json(text), content)
        }),
        (any::<[u8; 5]>(), any::<u16>(), 0_u32..1_000_000).prop_map(
            move |(parts, year, micros)| {
                let [month, day, hour, minute, second] = parts;
                let content = format!("{year}|{month}|{day}|{hour}|{minute}|{second}|{micros}");
                sample(
                    ColumnType::DateTime { fraction: 6 },
                    Owned::DateTime(parts, year, micros),
                    content,
                )
            }
        ),
        Just(sample(ColumnType::Geometry, Owned::Null, "-".into())),
        Just(sample(ColumnType::Year, Owned::Absent, "NONE".into())),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_row_is_read_by_apache_avro_as_it_was(samples in samples(), names in ".{0,40}") {
        let columns: Vec<Column> = samples
            .iter()
            .enumerate()
            .map(|(index, sample)| column(&format!("{names}{index}"), sample.kind.clone()))
            .collect();
        let schema = table(&names, columns, vec![]);
        let row = Cells(samples.iter().map(|sample| sample.value.lend()).collect());
        let bytes = encode(&mut DtsEncoder::new(), Body::Row(insert(&schema, &row)));
        let record = decode(&bytes);
        let fields = items(member(&record, "fields"));
        let values = items(member(&record, "afterImages"));
        prop_assert_eq!(fields.len(), samples.len());
        prop_assert_eq!(values.len(), samples.len());
        for (index, field) in fields.iter().enumerate() {
            prop_assert_eq!(short(member(field, "name")), format!("{names}{index}"));
        }
        for (value, sample) in values.iter().zip(&samples) {
            prop_assert_eq!(short(value), &*sample.content);
        }
        let ours = crate::Record::decode(&bytes);
        prop_assert!(ours.is_ok(), "{ours:?}");
    }
}
