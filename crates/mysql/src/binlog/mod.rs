//! Decoding of the binary log of MySQL 5.7 to 9.x and MariaDB 10.3 to 11.x.
//!
//! Bytes in, borrowed structs out: no I/O, no clock, nothing allocated per row. The caller cuts the
//! stream into events, keeps the [`TableBinding`]s by table id and adds file and position to errors.
//!
//! The way of a row: [`RawEvent::parse`] checks length and checksum, [`Event::decode`] reads the event,
//! [`TableBinding::from_metadata`] (or [`TableBinding::with_schema`]) turns a [`TableMap`] into a
//! schema with one codec per column, and [`RowsEvent::rows`] walks the rows, each measured once and
//! then visited in place through [`change::Image`].

mod address;
mod binding;
mod charset;
mod codec;
mod cursor;
mod decimal;
mod error;
mod event;
mod fuzz;
mod gtid;
mod inflate;
mod json;
mod metadata;
mod payload;
mod rows;
mod stride;
mod table_map;
mod temporal;
mod value;

pub use binding::TableBinding;
pub use charset::{charset_of_collation, decode_text};
pub use error::DecodeError;
pub use event::{
    AnnotateRows, BinlogCheckpoint, Checksum, CompressedQuery, Event, EventHeader, EventType,
    FormatDescription, GtidEvent, GtidListEvent, Heartbeat, Incident, MariaDbGtidEvent,
    PreviousGtids, Query, QueryVariables, RawEvent, Rotate, StartEncryption, XaPrepare,
};
pub use fuzz::{fuzz_decimal, fuzz_events, fuzz_json, fuzz_json_changes};
pub use gtid::{Gtid, GtidError, GtidList, GtidSet, MariaDbGtid, Tag, Uuid};
pub use metadata::ColumnMetadata;
pub use payload::{PayloadEvents, PayloadReader, TransactionPayload};
pub use rows::{CompressedRows, RowImage, RowPair, Rows, RowsEvent};
pub use table_map::{TableId, TableMap};

#[cfg(test)]
mod tests;
