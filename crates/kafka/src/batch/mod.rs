//! Record batches of format 2 (magic 2, KIP-98): the bytes of the log, and of every fetch.
//!
//! [`BatchBuilder`] writes them, [`BatchHeader`] reads and patches their first 61 bytes, and
//! [`records`] reads what is inside. Offset and leader epoch stand before the checksum's reach, so
//! a batch can be sealed by one thread and placed into the log by another without a second CRC.
//! Message sets of format 0 and 1 are made in [`crate::message_set`]. Transactions are not here: the
//! producer id is always −1.

mod builder;
mod compression;
mod header;
mod lz4;
mod open_record;
mod record;
mod snappy;

#[cfg(test)]
mod tests;

pub use builder::BatchBuilder;
pub use compression::Compression;
pub(crate) use compression::{compress_legacy_lz4, decompress_legacy_lz4};
pub use header::{BatchHeader, HEADER_LEN, set_base_offset, set_leader_epoch};
pub use open_record::OpenRecord;
pub use record::{Headers, Record, RecordIter, last_record_header, records};
