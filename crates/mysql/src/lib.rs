//! MySQL and MariaDB as a source: the wire protocol, the replication connection, the binlog decoder,
//! table definitions and the precheck.

pub mod binlog;
pub mod connection;
mod error;
pub mod wire;

pub use error::{Error, ServerError};
