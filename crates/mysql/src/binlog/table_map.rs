//! TABLE_MAP: which table the rows that follow belong to, and how their columns are laid out.

use super::DecodeError;
use super::cursor::Cursor;
use super::event::TableIdWidth;
use super::metadata::ColumnMetadata;

/// What ties rows to their table map. Valid until the server opens the table anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub u64);

/// The table behind the rows that follow, borrowed from its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableMap<'a> {
    /// What rows refer to it by.
    pub id: TableId,
    /// Database, in UTF-8.
    pub database: &'a str,
    /// Table, in UTF-8.
    pub table: &'a str,
    /// MariaDB wrote it, whose optional metadata count geometries among the character columns.
    pub(super) mariadb: bool,
    pub(super) types: &'a [u8],
    pub(super) type_metadata: &'a [u8],
    /// The optional metadata, by type, length and value.
    pub(super) optional: &'a [u8],
    /// All behind the table id and the flags: equal where the table is described equally.
    pub(super) description: &'a [u8],
}

/// How one column is logged: type code and its one or two bytes of metadata, made uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LoggedType {
    /// MySQL's `enum_field_types`; for strings the real type (ENUM, SET, STRING).
    pub(super) code: u8,
    /// A length, a precision, a number of length bytes: what it means depends on the type.
    pub(super) first: u16,
    /// Scale of decimals.
    pub(super) second: u8,
}

impl std::fmt::Display for LoggedType {
    /// As people write it where that is known, else its numbers.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.code {
            type_code::TINY => "TINYINT",
            type_code::SHORT => "SMALLINT",
            type_code::INT24 => "MEDIUMINT",
            type_code::LONG => "INT",
            type_code::LONGLONG => "BIGINT",
            type_code::FLOAT => "FLOAT",
            type_code::DOUBLE => "DOUBLE",
            type_code::NEWDECIMAL => {
                return write!(f, "DECIMAL({},{})", self.first, self.second);
            }
            type_code::DATE | type_code::NEWDATE => "DATE",
            type_code::TIME => "TIME",
            type_code::DATETIME => "DATETIME",
            type_code::TIMESTAMP => "TIMESTAMP",
            type_code::TIME2 => return write!(f, "TIME({})", self.first),
            type_code::DATETIME2 => return write!(f, "DATETIME({})", self.first),
            type_code::TIMESTAMP2 => return write!(f, "TIMESTAMP({})", self.first),
            type_code::YEAR => "YEAR",
            type_code::BIT => "BIT",
            type_code::JSON => "JSON",
            type_code::ENUM => "ENUM",
            type_code::SET => "SET",
            type_code::GEOMETRY => "GEOMETRY",
            type_code::VECTOR => "VECTOR",
            type_code::VARCHAR | type_code::VAR_STRING | type_code::VARCHAR_COMPRESSED => {
                return write!(f, "VARCHAR or VARBINARY of {} bytes", self.first);
            }
            type_code::STRING => {
                return write!(f, "CHAR or BINARY of {} bytes", self.first);
            }
            type_code::BLOB | type_code::BLOB_COMPRESSED => {
                return write!(f, "BLOB or TEXT with {} bytes of length", self.first);
            }
            code => return write!(f, "type {code} ({}, {})", self.first, self.second),
        };
        f.write_str(name)
    }
}

impl<'a> TableMap<'a> {
    pub(super) fn decode(
        body: &'a [u8],
        width: TableIdWidth,
        mariadb: bool,
    ) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a TABLE_MAP event", body);
        let id = TableId::decode(&mut cursor, width)?;
        cursor.u16()?;
        let description = cursor.rest();
        let database = name(&mut cursor)?;
        let table = name(&mut cursor)?;
        let columns = cursor.packed_len()?;
        if columns > COLUMNS_MAX {
            return Err(cursor.malformed("it has more columns than a table can have"));
        }
        let types = cursor.bytes(columns)?;
        let type_metadata = cursor.packed_bytes()?;
        cursor.bytes(columns.div_ceil(8))?;
        let optional = cursor.rest();
        Ok(Self { id, database, table, mariadb, types, type_metadata, optional, description })
    }

    /// Number of columns.
    #[must_use]
    pub const fn column_count(&self) -> usize {
        self.types.len()
    }

    /// The optional metadata: whole with `binlog_row_metadata=FULL`, signs and character sets with
    /// `MINIMAL`, nothing from servers that do not know it.
    ///
    /// # Errors
    /// The metadata is damaged.
    pub fn metadata(&self) -> Result<ColumnMetadata<'a>, DecodeError> {
        ColumnMetadata::decode(self.optional)
    }

    pub(super) fn logged_types(&self) -> Result<Vec<LoggedType>, DecodeError> {
        let mut metadata = Cursor::new("the column types of a TABLE_MAP event", self.type_metadata);
        let types: Result<Vec<_>, _> =
            self.types.iter().map(|code| LoggedType::decode(*code, &mut metadata)).collect();
        if !metadata.is_empty() {
            return Err(metadata.malformed("there is more metadata than columns"));
        }
        types
    }
}

impl TableId {
    pub(super) fn decode(
        cursor: &mut Cursor<'_>,
        width: TableIdWidth,
    ) -> Result<Self, DecodeError> {
        match width {
            TableIdWidth::Four => cursor.u32().map(|id| Self(u64::from(id))),
            TableIdWidth::Six => cursor.u48().map(Self),
        }
    }
}

impl LoggedType {
    /// Follows `Field::do_save_field_metadata` and its overrides.
    fn decode(code: u8, metadata: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let (code, first, second) = match code {
            type_code::FLOAT
            | type_code::DOUBLE
            | type_code::TIMESTAMP2
            | type_code::DATETIME2
            | type_code::TIME2
            | type_code::TINY_BLOB
            | type_code::MEDIUM_BLOB
            | type_code::LONG_BLOB
            | type_code::BLOB
            | type_code::GEOMETRY
            | type_code::JSON
            | type_code::VECTOR
            | type_code::BLOB_COMPRESSED => (code, u16::from(metadata.u8()?), 0),
            type_code::VARCHAR | type_code::VARCHAR_COMPRESSED => (code, metadata.u16()?, 0),
            type_code::NEWDECIMAL => {
                let precision = metadata.u8()?;
                (code, u16::from(precision), metadata.u8()?)
            }
            type_code::BIT => {
                let bits = u16::from(metadata.u8()?);
                (code, u16::from(metadata.u8()?) * 8 + bits, 0)
            }
            type_code::STRING | type_code::VAR_STRING | type_code::ENUM | type_code::SET => {
                let [real, length] = metadata.array()?;
                // Two bits of lengths over 255 hide, inverted, in the type's byte (MySQL bug 37426).
                let high = u16::from((real & 0x30) ^ 0x30) << 4;
                (real | 0x30, high | u16::from(length), 0)
            }
            type_code::TYPED_ARRAY => {
                skip_element_type(metadata)?;
                (code, 4, 0)
            }
            _ => (code, 0, 0),
        };
        Ok(Self { code, first, second })
    }
}

/// The type of the elements of a multi-valued index.
fn skip_element_type(metadata: &mut Cursor<'_>) -> Result<(), DecodeError> {
    match metadata.u8()? {
        type_code::VARCHAR => metadata.u24().map(drop),
        element => LoggedType::decode(element, metadata).map(drop),
    }
}

/// A length byte, the name, and a zero byte that the length does not count.
fn name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, DecodeError> {
    let name = cursor.short_bytes()?;
    if cursor.u8()? != 0 {
        return Err(cursor.malformed("a name has no end"));
    }
    std::str::from_utf8(name).map_err(|_| cursor.malformed("a name is not UTF-8"))
}

/// More than any server allows.
const COLUMNS_MAX: usize = 4096;

/// MySQL's `enum_field_types`, and MariaDB's additions.
pub(super) mod type_code {
    pub(in crate::binlog) const TINY: u8 = 1;
    pub(in crate::binlog) const SHORT: u8 = 2;
    pub(in crate::binlog) const LONG: u8 = 3;
    pub(in crate::binlog) const FLOAT: u8 = 4;
    pub(in crate::binlog) const DOUBLE: u8 = 5;
    pub(in crate::binlog) const NULL: u8 = 6;
    pub(in crate::binlog) const TIMESTAMP: u8 = 7;
    pub(in crate::binlog) const LONGLONG: u8 = 8;
    pub(in crate::binlog) const INT24: u8 = 9;
    pub(in crate::binlog) const DATE: u8 = 10;
    pub(in crate::binlog) const TIME: u8 = 11;
    pub(in crate::binlog) const DATETIME: u8 = 12;
    pub(in crate::binlog) const YEAR: u8 = 13;
    pub(in crate::binlog) const NEWDATE: u8 = 14;
    pub(in crate::binlog) const VARCHAR: u8 = 15;
    pub(in crate::binlog) const BIT: u8 = 16;
    pub(in crate::binlog) const TIMESTAMP2: u8 = 17;
    pub(in crate::binlog) const DATETIME2: u8 = 18;
    pub(in crate::binlog) const TIME2: u8 = 19;
    pub(in crate::binlog) const TYPED_ARRAY: u8 = 20;
    pub(in crate::binlog) const BLOB_COMPRESSED: u8 = 140;
    pub(in crate::binlog) const VARCHAR_COMPRESSED: u8 = 141;
    pub(in crate::binlog) const VECTOR: u8 = 242;
    pub(in crate::binlog) const JSON: u8 = 245;
    pub(in crate::binlog) const NEWDECIMAL: u8 = 246;
    pub(in crate::binlog) const ENUM: u8 = 247;
    pub(in crate::binlog) const SET: u8 = 248;
    pub(in crate::binlog) const TINY_BLOB: u8 = 249;
    pub(in crate::binlog) const MEDIUM_BLOB: u8 = 250;
    pub(in crate::binlog) const LONG_BLOB: u8 = 251;
    pub(in crate::binlog) const BLOB: u8 = 252;
    pub(in crate::binlog) const VAR_STRING: u8 = 253;
    pub(in crate::binlog) const STRING: u8 = 254;
    pub(in crate::binlog) const GEOMETRY: u8 = 255;
}
