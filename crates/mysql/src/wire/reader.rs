//! Bounded reading of the protocol's basic types.

use crate::Error;

/// Walks through one message. Every step checks what is left, so no read leaves the message.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes`; `what` names the message in errors.
    #[must_use]
    pub const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    /// An error about this message.
    #[must_use]
    pub const fn malformed(&self, reason: &'static str) -> Error {
        Error::Malformed { what: self.what, reason }
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// The message ends before.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.malformed("it ends too early"));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// The message ends before.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.malformed("it ends too early"));
        };
        self.rest = rest;
        Ok(*taken)
    }

    /// `int<1>`.
    ///
    /// # Errors
    /// The message ends before.
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// `int<2>`.
    ///
    /// # Errors
    /// The message ends before.
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    /// `int<3>`.
    ///
    /// # Errors
    /// The message ends before.
    pub fn u24(&mut self) -> Result<u32, Error> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    /// `int<4>`.
    ///
    /// # Errors
    /// The message ends before.
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    /// `int<8>`.
    ///
    /// # Errors
    /// The message ends before.
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    /// `int<lenenc>`; the markers of NULL and of errors are refused.
    ///
    /// # Errors
    /// The message ends before, or the first byte is no length.
    pub fn lenenc_int(&mut self) -> Result<u64, Error> {
        match self.u8()? {
            small @ ..=0xfa => Ok(u64::from(small)),
            0xfc => self.u16().map(u64::from),
            0xfd => self.u24().map(u64::from),
            0xfe => self.u64(),
            0xfb | 0xff => Err(self.malformed("a length starts with a reserved byte")),
        }
    }

    /// `string<lenenc>`.
    ///
    /// # Errors
    /// The message ends before.
    pub fn lenenc_bytes(&mut self) -> Result<&'a [u8], Error> {
        let length = self.lenenc_int()?;
        let length = usize::try_from(length).map_err(|_| self.malformed("it ends too early"))?;
        self.bytes(length)
    }

    /// `string<NUL>`, without the zero byte.
    ///
    /// # Errors
    /// There is no zero byte.
    pub fn null_terminated(&mut self) -> Result<&'a [u8], Error> {
        let Some(end) = self.rest.iter().position(|byte| *byte == 0) else {
            return Err(self.malformed("a text has no end"));
        };
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Ok(text)
    }

    /// `string<EOF>`: everything that is left.
    pub const fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.rest = &[];
        rest
    }

    /// The next byte, without taking it.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Bytes not read yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }
}
