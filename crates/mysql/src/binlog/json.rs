//! MySQL's binary JSON as text, spelled as the server spells `CAST(document AS CHAR)`.
//!
//! `sql-common/json_binary.cc` for the layout, `sql-common/json_dom.cc` for the text. Output is
//! bounded by the length of the input, because damaged documents can refer to one part many times.

mod number;

use std::fmt::Write as _;

use change::Value;

use super::cursor::split_length;
use super::decimal::DecimalLayout;
use super::table_map::type_code;
use super::temporal;

type Written = Result<(), &'static str>;

/// Appends the text of a document.
pub(super) fn write_text(document: &[u8], out: &mut String) -> Written {
    // INSERT IGNORE can leave an empty document behind, which the server takes for null.
    let Some((kind, content)) = document.split_first() else {
        out.push_str("null");
        return Ok(());
    };
    let limit = document.len().saturating_mul(GROWTH_MAX).saturating_add(64);
    Writer { limit: out.len().saturating_add(limit), out }.value(*kind, content, 0)
}

struct Writer<'o> {
    out: &'o mut String,
    /// Length of `out` that no sound document of this size reaches.
    limit: usize,
}

/// Whether counts and offsets take two bytes or four.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    Large,
}

impl Writer<'_> {
    fn value(&mut self, kind: u8, content: &[u8], depth: usize) -> Written {
        if self.out.len() > self.limit {
            return Err("its JSON refers to the same bytes again and again");
        }
        match kind {
            SMALL_OBJECT => self.container(content, Size::Small, true, depth),
            LARGE_OBJECT => self.container(content, Size::Large, true, depth),
            SMALL_ARRAY => self.container(content, Size::Small, false, depth),
            LARGE_ARRAY => self.container(content, Size::Large, false, depth),
            LITERAL => self.literal(content.first()),
            INT16 => self.integer(i16::from_le_bytes(head(content)?)),
            UINT16 => self.integer(u16::from_le_bytes(head(content)?)),
            INT32 => self.integer(i32::from_le_bytes(head(content)?)),
            UINT32 => self.integer(u32::from_le_bytes(head(content)?)),
            INT64 => self.integer(i64::from_le_bytes(head(content)?)),
            UINT64 => self.integer(u64::from_le_bytes(head(content)?)),
            DOUBLE => number::write_double(f64::from_le_bytes(head(content)?), self.out),
            STRING => {
                let text = variable(content)?;
                self.string(text)
            }
            OPAQUE => self.opaque(content),
            _ => Err("its JSON has a value of unknown type"),
        }
    }

    fn container(&mut self, content: &[u8], size: Size, object: bool, depth: usize) -> Written {
        if depth >= DEPTH_MAX {
            return Err("its JSON is nested too deeply");
        }
        let width = size.bytes();
        let (count, rest) = split_length(content, width).ok_or(TOO_SHORT)?;
        let (bytes, entries) = split_length(rest, width).ok_or(TOO_SHORT)?;
        // Offsets count from the start of the container, and nothing of it lies beyond its size.
        let content = content.get(..bytes).ok_or(TOO_SHORT)?;
        let width = usize::from(width);
        let keys = if object { count.checked_mul(width + 2).ok_or(TOO_SHORT)? } else { 0 };
        let (mut keys, values) = entries.split_at_checked(keys).ok_or(TOO_SHORT)?;
        let values = count.checked_mul(width + 1).and_then(|length| values.get(..length));
        let values = values.ok_or(TOO_SHORT)?;
        self.out.push(if object { '{' } else { '[' });
        for (index, entry) in values.chunks_exact(width + 1).enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            if object {
                keys = self.key(content, keys, size)?;
            }
            let (kind, place) = entry.split_first().ok_or(TOO_SHORT)?;
            if size.inlines(*kind) {
                self.value(*kind, place, depth + 1)?;
            } else {
                let (offset, _) = split_length(place, size.bytes()).ok_or(TOO_SHORT)?;
                self.value(*kind, content.get(offset..).ok_or(TOO_SHORT)?, depth + 1)?;
            }
        }
        self.out.push(if object { '}' } else { ']' });
        Ok(())
    }

    /// Writes the key of the first entry and returns the other entries.
    fn key<'a>(
        &mut self,
        content: &[u8],
        entries: &'a [u8],
        size: Size,
    ) -> Result<&'a [u8], &'static str> {
        let (offset, rest) = split_length(entries, size.bytes()).ok_or(TOO_SHORT)?;
        let (length, rest) = split_length(rest, 2).ok_or(TOO_SHORT)?;
        let key = content.get(offset..).and_then(|from| from.get(..length)).ok_or(TOO_SHORT)?;
        self.string(key)?;
        self.out.push_str(": ");
        Ok(rest)
    }

    fn literal(&mut self, which: Option<&u8>) -> Written {
        self.out.push_str(match which {
            Some(0) => "null",
            Some(1) => "true",
            Some(2) => "false",
            _ => return Err("its JSON has an unknown literal"),
        });
        Ok(())
    }

    fn integer(&mut self, number: impl itoa::Integer) -> Written {
        self.out.push_str(itoa::Buffer::new().format(number));
        Ok(())
    }

    fn string(&mut self, text: &[u8]) -> Written {
        let text = std::str::from_utf8(text).map_err(|_| "its JSON has text that is not UTF-8")?;
        if self.out.len() > self.limit {
            return Err("its JSON refers to the same bytes again and again");
        }
        self.out.push('"');
        let mut plain = 0;
        for (index, byte) in text.bytes().enumerate() {
            if byte >= 0x20 && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.out.push_str(text.get(plain..index).unwrap_or_default());
            plain = index + 1;
            match byte {
                b'"' => self.out.push_str("\\\""),
                b'\\' => self.out.push_str("\\\\"),
                8 => self.out.push_str("\\b"),
                b'\t' => self.out.push_str("\\t"),
                b'\n' => self.out.push_str("\\n"),
                12 => self.out.push_str("\\f"),
                b'\r' => self.out.push_str("\\r"),
                control => {
                    let _ = write!(self.out, "\\u{control:04x}");
                }
            }
        }
        self.out.push_str(text.get(plain..).unwrap_or_default());
        self.out.push('"');
        Ok(())
    }

    /// A value of an SQL type that JSON does not have.
    fn opaque(&mut self, content: &[u8]) -> Written {
        let (kind, content) = content.split_first().ok_or(TOO_SHORT)?;
        let data = variable(content)?;
        match *kind {
            type_code::NEWDECIMAL => {
                let ([precision, scale], digits) = data.split_first_chunk().ok_or(TOO_SHORT)?;
                let layout = DecimalLayout::new(*precision, *scale);
                layout.ok_or("its JSON has a decimal out of range")?.write(digits, self.out)
            }
            type_code::DATE | type_code::DATETIME | type_code::TIMESTAMP => {
                let packed = i64::from_le_bytes(head(data)?);
                self.datetime(temporal::packed_datetime(packed)?, *kind == type_code::DATE);
                Ok(())
            }
            type_code::TIME => {
                let time = temporal::packed_time(i64::from_le_bytes(head(data)?))?;
                self.time(time);
                Ok(())
            }
            _ => {
                let _ = write!(self.out, "\"base64:type{kind}:");
                write_base64(data, self.out);
                self.out.push('"');
                Ok(())
            }
        }
    }

    fn datetime(&mut self, value: Value<'_>, date_only: bool) {
        if let Value::DateTime { year, month, day, hour, minute, second, micros } = value {
            let _ = write!(self.out, "\"{year:04}-{month:02}-{day:02}");
            if !date_only {
                let _ = write!(self.out, " {hour:02}:{minute:02}:{second:02}.{micros:06}");
            }
            self.out.push('"');
        }
    }

    fn time(&mut self, value: Value<'_>) {
        if let Value::Time { negative, hours, minutes, seconds, micros } = value {
            let sign = if negative { "-" } else { "" };
            let _ = write!(self.out, "\"{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}\"");
        }
    }
}

impl Size {
    const fn bytes(self) -> u8 {
        match self {
            Self::Small => 2,
            Self::Large => 4,
        }
    }

    /// Whether a value of this type stands where otherwise its offset does.
    const fn inlines(self, kind: u8) -> bool {
        match kind {
            LITERAL | INT16 | UINT16 => true,
            INT32 | UINT32 => matches!(self, Self::Large),
            _ => false,
        }
    }
}

fn head<const N: usize>(content: &[u8]) -> Result<[u8; N], &'static str> {
    content.first_chunk().copied().ok_or(TOO_SHORT)
}

/// Bytes behind a length of seven bits a byte, lowest first.
fn variable(content: &[u8]) -> Result<&[u8], &'static str> {
    let mut length = 0_u64;
    for (index, byte) in content.iter().take(5).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let from = content.get(index + 1..).ok_or(TOO_SHORT)?;
            return usize::try_from(length)
                .ok()
                .and_then(|length| from.get(..length))
                .ok_or(TOO_SHORT);
        }
    }
    Err(TOO_SHORT)
}

/// The server breaks its base64 into lines of 76 characters.
fn write_base64(data: &[u8], out: &mut String) {
    for (line, bytes) in data.chunks(57).enumerate() {
        if line > 0 {
            out.push_str("\\n");
        }
        for group in bytes.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for digit in 0..4 {
                if digit > group.len() {
                    out.push('=');
                } else {
                    let index = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap_or(0);
                    out.push(char::from(BASE64.get(index).copied().unwrap_or(b'A')));
                }
            }
        }
    }
}

const TOO_SHORT: &str = "its JSON ends too early";
/// `JSON_DOCUMENT_MAX_DEPTH`.
const DEPTH_MAX: usize = 100;
/// A control character of one byte takes six; numbers and literals grow less.
const GROWTH_MAX: usize = 16;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const SMALL_OBJECT: u8 = 0;
const LARGE_OBJECT: u8 = 1;
const SMALL_ARRAY: u8 = 2;
const LARGE_ARRAY: u8 = 3;
const LITERAL: u8 = 4;
const INT16: u8 = 5;
const UINT16: u8 = 6;
const INT32: u8 = 7;
const UINT32: u8 = 8;
const INT64: u8 = 9;
const UINT64: u8 = 10;
const DOUBLE: u8 = 11;
const STRING: u8 = 12;
const OPAQUE: u8 = 15;

#[cfg(test)]
mod tests;
