//! The MySQL client/server protocol as values and bytes, without I/O.
//!
//! Follows "Client/Server Protocol" of the MySQL Internals documentation and MariaDB's page of the same
//! name. Only what a replica needs: the connection phase, text queries and the replication commands;
//! no prepared statements, no compression, no `LOCAL INFILE`.

pub mod auth;
pub mod capability;
pub mod command;
pub mod handshake;
pub mod packet;
mod reader;
pub mod reply;
pub mod resultset;
mod writer;

#[cfg(test)]
mod tests;

pub use reader::Reader;
pub use writer::Writer;
