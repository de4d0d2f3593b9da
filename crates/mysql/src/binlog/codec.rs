//! How the values of one column are laid out in rows: how long each is, and which type fits them.

use change::{Column, ColumnType};

use super::cursor::split_length;
use super::decimal::DecimalLayout;
use super::table_map::{LoggedType, type_code};

/// The layout of one column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// Nothing is logged.
    Null,
    Int8 {
        unsigned: bool,
    },
    Int16 {
        unsigned: bool,
    },
    Int24 {
        unsigned: bool,
    },
    Int32 {
        unsigned: bool,
    },
    Int64 {
        unsigned: bool,
    },
    Float,
    Double,
    Decimal(DecimalLayout),
    Year,
    Date,
    /// `TIME` of before MySQL 5.6.
    OldTime,
    /// `TIME(n)` of MariaDB before it took over the forms of MySQL 5.6; so the two below.
    HiresTime {
        fraction: u8,
    },
    Time {
        fraction: u8,
    },
    /// `DATETIME` of before MySQL 5.6.
    OldDateTime,
    HiresDateTime {
        fraction: u8,
    },
    DateTime {
        fraction: u8,
    },
    /// `TIMESTAMP` of before MySQL 5.6.
    OldTimestamp,
    HiresTimestamp {
        fraction: u8,
    },
    Timestamp {
        fraction: u8,
    },
    Bit {
        bytes: u8,
    },
    Enum {
        bytes: u8,
    },
    Set {
        bytes: u8,
    },
    /// What follows is a length of so many bytes and the content.
    Text {
        length: u8,
    },
    Bytes {
        length: u8,
    },
    /// Zeros at the end are not logged.
    PaddedBytes {
        length: u8,
        width: u32,
    },
    Json {
        length: u8,
    },
    /// JSON as text: MariaDB's alias of LONGTEXT.
    JsonText {
        length: u8,
    },
    Geometry {
        length: u8,
    },
    Uuid {
        length: u8,
    },
    Inet4 {
        length: u8,
    },
    Inet6 {
        length: u8,
    },
    /// MariaDB's `COMPRESSED` columns.
    CompressedText {
        length: u8,
    },
    CompressedBytes {
        length: u8,
    },
    /// The elements of a multi-valued index; never shown.
    Hidden {
        length: u8,
    },
}

/// How long the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// All of them this many bytes.
    Fixed(usize),
    /// As a length of this many bytes in front of each says.
    Sized(u8),
}

impl Codec {
    /// Skips one value; `None` if `bytes` end inside of it.
    #[inline]
    pub(super) fn skip<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        match self.width() {
            Width::Fixed(length) => bytes.get(length..),
            Width::Sized(length) => {
                let (content, rest) = split_length(bytes, length)?;
                rest.get(content..)
            }
        }
    }

    /// How long values are.
    #[inline]
    pub(super) fn width(&self) -> Width {
        Width::Fixed(match *self {
            Self::Null => 0,
            Self::Int8 { .. } | Self::Year => 1,
            Self::Int16 { .. } => 2,
            Self::Int24 { .. } | Self::Date | Self::OldTime => 3,
            Self::Int32 { .. } | Self::Float | Self::OldTimestamp => 4,
            Self::Int64 { .. } | Self::Double | Self::OldDateTime => 8,
            Self::Decimal(layout) => layout.length(),
            Self::Time { fraction } => 3 + fraction_bytes(fraction),
            Self::HiresTime { fraction } => 3 + hires_bytes(fraction),
            Self::HiresDateTime { fraction } => 5 + hires_bytes(fraction),
            Self::HiresTimestamp { fraction } => 4 + fraction_bytes(fraction),
            Self::DateTime { fraction } => 5 + fraction_bytes(fraction),
            Self::Timestamp { fraction } => 4 + fraction_bytes(fraction),
            Self::Bit { bytes } | Self::Enum { bytes } | Self::Set { bytes } => usize::from(bytes),
            Self::Text { length }
            | Self::Bytes { length }
            | Self::PaddedBytes { length, .. }
            | Self::Json { length }
            | Self::JsonText { length }
            | Self::Geometry { length }
            | Self::Uuid { length }
            | Self::Inet4 { length }
            | Self::Inet6 { length }
            | Self::CompressedText { length }
            | Self::CompressedBytes { length }
            | Self::Hidden { length } => return Width::Sized(length),
        })
    }

    /// The codec of a logged type for a column that is known to be of `kind`, or `None` where the two
    /// do not fit.
    pub(super) fn for_column(logged: LoggedType, column: &Column, mariadb: bool) -> Option<Self> {
        use ColumnType as T;
        use type_code as code;
        let byte = |number: u16| u8::try_from(number).ok();
        let string_length = if logged.first > 255 { 2 } else { 1 };
        Some(match (logged.code, &column.kind) {
            (code::NULL, _) => Self::Null,
            (code::TINY, T::TinyInt { unsigned }) => Self::Int8 { unsigned: *unsigned },
            (code::SHORT, T::SmallInt { unsigned }) => Self::Int16 { unsigned: *unsigned },
            (code::INT24, T::MediumInt { unsigned }) => Self::Int24 { unsigned: *unsigned },
            (code::LONG, T::Int { unsigned }) => Self::Int32 { unsigned: *unsigned },
            (code::LONGLONG, T::BigInt { unsigned }) => Self::Int64 { unsigned: *unsigned },
            (code::FLOAT, T::Float) => Self::Float,
            (code::DOUBLE, T::Double) => Self::Double,
            (code::NEWDECIMAL, T::Decimal { precision, scale })
                if byte(logged.first) == Some(*precision) && logged.second == *scale =>
            {
                Self::Decimal(DecimalLayout::new(*precision, *scale)?)
            }
            (code::YEAR, T::Year) => Self::Year,
            (code::DATE | code::NEWDATE, T::Date) => Self::Date,
            (code::TIME, T::Time { fraction: 0 }) => Self::OldTime,
            (code::TIME, T::Time { fraction: fraction @ 1..=6 }) if mariadb => {
                Self::HiresTime { fraction: *fraction }
            }
            (code::TIME2, T::Time { fraction }) => {
                Self::Time { fraction: same_fraction(logged, *fraction)? }
            }
            (code::DATETIME, T::DateTime { fraction: 0 }) => Self::OldDateTime,
            (code::DATETIME, T::DateTime { fraction: fraction @ 1..=6 }) if mariadb => {
                Self::HiresDateTime { fraction: *fraction }
            }
            (code::DATETIME2, T::DateTime { fraction }) => {
                Self::DateTime { fraction: same_fraction(logged, *fraction)? }
            }
            (code::TIMESTAMP, T::Timestamp { fraction: 0 }) => Self::OldTimestamp,
            (code::TIMESTAMP, T::Timestamp { fraction: fraction @ 1..=6 }) if mariadb => {
                Self::HiresTimestamp { fraction: *fraction }
            }
            (code::TIMESTAMP2, T::Timestamp { fraction }) => {
                Self::Timestamp { fraction: same_fraction(logged, *fraction)? }
            }
            (code::BIT, T::Bit { width }) if logged.first == u16::from(*width) => {
                Self::Bit { bytes: width.div_ceil(8) }
            }
            (code::ENUM, T::Enum { .. }) if matches!(logged.first, 1 | 2) => {
                Self::Enum { bytes: byte(logged.first)? }
            }
            (code::SET, T::Set { .. }) if (1..=8).contains(&logged.first) => {
                Self::Set { bytes: byte(logged.first)? }
            }
            (code::STRING, T::Char { .. })
            | (code::VARCHAR | code::VAR_STRING, T::VarChar { .. }) => {
                Self::Text { length: string_length }
            }
            (code::STRING, T::Binary { width }) if u32::from(logged.first) == *width => {
                Self::PaddedBytes { length: string_length, width: *width }
            }
            // MariaDB's VECTOR is a VARBINARY in the log.
            (code::VARCHAR | code::VAR_STRING, T::VarBinary | T::Vector) => {
                Self::Bytes { length: string_length }
            }
            (code::STRING, T::Uuid) if logged.first == 16 => Self::Uuid { length: string_length },
            (code::STRING, T::Inet4) if logged.first == 4 => Self::Inet4 { length: string_length },
            (code::STRING, T::Inet6) if logged.first == 16 => Self::Inet6 { length: string_length },
            (code::VARCHAR_COMPRESSED, T::VarChar { .. }) => {
                Self::CompressedText { length: string_length }
            }
            (code::VARCHAR_COMPRESSED, T::VarBinary) => {
                Self::CompressedBytes { length: string_length }
            }
            (code::BLOB_COMPRESSED, kind) => match kind {
                T::Text { size, .. } if u16::from(*size) == logged.first => {
                    Self::CompressedText { length: blob_length(logged)? }
                }
                T::Blob { size } if u16::from(*size) == logged.first => {
                    Self::CompressedBytes { length: blob_length(logged)? }
                }
                _ => return None,
            },
            (code::JSON, T::Json) => Self::Json { length: blob_length(logged)? },
            (code::GEOMETRY, T::Geometry) => Self::Geometry { length: blob_length(logged)? },
            (code::VECTOR, T::Vector) => Self::Bytes { length: blob_length(logged)? },
            (code::BLOB | code::TINY_BLOB | code::MEDIUM_BLOB | code::LONG_BLOB, kind) => {
                let length = blob_length(logged)?;
                match kind {
                    T::Text { size, .. } if *size == length => Self::Text { length },
                    T::Blob { size } if *size == length => Self::Bytes { length },
                    T::Json => Self::JsonText { length },
                    _ => return None,
                }
            }
            (code::TYPED_ARRAY, _) => Self::Hidden { length: 4 },
            _ => return None,
        })
    }
}

/// Bytes of so many decimals of a second.
pub(super) const fn fraction_bytes(fraction: u8) -> usize {
    match fraction {
        0 => 0,
        1 | 2 => 1,
        3 | 4 => 2,
        _ => 3,
    }
}

/// Bytes that decimals add to MariaDB's own forms of `TIME` and `DATETIME`, which are one number.
pub(super) const fn hires_bytes(fraction: u8) -> usize {
    if fraction == 5 { 2 } else { fraction_bytes(fraction) }
}

fn same_fraction(logged: LoggedType, fraction: u8) -> Option<u8> {
    (fraction <= 6 && logged.first == u16::from(fraction)).then_some(fraction)
}

fn blob_length(logged: LoggedType) -> Option<u8> {
    u8::try_from(logged.first).ok().filter(|length| (1..=4).contains(length))
}
