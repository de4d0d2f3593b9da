//! Records as a line for people and as JSON for programs.
//!
//! Neither form is meant to be read back into a record.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::header::ESCAPED_DOT;
use crate::plan::PRIMARY;
use crate::{Cell, Field, Operation, Record};

impl Record {
    /// One line without its end, like
    /// `2026-11-21T04:00:00Z UPDATE shop.orders id=7 total=12.50→13.00`.
    ///
    /// An update shows the primary key and what changed; without a primary key it shows every column.
    /// Long values are cut.
    #[must_use]
    pub fn to_text_line(&self) -> String {
        let mut line = match jiff::Timestamp::from_second(self.source_time_seconds) {
            Ok(time) => format!("{time} {}", self.operation),
            Err(_) => format!("{} {}", self.source_time_seconds, self.operation),
        };
        for (index, name) in self.object_path().iter().enumerate() {
            line.push(if index == 0 { ' ' } else { '.' });
            push_quoted(&mut line, name, is_name_char);
        }
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => self.push_update(&mut line, before, after),
            (Some(cells), None) | (None, Some(cells)) => self.push_cells(&mut line, cells),
            (None, None) => {}
        }
        if let Some(statement) = &self.statement {
            line.push(' ');
            push_line(&mut line, &statement.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if self.operation == Operation::Begin
            && let Some(gtid) = self.tag("GTID")
        {
            line.push(' ');
            push_line(&mut line, gtid);
        }
        line
    }

    /// One object with everything a consumer of the record sees. Whole numbers that fit 64 bits and
    /// floating-point numbers are JSON numbers; decimals are text, so that they stay exact; bytes are
    /// text in hex; text that its charset cannot read is an object with `charset` and `base64`; a
    /// column that the source did not log is left out.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("id".into(), self.id.into());
        object.insert("operation".into(), self.operation.name().into());
        let path = self.object_path();
        if let Some(database) = path.first() {
            object.insert("database".into(), database.as_str().into());
        }
        if let (Some(table), 2..) = (path.last(), path.len()) {
            object.insert("table".into(), table.as_str().into());
        }
        if let Some(key) = self.primary_key() {
            object.insert("key".into(), key.into());
        }
        if let Some(before) = &self.before {
            object.insert("before".into(), self.row_to_json(before));
        }
        if let Some(after) = &self.after {
            object.insert("after".into(), self.row_to_json(after));
        }
        if let Some(statement) = &self.statement {
            object.insert("statement".into(), statement.as_str().into());
        }
        object.insert("source_time_seconds".into(), self.source_time_seconds.into());
        object.insert("position".into(), self.position.as_str().into());
        object.insert("safe_position".into(), self.safe_position.as_str().into());
        let tags = self.tags.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
        object.insert("tags".into(), Value::Object(tags.collect()));
        Value::Object(object)
    }

    /// The parts of the object name, unescaped: database and table, or a database alone.
    #[must_use]
    pub fn object_path(&self) -> Vec<String> {
        let name = self.object_name.as_deref().filter(|name| !name.is_empty());
        name.into_iter()
            .flat_map(|name| name.split('.'))
            .map(|part| part.replace(ESCAPED_DOT, "."))
            .collect()
    }

    /// The names of the primary key's columns, where the table has one.
    #[must_use]
    pub fn primary_key(&self) -> Option<Vec<String>> {
        let keys: Value = serde_json::from_str(self.tag("pk_uk_info")?).ok()?;
        let columns = keys.get(PRIMARY)?.as_array()?.iter();
        columns.map(|column| column.as_str().map(str::to_owned)).collect()
    }

    fn push_cells(&self, line: &mut String, cells: &[Cell]) {
        for (field, cell) in self.fields.iter().zip(cells) {
            if *cell != Cell::Absent {
                push_name(line, field);
                push_cell(line, cell);
            }
        }
    }

    fn push_update(&self, line: &mut String, before: &[Cell], after: &[Cell]) {
        let key = self.primary_key();
        for (field, (before, after)) in self.fields.iter().zip(before.iter().zip(after)) {
            let changed = *after != Cell::Absent && before != after;
            let shown = key.as_ref().is_none_or(|key| key.contains(&field.name));
            if !changed && (!shown || *before == Cell::Absent) {
                continue;
            }
            push_name(line, field);
            if changed && *before == Cell::Absent {
                line.push('→');
            } else {
                push_cell(line, before);
                if changed {
                    line.push('→');
                }
            }
            if changed {
                push_cell(line, after);
            }
        }
    }

    fn row_to_json(&self, cells: &[Cell]) -> Value {
        let present = self.fields.iter().zip(cells).filter(|(_, cell)| **cell != Cell::Absent);
        Value::Object(present.map(|(field, cell)| (field.name.clone(), cell.to_json())).collect())
    }
}

impl Cell {
    fn to_json(&self) -> Value {
        match self {
            Self::Null | Self::Absent => Value::Null,
            Self::Integer(digits) => match (digits.parse::<i64>(), digits.parse::<u64>()) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) => number.into(),
                _ => digits.as_str().into(),
            },
            Self::Float(number) => json!(number),
            Self::Text(text) => text.as_str().into(),
            Self::Bytes { charset: None, bytes } => hex(None, bytes).into(),
            Self::Bytes { charset: Some(charset), bytes } => {
                json!({ "charset": charset, "base64": base64(bytes) })
            }
        }
    }
}

fn push_name(line: &mut String, field: &Field) {
    line.push(' ');
    push_quoted(line, &field.name, is_name_char);
    line.push('=');
}

fn push_cell(line: &mut String, cell: &Cell) {
    match cell {
        Cell::Null | Cell::Absent => line.push_str("NULL"),
        Cell::Integer(digits) => push_cut(line, digits),
        Cell::Float(number) => line.push_str(&number.to_string()),
        Cell::Text(text) if text == "NULL" => line.push_str("\"NULL\""),
        Cell::Text(text) => {
            let mut cut = String::new();
            push_cut(&mut cut, text);
            push_quoted(line, &cut, is_value_char);
        }
        Cell::Bytes { charset, bytes } => {
            let shown = bytes.get(..CUT_CHARS / 2).unwrap_or(bytes);
            push_line(line, &hex(charset.as_deref(), shown));
            if shown.len() < bytes.len() {
                line.push('…');
            }
        }
    }
}

/// Pushes `text` as it is if all of it is `plain`, otherwise between double quotes.
fn push_quoted(line: &mut String, text: &str, plain: impl Fn(char) -> bool) {
    if !text.is_empty() && text.chars().all(plain) {
        line.push_str(text);
        return;
    }
    line.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            line.push('\\');
        }
        push_visible(line, c);
    }
    line.push('"');
}

fn push_line(line: &mut String, text: &str) {
    for c in text.chars() {
        push_visible(line, c);
    }
}

/// Controls are escaped: they would let the content of a row move a reader's terminal.
fn push_visible(line: &mut String, c: char) {
    if c.is_control() {
        line.extend(c.escape_default());
    } else {
        line.push(c);
    }
}

fn push_cut(line: &mut String, text: &str) {
    match text.char_indices().nth(CUT_CHARS) {
        Some((end, _)) => {
            line.push_str(text.get(..end).unwrap_or(text));
            line.push('…');
        }
        None => line.push_str(text),
    }
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '-')
}

fn is_value_char(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && c != '"' && c != '→'
}

/// `0x00FF`, or `_geostd8 0x00FF` in the manner of MySQL's charset introducers.
fn hex(charset: Option<&str>, bytes: &[u8]) -> String {
    let mut text = charset.map(|charset| format!("_{charset} ")).unwrap_or_default();
    text.push_str("0x");
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// Base64 as of RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * digit) & 63).unwrap_or_default();
            let letter = BASE64.get(index).copied().unwrap_or(b'=');
            text.push(char::from(if digit > group.len() { b'=' } else { letter }));
        }
    }
    text
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// How much of a value a line shows.
const CUT_CHARS: usize = 120;

#[cfg(test)]
mod tests;
