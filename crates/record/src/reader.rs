//! Reading Avro's binary primitives from a slice, bounded by it.
//!
//! No length from the bytes is trusted: what it names must be there before anything is made of it.

use crate::DecodeError;

/// A cursor over the bytes of one record.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len: bytes.len() }
    }

    /// An error at the current place.
    pub(crate) fn malformed(&self, reason: &'static str) -> DecodeError {
        DecodeError::Malformed { offset: self.offset(), reason }
    }

    pub(crate) fn long(&mut self) -> Result<i64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(self.malformed("a number has more than 64 bits"))
    }

    pub(crate) fn int(&mut self) -> Result<i32, DecodeError> {
        let value = self.long()?;
        i32::try_from(value).map_err(|_| self.malformed("a number has more than 32 bits"))
    }

    pub(crate) fn double(&mut self) -> Result<f64, DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated())?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.long()?;
        let len = usize::try_from(len).map_err(|_| self.malformed("a length is negative"))?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.truncated())?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn string(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("a string is not UTF-8"))
    }

    /// The items of an array or map, of which there may be `most`.
    pub(crate) fn blocks<T>(
        &mut self,
        most: u64,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut items = Vec::new();
        let mut left = most;
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(items);
            }
            if count < 0 {
                // A sized block: its length in bytes lets other readers skip it.
                self.long()?;
            }
            let count = count.unsigned_abs();
            left = left.checked_sub(count).ok_or_else(|| self.malformed("too many items"))?;
            for _ in 0..count {
                items.push(item(self)?);
            }
        }
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Fails if anything is left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed("bytes follow the record")) }
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (byte, rest) = self.rest.split_first().ok_or_else(|| self.truncated())?;
        self.rest = rest;
        Ok(*byte)
    }

    fn offset(&self) -> usize {
        self.len - self.rest.len()
    }

    fn truncated(&self) -> DecodeError {
        DecodeError::Truncated(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_more_than_64_bits_are_refused() {
        let nine = [0xff; 9];
        let with = |last: &[u8]| [&nine[..], last].concat();
        assert_eq!(Reader::new(&with(&[0x01])).long(), Ok(i64::MIN));
        assert!(Reader::new(&with(&[0x02])).long().is_err());
        assert!(Reader::new(&with(&[0x81, 0x00])).long().is_err());
        assert!(Reader::new(&[0x80, 0x80, 0x80, 0x80, 0x20]).int().is_err());
    }

    #[test]
    fn lengths_beyond_the_bytes_are_refused_before_anything_is_allocated() {
        assert_eq!(
            Reader::new(&[0xfe, 0xff, 0xff, 0xff, 0x0f, 1]).bytes(),
            Err(DecodeError::Truncated(6))
        );
        assert!(matches!(Reader::new(&[0x01]).bytes(), Err(DecodeError::Malformed { .. })));
    }

    #[test]
    fn blocks_may_be_several_and_sized() {
        let bytes = [0x04, 0x02, 0x04, 0x01, 0x02, 0x06, 0x00];
        assert_eq!(Reader::new(&bytes).blocks(3, Reader::long), Ok(vec![1, 2, 3]));
        assert!(Reader::new(&bytes).blocks(2, Reader::long).is_err());
        let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert!(Reader::new(&huge).blocks(9, Reader::long).is_err());
    }
}
