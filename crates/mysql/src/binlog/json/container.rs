//! The layout of binary JSON: objects and arrays, their keys, and where their values lie.
//!
//! `sql-common/json_binary.h` of MySQL. Knows no text and changes nothing; every read stays within the
//! container that it belongs to.

use crate::binlog::cursor::split_length;

/// A value where it lies: its type and the bytes from its start on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    /// One of [`kind`].
    pub(super) kind: u8,
    /// Begins with the value; may go on behind it.
    pub(super) content: &'a [u8],
}

/// The entries of an object or array.
#[derive(Debug)]
pub(super) struct Container<'a> {
    /// From the container's own start, to which all offsets refer, to its end.
    content: &'a [u8],
    /// What is left of the entries that tell keys; empty for arrays.
    keys: &'a [u8],
    /// What is left of the entries that tell values.
    values: &'a [u8],
    width: Width,
    is_object: bool,
}

/// Bytes of counts and offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Two,
    Four,
}

impl<'a> Value<'a> {
    /// The value that a document holds. INSERT IGNORE can leave an empty document behind, which the
    /// server takes for null.
    pub(super) fn of_document(document: &'a [u8]) -> Self {
        match document.split_first() {
            Some((kind, content)) => Self { kind: *kind, content },
            None => Self { kind: kind::LITERAL, content: &[0] },
        }
    }

    /// The entries, if this is an object or array.
    pub(super) fn container(self) -> Option<Result<Container<'a>, &'static str>> {
        let (width, is_object) = match self.kind {
            kind::SMALL_OBJECT => (Width::Two, true),
            kind::LARGE_OBJECT => (Width::Four, true),
            kind::SMALL_ARRAY => (Width::Two, false),
            kind::LARGE_ARRAY => (Width::Four, false),
            _ => return None,
        };
        Some(Container::new(self.content, width, is_object))
    }
}

impl<'a> Container<'a> {
    fn new(content: &'a [u8], width: Width, is_object: bool) -> Result<Self, &'static str> {
        let (count, rest) = split_length(content, width.bytes()).ok_or(TOO_SHORT)?;
        let (bytes, entries) = split_length(rest, width.bytes()).ok_or(TOO_SHORT)?;
        // Nothing of it lies beyond its size.
        let content = content.get(..bytes).ok_or(TOO_SHORT)?;
        let bytes = usize::from(width.bytes());
        let keys = if is_object { count.checked_mul(bytes + 2).ok_or(TOO_SHORT)? } else { 0 };
        let (keys, values) = entries.split_at_checked(keys).ok_or(TOO_SHORT)?;
        let values = count.checked_mul(bytes + 1).and_then(|length| values.get(..length));
        Ok(Self { content, keys, values: values.ok_or(TOO_SHORT)?, width, is_object })
    }

    /// Whether its entries have keys.
    pub(super) const fn is_object(&self) -> bool {
        self.is_object
    }

    /// The next entry: its key, empty in arrays, and its value.
    #[inline]
    pub(super) fn next_entry(&mut self) -> Result<Option<(&'a [u8], Value<'a>)>, &'static str> {
        if self.values.is_empty() {
            return Ok(None);
        }
        let key = if self.is_object { self.next_key()? } else { &[] };
        let width = self.width.bytes();
        let (kind, place) = self.values.split_first().ok_or(TOO_SHORT)?;
        let (offset, rest) = split_length(place, width).ok_or(TOO_SHORT)?;
        self.values = rest;
        let content = if self.width.inlines(*kind) {
            place
        } else {
            self.content.get(offset..).ok_or(TOO_SHORT)?
        };
        Ok(Some((key, Value { kind: *kind, content })))
    }

    #[inline]
    fn next_key(&mut self) -> Result<&'a [u8], &'static str> {
        let (offset, rest) = split_length(self.keys, self.width.bytes()).ok_or(TOO_SHORT)?;
        let (length, rest) = split_length(rest, 2).ok_or(TOO_SHORT)?;
        self.keys = rest;
        self.content.get(offset..).and_then(|from| from.get(..length)).ok_or(TOO_SHORT)
    }
}

impl Width {
    const fn bytes(self) -> u8 {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Whether a value of this type stands where otherwise its offset does.
    const fn inlines(self, kind: u8) -> bool {
        match kind {
            kind::LITERAL | kind::INT16 | kind::UINT16 => true,
            kind::INT32 | kind::UINT32 => matches!(self, Self::Four),
            _ => false,
        }
    }
}

/// The first bytes of a value, as a number of their width.
pub(super) fn head<const N: usize>(content: &[u8]) -> Result<[u8; N], &'static str> {
    content.first_chunk().copied().ok_or(TOO_SHORT)
}

/// Bytes behind a length of seven bits a byte, lowest first.
pub(super) fn variable(content: &[u8]) -> Result<&[u8], &'static str> {
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

pub(super) const TOO_SHORT: &str = "its JSON ends too early";

/// The types of values.
pub(super) mod kind {
    pub(in super::super) const SMALL_OBJECT: u8 = 0;
    pub(in super::super) const LARGE_OBJECT: u8 = 1;
    pub(in super::super) const SMALL_ARRAY: u8 = 2;
    pub(in super::super) const LARGE_ARRAY: u8 = 3;
    pub(in super::super) const LITERAL: u8 = 4;
    pub(in super::super) const INT16: u8 = 5;
    pub(in super::super) const UINT16: u8 = 6;
    pub(in super::super) const INT32: u8 = 7;
    pub(in super::super) const UINT32: u8 = 8;
    pub(in super::super) const INT64: u8 = 9;
    pub(in super::super) const UINT64: u8 = 10;
    pub(in super::super) const DOUBLE: u8 = 11;
    pub(in super::super) const STRING: u8 = 12;
    pub(in super::super) const OPAQUE: u8 = 15;
}
