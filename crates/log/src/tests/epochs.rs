//! Ends of writers' batches.

use super::*;
use crate::{EpochEnd, Retention};

/// A log of several writers: each opens it, and appends so many batches.
fn written_by(disk: &SimulatedDisk, config: &Config, counts: &[usize]) -> Partition {
    let (last, before) = counts.split_last().unwrap();
    for count in before {
        let Partition { mut writer, .. } = open(disk, config);
        fill(&mut writer, *count);
    }
    let mut partition = open(disk, config);
    fill(&mut partition.writer, *last);
    partition
}

fn end(reader: &Reader, epoch: i32) -> Option<(i32, i64)> {
    let found = reader.epoch_end(LeaderEpoch(epoch)).unwrap();
    found.map(|EpochEnd { leader_epoch, end_offset }| (leader_epoch.0, end_offset.0))
}

#[test]
fn each_epoch_ends_where_the_next_one_with_batches_begins() {
    // Epochs 1 to 6; those of 3 and 6 wrote nothing.
    for config in [small(), endless()] {
        let disk = SimulatedDisk::new();
        let Partition { reader, .. } = written_by(&disk, &config, &[4, 1, 0, 30, 2, 0]);
        let expected = [
            (-1, None),
            (0, Some((0, 0))),
            (1, Some((1, 4))),
            (2, Some((2, 5))),
            (3, Some((2, 5))),
            (4, Some((4, 35))),
            (5, Some((5, 37))),
            (6, Some((6, 37))),
            (7, None),
            (i32::MAX, None),
        ];
        for (epoch, expected) in expected {
            assert_eq!(end(&reader, epoch), expected, "epoch {epoch}");
        }
    }
}

#[test]
fn the_epochs_of_all_batches_agree_with_their_ends() {
    let counts = [3, 0, 1, 12, 7, 0, 0, 25, 1, 5];
    for config in [small(), endless()] {
        let disk = SimulatedDisk::new();
        let Partition { reader, .. } = written_by(&disk, &config, &counts);
        let mut offset = 0;
        for (at, count) in counts.into_iter().enumerate() {
            let epoch = LeaderEpoch(i32::try_from(at + 1).unwrap());
            for _ in 0..count {
                assert_eq!(reader.epoch_at(Offset(offset)).unwrap(), epoch, "offset {offset}");
                offset += 1;
            }
            if count > 0 {
                assert_eq!(end(&reader, epoch.0), Some((epoch.0, offset)));
            }
        }
        assert_eq!(reader.epoch_at(Offset(offset)).unwrap(), reader.leader_epoch());
        assert!(matches!(reader.epoch_at(Offset(offset + 1)), Err(Error::OffsetOutOfRange { .. })));
    }
}

#[test]
fn what_is_not_visible_has_no_part_in_it() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = written_by(&disk, &endless(), &[20, 0]);
    for _ in 0..20 {
        append(&mut writer, &[(0, "not synced")]).unwrap();
    }
    assert_eq!(end(&reader, 1), Some((1, 20)));
    assert_eq!(end(&reader, 2), Some((2, 20)));
    writer.sync().unwrap();
    assert_eq!(end(&reader, 1), Some((1, 20)));
    assert_eq!(end(&reader, 2), Some((2, 40)));
}

#[test]
fn epochs_that_retention_has_removed_end_at_the_start() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = written_by(&disk, &small(), &[10, 30]);
    writer.retain(0, &Retention { age: None, max_bytes: Some(700) }).unwrap();
    let start = reader.log_start_offset().0;
    assert!(start > 10);
    assert_eq!(end(&reader, 1), Some((1, start)));
    assert_eq!(end(&reader, 2), Some((2, 40)));
}

#[test]
fn epochs_are_found_without_an_index() {
    let disk = SimulatedDisk::new();
    drop(written_by(&disk, &small(), &[10, 30, 4]));
    let Partition { reader, .. } = open(&disk, &small());
    for base in reader.segments().iter().map(|segment| segment.offset.0) {
        for kind in ["index", "timeindex"] {
            let _there = crate::durable::Disk::remove(&disk, &segment(base, kind));
        }
    }
    assert_eq!(end(&reader, 1), Some((1, 10)));
    assert_eq!(end(&reader, 2), Some((2, 40)));
    assert_eq!(end(&reader, 3), Some((3, 44)));
}
