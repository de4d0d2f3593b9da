//! The optional metadata of a table map: signs, character sets, names, labels, keys.
//!
//! `Table_map_event::Optional_metadata_fields` of `libs/mysql/binlog/event/rows_event.h`; MariaDB
//! writes the same since 10.5.

use super::DecodeError;
use super::cursor::Cursor;

/// What a table map tells beyond the types; the parts that are not there are `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMetadata<'a> {
    /// One bit per numeric column, first bit highest: set where it is unsigned.
    pub unsigned: Option<&'a [u8]>,
    /// Collations of the character columns, in their order.
    pub character: Option<Collations>,
    /// Collations of the ENUM and SET columns, in their order.
    pub labels: Option<Collations>,
    /// Names of all columns.
    pub names: Vec<&'a [u8]>,
    /// Labels of each SET column.
    pub set_labels: Vec<Vec<&'a [u8]>>,
    /// Labels of each ENUM column.
    pub enum_labels: Vec<Vec<&'a [u8]>>,
    /// Type of each geometry column.
    pub geometry_types: Vec<u64>,
    /// Columns of the primary key, in key order. Whether a part is a prefix is not kept.
    pub primary_key: Vec<usize>,
    /// One bit per column, first bit highest: set where it is visible.
    pub visible: Option<&'a [u8]>,
    /// Dimensions of each VECTOR column.
    pub vector_dimensions: Vec<u64>,
}

/// Collations of a group of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collations {
    /// One for most, and exceptions by index within the group, in order.
    Default(u64, Vec<(u64, u64)>),
    /// One for each.
    Each(Vec<u64>),
}

impl Collations {
    /// The collation of the column with this index within its group.
    pub(super) fn of(&self, index: usize) -> Option<u64> {
        match self {
            Self::Each(all) => all.get(index).copied(),
            Self::Default(default, exceptions) => {
                let found = u64::try_from(index).ok().and_then(|index| {
                    let at = exceptions.binary_search_by_key(&index, |(column, _)| *column).ok()?;
                    exceptions.get(at).map(|(_, collation)| *collation)
                });
                Some(found.unwrap_or(*default))
            }
        }
    }
}

impl<'a> ColumnMetadata<'a> {
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut metadata = Self::default();
        let mut cursor = Cursor::new(WHAT, bytes);
        while !cursor.is_empty() {
            let kind = cursor.u8()?;
            let field = cursor.packed_bytes()?;
            metadata.decode_field(kind, field)?;
        }
        Ok(metadata)
    }

    fn decode_field(&mut self, kind: u8, field: &'a [u8]) -> Result<(), DecodeError> {
        let cursor = Cursor::new(WHAT, field);
        match kind {
            SIGNEDNESS => self.unsigned = Some(field),
            DEFAULT_CHARSET => self.character = Some(default_collations(cursor)?),
            COLUMN_CHARSET => self.character = Some(Collations::Each(numbers(cursor)?)),
            ENUM_AND_SET_DEFAULT_CHARSET => self.labels = Some(default_collations(cursor)?),
            ENUM_AND_SET_COLUMN_CHARSET => self.labels = Some(Collations::Each(numbers(cursor)?)),
            COLUMN_NAME => self.names = texts(cursor)?,
            SET_STR_VALUE => self.set_labels = labels(cursor)?,
            ENUM_STR_VALUE => self.enum_labels = labels(cursor)?,
            GEOMETRY_TYPE => self.geometry_types = numbers(cursor)?,
            SIMPLE_PRIMARY_KEY => {
                self.primary_key = numbers(cursor)?.into_iter().map(index).collect();
            }
            PRIMARY_KEY_WITH_PREFIX => {
                self.primary_key =
                    pairs(cursor)?.into_iter().map(|(column, _)| index(column)).collect();
            }
            COLUMN_VISIBILITY => self.visible = Some(field),
            VECTOR_DIMENSIONALITY => self.vector_dimensions = numbers(cursor)?,
            // Servers to come may tell more; its length is known.
            _ => {}
        }
        Ok(())
    }
}

/// Bit `index` of a bitmap whose first bit is the highest of the first byte.
pub(super) fn high_bit(bitmap: &[u8], index: usize) -> Option<bool> {
    bitmap.get(index / 8).map(|byte| byte & (0x80 >> (index % 8)) != 0)
}

/// An index over all there can be stays one.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn default_collations(mut cursor: Cursor<'_>) -> Result<Collations, DecodeError> {
    let default = cursor.packed()?;
    let mut exceptions = pairs(cursor)?;
    exceptions.sort_unstable();
    Ok(Collations::Default(default, exceptions))
}

fn numbers(mut cursor: Cursor<'_>) -> Result<Vec<u64>, DecodeError> {
    let mut numbers = Vec::new();
    while !cursor.is_empty() {
        numbers.push(cursor.packed()?);
    }
    Ok(numbers)
}

fn pairs(mut cursor: Cursor<'_>) -> Result<Vec<(u64, u64)>, DecodeError> {
    let mut pairs = Vec::new();
    while !cursor.is_empty() {
        pairs.push((cursor.packed()?, cursor.packed()?));
    }
    Ok(pairs)
}

fn texts<'a>(mut cursor: Cursor<'a>) -> Result<Vec<&'a [u8]>, DecodeError> {
    let mut texts = Vec::new();
    while !cursor.is_empty() {
        texts.push(cursor.packed_bytes()?);
    }
    Ok(texts)
}

fn labels<'a>(mut cursor: Cursor<'a>) -> Result<Vec<Vec<&'a [u8]>>, DecodeError> {
    let mut columns = Vec::new();
    while !cursor.is_empty() {
        let mut labels = Vec::new();
        for _ in 0..cursor.packed()? {
            labels.push(cursor.packed_bytes()?);
        }
        columns.push(labels);
    }
    Ok(columns)
}

const WHAT: &str = "the optional metadata of a TABLE_MAP event";
const SIGNEDNESS: u8 = 1;
const DEFAULT_CHARSET: u8 = 2;
const COLUMN_CHARSET: u8 = 3;
const COLUMN_NAME: u8 = 4;
const SET_STR_VALUE: u8 = 5;
const ENUM_STR_VALUE: u8 = 6;
const GEOMETRY_TYPE: u8 = 7;
const SIMPLE_PRIMARY_KEY: u8 = 8;
const PRIMARY_KEY_WITH_PREFIX: u8 = 9;
const ENUM_AND_SET_DEFAULT_CHARSET: u8 = 10;
const ENUM_AND_SET_COLUMN_CHARSET: u8 = 11;
const COLUMN_VISIBILITY: u8 = 12;
const VECTOR_DIMENSIONALITY: u8 = 13;
