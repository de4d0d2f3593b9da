//! The layout on disk does not change by accident.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A partition as release 0.1 writes it, with twelve records in three segments: made by
/// [`write`] (`WELLHEAD_WRITE_TESTDATA=1` makes it anew).
fn version_1() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/partition-v1")
}

/// The same as it was written before groups had marks. Nothing makes it anew.
fn without_marks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/partition-v1-unmarked")
}

fn write(writer: &mut Writer) {
    for at in 0..12_i64 {
        let mut bytes = batch(Offset(at), &[(1_000 * at, &format!("value {at:040}"))]);
        writer.append(&mut bytes).unwrap();
    }
    writer.sync().unwrap();
}

fn copy_of(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

#[test]
fn k08_a_partition_of_version_1_is_read_and_written_on() {
    for from in [version_1(), without_marks()] {
        let folder = copy_of(&from);
        let Partition { mut writer, reader, recovery } =
            Partition::open(folder.path(), &small()).unwrap();
        assert_eq!((recovery.truncated_bytes, recovery.rebuilt_indexes), (0, 0));
        assert_eq!(reader.leader_epoch(), LeaderEpoch(2));
        assert_eq!(reader.incarnation().to_string(), "CQkJCQkJCQkJCQkJCQkJCQ");
        let expected: Vec<_> =
            (0..12).map(|at| (at, 1_000 * at, format!("value {at:040}"))).collect();
        assert_eq!(records_from(&reader, Offset(0), 1), expected);
        assert_eq!(reader.offset_for_time(4_500).unwrap().unwrap().offset, Offset(5));
        fill(&mut writer, 1);
        drop(writer);
        let recovery = Partition::open(folder.path(), &small()).unwrap().recovery;
        assert_eq!((recovery.truncated_bytes, recovery.next_offset), (0, Offset(13)));
    }
}

#[test]
fn k08_the_same_appends_still_write_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    write(&mut Partition::open(folder.path(), &small()).unwrap().writer);
    if std::env::var_os("WELLHEAD_WRITE_TESTDATA").is_some() {
        fs::create_dir_all(version_1()).unwrap();
        for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            if entry.file_name() != "lock" {
                fs::copy(entry.path(), version_1().join(entry.file_name())).unwrap();
            }
        }
    }
    for entry in fs::read_dir(version_1()).unwrap().map(Result::unwrap) {
        let ours = fs::read(folder.path().join(entry.file_name())).unwrap();
        assert!(ours == fs::read(entry.path()).unwrap(), "{:?} differs", entry.file_name());
    }
}

#[test]
fn k08_a_newer_format_is_refused_with_what_to_do() {
    let folder = copy_of(&version_1());
    let meta = folder.path().join("partition.meta");
    let mut bytes = fs::read(&meta).unwrap();
    bytes[11] = 2;
    fs::write(&meta, bytes).unwrap();
    let error = Partition::open(folder.path(), &small()).unwrap_err();
    assert!(matches!(error, Error::NewerFormat { found: 2, supported: 1, .. }));
    assert!(error.to_string().contains("use the release that wrote it"), "{error}");
}
