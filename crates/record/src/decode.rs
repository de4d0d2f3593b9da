//! Records back from bytes, for people who look at a log.
//!
//! Reads what [`crate::DtsEncoder`] writes, and any other record of the same schema whose images match
//! its fields. Bounded by the bytes that are there; not made for speed.

use change::charset;

use crate::plan::CHARSET_INFO;
use crate::reader::Reader;
use crate::{DecodeError, Operation};

/// One record, its values as text or bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Number of the record in its stream.
    pub id: i64,
    /// When the source wrote the entry: seconds since 1970-01-01 UTC.
    pub source_time_seconds: i64,
    /// Where the entry ends in the source's log.
    pub position: String,
    /// Where its transaction begins.
    pub safe_position: String,
    /// Symbol number of the kind of source: 0 MySQL, 3 PostgreSQL.
    pub source_type: i32,
    /// The source's version text.
    pub source_version: String,
    /// What the record stands for.
    pub operation: Operation,
    /// `database.table` with dots inside the names escaped, or a database, or nothing.
    pub object_name: Option<String>,
    /// Properties, in the order in which they were written.
    pub tags: Vec<(String, String)>,
    /// The columns of a row.
    pub fields: Vec<Field>,
    /// The row as it was: as many cells as fields.
    pub before: Option<Vec<Cell>>,
    /// The row as it is: as many cells as fields.
    pub after: Option<Vec<Cell>>,
    /// The text of a statement.
    pub statement: Option<String>,
    /// Seconds or milliseconds since 1970-01-01 UTC at which the entry was born.
    pub born_time: i64,
}

/// One column of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The source's code of its type; for MySQL see [`Field::type_name`].
    pub type_number: i32,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// SQL NULL.
    Null,
    /// The source did not log the column.
    Absent,
    /// A whole number in decimal digits.
    Integer(String),
    /// A floating-point number.
    Float(f64),
    /// Text, and everything that is best read as text: decimals, times, labels, JSON.
    Text(String),
    /// Bytes that are no text, or that are text in a charset that cannot be converted.
    Bytes {
        /// The charset, where there is one.
        charset: Option<String>,
        /// The bytes as stored.
        bytes: Vec<u8>,
    },
}

impl Record {
    /// Reads one bare Avro record.
    ///
    /// # Errors
    /// The bytes end early, go on after the record, or break the schema.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let record = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(record)
    }

    /// The tag with this key.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.int()?;
        let id = reader.long()?;
        let source_time_seconds = reader.long()?;
        let position = reader.string()?.to_owned();
        let safe_position = reader.string()?.to_owned();
        reader.string()?;
        let source_type = reader.int()?;
        let source_version = reader.string()?.to_owned();
        let operation = Operation::from_index(reader.int()?)
            .ok_or_else(|| reader.malformed("the operation is unknown"))?;
        let object_name = optional(reader, |reader| reader.string().map(str::to_owned))?;
        optional(reader, |reader| reader.blocks(ITEMS_MAX, Reader::long))?;
        let tags = reader.blocks(ITEMS_MAX, |reader| {
            Ok((reader.string()?.to_owned(), reader.string()?.to_owned()))
        })?;
        let fields = match section(reader, Field::read)? {
            Section::Null => Vec::new(),
            Section::Items(fields) => fields,
            Section::Text(_) => return Err(reader.malformed("the fields are a text")),
        };
        let charsets = TextCharsets::of(&tags);
        let before = match image(reader, &fields, &charsets)? {
            Section::Null => None,
            Section::Items(cells) => Some(cells),
            Section::Text(_) => return Err(reader.malformed("the before image is a text")),
        };
        let (after, statement) = match image(reader, &fields, &charsets)? {
            Section::Null => (None, None),
            Section::Items(cells) => (Some(cells), None),
            Section::Text(text) => (None, Some(text)),
        };
        if [&before, &after].into_iter().flatten().any(|cells| cells.len() != fields.len()) {
            return Err(
                reader.malformed("an image does not have as many values as there are fields")
            );
        }
        let born_time = reader.long()?;
        Ok(Self {
            id,
            source_time_seconds,
            position,
            safe_position,
            source_type,
            source_version,
            operation,
            object_name,
            tags,
            fields,
            before,
            after,
            statement,
            born_time,
        })
    }
}

impl Field {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { name: reader.string()?.to_owned(), type_number: reader.int()? })
    }

    /// MySQL's name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self.type_number {
            0 | 246 => "decimal",
            1 => "tinyint",
            2 => "smallint",
            3 => "int",
            4 => "float",
            5 => "double",
            7 => "timestamp",
            8 => "bigint",
            9 => "mediumint",
            10 => "date",
            11 => "time",
            12 => "datetime",
            13 => "year",
            16 => "bit",
            245 => "json",
            247 => "enum",
            248 => "set",
            249 => "tinytext",
            250 => "mediumtext",
            251 => "longtext",
            252 => "text",
            253 => "varchar",
            254 => "char",
            255 => "geometry",
            _ => "unknown",
        }
    }
}

impl Cell {
    /// `text_charset` is that of the column if it is long text.
    fn read(reader: &mut Reader<'_>, text_charset: &str) -> Result<Self, DecodeError> {
        Ok(match reader.long()? {
            0 => Self::Null,
            1 => {
                reader.int()?;
                Self::Integer(reader.string()?.to_owned())
            }
            2 => {
                let charset = reader.string()?;
                Self::from_characters(charset, reader.bytes()?)
            }
            3 => {
                let text = reader.string()?.to_owned();
                reader.int()?;
                reader.int()?;
                Self::Text(text)
            }
            4 => {
                let number = reader.double()?;
                reader.int()?;
                reader.int()?;
                Self::Float(number)
            }
            5 => {
                let seconds = reader.long()?;
                let micros = reader.int()?;
                Self::Text(instant(seconds, micros))
            }
            6 => Self::Text(date_time(reader)?),
            7 => {
                let mut text = date_time(reader)?;
                text.push_str(reader.string()?);
                Self::Text(text)
            }
            8 => {
                reader.string()?;
                Self::Bytes { charset: None, bytes: reader.bytes()?.to_vec() }
            }
            10 => {
                let kind = reader.string()?;
                Self::from_object(kind, text_charset, reader.bytes()?)
            }
            9 | 11 => {
                reader.string()?;
                Self::Text(reader.string()?.to_owned())
            }
            12 => match reader.int()? {
                0 => Self::Null,
                1 => Self::Absent,
                _ => return Err(reader.malformed("an empty object of an unknown kind")),
            },
            _ => return Err(reader.malformed("a value of an unknown kind")),
        })
    }

    fn from_characters(charset: &str, bytes: &[u8]) -> Self {
        match charset::decode(&charset.to_ascii_lowercase(), bytes) {
            Some(text) => Self::Text(text.into_owned()),
            None => {
                let charset = (charset != "binary").then(|| charset.to_owned());
                Self::Bytes { charset, bytes: bytes.to_vec() }
            }
        }
    }

    fn from_object(kind: &str, text_charset: &str, bytes: &[u8]) -> Self {
        match kind {
            "TEXT" => Self::from_characters(text_charset, bytes),
            "JSON" => Self::from_characters("utf8mb4", bytes),
            _ => Self::Bytes { charset: None, bytes: bytes.to_vec() },
        }
    }
}

/// The charsets of columns whose values do not tell theirs.
struct TextCharsets(serde_json::Map<String, serde_json::Value>);

impl TextCharsets {
    fn of(tags: &[(String, String)]) -> Self {
        let tag = tags.iter().find(|(name, _)| name == CHARSET_INFO);
        Self(tag.and_then(|(_, json)| serde_json::from_str(json).ok()).unwrap_or_default())
    }

    fn of_column(&self, field: Option<&Field>) -> &str {
        let charset = field.and_then(|field| self.0.get(&field.name));
        charset.and_then(serde_json::Value::as_str).unwrap_or("utf8mb4")
    }
}

fn image(
    reader: &mut Reader<'_>,
    fields: &[Field],
    charsets: &TextCharsets,
) -> Result<Section<Cell>, DecodeError> {
    let mut fields = fields.iter();
    section(reader, |reader| Cell::read(reader, charsets.of_column(fields.next())))
}

enum Section<T> {
    Null,
    Text(String),
    Items(Vec<T>),
}

fn section<T>(
    reader: &mut Reader<'_>,
    item: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Section<T>, DecodeError> {
    Ok(match reader.long()? {
        0 => Section::Null,
        1 => Section::Text(reader.string()?.to_owned()),
        2 => Section::Items(reader.blocks(ITEMS_MAX, item)?),
        _ => return Err(reader.malformed("a branch of an unknown kind")),
    })
}

fn optional<T>(
    reader: &mut Reader<'_>,
    some: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    match reader.long()? {
        0 => Ok(None),
        1 => some(reader).map(Some),
        _ => Err(reader.malformed("a branch of an unknown kind")),
    }
}

/// MySQL's `0000-00-00 00:00:00` is the second that no valid instant has.
fn instant(seconds: i64, micros: i32) -> String {
    if (seconds, micros) == (0, 0) {
        return "0000-00-00 00:00:00".to_owned();
    }
    let nanos = micros.saturating_mul(1_000);
    match jiff::Timestamp::new(seconds, nanos) {
        Ok(instant) => instant.to_string(),
        Err(_) => format!("{seconds}.{micros:06}"),
    }
}

/// A `DateTime`: any part may be missing, and one negative part makes a whole time negative.
fn date_time(reader: &mut Reader<'_>) -> Result<String, DecodeError> {
    let mut part = || optional(reader, |reader| reader.int());
    let (year, month, day) = (part()?, part()?, part()?);
    let (hour, minute, second, micros) = (part()?, part()?, part()?, part()?);
    let part = |part: Option<i32>| part.unwrap_or(0).unsigned_abs();
    let mut text = String::new();
    match (year, month, day) {
        (None, None, None) => {}
        (Some(year), None, None) => text.push_str(&format!("{year:04}")),
        _ => text.push_str(&format!("{:04}-{:02}-{:02}", part(year), part(month), part(day))),
    }
    if hour.is_some() || minute.is_some() || second.is_some() {
        if !text.is_empty() {
            text.push(' ');
        }
        if [hour, minute, second, micros].into_iter().flatten().any(i32::is_negative) {
            text.push('-');
        }
        text.push_str(&format!("{:02}:{:02}:{:02}", part(hour), part(minute), part(second)));
        if part(micros) != 0 {
            text.push_str(&format!(".{:06}", part(micros)));
        }
    }
    Ok(text)
}

/// Decodes and renders anything, for the fuzzer: must neither panic nor take memory without bound.
pub fn fuzz_decode(bytes: &[u8]) {
    let _ = crate::View::parse(bytes);
    if let Ok(record) = Record::decode(bytes) {
        let _ = record.to_text_line();
        let _ = record.to_json();
    }
}

/// The most columns a table of any source has, and more tags than any record.
const ITEMS_MAX: u64 = 4_096;

#[cfg(test)]
mod tests;
