//! A database that hands out numbered rows, and batches of them as a task would build.

use kafka::batch::{BatchBuilder, Compression};

use crate::simulation::Dice;
use crate::{LeaderEpoch, Offset};

/// The header that says which row comes next, as `task` names it.
pub(super) const POSITION: &str = "wellhead.position";

/// One batch, and what is known about it.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) base: i64,
    pub(super) next: i64,
    pub(super) bytes: Vec<u8>,
    pub(super) timestamps: Vec<i64>,
    /// The row behind its last one.
    pub(super) next_row: u64,
}

/// The source: where it stands, and its clock.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) next_row: u64,
    pub(super) now_ms: i64,
}

impl Batch {
    pub(super) fn max_timestamp(&self) -> i64 {
        *self.timestamps.iter().max().unwrap()
    }
}

impl Source {
    /// The next batch: some rows, or a heartbeat, which is none.
    pub(super) fn batch(&mut self, base: i64, dice: &mut Dice) -> Batch {
        let mut builder = BatchBuilder::default();
        let mut timestamps = Vec::new();
        let rows = if dice.roll(10) == 0 { 0 } else { 1 + dice.roll(4) };
        for _ in 0..rows.max(1) {
            // Time mostly goes on, and now and then back.
            let back = if dice.roll(20) == 0 { 500 } else { 0 };
            self.now_ms += i64::try_from(dice.roll(20)).unwrap() - back;
            timestamps.push(self.now_ms);
            let mut value = vec![0xa5; 8 + dice.roll(60)];
            if rows > 0 {
                value[..8].copy_from_slice(&self.next_row.to_be_bytes());
                self.next_row += 1;
            }
            builder.push(self.now_ms, None, Some(&value)).unwrap();
        }
        let compression = if dice.roll(12) == 0 { Compression::Lz4 } else { Compression::None };
        let position = self.next_row.to_be_bytes();
        let mut bytes = Vec::new();
        builder
            .seal(
                &[(POSITION, position.as_slice())],
                compression,
                Offset(base),
                LeaderEpoch::NONE,
                &mut bytes,
            )
            .unwrap();
        let next = base + i64::try_from(timestamps.len()).unwrap();
        Batch { base, next, bytes, timestamps, next_row: self.next_row }
    }
}
