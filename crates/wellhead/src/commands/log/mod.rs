//! `wellhead log`: looks at the files of logs, without a server and beside one. Nothing is written.

pub(crate) mod dump;
mod info;
mod place;
mod verify;

use anyhow::{Result, bail};

use crate::cli::{Global, LogVerb};
use crate::exit::Failure;
use crate::output::Answer;

pub(super) fn run(global: &Global, verb: &LogVerb) -> Result<Answer> {
    match verb {
        LogVerb::Info(args) => info::run(global, args.place.as_deref()),
        LogVerb::Verify(args) => verify::run(global, args.place.as_deref()),
        LogVerb::Dump(_) => bail!("this verb prints by itself and is not run here"),
    }
}

/// What follows from an error of a log that was asked: damage is a bad answer.
pub(crate) fn told(error: ::log::Error) -> anyhow::Error {
    match error {
        ::log::Error::Corrupt { .. } => Failure::bad_answer(format!(
            "{error}; see what else is wrong with: wellhead log verify"
        ))
        .into(),
        other => other.into(),
    }
}

/// Milliseconds since the epoch as people read them.
fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// The name of a file without its folders.
fn file_name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
