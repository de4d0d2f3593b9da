//! A column's value, borrowed.

/// One value of one column. How it is written depends on the column's [`crate::ColumnType`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// SQL NULL.
    Null,
    /// The source did not log this column (a partial row image). Not the same as NULL.
    Absent,
    /// A signed integer of any width.
    Signed(i64),
    /// An unsigned integer of any width, or the bits of a `BIT(n)` column, first bit highest.
    Unsigned(u64),
    /// Single precision: written with the shortest decimal that reads back to the same four bytes.
    Float(f32),
    /// Double precision.
    Double(f64),
    /// Plain decimal digits with sign and point, trailing zeros kept: `-0.50`. ASCII.
    Decimal(&'a str),
    /// Characters in the column's own charset, raw bytes as stored.
    Text(&'a [u8]),
    /// Bytes without a charset. `BINARY(n)` arrives padded to its width.
    Bytes(&'a [u8]),
    /// A calendar date. Zero and partially zero dates are legal in MySQL.
    Date {
        /// 0 to 9999.
        year: u16,
        /// 0 to 12.
        month: u8,
        /// 0 to 31.
        day: u8,
    },
    /// A time span or time of day.
    Time {
        /// The whole value is below zero.
        negative: bool,
        /// 0 to 838.
        hours: u16,
        /// 0 to 59.
        minutes: u8,
        /// 0 to 59.
        seconds: u8,
        /// 0 to 999 999.
        micros: u32,
    },
    /// A date and time without zone.
    DateTime {
        /// 0 to 9999.
        year: u16,
        /// 0 to 12.
        month: u8,
        /// 0 to 31.
        day: u8,
        /// 0 to 23.
        hour: u8,
        /// 0 to 59.
        minute: u8,
        /// 0 to 59.
        second: u8,
        /// 0 to 999 999.
        micros: u32,
    },
    /// An instant: seconds since 1970-01-01 UTC. Zero seconds and micros is MySQL's zero timestamp.
    Timestamp {
        /// Seconds since the epoch.
        seconds: i64,
        /// 0 to 999 999.
        micros: u32,
    },
    /// A `YEAR`: 0 or 1901 to 2155.
    Year(u16),
    /// The label of an `ENUM`, or the comma-separated labels of a `SET`, in UTF-8.
    Label(&'a str),
    /// JSON text.
    Json(&'a str),
    /// A geometry as well-known binary with its spatial reference system.
    Geometry {
        /// Spatial reference system id; 0 where none was given.
        srid: u32,
        /// Well-known binary.
        wkb: &'a [u8],
    },
    /// A text form the source itself defines (UUID, INET6, ...), in UTF-8.
    Plain(&'a str),
}
