//! The primitive types of the protocol, and one description of a message for both directions.
//!
//! A message implements [`Wire`] by naming its fields in order to a [`Coder`]: [`Decoder`] fills
//! them from bytes, [`Encoder`] appends them to bytes. So the two directions cannot disagree, and a
//! message file reads like the tables of the protocol guide. A field that a version does not have
//! keeps its default when read, and is left out when written.

mod decoder;
mod encoder;
mod reader;
mod tags;
mod writer;

#[cfg(test)]
mod tests;

pub use decoder::{Decoder, ELEMENTS_MAX};
pub(crate) use encoder::Cut;
pub use encoder::Encoder;
pub use reader::Reader;
pub use tags::Tags;
pub use writer::{Writer, varint_len, varlong_len};

use crate::{Result, messages::Records};

/// Something that stands on the wire.
pub trait Wire<'a> {
    /// Hands every field to the coder, in the order of the wire.
    ///
    /// # Errors
    /// Whatever the coder finds: bytes that break the format when reading, values without a form
    /// when writing.
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()>;
}

/// One direction of the wire: a [`Decoder`] that fills what it is given, or an [`Encoder`] that
/// writes it and leaves it as it is.
pub trait Coder<'a>: Sized {
    /// The version of the message.
    fn version(&self) -> i16;
    /// Whether the version has compact lengths and tagged fields (KIP-482).
    fn flexible(&self) -> bool;

    /// One byte, signed.
    fn int8(&mut self, value: &mut i8) -> Result<()>;
    /// Two bytes, signed.
    fn int16(&mut self, value: &mut i16) -> Result<()>;
    /// Four bytes, signed.
    fn int32(&mut self, value: &mut i32) -> Result<()>;
    /// Eight bytes, signed.
    fn int64(&mut self, value: &mut i64) -> Result<()>;
    /// Sixteen bytes.
    fn uuid(&mut self, value: &mut [u8; 16]) -> Result<()>;
    /// A string with a length of two bytes, or a compact one.
    fn nullable_string(&mut self, value: &mut Option<&'a str>) -> Result<()>;
    /// Bytes with a length of four bytes, or a compact one.
    fn nullable_bytes(&mut self, value: &mut Option<&'a [u8]>) -> Result<()>;
    /// Record batches: written as nullable bytes, which may stand elsewhere.
    fn records(&mut self, value: &mut Records<'a>) -> Result<()>;
    /// An array that may be null.
    fn nullable_array<T: Wire<'a> + Default>(&mut self, value: &mut Option<Vec<T>>) -> Result<()>;
    /// An array that may not be null.
    fn array<T: Wire<'a> + Default>(&mut self, value: &mut Vec<T>) -> Result<()>;
    /// A string that may not be null.
    fn string(&mut self, value: &mut &'a str) -> Result<()>;
    /// Bytes that may not be null.
    fn bytes(&mut self, value: &mut &'a [u8]) -> Result<()>;
    /// Begins the tagged fields at the end of a flexible structure (KIP-482).
    fn begin_tags(&mut self) -> Result<Tags<'a>>;
    /// A tagged field, in the order of their numbers. It is written if it is not its default.
    fn tag<T: Wire<'a> + Default + PartialEq>(
        &mut self,
        tags: &mut Tags<'a>,
        number: u32,
        value: &mut T,
    ) -> Result<()>;
    /// Ends the tagged fields.
    fn end_tags(&mut self, tags: Tags<'a>) -> Result<()>;

    /// The end of a flexible structure of which no tagged field is known: all are skipped when read,
    /// and none is written.
    fn tags(&mut self) -> Result<()> {
        let tags = self.begin_tags()?;
        self.end_tags(tags)
    }

    /// A tagged field that came with version `first`.
    fn tag_since<T: Wire<'a> + Default + PartialEq>(
        &mut self,
        first: i16,
        tags: &mut Tags<'a>,
        number: u32,
        value: &mut T,
    ) -> Result<()> {
        if self.version() >= first { self.tag(tags, number, value) } else { Ok(()) }
    }

    /// A structure that may be null: one byte says whether it is there.
    fn nullable_struct<T: Wire<'a> + Default>(&mut self, value: &mut Option<T>) -> Result<()> {
        let mut present = if value.is_some() { 1 } else { -1 };
        self.int8(&mut present)?;
        if present < 0 {
            *value = None;
            return Ok(());
        }
        value.get_or_insert_default().wire(self)
    }

    /// A string that may be null since version `first`; before, null is written as empty.
    fn nullable_string_since(&mut self, first: i16, value: &mut Option<&'a str>) -> Result<()> {
        if self.version() >= first {
            return self.nullable_string(value);
        }
        self.string(value.get_or_insert_default())
    }

    /// An array that may be null since version `first`; before, null is written as empty.
    fn nullable_array_since<T: Wire<'a> + Default>(
        &mut self,
        first: i16,
        value: &mut Option<Vec<T>>,
    ) -> Result<()> {
        if self.version() >= first {
            return self.nullable_array(value);
        }
        self.array(value.get_or_insert_default())
    }

    /// A field that every version has.
    fn field<T: Wire<'a>>(&mut self, value: &mut T) -> Result<()> {
        value.wire(self)
    }

    /// A field that came with version `first`.
    fn since<T: Wire<'a>>(&mut self, first: i16, value: &mut T) -> Result<()> {
        if self.version() >= first { value.wire(self) } else { Ok(()) }
    }

    /// A field that version `last` was the last to have.
    fn until<T: Wire<'a>>(&mut self, last: i16, value: &mut T) -> Result<()> {
        if self.version() <= last { value.wire(self) } else { Ok(()) }
    }

    /// A field that only the versions from `first` to `last` have.
    fn between<T: Wire<'a>>(&mut self, first: i16, last: i16, value: &mut T) -> Result<()> {
        if (first..=last).contains(&self.version()) { value.wire(self) } else { Ok(()) }
    }
}

macro_rules! wire_as {
    ($($rust:ty => $method:ident,)*) => {
        $(impl<'a> Wire<'a> for $rust {
            fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
                coder.$method(self)
            }
        })*
    };
}

wire_as! {
    i8 => int8,
    i16 => int16,
    i32 => int32,
    i64 => int64,
    &'a str => string,
    Option<&'a str> => nullable_string,
    &'a [u8] => bytes,
    Option<&'a [u8]> => nullable_bytes,
    Records<'a> => records,
}

impl<'a> Wire<'a> for bool {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        let mut byte = i8::from(*self);
        coder.int8(&mut byte)?;
        *self = byte != 0;
        Ok(())
    }
}

impl<'a, T: Wire<'a> + Default> Wire<'a> for Vec<T> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.array(self)
    }
}

impl<'a, T: Wire<'a> + Default> Wire<'a> for Option<Vec<T>> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.nullable_array(self)
    }
}
