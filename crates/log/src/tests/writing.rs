//! Appending, syncing, rolling; and what a full or failing disk does.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::segment::Headers;

#[test]
fn nothing_is_visible_before_it_is_synced() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &endless());
    append(&mut writer, &[(1, "a"), (2, "b")]).unwrap();
    assert_eq!(reader.high_watermark(), Offset(0));
    assert!(reader.read(Offset(0), 1000).unwrap().range.is_none());
    assert_eq!((reader.size_bytes(), reader.data_range()), (0, None));
    assert!(reader.offset_for_time(0).unwrap().is_none());
    assert!(matches!(
        reader.read(Offset(1), 1000),
        Err(Error::OffsetOutOfRange { end: Offset(0), .. })
    ));
    assert!(writer.unsynced_bytes() > 0);

    assert_eq!(writer.sync().unwrap(), Offset(2));
    assert_eq!(reader.high_watermark(), Offset(2));
    assert_eq!(offsets(&reader), [0, 1]);
    assert_eq!(writer.unsynced_bytes(), 0);
}

#[test]
fn a_group_of_appends_costs_one_write_each_and_one_sync() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &endless());
    let (writes, syncs) = (disk.writes(), disk.syncs());
    let mut both = batch(Offset(0), &[(1, "a")]);
    both.extend(batch(Offset(1), &[(2, "b")]));
    writer.append(&mut both).unwrap();
    append(&mut writer, &[(3, "c")]).unwrap();
    writer.sync().unwrap();
    writer.sync().unwrap();
    assert_eq!((disk.writes() - writes, disk.syncs() - syncs), (2, 1));
}

#[test]
fn appended_bytes_are_served_as_they_are_but_for_the_leader_epoch_and_the_mark_of_a_group() {
    let disk = SimulatedDisk::new();
    drop(open(&disk, &endless()));
    let Partition { mut writer, reader, .. } = open(&disk, &endless());
    assert_eq!(writer.leader_epoch(), LeaderEpoch(2));
    let mut bytes = compressed(Offset(0), &[(1, "a"), (2, "b")], Compression::Lz4);
    let second = bytes.len();
    bytes.extend(compressed(Offset(2), &[(3, "c")], Compression::Zstd));
    let sealed = bytes.clone();
    writer.append(&mut bytes).unwrap();
    writer.sync().unwrap();
    let served = reader.read(Offset(0), 1000).unwrap().range.unwrap().read().unwrap();
    assert_eq!(served, bytes);
    for (at, (served, sealed)) in served.iter().zip(&sealed).enumerate() {
        let in_epoch = (12..16).contains(&at) || (second + 12..second + 16).contains(&at);
        // The mark, and the checksum that covers it.
        let in_mark = (17..22).contains(&at);
        assert!(in_epoch || in_mark || served == sealed, "byte {at} differs");
    }
    assert_eq!(&served[second + 12..second + 16], [0, 0, 0, 2]);
    assert_eq!(&served[12..16], [0, 0, 0, 2]);
    assert_eq!(served[21], 0x40, "the first batch behind a sync begins a group");
    for batch in Headers::new(&served).map(Result::unwrap) {
        batch
            .verify(if batch.base_offset == Offset(0) { &served } else { &served[second..] })
            .unwrap();
    }

    let mut more = served[..second].to_vec();
    kafka::batch::set_base_offset(&mut more, Offset(3)).unwrap();
    writer.append(&mut more).unwrap();
    assert_eq!(more[21], 0x40);
    kafka::batch::set_base_offset(&mut more, Offset(5)).unwrap();
    writer.append(&mut more).unwrap();
    assert_eq!(more[21], 0, "nothing was synced between the two");
    assert_eq!(more[17..21], sealed[17..21]);
}

#[test]
fn only_the_next_batch_is_taken() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &endless());
    let mut wrong = batch(Offset(5), &[(1, "a")]);
    assert!(matches!(
        writer.append(&mut wrong),
        Err(Error::OutOfOrder { expected: Offset(0), found: Offset(5) })
    ));
    let mut gap = batch(Offset(0), &[(1, "a")]);
    gap.extend(batch(Offset(2), &[(1, "a")]));
    assert!(matches!(writer.append(&mut gap), Err(Error::OutOfOrder { .. })));
    let whole = batch(Offset(0), &[(1, "a")]);
    for length in 1..whole.len() {
        let error = writer.append(&mut whole[..length].to_vec()).unwrap_err();
        assert!(matches!(error, Error::InvalidBatch { position: 0, .. }), "{length}: {error}");
    }
    assert_eq!(writer.append(&mut []).unwrap(), Offset(0));
    writer.append(&mut whole.clone()).unwrap();
    writer.sync().unwrap();
    assert_eq!(offsets(&reader), [0]);
}

#[test]
fn a_segment_is_closed_when_it_would_become_too_long() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    fill(&mut writer, 40);
    assert_eq!(offsets(&reader), (0..40).collect::<Vec<_>>());
    let segments: Vec<_> =
        (0..40).filter(|base| disk.get(&segment(*base, "log")).is_some()).collect();
    assert!(segments.len() > 4, "{segments:?}");
    for base in &segments {
        assert!(disk.get(&segment(*base, "log")).unwrap().len() <= 600);
    }
    let (last, closed) = segments.split_last().unwrap();
    assert!(closed.iter().all(|base| disk.get(&segment(*base, "index")).is_some()));
    assert!(disk.get(&segment(*last, "index")).is_none());
}

#[test]
fn an_append_longer_than_a_segment_is_kept_whole() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    let long = "x".repeat(5000);
    append(&mut writer, &[(1, &long)]).unwrap();
    append(&mut writer, &[(2, &long)]).unwrap();
    writer.sync().unwrap();
    assert_eq!(offsets(&reader), [0, 1]);
    assert!(disk.get(&segment(1, "log")).unwrap().len() > 5000);
}

#[test]
fn i03_a_full_disk_stops_appends_and_loses_nothing() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    fill(&mut writer, 3);
    append(&mut writer, &[(30, "unsynced")]).unwrap();
    // Each amount of space stops another step: a write half way, an index file, a new segment.
    for free in (0..400).step_by(7) {
        disk.limit_growth(Some(free));
        let next = writer.next_offset();
        let error = loop {
            let value = "x".repeat(50);
            match append(&mut writer, &[(40, &value)]) {
                Ok(_) => assert!(writer.next_offset() > next),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Full { .. }), "with {free} bytes: {error}");
        writer.sync().unwrap();
        let end = writer.next_offset().0;
        assert_eq!(offsets(&reader), (0..end).collect::<Vec<_>>(), "with {free} bytes");
    }
    disk.limit_growth(None);
    fill(&mut writer, 10);
    let end = writer.next_offset().0;
    drop(writer);
    let Partition { reader, recovery, .. } = open(&disk, &small());
    assert_eq!(offsets(&reader), (0..end).collect::<Vec<_>>());
    assert_eq!((recovery.truncated_bytes, recovery.rebuilt_indexes), (0, 0));
}

#[test]
fn a_failed_sync_poisons_the_writer_and_its_bytes_never_count() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &endless());
    fill(&mut writer, 2);
    append(&mut writer, &[(30, "lost")]).unwrap();
    disk.fail_syncs(true);
    assert!(matches!(writer.sync(), Err(Error::Io { operation: "syncing", .. })));
    disk.fail_syncs(false);
    assert!(matches!(writer.sync(), Err(Error::Poisoned { .. })));
    assert!(matches!(append(&mut writer, &[(30, "a")]), Err(Error::Poisoned { .. })));
    assert_eq!(offsets(&reader), [0, 1]);

    drop(writer);
    let Partition { mut writer, recovery, .. } = open(&disk, &endless());
    assert_eq!(recovery.next_offset, Offset(2), "bytes that a sync failed on are not trusted");
    fill(&mut writer, 1);
}

#[test]
fn a_failed_sync_of_the_folder_poisons_the_writer() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    fill(&mut writer, 5);
    disk.fail_syncs(true);
    let failed = (0..20).find_map(|at| append(&mut writer, &[(at, "some value")]).err());
    assert!(matches!(failed, Some(Error::Io { .. })));
    assert_eq!(offsets(&reader), [0, 1, 2, 3, 4]);
}

#[test]
fn a_reader_waits_for_what_is_durable() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &endless());
    let mut wait = pin!(reader.wait_beyond(Offset(0)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    append(&mut writer, &[(1, "a"), (2, "b")]).unwrap();
    assert!(wait.as_mut().poll(&mut context).is_pending());
    writer.sync().unwrap();
    assert_eq!(wait.as_mut().poll(&mut context), Poll::Ready(Offset(2)));

    let mut never = pin!(reader.wait_beyond(Offset(2)));
    drop(writer);
    assert!(never.as_mut().poll(&mut context).is_pending());
}
