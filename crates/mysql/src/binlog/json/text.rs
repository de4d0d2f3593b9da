//! JSON text in the making, as bytes: whether they are UTF-8 is looked at once, when it is whole.
//!
//! Strings in documents are short, so each is copied and searched for what must be escaped eight bytes
//! at a time. What an incomplete character at the end of one string lacks cannot come from what stands
//! behind it, which is a quotation mark.

use std::fmt::Write as _;

/// Text that grows at its end.
#[derive(Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
}

impl Text {
    /// Goes on behind `text`.
    pub(super) fn behind(text: String) -> Self {
        Self { bytes: text.into_bytes() }
    }

    /// The whole text; or the buffer, empty, if it is not UTF-8.
    pub(super) fn finish(self) -> Result<String, String> {
        String::from_utf8(self.bytes).map_err(|error| {
            let mut bytes = error.into_bytes();
            bytes.clear();
            String::from_utf8(bytes).unwrap_or_default()
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Appends two bytes.
    #[inline]
    pub(super) fn push_pair(&mut self, pair: [u8; 2]) {
        self.bytes.extend_from_slice(&pair);
    }

    #[inline]
    pub(super) fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn push_integer(&mut self, number: impl itoa::Integer) {
        self.push_str(itoa::Buffer::new().format(number));
    }

    /// Appends a string in quotation marks.
    #[inline]
    pub(super) fn push_quoted(&mut self, string: &[u8]) {
        self.bytes.reserve(string.len() + 2 + EIGHT);
        self.push(b'"');
        let (eights, rest) = string.as_chunks::<EIGHT>();
        for eight in eights {
            self.push_eight(*eight, EIGHT);
        }
        if let (Some(last), false) = (string.last_chunk::<EIGHT>(), rest.is_empty()) {
            let mut eight = [b' '; EIGHT];
            let moved = u64::from_le_bytes(*last) >> (8 * (EIGHT - rest.len()));
            eight.copy_from_slice(&moved.to_le_bytes());
            self.push_end(eight, rest.len());
        } else if !rest.is_empty() {
            self.push_end(short(rest), rest.len());
        }
        self.push(b'"');
    }

    /// Appends the first `length` of eight bytes, whose others are zeros.
    #[inline]
    fn push_end(&mut self, eight: [u8; EIGHT], length: usize) {
        let blank = BLANKS.checked_shl(8 * u32::try_from(length).unwrap_or(0)).unwrap_or(0);
        self.push_eight((u64::from_le_bytes(eight) | blank).to_le_bytes(), length);
    }

    /// Appends the first `length` of eight bytes.
    #[inline]
    fn push_eight(&mut self, eight: [u8; EIGHT], length: usize) {
        if needs_escape(u64::from_le_bytes(eight)) {
            eight.iter().take(length).for_each(|byte| self.push_escaped(*byte));
        } else {
            let end = self.bytes.len() + length;
            self.bytes.extend_from_slice(&eight);
            self.bytes.truncate(end);
        }
    }

    #[cold]
    fn push_escaped(&mut self, byte: u8) {
        match byte {
            b'"' => self.push_str("\\\""),
            b'\\' => self.push_str("\\\\"),
            8 => self.push_str("\\b"),
            b'\t' => self.push_str("\\t"),
            b'\n' => self.push_str("\\n"),
            12 => self.push_str("\\f"),
            b'\r' => self.push_str("\\r"),
            control @ 0..0x20 => {
                let _ = write!(self, "\\u{control:04x}");
            }
            plain => self.push(plain),
        }
    }
}

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

/// Fewer than eight bytes, with zeros behind.
#[inline]
fn short(bytes: &[u8]) -> [u8; EIGHT] {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)).to_le_bytes()
}

/// Whether one of eight bytes is a control character, a quotation mark or a backslash.
///
/// Of a byte that is below the one it is compared with, the highest bit is set by the subtraction and
/// was not set before; what a byte borrows from the next one only hits bytes above one that is found.
#[inline]
const fn needs_escape(eight: u64) -> bool {
    let quotes = eight ^ (ONES * b'"' as u64);
    let slashes = eight ^ (ONES * b'\\' as u64);
    let controls = eight.wrapping_sub(ONES * 0x20) & !eight;
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let slashes = slashes.wrapping_sub(ONES) & !slashes;
    (controls | quotes | slashes) & (ONES << 7) != 0
}

const EIGHT: usize = 8;
const ONES: u64 = 0x0101_0101_0101_0101;
/// Characters that need no escape.
const BLANKS: u64 = ONES * b' ' as u64;

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(string: &[u8]) -> Vec<u8> {
        let mut text = Text::behind(String::new());
        text.push_quoted(string);
        text.bytes
    }

    /// The same, byte by byte.
    fn plainly(string: &[u8]) -> Vec<u8> {
        let mut text = Text::behind(String::new());
        text.push(b'"');
        string.iter().for_each(|byte| text.push_escaped(*byte));
        text.push(b'"');
        text.bytes
    }

    #[test]
    fn every_byte_at_every_place_of_every_length_is_escaped_or_not() {
        for length in 0..26 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut string: Vec<u8> = (b'a'..).take(length).collect();
                    string[place] = byte;
                    assert_eq!(quoted(&string), plainly(&string), "{byte} at {place} of {length}");
                }
            }
        }
        assert_eq!(quoted(b""), b"\"\"");
        assert_eq!(quoted(b"a\x01\"\\\n"), br#""a\u0001\"\\\n""#);
    }

    proptest::proptest! {
        #[test]
        fn strings_are_written_as_byte_by_byte(string: Vec<u8>) {
            proptest::prop_assert_eq!(quoted(&string), plainly(&string));
        }
    }

    #[test]
    fn what_is_no_text_gives_the_buffer_back() {
        let mut text = Text::behind(String::with_capacity(100));
        text.push_quoted(b"\xc3");
        assert!(text.finish().is_err_and(|buffer| buffer.is_empty() && buffer.capacity() >= 100));
    }
}
