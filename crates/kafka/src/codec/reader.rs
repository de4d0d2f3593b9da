//! A cursor over bytes from outside. It never reads past the end and never allocates.

use crate::{Error, Result};

/// Reads primitive types from the front of a slice.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    /// What was not read yet.
    rest: &'a [u8],
    /// How many bytes were read, for error messages.
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins at the front of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, at: 0 }
    }

    /// How many bytes were read so far.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Everything that was not read yet, without reading it.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`Error::Truncated`] if fewer are left.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        match self.rest.split_at_checked(length) {
            Some((taken, rest)) => {
                self.rest = rest;
                self.at = self.at.saturating_add(length);
                Ok(taken)
            }
            None => Err(Error::Truncated {
                at: self.at,
                needed: length.saturating_sub(self.rest.len()),
            }),
        }
    }

    /// A reader of the next `length` bytes alone; this one continues behind them.
    ///
    /// # Errors
    /// [`Error::Truncated`] if fewer are left.
    pub fn sub(&mut self, length: usize) -> Result<Self> {
        let at = self.at;
        Ok(Self { rest: self.take(length)?, at })
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.rest.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.rest = rest;
                self.at = self.at.saturating_add(N);
                Ok(*chunk)
            }
            None => {
                Err(Error::Truncated { at: self.at, needed: N.saturating_sub(self.rest.len()) })
            }
        }
    }

    /// One byte.
    pub fn uint8(&mut self) -> Result<u8> {
        let [byte] = self.array::<1>()?;
        Ok(byte)
    }

    /// One byte, signed.
    pub fn int8(&mut self) -> Result<i8> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    /// Two bytes, signed, high byte first.
    pub fn int16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// Four bytes, signed, high byte first.
    pub fn int32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// Four bytes, unsigned, high byte first.
    pub fn uint32(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    /// Eight bytes, signed, high byte first.
    pub fn int64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self) -> Result<[u8; 16]> {
        self.array()
    }

    /// An unsigned number of up to 64 bits in groups of seven, low group first.
    #[inline]
    fn groups_of_seven(&mut self, bits: u32) -> Result<u64> {
        let at = self.at;
        let mut value = 0u64;
        let mut shift = 0;
        loop {
            let byte = self.uint8()?;
            let group = u64::from(byte & 0x7f);
            let fits = shift + 7 <= bits || group >> (bits - shift) == 0;
            if !fits {
                return Err(Error::Malformed { at, what: "a variable-length number of its width" });
            }
            value |= group << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
            if shift >= bits {
                return Err(Error::Malformed { at, what: "a variable-length number that ends" });
            }
        }
    }

    /// An unsigned number of variable length, 32 bits wide.
    pub fn unsigned_varint(&mut self) -> Result<u32> {
        let at = self.at;
        u32::try_from(self.groups_of_seven(32)?)
            .map_err(|_| Error::Malformed { at, what: "a number of 32 bits" })
    }

    /// A signed number of variable length, zigzag, 32 bits wide.
    #[inline]
    pub fn varint(&mut self) -> Result<i32> {
        let folded = self.unsigned_varint()?;
        Ok((folded >> 1).cast_signed() ^ -((folded & 1).cast_signed()))
    }

    /// A signed number of variable length, zigzag, 64 bits wide.
    #[inline]
    pub fn varlong(&mut self) -> Result<i64> {
        let folded = self.groups_of_seven(64)?;
        Ok((folded >> 1).cast_signed() ^ -((folded & 1).cast_signed()))
    }

    /// Bytes whose length stands before them as a [`Reader::varint`]; −1 is null.
    pub fn varint_bytes(&mut self) -> Result<Option<&'a [u8]>> {
        let at = self.at;
        match self.varint()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length)
                    .map_err(|_| Error::Malformed { at, what: "a length of at least −1" })?;
                self.take(length).map(Some)
            }
        }
    }
}
