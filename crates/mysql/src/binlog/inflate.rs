//! MariaDB's compressed parts: a marker byte, the length in big-endian bytes, and a zlib stream.
//!
//! `binlog_buf_compress` of `sql/log_event.cc`; the columns of `COMPRESSED` tables use a cousin of it.

use std::io::Read;

use super::DecodeError;

/// Inflates `packed` into `buffer`, which is cleared before, and returns what it holds then.
pub(super) fn inflate<'b>(
    what: &'static str,
    packed: &[u8],
    buffer: &'b mut Vec<u8>,
    limit: usize,
) -> Result<&'b [u8], DecodeError> {
    let (marker, rest) =
        packed.split_first().ok_or(DecodeError::malformed(what, "it ends too early"))?;
    if marker & 0xf0 != 0x80 {
        return Err(DecodeError::malformed(what, "it is not compressed by zlib"));
    }
    let length_bytes = usize::from(marker & 0x07);
    if !(1..=4).contains(&length_bytes) {
        return Err(DecodeError::malformed(what, "its length is not 1 to 4 bytes long"));
    }
    let (length, stream) = rest
        .split_at_checked(length_bytes)
        .ok_or(DecodeError::malformed(what, "it ends too early"))?;
    let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    inflate_exactly(what, flate2::read::ZlibDecoder::new(stream), length, buffer, limit)
}

/// Reads exactly `length` bytes, growing `buffer` only as they come.
pub(super) fn inflate_exactly<'b>(
    what: &'static str,
    stream: impl Read,
    length: u64,
    buffer: &'b mut Vec<u8>,
    limit: usize,
) -> Result<&'b [u8], DecodeError> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    if length > limit {
        return Err(DecodeError::TooLarge { what, bytes: length, limit });
    }
    buffer.clear();
    let read = stream.take(length.saturating_add(1)).read_to_end(buffer);
    match read {
        Ok(read) if u64::try_from(read) == Ok(length) => Ok(buffer),
        Ok(_) => Err(DecodeError::malformed(what, "it inflates to another length than it says")),
        Err(_) => Err(DecodeError::malformed(what, "its zlib stream is damaged")),
    }
}
