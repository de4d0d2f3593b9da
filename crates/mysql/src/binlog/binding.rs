//! A table map brought together with a definition of its table: what rows are decoded with.

use std::cell::RefCell;
use std::sync::Arc;

use change::{Column, ColumnType, TableSchema};

use super::DecodeError;
use super::charset::{charset_of_collation, decode_text};
use super::codec::Codec;
use super::metadata::{ColumnMetadata, high_bit};
use super::stride::Strides;
use super::table_map::{LoggedType, TableId, TableMap, type_code};
use super::value::Scratch;

/// One table as the log describes it at one point: schema, one codec per column, and the buffers that
/// decoding its values needs.
pub struct TableBinding {
    id: TableId,
    schema: Arc<TableSchema>,
    /// One per column of the schema.
    codecs: Vec<Codec>,
    strides: Strides,
    /// What the table map said, to know whether another one says the same.
    description: Vec<u8>,
    /// Borrowed while an image is visited.
    scratch: RefCell<Scratch>,
}

impl TableBinding {
    /// Builds the definition from the log alone, which `binlog_row_metadata=FULL` makes possible.
    ///
    /// # Errors
    /// [`DecodeError::MetadataMissing`] where the server logs less, or the table map is damaged.
    pub fn from_metadata(map: &TableMap<'_>) -> Result<Self, DecodeError> {
        let types = map.logged_types()?;
        let metadata = map.metadata()?;
        let described = Description { map, metadata: &metadata };
        let columns = described.columns(&types)?;
        let count = columns.len();
        let primary_key = metadata.primary_key.iter().copied().filter(|index| *index < count);
        let schema = TableSchema::new(
            map.database.to_owned(),
            map.table.to_owned(),
            columns,
            primary_key.collect(),
            Vec::new(),
        );
        Self::bind(map, &types, Arc::new(schema))
    }

    /// Uses a definition from elsewhere (the server's catalog, the schema history), once it was found
    /// to have the number and the types of columns that the log has.
    ///
    /// # Errors
    /// [`DecodeError::SchemaMismatch`] names the table and the first column that differs.
    pub fn with_schema(map: &TableMap<'_>, schema: Arc<TableSchema>) -> Result<Self, DecodeError> {
        let types = map.logged_types()?;
        let metadata = map.metadata()?;
        let binding = Self::bind(map, &types, schema)?;
        let described = Description { map, metadata: &metadata };
        described.check_signs(&types, &binding.schema)?;
        described.check_charsets(&types, &binding.schema)?;
        Ok(binding)
    }

    /// The table's definition.
    #[must_use]
    pub const fn schema(&self) -> &Arc<TableSchema> {
        &self.schema
    }

    /// The id under which rows refer to this table.
    #[must_use]
    pub const fn id(&self) -> TableId {
        self.id
    }

    /// Whether `map` describes the same table in the same way, so that this binding still serves.
    #[must_use]
    pub fn describes(&self, map: &TableMap<'_>) -> bool {
        self.id == map.id && self.description == map.description
    }

    pub(super) fn codecs(&self) -> &[Codec] {
        &self.codecs
    }

    pub(super) const fn strides(&self) -> &Strides {
        &self.strides
    }

    pub(super) const fn scratch(&self) -> &RefCell<Scratch> {
        &self.scratch
    }

    pub(super) fn row_error(&self, reason: &'static str) -> DecodeError {
        DecodeError::Row {
            database: self.schema.database.clone(),
            table: self.schema.table.clone(),
            reason,
        }
    }

    fn bind(
        map: &TableMap<'_>,
        types: &[LoggedType],
        schema: Arc<TableSchema>,
    ) -> Result<Self, DecodeError> {
        if types.len() != schema.columns.len() {
            return Err(mismatch(
                map,
                format!("{} columns instead of {}", types.len(), schema.columns.len()),
            ));
        }
        let mut codecs = Vec::with_capacity(types.len());
        for (logged, column) in types.iter().zip(&schema.columns) {
            let codec = Codec::for_column(*logged, column, map.mariadb).ok_or_else(|| {
                mismatch(
                    map,
                    format!(
                        "column {} is {} there and {logged} in the log",
                        column.name,
                        spelled(&column.kind)
                    ),
                )
            })?;
            codecs.push(codec);
        }
        Ok(Self {
            id: map.id,
            schema,
            strides: Strides::new(&codecs),
            codecs,
            description: map.description.to_vec(),
            scratch: RefCell::default(),
        })
    }
}

/// A column's type much as people write it, without its labels and its character set.
fn spelled(kind: &ColumnType) -> String {
    let name = format!("{kind:?}");
    let name = name.split([' ', '{']).next().unwrap_or_default().to_uppercase();
    match kind {
        ColumnType::Decimal { precision, scale } => format!("{name}({precision},{scale})"),
        ColumnType::Bit { width } => format!("{name}({width})"),
        ColumnType::Binary { width } => format!("{name}({width})"),
        ColumnType::Time { fraction }
        | ColumnType::DateTime { fraction }
        | ColumnType::Timestamp { fraction } => format!("{name}({fraction})"),
        ColumnType::Text { size, .. } | ColumnType::Blob { size } => {
            format!("{name} with {size} bytes of length")
        }
        _ => name,
    }
}

impl std::fmt::Debug for TableBinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableBinding")
            .field("id", &self.id)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// A table map with its optional metadata read.
struct Description<'m, 'a> {
    map: &'m TableMap<'a>,
    metadata: &'m ColumnMetadata<'a>,
}

/// How many columns of each group came before: the metadata count within groups.
#[derive(Default)]
struct Groups {
    numeric: usize,
    character: usize,
    labelled: usize,
    enums: usize,
    sets: usize,
}

impl Description<'_, '_> {
    fn columns(&self, types: &[LoggedType]) -> Result<Vec<Column>, DecodeError> {
        if self.metadata.names.len() != types.len() {
            return Err(self.missing("the names of its columns are"));
        }
        let mut groups = Groups::default();
        let mut columns = Vec::with_capacity(types.len());
        for (logged, name) in types.iter().zip(&self.metadata.names) {
            let name = std::str::from_utf8(name).map_err(|_| {
                DecodeError::malformed(
                    "the optional metadata of a TABLE_MAP event",
                    "a column's name is not UTF-8",
                )
            })?;
            let kind = self.column_type(*logged, &mut groups)?;
            columns.push(Column { name: name.to_owned(), kind });
        }
        Ok(columns)
    }

    fn column_type(
        &self,
        logged: LoggedType,
        groups: &mut Groups,
    ) -> Result<ColumnType, DecodeError> {
        use type_code as code;
        let fraction = u8::try_from(logged.first).unwrap_or(u8::MAX);
        Ok(match logged.code {
            code::TINY => ColumnType::TinyInt { unsigned: self.unsigned(groups)? },
            code::SHORT => ColumnType::SmallInt { unsigned: self.unsigned(groups)? },
            code::INT24 => ColumnType::MediumInt { unsigned: self.unsigned(groups)? },
            code::LONG => ColumnType::Int { unsigned: self.unsigned(groups)? },
            code::LONGLONG => ColumnType::BigInt { unsigned: self.unsigned(groups)? },
            code::FLOAT => {
                self.unsigned(groups)?;
                ColumnType::Float
            }
            code::DOUBLE => {
                self.unsigned(groups)?;
                ColumnType::Double
            }
            code::NEWDECIMAL => {
                self.unsigned(groups)?;
                ColumnType::Decimal { precision: fraction, scale: logged.second }
            }
            code::YEAR => {
                self.unsigned(groups)?;
                ColumnType::Year
            }
            code::DATE | code::NEWDATE => ColumnType::Date,
            // With `mysql56_temporal_format=OFF` their length depends on decimals that nothing tells.
            code::TIME | code::DATETIME | code::TIMESTAMP if self.map.mariadb => {
                return Err(self.missing("the decimals of its times are"));
            }
            code::TIME => ColumnType::Time { fraction: 0 },
            code::TIME2 => ColumnType::Time { fraction },
            code::DATETIME => ColumnType::DateTime { fraction: 0 },
            code::DATETIME2 => ColumnType::DateTime { fraction },
            code::TIMESTAMP => ColumnType::Timestamp { fraction: 0 },
            code::TIMESTAMP2 => ColumnType::Timestamp { fraction },
            code::BIT => ColumnType::Bit { width: fraction },
            code::ENUM => ColumnType::Enum {
                labels: self.labels(
                    &self.metadata.enum_labels,
                    &mut groups.enums,
                    &mut groups.labelled,
                )?,
            },
            code::SET => ColumnType::Set {
                labels: self.labels(
                    &self.metadata.set_labels,
                    &mut groups.sets,
                    &mut groups.labelled,
                )?,
            },
            code::STRING => match self.charset(groups)? {
                None => ColumnType::Binary { width: u32::from(logged.first) },
                Some(charset) => ColumnType::Char { charset },
            },
            code::VARCHAR | code::VAR_STRING | code::VARCHAR_COMPRESSED => {
                match self.charset(groups)? {
                    None => ColumnType::VarBinary,
                    Some(charset) => ColumnType::VarChar { charset },
                }
            }
            code::TINY_BLOB
            | code::MEDIUM_BLOB
            | code::LONG_BLOB
            | code::BLOB
            | code::BLOB_COMPRESSED => match self.charset(groups)? {
                None => ColumnType::Blob { size: fraction },
                Some(charset) => ColumnType::Text { size: fraction, charset },
            },
            code::JSON => ColumnType::Json,
            code::GEOMETRY => {
                groups.character += usize::from(self.map.mariadb);
                ColumnType::Geometry
            }
            code::VECTOR => ColumnType::Vector,
            code::TYPED_ARRAY | code::NULL => ColumnType::VarBinary,
            other => {
                return Err(DecodeError::Unsupported(format!(
                    "{}.{} has a column of the unknown type {other}",
                    self.map.database, self.map.table
                )));
            }
        })
    }

    fn unsigned(&self, groups: &mut Groups) -> Result<bool, DecodeError> {
        let index = groups.numeric;
        groups.numeric += 1;
        let bits = self.metadata.unsigned.and_then(|bits| high_bit(bits, index));
        bits.ok_or_else(|| self.missing("the signs of its columns are"))
    }

    /// The next character column's character set; `None` for binary.
    fn charset(&self, groups: &mut Groups) -> Result<Option<String>, DecodeError> {
        let index = groups.character;
        groups.character += 1;
        let collation = self.metadata.character.as_ref().and_then(|group| group.of(index));
        let collation =
            collation.ok_or_else(|| self.missing("the character sets of its columns are"))?;
        match self.charset_name(collation)? {
            "binary" => Ok(None),
            charset => Ok(Some(charset.to_owned())),
        }
    }

    fn charset_name(&self, collation: u64) -> Result<&'static str, DecodeError> {
        charset_of_collation(collation).ok_or_else(|| {
            DecodeError::Unsupported(format!(
                "{}.{} has a column with the unknown collation {collation}",
                self.map.database, self.map.table
            ))
        })
    }

    fn labels(
        &self,
        columns: &[Vec<&[u8]>],
        index: &mut usize,
        labelled: &mut usize,
    ) -> Result<Vec<String>, DecodeError> {
        let raw = columns.get(*index);
        let group = self.metadata.labels.as_ref();
        let collation = group.and_then(|group| group.of(*labelled));
        *index += 1;
        *labelled += 1;
        let (Some(raw), Some(collation)) = (raw, collation) else {
            return Err(self.missing("the labels of an ENUM or SET are"));
        };
        let charset = self.charset_name(collation)?;
        let decode = |label: &&[u8]| {
            let mut text = String::new();
            decode_text(charset, label, &mut text).then_some(text).ok_or_else(|| {
                DecodeError::Unsupported(format!(
                    "{}.{} has labels in the character set {charset}, which cannot be read",
                    self.map.database, self.map.table
                ))
            })
        };
        raw.iter().map(decode).collect()
    }

    /// A definition from elsewhere must agree on the signs that the log tells.
    fn check_signs(&self, types: &[LoggedType], schema: &TableSchema) -> Result<(), DecodeError> {
        if self.metadata.unsigned.is_none() {
            return Ok(());
        }
        let mut groups = Groups::default();
        for (logged, column) in types.iter().zip(&schema.columns) {
            if !is_numeric(logged.code) {
                continue;
            }
            let logged = self.unsigned(&mut groups)?;
            if known_sign(&column.kind).is_some_and(|known| known != logged) {
                return Err(mismatch(
                    self.map,
                    format!("column {} has another sign in the log", column.name),
                ));
            }
        }
        Ok(())
    }

    /// A definition from elsewhere must agree on the character sets that the log tells.
    fn check_charsets(
        &self,
        types: &[LoggedType],
        schema: &TableSchema,
    ) -> Result<(), DecodeError> {
        if self.metadata.character.is_none() {
            return Ok(());
        }
        let mut groups = Groups::default();
        for (logged, column) in types.iter().zip(&schema.columns) {
            if !is_character(logged.code, self.map.mariadb) {
                continue;
            }
            let logged = self.charset(&mut groups)?;
            if known_charset(&column.kind).is_some_and(|known| known != logged.as_deref()) {
                return Err(mismatch(
                    self.map,
                    format!("column {} has another character set in the log", column.name),
                ));
            }
        }
        Ok(())
    }

    fn missing(&self, missing: &'static str) -> DecodeError {
        DecodeError::MetadataMissing {
            database: self.map.database.to_owned(),
            table: self.map.table.to_owned(),
            missing,
        }
    }
}

fn mismatch(map: &TableMap<'_>, reason: String) -> DecodeError {
    DecodeError::SchemaMismatch {
        database: map.database.to_owned(),
        table: map.table.to_owned(),
        reason,
    }
}

/// The types that the metadata count when they tell signs; years are among them.
const fn is_numeric(code: u8) -> bool {
    matches!(
        code,
        type_code::TINY
            | type_code::SHORT
            | type_code::INT24
            | type_code::LONG
            | type_code::LONGLONG
            | type_code::FLOAT
            | type_code::DOUBLE
            | type_code::NEWDECIMAL
            | type_code::YEAR
    )
}

/// The types that the metadata count when they tell character sets.
const fn is_character(code: u8, mariadb: bool) -> bool {
    match code {
        type_code::STRING
        | type_code::VARCHAR
        | type_code::VAR_STRING
        | type_code::VARCHAR_COMPRESSED
        | type_code::TINY_BLOB
        | type_code::MEDIUM_BLOB
        | type_code::LONG_BLOB
        | type_code::BLOB
        | type_code::BLOB_COMPRESSED => true,
        type_code::GEOMETRY => mariadb,
        _ => false,
    }
}

/// The character set of a type, `None` within for bytes; `None` where a type does not tell.
fn known_charset(kind: &ColumnType) -> Option<Option<&str>> {
    match kind {
        ColumnType::Char { charset }
        | ColumnType::VarChar { charset }
        | ColumnType::Text { charset, .. } => Some(Some(match charset.as_str() {
            "utf8mb3" => "utf8",
            "binary" => return Some(None),
            charset => charset,
        })),
        ColumnType::Binary { .. } | ColumnType::VarBinary | ColumnType::Blob { .. } => Some(None),
        _ => None,
    }
}

const fn known_sign(kind: &ColumnType) -> Option<bool> {
    match kind {
        ColumnType::TinyInt { unsigned }
        | ColumnType::SmallInt { unsigned }
        | ColumnType::MediumInt { unsigned }
        | ColumnType::Int { unsigned }
        | ColumnType::BigInt { unsigned } => Some(*unsigned),
        _ => None,
    }
}
