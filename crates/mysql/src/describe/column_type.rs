//! One row of `information_schema.COLUMNS` as a [`ColumnType`].

use change::ColumnType;

use super::labels;

/// What the catalog says about a column's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct CatalogType<'a> {
    /// `DATA_TYPE`: the bare name, lower case.
    pub(super) data_type: &'a str,
    /// `COLUMN_TYPE`: the full text, with width, labels and attributes.
    pub(super) column_type: &'a str,
    /// `CHARACTER_SET_NAME`.
    pub(super) charset: Option<&'a str>,
    /// `CHARACTER_MAXIMUM_LENGTH`.
    pub(super) length: Option<u64>,
    /// `NUMERIC_PRECISION`.
    pub(super) precision: Option<u8>,
    /// `NUMERIC_SCALE`.
    pub(super) scale: Option<u8>,
    /// `DATETIME_PRECISION`.
    pub(super) fraction: Option<u8>,
}

/// The logical type, or `None` for a type that is not known.
pub(super) fn resolve(catalog: CatalogType<'_>) -> Option<ColumnType> {
    let unsigned = catalog.has_attribute("unsigned") || catalog.has_attribute("zerofill");
    let charset = || catalog.charset.unwrap_or("binary").to_owned();
    let fraction = catalog.fraction.unwrap_or_default();
    Some(match catalog.data_type {
        "tinyint" => ColumnType::TinyInt { unsigned },
        "smallint" => ColumnType::SmallInt { unsigned },
        "mediumint" => ColumnType::MediumInt { unsigned },
        "int" => ColumnType::Int { unsigned },
        "bigint" => ColumnType::BigInt { unsigned },
        "bit" => ColumnType::Bit { width: catalog.precision? },
        "decimal" => ColumnType::Decimal { precision: catalog.precision?, scale: catalog.scale? },
        "float" => ColumnType::Float,
        "double" => ColumnType::Double,
        "timestamp" => ColumnType::Timestamp { fraction },
        "date" => ColumnType::Date,
        "time" => ColumnType::Time { fraction },
        "datetime" => ColumnType::DateTime { fraction },
        "year" => ColumnType::Year,
        "char" => ColumnType::Char { charset: charset() },
        "varchar" => ColumnType::VarChar { charset: charset() },
        "binary" => ColumnType::Binary { width: u32::try_from(catalog.length?).ok()? },
        "varbinary" => ColumnType::VarBinary,
        "tinytext" => ColumnType::Text { size: 1, charset: charset() },
        "text" => ColumnType::Text { size: 2, charset: charset() },
        "mediumtext" => ColumnType::Text { size: 3, charset: charset() },
        "longtext" => ColumnType::Text { size: 4, charset: charset() },
        "tinyblob" => ColumnType::Blob { size: 1 },
        "blob" => ColumnType::Blob { size: 2 },
        "mediumblob" => ColumnType::Blob { size: 3 },
        "longblob" => ColumnType::Blob { size: 4 },
        "enum" => ColumnType::Enum { labels: labels::parse(catalog.column_type)? },
        "set" => ColumnType::Set { labels: labels::parse(catalog.column_type)? },
        "json" => ColumnType::Json,
        "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
        | "multipolygon" | "geometrycollection" | "geomcollection" => ColumnType::Geometry,
        "vector" => ColumnType::Vector,
        "uuid" => ColumnType::Uuid,
        "inet4" => ColumnType::Inet4,
        "inet6" => ColumnType::Inet6,
        _ => return None,
    })
}

impl CatalogType<'_> {
    /// Whether an attribute stands behind the type's name and width.
    fn has_attribute(&self, attribute: &str) -> bool {
        self.column_type.split(' ').skip(1).any(|word| word == attribute)
    }
}
