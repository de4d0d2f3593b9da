//! The steps of a simulated life.

use std::collections::VecDeque;
use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::model::Model;
use super::source::Source;
use crate::simulation::{Dice, Faults, SimulatedDisk};
use crate::{Config, Cursor, Error, FileRange, Incarnation, Offset, Partition, Reader, Retention};

/// The folder of the partition.
pub(super) const FOLDER: &str = "data/shop";
/// Steps that are told when a run fails.
const TOLD: usize = 30;
/// Ranges that readers hold at most.
const HELD: usize = 8;

/// Everything that lives.
pub(super) struct World {
    pub(super) steps: u64,
    pub(super) dice: Dice,
    pub(super) disk: SimulatedDisk,
    pub(super) config: Config,
    pub(super) source: Source,
    /// Shared with the reader that looks between the disk's operations.
    model: Arc<Mutex<Model>>,
    /// `None` only while it is being opened.
    pub(super) partition: Option<Partition>,
    held: Vec<(FileRange, Vec<u8>)>,
    /// Who reads on and on, and the offset that comes next.
    consumer: Option<(Cursor, Offset)>,
    /// Set while the one reader of this thread reads, so that no other begins in the middle of it.
    is_reading: Arc<AtomicBool>,
    pub(super) leader_epoch: i32,
    /// What readers had seen when the last process ended.
    pub(super) seen: i64,
    pub(super) has_faults: bool,
    pub(super) is_full: bool,
    last: VecDeque<String>,
    pub(super) counts: Counts,
}

/// What happened, so that a summary shows that everything did.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) syncs: u64,
    pub(super) failed_syncs: u64,
    pub(super) full: u64,
    pub(super) retained: u64,
    pub(super) kills: u64,
    pub(super) power_losses: u64,
    pub(super) failed_openings: u64,
    pub(super) torn: u64,
    pub(super) rebuilt: u64,
    pub(super) rotten: u64,
    pub(super) reads: u64,
    pub(super) reads_on: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let disk = SimulatedDisk::with_seed(dice.number());
        let config = Config {
            segment_bytes: 600,
            index_interval_bytes: 150,
            ..Config::new(Incarnation::from_bytes([9; 16]))
        };
        let mut world = Self {
            steps: 0,
            dice,
            disk,
            config,
            source: Source { next_row: 0, now_ms: 1_000_000 },
            model: Arc::default(),
            partition: None,
            held: Vec::new(),
            consumer: None,
            is_reading: Arc::default(),
            leader_epoch: 0,
            seen: 0,
            has_faults: false,
            is_full: false,
            last: VecDeque::new(),
            counts: Counts::default(),
        };
        world.open();
        world
    }

    pub(super) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reader(&self) -> Reader {
        self.partition.as_ref().unwrap().reader.clone()
    }

    pub(super) fn tell(&mut self, step: impl Display) {
        if self.last.len() == TOLD {
            self.last.pop_front();
        }
        self.last.push_back(format!("{}: {step}", self.steps));
    }

    pub(super) fn last_steps(&self) -> String {
        Vec::from(self.last.clone()).join("\n  ")
    }

    pub(super) fn summary(&self) -> String {
        format!("{} steps, {} rows, {:?}", self.steps, self.source.next_row, self.counts)
    }

    pub(super) fn step(&mut self) {
        self.steps += 1;
        match self.dice.roll(1000) {
            0..420 => self.append(),
            420..680 => self.sync(),
            680..760 => self.quietly(Self::read),
            760..820 => self.quietly(Self::read_on),
            820..860 => self.quietly(Self::hold),
            860..900 => self.quietly(Self::find_time),
            900..920 => self.retain(),
            920..930 => self.fill_disk(),
            930..945 => self.empty_disk(),
            945..965 => self.change_faults(),
            965..990 => {
                let operations = self.dice.roll(40) as u64;
                self.tell(format!("stop after {operations}"));
                self.disk.stop_after(Some(operations));
            }
            _ => self.crash(),
        }
        if self.disk.is_stopped() {
            self.crash();
        }
        let reader = self.reader();
        self.model().observe(&reader);
        if self.dice.roll(64) == 0 && !self.has_faults && self.can_read() {
            self.model().check_bounds(&reader);
        }
    }

    /// Lets somebody read whenever the disk is asked for something.
    pub(super) fn let_others_read(&mut self) {
        let (model, reader) = (Arc::clone(&self.model), self.reader());
        let dice = Mutex::new(Dice::new(self.dice.number()));
        let is_reading = Arc::clone(&self.is_reading);
        self.disk.observe(Some(Arc::new(move || {
            let mut dice = dice.lock().unwrap_or_else(PoisonError::into_inner);
            if dice.roll(8) == 0 && !is_reading.load(Ordering::Relaxed) {
                model.lock().unwrap_or_else(PoisonError::into_inner).observe(&reader);
                read_somewhere(&model, &reader, &mut dice);
            }
        })));
    }

    fn quietly(&mut self, read: impl FnOnce(&mut Self)) {
        self.is_reading.store(true, Ordering::Relaxed);
        read(self);
        self.is_reading.store(false, Ordering::Relaxed);
    }

    fn append(&mut self) {
        let mut bytes = Vec::new();
        let mut batches = Vec::new();
        let mut next = self.model().end();
        for _ in 0..1 + self.dice.roll(3) {
            let batch = self.source.batch(next, &mut self.dice);
            next = batch.next;
            bytes.extend_from_slice(&batch.bytes);
            batches.push(batch);
        }
        self.tell(format!("append {}..{next}, {} bytes", batches[0].base, bytes.len()));
        self.model().attempt.clone_from(&batches);
        let writer = &mut self.partition.as_mut().unwrap().writer;
        let answer = writer.append(&mut bytes);
        let mut rest = bytes.as_slice();
        for batch in &mut batches {
            let (first, behind) = rest.split_at(batch.bytes.len());
            batch.bytes.copy_from_slice(first);
            rest = behind;
        }
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(end) => {
                assert_eq!(end.0, next);
                model.attempt.clear();
                model.batches.extend(batches);
                return;
            }
            Err(error) => {
                assert!(self.is_full || !matches!(error, Error::Full { .. }), "{error:?}");
                self.counts.full += u64::from(matches!(error, Error::Full { .. }));
                model.attempt = batches;
            }
        }
        drop(model);
        self.after_failure();
    }

    /// What a writer that failed does next: it goes on if it can, else the log is opened again.
    fn after_failure(&mut self) {
        if self.disk.is_stopped() {
            return;
        }
        let writer = &mut self.partition.as_mut().unwrap().writer;
        match writer.append(&mut []) {
            Ok(end) => {
                let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
                model.attempt.clear();
                assert_eq!(end.0, model.end(), "what was refused was kept");
                self.source.next_row = model.batches.back().map_or(0, |batch| batch.next_row);
            }
            Err(Error::Poisoned { .. }) => {
                assert!(matches!(writer.sync(), Err(Error::Poisoned { .. })));
                self.crash();
            }
            Err(error) => panic!("neither usable nor poisoned: {error}"),
        }
    }

    fn sync(&mut self) {
        self.tell("sync");
        let end = self.model().end();
        match self.partition.as_mut().unwrap().writer.sync() {
            Ok(visible) => {
                assert_eq!(visible.0, end);
                assert_eq!(self.reader().high_watermark().0, end);
                self.counts.syncs += 1;
            }
            Err(error) => {
                assert!(self.may_fail(), "{error:?}");
                self.counts.failed_syncs += 1;
                self.after_failure();
            }
        }
    }

    fn retain(&mut self) {
        let age = Duration::from_millis(self.dice.roll(4_000) as u64);
        let retention = match self.dice.roll(3) {
            0 => Retention { age: Some(age), max_bytes: None },
            1 => Retention { age: None, max_bytes: Some(self.dice.roll(16_000) as u64) },
            _ => Retention { age: Some(age), max_bytes: Some(self.dice.roll(8_000) as u64) },
        };
        self.tell(format!("retain {retention:?}"));
        let now = self.source.now_ms;
        let before = self.reader().log_start_offset().0;
        let outcome = self.partition.as_mut().unwrap().writer.retain(now, &retention);
        let start = self.reader().log_start_offset().0;
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = model.position(before)..model.position(start);
        if retention.max_bytes.is_none() {
            let oldest = now - i64::try_from(age.as_millis()).unwrap();
            let young = |batch: &super::source::Batch| batch.max_timestamp() >= oldest;
            assert!(!model.batches.range(gone).any(young), "what is young enough went");
        }
        assert!(start == before || start < model.acknowledged, "the last batch went");
        match outcome {
            Ok(retained) => {
                self.counts.retained += retained.segments as u64;
                model.start_max = start;
                model.forget_before(start);
            }
            Err(error) => {
                drop(model);
                assert!(self.may_fail(), "{error:?}");
            }
        }
    }

    fn read(&mut self) {
        self.counts.reads += 1;
        let reader = self.reader();
        read_somewhere(&self.model, &reader, &mut self.dice);
    }

    /// Reads behind what was read before, as a consumer does.
    fn read_on(&mut self) {
        self.counts.reads_on += 1;
        let reader = self.reader();
        let max_bytes = self.dice.roll(900) as u64;
        let (cursor, next) = self.consumer.get_or_insert_with(|| {
            let start = reader.log_start_offset();
            (Cursor::new(reader), start)
        });
        match cursor.read(*next, max_bytes) {
            Ok(outcome) => {
                if let Some(Ok(bytes)) = outcome.range.map(|range| range.read()) {
                    let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
                    *next = Offset(model.check_served(next.0, &bytes));
                }
            }
            Err(Error::OffsetOutOfRange { start, .. }) => *next = start,
            Err(error) => assert!(self.may_fail(), "{error:?}"),
        }
    }

    /// Keeps a range, as a slow consumer does, or looks whether one still is what it was.
    fn hold(&mut self) {
        let reader = self.reader();
        if self.held.len() == HELD || self.dice.roll(2) == 0 {
            if self.held.is_empty() || !self.can_read() {
                return;
            }
            let (range, bytes) = self.held.swap_remove(self.dice.roll(self.held.len()));
            match range.read() {
                Ok(read) => assert!(read == bytes, "a held range has changed"),
                Err(error) => assert!(self.may_fail(), "{error:?}"),
            }
        } else if let Some((_, range)) = pick(&reader, &mut self.dice)
            && let Ok(bytes) = range.read()
        {
            self.held.push((range, bytes));
        }
    }

    fn find_time(&mut self) {
        let reader = self.reader();
        let back = i64::try_from(self.dice.roll(6_000)).unwrap();
        let timestamp_ms = self.source.now_ms + 100 - back;
        match reader.offset_for_time(timestamp_ms) {
            Ok(found) => {
                let start = reader.log_start_offset().0;
                let expected = self.model().offset_for_time(start, timestamp_ms);
                assert_eq!(found, expected, "the first record at {timestamp_ms}");
            }
            Err(error) => assert!(self.may_fail(), "{error:?}"),
        }
    }

    fn fill_disk(&mut self) {
        let bytes = self.dice.roll(1_500) as u64;
        self.tell(format!("space for {bytes} bytes more"));
        self.disk.limit_growth(Some(bytes));
        self.is_full = true;
    }

    pub(super) fn empty_disk(&mut self) {
        self.disk.limit_growth(None);
        self.is_full = false;
    }

    pub(super) fn change_faults(&mut self) {
        let mut rate = |most: usize| u16::try_from(self.dice.roll(most)).unwrap();
        let faults = match rate(6) {
            0 | 1 => Faults::default(),
            2 => Faults { interrupted: rate(20_000), short: rate(20_000), ..Faults::default() },
            3 => Faults { failing_read: rate(3_000), short: rate(3_000), ..Faults::default() },
            4 => Faults { failing_write: rate(3_000), short: rate(3_000), ..Faults::default() },
            _ => Faults {
                failing_sync: rate(6_000),
                syncs_fail_for_ever: rate(2) == 0,
                ..Faults::default()
            },
        };
        self.set_faults(faults);
    }

    pub(super) fn set_faults(&mut self, faults: Faults) {
        self.tell(format!("{faults:?}"));
        self.has_faults = faults != Faults::default();
        self.disk.set_faults(faults);
    }

    /// Whether an operation may fail now.
    fn may_fail(&self) -> bool {
        self.has_faults || self.is_full || self.disk.is_stopped() || self.disk.syncs_fail()
    }

    fn can_read(&self) -> bool {
        !self.disk.is_stopped()
    }

    /// Ends the process; its readers go with it.
    pub(super) fn end_process(&mut self) {
        self.disk.observe(None);
        self.held.clear();
        self.consumer = None;
        if let Some(Partition { reader, .. }) = self.partition.take() {
            self.model().observe(&reader);
        }
        let seen = self.model().acknowledged;
        self.seen = seen;
    }

    pub(super) fn path(name: &str) -> std::path::PathBuf {
        Path::new(FOLDER).join(name)
    }
}

/// Some range of the log, with the offset that was asked for.
fn pick(reader: &Reader, dice: &mut Dice) -> Option<(i64, FileRange)> {
    let (start, end) = (reader.log_start_offset().0, reader.high_watermark().0);
    let offset = start + i64::try_from(dice.roll(usize::try_from(end - start).unwrap())).unwrap();
    let max_bytes = if dice.roll(4) == 0 { u64::MAX } else { dice.roll(900) as u64 };
    Some((offset, reader.read(Offset(offset), max_bytes).ok()?.range?))
}

/// Reads at a random offset and compares. A disk that fails is not the log's fault; what it serves
/// is.
fn read_somewhere(model: &Mutex<Model>, reader: &Reader, dice: &mut Dice) {
    if let Some((offset, range)) = pick(reader, dice)
        && let Ok(bytes) = range.read()
    {
        model.lock().unwrap_or_else(PoisonError::into_inner).check_served(offset, &bytes);
    }
}
