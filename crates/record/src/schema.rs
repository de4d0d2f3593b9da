//! The Avro schema of every record, as DTS clients know it.

/// The Avro schema of a record: a JSON array of named types, of which the last is the record itself.
///
/// Clients carry it themselves; it is never sent. It must not change.
pub const RECORD_SCHEMA: &str = include_str!("record.avsc");
