//! Tests of the log as a whole, mostly on a simulated disk.

mod cursor;
mod epochs;
mod format;
mod model;
mod reading;
mod recovery;
mod retention;
mod simulated;
mod time;
mod writing;

use std::path::Path;
use std::sync::Arc;

use kafka::batch::{self, BatchBuilder, Compression};

use crate::simulation::SimulatedDisk;
use crate::{Config, Error, Incarnation, LeaderEpoch, Offset, Partition, Reader, Writer};

/// The folder of every simulated partition.
const FOLDER: &str = "data/shop";

/// Segments of a few batches, an index entry every other batch.
fn small() -> Config {
    Config {
        segment_bytes: 600,
        index_interval_bytes: 150,
        ..Config::new(Incarnation::from_bytes([9; 16]))
    }
}

/// Segments that never fill up.
fn endless() -> Config {
    Config { segment_bytes: u32::MAX, ..small() }
}

fn open(disk: &SimulatedDisk, config: &Config) -> Partition {
    try_open(disk, config).unwrap()
}

fn try_open(disk: &SimulatedDisk, config: &Config) -> Result<Partition, Error> {
    Partition::open_on(Arc::new(disk.clone()), Path::new(FOLDER), config)
}

fn path(name: &str) -> std::path::PathBuf {
    Path::new(FOLDER).join(name)
}

/// The path of the segment file with this base offset and kind.
fn segment(base: i64, kind: &str) -> std::path::PathBuf {
    path(&format!("{base:020}.{kind}"))
}

/// A batch with one record for each timestamp and value.
fn batch(base: Offset, records: &[(i64, &str)]) -> Vec<u8> {
    compressed(base, records, Compression::None)
}

fn compressed(base: Offset, records: &[(i64, &str)], compression: Compression) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for (timestamp_ms, value) in records {
        builder.push(*timestamp_ms, None, Some(value.as_bytes())).unwrap();
    }
    let mut out = Vec::new();
    builder.seal(&[], compression, base, LeaderEpoch::NONE, &mut out).unwrap();
    out
}

/// Appends one batch of these records, without sync.
fn append(writer: &mut Writer, records: &[(i64, &str)]) -> Result<Offset, Error> {
    let mut bytes = batch(writer.next_offset(), records);
    writer.append(&mut bytes)
}

/// Appends `count` batches of one record each (the value is its offset, the timestamp ten times
/// that) and syncs.
fn fill(writer: &mut Writer, count: usize) {
    for _ in 0..count {
        let offset = writer.next_offset().0;
        append(writer, &[(offset * 10, &format!("{offset:030}"))]).unwrap();
    }
    writer.sync().unwrap();
}

/// Offset, timestamp and value of all visible records from `from` on, by reads of `max_bytes`.
fn records_from(reader: &Reader, from: Offset, max_bytes: u64) -> Vec<(i64, i64, String)> {
    let mut found = Vec::new();
    let mut next = from;
    while let Some(range) = reader.read(next, max_bytes).unwrap().range {
        let bytes = range.read().unwrap();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let mut buffer = Vec::new();
            let records = batch::records(rest, 1 << 20, &mut buffer).unwrap();
            let header = *records.header();
            header.verify(rest).unwrap();
            for record in records.map(Result::unwrap).filter(|record| record.offset >= from) {
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                found.push((record.offset.0, record.timestamp_ms, value));
            }
            next = header.next_offset();
            rest = &rest[header.batch_len..];
        }
    }
    assert_eq!(next.max(from), reader.high_watermark());
    found
}

fn offsets(reader: &Reader) -> Vec<i64> {
    let all = records_from(reader, reader.log_start_offset(), 1 << 20);
    all.into_iter().map(|(offset, ..)| offset).collect()
}
