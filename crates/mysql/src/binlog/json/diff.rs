//! The changes of a partial JSON update, as PARTIAL_UPDATE_ROWS events log them.
//!
//! `Json_diff_vector::read_binary` of MySQL's `sql/json_diff.cc`: one after the other an operation, a
//! path as text, and a value in binary. Paths are exact, without wildcards: `$.a[0]."b c"`.

use std::borrow::Cow;

use super::container::Value;
use super::document::{Applied, Document, Leg};
use crate::binlog::cursor::Cursor;

/// Applies all changes, in order.
pub(super) fn apply<'a>(changes: &'a [u8], document: &mut Document<'a>) -> Applied {
    let mut cursor = Cursor::new("a partial JSON update", changes);
    while !cursor.is_empty() {
        let operation = cursor.u8().map_err(|_| DAMAGED)?;
        let path = path(cursor.packed_bytes().map_err(|_| DAMAGED)?)?;
        if operation == REMOVE {
            document.remove(&path)?;
            continue;
        }
        let value = cursor.packed_bytes().map_err(|_| DAMAGED)?;
        let (kind, content) = value.split_first().ok_or(DAMAGED)?;
        let value = Value { kind: *kind, content };
        match operation {
            REPLACE => document.replace(&path, value)?,
            INSERT => document.insert(&path, value)?,
            _ => return Err(DAMAGED),
        }
    }
    Ok(())
}

/// The legs of a path behind its `$`.
fn path(text: &[u8]) -> Result<Vec<Leg<'_>>, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| DAMAGED)?;
    let mut rest = text.strip_prefix('$').ok_or(DAMAGED)?;
    let mut legs = Vec::new();
    while !rest.is_empty() {
        let (leg, behind) = match rest.strip_prefix('[') {
            Some(cell) => {
                let (cell, behind) = cell.split_once(']').ok_or(DAMAGED)?;
                (self::cell(cell).ok_or(DAMAGED)?, behind)
            }
            None => member(rest.strip_prefix('.').ok_or(DAMAGED)?)?,
        };
        legs.push(leg);
        rest = behind;
    }
    Ok(legs)
}

/// `7`, `last` or `last-7`.
fn cell(text: &str) -> Option<Leg<'static>> {
    match text.strip_prefix("last") {
        None => text.parse().ok().map(Leg::Cell),
        Some("") => Some(Leg::CellFromEnd(0)),
        Some(back) => back.strip_prefix('-')?.trim().parse().ok().map(Leg::CellFromEnd),
    }
}

/// A key, in quotes where it is no identifier, and what follows it.
fn member(text: &str) -> Result<(Leg<'_>, &str), &'static str> {
    if !text.starts_with('"') {
        let end = text.find(['.', '[']).unwrap_or(text.len());
        let (key, rest) = text.split_at_checked(end).ok_or(DAMAGED)?;
        return Ok((Leg::Member(Cow::Borrowed(key.as_bytes())), rest));
    }
    let (quoted, rest) =
        text.split_at_checked(quoted_length(text).ok_or(DAMAGED)?).ok_or(DAMAGED)?;
    let key: String = serde_json::from_str(quoted).map_err(|_| DAMAGED)?;
    Ok((Leg::Member(Cow::Owned(key.into_bytes())), rest))
}

/// Bytes of the JSON string at the start of `text`, quotes included.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    })?;
    Some(end + 2)
}

/// What a replica says with `ER_CORRUPTED_JSON_DIFF`.
const DAMAGED: &str = "its partial JSON update is damaged";
const REPLACE: u8 = 0;
const INSERT: u8 = 1;
const REMOVE: u8 = 2;

#[cfg(test)]
mod tests;
