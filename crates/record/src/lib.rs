//! A change as bytes, in the record format that DTS change-tracking clients read.
//!
//! [`DtsEncoder`] turns a [`change::Change`] into one bare Avro binary `Record` (no framing, no schema
//! registry); [`Record`] is the way back, for people who look at a log. The schema is [`RECORD_SCHEMA`],
//! fixed and known to every client in advance.
//!
//! Nothing here batches, compresses, stores or does I/O, and nothing allocates per encoded row: what is
//! constant about a table is encoded once, in its plan.

mod avro;
mod decode;
mod digits;
mod encode;
mod error;
mod float;
mod head;
mod header;
mod operation;
mod plan;
mod plans;
mod reader;
mod render;
mod schema;
mod value;
mod view;

pub use decode::{Cell, Field, Record, fuzz_decode};
pub use encode::DtsEncoder;
pub use error::{DecodeError, EncodeError};
pub use operation::Operation;
pub use schema::RECORD_SCHEMA;
pub use view::{Part, View, ViewCell, ViewField};

#[cfg(test)]
mod testing;
