//! Names of character sets in statements.

use super::context::Dialect;
use super::parser::{NotUnderstood, Parser};

/// What a statement says about a character set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CharsetSpec {
    /// This one, as the server's catalog calls it.
    Named(&'static str),
    /// That of the next wider thing: the table of a column, the database of a table.
    Inherited,
}

/// The character set of this name, as the server's catalog calls it.
pub(super) fn charset(name: &str, dialect: Dialect) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), "utf8" | "utf8mb3") {
        return Some(utf8mb3(dialect));
    }
    CHARSETS.iter().find(|(known, _)| *known == name).map(|(known, _)| *known)
}

/// What the catalog calls the UTF-8 of three bytes: it was renamed in MySQL 8.0.28 and MariaDB 10.6.
pub(super) const fn utf8mb3(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::MySql { version: 80_028.. } | Dialect::MariaDb { version: 100_600.. } => "utf8mb3",
        _ => "utf8",
    }
}

/// The character set of a collation; `Inherited` for those that exist for every character set.
pub(super) fn charset_of(collation: &str, dialect: Dialect) -> Option<CharsetSpec> {
    let collation = collation.to_ascii_lowercase();
    let (prefix, _) = collation.split_once('_').unwrap_or((&collation, ""));
    match charset(prefix, dialect) {
        Some(charset) => Some(CharsetSpec::Named(charset)),
        // MariaDB 10.10: `uca1400_ai_ci` and its like.
        None if prefix == "uca1400" || collation == "default" => Some(CharsetSpec::Inherited),
        None => None,
    }
}

/// The character set of a collation's number, as the catalog calls it.
pub(super) fn charset_of_number(collation: u16, dialect: Dialect) -> Option<&'static str> {
    let name = crate::binlog::charset_of_collation(u64::from(collation));
    match collation {
        63 => Some("binary"),
        _ => charset(name?, dialect),
    }
}

/// How many bytes a character has at most.
pub(super) fn bytes_per_character(charset: &str) -> u64 {
    match charset {
        "utf8" | "utf8mb3" => 3,
        _ => CHARSETS.iter().find(|(known, _)| *known == charset).map_or(1, |(_, bytes)| *bytes),
    }
}

impl Parser<'_> {
    /// `CHARACTER SET`, `CHARSET`, `CHAR SET`.
    pub(super) fn accept_charset(&mut self) -> bool {
        self.accept("CHARSET")
            || self.accept_all(&["CHARACTER", "SET"])
            || self.accept_all(&["CHAR", "SET"])
    }

    /// A character set's name, or `DEFAULT`.
    pub(super) fn charset_name(&mut self) -> Result<CharsetSpec, NotUnderstood> {
        if self.accept("DEFAULT") {
            return Ok(CharsetSpec::Inherited);
        }
        let unknown = self.not_understood();
        let name = self.charset_as_meant()?;
        charset(&name, self.context.dialect).map(CharsetSpec::Named).ok_or(unknown)
    }

    /// A collation's name, or `DEFAULT`.
    pub(super) fn collation_name(&mut self) -> Result<CharsetSpec, NotUnderstood> {
        if self.accept("DEFAULT") {
            return Ok(CharsetSpec::Inherited);
        }
        let unknown = self.not_understood();
        let name = self.charset_as_meant()?;
        charset_of(&name, self.context.dialect).ok_or(unknown)
    }

    /// The name of a character set or collation, where `utf8` may be short for one of two.
    fn charset_as_meant(&mut self) -> Result<String, NotUnderstood> {
        let name = self.name_or_string()?.to_ascii_lowercase();
        Ok(match name.strip_prefix("utf8") {
            Some(rest)
                if self.context.utf8_is_utf8mb4 && (rest.is_empty() || rest.starts_with('_')) =>
            {
                format!("utf8mb4{rest}")
            }
            _ => name,
        })
    }
}

/// Character sets of MySQL 5.6 to 9 and MariaDB 10 to 11 with the bytes of their longest character.
const CHARSETS: [(&str, u64); 41] = [
    ("armscii8", 1),
    ("ascii", 1),
    ("big5", 2),
    ("binary", 1),
    ("cp1250", 1),
    ("cp1251", 1),
    ("cp1256", 1),
    ("cp1257", 1),
    ("cp850", 1),
    ("cp852", 1),
    ("cp866", 1),
    ("cp932", 2),
    ("dec8", 1),
    ("eucjpms", 3),
    ("euckr", 2),
    ("filename", 5),
    ("gb18030", 4),
    ("gb2312", 2),
    ("gbk", 2),
    ("geostd8", 1),
    ("greek", 1),
    ("hebrew", 1),
    ("hp8", 1),
    ("keybcs2", 1),
    ("koi8r", 1),
    ("koi8u", 1),
    ("latin1", 1),
    ("latin2", 1),
    ("latin5", 1),
    ("latin7", 1),
    ("macce", 1),
    ("macroman", 1),
    ("sjis", 2),
    ("swe7", 1),
    ("tis620", 1),
    ("ucs2", 2),
    ("ujis", 3),
    ("utf16", 4),
    ("utf16le", 4),
    ("utf32", 4),
    ("utf8mb4", 4),
];
