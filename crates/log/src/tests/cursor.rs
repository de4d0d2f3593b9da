use proptest::prelude::*;
use tempfile::TempDir;

use super::{endless, fill, open, small};
use crate::simulation::SimulatedDisk;
use crate::{Cursor, Error, Offset, Partition, ReadOutcome, Reader, Retention};

/// Where a read begins and ends in its file, and what it says of the log.
fn shape(outcome: &ReadOutcome) -> (Option<(u64, u64)>, bool, Offset, Offset) {
    let range = outcome.range.as_ref().map(|range| (range.position(), range.end()));
    (range, outcome.reaches_end, outcome.high_watermark, outcome.log_start_offset)
}

/// The offset behind what was read.
fn behind(outcome: &ReadOutcome) -> Option<Offset> {
    let bytes = outcome.range.as_ref()?.read().unwrap();
    let mut rest = bytes.as_slice();
    let mut next = None;
    while !rest.is_empty() {
        let header = kafka::batch::BatchHeader::parse(rest).unwrap();
        next = Some(header.next_offset());
        rest = &rest[header.batch_len..];
    }
    next
}

fn nothing_older() -> Retention {
    Retention { age: None, max_bytes: Some(1) }
}

/// Open files of this process below a folder.
fn open_below(folder: &std::path::Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let paths = all.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    paths.filter(|path| path.starts_with(folder) && !path.ends_with("lock")).count()
}

proptest! {
    /// Reads that go on, jump, and are interleaved with appends, rolls and retention.
    #[test]
    fn a_cursor_answers_what_a_search_answers(
        steps in prop::collection::vec((0_u8..8, 0_i64..40, 1_u64..2_000), 1..60),
        long_segments in any::<bool>(),
    ) {
        let disk = SimulatedDisk::new();
        let config = if long_segments { endless() } else { small() };
        let Partition { mut writer, reader, .. } = open(&disk, &config);
        fill(&mut writer, 3);
        let mut cursor = Cursor::new(reader.clone());
        let mut next = Offset(0);
        for (step, number, max_bytes) in steps {
            match step {
                0 => fill(&mut writer, usize::try_from(number).unwrap() % 12),
                1 => next = Offset(number),
                2 => {
                    writer.retain(0, &nothing_older()).unwrap();
                }
                3 => {
                    let _ = cursor.prepare(next, max_bytes);
                }
                _ => {}
            }
            match (cursor.read(next, max_bytes), reader.read(next, max_bytes)) {
                (Ok(found), Ok(searched)) => {
                    prop_assert_eq!(shape(&found), shape(&searched));
                    next = behind(&found).unwrap_or(next);
                }
                (Err(Error::OffsetOutOfRange { start, .. }), Err(Error::OffsetOutOfRange { .. })) => {
                    next = start;
                }
                (found, searched) => prop_assert!(false, "{found:?} is not {searched:?}"),
            }
        }
    }
}

#[test]
fn many_cursors_at_one_segment_hold_its_files_open_once() {
    let folder = TempDir::new().unwrap();
    let Partition { mut writer, reader, .. } = Partition::open(folder.path(), &small()).unwrap();
    fill(&mut writer, 40);
    let idle = open_below(folder.path());
    let read = |reader: &Reader| {
        let mut cursor = Cursor::new(reader.clone());
        cursor.read(Offset(0), 1).unwrap();
        cursor
    };
    let first = read(&reader);
    let open = open_below(folder.path());
    assert!(open > idle, "the first segment is closed, so it must be opened");
    let others: Vec<_> = (0..50).map(|_| read(&reader)).collect();
    assert_eq!(open_below(folder.path()), open);
    drop((first, others));
    assert_eq!(open_below(folder.path()), idle, "nobody reads it any more");
}

#[test]
fn a_reader_within_a_segment_that_goes_finishes_its_answer_and_then_is_out_of_range() {
    let folder = TempDir::new().unwrap();
    let Partition { mut writer, reader, .. } = Partition::open(folder.path(), &small()).unwrap();
    fill(&mut writer, 40);
    let mut cursor = Cursor::new(reader.clone());
    let answer = cursor.read(Offset(0), 1).unwrap().range.unwrap();
    let before = answer.read().unwrap();
    writer.retain(0, &nothing_older()).unwrap();
    assert_eq!(answer.read().unwrap(), before);
    let start = reader.log_start_offset();
    assert!(start > Offset(1));
    let refused = cursor.read(Offset(1), 1);
    assert!(matches!(refused, Err(Error::OffsetOutOfRange { start: found, .. }) if found == start));
    drop((answer, cursor));
    let only_the_active = 1;
    assert_eq!(open_below(folder.path()), only_the_active, "a removed file takes no more space");
    assert_eq!(reader.read(start, 1).unwrap().log_start_offset, start);
}

#[test]
fn what_was_prepared_waits_for_no_disk() {
    let folder = TempDir::new().unwrap();
    let Partition { mut writer, reader, .. } = Partition::open(folder.path(), &small()).unwrap();
    fill(&mut writer, 40);
    let mut cursor = Cursor::new(reader.clone());
    assert!(!cursor.is_warm(Offset(1), 300), "its file must be opened first");
    let prepared = cursor.prepare(Offset(1), 300).unwrap();
    assert!(cursor.is_warm(Offset(1), 300));
    let found = cursor.read(Offset(1), 300).unwrap();
    assert_eq!(found.range.as_ref().map(crate::FileRange::length), Some(prepared));
    assert_eq!(shape(&found), shape(&reader.read(Offset(1), 300).unwrap()));
    let end = reader.high_watermark();
    assert!(cursor.is_warm(end, 300), "there is nothing to wait for");
    assert!(cursor.is_warm(Offset(-1), 300) && cursor.is_warm(Offset(end.0 + 1), 300));
}
