//! Column types as statements write them, with all their aliases.

use change::ColumnType;

use super::charsets::{CharsetSpec, bytes_per_character, utf8mb3};
use super::context::{Context, sql_mode};
use super::parser::{NotUnderstood, Parser};

/// A type as it is written; what it is depends on the character set.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TypeSpec {
    /// No character set has a say in it.
    Plain(ColumnType),
    /// Characters.
    Char(u32),
    /// Characters.
    VarChar(u32),
    /// Number of length bytes.
    Text(u8),
    /// The smallest that holds so many characters.
    TextOf(u64),
    Enum(Vec<Label>),
    Set(Vec<Label>),
}

/// A label of ENUM or SET.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Label {
    Text(String),
    /// Written as `X'…'`: bytes in the column's character set.
    Bytes(Vec<u8>),
}

/// A type with what its own syntax says of character sets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WrittenType {
    pub(super) spec: TypeSpec,
    pub(super) charset: Option<CharsetSpec>,
    /// `SERIAL`, which is also unique.
    pub(super) serial: bool,
}

/// The character sets that a column without one of its own gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charsets<'a> {
    /// The table's default.
    pub(super) table: Option<&'a str>,
    /// The target of `CONVERT TO CHARACTER SET`.
    pub(super) convert_to: Option<&'a str>,
    /// What becomes of a VARCHAR that is too long.
    pub(super) varchar: VarCharRule,
}

/// How long a VARCHAR can be, and what becomes of a longer one.
#[derive(Debug, Clone, Copy)]
pub(super) struct VarCharRule {
    bytes_max: u64,
    /// It is refused, instead of becoming a text.
    is_strict: bool,
}

impl VarCharRule {
    pub(super) const fn of(context: &Context<'_>) -> Self {
        // What MariaDB needs for a length and a bit for NULL counts there.
        let bytes_max = if context.dialect.is_mariadb() { 65_532 } else { 65_535 };
        Self { bytes_max, is_strict: context.is_strict() }
    }

    /// Whether so many bytes are no VARCHAR any more. `shown` is the type for the error.
    fn makes_text(self, bytes: u64, shown: impl FnOnce() -> String) -> Result<bool, NotUnderstood> {
        match bytes > self.bytes_max {
            // It was not refused, so something here is not what it is taken for.
            true if self.is_strict => Err(NotUnderstood::Unfit(format!("{} is too long", shown()))),
            is_longer => Ok(is_longer),
        }
    }
}

impl WrittenType {
    fn of(spec: TypeSpec) -> Self {
        Self { spec, charset: None, serial: false }
    }

    fn in_charset(spec: TypeSpec, charset: &'static str) -> Self {
        Self { charset: Some(CharsetSpec::Named(charset)), ..Self::of(spec) }
    }
}

impl TypeSpec {
    /// The type in a table, with the length in characters that `CHAR` and `VARCHAR` have.
    pub(super) fn resolve(
        self,
        written: Option<&CharsetSpec>,
        charsets: Charsets<'_>,
    ) -> Result<(ColumnType, Option<u32>), NotUnderstood> {
        if let Self::Plain(kind) = self {
            return Ok((kind, None));
        }
        let own = match written {
            Some(CharsetSpec::Named(charset)) => charset,
            _ => charsets.table.ok_or_else(|| {
                NotUnderstood::Unfit("the default character set is not known".into())
            })?,
        };
        let charset = match charsets.convert_to {
            Some(target) if own != "binary" => target,
            _ => own,
        };
        let bytes = |characters: u64| characters.saturating_mul(bytes_per_character(charset));
        let text = |size: u8| match charset {
            "binary" => (ColumnType::Blob { size }, None),
            _ => (ColumnType::Text { size, charset: charset.to_owned() }, None),
        };
        Ok(match self {
            Self::Char(width) if charset == "binary" => (ColumnType::Binary { width }, None),
            Self::Char(length) => (ColumnType::Char { charset: charset.to_owned() }, Some(length)),
            Self::VarChar(length)
                if charsets.varchar.makes_text(bytes(length.into()), || {
                    format!("VARCHAR({length}) {charset}")
                })? =>
            {
                text(size_of(bytes(length.into())))
            }
            Self::VarChar(_) if charset == "binary" => (ColumnType::VarBinary, None),
            Self::VarChar(length) => {
                (ColumnType::VarChar { charset: charset.to_owned() }, Some(length))
            }
            Self::Text(size) => text(size),
            Self::TextOf(characters) => text(size_of(bytes(characters))),
            Self::Enum(labels) => (ColumnType::Enum { labels: in_utf8(labels, charset)? }, None),
            Self::Set(labels) => (ColumnType::Set { labels: in_utf8(labels, charset)? }, None),
            Self::Plain(kind) => (kind, None),
        })
    }
}

/// The number of length bytes that a value of so many bytes needs.
pub(super) const fn size_of(bytes: u64) -> u8 {
    match bytes {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    }
}

/// The labels as the catalog shows them: without trailing spaces.
fn in_utf8(labels: Vec<Label>, charset: &str) -> Result<Vec<String>, NotUnderstood> {
    let text = |label| {
        let mut text = match label {
            Label::Text(text) => text,
            Label::Bytes(bytes) => {
                let mut text = String::new();
                if !crate::binlog::decode_text(charset, &bytes, &mut text) {
                    return Err(NotUnderstood::Unfit(format!("a label is not text of {charset}")));
                }
                text
            }
        };
        text.truncate(text.trim_end_matches(' ').len());
        if !surely_holds(charset, &text) {
            // The server may have replaced characters by question marks.
            return Err(NotUnderstood::Unfit(format!("a label may not be text of {charset}")));
        }
        Ok(text)
    };
    labels.into_iter().map(text).collect()
}

/// Whether a character set surely has all characters of a text.
fn surely_holds(charset: &str, text: &str) -> bool {
    match charset {
        "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030" | "binary" => true,
        "utf8" | "utf8mb3" | "ucs2" => text.chars().all(|c| u32::from(c) <= 0xffff),
        "latin1" => text.chars().all(|c| u32::from(c) <= 0xff),
        _ => text.is_ascii(),
    }
}

impl Parser<'_> {
    /// A column's type with its own attributes, up to what the column says of itself.
    pub(super) fn data_type(&mut self) -> Result<WrittenType, NotUnderstood> {
        let schema = if self.is_symbol(1, '.') { self.keyword(0) } else { String::new() };
        if !schema.is_empty() {
            self.skip();
            self.skip();
        }
        let oracle = match schema.as_str() {
            "" => self.context.dialect.is_mariadb() && self.context.has_mode(sql_mode::ORACLE),
            "ORACLE_SCHEMA" => true,
            "MARIADB_SCHEMA" | "MAXDB_SCHEMA" => false,
            _ => return Err(self.not_understood()),
        };
        let unknown = self.not_understood();
        let word = self.keyword(0);
        self.skip();
        if word == "SERIAL" {
            let kind = ColumnType::BigInt { unsigned: true };
            return Ok(WrittenType { serial: true, ..WrittenType::of(TypeSpec::Plain(kind)) });
        }
        let found = if oracle { self.oracle_type(&word)? } else { None };
        let found = match found {
            Some(found) => Some(found),
            None => match self.number_type(&word)? {
                Some(kind) => Some(WrittenType::of(TypeSpec::Plain(kind))),
                None => self.other_type(&word, schema == "MAXDB_SCHEMA")?,
            },
        };
        let found = match found {
            Some(found) => found,
            None => self.text_type(&word)?.ok_or(unknown)?,
        };
        self.text_attributes(found)
    }

    /// Types whose values are numbers.
    fn number_type(&mut self, word: &str) -> Result<Option<ColumnType>, NotUnderstood> {
        let integer: fn(bool) -> ColumnType = match word {
            "TINYINT" | "INT1" => |unsigned| ColumnType::TinyInt { unsigned },
            "SMALLINT" | "INT2" => |unsigned| ColumnType::SmallInt { unsigned },
            "MEDIUMINT" | "MIDDLEINT" | "INT3" => |unsigned| ColumnType::MediumInt { unsigned },
            "INT" | "INTEGER" | "INT4" => |unsigned| ColumnType::Int { unsigned },
            "BIGINT" | "INT8" => |unsigned| ColumnType::BigInt { unsigned },
            "BOOL" | "BOOLEAN" => return Ok(Some(ColumnType::TinyInt { unsigned: false })),
            "BIT" => {
                let width = self.length::<u8>()?.unwrap_or(1);
                return Ok(Some(ColumnType::Bit { width: width.max(1) }));
            }
            _ => return self.fraction_type(word),
        };
        self.length::<u32>()?;
        Ok(Some(integer(self.number_attributes())))
    }

    fn fraction_type(&mut self, word: &str) -> Result<Option<ColumnType>, NotUnderstood> {
        let (first, second) = match word {
            "DECIMAL" | "DEC" | "NUMERIC" | "FIXED" | "FLOAT" | "FLOAT4" | "DOUBLE" | "FLOAT8"
            | "REAL" => {
                self.accept("PRECISION");
                self.precision()?
            }
            _ => return Ok(None),
        };
        self.number_attributes();
        let real_is_float = self.context.has_mode(sql_mode::REAL_AS_FLOAT);
        Ok(Some(match word {
            "FLOAT" if second.is_none() && first.is_some_and(|bits| bits > FLOAT_BITS_MAX) => {
                ColumnType::Double
            }
            "FLOAT" | "FLOAT4" => ColumnType::Float,
            "REAL" if real_is_float => ColumnType::Float,
            "DOUBLE" | "FLOAT8" | "REAL" => ColumnType::Double,
            _ => {
                let precision = first.filter(|precision| *precision > 0).unwrap_or(10);
                ColumnType::Decimal { precision, scale: second.unwrap_or_default() }
            }
        }))
    }

    /// `UNSIGNED`, `SIGNED` and `ZEROFILL`, which implies unsigned.
    fn number_attributes(&mut self) -> bool {
        let mut unsigned = false;
        loop {
            if self.accept_any(&["UNSIGNED", "ZEROFILL"]) {
                unsigned = true;
            } else if !self.accept("SIGNED") {
                return unsigned;
            }
        }
    }

    /// Types that are neither numbers nor text.
    fn other_type(
        &mut self,
        word: &str,
        maxdb: bool,
    ) -> Result<Option<WrittenType>, NotUnderstood> {
        let mariadb = self.context.dialect.is_mariadb();
        let maxdb = maxdb || self.context.has_mode(sql_mode::MAXDB);
        let kind = match word {
            "DATE" => ColumnType::Date,
            "YEAR" => {
                self.length::<u32>()?;
                self.number_attributes();
                ColumnType::Year
            }
            "TIME" => ColumnType::Time { fraction: self.length()?.unwrap_or_default() },
            "DATETIME" => ColumnType::DateTime { fraction: self.length()?.unwrap_or_default() },
            "TIMESTAMP" if maxdb => {
                ColumnType::DateTime { fraction: self.length()?.unwrap_or_default() }
            }
            "TIMESTAMP" => ColumnType::Timestamp { fraction: self.length()?.unwrap_or_default() },
            "BINARY" => ColumnType::Binary { width: self.length()?.unwrap_or(1) },
            "VARBINARY" => {
                let length = self.length::<u64>()?.ok_or_else(|| self.not_understood())?;
                let rule = VarCharRule::of(self.context);
                match rule.makes_text(length, || format!("VARBINARY({length})"))? {
                    false => ColumnType::VarBinary,
                    true => ColumnType::Blob { size: size_of(length) },
                }
            }
            "TINYBLOB" => ColumnType::Blob { size: 1 },
            "BLOB" => ColumnType::Blob { size: self.length()?.map_or(2, size_of) },
            "MEDIUMBLOB" => ColumnType::Blob { size: 3 },
            "LONGBLOB" => ColumnType::Blob { size: 4 },
            "GEOMETRY" | "POINT" | "LINESTRING" | "POLYGON" | "MULTIPOINT" | "MULTILINESTRING"
            | "MULTIPOLYGON" | "GEOMETRYCOLLECTION" | "GEOMCOLLECTION" => ColumnType::Geometry,
            "VECTOR" => {
                self.length::<u32>()?;
                ColumnType::Vector
            }
            "JSON" if mariadb => {
                return Ok(Some(WrittenType::in_charset(TypeSpec::Text(4), "utf8mb4")));
            }
            "JSON" => ColumnType::Json,
            "UUID" if mariadb => ColumnType::Uuid,
            "INET4" if mariadb => ColumnType::Inet4,
            "INET6" if mariadb => ColumnType::Inet6,
            _ => return Ok(None),
        };
        Ok(Some(WrittenType::of(TypeSpec::Plain(kind))))
    }

    fn text_type(&mut self, word: &str) -> Result<Option<WrittenType>, NotUnderstood> {
        let national = match word {
            "NATIONAL" => {
                let word = self.keyword(0);
                self.skip();
                return self.national(word == "VARCHAR" || word == "VARCHARACTER").map(Some);
            }
            "NCHAR" => self.accept_any(&["VARCHAR", "VARCHARACTER"]),
            "NVARCHAR" => true,
            "CHAR" | "CHARACTER" => {
                let varying = self.accept("VARYING");
                let length = self.length()?;
                return Ok(Some(WrittenType::of(match varying {
                    true => TypeSpec::VarChar(length.ok_or_else(|| self.not_understood())?),
                    false => TypeSpec::Char(length.unwrap_or(1)),
                })));
            }
            "VARCHAR" | "VARCHARACTER" => {
                let length = self.length()?.ok_or_else(|| self.not_understood())?;
                return Ok(Some(WrittenType::of(TypeSpec::VarChar(length))));
            }
            _ => return self.long_type(word),
        };
        self.national(national).map(Some)
    }

    fn long_type(&mut self, word: &str) -> Result<Option<WrittenType>, NotUnderstood> {
        let spec = match word {
            "TINYTEXT" => TypeSpec::Text(1),
            "TEXT" => self.length()?.map_or(TypeSpec::Text(2), TypeSpec::TextOf),
            "MEDIUMTEXT" => TypeSpec::Text(3),
            "LONGTEXT" => TypeSpec::Text(4),
            "LONG" if self.accept("VARBINARY") => TypeSpec::Plain(ColumnType::Blob { size: 3 }),
            "LONG" => {
                if self.accept_any(&["CHAR", "CHARACTER"]) {
                    self.expect("VARYING")?;
                } else {
                    self.accept_any(&["VARCHAR", "VARCHARACTER"]);
                }
                TypeSpec::Text(3)
            }
            "ENUM" => TypeSpec::Enum(self.labels()?),
            "SET" => TypeSpec::Set(self.labels()?),
            _ => return Ok(None),
        };
        Ok(Some(WrittenType::of(spec)))
    }

    /// The rest of a type in the national character set.
    fn national(&mut self, varying: bool) -> Result<WrittenType, NotUnderstood> {
        let varying = self.accept("VARYING") || varying;
        let length = self.length()?;
        let spec = match varying {
            true => TypeSpec::VarChar(length.ok_or_else(|| self.not_understood())?),
            false => TypeSpec::Char(length.unwrap_or(1)),
        };
        Ok(WrittenType::in_charset(spec, utf8mb3(self.context.dialect)))
    }

    /// Types that MariaDB has for Oracle's sake.
    fn oracle_type(&mut self, word: &str) -> Result<Option<WrittenType>, NotUnderstood> {
        let kind = match word {
            "DATE" => ColumnType::DateTime { fraction: 0 },
            "BLOB" => {
                self.length::<u64>()?;
                ColumnType::Blob { size: 4 }
            }
            "CLOB" => return Ok(Some(WrittenType::of(TypeSpec::Text(4)))),
            "RAW" => {
                self.length::<u32>()?;
                ColumnType::VarBinary
            }
            "VARCHAR2" => {
                let length = self.length()?.ok_or_else(|| self.not_understood())?;
                return Ok(Some(WrittenType::of(TypeSpec::VarChar(length))));
            }
            "NUMBER" => match self.precision()? {
                (None, _) => ColumnType::Double,
                (Some(precision), scale) => {
                    ColumnType::Decimal { precision, scale: scale.unwrap_or_default() }
                }
            },
            _ => return Ok(None),
        };
        self.number_attributes();
        Ok(Some(WrittenType::of(TypeSpec::Plain(kind))))
    }

    /// What may stand behind a type of text.
    fn text_attributes(&mut self, mut found: WrittenType) -> Result<WrittenType, NotUnderstood> {
        loop {
            if self.accept_charset() {
                found.charset = Some(self.charset_name()?);
            } else if self.accept("ASCII") {
                found.charset = Some(CharsetSpec::Named("latin1"));
            } else if self.accept("UNICODE") {
                found.charset = Some(CharsetSpec::Named("ucs2"));
            } else if self.accept("BYTE") {
                found.charset = Some(CharsetSpec::Named("binary"));
            } else if !self.accept("BINARY") {
                return Ok(found);
            }
        }
    }

    /// `(n)`, if it is there.
    fn length<N: std::str::FromStr>(&mut self) -> Result<Option<N>, NotUnderstood> {
        if !self.accept_symbol('(') {
            return Ok(None);
        }
        let length = self.number()?;
        self.expect_symbol(')')?;
        Ok(Some(length))
    }

    /// `(precision)` or `(precision, scale)`, if it is there.
    fn precision(&mut self) -> Result<(Option<u8>, Option<u8>), NotUnderstood> {
        if !self.accept_symbol('(') {
            return Ok((None, None));
        }
        let precision = self.number()?;
        let scale = if self.accept_symbol(',') { Some(self.number()?) } else { None };
        self.expect_symbol(')')?;
        Ok((Some(precision), scale))
    }

    fn labels(&mut self) -> Result<Vec<Label>, NotUnderstood> {
        if !self.context.strings_are_certain {
            return Err(NotUnderstood::Unfit("it is not known which text its labels are".into()));
        }
        self.expect_symbol('(')?;
        let mut labels = Vec::new();
        loop {
            let label = match self.string() {
                Some(text) => Label::Text(text),
                None => Label::Bytes(self.bytes().ok_or_else(|| self.not_understood())?),
            };
            labels.push(label);
            if self.accept_symbol(')') {
                return Ok(labels);
            }
            self.expect_symbol(',')?;
        }
    }
}

/// `FLOAT` of more bits than this is a `DOUBLE`.
const FLOAT_BITS_MAX: u8 = 24;
