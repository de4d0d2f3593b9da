//! Messages into bytes.

use crate::{
    ApiKey, ApiVersion, Error, Result,
    codec::{Coder, Tags, Wire, Writer},
    messages::Records,
};

/// A place in the written bytes where the bytes of records belong, which somebody else sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// How many of the encoder's bytes go before.
    pub(crate) at: usize,
    /// How many bytes of records follow there. Never 0.
    pub(crate) length: usize,
}

/// Appends messages to bytes.
#[derive(Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
    /// In the order of the bytes.
    cuts: Vec<Cut>,
    version: i16,
    flexible: bool,
}

impl Encoder {
    /// Writes a message of this API and version behind `bytes`.
    pub const fn new(api: ApiKey, version: ApiVersion, bytes: Vec<u8>) -> Self {
        Self::with_flexible(version.0, api.is_flexible(version), bytes)
    }

    pub(crate) const fn with_flexible(version: i16, flexible: bool, bytes: Vec<u8>) -> Self {
        Self { bytes, cuts: Vec::new(), version, flexible }
    }

    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<Cut>) {
        (self.bytes, self.cuts)
    }

    fn writer(&mut self) -> Writer<'_> {
        Writer::new(&mut self.bytes)
    }

    fn compact_length(&mut self, length: Option<usize>) -> Result<()> {
        let folded = match length {
            None => 0,
            Some(length) => u32::try_from(length)
                .ok()
                .and_then(|length| length.checked_add(1))
                .ok_or(Error::Unwritable { what: "a length of more than 32 bits" })?,
        };
        self.writer().unsigned_varint(folded);
        Ok(())
    }

    fn string_length(&mut self, length: Option<usize>) -> Result<()> {
        if self.flexible {
            return self.compact_length(length);
        }
        let length = length.map_or(Ok(-1), i16::try_from);
        let length =
            length.map_err(|_| Error::Unwritable { what: "a string of more than 32767 bytes" })?;
        self.writer().int16(length);
        Ok(())
    }

    fn long_length(&mut self, length: Option<usize>) -> Result<()> {
        if self.flexible {
            return self.compact_length(length);
        }
        let length = length.map_or(Ok(-1), i32::try_from);
        let length = length.map_err(|_| Error::Unwritable { what: "a length of 2 GiB or more" })?;
        self.writer().int32(length);
        Ok(())
    }
}

impl<'a> Coder<'a> for Encoder {
    fn version(&self) -> i16 {
        self.version
    }

    fn flexible(&self) -> bool {
        self.flexible
    }

    fn int8(&mut self, value: &mut i8) -> Result<()> {
        self.writer().int8(*value);
        Ok(())
    }

    fn int16(&mut self, value: &mut i16) -> Result<()> {
        self.writer().int16(*value);
        Ok(())
    }

    fn int32(&mut self, value: &mut i32) -> Result<()> {
        self.writer().int32(*value);
        Ok(())
    }

    fn int64(&mut self, value: &mut i64) -> Result<()> {
        self.writer().int64(*value);
        Ok(())
    }

    fn uuid(&mut self, value: &mut [u8; 16]) -> Result<()> {
        self.writer().raw(value);
        Ok(())
    }

    fn nullable_string(&mut self, value: &mut Option<&'a str>) -> Result<()> {
        self.string_length(value.map(str::len))?;
        self.writer().raw(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    fn nullable_bytes(&mut self, value: &mut Option<&'a [u8]>) -> Result<()> {
        self.long_length(value.map(<[u8]>::len))?;
        self.writer().raw(value.unwrap_or_default());
        Ok(())
    }

    fn records(&mut self, value: &mut Records<'a>) -> Result<()> {
        match *value {
            Records::Null => self.long_length(None),
            Records::Here(bytes) => self.nullable_bytes(&mut Some(bytes)),
            Records::Elsewhere(length) => {
                self.long_length(Some(length))?;
                if length > 0 {
                    self.cuts.push(Cut { at: self.bytes.len(), length });
                }
                Ok(())
            }
        }
    }

    fn nullable_array<T: Wire<'a> + Default>(&mut self, value: &mut Option<Vec<T>>) -> Result<()> {
        match value {
            None => self.long_length(None),
            Some(elements) => self.array(elements),
        }
    }

    fn array<T: Wire<'a> + Default>(&mut self, value: &mut Vec<T>) -> Result<()> {
        self.long_length(Some(value.len()))?;
        value.iter_mut().try_for_each(|element| element.wire(self))
    }

    fn string(&mut self, value: &mut &'a str) -> Result<()> {
        self.nullable_string(&mut Some(value))
    }

    fn bytes(&mut self, value: &mut &'a [u8]) -> Result<()> {
        self.nullable_bytes(&mut Some(value))
    }

    fn begin_tags(&mut self) -> Result<Tags<'a>> {
        Ok(Tags::none())
    }

    fn tag<T: Wire<'a> + Default + PartialEq>(
        &mut self,
        tags: &mut Tags<'a>,
        number: u32,
        value: &mut T,
    ) -> Result<()> {
        if !self.flexible || *value == T::default() {
            return Ok(());
        }
        let mut field = Self::with_flexible(self.version, self.flexible, Vec::new());
        value.wire(&mut field)?;
        tags.add(number, &field.bytes)
    }

    fn end_tags(&mut self, tags: Tags<'a>) -> Result<()> {
        if self.flexible {
            tags.write(&mut self.writer());
        }
        Ok(())
    }
}
