//! The fuzz entry: recovery from a segment of arbitrary bytes.

use std::path::Path;
use std::sync::Arc;

use kafka::LeaderEpoch;
use kafka::batch::{BatchBuilder, BatchHeader, Compression};

use crate::group;
use crate::simulation::SimulatedDisk;
use crate::{Config, Error, Incarnation, Offset, Partition, Reader};

/// Opens a partition whose active segment is `bytes`, reads all of it, appends to it, and opens it
/// again.
///
/// # Panics
/// If recovery serves a batch that is damaged or out of order, fails, or loses what it served.
pub fn fuzz_recovery(bytes: &[u8]) {
    let disk = SimulatedDisk::new();
    let folder = Path::new("partition");
    let mut config = Config::new(Incarnation::from_bytes([7; 16]));
    config.index_interval_bytes = 100;
    let try_open = || Partition::open_on(Arc::new(disk.clone()), folder, &config);
    let open = || try_open().expect("a segment of any content is recovered");
    drop(open());
    disk.put(&folder.join("00000000000000000000.log"), bytes.to_vec());
    let Partition { mut writer, reader, recovery } = match try_open() {
        Ok(partition) => partition,
        Err(error) => {
            // Only if it holds the proof that the damage was durable once.
            assert!(matches!(error, Error::Corrupt { .. }), "{error}");
            let marked = |at| bytes.get(at..).is_some_and(group::is_marked);
            assert!((0..bytes.len()).any(marked), "{error}");
            return;
        }
    };
    let served = read_all(&reader);
    assert!(bytes.starts_with(&served), "recovery changed bytes");
    assert_eq!(recovery.truncated_bytes, (bytes.len() - served.len()) as u64);
    for timestamp_ms in [i64::MIN, 0, i64::MAX] {
        // Records inside of a batch with a right checksum can still be nonsense.
        let _ = reader.offset_for_time(timestamp_ms);
    }
    let mut batch = Vec::new();
    let mut builder = BatchBuilder::default();
    builder.push(1, None, Some(b"value")).expect("a small record fits");
    builder
        .seal(&[], Compression::None, writer.next_offset(), LeaderEpoch::NONE, &mut batch)
        .expect("a small batch is sealed");
    if writer.append(&mut batch).is_err() {
        return; // behind the last possible offset
    }
    writer.sync().expect("the disk works");
    drop(writer);
    let mut expected = served;
    expected.extend_from_slice(&batch);
    assert!(read_all(&open().reader) == expected, "reopening lost or changed batches");
}

/// Reads from the start to the high watermark in small reads, and checks what is served.
fn read_all(reader: &Reader) -> Vec<u8> {
    let mut served = Vec::new();
    let mut offset = reader.log_start_offset();
    while offset < reader.high_watermark() {
        let outcome = reader.read(offset, 200).expect("what is visible can be read");
        let range = outcome.range.expect("there is more before the high watermark");
        let bytes = range.read().expect("the disk works");
        offset = check_batches(&bytes, offset);
        served.extend_from_slice(&bytes);
    }
    served
}

/// Answers the offset behind batches that must be whole and go on at `expected`.
fn check_batches(mut bytes: &[u8], mut expected: Offset) -> Offset {
    while !bytes.is_empty() {
        let header = BatchHeader::parse(bytes).expect("only whole batches are served");
        header.verify(bytes).expect("only batches with their checksum are served");
        assert_eq!(header.base_offset, expected, "batches follow each other");
        expected = header.next_offset();
        bytes = bytes.split_at(header.batch_len).1;
    }
    expected
}
