//! What a logged statement must be read with: the state of the session that ran it, as far as the log
//! tells, and the server's own settings.

/// The circumstances of a statement. A statement means nothing definite without them.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The server that logged it.
    pub dialect: Dialect,
    /// The session's current database; empty without one.
    pub database: &'a str,
    /// `sql_mode`, bit by bit as `Q_SQL_MODE_CODE` has it.
    pub sql_mode: u64,
    /// `collation_server`, the third number of `Q_CHARSET_CODE`: what a new database gets.
    pub server_collation: Option<u16>,
    /// `collation_database`, where the log has it: what a new table gets if its database is not known.
    pub database_collation: Option<u16>,
    /// The server's `lower_case_table_names`.
    pub lower_case_table_names: u8,
    /// Whether the strings of the text are surely those that the server read. They are not where the
    /// session named no character set for them (`SET NAMES binary`), sent what is no text in it, or had its
    /// connection use one that may not hold it.
    pub strings_are_certain: bool,
    /// Whether `utf8` in a statement is the UTF-8 of four bytes: in MariaDB since 10.6, where `old_mode`
    /// does not say otherwise.
    pub utf8_is_utf8mb4: bool,
    /// Whether a MySQL table without a primary key gets an invisible one that the logged text does not
    /// name. MySQL itself writes the key into the text that it logs; only a text that never was in a log
    /// needs this.
    pub adds_invisible_primary_key: bool,
}

/// Whose SQL it is, with the version as executable comments name it: `80034`, `101106`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL and its other descendants.
    MySql {
        /// Major, minor and patch number as two digits each.
        version: u32,
    },
    /// MariaDB.
    MariaDb {
        /// Major, minor and patch number as two digits each.
        version: u32,
    },
}

/// Bits of `sql_mode` that change how a statement is read.
pub mod sql_mode {
    /// `REAL` is `FLOAT`.
    pub const REAL_AS_FLOAT: u64 = 1;
    /// `"` quotes identifiers.
    pub const ANSI_QUOTES: u64 = 1 << 2;
    /// MariaDB: the type names of Oracle.
    pub const ORACLE: u64 = 1 << 9;
    /// `TIMESTAMP` is `DATETIME`: MariaDB, and MySQL before 8.0.
    pub const MAXDB: u64 = 1 << 12;
    /// `\` is a character like any other.
    pub const NO_BACKSLASH_ESCAPES: u64 = 1 << 20;
    /// Values and lengths that do not fit are refused, by engines that can take a statement back.
    pub const STRICT_TRANS_TABLES: u64 = 1 << 21;
    /// The same by all engines.
    pub const STRICT_ALL_TABLES: u64 = 1 << 22;
}

impl Dialect {
    /// The dialect of a server's version.
    #[must_use]
    pub fn of(version: &crate::connection::ServerVersion) -> Self {
        let [major, minor, patch] = version.numbers.map(u32::from);
        let number = major * 10_000 + minor * 100 + patch;
        match version.flavour {
            crate::connection::Flavour::MySql => Self::MySql { version: number },
            crate::connection::Flavour::MariaDb => Self::MariaDb { version: number },
        }
    }

    /// Whether it is MariaDB's.
    #[must_use]
    pub const fn is_mariadb(self) -> bool {
        matches!(self, Self::MariaDb { .. })
    }

    /// Whether the server runs what stands in `/*!version … */`, or with `mariadb` in `/*M!version … */`.
    ///
    /// MariaDB leaves out the versions 50700 to 99999: they are MySQL's after the two parted.
    #[must_use]
    pub const fn runs_comment(self, mariadb: bool, comment: Option<u32>) -> bool {
        match (self, comment) {
            (Self::MySql { .. }, _) if mariadb => false,
            (_, None) => true,
            (Self::MySql { version }, Some(least)) => least <= version,
            (Self::MariaDb { .. }, Some(50_700..=99_999)) if !mariadb => false,
            (Self::MariaDb { version }, Some(least)) => least <= version,
        }
    }
}

impl<'a> Context<'a> {
    /// The circumstances in which nothing is special.
    #[must_use]
    pub const fn new(dialect: Dialect, database: &'a str) -> Self {
        Self {
            dialect,
            database,
            sql_mode: 0,
            server_collation: None,
            database_collation: None,
            lower_case_table_names: 0,
            strings_are_certain: true,
            utf8_is_utf8mb4: false,
            adds_invisible_primary_key: false,
        }
    }

    /// Whether all of these bits of `sql_mode` are set.
    #[must_use]
    pub const fn has_mode(&self, bits: u64) -> bool {
        self.sql_mode & bits == bits
    }

    /// Whether the session refuses definitions that do not fit, instead of changing them.
    #[must_use]
    pub const fn is_strict(&self) -> bool {
        self.sql_mode & (sql_mode::STRICT_TRANS_TABLES | sql_mode::STRICT_ALL_TABLES) != 0
    }

    /// The name of a database or table as the server keeps it.
    #[must_use]
    pub fn stored_name(&self, name: &str) -> String {
        if self.lower_case_table_names == 0 { name.to_owned() } else { name.to_lowercase() }
    }
}
