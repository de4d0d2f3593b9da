//! Statements as people write them.

mod corpus;
mod definition;
mod lexer;
mod mentions;
mod secrets;

use super::{Context, Dialect};

pub(super) const MYSQL: Dialect = Dialect::MySql { version: 90_700 };
pub(super) const MARIADB: Dialect = Dialect::MariaDb { version: 101_106 };

pub(super) fn mysql() -> Context<'static> {
    Context::new(MYSQL, "shop")
}

pub(super) fn mariadb() -> Context<'static> {
    Context::new(MARIADB, "shop")
}
