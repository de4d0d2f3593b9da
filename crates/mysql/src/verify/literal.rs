//! Values as SQL, so that a row can be asked for by the key that a log shows.
//!
//! Text goes out as hexadecimal bytes in the column's own charset: nothing is converted, the column's
//! collation decides and its index is used. Numbers and times are constants that the server converts to
//! the column's type without loss.

use std::fmt::Write as _;

use change::{ColumnType, TableSchema, Value};

/// `` `name` ``.
pub(super) fn push_name(sql: &mut String, name: &str) {
    sql.push('`');
    for c in name.chars() {
        if c == '`' {
            sql.push('`');
        }
        sql.push(c);
    }
    sql.push('`');
}

/// `` `database`.`table` ``.
pub(super) fn push_table(sql: &mut String, schema: &TableSchema) {
    push_name(sql, &schema.database);
    sql.push('.');
    push_name(sql, &schema.table);
}

/// Appends a value of a column; false for one that no key can have.
pub(super) fn push_value(sql: &mut String, kind: &ColumnType, value: &Value<'_>) -> bool {
    // Writing to a String cannot fail.
    let _infallible = match *value {
        Value::Signed(number) => write!(sql, "{number}"),
        Value::Unsigned(number) => write!(sql, "{number}"),
        Value::Year(year) => write!(sql, "{year}"),
        // As the double it is compared as: the shortest text of a single is another number.
        Value::Float(number) if number.is_finite() => write!(sql, "{:e}", f64::from(number)),
        Value::Double(number) if number.is_finite() => write!(sql, "{number:e}"),
        Value::Decimal(digits) if is_decimal(digits) => write!(sql, "{digits}"),
        Value::Text(bytes) => {
            push_introducer(sql, kind);
            push_hex(sql, bytes);
            Ok(())
        }
        Value::Bytes(bytes) => {
            push_hex(sql, bytes);
            Ok(())
        }
        Value::Label(text) | Value::Plain(text) => {
            sql.push_str("_utf8mb4 ");
            push_hex(sql, text.as_bytes());
            Ok(())
        }
        Value::Date { year, month, day } => write!(sql, "'{year:04}-{month:02}-{day:02}'"),
        Value::Time { negative, hours, minutes, seconds, micros } => {
            let sign = if negative { "-" } else { "" };
            write!(sql, "'{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}'")
        }
        Value::DateTime { year, month, day, hour, minute, second, micros } => write!(
            sql,
            "'{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}'"
        ),
        Value::Timestamp { seconds, micros } => {
            push_instant(sql, seconds, micros);
            Ok(())
        }
        _ => return false,
    };
    true
}

/// The charset that the bytes of a text are in.
fn push_introducer(sql: &mut String, kind: &ColumnType) {
    if let ColumnType::Char { charset }
    | ColumnType::VarChar { charset }
    | ColumnType::Text { charset, .. } = kind
        && !matches!(charset.as_str(), "" | "binary")
        && charset.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        let _infallible = write!(sql, "_{charset} ");
    }
}

fn push_hex(sql: &mut String, bytes: &[u8]) {
    sql.push_str("X'");
    for byte in bytes {
        let _infallible = write!(sql, "{byte:02X}");
    }
    sql.push('\'');
}

/// In UTC, as the session is. Zero stands for MySQL's zero timestamp.
fn push_instant(sql: &mut String, seconds: i64, micros: u32) {
    if seconds == 0 && micros == 0 {
        sql.push_str("'0000-00-00 00:00:00'");
        return;
    }
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let _infallible = write!(
        sql,
        "'{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}'"
    );
}

fn is_decimal(digits: &str) -> bool {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar
/// (days are counted from 0000-03-01, so that the leap day is a year's last).
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march = days.saturating_add(719_468);
    let era = from_march.div_euclid(146_097);
    let of_era = from_march.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01 of a date.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * march_month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(kind: &ColumnType, value: Value<'_>) -> String {
        let mut sql = String::new();
        assert!(push_value(&mut sql, kind, &value), "{value:?}");
        sql
    }

    #[test]
    fn a_name_cannot_be_left() {
        let mut sql = String::new();
        push_name(&mut sql, "a`b");
        assert_eq!(sql, "`a``b`");
    }

    #[test]
    fn values_keep_charset_and_precision() {
        let latin1 = ColumnType::VarChar { charset: "latin1".into() };
        assert_eq!(sql(&latin1, Value::Text(b"\xe9'")), "_latin1 X'E927'");
        assert_eq!(sql(&ColumnType::VarBinary, Value::Bytes(b"")), "X''");
        assert_eq!(sql(&ColumnType::Float, Value::Float(0.1)), "1.0000000149011612e-1");
        let big = ColumnType::BigInt { unsigned: true };
        assert_eq!(sql(&big, Value::Unsigned(u64::MAX)), "18446744073709551615");
        let labels = ColumnType::Enum { labels: vec!["é".into()] };
        assert_eq!(sql(&labels, Value::Label("é")), "_utf8mb4 X'C3A9'");
        let time = Value::Time { negative: true, hours: 838, minutes: 59, seconds: 1, micros: 5 };
        assert_eq!(sql(&ColumnType::Time { fraction: 6 }, time), "'-838:59:01.000005'");
    }

    #[test]
    fn instants_are_dates_in_utc() {
        let kind = ColumnType::Timestamp { fraction: 6 };
        for (seconds, text) in [
            (0, "'0000-00-00 00:00:00'"),
            (951_782_399, "'2000-02-28 23:59:59.000000'"),
            (951_782_400, "'2000-02-29 00:00:00.000000'"),
            (4_294_967_295, "'2106-02-07 06:28:15.000000'"),
        ] {
            assert_eq!(sql(&kind, Value::Timestamp { seconds, micros: 0 }), text);
        }
        for day in [-1, 0, 59, 60, 11_016, 47_540] {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn what_is_no_number_is_no_sql() {
        let mut sql = String::new();
        let kind = ColumnType::Decimal { precision: 4, scale: 0 };
        assert!(!push_value(&mut sql, &kind, &Value::Decimal("1 OR 1=1")));
        assert!(!push_value(&mut sql, &ColumnType::Double, &Value::Double(f64::NAN)));
        assert!(!push_value(&mut sql, &kind, &Value::Null));
        assert_eq!(sql, "");
    }
}
