//! MySQL and MariaDB as a source: the wire protocol, the replication connection, the binlog decoder,
//! table definitions and the precheck.

pub mod binlog;
pub mod connection;
pub mod ddl;
pub mod describe;
mod error;
pub mod precheck;
mod source;
mod verify;
pub mod wire;

pub use error::{Error, ServerError};
pub use source::{BadPosition, MySqlSource, Options, check_position};
pub use verify::MySqlInspector;
