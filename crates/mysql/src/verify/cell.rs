//! Columns as they are selected, and the answer's cells as values.
//!
//! The session answers in no charset (`character_set_results` is NULL), so text arrives as it is stored;
//! what is text by nature (labels, documents) is converted to utf8mb4 by the query itself.

use change::{ColumnType, Value};

use super::literal::{days, push_name};

/// Appends the expression that a column is selected by.
pub(super) fn push_expression(sql: &mut String, name: &str, kind: &ColumnType) {
    let (before, after) = match kind {
        // Otherwise six digits are answered, or as many as the type is declared to show. Adding a zero
        // would take the sign of a negative one.
        ColumnType::Float | ColumnType::Double => ("", "*1e0"),
        ColumnType::Bit { .. } => ("", "+0"),
        ColumnType::Enum { .. } | ColumnType::Set { .. } => ("CONVERT(", " USING utf8mb4)"),
        ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6 => {
            ("CAST(", " AS CHAR CHARACTER SET utf8mb4)")
        }
        ColumnType::Json => ("CAST(", " AS CHAR CHARACTER SET utf8mb4)"),
        _ => ("", ""),
    };
    sql.push_str(before);
    push_name(sql, name);
    sql.push_str(after);
}

/// A cell's value; `None` if it is no value of this type.
pub(super) fn value<'a>(kind: &ColumnType, cell: Option<&'a [u8]>) -> Option<Value<'a>> {
    let Some(bytes) = cell else { return Some(Value::Null) };
    let text = || std::str::from_utf8(bytes).ok();
    Some(match kind {
        ColumnType::TinyInt { unsigned }
        | ColumnType::SmallInt { unsigned }
        | ColumnType::MediumInt { unsigned }
        | ColumnType::Int { unsigned }
        | ColumnType::BigInt { unsigned } => {
            if *unsigned {
                Value::Unsigned(text()?.parse().ok()?)
            } else {
                Value::Signed(text()?.parse().ok()?)
            }
        }
        ColumnType::Bit { .. } => Value::Unsigned(text()?.parse().ok()?),
        ColumnType::Decimal { .. } => Value::Decimal(without_zerofill(text()?)),
        // The text is the shortest of the double that the single is, so it reads back as the same single.
        ColumnType::Float => Value::Float(text()?.parse().ok()?),
        ColumnType::Double => Value::Double(text()?.parse().ok()?),
        ColumnType::Year => Value::Year(text()?.parse().ok()?),
        ColumnType::Date => {
            let [year, month, day] = numbers(text()?, '-')?;
            Value::Date {
                year: u16::try_from(year).ok()?,
                month: u8::try_from(month).ok()?,
                day: u8::try_from(day).ok()?,
            }
        }
        ColumnType::Time { .. } => time(text()?)?,
        ColumnType::DateTime { .. } => date_time(text()?)?,
        ColumnType::Timestamp { .. } => timestamp(text()?)?,
        ColumnType::Char { charset } | ColumnType::VarChar { charset }
            if matches!(charset.as_str(), "" | "binary") =>
        {
            Value::Bytes(bytes)
        }
        ColumnType::Char { .. } | ColumnType::VarChar { .. } | ColumnType::Text { .. } => {
            Value::Text(bytes)
        }
        ColumnType::Binary { .. }
        | ColumnType::VarBinary
        | ColumnType::Blob { .. }
        | ColumnType::Vector => Value::Bytes(bytes),
        ColumnType::Enum { .. } | ColumnType::Set { .. } => Value::Label(text()?),
        ColumnType::Json => Value::Json(text()?),
        ColumnType::Geometry => {
            let (srid, wkb) = bytes.split_first_chunk()?;
            Value::Geometry { srid: u32::from_le_bytes(*srid), wkb }
        }
        ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6 => Value::Plain(text()?),
    })
}

/// ZEROFILL pads with zeros that are not part of the value.
fn without_zerofill(digits: &str) -> &str {
    let mut digits = digits;
    while let Some(shorter) = digits.strip_prefix('0')
        && shorter.starts_with(|c: char| c.is_ascii_digit())
    {
        digits = shorter;
    }
    digits
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[u32; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(separator);
    for number in &mut numbers {
        *number = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The digits behind a point as microseconds.
fn split_fraction(text: &str) -> Option<(&str, u32)> {
    let Some((whole, fraction)) = text.split_once('.') else { return Some((text, 0)) };
    let digits = u32::try_from(fraction.len()).ok().filter(|digits| (1..=6).contains(digits))?;
    let number: u32 = fraction.parse().ok()?;
    Some((whole, number.checked_mul(10_u32.pow(6 - digits))?))
}

fn time(text: &str) -> Option<Value<'static>> {
    let negative = text.starts_with('-');
    let (whole, micros) = split_fraction(text.strip_prefix('-').unwrap_or(text))?;
    let [hours, minutes, seconds] = numbers(whole, ':')?;
    Some(Value::Time {
        negative,
        hours: u16::try_from(hours).ok()?,
        minutes: u8::try_from(minutes).ok()?,
        seconds: u8::try_from(seconds).ok()?,
        micros,
    })
}

fn date_time(text: &str) -> Option<Value<'static>> {
    let (whole, micros) = split_fraction(text)?;
    let (date, time) = whole.split_once(' ')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    Some(Value::DateTime {
        year: u16::try_from(year).ok()?,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
        hour: u8::try_from(hour).ok()?,
        minute: u8::try_from(minute).ok()?,
        second: u8::try_from(second).ok()?,
        micros,
    })
}

fn timestamp(text: &str) -> Option<Value<'static>> {
    let Value::DateTime { year, month, day, hour, minute, second, micros } = date_time(text)?
    else {
        return None;
    };
    if (year, month, day) == (0, 0, 0) {
        return Some(Value::Timestamp { seconds: 0, micros: 0 });
    }
    let of_day = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    let seconds = days(year.into(), month.into(), day.into()) * 86_400 + of_day;
    Some(Value::Timestamp { seconds, micros })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &ColumnType, cell: &[u8], expected: Value<'_>) {
        assert_eq!(value(kind, Some(cell)), Some(expected), "{kind:?}");
    }

    #[test]
    fn cells_are_values_of_their_columns() {
        check(&ColumnType::Int { unsigned: true }, b"00042", Value::Unsigned(42));
        check(&ColumnType::TinyInt { unsigned: false }, b"-128", Value::Signed(-128));
        let decimal = ColumnType::Decimal { precision: 6, scale: 2 };
        check(&decimal, b"0003.50", Value::Decimal("3.50"));
        check(&decimal, b"0000.00", Value::Decimal("0.00"));
        check(&decimal, b"-0.50", Value::Decimal("-0.50"));
        check(&ColumnType::Float, b"0.10000000149011612", Value::Float(0.1));
        check(&ColumnType::Date, b"0000-00-00", Value::Date { year: 0, month: 0, day: 0 });
        let time =
            Value::Time { negative: true, hours: 838, minutes: 59, seconds: 59, micros: 500_000 };
        check(&ColumnType::Time { fraction: 1 }, b"-838:59:59.5", time);
        let stamp = Value::Timestamp { seconds: 1_696_984_408, micros: 120_000 };
        check(&ColumnType::Timestamp { fraction: 2 }, b"2023-10-11 00:33:28.12", stamp);
        let point = Value::Geometry { srid: 4_326, wkb: b"\x01" };
        check(&ColumnType::Geometry, b"\xe6\x10\0\0\x01", point);
        let latin1 = ColumnType::Text { size: 2, charset: "latin1".into() };
        check(&latin1, b"\xe9", Value::Text(b"\xe9"));
    }

    #[test]
    fn null_is_a_value_and_nonsense_is_none() {
        let int = ColumnType::Int { unsigned: false };
        assert_eq!(value(&int, None), Some(Value::Null));
        assert_eq!(value(&int, Some(b"many")), None);
        assert_eq!(value(&ColumnType::Date, Some(b"2023-10")), None);
        assert_eq!(value(&ColumnType::Geometry, Some(b"\x01")), None);
        let stamp = ColumnType::Timestamp { fraction: 6 };
        assert_eq!(value(&stamp, Some(b"2023-10-11 00:33:28.1234567")), None);
    }
}
