//! Table definitions from `information_schema`, for what the log does not say itself: everything with
//! `binlog_row_metadata=MINIMAL`, and with `FULL` still the unique keys and MariaDB's own types.
//!
//! The columns answered are those of a row in the log, in its order: invisible and generated ones
//! included (both servers log VIRTUAL columns too), the hidden columns of functional indexes not, and
//! for MariaDB's system-versioned tables the two timestamps that the catalog hides.

mod column_type;
mod labels;
mod query;

#[cfg(test)]
mod tests;

pub use query::{
    Catalog, Definitions, OWN_DATABASES, TableKeys, UnknownType, load, load_all_keys,
    load_definition, load_definitions, load_keys, load_table,
};
