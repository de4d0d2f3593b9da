//! The flags of `wellhead log`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `wellhead log …`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum LogVerb {
    /// What a log is: format, identity, offsets, times, segments, indexes
    Info(LogPlace),
    /// Read everything and check it, to the last record
    Verify(LogPlace),
    /// Print records with their batches
    Dump(LogDump),
}

/// Which files.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogPlace {
    /// A task, a data folder, a partition's folder or one .log file; all of --data-dir when not given
    #[arg(value_name = "TASK|PATH")]
    pub(crate) place: Option<PathBuf>,
}

/// `wellhead log dump`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogDump {
    /// A task, a partition's folder or one .log file
    #[arg(value_name = "TASK|PATH")]
    pub(crate) place: PathBuf,
    /// The first record: an offset, or a time like @1712905965, @2026-11-21T04:00:00Z, @-1h
    #[arg(long, value_name = "OFFSET|@TIME")]
    pub(crate) from: Option<String>,
    /// The record behind the last one: an offset or a time
    #[arg(long, value_name = "OFFSET|@TIME")]
    pub(crate) to: Option<String>,
    /// Most records
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Show the headers of records
    #[arg(long)]
    pub(crate) headers: bool,
    /// Show the place of the source's log that a batch was read up to
    #[arg(long)]
    pub(crate) positions: bool,
}

impl LogVerb {
    /// The words that call it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Info(_) => "log info",
            Self::Verify(_) => "log verify",
            Self::Dump(_) => "log dump",
        }
    }
}
