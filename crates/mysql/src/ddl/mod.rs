//! Table definitions followed through the statements of the log.
//!
//! Sans-IO: statements and their circumstances go in, definitions come out. What is not understood is
//! named, never guessed: the tables concerned are stale until somebody looks them up. The grammar is
//! that of MySQL 5.6 to 9 and MariaDB 10 to 11 as their manuals and `sql/sql_yacc.yy` have it; of an
//! expression, only its end is looked for.

mod alter;
mod alteration;
mod charsets;
mod column;
mod context;
mod create;
mod data_type;
mod definition;
mod effect;
mod interned;
mod key;
pub mod lexer;
mod mentions;
mod model;
mod parser;
mod secrets;
mod statement;

#[cfg(test)]
mod tests;

pub use context::{Context, Dialect, sql_mode};
pub use definition::{ColumnDefinition, Definition, Key, KeyKind};
pub use effect::{DatabaseChange, Effect, TableChange};
pub use mentions::{Mentions, mentions};
pub use model::{Model, Table};
pub use parser::NotUnderstood;
pub use secrets::masked;
