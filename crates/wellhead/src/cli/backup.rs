//! The flags of `wellhead backup`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `wellhead backup …`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum BackupVerb {
    /// Copy the data folder into a new one, also while a server uses it
    Create(BackupCreate),
    /// Make a data folder out of a backup; the backup stays as it is
    Restore(BackupRestore),
}

/// `wellhead backup create`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackupCreate {
    /// The folder to make; it must not exist
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Leave out catalog.key, without which the passwords of sources cannot be read
    #[arg(long)]
    pub(crate) without_key: bool,
}

/// `wellhead backup restore`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackupRestore {
    /// The folder that backup create made
    #[arg(value_name = "BACKUP")]
    pub(crate) backup: PathBuf,
    /// Whether the logs stay who they are, or become others because another server may give out the
    /// same offsets
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = ClusterId::Auto)]
    pub(crate) cluster_id: ClusterId,
    /// Link the closed segments instead of copying them, where both folders are on one disk
    #[arg(long)]
    pub(crate) link: bool,
}

/// What becomes of the identity of restored logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClusterId {
    /// A new one if a server was running when the backup was taken, else the same.
    Auto,
    /// The same: nobody goes on with the original.
    Keep,
    /// A new one: somebody goes on with the original.
    New,
}

impl BackupVerb {
    /// The words that call it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "backup create",
            Self::Restore(_) => "backup restore",
        }
    }
}
