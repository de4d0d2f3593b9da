//! MySQL's binary JSON as text, spelled as the server spells `CAST(document AS CHAR)`.
//!
//! `sql-common/json_binary.cc` for the layout, `sql-common/json_dom.cc` for the text. Output is
//! bounded by the length of the input, because damaged documents can refer to one part many times.

mod container;
mod diff;
mod document;
mod number;
mod text;

use std::fmt::Write as _;

use change::Value as SqlValue;

use self::container::{TOO_SHORT, Value, head, kind, variable};
use self::document::{Document, Node};
use self::text::Text;
use super::decimal::{DecimalLayout, DecimalText};
use super::table_map::type_code;
use super::temporal;

type Written = Result<(), &'static str>;

/// Appends the text of a document.
pub(super) fn write_text(document: &[u8], out: &mut String) -> Written {
    write(document.len(), out, |writer| writer.value(Value::of_document(document), 0))
}

/// Appends the text that a document has after `changes`, as a partial update logs them. Allocates for
/// the parts of the document that the changes lead through.
pub(super) fn write_changed(document: &[u8], changes: &[u8], out: &mut String) -> Written {
    let mut changed = Document::new(document, changes.len());
    diff::apply(changes, &mut changed)?;
    write(document.len().saturating_add(changes.len()), out, |writer| writer.document(&changed))
}

/// Appends what is made from so many `bytes`. What was there is gone if that fails.
fn write(
    bytes: usize,
    out: &mut String,
    make: impl FnOnce(&mut Writer) -> Result<(), &'static str>,
) -> Written {
    let growth = bytes.saturating_mul(GROWTH_MAX).saturating_add(64);
    let limit = out.len().saturating_add(growth);
    let mut writer = Writer { out: Text::behind(std::mem::take(out)), limit };
    let made = make(&mut writer);
    match writer.out.finish() {
        Ok(text) => {
            *out = text;
            made
        }
        Err(buffer) => {
            *out = buffer;
            made.and(Err("its JSON has text that is not UTF-8"))
        }
    }
}

struct Writer {
    out: Text,
    /// Length of `out` that no sound document of this size reaches.
    limit: usize,
}

impl Writer {
    fn value(&mut self, value: Value<'_>, depth: usize) -> Written {
        if self.out.len() > self.limit {
            return Err(TOO_LONG);
        }
        let content = value.content;
        match value.kind {
            kind::LITERAL => self.literal(content.first()),
            kind::INT16 => self.integer(i16::from_le_bytes(head(content)?)),
            kind::UINT16 => self.integer(u16::from_le_bytes(head(content)?)),
            kind::INT32 => self.integer(i32::from_le_bytes(head(content)?)),
            kind::UINT32 => self.integer(u32::from_le_bytes(head(content)?)),
            kind::INT64 => self.integer(i64::from_le_bytes(head(content)?)),
            kind::UINT64 => self.integer(u64::from_le_bytes(head(content)?)),
            kind::DOUBLE => number::write_double(f64::from_le_bytes(head(content)?), &mut self.out),
            kind::STRING => self.string(variable(content)?),
            kind::OPAQUE => self.opaque(content),
            _ => self.container(value, depth),
        }
    }

    fn container(&mut self, value: Value<'_>, depth: usize) -> Written {
        let mut entries = value.container().ok_or("its JSON has a value of unknown type")??;
        let is_object = entries.is_object();
        self.begin(is_object, depth)?;
        let mut is_first = true;
        while let Some((key, value)) = entries.next_entry()? {
            self.entry(is_object.then_some(key), is_first)?;
            is_first = false;
            self.value(value, depth + 1)?;
        }
        self.out.push(if is_object { b'}' } else { b']' });
        Ok(())
    }

    fn document(&mut self, document: &Document<'_>) -> Written {
        self.node(document.root(), 0)
    }

    fn node(&mut self, node: &Node<'_>, depth: usize) -> Written {
        match node {
            Node::Closed(value) => self.value(*value, depth),
            Node::Object(members) => {
                self.begin(true, depth)?;
                for (index, (key, member)) in members.iter().enumerate() {
                    self.entry(Some(key), index == 0)?;
                    self.node(member, depth + 1)?;
                }
                self.out.push(b'}');
                Ok(())
            }
            Node::Array(elements) => {
                self.begin(false, depth)?;
                for (index, element) in elements.iter().enumerate() {
                    self.entry(None, index == 0)?;
                    self.node(element, depth + 1)?;
                }
                self.out.push(b']');
                Ok(())
            }
        }
    }

    fn begin(&mut self, is_object: bool, depth: usize) -> Written {
        if depth >= DEPTH_MAX {
            return Err("its JSON is nested too deeply");
        }
        self.out.push(if is_object { b'{' } else { b'[' });
        Ok(())
    }

    /// What stands in front of an entry's value.
    #[inline]
    fn entry(&mut self, key: Option<&[u8]>, is_first: bool) -> Written {
        if !is_first {
            self.out.push_pair(*b", ");
        }
        if let Some(key) = key {
            self.string(key)?;
            self.out.push_pair(*b": ");
        }
        Ok(())
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
        self.out.push_integer(number);
        Ok(())
    }

    fn string(&mut self, text: &[u8]) -> Written {
        if self.out.len() > self.limit {
            return Err(TOO_LONG);
        }
        self.out.push_quoted(text);
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
                let layout = layout.ok_or("its JSON has a decimal out of range")?;
                self.out.push_str(layout.text(digits, &mut DecimalText::default())?);
                Ok(())
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
                write_base64(data, &mut self.out);
                self.out.push(b'"');
                Ok(())
            }
        }
    }

    fn datetime(&mut self, value: SqlValue<'_>, date_only: bool) {
        if let SqlValue::DateTime { year, month, day, hour, minute, second, micros } = value {
            let _ = write!(self.out, "\"{year:04}-{month:02}-{day:02}");
            if !date_only {
                let _ = write!(self.out, " {hour:02}:{minute:02}:{second:02}.{micros:06}");
            }
            self.out.push(b'"');
        }
    }

    fn time(&mut self, value: SqlValue<'_>) {
        if let SqlValue::Time { negative, hours, minutes, seconds, micros } = value {
            let sign = if negative { "-" } else { "" };
            let _ = write!(self.out, "\"{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}\"");
        }
    }
}

/// The server breaks its base64 into lines of 76 characters.
fn write_base64(data: &[u8], out: &mut Text) {
    for (line, bytes) in data.chunks(57).enumerate() {
        if line > 0 {
            out.push_str("\\n");
        }
        for group in bytes.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for digit in 0..4 {
                if digit > group.len() {
                    out.push(b'=');
                } else {
                    let index = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap_or(0);
                    out.push(BASE64.get(index).copied().unwrap_or(b'A'));
                }
            }
        }
    }
}

const TOO_LONG: &str = "its JSON refers to the same bytes again and again";
/// `JSON_DOCUMENT_MAX_DEPTH`.
const DEPTH_MAX: usize = 100;
/// A control character of one byte takes six; numbers and literals grow less.
const GROWTH_MAX: usize = 16;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests;
