//! The door through which a log is compared with its source: reading rows beside a running capture.
//!
//! What is compared, and when, is decided by the task; an inspector only knows how its kind of server is
//! asked. It never writes to the source.

use change::{Position, TableSchema, Value};

use crate::{Selection, SourceError};

/// Looks into a source beside its capture, read-only. Blocking, over one connection.
pub trait Inspector: Send + std::fmt::Debug {
    /// The selected tables as they are defined now, by name.
    ///
    /// # Errors
    /// The source cannot be reached, or refuses.
    fn tables(&mut self, selection: &Selection) -> Result<Vec<InspectedTable>, SourceError>;

    /// One table as it is defined now; `None` if there is none.
    ///
    /// # Errors
    /// The source cannot be reached, or refuses.
    fn table(&mut self, database: &str, table: &str)
    -> Result<Option<InspectedTable>, SourceError>;

    /// Reads the rows with these keys in one consistent statement. `each` gets the values of all
    /// columns of the table's definition, [`Value::Absent`] for what the source does not show. A row
    /// may come that only nearly has one of the keys (another case, say): the caller compares keys.
    ///
    /// # Errors
    /// The table is no longer as it was described, or the source fails.
    fn rows(
        &mut self,
        table: &InspectedTable,
        keys: &[Vec<Value<'_>>],
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<(), InspectError>;

    /// Reads up to `limit` keys behind `after` in key order; `each` gets the values of the key's
    /// columns. Answers where the next page begins, `None` behind the last key.
    ///
    /// # Errors
    /// As for [`Inspector::rows`].
    fn keys(
        &mut self,
        table: &InspectedTable,
        after: Option<&KeyMark>,
        limit: usize,
        each: &mut dyn FnMut(&[Value<'_>]),
    ) -> Result<Option<KeyMark>, InspectError>;

    /// Where the source's log ends now. What a statement saw that ended before is in the log before
    /// this point.
    ///
    /// # Errors
    /// The source cannot be reached, or does not say.
    fn watermark(&mut self) -> Result<Position, SourceError>;

    /// Whether a log that was read up to `read` holds all before `mark`.
    fn has_reached(&self, read: &Position, mark: &Position) -> bool;

    /// What a statement of the log does to tables beyond the rows that the log shows. `database` is the
    /// one the statement ran in.
    fn effects(&self, database: &str, statement: &str) -> Vec<TableEffect>;
}

/// A table whose rows can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedTable {
    /// Its definition.
    pub schema: TableSchema,
    /// The columns that tell its rows apart, as indexes into the schema's; or why there are none.
    pub key: Result<Vec<usize>, &'static str>,
}

/// Where a page of keys ended, in the inspector's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMark(pub String);

/// What a statement does to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEffect {
    /// Its database.
    pub database: String,
    /// The table; `None` for all of the database.
    pub table: Option<String>,
    /// What happens to it.
    pub effect: Effect,
}

/// What happens to a table's rows without a record for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It has no rows any more, or is new: from here on the log says all about it.
    Emptied,
    /// Rows came or went that the log does not show.
    Replaced,
    /// Its definition changed; values may have been converted.
    Altered,
}

/// Why rows were not read.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The table is gone, or no longer has the columns it was described with.
    #[error("the table was redefined")]
    Redefined,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] SourceError),
}
