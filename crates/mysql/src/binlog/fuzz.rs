//! Entries that lead through the decoder, whole and by its most tangled parts, for fuzzing and property
//! tests.

use std::collections::HashMap;
use std::sync::Arc;

use change::{ColumnType, Image, TableSchema, Value, Visitor};

use super::decimal::{DecimalLayout, DecimalText};
use super::json;
use super::{
    Checksum, DecodeError, Event, EventHeader, FormatDescription, PayloadReader, RawEvent, Rows,
    TableBinding, TableId,
};

/// Decodes `bytes` as a sequence of events, as far as they go: table maps, rows, values, payloads and
/// compressed parts. Must not panic, and not take memory out of proportion, whatever the bytes are.
///
/// Checksums are not verified where they are wrong, so that damage gets past them.
pub fn fuzz_events(bytes: &[u8]) {
    let mut walk = Walk { format: FormatDescription::assumed(), tables: HashMap::new() };
    let mut rest = bytes.strip_prefix(b"\xfebin").unwrap_or(bytes);
    while let Ok(header) = EventHeader::parse(rest) {
        let size = usize::try_from(header.event_size).unwrap_or(usize::MAX);
        let Some((event, behind)) = rest.split_at_checked(size) else {
            break;
        };
        rest = behind;
        // An error ends an event, not the walk: the next one may reach other code.
        let _ = walk.parse(event).and_then(|raw| walk.event(&raw));
    }
}

/// Writes `bytes` as a binary JSON document. The text must stay in proportion to them.
///
/// # Panics
/// The text is longer than a sound document of this length can be, which is what the fuzzer looks for.
pub fn fuzz_json(bytes: &[u8]) {
    let mut text = String::new();
    let written = json::write_text(bytes, &mut text);
    bounded(&text, bytes.len());
    if written.is_ok() {
        let mut again = String::new();
        assert!(
            json::write_text(bytes, &mut again).is_ok() && again == text,
            "two texts of one document"
        );
    }
}

/// Takes `bytes` as a binary JSON document and changes to it, as a partial update logs them; the first two
/// bytes say where the changes begin.
///
/// # Panics
/// The text is longer than sound documents and changes of this length can give.
pub fn fuzz_json_changes(bytes: &[u8]) {
    let Some((at, rest)) = bytes.split_first_chunk::<2>() else { return };
    let at = usize::from(u16::from_le_bytes(*at)).min(rest.len());
    let (document, changes) = rest.split_at_checked(at).unwrap_or_default();
    let mut text = String::new();
    if json::write_changed(document, changes, &mut text).is_ok() {
        bounded(&text, bytes.len());
    }
}

/// Reads `bytes` as a `DECIMAL` whose precision and scale are its first two bytes.
///
/// # Panics
/// What was read is no plain number of this layout.
pub fn fuzz_decimal(bytes: &[u8]) {
    let Some(([precision, scale], stored)) = bytes.split_first_chunk::<2>() else { return };
    let Some(layout) = DecimalLayout::new(*precision, *scale) else { return };
    let Some(stored) = stored.get(..layout.length()) else { return };
    if let Ok(text) = layout.text(stored, &mut DecimalText::default()) {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
        assert!(
            !integer.is_empty() && all_digits(integer) && all_digits(fraction),
            "{text} is no number"
        );
        assert_eq!(fraction.len(), usize::from(*scale), "{text} has another scale");
        assert!(integer.len() <= usize::from((*precision - *scale).max(1)), "{text} is too long");
    }
}

/// Every byte of a document can become an escape of six, and numbers and punctuation a few more.
fn bounded(text: &str, bytes: usize) {
    assert!(
        text.len() <= bytes.saturating_mul(64).saturating_add(4096),
        "a text out of proportion"
    );
}

struct Walk {
    format: FormatDescription,
    tables: HashMap<TableId, TableBinding>,
}

impl Walk {
    fn parse<'a>(&self, event: &'a [u8]) -> Result<RawEvent<'a>, DecodeError> {
        RawEvent::parse(event, self.format.checksum).or_else(|error| match error {
            DecodeError::Checksum { .. } => {
                let mut raw = RawEvent::parse(event, Checksum::None)?;
                raw.body = raw.body.get(..raw.body.len().saturating_sub(4)).unwrap_or_default();
                Ok(raw)
            }
            other => Err(other),
        })
    }

    fn event(&mut self, raw: &RawEvent<'_>) -> Result<(), DecodeError> {
        let mut buffer = Vec::new();
        match Event::decode(raw, &self.format)? {
            Event::FormatDescription(format) => self.format = format,
            Event::TableMap(map) => {
                let binding = TableBinding::from_metadata(&map)?;
                // Binary columns of their widths may as well be MariaDB's types.
                let binding = TableBinding::with_schema(&map, mariadb_types(binding.schema()))?;
                if self.tables.len() < TABLES_MAX {
                    self.tables.insert(map.id, binding);
                }
            }
            Event::Rows(rows) => {
                if let Some(binding) = self.tables.get(&rows.table_id) {
                    visit(rows.rows(binding)?)?;
                }
            }
            Event::CompressedRows(rows) => {
                let rows = rows.inflate(&mut buffer, LIMIT)?;
                if let Some(binding) = self.tables.get(&rows.table_id) {
                    visit(rows.rows(binding)?)?;
                }
            }
            Event::CompressedQuery(query) => {
                query.inflate(&mut buffer, LIMIT)?;
            }
            Event::PreviousGtids(previous) => {
                previous.set()?;
            }
            Event::GtidList(list) => list.gtids().for_each(drop),
            Event::TransactionPayload(payload) => {
                let mut reader = PayloadReader::new(LIMIT)?;
                let mut events = reader.open(&payload)?;
                while let Some(raw) = events.next_event()? {
                    let payload = matches!(
                        Event::decode(&raw, &self.format),
                        Ok(Event::TransactionPayload(_))
                    );
                    if !payload {
                        let _ = self.event(&raw);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn mariadb_types(schema: &TableSchema) -> Arc<TableSchema> {
    let mut schema = schema.clone();
    for (index, column) in schema.columns.iter_mut().enumerate() {
        column.kind = match (&column.kind, index % 3) {
            (ColumnType::Binary { width: 16 }, 0) => ColumnType::Inet6,
            (ColumnType::Binary { width: 16 }, 1) => ColumnType::Uuid,
            (ColumnType::Binary { width: 4 }, _) => ColumnType::Inet4,
            (ColumnType::Text { size: 4, .. }, _) => ColumnType::Json,
            _ => continue,
        };
    }
    Arc::new(schema)
}

fn visit(mut rows: Rows<'_>) -> Result<(), DecodeError> {
    let mut ignore = Ignore;
    while let Some(row) = rows.next_row()? {
        for image in row.before.iter().chain(row.after.iter()) {
            let _ = image.visit(&mut ignore);
        }
    }
    Ok(())
}

struct Ignore;

impl Visitor for Ignore {
    fn column(&mut self, _: usize, _: Value<'_>) {}
}

const LIMIT: usize = 1 << 20;
const TABLES_MAX: usize = 64;
