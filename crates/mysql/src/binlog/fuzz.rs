//! One entry that leads through the whole decoder, for fuzzing and property tests.

use std::collections::HashMap;
use std::sync::Arc;

use change::{ColumnType, Image, TableSchema, Value, Visitor};

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
