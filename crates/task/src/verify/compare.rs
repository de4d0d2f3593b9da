//! A logged value and a selected value, brought to one form and compared exactly.
//!
//! Nothing is converted on the way: text is compared as the bytes of the column's own charset, decimals
//! digit by digit, floating-point numbers bit by bit. Where the log shows a value in another form than
//! the table's present definition has, because the table was altered since, it is not compared at all.

use std::fmt::Write as _;

use change::{ColumnType, Value};
use record::ViewCell;

/// A logged value as one of a column of this type; `None` if it is none.
pub(super) fn value_of<'a>(cell: &ViewCell<'a>, kind: &ColumnType) -> Option<Value<'a>> {
    Some(match (kind, *cell) {
        (_, ViewCell::Null) => Value::Null,
        (_, ViewCell::Absent) => Value::Absent,
        (
            ColumnType::TinyInt { unsigned }
            | ColumnType::SmallInt { unsigned }
            | ColumnType::MediumInt { unsigned }
            | ColumnType::Int { unsigned }
            | ColumnType::BigInt { unsigned },
            ViewCell::Integer(digits),
        ) => {
            if *unsigned {
                Value::Unsigned(digits.parse().ok()?)
            } else {
                Value::Signed(digits.parse().ok()?)
            }
        }
        (ColumnType::Bit { .. }, ViewCell::Integer(digits)) => {
            Value::Unsigned(digits.parse().ok()?)
        }
        (ColumnType::Decimal { scale, .. }, ViewCell::Decimal { text, scale: logged })
            if i32::from(*scale) == logged =>
        {
            Value::Decimal(text)
        }
        (ColumnType::Float, ViewCell::Float(number)) => Value::Float(single(number)),
        (ColumnType::Double, ViewCell::Float(number)) => Value::Double(number),
        (ColumnType::Timestamp { .. }, ViewCell::Timestamp { seconds, micros }) => {
            Value::Timestamp { seconds, micros: u32::try_from(micros).ok()? }
        }
        (_, ViewCell::DateTime(parts)) => date_time(kind, parts)?,
        (
            ColumnType::Char { charset } | ColumnType::VarChar { charset },
            ViewCell::Characters { charset: logged, bytes },
        ) if same_charset(charset, logged) => {
            if logged == "binary" {
                Value::Bytes(bytes)
            } else {
                Value::Text(bytes)
            }
        }
        (
            ColumnType::Binary { .. } | ColumnType::VarBinary,
            ViewCell::Characters { charset: "binary", bytes },
        ) => Value::Bytes(bytes),
        (
            ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6,
            ViewCell::Characters { bytes, .. },
        ) => Value::Plain(std::str::from_utf8(bytes).ok()?),
        (ColumnType::Text { .. }, ViewCell::Bytes(bytes)) => Value::Text(bytes),
        (ColumnType::Blob { .. } | ColumnType::Vector, ViewCell::Bytes(bytes)) => {
            Value::Bytes(bytes)
        }
        (ColumnType::Geometry, ViewCell::Bytes(wkb)) => Value::Geometry { srid: 0, wkb },
        (ColumnType::Enum { .. } | ColumnType::Set { .. }, ViewCell::Text(text)) => {
            Value::Label(text)
        }
        (ColumnType::Json, ViewCell::Text(text)) => Value::Json(text),
        _ => return None,
    })
}

/// Whether two values of one column are the same. A record does not hold a geometry's reference system.
pub(super) fn same(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (Value::Double(one), Value::Double(other)) => one.to_bits() == other.to_bits(),
        (Value::Geometry { wkb: one, .. }, Value::Geometry { wkb: other, .. }) => one == other,
        _ => one == other,
    }
}

/// Appends the value in a form that is the same for the same values of one column, and for no others.
pub(super) fn write_form(value: &Value<'_>, out: &mut Vec<u8>) {
    let mut sized = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend_from_slice(&bytes.len().to_le_bytes());
        out.extend_from_slice(bytes);
    };
    match *value {
        Value::Null => sized(0, &[]),
        Value::Absent => sized(1, &[]),
        Value::Signed(number) => sized(2, &i128::from(number).to_le_bytes()),
        Value::Unsigned(number) => sized(2, &i128::from(number).to_le_bytes()),
        Value::Year(number) => sized(2, &i128::from(number).to_le_bytes()),
        Value::Float(number) => sized(3, &number.to_bits().to_le_bytes()),
        Value::Double(number) => sized(4, &number.to_bits().to_le_bytes()),
        Value::Decimal(text) | Value::Label(text) | Value::Json(text) | Value::Plain(text) => {
            sized(5, text.as_bytes());
        }
        Value::Text(bytes) | Value::Bytes(bytes) | Value::Geometry { wkb: bytes, .. } => {
            sized(5, bytes);
        }
        Value::Timestamp { seconds, micros } => {
            sized(6, &[seconds.to_le_bytes(), i64::from(micros).to_le_bytes()].concat());
        }
        Value::Date { .. } | Value::Time { .. } | Value::DateTime { .. } => {
            sized(7, shown(value).as_bytes());
        }
    }
}

/// A value for people, cut if it is long.
pub(super) fn shown(value: &Value<'_>) -> String {
    match *value {
        Value::Null => "NULL".into(),
        Value::Absent => "not logged".into(),
        Value::Signed(number) => number.to_string(),
        Value::Unsigned(number) => number.to_string(),
        Value::Year(year) => format!("{year:04}"),
        Value::Float(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Decimal(text) | Value::Label(text) | Value::Json(text) | Value::Plain(text) => {
            cut(text)
        }
        Value::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => cut(text),
            Err(_) => hex(bytes),
        },
        Value::Bytes(bytes) | Value::Geometry { wkb: bytes, .. } => hex(bytes),
        Value::Date { year, month, day } => format!("{year:04}-{month:02}-{day:02}"),
        Value::Time { negative, hours, minutes, seconds, micros } => {
            let sign = if negative { "-" } else { "" };
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}")
        }
        Value::DateTime { year, month, day, hour, minute, second, micros } => {
            format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}")
        }
        Value::Timestamp { seconds, micros } => format!("{seconds}.{micros:06}"),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes.iter().take(SHOWN_MAX) {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    if bytes.len() > SHOWN_MAX {
        text.push('…');
    }
    text
}

/// The parts that a type has, and only those, must be there.
fn date_time(kind: &ColumnType, parts: [Option<i32>; 7]) -> Option<Value<'static>> {
    let [year, month, day, hour, minute, second, micros] = parts;
    let small = |part: Option<i32>| u8::try_from(part?.unsigned_abs()).ok();
    let large = |part: Option<i32>| u16::try_from(part?.unsigned_abs()).ok();
    match (kind, year, month, hour) {
        (ColumnType::Date, Some(_), Some(_), None) => {
            Some(Value::Date { year: large(year)?, month: small(month)?, day: small(day)? })
        }
        (ColumnType::Year, Some(_), None, None) => Some(Value::Year(large(year)?)),
        (ColumnType::Time { .. }, None, None, Some(_)) => Some(Value::Time {
            negative: parts.into_iter().flatten().any(i32::is_negative),
            hours: large(hour)?,
            minutes: small(minute)?,
            seconds: small(second)?,
            micros: micros.unwrap_or_default().unsigned_abs(),
        }),
        (ColumnType::DateTime { .. }, Some(_), Some(_), Some(_)) => Some(Value::DateTime {
            year: large(year)?,
            month: small(month)?,
            day: small(day)?,
            hour: small(hour)?,
            minute: small(minute)?,
            second: small(second)?,
            micros: micros.unwrap_or_default().unsigned_abs(),
        }),
        _ => None,
    }
}

/// Records use the names that clients know.
fn same_charset(column: &str, logged: &str) -> bool {
    let logged_as = match column {
        "utf8mb3" => "utf8",
        "" => "binary",
        known => known,
    };
    logged_as == logged
}

/// A record holds the double that is nearest to a single's shortest text.
#[allow(clippy::cast_possible_truncation, reason = "the nearest single is the one that was logged")]
fn single(number: f64) -> f32 {
    number as f32
}

/// Characters or bytes of a value that are shown.
const SHOWN_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(charset: &str) -> ColumnType {
        ColumnType::VarChar { charset: charset.into() }
    }

    #[test]
    fn a_logged_value_is_the_selected_one() {
        let latin1 = ViewCell::Characters { charset: "latin1", bytes: b"\xe9" };
        for (kind, cell, value) in [
            (ColumnType::Int { unsigned: false }, ViewCell::Integer("-1"), Value::Signed(-1)),
            (
                ColumnType::BigInt { unsigned: true },
                ViewCell::Integer("18446744073709551615"),
                Value::Unsigned(u64::MAX),
            ),
            (ColumnType::Float, ViewCell::Float(0.1), Value::Float(0.1)),
            (text("latin1"), latin1, Value::Text(b"\xe9")),
            (
                text("utf8mb3"),
                ViewCell::Characters { charset: "utf8", bytes: b"a" },
                Value::Text(b"a"),
            ),
            (
                ColumnType::Year,
                ViewCell::DateTime([Some(2023), None, None, None, None, None, None]),
                Value::Year(2023),
            ),
            (
                ColumnType::Time { fraction: 0 },
                ViewCell::DateTime([None, None, None, Some(0), Some(-2), Some(-3), None]),
                Value::Time { negative: true, hours: 0, minutes: 2, seconds: 3, micros: 0 },
            ),
            (ColumnType::Json, ViewCell::Null, Value::Null),
        ] {
            let logged = value_of(&cell, &kind).unwrap();
            assert!(same(&logged, &value), "{kind:?} {logged:?} {value:?}");
            let (mut one, mut other) = (Vec::new(), Vec::new());
            write_form(&logged, &mut one);
            write_form(&value, &mut other);
            assert_eq!(one, other);
        }
    }

    #[test]
    fn a_value_of_another_definition_is_not_compared() {
        let decimal = ColumnType::Decimal { precision: 6, scale: 3 };
        assert_eq!(value_of(&ViewCell::Decimal { text: "1.50", scale: 2 }, &decimal), None);
        assert_eq!(value_of(&ViewCell::Text("a"), &text("utf8mb4")), None);
        let latin1 = ViewCell::Characters { charset: "latin1", bytes: b"a" };
        assert_eq!(value_of(&latin1, &text("utf8mb4")), None);
        let date = ViewCell::DateTime([Some(1), Some(1), Some(1), None, None, None, None]);
        assert_eq!(value_of(&date, &ColumnType::DateTime { fraction: 0 }), None);
    }

    #[test]
    fn small_differences_are_differences() {
        assert!(!same(&Value::Double(0.0), &Value::Double(-0.0)));
        assert!(!same(&Value::Text(b"a"), &Value::Text(b"A")));
        assert!(!same(&Value::Text(b"a"), &Value::Text(b"a ")));
        assert!(!same(&Value::Null, &Value::Text(b"")));
        assert!(!same(&Value::Decimal("1.5"), &Value::Decimal("1.50")));
        let next = f64::from_bits(0.1_f64.to_bits() + 1);
        assert!(!same(&Value::Double(0.1), &Value::Double(next)));
    }

    #[test]
    fn forms_of_neighbouring_values_cannot_run_together() {
        let form = |values: [Value<'_>; 2]| {
            let mut out = Vec::new();
            values.iter().for_each(|value| write_form(value, &mut out));
            out
        };
        let one = form([Value::Text(b"ab"), Value::Text(b"c")]);
        assert_ne!(one, form([Value::Text(b"a"), Value::Text(b"bc")]));
    }

    #[test]
    fn long_values_are_cut() {
        assert_eq!(
            shown(&Value::Text("é".repeat(201).as_bytes())),
            format!("{}…", "é".repeat(200))
        );
        assert_eq!(shown(&Value::Bytes(&[0xab])), "0xab");
    }
}
