//! What can be wrong with bytes, told by whose fault it is.

use std::io;

use crate::{ApiKey, ApiVersion, batch::Compression};

/// Why bytes could not be read, or a message could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The peer's message, or a stored batch, ends before its last field.
    #[error("the bytes end too early: {needed} more needed at byte {at}")]
    Truncated {
        /// Where the field begins, counted from the start of what was given to read.
        at: usize,
        /// How many bytes are missing.
        needed: usize,
    },
    /// The peer's message, or a stored batch, breaks the format.
    #[error("malformed at byte {at}: {what}")]
    Malformed {
        /// Where the field begins, counted from the start of what was given to read.
        at: usize,
        /// What the format asks for.
        what: &'static str,
    },
    /// The peer's message holds more array elements than any honest one.
    #[error("more than {limit} array elements in one message, at byte {at}")]
    TooManyElements {
        /// Where the array begins.
        at: usize,
        /// [`crate::codec::ELEMENTS_MAX`].
        limit: usize,
    },
    /// The peer asks for an API that is not served; a Kafka broker closes the connection.
    #[error("api key {0} is not served")]
    UnknownApi(i16),
    /// The peer speaks a version that was not advertised.
    #[error("{api:?} version {version} is not served")]
    UnsupportedVersion {
        /// The API that was asked for.
        api: ApiKey,
        /// The version that was asked for.
        version: ApiVersion,
    },
    /// The caller's message has no form in the version it should be written in, or in any.
    #[error("cannot be written: {what}")]
    Unwritable {
        /// Which limit of the format it exceeds.
        what: &'static str,
    },
    /// A stored batch is not what its checksum says.
    #[error("batch checksum is {computed:#010x}, its header says {stored:#010x}")]
    Checksum {
        /// CRC-32C in the batch header.
        stored: u32,
        /// CRC-32C of the bytes.
        computed: u32,
    },
    /// A batch of another format than record batch 2.
    #[error("batch format (magic) {magic} is not supported")]
    UnsupportedMagic {
        /// The magic byte found.
        magic: i8,
    },
    /// A batch of a compression that Kafka had not defined.
    #[error("compression type {id} is not known")]
    UnsupportedCompression {
        /// The number found in the batch attributes.
        id: u8,
    },
    /// The records of a batch are larger, once decompressed, than the reader allows.
    #[error("batch decompresses to more than {cap} bytes")]
    DecompressedTooLarge {
        /// The reader's limit.
        cap: usize,
    },
    /// The compressed part of a batch is damaged.
    #[error("batch cannot be decompressed ({compression:?})")]
    Decompress {
        /// How the batch says it is compressed.
        compression: Compression,
        /// What the decompressor found.
        #[source]
        source: io::Error,
    },
    /// The compressor failed. It writes to memory, so this is not expected.
    #[error("batch cannot be compressed ({compression:?})")]
    Compress {
        /// The compression that was asked for.
        compression: Compression,
        /// What the compressor said.
        #[source]
        source: io::Error,
    },
}
