//! What can go wrong with the catalog, by who is at fault.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// An error of the catalog.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name breaks the rules of its kind.
    #[error(transparent)]
    Name(#[from] change::NameError),
    /// A value from the caller breaks a rule.
    #[error("{field} is not allowed: {rule}")]
    Invalid {
        /// The field, in the words of the API.
        field: &'static str,
        /// The rule that it breaks.
        rule: String,
    },
    /// What was named does not exist.
    #[error("there is no {what} {name:?}")]
    NotFound {
        /// Kind of object.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The name or topic is taken.
    #[error("{what} {name:?} exists already")]
    Exists {
        /// Kind of object.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Something else needs what should be deleted.
    #[error("{what} {name:?} is used by {by}; delete that first")]
    InUse {
        /// Kind of object.
        what: &'static str,
        /// Its name.
        name: String,
        /// What uses it.
        by: String,
    },
    /// A task has as many groups as it may have.
    #[error("task {task:?} has {limit} groups already, which is the limit; delete one first")]
    TooManyGroups {
        /// The task.
        task: String,
        /// The limit.
        limit: usize,
    },
    /// The file was written by a newer Wellhead.
    #[error(
        "{path} has format {found}, and this wellhead knows formats up to {known}: \
         it was written by a newer version; run that one, or use another data folder"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The file is not a catalog.
    #[error("{path} is not a catalog of wellhead; move it away, or use another data folder")]
    NotACatalog {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged, or someone wrote a value that makes no sense.
    #[error("catalog.db is damaged ({reason}); stop the server and restore the file from a backup")]
    Corrupt {
        /// What was found.
        reason: String,
    },
    /// The key file is not there although the catalog was sealed with one.
    #[error(
        "{path} is missing, and the passwords in the catalog were sealed with it; restore it from a \
         backup, or move catalog.db away and configure the server again"
    )]
    KeyMissing {
        /// The key file.
        path: PathBuf,
    },
    /// Others may read the key file.
    #[error("{path} may be read by others (mode {mode:04o}); run: chmod 600 {path}")]
    KeyExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file does not hold a key.
    #[error("{path} does not hold a key of wellhead; restore it from a backup")]
    KeyMalformed {
        /// The key file.
        path: PathBuf,
    },
    /// The key file belongs to another catalog.
    #[error("{path} is not the key that sealed this catalog; restore the one that belongs to it")]
    KeyWrong {
        /// The key file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("the catalog cannot be written: the disk is full")]
    DiskFull,
    /// Another process holds the catalog.
    #[error("the catalog is locked by another process; stop the other one that writes catalog.db")]
    Busy,
    /// The operating system refuses.
    #[error("{path} cannot be used: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What it says.
        source: std::io::Error,
    },
    /// The cryptographic library refuses, which means that the system has no randomness.
    #[error("the cryptographic library failed")]
    Crypto,
    /// SQLite failed in another way.
    #[error("the catalog failed: {0}")]
    Database(#[source] rusqlite::Error),
}

/// Result with the catalog's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn invalid(field: &'static str, rule: impl Into<String>) -> Self {
        Self::Invalid { field, rule: rule.into() }
    }

    pub(crate) fn not_found(what: &'static str, name: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound { what, name: name.to_string() }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => {
                Self::Corrupt { reason: error.to_string() }
            }
            _ => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    Self::Corrupt { reason: error.to_string() }
                }
                Some(ErrorCode::DiskFull) => Self::DiskFull,
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
                _ => Self::Database(error),
            },
        }
    }
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}
