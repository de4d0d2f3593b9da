//! What goes and what stays.

use std::time::Duration;

use super::*;
use crate::{Retained, Retention};

/// Nine segments or more; record `n` has timestamp `10 n`.
fn filled() -> (SimulatedDisk, Partition) {
    let disk = SimulatedDisk::new();
    let mut partition = open(&disk, &small());
    fill(&mut partition.writer, 50);
    (disk, partition)
}

fn age(ms: u64) -> Retention {
    Retention { age: Some(Duration::from_millis(ms)), max_bytes: None }
}

#[test]
fn nothing_set_keeps_everything() {
    let (_, Partition { mut writer, reader, .. }) = filled();
    assert_eq!(writer.retain(i64::MAX, &Retention::default()).unwrap(), Retained::default());
    assert_eq!(offsets(&reader).len(), 50);
}

#[test]
fn j08_segments_go_when_all_their_records_are_too_old() {
    let (disk, Partition { mut writer, reader, .. }) = filled();
    let retained = writer.retain(1000, &age(800)).unwrap();
    let start = reader.log_start_offset();
    assert!(retained.segments > 1 && retained.bytes > 0);
    assert!(start.0 > 0 && start.0 <= 20, "records from 200 ms on stay, but starts at {start}");
    assert_eq!(offsets(&reader), (start.0..50).collect::<Vec<_>>());
    assert_eq!(reader.data_range().unwrap().first_ms, start.0 * 10);
    assert!(matches!(reader.read(Offset(0), 1), Err(Error::OffsetOutOfRange { .. })));
    for kind in ["log", "index", "timeindex"] {
        assert!(disk.get(&segment(0, kind)).is_none(), "{kind} is removed");
        assert!(disk.get(&segment(start.0, kind)).is_some(), "{kind} stays");
    }
    drop(writer);
    let recovery = open(&disk, &small()).recovery;
    assert_eq!((recovery.log_start_offset, recovery.next_offset), (start, Offset(50)));
}

#[test]
fn j08_segments_go_until_the_log_is_short_enough() {
    let (_, Partition { mut writer, reader, .. }) = filled();
    let size = reader.size_bytes();
    let limit = Retention { age: None, max_bytes: Some(size / 2) };
    let retained = writer.retain(0, &limit).unwrap();
    assert!(reader.size_bytes() <= size / 2 && reader.size_bytes() + 600 > size / 2);
    assert_eq!(reader.size_bytes() + retained.bytes, size);
}

#[test]
fn the_active_segment_stays_however_old() {
    let (_, Partition { mut writer, reader, .. }) = filled();
    writer.retain(i64::MAX, &age(0)).unwrap();
    assert_eq!(reader.high_watermark(), Offset(50));
    assert!(!offsets(&reader).is_empty());
    fill(&mut writer, 1);
}

#[test]
fn the_last_batch_stays_where_the_active_segment_is_empty() {
    let (disk, Partition { writer, .. }) = filled();
    drop(writer);
    let last = (0..50).rev().find(|base| disk.get(&segment(*base, "log")).is_some()).unwrap();
    disk.put(&segment(last, "log"), Vec::new());
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    let all = Retention { age: Some(Duration::ZERO), max_bytes: Some(0) };
    writer.retain(i64::MAX, &all).unwrap();
    assert!(reader.log_start_offset().0 < last);
    drop(writer);
    assert!(open(&disk, &small()).recovery.last_batch.is_some());
}

#[test]
fn the_last_batch_stays_while_what_follows_is_not_durable() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    fill(&mut writer, 3);
    let all = Retention { age: Some(Duration::ZERO), max_bytes: Some(0) };
    while disk.get(&segment(0, "index")).is_none() {
        append(&mut writer, &[(0, "an append that rolls at last")]).unwrap();
    }
    writer.retain(i64::MAX, &all).unwrap();
    assert_eq!(reader.log_start_offset(), Offset(0));
    writer.sync().unwrap();
    writer.retain(i64::MAX, &all).unwrap();
    assert!(reader.log_start_offset() > Offset(0));
}

#[test]
fn who_reads_a_removed_segment_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Partition { mut writer, reader, .. } = Partition::open(folder.path(), &small()).unwrap();
    fill(&mut writer, 50);
    let range = reader.read(Offset(0), 300).unwrap().range.unwrap();
    let before = range.read().unwrap();
    assert!(writer.retain(i64::MAX, &age(0)).unwrap().segments > 0);
    assert!(!folder.path().join("00000000000000000000.log").exists());
    assert_eq!(range.read().unwrap(), before);
}
