//! One value of one column, from the bytes of its row.

use std::io::Read;

use change::{Column, ColumnType, Value};

use super::codec::{Codec, fraction_bytes, hires_bytes};
use super::cursor::split_length;
use super::decimal::DecimalText;
use super::inflate::inflate_exactly;
use super::{address, json, temporal};

/// Buffers for the values that cannot be borrowed from a row as they stand. Kept between rows.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    text: String,
    bytes: Vec<u8>,
    decimal: DecimalText,
}

impl Codec {
    /// The value at the start of `bytes`, and what follows it.
    #[inline]
    pub(super) fn read<'v, 'a: 'v>(
        &self,
        bytes: &'a [u8],
        column: &'v Column,
        scratch: &'v mut Scratch,
    ) -> Result<(Value<'v>, &'a [u8]), &'static str> {
        match *self {
            Self::Null => Ok((Value::Null, bytes)),
            Self::Int8 { unsigned } => {
                let ([byte], rest) = split(bytes)?;
                Ok((integer(unsigned, byte, byte.cast_signed()), rest))
            }
            Self::Int16 { unsigned } => {
                let (raw, rest) = split(bytes)?;
                let number = u16::from_le_bytes(raw);
                Ok((integer(unsigned, number, number.cast_signed()), rest))
            }
            Self::Int24 { unsigned } => {
                let ([a, b, c], rest) = split(bytes)?;
                let number = u32::from_le_bytes([a, b, c, 0]);
                let signed = u32::from_le_bytes([0, a, b, c]).cast_signed() >> 8;
                Ok((integer(unsigned, number, signed), rest))
            }
            Self::Int32 { unsigned } => {
                let (raw, rest) = split(bytes)?;
                let number = u32::from_le_bytes(raw);
                Ok((integer(unsigned, number, number.cast_signed()), rest))
            }
            Self::Int64 { unsigned } => {
                let (raw, rest) = split(bytes)?;
                let number = u64::from_le_bytes(raw);
                Ok((integer(unsigned, number, number.cast_signed()), rest))
            }
            Self::Float => {
                let (raw, rest) = split(bytes)?;
                Ok((Value::Float(f32::from_le_bytes(raw)), rest))
            }
            Self::Double => {
                let (raw, rest) = split(bytes)?;
                Ok((Value::Double(f64::from_le_bytes(raw)), rest))
            }
            Self::Decimal(layout) => {
                let (raw, rest) = take(bytes, layout.length())?;
                Ok((Value::Decimal(layout.text(raw, &mut scratch.decimal)?), rest))
            }
            Self::Year => {
                let ([byte], rest) = split(bytes)?;
                Ok((Value::Year(if byte == 0 { 0 } else { 1900 + u16::from(byte) }), rest))
            }
            Self::Date => {
                let (raw, rest) = split(bytes)?;
                Ok((temporal::date(raw)?, rest))
            }
            Self::OldTime => {
                let (raw, rest) = split(bytes)?;
                Ok((temporal::old_time(raw)?, rest))
            }
            Self::Time { fraction } => {
                let (raw, rest) = take(bytes, 3 + fraction_bytes(fraction))?;
                Ok((temporal::time(raw)?, rest))
            }
            Self::OldDateTime => {
                let (raw, rest) = split(bytes)?;
                Ok((temporal::old_datetime(raw)?, rest))
            }
            Self::DateTime { fraction } => {
                let (raw, rest) = take(bytes, 5 + fraction_bytes(fraction))?;
                Ok((temporal::datetime(raw)?, rest))
            }
            Self::OldTimestamp => {
                let (raw, rest) = split(bytes)?;
                let seconds = i64::from(u32::from_le_bytes(raw));
                Ok((Value::Timestamp { seconds, micros: 0 }, rest))
            }
            Self::Timestamp { fraction } => {
                let (raw, rest) = take(bytes, 4 + fraction_bytes(fraction))?;
                Ok((temporal::timestamp(raw)?, rest))
            }
            Self::Bit { bytes: count } => {
                let (raw, rest) = take(bytes, usize::from(count))?;
                let bits = raw.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
                Ok((Value::Unsigned(bits), rest))
            }
            Self::Enum { bytes: count } => {
                let (index, rest) = split_length(bytes, count).ok_or(TOO_SHORT)?;
                Ok((Value::Label(enum_label(column, index)?), rest))
            }
            Self::Set { bytes: count } => {
                let (raw, rest) = take(bytes, usize::from(count))?;
                let bits = raw.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
                Ok((Value::Label(set_labels(column, bits, &mut scratch.text)?), rest))
            }
            Self::Text { length } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Text(content), rest))
            }
            Self::Bytes { length } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Bytes(content), rest))
            }
            Self::PaddedBytes { length, width } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Bytes(padded(content, width, &mut scratch.bytes)), rest))
            }
            _ => self.read_structured(bytes, scratch),
        }
    }

    /// The changes of a partial update in the place of a document, and what follows them.
    pub(super) fn changes<'a>(
        &self,
        bytes: &'a [u8],
    ) -> Result<(&'a [u8], &'a [u8]), &'static str> {
        match *self {
            Self::Json { length } => sized(bytes, length),
            _ => Err("its type has no partial updates"),
        }
    }

    /// The document at the start of `document`, with `changes` applied.
    pub(super) fn changed<'v>(
        &self,
        document: &[u8],
        changes: &[u8],
        scratch: &'v mut Scratch,
    ) -> Result<Value<'v>, &'static str> {
        let (document, _) = self.changes(document)?;
        scratch.text.clear();
        json::write_changed(document, changes, &mut scratch.text)?;
        Ok(Value::Json(&scratch.text))
    }

    /// The types that are more than their bytes.
    fn read_structured<'v, 'a: 'v>(
        &self,
        bytes: &'a [u8],
        scratch: &'v mut Scratch,
    ) -> Result<(Value<'v>, &'a [u8]), &'static str> {
        match *self {
            Self::Json { length } => {
                let (content, rest) = sized(bytes, length)?;
                scratch.text.clear();
                json::write_text(content, &mut scratch.text)?;
                Ok((Value::Json(&scratch.text), rest))
            }
            Self::JsonText { length } => {
                let (content, rest) = sized(bytes, length)?;
                let text = std::str::from_utf8(content).map_err(|_| "its JSON is not UTF-8")?;
                Ok((Value::Json(text), rest))
            }
            Self::Geometry { length } => {
                let (content, rest) = sized(bytes, length)?;
                let (srid, wkb) = content
                    .split_first_chunk()
                    .ok_or("its geometry is shorter than a spatial reference system's id")?;
                Ok((Value::Geometry { srid: u32::from_le_bytes(*srid), wkb }, rest))
            }
            Self::Uuid { length } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Plain(address::uuid(&fixed(content)?, &mut scratch.text)), rest))
            }
            Self::Inet4 { length } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Plain(address::inet4(fixed(content)?, &mut scratch.text)), rest))
            }
            Self::Inet6 { length } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Plain(address::inet6(fixed(content)?, &mut scratch.text)), rest))
            }
            Self::CompressedText { length } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Text(inflate_column(content, &mut scratch.bytes)?), rest))
            }
            Self::CompressedBytes { length } => {
                let (content, rest) = sized(bytes, length)?;
                Ok((Value::Bytes(inflate_column(content, &mut scratch.bytes)?), rest))
            }
            Self::HiresTime { fraction } => {
                let (raw, rest) = take(bytes, 3 + hires_bytes(fraction))?;
                Ok((temporal::hires_time(raw, fraction)?, rest))
            }
            Self::HiresDateTime { fraction } => {
                let (raw, rest) = take(bytes, 5 + hires_bytes(fraction))?;
                Ok((temporal::hires_datetime(raw, fraction)?, rest))
            }
            Self::HiresTimestamp { fraction } => {
                let (raw, rest) = take(bytes, 4 + fraction_bytes(fraction))?;
                Ok((temporal::hires_timestamp(raw, fraction)?, rest))
            }
            Self::Hidden { length } => {
                let (_, rest) = sized(bytes, length)?;
                Ok((Value::Absent, rest))
            }
            _ => Err("its type cannot be read"),
        }
    }
}

fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), &'static str> {
    bytes.split_first_chunk().map(|(raw, rest)| (*raw, rest)).ok_or(TOO_SHORT)
}

fn take(bytes: &[u8], count: usize) -> Result<(&[u8], &[u8]), &'static str> {
    bytes.split_at_checked(count).ok_or(TOO_SHORT)
}

fn sized(bytes: &[u8], length: u8) -> Result<(&[u8], &[u8]), &'static str> {
    let (content, rest) = split_length(bytes, length).ok_or(TOO_SHORT)?;
    take(rest, content)
}

fn integer<'v>(is_unsigned: bool, unsigned: impl Into<u64>, signed: impl Into<i64>) -> Value<'v> {
    if is_unsigned { Value::Unsigned(unsigned.into()) } else { Value::Signed(signed.into()) }
}

/// Index 0 is the empty text that stands for a value the column did not allow.
fn enum_label(column: &Column, index: usize) -> Result<&str, &'static str> {
    let ColumnType::Enum { labels } = &column.kind else {
        return Err("its labels are unknown");
    };
    let Some(index) = index.checked_sub(1) else {
        return Ok("");
    };
    labels.get(index).map(String::as_str).ok_or("its index has no label")
}

fn set_labels<'v>(
    column: &'v Column,
    bits: u64,
    text: &'v mut String,
) -> Result<&'v str, &'static str> {
    let ColumnType::Set { labels } = &column.kind else {
        return Err("its labels are unknown");
    };
    let label = |bit: u32| {
        let index = usize::try_from(bit).ok();
        index.and_then(|index| labels.get(index)).map(String::as_str).ok_or("its bit has no label")
    };
    match bits.count_ones() {
        0 => return Ok(""),
        1 => return label(bits.trailing_zeros()),
        _ => text.clear(),
    }
    let mut left = bits;
    while left != 0 {
        if left != bits {
            text.push(',');
        }
        text.push_str(label(left.trailing_zeros())?);
        left &= left - 1;
    }
    Ok(text)
}

fn padded<'v>(content: &'v [u8], width: u32, buffer: &'v mut Vec<u8>) -> &'v [u8] {
    let width = usize::try_from(width).unwrap_or(0);
    if content.len() >= width {
        return content;
    }
    buffer.clear();
    buffer.extend_from_slice(content);
    buffer.resize(width, 0);
    buffer
}

/// Bytes of a type with a fixed width whose zeros at the end may be missing.
fn fixed<const N: usize>(content: &[u8]) -> Result<[u8; N], &'static str> {
    let mut whole = [0; N];
    let start = whole.get_mut(..content.len()).ok_or("it is longer than its type")?;
    start.copy_from_slice(content);
    Ok(whole)
}

/// The content of a `COMPRESSED` column: a method, how long the length is, the length in big-endian
/// bytes, and a stream (`uncompress_zlib` of `sql/field_comp.cc`).
fn inflate_column<'v>(packed: &'v [u8], buffer: &'v mut Vec<u8>) -> Result<&'v [u8], &'static str> {
    let Some((marker, rest)) = packed.split_first() else {
        return Ok(&[]);
    };
    if marker >> 4 == 0 {
        return Ok(rest);
    }
    if marker >> 4 != 8 {
        return Err("its compression is unknown");
    }
    let (length, stream) = take(rest, usize::from(marker & 0x07))?;
    let length = length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    let stream: &mut dyn Read = if marker & 0x08 == 0 {
        &mut flate2::read::ZlibDecoder::new(stream)
    } else {
        &mut flate2::read::DeflateDecoder::new(stream)
    };
    inflate_exactly("a compressed column", stream, length, buffer, COMPRESSED_COLUMN_MAX)
        .map_err(|_| "its compressed content is damaged or too long")
}

const TOO_SHORT: &str = "its row ends too early";
/// The longest content a column can have that a packet can carry.
const COMPRESSED_COLUMN_MAX: usize = 1 << 30;
