//! What a read serves.

use std::io::Read;
use std::os::unix::net::UnixStream;

use super::*;
use crate::Retention;
use crate::segment::Headers;

#[test]
fn j03_every_offset_is_found_with_every_size_of_read() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    for first in [0, 3, 6, 9, 12, 15, 18, 21, 24, 27] {
        let values = [first, first + 1, first + 2].map(|at: i64| format!("value {at}"));
        let records: Vec<_> = values.iter().map(|value| (first, value.as_str())).collect();
        append(&mut writer, &records).unwrap();
    }
    writer.sync().unwrap();
    let all = records_from(&reader, Offset(0), 1 << 20);
    assert_eq!(all.len(), 30);
    for from in 0..=30 {
        for max_bytes in [0, 1, 100, 150, 250, 500, 10_000, u64::MAX] {
            let found = records_from(&reader, Offset(from), max_bytes);
            assert_eq!(found, all[usize::try_from(from).unwrap()..], "{from}, {max_bytes}");
            let outcome = reader.read(Offset(from), max_bytes).unwrap();
            let behind = outcome.range.map_or(Offset(from), |range| {
                let bytes = range.read().unwrap();
                Headers::new(&bytes).last().unwrap().unwrap().next_offset()
            });
            assert_eq!(outcome.reaches_end, behind == Offset(30), "{from}, {max_bytes}");
        }
    }
    let wrong = |offset| reader.read(Offset(offset), 100);
    for offset in [-1, 31, i64::MAX, i64::MIN] {
        assert!(matches!(
            wrong(offset),
            Err(Error::OffsetOutOfRange { start: Offset(0), end: Offset(30), .. })
        ));
    }
}

#[test]
fn a_read_holds_whole_batches_within_its_limit_or_one_batch_beyond_it() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &endless());
    fill(&mut writer, 30);
    let one = batch(Offset(0), &[(0, &"0".repeat(30))]).len() as u64;
    for limit in 0..one * 6 {
        let range = reader.read(Offset(4), limit).unwrap().range.unwrap();
        assert_eq!(range.position(), 4 * one);
        assert_eq!(range.length(), (limit / one).max(1) * one, "limit {limit}");
    }
    let outcome = reader.read(Offset(30), 100).unwrap();
    assert!(outcome.range.is_none());
    assert_eq!((outcome.log_start_offset, outcome.high_watermark), (Offset(0), Offset(30)));
}

#[test]
fn a_range_is_sent_to_a_socket_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let real = Partition::open(folder.path(), &small()).unwrap();
    let simulated = open(&SimulatedDisk::new(), &small());
    for Partition { mut writer, reader, .. } in [real, simulated] {
        fill(&mut writer, 3);
        let range = reader.read(Offset(0), 1000).unwrap().range.unwrap();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut sent = 5;
        while sent < range.length() {
            sent += range.send(sent, usize::MAX, &ours).unwrap() as u64;
        }
        drop(ours);
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).unwrap();
        assert_eq!(received, range.read().unwrap()[5..]);
        assert!(range.read_part(range.length(), &mut [0]).is_err());
    }
}

#[test]
fn readers_see_the_same_while_segments_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let Partition { mut writer, reader, .. } = Partition::open(folder.path(), &small()).unwrap();
    let retention = Retention { age: None, max_bytes: Some(3_000) };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let reader = reader.clone();
            scope.spawn(move || follow(&reader, Offset(500)));
        }
        while writer.next_offset() < Offset(500) {
            fill(&mut writer, 1);
            writer.retain(0, &retention).unwrap();
        }
    });
    assert!(reader.log_start_offset() > Offset(400));
}

/// Reads up to `end` as a consumer that starts again at the log's start where it was too slow, and
/// looks up the time of all it sees.
fn follow(reader: &Reader, end: Offset) {
    let mut next = Offset(0);
    while next < end {
        let range = match reader.read(next, 300) {
            Ok(outcome) => outcome.range,
            Err(Error::OffsetOutOfRange { requested, start, .. }) if requested < start => {
                next = start;
                continue;
            }
            Err(error) => panic!("{error:?}"),
        };
        let Some(range) = range else { continue };
        let bytes = range.read().unwrap();
        let header = batch::BatchHeader::parse(&bytes).unwrap();
        header.verify(&bytes).unwrap();
        assert_eq!((header.base_offset, header.base_timestamp), (next, next.0 * 10));
        let found = reader.offset_for_time(next.0 * 10).unwrap().unwrap();
        assert!(found.offset == next || found.offset <= reader.log_start_offset());
        next = header.next_offset();
    }
}

#[test]
fn damaged_batches_are_an_error_and_not_a_panic() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &endless());
    fill(&mut writer, 4);
    let log = disk.get(&segment(0, "log")).unwrap();
    let file = crate::durable::Disk::open(&disk, &segment(0, "log")).unwrap();
    file.write_at(&vec![0xff; log.len()], 0).unwrap();
    assert!(matches!(reader.read(Offset(2), 1000), Err(Error::Corrupt { .. })));
    assert!(matches!(reader.offset_for_time(0), Err(Error::Corrupt { .. })));
    file.set_length(0).unwrap();
    assert!(matches!(reader.read(Offset(2), 1000), Err(Error::Io { .. })));
}
