//! Writing Avro's binary primitives (Avro 1.11 specification, *Binary Encoding*), and text made on the
//! stack.
//!
//! Knows no record and no type; reading is [`crate::reader`].

use std::fmt;

use crate::digits::{push_signed, push_unsigned};

/// Branch numbers of the union that holds a column's value.
pub(crate) mod branch {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const INTEGER: u8 = 1;
    pub(crate) const CHARACTER: u8 = 2;
    pub(crate) const DECIMAL: u8 = 3;
    pub(crate) const FLOAT: u8 = 4;
    pub(crate) const TIMESTAMP: u8 = 5;
    pub(crate) const DATE_TIME: u8 = 6;
    pub(crate) const BINARY_GEOMETRY: u8 = 8;
    pub(crate) const BINARY_OBJECT: u8 = 10;
    pub(crate) const TEXT_OBJECT: u8 = 11;
    pub(crate) const EMPTY_OBJECT: u8 = 12;
}

/// Branch numbers of the unions null, string and array, as `fields` and the images use them.
pub(crate) mod section {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const TEXT: u8 = 1;
    pub(crate) const ARRAY: u8 = 2;
}

/// Appends a branch or symbol number below 64: one byte.
#[inline]
pub(crate) fn write_index(out: &mut Vec<u8>, index: u8) {
    debug_assert!(index < 64, "a branch or symbol number takes one byte");
    out.push(index << 1);
}

/// Appends an `int` or a `long`: both are the same variable-length zigzag number.
#[inline]
pub(crate) fn write_long(out: &mut Vec<u8>, value: i64) {
    write_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends a length or count.
#[inline]
pub(crate) fn write_len(out: &mut Vec<u8>, len: usize) {
    write_varint(out, (len as u64) << 1);
}

/// Appends `bytes` with their length.
#[inline]
pub(crate) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_len(out, bytes.len());
    push_bytes(out, bytes);
}

/// Appends `bytes`. Most values are short: those of up to 32 bytes are copied as two halves of fixed
/// width that overlap, which is a few instructions in place of a call.
#[inline]
pub(crate) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        0..4 => bytes.iter().for_each(|byte| out.push(*byte)),
        4..8 => push_halves::<4>(out, bytes),
        8..16 => push_halves::<8>(out, bytes),
        16..=32 => push_halves::<16>(out, bytes),
        _ => out.extend_from_slice(bytes),
    }
}

/// Appends `bytes`, of which there are `HALF` to twice as many.
#[inline]
fn push_halves<const HALF: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<HALF>(), bytes.last_chunk::<HALF>()) {
        let overlap_at = out.len() + bytes.len() - HALF;
        out.extend_from_slice(first);
        out.truncate(overlap_at);
        out.extend_from_slice(last);
    }
}

/// Appends a `string`.
#[inline]
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    write_bytes(out, text.as_bytes());
}

/// Appends a `string` that holds a number in decimal digits.
#[inline]
pub(crate) fn write_digits(out: &mut Vec<u8>, number: impl Into<Number>) {
    let length_at = out.len();
    out.push(0);
    match number.into() {
        Number::Signed(number) => push_signed(out, number),
        Number::Unsigned(number) => push_unsigned(out, number),
    }
    // At most twenty characters: the length is one byte.
    let length = low_bits((out.len() - length_at - 1) as u64);
    if let Some(place) = out.get_mut(length_at) {
        *place = length << 1;
    }
}

/// A whole number of either kind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Signed(i64),
    Unsigned(u64),
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self::Signed(number)
    }
}

impl From<u64> for Number {
    fn from(number: u64) -> Self {
        Self::Unsigned(number)
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Self::Unsigned(number.into())
    }
}

/// Appends a `double`.
#[inline]
pub(crate) fn write_double(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline]
fn write_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(low_bits(value));
    } else if value < 0x4000 {
        out.extend_from_slice(&[low_bits(value) | 0x80, low_bits(value >> 7)]);
    } else {
        write_long_varint(out, value);
    }
}

fn write_long_varint(out: &mut Vec<u8>, mut value: u64) {
    let mut bytes = [0_u8; 10];
    let mut len = 0;
    for byte in &mut bytes {
        len += 1;
        *byte = low_bits(value);
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    out.extend_from_slice(bytes.get(..len).unwrap_or_default());
}

#[inline]
fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

/// Text of at most `N` bytes on the stack. Writing more is a formatting error.
#[derive(Debug)]
pub(crate) struct StackText<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> StackText<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("")
    }
}

impl<const N: usize> fmt::Write for StackText<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::Reader;

    #[test]
    fn numbers_have_the_bytes_of_the_specification() {
        let cases: [(i64, &[u8]); 8] = [
            (0, &[0x00]),
            (-1, &[0x01]),
            (1, &[0x02]),
            (-64, &[0x7f]),
            (64, &[0x80, 0x01]),
            (8_191, &[0xfe, 0x7f]),
            (8_192, &[0x80, 0x80, 0x01]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ];
        for (number, bytes) in cases {
            let mut out = Vec::new();
            write_long(&mut out, number);
            assert_eq!(out, bytes, "{number}");
        }
    }

    #[test]
    fn bytes_of_every_length_are_copied_whole() {
        let bytes: Vec<u8> = (0..100).collect();
        for length in 0..bytes.len() {
            let mut out = vec![0xff; length % 7];
            push_bytes(&mut out, &bytes[..length]);
            assert_eq!(out.split_off(length % 7), bytes[..length]);
        }
    }

    proptest::proptest! {
        #[test]
        fn every_number_reads_back(number: i64) {
            let mut out = Vec::new();
            write_long(&mut out, number);
            let mut reader = Reader::new(&out);
            proptest::prop_assert_eq!(reader.long(), Ok(number));
            proptest::prop_assert!(reader.finish().is_ok());
        }
    }

    #[test]
    fn text_on_the_stack_refuses_what_does_not_fit() {
        use std::fmt::Write;
        let mut text = StackText::<3>::new();
        assert!(text.write_str("ab").is_ok());
        assert!(text.write_str("cd").is_err());
        assert_eq!(text.as_str(), "ab");
    }
}
