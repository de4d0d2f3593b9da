//! What the log must hold.

use std::collections::VecDeque;

use super::source::Batch;
use crate::{Offset, Reader, TimedOffset};

/// The batches that the log may hold, and which of them it must.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Appended, from the oldest that may still be there on.
    pub(super) batches: VecDeque<Batch>,
    /// Batches of an append that failed, or runs: any first part of them may be there after a crash.
    pub(super) attempt: Vec<Batch>,
    /// What readers saw ends here.
    pub(super) acknowledged: i64,
    /// The log begins here or later, because retention has ended.
    pub(super) start_min: i64,
    /// It began here when somebody looked, which is the latest after a crash.
    pub(super) start_max: i64,
}

impl Model {
    /// The offset behind everything that was appended.
    pub(super) fn end(&self) -> i64 {
        self.batches.back().map_or(self.acknowledged, |batch| batch.next)
    }

    /// Notes what readers can see now. It only ever grows.
    pub(super) fn observe(&mut self, reader: &Reader) {
        let (start, end) = (reader.log_start_offset().0, reader.high_watermark().0);
        assert!(end >= self.acknowledged, "the high watermark went back to {end}");
        assert!(start >= self.start_max, "the log's start went back to {start}");
        assert!(end <= self.attempt.last().map_or(self.end(), |batch| batch.next));
        self.acknowledged = end;
        self.start_max = start;
    }

    /// Retention has ended and everything before `start` is gone for good.
    pub(super) fn forget_before(&mut self, start: i64) {
        self.start_min = start;
        while self.batches.front().is_some_and(|batch| batch.next <= start) {
            self.batches.pop_front();
        }
    }

    /// The log was opened again and holds this.
    pub(super) fn recovered(&mut self, start: i64, end: i64) {
        assert!(end >= self.acknowledged, "acknowledged records are lost: it ends at {end}");
        assert!(
            (self.start_min..=self.start_max).contains(&start),
            "it starts at {start}, not within {}..={}",
            self.start_min,
            self.start_max
        );
        self.batches.extend(self.attempt.drain(..));
        assert!(end <= self.end(), "records from nowhere: it ends at {end}");
        while self.end() > end && self.batches.pop_back().is_some() {}
        assert_eq!(self.end().max(self.acknowledged), end, "it ends inside a batch");
        self.acknowledged = end;
        self.start_max = start;
        self.forget_before(start);
    }

    /// Looks at batches that no reader had seen before the crash. Their leader epoch is under no
    /// checksum, so bits of it may have flipped; then it is another writer's.
    pub(super) fn adopt_epochs(&mut self, reader: &Reader, from: i64) {
        for batch in &mut self.batches {
            if batch.next > from {
                let range = reader.read(Offset(batch.base), 0).unwrap().range.unwrap();
                let found = range.read().unwrap();
                assert!(found[..12] == batch.bytes[..12] && found[16..] == batch.bytes[16..]);
                batch.bytes = found;
            }
            let epoch = i32::from_be_bytes(batch.bytes[12..16].try_into().unwrap());
            assert!((0..=reader.leader_epoch().0).contains(&epoch), "epoch {epoch} of no writer");
        }
    }

    /// Where the batch with an offset is.
    pub(super) fn position(&self, offset: i64) -> usize {
        self.batches.partition_point(|batch| batch.next <= offset)
    }

    /// Checks bytes that were served for an offset; answers the offset behind them.
    pub(super) fn check_served(&self, offset: i64, mut bytes: &[u8]) -> i64 {
        let attempted = self.attempt.iter();
        let mut batches = self.batches.iter().skip(self.position(offset)).chain(attempted);
        let mut next = offset;
        assert!(!bytes.is_empty(), "an empty range");
        while !bytes.is_empty() {
            let batch = batches.next().expect("served beyond the end");
            assert!(
                bytes.starts_with(&batch.bytes),
                "what is served at {} differs from what was appended",
                batch.base
            );
            bytes = &bytes[batch.bytes.len()..];
            next = batch.next;
        }
        assert!(next <= self.acknowledged, "served up to {next}, which is not acknowledged");
        next
    }

    /// The visible batches.
    fn visible(&self, start: i64) -> impl Iterator<Item = &Batch> {
        let visible = self.batches.iter().skip(self.position(start));
        visible.take_while(|batch| batch.next <= self.acknowledged)
    }

    pub(super) fn offset_for_time(&self, start: i64, timestamp_ms: i64) -> Option<TimedOffset> {
        let batch = self.visible(start).find(|batch| batch.max_timestamp() >= timestamp_ms)?;
        let mut records = (batch.base..).zip(&batch.timestamps);
        let (offset, timestamp_ms) = records.find(|(_, time)| **time >= timestamp_ms)?;
        Some(TimedOffset { offset: Offset(offset), timestamp_ms: *timestamp_ms })
    }

    /// Checks what a reader says about the log as a whole.
    pub(super) fn check_bounds(&self, reader: &Reader) {
        let start = reader.log_start_offset().0;
        assert_eq!(reader.high_watermark().0, self.acknowledged);
        let bytes: usize = self.visible(start).map(|batch| batch.bytes.len()).sum();
        assert_eq!(reader.size_bytes(), bytes as u64);
        let first = self.visible(start).next().map(|batch| batch.timestamps[0]);
        let last = self.visible(start).map(Batch::max_timestamp).max();
        let range = reader.data_range().map(|range| (range.first_ms, range.last_ms));
        assert_eq!(range, first.zip(last), "the data range is not true");
    }

    /// Reads everything and compares.
    pub(super) fn check_all(&self, reader: &Reader) {
        let mut next = reader.log_start_offset().0;
        while next < self.acknowledged {
            let range = reader.read(Offset(next), u64::MAX).unwrap().range;
            next = self.check_served(next, &range.expect("there is more").read().unwrap());
        }
        self.check_bounds(reader);
    }
}
