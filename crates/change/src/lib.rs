//! The vocabulary of Wellhead: what a change is, before anyone decodes, encodes, stores or serves it.
//!
//! Sources produce [`Change`]s that borrow from their network buffers; encoders turn them into bytes.
//! Nothing here does I/O, knows a database by name on the wire, or allocates per row.

mod change;
pub mod charset;
mod clock;
mod ids;
mod position;
mod schema;
mod value;

pub use change::{Body, Change, Ddl, Image, ImageError, Row, RowOperation, Transaction, Visitor};
pub use clock::{Clock, SystemClock, UnixTime};
pub use ids::{GroupId, NameError, SourceName, TaskName, TopicName};
pub use position::{Position, PositionError, Resume};
pub use schema::{
    Column, ColumnType, SchemaVersion, SourceInfo, SourceKind, TableSchema, UniqueKey,
};
pub use value::Value;
