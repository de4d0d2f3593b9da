//! What can go wrong with a log, said by who is at fault.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use crate::Offset;

/// What is wrong with some bytes.
pub(crate) type Reason = Cow<'static, str>;

/// What went wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{operation} {path} failed")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No space is left. Nothing of this append was kept; the writer can go on once there is space.
    #[error("the disk is full: {path} cannot grow; free some space, and the log goes on by itself")]
    Full {
        /// The file that could not grow.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Earlier, data could not be made durable. This writer takes nothing more; opening the
    /// partition again goes on from what is durable.
    #[error("an earlier write to {path} failed and left the writer unusable; open the log again")]
    Poisoned {
        /// The partition's folder.
        path: PathBuf,
    },
    /// Another writer, in this or another process, holds the folder.
    #[error("{path} is in use by another process; stop it first, or use another data folder")]
    Locked {
        /// The partition's folder.
        path: PathBuf,
    },
    /// A file that must be whole is not.
    #[error("{path} is damaged at byte {position}: {reason}")]
    Corrupt {
        /// The damaged file, or the folder if a file is missing.
        path: PathBuf,
        /// Where in the file.
        position: u64,
        /// What is wrong there.
        reason: Cow<'static, str>,
    },
    /// The folder was written by a newer release.
    #[error(
        "{path} has format version {found}, and this release reads up to {supported}; use the \
             release that wrote it, or a newer one"
    )]
    NewerFormat {
        /// The file that says so.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version we read.
        supported: u32,
    },
    /// The caller appended bytes that are no sealed record batches.
    #[error("appended bytes are no record batch at byte {position}: {reason}")]
    InvalidBatch {
        /// Where in the appended bytes.
        position: usize,
        /// What is wrong there.
        reason: Cow<'static, str>,
    },
    /// The caller appended a batch whose base offset is not the next one.
    #[error("appended batch starts at offset {found}, but the next offset is {expected}")]
    OutOfOrder {
        /// The log's next offset.
        expected: Offset,
        /// The batch's base offset.
        found: Offset,
    },
    /// The asked offset is not in the log.
    #[error("offset {requested} is outside of the log, which holds {start} up to before {end}")]
    OffsetOutOfRange {
        /// What was asked for.
        requested: Offset,
        /// The first offset in the log.
        start: Offset,
        /// The offset behind the last durable record.
        end: Offset,
    },
}

impl Error {
    /// Wraps an error of the operating system.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| {
            if is_full(&source) {
                Self::Full { path, source }
            } else {
                Self::Io { operation, path, source }
            }
        }
    }

    pub(crate) fn corrupt(path: &Path, position: u64, reason: impl Into<Reason>) -> Self {
        Self::Corrupt { path: path.to_path_buf(), position, reason: reason.into() }
    }

    /// Whether a file that was to be opened is gone.
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
