//! Table definitions followed through the statements of the log.
//!
//! Sans-IO: statements and their circumstances go in, definitions come out. What is not understood is
//! named, never guessed: the tables concerned are stale until somebody looks them up. The grammar is
//! that of MySQL 5.6 to 9 and MariaDB 10 to 11 as their manuals and `sql/sql_yacc.yy` have it; of an
//! expression, only its end is looked for.

mod context;
pub mod lexer;
mod mentions;
mod secrets;
mod statement;

#[cfg(test)]
mod tests;

pub use context::{Context, Dialect, sql_mode};
pub use mentions::{Mentions, mentions};
pub use secrets::masked;
