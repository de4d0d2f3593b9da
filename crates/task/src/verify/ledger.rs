//! What is remembered of each row of a log: a few numbers under a hash of its key.
//!
//! Memory is bounded. When there are more keys than may be remembered, the ledger keeps only those of
//! one residue class of the hash, and says which classes are left for further passes over the log.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// A row of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Offset of the newest record of the row in the part of the log that is verified; −1 for none.
    pub(super) offset: i64,
    /// Offset of its newest record behind that part; −1 for none.
    pub(super) tail: i64,
    /// Digest of the row as it was left, where all of it was logged.
    pub(super) image: Option<u64>,
    /// Digest of the columns of that image.
    pub(super) shape: u64,
    /// Whether the row is there.
    pub(super) lives: bool,
}

/// A hash of a table and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct KeyHash(u64);

/// A residue class of hashes; `count` is a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) number: u64,
    pub(super) count: u64,
}

#[derive(Debug)]
pub(super) struct Ledger {
    /// Random, so that nobody can make keys that collide.
    hasher: RandomState,
    entries: HashMap<KeyHash, Entry, BuildHasherDefault<AsItIs>>,
    class: Class,
    /// Classes that were given up for want of memory.
    left: Vec<Class>,
    limit: usize,
}

/// Entries that take about 56 MiB.
pub(super) const ENTRIES_MAX: usize = 900_000;

impl Class {
    /// All hashes.
    pub(super) const ALL: Self = Self { number: 0, count: 1 };

    fn holds(self, hash: KeyHash) -> bool {
        hash.0 % self.count == self.number
    }
}

impl Ledger {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            entries: HashMap::default(),
            class: Class::ALL,
            left: Vec::new(),
            limit,
        }
    }

    /// Forgets all entries; from now on it keeps those of this class.
    pub(super) fn begin(&mut self, class: Class) {
        self.entries.clear();
        self.class = class;
    }

    /// The next class that was given up, if any.
    pub(super) fn next_class(&mut self) -> Option<Class> {
        self.left.pop()
    }

    /// The hash of a key. `epoch` tells rows apart that had the same key before and after their table
    /// was emptied.
    pub(super) fn hash(&self, table: usize, epoch: i64, key: &[u8]) -> KeyHash {
        KeyHash(self.hasher.hash_one((table, epoch, key)))
    }

    /// A digest of anything.
    pub(super) fn digest(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    /// Whether rows with this hash are kept now.
    pub(super) fn keeps(&self, hash: KeyHash) -> bool {
        self.class.holds(hash)
    }

    pub(super) fn entry(&self, hash: KeyHash) -> Option<&Entry> {
        self.entries.get(&hash)
    }

    /// Remembers a row, if its class is kept. Takes half of the class if there are too many.
    pub(super) fn set(&mut self, hash: KeyHash, entry: Entry) {
        if !self.keeps(hash) {
            return;
        }
        if self.entries.len() >= self.limit && !self.entries.contains_key(&hash) {
            self.split();
            if !self.keeps(hash) {
                return;
            }
        }
        self.entries.insert(hash, entry);
    }

    /// Remembers the newest record behind the verified part. Never gives up a class: rows that are new
    /// there are few.
    pub(super) fn set_tail(&mut self, hash: KeyHash, offset: i64, lives: bool) {
        if self.keeps(hash) {
            let new = Entry { offset: -1, tail: -1, image: None, shape: 0, lives };
            let entry = self.entries.entry(hash).or_insert(new);
            entry.tail = offset;
            entry.lives = lives;
        }
    }

    fn split(&mut self) {
        let Class { number, count } = self.class;
        let count = count.saturating_mul(2);
        self.left.push(Class { number: number + count / 2, count });
        self.class = Class { number, count };
        let class = self.class;
        self.entries.retain(|hash, _| class.holds(*hash));
    }
}

/// The keys are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        debug_assert!(false, "keys are one number");
    }

    fn write_u64(&mut self, number: u64) {
        // The low bits choose the class, so they are the same for all; the table wants them different.
        self.0 = number.rotate_right(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Entry = Entry { offset: 5, tail: -1, image: Some(1), shape: 2, lives: true };

    #[test]
    fn every_row_is_kept_in_exactly_one_pass() {
        let mut ledger = Ledger::new(100);
        let keys: Vec<_> = (0..1000_u32).map(|n| ledger.hash(1, -1, &n.to_le_bytes())).collect();
        let mut seen = vec![0; keys.len()];
        let mut class = Some(Class::ALL);
        let mut passes = 0;
        while let Some(now) = class {
            ledger.begin(now);
            for hash in &keys {
                ledger.set(*hash, NEW);
            }
            assert!(ledger.entries.len() <= 100);
            for (count, hash) in seen.iter_mut().zip(&keys) {
                *count += usize::from(ledger.entry(*hash).is_some());
            }
            passes += 1;
            class = ledger.next_class();
        }
        assert!(passes >= 10, "{passes}");
        assert!(seen.iter().all(|count| *count == 1), "{seen:?}");
    }

    #[test]
    fn a_record_behind_the_verified_part_leaves_it_as_it_was() {
        let mut ledger = Ledger::new(9);
        let (old, new) = (ledger.hash(1, -1, b"old"), ledger.hash(1, -1, b"new"));
        ledger.set(old, NEW);
        ledger.set_tail(old, 9, false);
        ledger.set_tail(new, 10, true);
        assert_eq!(ledger.entry(old), Some(&Entry { tail: 9, lives: false, ..NEW }));
        assert_eq!(ledger.entry(new).map(|entry| (entry.offset, entry.tail)), Some((-1, 10)));
    }

    #[test]
    fn an_emptied_table_is_another_one() {
        let ledger = Ledger::new(9);
        assert_ne!(ledger.hash(1, -1, b"a"), ledger.hash(1, 7, b"a"));
        assert_ne!(ledger.hash(1, -1, b"a"), ledger.hash(2, -1, b"a"));
        assert_eq!(ledger.hash(1, 7, b"a"), ledger.hash(1, 7, b"a"));
    }
}
