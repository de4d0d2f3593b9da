//! What opening makes of what a crash left.

use proptest::prelude::*;

use super::*;

/// A log of one segment with six batches, and where each ends.
fn six_batches() -> (SimulatedDisk, Vec<u8>, Vec<usize>) {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &endless());
    let mut ends = vec![0];
    for _ in 0..6 {
        fill(&mut writer, 1);
        ends.push(disk.get(&segment(0, "log")).unwrap().len());
    }
    let log = disk.get(&segment(0, "log")).unwrap();
    (disk, log, ends)
}

#[test]
fn j07_every_truncation_recovers_to_the_last_whole_batch() {
    let (disk, log, ends) = six_batches();
    for length in 0..=log.len() {
        disk.put(&segment(0, "log"), log[..length].to_vec());
        let Partition { mut writer, reader, recovery } = open(&disk, &endless());
        let whole = ends.iter().filter(|end| **end <= length).count() - 1;
        let expected: Vec<_> = (0..i64::try_from(whole).unwrap()).collect();
        assert_eq!(offsets(&reader), expected, "{length} bytes");
        assert_eq!(recovery.truncated_bytes, (length - ends[whole]) as u64);
        assert_eq!(recovery.next_offset, writer.next_offset());
        let last = whole.checked_sub(1).map(|last| log[ends[last]..ends[whole]].to_vec());
        assert_eq!(recovery.last_batch, last);
        fill(&mut writer, 2);
        assert_eq!(offsets(&reader).len(), whole + 2);
    }
}

#[test]
fn j07_a_flipped_bit_in_the_last_group_ends_the_log_before_its_batch() {
    let (disk, log, ends) = six_batches();
    for bit in ends[5] * 8..log.len() * 8 {
        let mut flipped = log.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        disk.put(&segment(0, "log"), flipped.clone());
        let Partition { reader, .. } = open(&disk, &endless());
        let in_epoch = (12..16).contains(&(bit / 8 - ends[5]));
        // The leader epoch is not under the checksum: it may become that of another writer.
        let epoch = i32::from_be_bytes(flipped[ends[5] + 12..ends[5] + 16].try_into().unwrap());
        let is_known = (1..reader.leader_epoch().0).contains(&epoch);
        assert_eq!(offsets(&reader).len(), if is_known && in_epoch { 6 } else { 5 }, "bit {bit}");
    }
}

#[test]
fn j07_damage_before_what_was_written_later_is_refused_and_nothing_is_cut_off() {
    let (disk, log, ends) = six_batches();
    let refused = |damaged: Vec<u8>, what: &str| {
        disk.put(&segment(0, "log"), damaged.clone());
        let error = try_open(&disk, &endless()).unwrap_err();
        assert!(matches!(&error, Error::Corrupt { .. }), "{what}: {error}");
        assert!(error.to_string().contains("restore the folder from a backup"), "{error}");
        assert_eq!(disk.get(&segment(0, "log")).unwrap(), damaged, "{what}: it was changed");
    };
    for bit in ends[3] * 8..ends[5] * 8 {
        let batch = ends.iter().filter(|end| **end <= bit / 8).count() - 1;
        if !(12..16).contains(&(bit / 8 - ends[batch])) {
            let mut flipped = log.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refused(flipped, &format!("bit {bit}"));
        }
    }
    let zeros = |from: usize, to: usize| {
        let mut bytes = log.clone();
        bytes[from..to].fill(0);
        bytes
    };
    refused(zeros(0, ends[5]), "all but the last batch");
    refused(zeros(ends[1] + 30, ends[4] + 30), "the middle");
    let torn = log.len() - 1;
    refused(zeros(ends[1], ends[2])[..torn].to_vec(), "with a torn end besides");
    disk.put(&segment(0, "log"), log);
    assert_eq!(offsets(&open(&disk, &endless()).reader).len(), 6);
}

#[test]
fn j07_whole_batches_of_the_group_behind_a_hole_are_a_torn_end() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &endless());
    fill(&mut writer, 2);
    let whole = disk.get(&segment(0, "log")).unwrap().len();
    for _ in 0..3 {
        append(&mut writer, &[(50, "a batch of a group that was never synced")]).unwrap();
    }
    drop(writer);
    let log = disk.get(&segment(0, "log")).unwrap();
    let one = (log.len() - whole) / 3;
    for hole in 0..3 {
        let mut torn = log.clone();
        torn[whole + hole * one..whole + (hole + 1) * one].fill(0);
        disk.put(&segment(0, "log"), torn);
        let recovery = open(&disk, &endless()).recovery;
        assert_eq!(recovery.next_offset, Offset(2 + i64::try_from(hole).unwrap()));
    }
}

#[test]
fn j07_rows_that_look_like_batches_prove_nothing() {
    let mut bait = batch(Offset(500), &[(0, "anybody may write this into a column")]);
    crate::group::set_mark(&mut bait, true);
    let bait = bait.repeat(9);
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &endless());
    fill(&mut writer, 2);
    let mut ends = vec![disk.get(&segment(0, "log")).unwrap().len()];
    for _ in 0..3 {
        let mut builder = BatchBuilder::default();
        builder.push(50, None, Some(&bait)).unwrap();
        let mut bytes = Vec::new();
        let base = writer.next_offset();
        builder.seal(&[], Compression::None, base, LeaderEpoch::NONE, &mut bytes).unwrap();
        writer.append(&mut bytes).unwrap();
        ends.push(disk.get(&segment(0, "log")).unwrap().len());
    }
    let log = disk.get(&segment(0, "log")).unwrap();
    let ends_at = |torn: Vec<u8>| {
        disk.put(&segment(0, "log"), torn);
        open(&disk, &endless()).recovery.next_offset
    };
    writer.sync().unwrap();
    fill(&mut writer, 1);
    drop(writer);
    let proven = disk.get(&segment(0, "log")).unwrap();
    for at in 0..3 {
        let expected = Offset(2 + i64::try_from(at).unwrap());
        for length in ends[at]..ends[at + 1] {
            assert_eq!(ends_at(log[..length].to_vec()), expected, "cut off at byte {length}");
        }
        for hole in [ends[at] + 61..ends[at] + 70, ends[at + 1] - 20..ends[at + 1]] {
            let mut torn = log.clone();
            torn[hole.clone()].fill(0xee);
            assert_eq!(ends_at(torn), expected, "{hole:?}");
            let mut damaged = proven.clone();
            damaged[hole].fill(0xee);
            disk.put(&segment(0, "log"), damaged);
            assert!(matches!(try_open(&disk, &endless()), Err(Error::Corrupt { .. })));
        }
    }
}

#[test]
fn a_log_from_before_there_were_marks_is_read_and_its_damage_taken_for_a_torn_end() {
    let (disk, mut log, ends) = six_batches();
    for batch in 0..6 {
        crate::group::set_mark(&mut log[ends[batch]..ends[batch + 1]], false);
    }
    disk.put(&segment(0, "log"), log.clone());
    assert_eq!(offsets(&open(&disk, &endless()).reader).len(), 6);
    log[ends[3] + 30] ^= 1;
    disk.put(&segment(0, "log"), log);
    assert_eq!(offsets(&open(&disk, &endless()).reader).len(), 3);
}

#[test]
fn j07_what_a_failed_sync_left_in_memory_is_not_taken_for_durable_by_the_next_opening() {
    for seed in 0..200 {
        let disk = SimulatedDisk::with_seed(seed);
        let Partition { mut writer, .. } = open(&disk, &endless());
        fill(&mut writer, 3);
        append(&mut writer, &[(30, "killed before it was synced")]).unwrap();
        drop(writer);
        disk.fail_syncs(true);
        assert!(matches!(try_open(&disk, &endless()), Err(Error::Io { .. })));
        disk.fail_syncs(false);
        let before = offsets(&open(&disk, &endless()).reader);
        disk.lose_power(seed);
        assert_eq!(offsets(&open(&disk, &endless()).reader), before, "seed {seed}");
    }
}

#[test]
fn j07_killed_when_its_sync_has_failed_a_writer_leaves_nothing_that_is_taken_for_durable() {
    for seed in 0..200 {
        let disk = SimulatedDisk::with_seed(seed);
        let Partition { mut writer, .. } = open(&disk, &endless());
        fill(&mut writer, 3);
        append(&mut writer, &[(30, "one"), (31, "two")]).unwrap();
        append(&mut writer, &[(32, "three")]).unwrap();
        disk.fail_syncs(true);
        // It fails, and the next operation, which would cut off what was not synced, is the last.
        disk.stop_after(Some(1));
        writer.sync().unwrap_err();
        drop(writer);
        disk.fail_syncs(false);
        disk.restart();
        let before = offsets(&open(&disk, &endless()).reader);
        disk.lose_power(seed);
        assert_eq!(offsets(&open(&disk, &endless()).reader), before, "seed {seed}");
    }
}

#[test]
fn j08_only_heads_of_indexes_and_the_active_segment_are_read() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &small());
    fill(&mut writer, 1_000);
    drop(writer);
    let names = crate::durable::Disk::list(&disk, Path::new(FOLDER)).unwrap();
    let closed = names.iter().filter(|name| name.ends_with(".timeindex")).count();
    assert!(closed > 150, "{closed} closed segments");
    let before: Vec<_> = names.iter().map(|name| disk.bytes_read(&path(name))).collect();
    let recovery = open(&disk, &small()).recovery;
    assert_eq!((recovery.next_offset, recovery.rebuilt_indexes), (Offset(1_000), 0));
    for (name, before) in names.iter().zip(before) {
        let read = disk.bytes_read(&path(name)) - before;
        let is_active = name.ends_with(".log") && !names.contains(&name.replace(".log", ".index"));
        let length = disk.get(&path(name)).unwrap().len() as u64;
        let (least, most) = match name {
            name if name == "partition.meta" => (0, 200),
            name if name.ends_with("index") => (56, 56),
            // Once to check it, once more for its last group, and for its last batch.
            _ if is_active => (length, length * 3),
            _ => (0, 0),
        };
        assert!((least..=most).contains(&read), "{read} bytes of {name} ({length}) were read");
    }
}

#[test]
fn with_an_empty_or_torn_last_segment_the_last_batch_is_in_the_one_before() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &small());
    fill(&mut writer, 20);
    drop(writer);
    let last = (0..20).rev().find(|base| disk.get(&segment(*base, "log")).is_some()).unwrap();
    let expected = batch(Offset(last - 1), &[((last - 1) * 10, &format!("{:030}", last - 1))]);
    for torn in [vec![], vec![0], vec![0; 100], vec![0xff; 100]] {
        let length = torn.len() as u64;
        disk.put(&segment(last, "log"), torn);
        let recovery = open(&disk, &small()).recovery;
        assert_eq!((recovery.next_offset, recovery.truncated_bytes), (Offset(last), length));
        let found = recovery.last_batch.unwrap();
        assert_eq!((&found[..12], &found[16..]), (&expected[..12], &expected[16..]));
    }
}

#[test]
fn a_new_log_starts_at_zero_with_the_given_incarnation() {
    let disk = SimulatedDisk::new();
    let Partition { reader, recovery, .. } = open(&disk, &small());
    assert_eq!(recovery.next_offset, Offset(0));
    assert_eq!((recovery.last_batch, recovery.truncated_bytes), (None, 0));
    assert_eq!(reader.incarnation(), small().new_incarnation);
    assert_eq!(reader.leader_epoch(), LeaderEpoch(1));
}

#[test]
fn a_new_log_begins_with_the_epoch_it_is_given_and_an_old_one_goes_on_with_its_own() {
    let disk = SimulatedDisk::new();
    for (given, expected) in [(500, 500), (1, 501), (9_000, 502)] {
        let config = Config { new_epoch: LeaderEpoch(given), ..small() };
        assert_eq!(open(&disk, &config).reader.leader_epoch(), LeaderEpoch(expected));
    }
}

#[test]
fn each_opening_has_a_higher_leader_epoch_and_the_same_incarnation() {
    let disk = SimulatedDisk::new();
    drop(open(&disk, &small()));
    let other = Config { new_incarnation: Incarnation::from_bytes([1; 16]), ..small() };
    for epoch in 2..5 {
        let reader = open(&disk, &other).reader;
        assert_eq!(reader.leader_epoch(), LeaderEpoch(epoch));
        assert_eq!(reader.incarnation(), small().new_incarnation);
    }
}

#[test]
fn j08_missing_or_garbage_indexes_are_rebuilt() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &small());
    fill(&mut writer, 40);
    drop(writer);
    for kind in ["index", "timeindex"] {
        let good = disk.get(&segment(0, kind)).unwrap();
        let mut garbage: Vec<_> = (0..good.len()).map(|length| good[..length].to_vec()).collect();
        garbage.push(vec![0xff; good.len()]);
        garbage.push([good.as_slice(), &[0]].concat());
        for at in 0..56 {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            garbage.push(flipped);
        }
        for bytes in garbage {
            disk.put(&segment(0, kind), bytes.clone());
            let Partition { reader, recovery, .. } = open(&disk, &small());
            assert_eq!(recovery.rebuilt_indexes, 1, "{kind} {bytes:?}");
            assert_eq!(disk.get(&segment(0, kind)).unwrap(), good);
            assert_eq!(offsets(&reader).len(), 40);
        }
        crate::durable::Disk::remove(&disk, &segment(0, kind)).unwrap();
        assert_eq!(open(&disk, &small()).recovery.rebuilt_indexes, 1);
        assert_eq!(disk.get(&segment(0, kind)).unwrap(), good);
    }
}

#[test]
fn j08_a_damaged_index_entry_misleads_nobody() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &small());
    fill(&mut writer, 40);
    drop(writer);
    for kind in ["index", "timeindex"] {
        let good = disk.get(&segment(0, kind)).unwrap();
        for at in 56..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            disk.put(&segment(0, kind), flipped);
            let reader = open(&disk, &small()).reader;
            for offset in 0..10 {
                assert_eq!(records_from(&reader, Offset(offset), 1)[0].0, offset);
                let found = reader.offset_for_time(offset * 10).unwrap().unwrap();
                assert_eq!(found.offset, Offset(offset), "{kind} byte {at}");
            }
        }
        disk.put(&segment(0, kind), good);
    }
}

#[test]
fn a_damaged_closed_segment_is_refused_where_it_is_read_and_never_skipped() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &small());
    fill(&mut writer, 40);
    drop(writer);
    let log = disk.get(&segment(0, "log")).unwrap();
    disk.put(&segment(0, "log"), log[..log.len() - 1].to_vec());
    let error = try_open(&disk, &small()).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { position, .. } if *position > 0), "{error}");
    assert!(error.to_string().contains("00000000000000000000.log is damaged at byte"), "{error}");

    disk.put(&segment(0, "log"), log);
    drop(open(&disk, &small()));
    let second = (1..40).find(|base| disk.get(&segment(*base, "log")).is_some()).unwrap();
    crate::durable::Disk::remove(&disk, &segment(second, "log")).unwrap();
    let error = try_open(&disk, &small()).unwrap_err();
    assert!(error.to_string().contains("does not follow the segment before it"), "{error}");
}

#[test]
fn a_log_that_lost_its_files_is_refused_and_never_starts_anew() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &endless());
    fill(&mut writer, 1);
    drop(writer);
    let log = disk.get(&segment(0, "log")).unwrap();
    crate::durable::Disk::remove(&disk, &segment(0, "log")).unwrap();
    let error = try_open(&disk, &endless()).unwrap_err();
    assert!(error.to_string().contains("segments are missing"), "{error}");

    disk.put(&segment(0, "log"), log);
    crate::durable::Disk::remove(&disk, &path("partition.meta")).unwrap();
    let error = try_open(&disk, &endless()).unwrap_err();
    assert!(error.to_string().contains("partition.meta is missing"), "{error}");
}

#[test]
fn leftovers_of_a_crash_are_removed() {
    let disk = SimulatedDisk::new();
    drop(open(&disk, &small()));
    for name in
        ["partition.meta.tmp", "00000000000000000007.index", "00000000000000000007.timeindex"]
    {
        disk.put(&path(name), vec![1]);
    }
    disk.put(&path("notes.txt"), vec![1]);
    drop(open(&disk, &small()));
    let names = crate::durable::Disk::list(&disk, Path::new(FOLDER)).unwrap();
    assert_eq!(names, ["00000000000000000000.log", "notes.txt", "partition.meta"]);
}

#[test]
fn two_writers_on_one_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("a/b");
    let first = Partition::open(&inside, &small()).unwrap();
    let error = Partition::open(&inside, &small()).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }));
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(first.writer);
    assert!(Partition::open(&inside, &small()).is_ok(), "readers do not hold the folder");
}

#[test]
fn a_disk_that_fails_while_opening_is_an_error() {
    let disk = SimulatedDisk::new();
    disk.fail_syncs(true);
    assert!(matches!(try_open(&disk, &small()), Err(Error::Io { .. })));
    disk.fail_syncs(false);
    disk.limit_growth(Some(10));
    assert!(matches!(try_open(&disk, &small()), Err(Error::Full { .. })));
    disk.limit_growth(None);
    assert!(try_open(&disk, &small()).is_ok());
}

#[test]
fn i03_a_log_opens_on_a_full_disk_so_that_it_can_free_space() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, .. } = open(&disk, &small());
    fill(&mut writer, 40);
    drop(writer);
    disk.put(&segment(0, "index"), Vec::new());
    disk.limit_growth(Some(0));
    let Partition { mut writer, reader, recovery } = open(&disk, &small());
    assert_eq!((recovery.rebuilt_indexes, writer.leader_epoch()), (1, LeaderEpoch(1)));
    assert_eq!(offsets(&reader).len(), 40);
    assert_eq!(reader.offset_for_time(30).unwrap().unwrap().offset, Offset(3));
    assert!(matches!(append(&mut writer, &[(0, "a")]), Err(Error::Full { .. })));
    let tight = crate::Retention { age: None, max_bytes: Some(1000) };
    assert!(writer.retain(0, &tight).unwrap().segments > 0);
    disk.limit_growth(None);
    fill(&mut writer, 1);
}

#[test]
fn j07_a_name_that_a_killed_process_had_not_synced_is_durable_once_the_log_is_open() {
    for operations in 0..80 {
        for seed in 0..8 {
            let disk = SimulatedDisk::with_seed(seed);
            let Partition { mut writer, .. } = open(&disk, &small());
            fill(&mut writer, 5);
            disk.stop_after(Some(operations));
            while append(&mut writer, &[(50, "an append that rolls at last")]).is_ok() {}
            drop(writer);
            disk.restart();
            // Without space the epoch is not stored, which would sync the folder.
            disk.limit_growth(Some(0));
            let Partition { mut writer, .. } = open(&disk, &small());
            disk.limit_growth(None);
            append(&mut writer, &[(60, "x")]).unwrap();
            let end = writer.sync().unwrap();
            drop(writer);
            disk.lose_power(seed);
            let recovery = open(&disk, &small()).recovery;
            assert_eq!(recovery.next_offset, end, "stopped after {operations}, seed {seed}");
        }
    }
}

/// Whole batches, some of them damaged, with garbage between: what a fuzzer would find.
fn segments() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => (1..5_usize, any::<i64>()).prop_map(|(records, time)| Some((records, time))),
        1 => Just(None),
    ];
    let damage = proptest::option::of((any::<prop::sample::Index>(), any::<u8>()));
    let pieces = prop::collection::vec((piece, prop::collection::vec(any::<u8>(), 0..80)), 0..12);
    (pieces, damage, 0..40_usize).prop_map(|(pieces, damage, cut)| {
        let mut bytes = Vec::new();
        let mut next = Offset(0);
        for (piece, garbage) in pieces {
            match piece {
                Some((records, time)) => {
                    bytes.extend(batch(next, &vec![(time, "value"); records]));
                    next = Offset(next.0 + i64::try_from(records).unwrap());
                }
                None => bytes.extend(garbage),
            }
        }
        if let Some((at, mask)) = damage.filter(|_| !bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] ^= mask;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        bytes
    })
}

proptest! {
    #[test]
    fn recovery_serves_only_whole_batches_of_any_file(bytes in segments()) {
        crate::fuzz_recovery(&bytes);
    }

    #[test]
    fn recovery_survives_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        crate::fuzz_recovery(&bytes);
    }
}
