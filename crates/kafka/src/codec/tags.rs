//! The tagged fields of one structure on their way (KIP-482): those that are known here are named one by
//! one, in the order of their numbers; all others are skipped when read, and never written.

use crate::{
    Error, Result,
    codec::{Reader, Writer},
};

/// Between [`super::Coder::begin_tags`] and [`super::Coder::end_tags`]. It is empty in a version without
/// tagged fields.
#[derive(Debug)]
pub struct Tags<'a> {
    /// When reading: all fields, each behind its number and its size.
    section: Reader<'a>,
    /// How many fields there are, or were written so far.
    count: u32,
    /// When writing: the fields so far.
    written: Vec<u8>,
}

impl<'a> Tags<'a> {
    /// None, or none yet.
    pub(crate) const fn none() -> Self {
        Self { section: Reader::new(&[]), count: 0, written: Vec::new() }
    }

    /// Takes the tagged fields off the front of what is read.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let count = reader.unsigned_varint()?;
        let section = reader.clone();
        for _ in 0..count {
            next(reader)?;
        }
        Ok(Self { section, count, written: Vec::new() })
    }

    /// The bytes of one field that was read.
    pub(crate) fn find(&self, number: u32) -> Result<Option<Reader<'a>>> {
        let mut section = self.section.clone();
        for _ in 0..self.count {
            let (found, field) = next(&mut section)?;
            if found == number {
                return Ok(Some(field));
            }
        }
        Ok(None)
    }

    /// Adds a field to be written.
    pub(crate) fn add(&mut self, number: u32, field: &[u8]) -> Result<()> {
        let size = u32::try_from(field.len())
            .map_err(|_| Error::Unwritable { what: "a tagged field of more than 32 bits" })?;
        let mut writer = Writer::new(&mut self.written);
        writer.unsigned_varint(number);
        writer.unsigned_varint(size);
        writer.raw(field);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Writes what was added.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        writer.unsigned_varint(self.count);
        writer.raw(&self.written);
    }
}

/// The number and the bytes of the field in front.
fn next<'a>(reader: &mut Reader<'a>) -> Result<(u32, Reader<'a>)> {
    let number = reader.unsigned_varint()?;
    let at = reader.position();
    let size = usize::try_from(reader.unsigned_varint()?)
        .map_err(|_| Error::Malformed { at, what: "a size of this machine" })?;
    Ok((number, reader.sub(size)?))
}
