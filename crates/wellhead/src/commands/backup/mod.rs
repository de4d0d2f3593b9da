//! `wellhead backup`: copies of the data folder, taken beside a running server or without one, and data
//! folders made out of them. No server is asked.

mod create;
mod manifest;
mod restore;
mod staging;

use anyhow::Result;

use crate::cli::{BackupVerb, Global};
use crate::output::Answer;

pub(super) fn run(global: &Global, verb: &BackupVerb) -> Result<Answer> {
    match verb {
        BackupVerb::Create(args) => create::run(global, args),
        BackupVerb::Restore(args) => restore::run(global, args),
    }
}
