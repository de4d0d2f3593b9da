//! The durable log: Kafka record batches (format v2) in files, exactly as they are served.
//!
//! A [`Partition`] is one folder. One [`Writer`] appends sealed batches and makes them durable in
//! groups; any number of [`Reader`]s serve what is durable as ranges of files. What survives a
//! crash is decided by the batches' own checksums, so nothing beside them can disagree with them.
//!
//! It starts no thread, holds no runtime, asks no clock, and looks into a batch beyond its header
//! only to find a record by its time. What a record means is not known here.
//!
//! Files of a folder, and where their layout is written down:
//!
//! | file | is | layout |
//! |---|---|---|
//! | `partition.meta` | identity and writer epoch | `meta::Meta` |
//! | `{base offset, 20 digits}.log` | a segment: record batches back to back | `segment` |
//! | `{base offset}.index` | batches by offset, rebuildable | `index` |
//! | `{base offset}.timeindex` | batches by time, rebuildable | `index` |
//! | `lock` | held by the one process that may write | `durable` |

pub mod backup;
mod closed;
mod cursor;
pub mod durable;
mod epochs;
mod error;
mod group;
mod index;
pub mod inspect;
mod meta;
mod partition;
mod range;
mod reader;
mod recovery;
mod retention;
mod segment;
mod time;
mod window;
mod writer;

#[cfg(any(test, feature = "simulation"))]
mod fuzz;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
#[cfg(test)]
mod tests;

pub use cursor::{CHECKED_BYTES, Cursor};
pub use epochs::EpochEnd;
pub use error::Error;
#[cfg(any(test, feature = "simulation"))]
pub use fuzz::fuzz_recovery;
pub use kafka::{LeaderEpoch, Offset};
pub use meta::{Incarnation, new_epoch};
pub use partition::{Config, Partition, Recovery};
pub use range::FileRange;
pub use reader::{DataRange, ReadOutcome, Reader};
pub use retention::{Retained, Retention};
pub use time::TimedOffset;
pub use writer::Writer;
