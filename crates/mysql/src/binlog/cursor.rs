//! Bounded reading of little-endian numbers and lengths.

use super::DecodeError;

/// Walks through one event. Every step checks what is left, so no read leaves the event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads `bytes`; `what` names the part in errors.
    pub(super) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    pub(super) const fn malformed(&self, reason: &'static str) -> DecodeError {
        DecodeError::malformed(self.what, reason)
    }

    const fn too_short(&self) -> DecodeError {
        self.malformed("it ends too early")
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(self.too_short())?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(self.too_short())?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    #[inline]
    pub(super) fn u24(&mut self) -> Result<u32, DecodeError> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u48(&mut self) -> Result<u64, DecodeError> {
        self.array().map(|[a, b, c, d, e, f]| u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    pub(super) fn u56(&mut self) -> Result<u64, DecodeError> {
        self.array().map(|[a, b, c, d, e, f, g]| u64::from_le_bytes([a, b, c, d, e, f, g, 0]))
    }

    #[inline]
    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A packed integer (`net_field_length`).
    pub(super) fn packed(&mut self) -> Result<u64, DecodeError> {
        match self.u8()? {
            small @ ..=0xfa => Ok(u64::from(small)),
            0xfc => self.u16().map(u64::from),
            0xfd => self.u24().map(u64::from),
            0xfe => self.u64(),
            0xfb | 0xff => Err(self.malformed("a length starts with a reserved byte")),
        }
    }

    /// A packed integer that counts bytes or items which this cursor still has to hold.
    pub(super) fn packed_len(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(self.packed()?).map_err(|_| self.too_short())
    }

    /// Bytes behind a packed length.
    pub(super) fn packed_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.packed_len()?;
        self.bytes(length)
    }

    /// Bytes behind a length of one byte.
    pub(super) fn short_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.u8()?;
        self.bytes(usize::from(length))
    }

    /// An unsigned number of the MySQL serialization library: the trailing ones of the first byte
    /// count the bytes behind it.
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let first = self.u8()?;
        let more = first.trailing_ones();
        let mut wide = [0_u8; 8];
        let count = usize::try_from(more).map_err(|_| self.too_short())?;
        let tail = self.bytes(count)?;
        for (to, from) in wide.iter_mut().zip(tail) {
            *to = *from;
        }
        let tail = u64::from_le_bytes(wide);
        if more >= 7 {
            return Ok(tail);
        }
        let head_bits = 7 - more;
        Ok((tail << head_bits) | u64::from(first >> (more + 1)))
    }

    /// The signed twin of [`Cursor::varint`]: the lowest bit is the sign.
    pub(super) fn signed_varint(&mut self) -> Result<i64, DecodeError> {
        let raw = self.varint()?;
        let magnitude = (raw >> 1).cast_signed();
        Ok(if raw & 1 == 1 { !magnitude } else { magnitude })
    }
}

/// The `length` (1 to 4) bytes at the start of `bytes` as a little-endian number, and what follows.
#[inline]
pub(super) fn split_length(bytes: &[u8], length: u8) -> Option<(usize, &[u8])> {
    match length {
        1 => bytes.split_first().map(|(byte, rest)| (usize::from(*byte), rest)),
        2 => bytes
            .split_first_chunk()
            .map(|(raw, rest)| (usize::from(u16::from_le_bytes(*raw)), rest)),
        3 => {
            let ([a, b, c], rest) = bytes.split_first_chunk()?;
            Some((usize::try_from(u32::from_le_bytes([*a, *b, *c, 0])).ok()?, rest))
        }
        4 => {
            let (raw, rest) = bytes.split_first_chunk()?;
            Some((usize::try_from(u32::from_le_bytes(*raw)).ok()?, rest))
        }
        _ => None,
    }
}
