//! How a record is printed, by the verbs that print records: `tail` and `log dump`.

use anyhow::{Result, bail};

use crate::cli::Format;
use crate::exit::Failure;

/// The form of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line for people.
    Pretty,
    /// An object.
    Json,
    /// Its bytes.
    Hex,
}

impl Form {
    /// What `-o` asks for.
    ///
    /// # Errors
    /// It asks for a table.
    pub(crate) fn of(format: Option<Format>) -> Result<Self> {
        match format {
            None | Some(Format::Pretty) => Ok(Self::Pretty),
            Some(Format::Json | Format::Jsonl) => Ok(Self::Json),
            Some(Format::Hex) => Ok(Self::Hex),
            Some(Format::Table | Format::Wide) => {
                bail!(Failure::usage("records are no table; give -o pretty, json or hex"))
            }
        }
    }

    /// The word of the API.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pretty => "text",
            Self::Json => "json",
            Self::Hex => "hex",
        }
    }
}
