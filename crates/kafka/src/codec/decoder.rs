//! Bytes into messages.

use std::mem;

use crate::{
    ApiKey, ApiVersion, Error, Result,
    codec::{Coder, Reader, Tags, Wire},
    messages::Records,
};

/// How many array elements one message may hold, all arrays together. A request that names every
/// topic of a full server stays far below; a hostile one cannot make much of few bytes.
pub const ELEMENTS_MAX: usize = 16_384;

/// How many elements an array reserves room for before the first of them was read.
const ELEMENTS_RESERVED_MAX: usize = 64;

/// Fills messages from bytes.
#[derive(Debug)]
pub struct Decoder<'a> {
    reader: Reader<'a>,
    version: i16,
    flexible: bool,
    /// What is left of [`ELEMENTS_MAX`].
    elements_left: usize,
}

impl<'a> Decoder<'a> {
    /// Reads a message of this API and version from the front of `bytes`.
    pub const fn new(api: ApiKey, version: ApiVersion, bytes: &'a [u8]) -> Self {
        Self::with_flexible(version.0, api.is_flexible(version), bytes)
    }

    pub(crate) const fn with_flexible(version: i16, flexible: bool, bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), version, flexible, elements_left: ELEMENTS_MAX }
    }

    /// How many array elements were read, all arrays together.
    pub const fn elements_read(&self) -> usize {
        ELEMENTS_MAX - self.elements_left
    }

    /// What was not read.
    pub const fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }

    fn compact_length(&mut self) -> Result<Option<usize>> {
        let at = self.reader.position();
        match self.reader.unsigned_varint()?.checked_sub(1) {
            None => Ok(None),
            Some(length) => usize::try_from(length)
                .map(Some)
                .map_err(|_| Error::Malformed { at, what: "a length of this machine" }),
        }
    }

    fn string_length(&mut self) -> Result<Option<usize>> {
        if self.flexible {
            return self.compact_length();
        }
        let at = self.reader.position();
        plain_length(at, i32::from(self.reader.int16()?))
    }

    fn long_length(&mut self) -> Result<Option<usize>> {
        if self.flexible {
            return self.compact_length();
        }
        let at = self.reader.position();
        plain_length(at, self.reader.int32()?)
    }

    fn elements<T: Wire<'a> + Default>(&mut self) -> Result<Option<Vec<T>>> {
        let at = self.reader.position();
        let Some(length) = self.long_length()? else { return Ok(None) };
        // No element of the protocol is shorter than one byte.
        if length > self.reader.remaining() {
            let needed = length.saturating_sub(self.reader.remaining());
            return Err(Error::Truncated { at, needed });
        }
        self.elements_left = self
            .elements_left
            .checked_sub(length)
            .ok_or(Error::TooManyElements { at, limit: ELEMENTS_MAX })?;
        let mut elements = Vec::with_capacity(length.min(ELEMENTS_RESERVED_MAX));
        for _ in 0..length {
            let mut element = T::default();
            element.wire(self)?;
            elements.push(element);
        }
        Ok(Some(elements))
    }

    fn not_null<T>(&self, value: Option<T>, at: usize) -> Result<T> {
        value.ok_or(Error::Malformed { at, what: "a value that is not null" })
    }
}

fn plain_length(at: usize, length: i32) -> Result<Option<usize>> {
    if length == -1 {
        return Ok(None);
    }
    usize::try_from(length)
        .map(Some)
        .map_err(|_| Error::Malformed { at, what: "a length of at least −1" })
}

impl<'a> Coder<'a> for Decoder<'a> {
    fn version(&self) -> i16 {
        self.version
    }

    fn flexible(&self) -> bool {
        self.flexible
    }

    fn int8(&mut self, value: &mut i8) -> Result<()> {
        *value = self.reader.int8()?;
        Ok(())
    }

    fn int16(&mut self, value: &mut i16) -> Result<()> {
        *value = self.reader.int16()?;
        Ok(())
    }

    fn int32(&mut self, value: &mut i32) -> Result<()> {
        *value = self.reader.int32()?;
        Ok(())
    }

    fn int64(&mut self, value: &mut i64) -> Result<()> {
        *value = self.reader.int64()?;
        Ok(())
    }

    fn uuid(&mut self, value: &mut [u8; 16]) -> Result<()> {
        *value = self.reader.uuid()?;
        Ok(())
    }

    fn nullable_string(&mut self, value: &mut Option<&'a str>) -> Result<()> {
        *value = match self.string_length()? {
            None => None,
            Some(length) => {
                let at = self.reader.position();
                let bytes = self.reader.take(length)?;
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| Error::Malformed { at, what: "a string in UTF-8" })?;
                Some(text)
            }
        };
        Ok(())
    }

    fn nullable_bytes(&mut self, value: &mut Option<&'a [u8]>) -> Result<()> {
        *value = match self.long_length()? {
            None => None,
            Some(length) => Some(self.reader.take(length)?),
        };
        Ok(())
    }

    fn records(&mut self, value: &mut Records<'a>) -> Result<()> {
        let mut bytes = None;
        self.nullable_bytes(&mut bytes)?;
        *value = bytes.map_or(Records::Null, Records::Here);
        Ok(())
    }

    fn nullable_array<T: Wire<'a> + Default>(&mut self, value: &mut Option<Vec<T>>) -> Result<()> {
        *value = self.elements()?;
        Ok(())
    }

    fn array<T: Wire<'a> + Default>(&mut self, value: &mut Vec<T>) -> Result<()> {
        let at = self.reader.position();
        let elements = self.elements()?;
        *value = self.not_null(elements, at)?;
        Ok(())
    }

    fn string(&mut self, value: &mut &'a str) -> Result<()> {
        let at = self.reader.position();
        let mut text = None;
        self.nullable_string(&mut text)?;
        *value = self.not_null(text, at)?;
        Ok(())
    }

    fn bytes(&mut self, value: &mut &'a [u8]) -> Result<()> {
        let at = self.reader.position();
        let mut bytes = None;
        self.nullable_bytes(&mut bytes)?;
        *value = self.not_null(bytes, at)?;
        Ok(())
    }

    fn begin_tags(&mut self) -> Result<Tags<'a>> {
        if self.flexible { Tags::read(&mut self.reader) } else { Ok(Tags::none()) }
    }

    fn tag<T: Wire<'a> + Default + PartialEq>(
        &mut self,
        tags: &mut Tags<'a>,
        number: u32,
        value: &mut T,
    ) -> Result<()> {
        let Some(field) = tags.find(number)? else { return Ok(()) };
        let behind = mem::replace(&mut self.reader, field);
        value.wire(self)?;
        self.reader = behind;
        Ok(())
    }

    fn end_tags(&mut self, _read: Tags<'a>) -> Result<()> {
        Ok(())
    }
}
