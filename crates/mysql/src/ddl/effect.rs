//! What a statement did to the tables that are followed.

use super::parser::NotUnderstood;

/// What a statement did, in the order in which it did it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effect {
    /// Tables, by database and name. A table that is named twice is as the last of them says.
    pub tables: Vec<((String, String), TableChange)>,
    /// Databases.
    pub databases: Vec<(String, DatabaseChange)>,
    /// The statement is not understood. The tables that it names are among `tables`, as stale.
    pub not_understood: Option<NotUnderstood>,
}

/// What became of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// It is new, or was altered, or came here by a new name; its definition is known.
    Defined,
    /// Its definition is not known any more, and why.
    Stale(String),
    /// There is no table of this name any more.
    Dropped,
}

/// What became of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseChange {
    /// It is new, or its defaults were altered.
    Defined,
    /// It is gone, with all its tables.
    Dropped,
}

impl Effect {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.tables.is_empty() && self.databases.is_empty()
    }
}
