//! Crashes, what happens to the files meanwhile, and the log that is opened again.

use std::path::Path;
use std::sync::Arc;

use kafka::batch::{BatchHeader, last_record_header};

use super::source::POSITION;
use super::world::{FOLDER, World};
use crate::durable::Disk;
use crate::group::is_marked;
use crate::simulation::Faults;
use crate::{Error, Offset, Partition, Recovery};

/// Openings that may fail before the disk is replaced by a good one.
const OPENINGS: usize = 4;

impl World {
    /// The process or the machine goes down, now or wherever it is in what it does, and comes back.
    pub(super) fn crash(&mut self) {
        self.end_process();
        self.go_down();
        if self.dice.roll(4) == 0 {
            self.damage_index();
        }
        if self.dice.roll(4) == 0 {
            self.rot();
        }
        self.open();
    }

    fn go_down(&mut self) {
        if self.dice.roll(3) == 0 {
            self.tell("kill");
            self.counts.kills += 1;
            self.disk.restart();
        } else {
            self.tell("lose power");
            self.counts.power_losses += 1;
            self.disk.lose_power(self.dice.number());
        }
    }

    /// Opens the log, going down in the middle of it now and then, and checks all of it.
    pub(super) fn open(&mut self) {
        for opening in 0.. {
            let is_good = opening >= OPENINGS || self.dice.roll(2) == 0;
            if is_good {
                self.calm();
            } else {
                self.change_faults();
                if self.dice.roll(2) == 0 {
                    self.disk.stop_after(Some(self.dice.roll(60) as u64));
                }
            }
            let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
            match Partition::open_on(disk, Path::new(FOLDER), &self.config) {
                Ok(partition) if !self.disk.is_stopped() => {
                    self.opened(partition);
                    return;
                }
                Ok(partition) => {
                    // It would have been served, had the machine not stopped.
                    let start = partition.recovery.log_start_offset.0;
                    self.model().recovered(start, partition.recovery.next_offset.0);
                    self.leader_epoch = partition.reader.leader_epoch().0;
                }
                Err(error) => {
                    let is_disk = matches!(error, Error::Io { .. } | Error::Full { .. });
                    assert!(is_disk && !is_good, "{error:?}");
                    self.counts.failed_openings += 1;
                    self.tell(format!("opening failed: {error:?}"));
                }
            }
            self.go_down();
        }
    }

    /// The disk does nothing wrong until further notice.
    fn calm(&mut self) {
        self.set_faults(Faults::default());
        self.disk.fail_syncs(false);
        self.empty_disk();
    }

    fn opened(&mut self, partition: Partition) {
        let Partition { reader, recovery, .. } = &partition;
        let (start, end) = (recovery.log_start_offset.0, recovery.next_offset.0);
        self.tell(format!("opened {start}..{end}, {} bytes cut off", recovery.truncated_bytes));
        self.counts.torn += u64::from(recovery.truncated_bytes > 0);
        self.counts.rebuilt += recovery.rebuilt_indexes as u64;
        assert_eq!((start, end), (reader.log_start_offset().0, reader.high_watermark().0));
        self.model().recovered(start, end);
        assert_eq!(reader.incarnation(), self.config.new_incarnation);
        let epoch = reader.leader_epoch().0;
        assert!(epoch > self.leader_epoch || self.is_full, "epoch {epoch} was there before");
        self.leader_epoch = epoch;
        let faults = self.has_faults;
        self.disk.stop_after(None);
        self.disk.set_faults(Faults::default());
        self.model().adopt_epochs(reader, self.seen);
        self.check_resume(recovery);
        self.model().check_all(reader);
        if faults {
            self.change_faults();
        }
        self.partition = Some(partition);
        self.let_others_read();
    }

    /// Goes on reading the source where the last batch says.
    fn check_resume(&mut self, recovery: &Recovery) {
        let model = self.model();
        let Some(last) = model.batches.back() else {
            assert_eq!((recovery.next_offset, &recovery.last_batch), (Offset(0), &None));
            drop(model);
            self.source.next_row = 0;
            return;
        };
        let found = recovery.last_batch.as_ref().expect("the last batch is known");
        assert!(*found == last.bytes, "the last batch is another one");
        let mut buffer = Vec::new();
        let position = last_record_header(found, POSITION, 1 << 20, &mut buffer).unwrap().unwrap();
        assert_eq!(position, last.next_row.to_be_bytes());
        let next_row = last.next_row;
        drop(model);
        self.source.next_row = next_row;
    }

    /// Somebody deletes or breaks an index while nobody looks.
    fn damage_index(&mut self) {
        let names = self.disk.list(Path::new(FOLDER)).unwrap();
        let indexes: Vec<_> = names.iter().filter(|name| name.ends_with("index")).collect();
        if indexes.is_empty() {
            return;
        }
        let name = indexes[self.dice.roll(indexes.len())].clone();
        self.tell(format!("damage {name}"));
        let path = Self::path(&name);
        let mut bytes = self.disk.get(&path).unwrap();
        match self.dice.roll(4) {
            0 => self.disk.remove(&path).unwrap(),
            1 => {
                bytes.truncate(self.dice.roll(bytes.len() + 1));
                self.disk.put(&path, bytes);
            }
            2 => {
                let at = self.dice.roll(bytes.len());
                self.disk.rot(&path, at, 1 << self.dice.roll(8));
            }
            _ => {
                bytes.fill(0xff);
                self.disk.put(&path, bytes);
            }
        }
    }

    /// A bit rots in what was acknowledged before the last group: the log must be refused and left
    /// alone. Then the file comes back from a backup.
    fn rot(&mut self) {
        let names = self.disk.list(Path::new(FOLDER)).unwrap();
        let Some(name) = names.iter().filter(|name| name.ends_with(".log")).max() else { return };
        let path = Self::path(name);
        let base: i64 = name[..20].parse().unwrap();
        let (mut length, mut marked) = (0, 0);
        {
            let model = self.model();
            for batch in model.batches.iter().skip(model.position(base)) {
                if batch.next > model.acknowledged {
                    break;
                }
                if is_marked(&batch.bytes) {
                    marked = length;
                }
                length += batch.bytes.len();
            }
        }
        let bytes = self.disk.get(&path).unwrap();
        let at = self.dice.roll(marked);
        if marked == 0 || is_in_epoch(&bytes, at) {
            return;
        }
        self.tell(format!("byte {at} of {name} rots"));
        self.counts.rotten += 1;
        let mask = 1 << self.dice.roll(8);
        self.calm();
        self.disk.rot(&path, at, mask);
        let rotten = self.disk.get(&path);
        let error =
            Partition::open_on(Arc::new(self.disk.clone()), Path::new(FOLDER), &self.config)
                .expect_err("what was acknowledged is damaged");
        assert!(matches!(&error, Error::Corrupt { path: damaged, .. } if *damaged == path));
        assert!(self.disk.get(&path) == rotten, "what is damaged was changed");
        self.disk.rot(&path, at, mask);
    }
}

/// Whether a byte is part of a leader epoch, which no checksum covers.
fn is_in_epoch(bytes: &[u8], at: usize) -> bool {
    let mut start = 0;
    while let Ok(header) = BatchHeader::parse(&bytes[start..]) {
        if at < start + header.batch_len {
            return (12..16).contains(&(at - start));
        }
        start += header.batch_len;
    }
    false
}
