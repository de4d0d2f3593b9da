//! A record borrowed from its bytes, each value as it was encoded.
//!
//! For comparing records with each other and with a source, exactly: nothing is rendered, converted to
//! another charset or rounded. For people there is [`crate::Record`].

use crate::avro::branch;
use crate::header::ESCAPED_DOT;
use crate::reader::Reader;
use crate::{DecodeError, Operation};

/// One record, borrowed.
#[derive(Debug, Clone, PartialEq)]
pub struct View<'a> {
    /// What the record stands for.
    pub operation: Operation,
    /// `database.table` with dots inside the names escaped, or a database, or nothing.
    pub object: &'a str,
    /// The number of the table's definition (`metaVersion`); empty where there is none.
    pub version: &'a str,
    /// The columns of a row: their encoded bytes, which are the same for the same columns.
    pub fields: Part<'a, ViewField<'a>>,
    /// The row as it was.
    pub before: Option<Part<'a, ViewCell<'a>>>,
    /// The row as it is.
    pub after: Option<Part<'a, ViewCell<'a>>>,
    /// The text of a statement.
    pub statement: Option<&'a str>,
}

/// A list of a record, with the bytes it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Part<'a, T> {
    /// As encoded.
    pub bytes: &'a [u8],
    /// What they say.
    pub items: Vec<T>,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewField<'a> {
    /// Its name.
    pub name: &'a str,
    /// The source's code of its type.
    pub type_number: i32,
}

/// One value, in the form of its branch of the schema.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ViewCell<'a> {
    /// SQL NULL.
    Null,
    /// The source did not log the column.
    Absent,
    /// A whole number in decimal digits.
    Integer(&'a str),
    /// Characters as stored, and the name of their charset; `binary` for none.
    Characters {
        /// The charset.
        charset: &'a str,
        /// The bytes as stored.
        bytes: &'a [u8],
    },
    /// A decimal, and how many digits stand behind its point.
    Decimal {
        /// Sign, digits, point.
        text: &'a str,
        /// Digits behind the point.
        scale: i32,
    },
    /// A floating-point number.
    Float(f64),
    /// Seconds since 1970-01-01 UTC, and microseconds.
    Timestamp {
        /// Seconds.
        seconds: i64,
        /// Microseconds.
        micros: i32,
    },
    /// Year, month, day, hour, minute, second, microsecond, as far as the type has them.
    DateTime([Option<i32>; 7]),
    /// Bytes of a large object or a geometry.
    Bytes(&'a [u8]),
    /// Text of a label or a document.
    Text(&'a str),
}

impl<'a> View<'a> {
    /// Reads one bare Avro record.
    ///
    /// # Errors
    /// The bytes end early, go on after the record, or break the schema.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let view = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(view)
    }

    /// The parts of the object name, unescaped: database and table, or a database alone.
    #[must_use]
    pub fn object_path(&self) -> Vec<String> {
        let parts = self.object.split('.').filter(|part| !part.is_empty());
        parts.map(|part| part.replace(ESCAPED_DOT, ".")).collect()
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.int()?;
        for _id_and_time in 0..2 {
            reader.long()?;
        }
        for _positions_and_transaction in 0..3 {
            reader.bytes()?;
        }
        reader.int()?;
        reader.bytes()?;
        let operation = Operation::from_index(reader.int()?)
            .ok_or_else(|| reader.malformed("the operation is unknown"))?;
        let object = if is_some(reader)? { reader.string()? } else { "" };
        if is_some(reader)? {
            reader.blocks(ITEMS_MAX, Reader::long)?;
        }
        let mut version = "";
        reader.blocks(ITEMS_MAX, |reader| {
            let (key, value) = (reader.string()?, reader.string()?);
            if key == VERSION_TAG {
                version = value;
            }
            Ok(())
        })?;
        let (fields, _) = part(reader, ViewField::read)?;
        let (before, _) = part(reader, ViewCell::read)?;
        let (after, statement) = part(reader, ViewCell::read)?;
        let fields = fields.unwrap_or(Part { bytes: &[], items: Vec::new() });
        let uneven = |image: &Part<'_, ViewCell<'_>>| image.items.len() != fields.items.len();
        if [&before, &after].into_iter().flatten().any(uneven) {
            return Err(
                reader.malformed("an image does not have as many values as there are fields")
            );
        }
        reader.long()?;
        Ok(Self { operation, object, version, fields, before, after, statement })
    }
}

impl<'a> ViewField<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { name: reader.string()?, type_number: reader.int()? })
    }
}

impl<'a> ViewCell<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = u8::try_from(reader.long()?).unwrap_or(u8::MAX);
        Ok(match kind {
            branch::NULL => Self::Null,
            branch::INTEGER => {
                reader.int()?;
                Self::Integer(reader.string()?)
            }
            branch::CHARACTER => {
                Self::Characters { charset: reader.string()?, bytes: reader.bytes()? }
            }
            branch::DECIMAL => {
                let text = reader.string()?;
                reader.int()?;
                Self::Decimal { text, scale: reader.int()? }
            }
            branch::FLOAT => {
                let number = reader.double()?;
                reader.int()?;
                reader.int()?;
                Self::Float(number)
            }
            branch::TIMESTAMP => Self::Timestamp { seconds: reader.long()?, micros: reader.int()? },
            branch::DATE_TIME => {
                let mut parts = [None; 7];
                for part in &mut parts {
                    *part = if is_some(reader)? { Some(reader.int()?) } else { None };
                }
                Self::DateTime(parts)
            }
            branch::BINARY_GEOMETRY | branch::BINARY_OBJECT => {
                reader.bytes()?;
                Self::Bytes(reader.bytes()?)
            }
            branch::TEXT_OBJECT => {
                reader.bytes()?;
                Self::Text(reader.string()?)
            }
            branch::EMPTY_OBJECT => match reader.int()? {
                0 => Self::Null,
                1 => Self::Absent,
                _ => return Err(reader.malformed("an empty object of an unknown kind")),
            },
            _ => return Err(reader.malformed("a value of an unknown kind")),
        })
    }
}

/// A union of null, text and list.
type Read<'a, T> = (Option<Part<'a, T>>, Option<&'a str>);

fn part<'a, T>(
    reader: &mut Reader<'a>,
    item: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Read<'a, T>, DecodeError> {
    Ok(match reader.long()? {
        0 => (None, None),
        1 => (None, Some(reader.string()?)),
        2 => {
            let from = reader.rest();
            let items = reader.blocks(ITEMS_MAX, item)?;
            let length = from.len().saturating_sub(reader.rest().len());
            (Some(Part { bytes: from.get(..length).unwrap_or_default(), items }), None)
        }
        _ => return Err(reader.malformed("a branch of an unknown kind")),
    })
}

fn is_some(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.long()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(reader.malformed("a branch of an unknown kind")),
    }
}

/// The tag with the number of a table's definition.
const VERSION_TAG: &str = "metaVersion";
/// The most columns a table of any source has, and more tags than any record.
const ITEMS_MAX: u64 = 4_096;

#[cfg(test)]
mod tests {
    use change::{Body, ColumnType, Value};

    use super::*;
    use crate::DtsEncoder;
    use crate::testing::{Cells, NOW, Surroundings, column, insert, table};

    fn encoded(kind: ColumnType, value: Value<'_>) -> Vec<u8> {
        let schema = table("t", vec![column("c", kind)], vec![]);
        let row = Cells(vec![value]);
        let surroundings = Surroundings::new();
        let change = surroundings.change(Body::Row(insert(&schema, &row)));
        let mut out = Vec::new();
        DtsEncoder::new().encode(&change, 1, NOW, &mut out).unwrap();
        out
    }

    #[test]
    fn values_are_lent_as_they_were_encoded() {
        let latin1 = ColumnType::VarChar { charset: "latin1".into() };
        let bytes = encoded(latin1, Value::Text(b"\xe9"));
        let view = View::parse(&bytes).unwrap();
        assert_eq!(view.operation, Operation::Insert);
        assert_eq!(view.object_path().last().map(String::as_str), Some("t"));
        assert!(view.version.parse::<u64>().is_ok(), "{}", view.version);
        assert_eq!(view.fields.items, [ViewField { name: "c", type_number: 253 }]);
        let after = view.after.unwrap();
        assert_eq!(after.items, [ViewCell::Characters { charset: "latin1", bytes: b"\xe9" }]);
        assert_eq!(view.before, None);
    }

    #[test]
    fn the_same_row_has_the_same_bytes_and_another_has_others() {
        let part = |text| {
            let bytes =
                encoded(ColumnType::Decimal { precision: 4, scale: 2 }, Value::Decimal(text));
            View::parse(&bytes).unwrap().after.unwrap().bytes.to_vec()
        };
        assert_eq!(part("1.50"), part("1.50"));
        assert_ne!(part("1.50"), part("1.51"));
    }

    #[test]
    fn every_truncation_is_an_error() {
        let bytes = encoded(ColumnType::BigInt { unsigned: true }, Value::Unsigned(u64::MAX));
        for end in 0..bytes.len() {
            assert!(View::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
