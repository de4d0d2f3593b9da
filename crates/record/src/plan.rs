//! Everything about a table that is the same for each of its rows, already encoded.
//!
//! Type numbers and value branches follow section 2.3 of the DTS record format: the branch of each type
//! number is fixed, because the demo converters cast to it.

use change::{ColumnType, TableSchema};

use crate::avro::{branch, section, write_index, write_len, write_long, write_string};
use crate::header::encode_object;
use crate::value::{ColumnPlan, Shape};

/// The constant parts of a table's row records.
#[derive(Debug)]
pub(crate) struct TablePlan {
    /// `objectName`.
    pub(crate) object: Vec<u8>,
    /// `metaVersion`; `pk_uk_info` for a table with keys; `charset_info` for one with long text that is
    /// not in UTF-8.
    pub(crate) tags: Vec<u8>,
    /// How many tags those are.
    pub(crate) tag_count: u8,
    /// `fields`.
    pub(crate) fields: Vec<u8>,
    /// What stands before the values of an image; behind them stands one zero.
    pub(crate) image_head: Vec<u8>,
    /// How each column's values are written.
    pub(crate) columns: Vec<ColumnPlan>,
}

impl TablePlan {
    pub(crate) fn new(schema: &TableSchema) -> Self {
        let mut tags = Vec::new();
        let mut tag_count = 1;
        write_string(&mut tags, "metaVersion");
        write_string(&mut tags, &schema.version.0.to_string());
        if let Some(keys) = keys_as_json(schema) {
            tag_count += 1;
            write_string(&mut tags, "pk_uk_info");
            write_string(&mut tags, &keys);
        }
        if let Some(charsets) = charsets_as_json(schema) {
            tag_count += 1;
            write_string(&mut tags, CHARSET_INFO);
            write_string(&mut tags, &charsets);
        }
        let mut image_head = Vec::new();
        write_index(&mut image_head, section::ARRAY);
        if !schema.columns.is_empty() {
            write_len(&mut image_head, schema.columns.len());
        }
        let mut fields = image_head.clone();
        for column in &schema.columns {
            write_string(&mut fields, &column.name);
            write_long(&mut fields, i64::from(type_number(&column.kind)));
        }
        fields.push(0);
        let columns = schema.columns.iter().map(|column| column_plan(&column.kind)).collect();
        let object = encode_object(&schema.database, &schema.table);
        Self { object, tags, tag_count, fields, image_head, columns }
    }

    /// Memory it holds, about.
    pub(crate) fn size(&self) -> usize {
        let encoded =
            self.object.len() + self.tags.len() + self.fields.len() + self.image_head.len();
        let columns: usize = self.columns.iter().map(ColumnPlan::size).sum();
        size_of::<Self>() + encoded + columns
    }
}

/// `{"PRIMARY":["id"],"uk_name":["c1","c2"]}`, or nothing for a table without keys.
///
/// Clients stop at a key with a column that is not among the fields, so such a key is left out.
fn keys_as_json(schema: &TableSchema) -> Option<String> {
    let named = schema.unique_keys.iter().filter(|key| key.name != PRIMARY);
    let keys = std::iter::once((PRIMARY, schema.primary_key.as_slice()))
        .chain(named.map(|key| (key.name.as_str(), key.columns.as_slice())));
    let object: serde_json::Map<_, _> = keys
        .filter(|(_, columns)| !columns.is_empty())
        .filter_map(|(name, columns)| {
            let column = |index: &usize| schema.columns.get(*index).map(|c| c.name.as_str().into());
            let names: Vec<serde_json::Value> =
                columns.iter().map(column).collect::<Option<_>>()?;
            Some((name.to_owned(), names.into()))
        })
        .collect();
    if object.is_empty() { None } else { Some(serde_json::Value::Object(object).to_string()) }
}

/// `{"note":"gbk"}`: the charsets of `TEXT` columns, whose values have no place for one, as far as
/// they are not UTF-8. Nothing for most tables. A tag of our own, which clients of DTS pass over.
fn charsets_as_json(schema: &TableSchema) -> Option<String> {
    let object: serde_json::Map<_, _> = schema
        .columns
        .iter()
        .filter_map(|column| match &column.kind {
            ColumnType::Text { charset, .. } => Some((&column.name, client_charset(charset))),
            _ => None,
        })
        .filter(|(_, charset)| !matches!(*charset, "utf8mb4" | "utf8" | "ascii" | "binary"))
        .map(|(name, charset)| (name.clone(), charset.into()))
        .collect();
    if object.is_empty() { None } else { Some(serde_json::Value::Object(object).to_string()) }
}

/// MySQL's protocol type code, as DTS numbers columns.
pub(crate) fn type_number(kind: &ColumnType) -> u8 {
    match kind {
        ColumnType::TinyInt { .. } => 1,
        ColumnType::SmallInt { .. } => 2,
        ColumnType::Int { .. } => 3,
        ColumnType::Float => 4,
        ColumnType::Double => 5,
        ColumnType::Timestamp { .. } => 7,
        ColumnType::BigInt { .. } => 8,
        ColumnType::MediumInt { .. } => 9,
        ColumnType::Date => 10,
        ColumnType::Time { .. } => 11,
        ColumnType::DateTime { .. } => 12,
        ColumnType::Year => 13,
        ColumnType::Bit { .. } => 16,
        ColumnType::Json => 245,
        ColumnType::Decimal { .. } => 246,
        ColumnType::Enum { .. } => 247,
        ColumnType::Set { .. } => 248,
        ColumnType::Text { size, .. } | ColumnType::Blob { size } => match size {
            1 => 249,
            3 => 250,
            4 => 251,
            _ => 252,
        },
        ColumnType::Vector => 252,
        ColumnType::VarChar { .. } | ColumnType::VarBinary => 253,
        ColumnType::Char { .. }
        | ColumnType::Binary { .. }
        | ColumnType::Uuid
        | ColumnType::Inet4
        | ColumnType::Inet6 => 254,
        ColumnType::Geometry => 255,
    }
}

fn column_plan(kind: &ColumnType) -> ColumnPlan {
    match kind {
        ColumnType::TinyInt { .. } => integer(1),
        ColumnType::SmallInt { .. } => integer(2),
        ColumnType::MediumInt { .. } => integer(3),
        ColumnType::Int { .. } => integer(4),
        ColumnType::BigInt { .. } => integer(8),
        ColumnType::Bit { width } => integer(width.div_ceil(8)),
        ColumnType::Decimal { .. } => plain(Shape::Decimal, branch::DECIMAL),
        ColumnType::Float | ColumnType::Double => plain(Shape::Float, branch::FLOAT),
        ColumnType::Timestamp { .. } => plain(Shape::Timestamp, branch::TIMESTAMP),
        ColumnType::Date => plain(Shape::Date, branch::DATE_TIME),
        ColumnType::Time { fraction } => {
            plain(Shape::Time { fraction: *fraction > 0 }, branch::DATE_TIME)
        }
        ColumnType::DateTime { .. } => plain(Shape::DateTime, branch::DATE_TIME),
        ColumnType::Year => plain(Shape::Year, branch::DATE_TIME),
        ColumnType::Char { charset } | ColumnType::VarChar { charset } => {
            named(Shape::Bytes, branch::CHARACTER, client_charset(charset))
        }
        ColumnType::Binary { .. } | ColumnType::VarBinary => {
            named(Shape::Bytes, branch::CHARACTER, "binary")
        }
        ColumnType::Text { .. } => named(Shape::Bytes, branch::BINARY_OBJECT, "TEXT"),
        ColumnType::Blob { .. } | ColumnType::Vector => {
            named(Shape::Bytes, branch::BINARY_OBJECT, "BLOB")
        }
        ColumnType::Enum { .. } => named(Shape::Label, branch::TEXT_OBJECT, "ENUM"),
        ColumnType::Set { .. } => named(Shape::Label, branch::TEXT_OBJECT, "SET"),
        ColumnType::Json => named(Shape::Json, branch::TEXT_OBJECT, "JSON"),
        ColumnType::Geometry => named(Shape::Geometry, branch::BINARY_GEOMETRY, "WKB"),
        ColumnType::Uuid | ColumnType::Inet4 | ColumnType::Inet6 => {
            named(Shape::Plain, branch::CHARACTER, "utf8mb4")
        }
    }
}

/// The charset name that every client knows. `utf8mb3` is unknown to most, an empty one to all.
fn client_charset(charset: &str) -> &str {
    match charset {
        "utf8mb3" => "utf8",
        "" => "binary",
        known => known,
    }
}

fn plain(shape: Shape, branch: u8) -> ColumnPlan {
    let mut prefix = Vec::new();
    write_index(&mut prefix, branch);
    ColumnPlan::new(shape, prefix)
}

fn integer(precision: u8) -> ColumnPlan {
    let mut prefix = Vec::new();
    write_index(&mut prefix, branch::INTEGER);
    write_long(&mut prefix, i64::from(precision));
    ColumnPlan::new(Shape::Integer, prefix)
}

fn named(shape: Shape, branch: u8, name: &str) -> ColumnPlan {
    let mut prefix = Vec::new();
    write_index(&mut prefix, branch);
    write_string(&mut prefix, name);
    ColumnPlan::new(shape, prefix)
}

/// The name clients know the primary key by; MySQL lets no other key have it.
pub(crate) const PRIMARY: &str = "PRIMARY";
/// The tag of [`charsets_as_json`].
pub(crate) const CHARSET_INFO: &str = "charset_info";
