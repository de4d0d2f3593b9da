//! One file's bytes: what the system shows, and what is on the disk.

use std::ops::Range;

use super::Dice;

/// Bytes of a sector: small, so that small tests tear too.
const SECTOR: usize = 64;

/// A file without its name.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// What reads see.
    pub(super) bytes: Vec<u8>,
    /// What is on the disk.
    durable: Vec<u8>,
    /// Where the system knows that the two may differ. They may differ elsewhere after a failed
    /// sync, and nobody knows.
    dirty: Option<Range<usize>>,
    /// Bytes that were read so far.
    pub(super) bytes_read: u64,
}

impl Node {
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        Self { durable: bytes.clone(), bytes, ..Self::default() }
    }

    /// Writes as much as it is given; a gap before it is zeros.
    pub(super) fn write(&mut self, bytes: &[u8], start: usize) {
        let end = start.saturating_add(bytes.len());
        self.soil(start.min(self.bytes.len())..end);
        self.bytes.resize(self.bytes.len().max(end), 0);
        if let Some(target) = self.bytes.get_mut(start..end) {
            target.copy_from_slice(bytes);
        }
    }

    pub(super) fn set_length(&mut self, length: usize) {
        let now = self.bytes.len();
        self.soil(length.min(now)..length.max(now));
        self.bytes.resize(length, 0);
    }

    /// Everything written is durable from now on.
    pub(super) fn sync(&mut self) {
        let Some(dirty) = self.dirty.take() else { return };
        self.durable.resize(self.bytes.len(), 0);
        copy(&mut self.durable, &self.bytes, dirty);
    }

    /// The sync failed, and what was written is clean by mistake.
    pub(super) fn fail_sync(&mut self, dice: &mut Dice) {
        self.durable = self.survivors(dice);
        self.dirty = None;
    }

    /// The system forgets what it holds of the disk in memory, from a byte on.
    pub(super) fn forget_clean(&mut self, from: usize) {
        if self.dirty.is_none() {
            self.bytes.truncate(from);
            let kept = self.bytes.len();
            self.bytes.extend_from_slice(self.durable.get(kept..).unwrap_or_default());
        }
    }

    /// The machine loses power.
    pub(super) fn lose_power(&mut self, dice: &mut Dice) {
        self.durable = self.survivors(dice);
        self.bytes.clone_from(&self.durable);
        self.dirty = None;
    }

    /// Flips a bit both in memory and on the disk.
    pub(super) fn flip(&mut self, position: usize, mask: u8) {
        for bytes in [&mut self.bytes, &mut self.durable] {
            if let Some(byte) = bytes.get_mut(position) {
                *byte ^= mask;
            }
        }
    }

    fn soil(&mut self, range: Range<usize>) {
        self.dirty = Some(match self.dirty.take() {
            Some(dirty) => dirty.start.min(range.start)..dirty.end.max(range.end),
            None => range,
        });
    }

    /// What the disk holds if the system stops writing now.
    fn survivors(&self, dice: &mut Dice) -> Vec<u8> {
        let mut kept = self.durable.clone();
        let Some(dirty) = self.dirty.clone() else { return kept };
        let (then, now) = (self.durable.len(), self.bytes.len());
        let length = match dice.roll(4) {
            0 => then,
            1 | 2 => now,
            _ => dice.between(then, now),
        };
        kept.resize(length, 0);
        let inside = dirty.start.min(length)..dirty.end.min(length);
        match dice.roll(4) {
            0 => {}
            1 => copy(&mut kept, &self.bytes, inside.clone()),
            2 => {
                let cut = dice.between(inside.start, inside.end);
                copy(&mut kept, &self.bytes, inside.start..cut);
            }
            _ => self.keep_sectors(&mut kept, inside.clone(), dice),
        }
        if dice.roll(4) == 0 && !inside.is_empty() {
            for _ in 0..=dice.roll(3) {
                let at = inside.start.saturating_add(dice.roll(inside.len()));
                if let Some(byte) = kept.get_mut(at) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
        }
        kept
    }

    /// Each sector for itself is kept, lost, or torn.
    fn keep_sectors(&self, kept: &mut [u8], inside: Range<usize>, dice: &mut Dice) {
        let mut start = inside.start;
        while start < inside.end {
            let end = (start / SECTOR + 1).saturating_mul(SECTOR).min(inside.end);
            match dice.roll(5) {
                0 => {}
                1 => copy(kept, &self.bytes, start..dice.between(start, end)),
                _ => copy(kept, &self.bytes, start..end),
            }
            start = end;
        }
    }
}

/// Copies a range that may reach beyond the end of either.
fn copy(to: &mut [u8], from: &[u8], range: Range<usize>) {
    let end = range.end.min(from.len()).min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(range.start..end), from.get(range.start..end)) {
        to.copy_from_slice(from);
    }
}
