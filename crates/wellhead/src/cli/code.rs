//! The flags of `wellhead code`, and of its like in `group show`.

use std::path::PathBuf;

use clap::Args;

/// `wellhead code TASK`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CodeArgs {
    /// The task whose topic is read
    #[arg(value_name = "TASK")]
    pub(crate) task: String,
    /// dts-sdk, flink, go, java, kcat, node, python or rust
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client: String,
    /// The group that reads; the first one of the task when not given
    #[arg(long)]
    pub(crate) group: Option<String>,
    /// The listener that is connected to; that of [kafka] when not given
    #[arg(long, value_name = "NAME")]
    pub(crate) listener: Option<String>,
    /// Write the program and all that it needs below this folder, ready to run
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}

/// `wellhead group show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GroupShow {
    #[command(flatten)]
    pub(crate) group: super::GroupName,
    /// Print a whole program that reads as this group: dts-sdk, flink, go, java, kcat, node, python or rust
    #[arg(long, value_name = "CLIENT")]
    pub(crate) client: Option<String>,
}
