//! Finding records by time.

use proptest::prelude::*;

use super::*;
use crate::{DataRange, TimedOffset};

#[test]
fn a_time_finds_its_record_inside_a_compressed_batch() {
    for compression in Compression::ALL {
        let disk = SimulatedDisk::new();
        let Partition { mut writer, reader, .. } = open(&disk, &small());
        let mut bytes =
            compressed(Offset(0), &[(10, "a"), (20, "b"), (30, "c"), (30, "d")], compression);
        writer.append(&mut bytes).unwrap();
        writer.sync().unwrap();
        let find = |time| reader.offset_for_time(time).unwrap().map(|found| found.offset.0);
        assert_eq!([0, 10, 11, 20, 30].map(find), [0, 0, 1, 1, 2].map(Some), "{compression:?}");
        assert_eq!(find(31), None);
    }
}

#[test]
fn a_batch_that_promises_a_time_it_does_not_have_is_passed() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    let mut liar = batch(Offset(0), &[(10, "a")]);
    liar[35..43].copy_from_slice(&1000_i64.to_be_bytes());
    let crc = crc32c::crc32c(&liar[21..]);
    liar[17..21].copy_from_slice(&crc.to_be_bytes());
    writer.append(&mut liar).unwrap();
    fill(&mut writer, 60);
    assert_eq!(
        reader.offset_for_time(500).unwrap(),
        Some(TimedOffset { offset: Offset(50), timestamp_ms: 500 })
    );
    assert_eq!(reader.offset_for_time(601).unwrap(), None);
}

#[test]
fn e13_the_data_range_does_not_end_before_its_highest_time() {
    let disk = SimulatedDisk::new();
    let Partition { mut writer, reader, .. } = open(&disk, &small());
    for time in [50, 40, 900, 60] {
        append(&mut writer, &[(time, &"x".repeat(400))]).unwrap();
    }
    writer.sync().unwrap();
    assert_eq!(reader.data_range(), Some(DataRange { first_ms: 50, last_ms: 900 }));
}

proptest! {
    #[test]
    fn e13_the_first_record_of_a_time_is_found_however_times_jump(
        times in prop::collection::vec(prop::collection::vec(-50..50_i64, 1..5), 0..60),
        reopen in any::<bool>(),
    ) {
        let disk = SimulatedDisk::new();
        let Partition { mut writer, mut reader, .. } = open(&disk, &small());
        for batch in &times {
            let records: Vec<_> = batch.iter().map(|time| (*time, "value")).collect();
            append(&mut writer, &records).unwrap();
        }
        writer.sync().unwrap();
        drop(writer);
        if reopen {
            reader = open(&disk, &small()).reader;
        }
        let flat: Vec<_> = times.into_iter().flatten().collect();
        for wanted in -51..=51 {
            let expected = flat.iter().position(|time| *time >= wanted).map(|at| TimedOffset {
                offset: Offset(i64::try_from(at).unwrap()),
                timestamp_ms: flat[at],
            });
            prop_assert_eq!(reader.offset_for_time(wanted).unwrap(), expected);
        }
    }
}
