//! One message: offset (8 bytes), length of what follows (4), CRC-32 of what follows (4), magic (1),
//! attributes (1), since format 1 a timestamp (8), key and value, each behind its length (4), −1 for null.

use crate::{Error, Offset, Result, batch::Compression, codec::Writer};

/// Which of the two older formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MessageFormat {
    /// Of Fetch 0 and 1: no timestamps.
    V0 = 0,
    /// Of Fetch 2 and 3 (KIP-32).
    V1 = 1,
}

/// What stands before the value of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) format: MessageFormat,
    pub(super) offset: Offset,
    pub(super) compression: Compression,
    /// Whether a broker has set the timestamp.
    pub(super) is_log_append_time: bool,
    pub(super) timestamp_ms: i64,
    pub(super) key: Option<&'a [u8]>,
}

/// Offset and length, which the length does not count.
pub(super) const UNCOUNTED_LEN: usize = 12;
/// In the attributes: the timestamp is the broker's.
pub(super) const LOG_APPEND_TIME_BIT: u8 = 1 << 3;

/// Offset, length, checksum, magic and attributes.
const FIXED_LEN: usize = UNCOUNTED_LEN + 4 + 1 + 1;
/// Where the checksum begins to count, behind itself.
const CHECKED_AT: usize = UNCOUNTED_LEN + 4;

impl MessageFormat {
    /// The format's number, in every message.
    pub const fn magic(self) -> u8 {
        self as u8
    }

    /// How long a message with such a key and value is.
    pub(super) fn message_len(self, key: Option<&[u8]>, value: Option<&[u8]>) -> usize {
        let timestamp = match self {
            Self::V0 => 0,
            Self::V1 => size_of::<i64>(),
        };
        let field = |bytes: Option<&[u8]>| size_of::<i32>() + bytes.map_or(0, <[u8]>::len);
        (FIXED_LEN + timestamp).saturating_add(field(key)).saturating_add(field(value))
    }
}

impl Head<'_> {
    /// Appends a message. If it cannot be written, nothing is appended.
    pub(super) fn write(&self, value: Option<&[u8]>, out: &mut Vec<u8>) -> Result<()> {
        self.write_with(out, |out| match value {
            None => Ok(-1),
            Some(value) => {
                out.extend_from_slice(value);
                length_field(value.len())
            }
        })
    }

    /// The same with a value that `append` appends; it answers what belongs into the length field.
    pub(super) fn write_with(
        &self,
        out: &mut Vec<u8>,
        append: impl FnOnce(&mut Vec<u8>) -> Result<i32>,
    ) -> Result<()> {
        let start = out.len();
        let written = self.append_all(start, out, append);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn append_all(
        &self,
        start: usize,
        out: &mut Vec<u8>,
        append: impl FnOnce(&mut Vec<u8>) -> Result<i32>,
    ) -> Result<()> {
        let append_time = if self.is_log_append_time { LOG_APPEND_TIME_BIT } else { 0 };
        let mut writer = Writer::new(out);
        writer.int64(self.offset.0);
        writer.int32(0);
        writer.uint32(0);
        match self.format {
            MessageFormat::V0 => writer.raw(&[self.format.magic(), self.compression.id()]),
            MessageFormat::V1 => {
                writer.raw(&[self.format.magic(), self.compression.id() | append_time]);
                writer.int64(self.timestamp_ms);
            }
        }
        writer.int32(self.key.map_or(Ok(-1), |key| length_field(key.len()))?);
        writer.raw(self.key.unwrap_or_default());
        let value_at = out.len();
        out.extend_from_slice(&[0; size_of::<i32>()]);
        let value_len = append(out)?;
        let message_len = length_field(out.len().saturating_sub(start + UNCOUNTED_LEN))?;
        put(out, value_at, value_len.to_be_bytes());
        put(out, start + size_of::<i64>(), message_len.to_be_bytes());
        let crc = checksum(out.get(start + CHECKED_AT..).unwrap_or_default());
        put(out, start + UNCOUNTED_LEN, crc.to_be_bytes());
        Ok(())
    }
}

/// CRC-32 of IEEE 802.3, as zlib has it.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

pub(super) fn length_field(length: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| Error::Unwritable { what: "a message of 2 GiB or more" })
}

/// Writes over four bytes that were appended before.
fn put(out: &mut [u8], at: usize, bytes: [u8; 4]) {
    if let Some(place) = out.get_mut(at..).and_then(|tail| tail.first_chunk_mut()) {
        *place = bytes;
    }
}
