//! Message sets of format 0 and 1: what clients of Kafka 0.10 and older read instead of record batches.
//!
//! [`Conversion`] makes them out of record batches, [`messages`] reads them. Nothing is stored in this
//! form, and nothing of it is accepted from a producer.
//!
//! What the older formats cannot carry is left out: headers of records, leader epochs, and in format 0
//! timestamps. Compressed messages stand as a set of their own in the value of a *wrapper* message, whose
//! offset is that of the last message inside. Inside of a wrapper of format 1 offsets count from the
//! first message there (KIP-31), in format 0 they are what they are. LZ4 in format 0 has the wrong header
//! checksum that Kafka's clients wrote and expect there (KIP-57). Zstandard came later (KIP-110) and has
//! no form here.

mod conversion;
mod message;
mod reader;

#[cfg(test)]
mod tests;

pub use conversion::{Conversion, Room};
pub use message::MessageFormat;
pub use reader::{Message, messages};
