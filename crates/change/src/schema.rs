//! A table's definition at one position of the log.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// A table as it was defined at some position of its source's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// Identity of this definition: the same content has the same version, also after a restart.
    pub version: SchemaVersion,
    /// Database (MySQL's schema).
    pub database: String,
    /// Table name as the source spells it.
    pub table: String,
    /// Columns in the order in which the source logs them.
    pub columns: Vec<Column>,
    /// Indexes into `columns`, in key order; empty without primary key.
    pub primary_key: Vec<usize>,
    /// Unique keys other than the primary one, as far as they are known.
    pub unique_keys: Vec<UniqueKey>,
}

/// A unique key of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UniqueKey {
    /// Its name in the source.
    pub name: String,
    /// Indexes into the table's columns, in key order.
    pub columns: Vec<usize>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// Name as the source spells it.
    pub name: String,
    /// Type, with all that is needed to write its values.
    pub kind: ColumnType,
}

/// The logical type of a column. Charsets are MySQL charset names (`utf8mb4`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the variants are the SQL standard's and MySQL's own type names")]
pub enum ColumnType {
    TinyInt {
        unsigned: bool,
    },
    SmallInt {
        unsigned: bool,
    },
    MediumInt {
        unsigned: bool,
    },
    Int {
        unsigned: bool,
    },
    BigInt {
        unsigned: bool,
    },
    Bit {
        width: u8,
    },
    Decimal {
        precision: u8,
        scale: u8,
    },
    Float,
    Double,
    Timestamp {
        fraction: u8,
    },
    Date,
    Time {
        fraction: u8,
    },
    DateTime {
        fraction: u8,
    },
    Year,
    Char {
        charset: String,
    },
    VarChar {
        charset: String,
    },
    Binary {
        width: u32,
    },
    VarBinary,
    /// `size` is the number of length bytes: 1 TINYTEXT to 4 LONGTEXT.
    Text {
        size: u8,
        charset: String,
    },
    /// `size` is the number of length bytes: 1 TINYBLOB to 4 LONGBLOB.
    Blob {
        size: u8,
    },
    /// Labels in UTF-8, in index order from 1.
    Enum {
        labels: Vec<String>,
    },
    /// Labels in UTF-8, in bit order from 0.
    Set {
        labels: Vec<String>,
    },
    Json,
    Geometry,
    /// MySQL's VECTOR: little-endian floats, delivered as bytes.
    Vector,
    /// MariaDB's UUID, delivered as text.
    Uuid,
    /// MariaDB's INET4, delivered as text.
    Inet4,
    /// MariaDB's INET6, delivered as text.
    Inet6,
}

/// Identity of a table definition, derived from its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SchemaVersion(pub u64);

/// What kind of server a source is, as record formats name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SourceKind {
    /// MySQL and its family, MariaDB included.
    MySql,
    /// PostgreSQL and its family.
    PostgreSql,
}

/// What is constant about a source while one connection to it lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Kind of server.
    pub kind: SourceKind,
    /// The server's own version text, like `8.0.34` or `10.11.6-MariaDB-log`.
    pub version: String,
}

impl TableSchema {
    /// Builds a definition and derives its version from the content.
    #[must_use]
    pub fn new(
        database: String,
        table: String,
        columns: Vec<Column>,
        primary_key: Vec<usize>,
        unique_keys: Vec<UniqueKey>,
    ) -> Self {
        let mut hasher = Fnv64::default();
        database.hash(&mut hasher);
        table.hash(&mut hasher);
        columns.hash(&mut hasher);
        primary_key.hash(&mut hasher);
        unique_keys.hash(&mut hasher);
        // Clients read the version as a positive signed long.
        let version = SchemaVersion(hasher.finish() >> 1);
        Self { version, database, table, columns, primary_key, unique_keys }
    }
}

/// FNV-1a, 64 bit: unlike the standard hasher it gives the same value in every build and release.
struct Fnv64(u64);

impl Default for Fnv64 {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv64 {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(column: &str) -> TableSchema {
        let id = Column { name: column.into(), kind: ColumnType::Int { unsigned: false } };
        TableSchema::new("shop".into(), "orders".into(), vec![id], vec![0], vec![])
    }

    #[test]
    fn the_version_follows_the_content() {
        assert_eq!(schema("id").version, schema("id").version);
        assert_ne!(schema("id").version, schema("no").version);
        assert!(i64::try_from(schema("id").version.0).is_ok());
    }
}
