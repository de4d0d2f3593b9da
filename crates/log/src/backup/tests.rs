//! Copies of partitions that go on being written, rolled and retained.

use std::fs;

use kafka::batch::{BatchBuilder, Compression};

use super::*;
use crate::inspect::{Span, verify};
use crate::{Config, Partition, Retention, Writer};

fn config() -> Config {
    Config {
        segment_bytes: 400,
        index_interval_bytes: 150,
        ..Config::new(Incarnation::from_bytes([9; 16]))
    }
}

/// Appends batches of one record, whose timestamp is its offset.
fn fill(writer: &mut Writer, count: usize) {
    for _ in 0..count {
        let at = writer.next_offset();
        let mut builder = BatchBuilder::default();
        builder.push(at.0, None, Some(format!("{:040}", at.0).as_bytes())).unwrap();
        let mut bytes = Vec::new();
        builder.seal(&[], Compression::None, at, LeaderEpoch::NONE, &mut bytes).unwrap();
        writer.append(&mut bytes).unwrap();
    }
    writer.sync().unwrap();
}

fn offsets(folder: &Path) -> Vec<i64> {
    let mut found = Vec::new();
    crate::inspect::dump::<Error>(&Folder::list(folder).unwrap(), &Span::default(), |_, record| {
        found.push(record.offset.0);
        Ok(std::ops::ControlFlow::Continue(()))
    })
    .unwrap();
    found
}

fn assert_sound(folder: &Path, copy: &PartitionCopy) {
    let verified = verify(&Folder::list(folder).unwrap(), |_, _| {}).unwrap();
    assert!(verified.is_sound(), "{:?}", verified.findings);
    assert_eq!(verified.findings.kept(), []);
    assert_eq!(verified.offsets, Some((copy.start, copy.end)));
    assert_eq!(offsets(folder), (copy.start.0..copy.end.0).collect::<Vec<_>>());
}

struct Scene {
    outer: tempfile::TempDir,
    writer: Writer,
}

impl Scene {
    fn new(records: usize) -> Self {
        let outer = tempfile::tempdir().unwrap();
        let mut writer = Partition::open(&outer.path().join("live"), &config()).unwrap().writer;
        fill(&mut writer, records);
        Self { outer, writer }
    }

    fn live(&self) -> PathBuf {
        self.outer.path().join("live")
    }

    fn copy(&self) -> PathBuf {
        self.outer.path().join("copy")
    }

    fn backup(&self) -> PartitionBackup {
        PartitionBackup::begin(&self.live(), &self.copy()).unwrap()
    }

    fn retain(&mut self, max_bytes: u64) {
        let keep = Retention { age: None, max_bytes: Some(max_bytes) };
        assert!(self.writer.retain(0, &keep).unwrap().segments > 0);
    }
}

#[test]
fn a_copy_is_whole_and_the_original_can_go_on() {
    let mut scene = Scene::new(20);
    let mut backup = scene.backup();
    backup.take_closed().unwrap();
    let copy = backup.finish().unwrap();
    assert_eq!((copy.start, copy.end), (Offset(0), Offset(20)));
    assert_eq!((copy.last_timestamp_ms, copy.bytes_copied), (Some(19), false));
    fill(&mut scene.writer, 20);
    assert_sound(&scene.copy(), &copy);
    let opened = Partition::open(&scene.copy(), &config()).unwrap();
    assert_eq!(opened.recovery.next_offset, Offset(20));
    assert_eq!((opened.recovery.truncated_bytes, opened.recovery.rebuilt_indexes), (0, 0));
}

#[test]
fn a_server_on_the_copy_writes_nothing_into_the_original() {
    let mut scene = Scene::new(20);
    let before = offsets(&scene.live());
    let copy = scene.backup().finish().unwrap();
    let mut opened = Partition::open(&scene.copy(), &config()).unwrap();
    fill(&mut opened.writer, 50);
    assert_eq!(offsets(&scene.live()), before);
    fill(&mut scene.writer, 7);
    assert_eq!(offsets(&scene.live()).len(), 27);
    assert_eq!(offsets(&scene.copy()).len(), 70);
    assert_eq!(copy.end, Offset(20));
}

#[test]
fn what_is_rolled_meanwhile_is_in_the_copy() {
    let mut scene = Scene::new(20);
    let mut backup = scene.backup();
    backup.take_closed().unwrap();
    fill(&mut scene.writer, 20);
    let copy = backup.finish().unwrap();
    assert_eq!(copy.end, Offset(40));
    assert_sound(&scene.copy(), &copy);
    fill(&mut scene.writer, 20);
    let copy = backup.finish().unwrap();
    assert_eq!((copy.start, copy.end), (Offset(0), Offset(60)), "brought up to date");
    assert_sound(&scene.copy(), &copy);
}

#[test]
fn what_retention_removes_meanwhile_leaves_no_hole() {
    let mut scene = Scene::new(40);
    let mut backup = scene.backup();
    backup.take_closed().unwrap();
    scene.retain(800);
    let copy = backup.finish().unwrap();
    assert_eq!(copy.start, Offset(0), "what was linked before stays");
    assert_sound(&scene.copy(), &copy);

    fill(&mut scene.writer, 40);
    scene.retain(450);
    let copy = backup.finish().unwrap();
    assert!(copy.start > Offset(40), "nothing is adjacent to what was linked: {copy:?}");
    assert_sound(&scene.copy(), &copy);
}

#[test]
fn a_segment_that_goes_while_it_is_listed_ends_the_copys_beginning() {
    let scene = Scene::new(40);
    let mut backup = scene.backup();
    let listed = Folder::list(&scene.live()).unwrap().bases;
    let (last, closed) = listed.split_last().unwrap();
    for gone in &closed[..3] {
        fs::remove_file(segment::path(&scene.live(), *gone, "log")).unwrap();
    }
    backup.take(closed, *last).unwrap();
    let copy = backup.finish().unwrap();
    assert_eq!(copy.start, closed[3]);
    assert_sound(&scene.copy(), &copy);
}

#[test]
fn a_log_that_another_one_replaces_meanwhile_is_not_mixed_with_it() {
    let other = Config { new_incarnation: Incarnation::from_bytes([8; 16]), ..config() };
    for (records, is_finished) in [(3, false), (30, false), (30, true)] {
        let mut scene = Scene::new(40);
        let mut backup = scene.backup();
        if is_finished {
            backup.finish().unwrap();
        } else {
            backup.take_closed().unwrap();
        }
        durable::remove_folder(&scene.live()).unwrap();
        scene.writer = Partition::open(&scene.live(), &other).unwrap().writer;
        fill(&mut scene.writer, records);
        let copy = backup.finish().unwrap();
        assert_eq!(copy.incarnation, other.new_incarnation);
        assert_eq!((copy.start, copy.end), (Offset(0), scene.writer.next_offset()));
        assert_sound(&scene.copy(), &copy);
        let live = Folder::list(&scene.live()).unwrap().bases;
        assert_eq!(Folder::list(&scene.copy()).unwrap().bases, live, "none of the old one's");
    }
}

#[test]
fn an_unfinished_end_is_left_out_and_damage_is_refused() {
    let scene = Scene::new(21);
    let active = {
        let listed = Folder::list(&scene.live()).unwrap();
        segment::path(&scene.live(), *listed.bases.last().unwrap(), "log")
    };
    let whole = fs::read(&active).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(&whole[..whole.len().min(50)]);
    fs::write(&active, &torn).unwrap();
    let copy = scene.backup().finish().unwrap();
    assert_eq!(copy.end, Offset(21));
    assert_sound(&scene.copy(), &copy);
    assert_eq!(fs::read(&active).unwrap(), torn, "the original is not touched");

    let scene = Scene::new(20);
    let listed = Folder::list(&scene.live()).unwrap();
    let active = segment::path(&scene.live(), *listed.bases.last().unwrap(), "log");
    let mut damaged = fs::read(&active).unwrap();
    assert!(damaged.len() > 130, "two batches at least");
    damaged[70] ^= 1;
    fs::write(&active, damaged).unwrap();
    let error = scene.backup().finish().unwrap_err();
    assert!(
        matches!(&error, Error::Corrupt { path, position: 0, .. } if *path == active),
        "{error}"
    );
}

#[test]
fn a_restored_partition_is_another_one_only_if_asked() {
    let scene = Scene::new(20);
    let copy = scene.backup().finish().unwrap();
    let new = Incarnation::from_bytes([7; 16]);
    let (low, high) = (LeaderEpoch(0), LeaderEpoch(5_000));
    let of_the_copy = LeaderEpoch(copy.leader_epoch.0 + 1);
    for (new_log, expected, epoch, link) in [
        (None, copy.incarnation, of_the_copy, false),
        (Some((new, high)), new, LeaderEpoch(5_001), false),
        (Some((new, low)), new, of_the_copy, true),
        (None, copy.incarnation, of_the_copy, true),
    ] {
        let to = scene.outer.path().join(format!("restored-{link}-{expected}-{epoch}"));
        restore(&scene.copy(), &to, &copy.files, new_log, link).unwrap();
        assert_sound(&to, &copy);
        let mut opened = Partition::open(&to, &config()).unwrap();
        assert_eq!((opened.reader.incarnation(), opened.reader.leader_epoch()), (expected, epoch));
        fill(&mut opened.writer, 20);
        assert_sound(&scene.copy(), &copy);
    }
}

#[test]
fn a_copy_that_lost_bytes_is_not_restored() {
    let scene = Scene::new(20);
    let copy = scene.backup().finish().unwrap();
    let to = scene.outer.path().join("restored");
    let (name, length) = &copy.files[0];
    let file = fs::OpenOptions::new().write(true).open(scene.copy().join(name)).unwrap();
    file.set_len(length - 1).unwrap();
    let error = restore(&scene.copy(), &to, &copy.files, None, false).unwrap_err();
    assert!(error.to_string().contains("had"), "{error}");
    let strange = vec![("../catalog.db".to_owned(), 1)];
    let error = restore(&scene.copy(), &to, &strange, None, false).unwrap_err();
    assert!(error.to_string().contains("is no file of a log"), "{error}");
}
