//! One copy of each definition, however many tables have it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Weak};

use super::definition::Definition;

/// The definitions in use.
#[derive(Debug, Clone, Default)]
pub(super) struct Interned {
    by_hash: HashMap<u64, Weak<Definition>>,
    hasher: RandomState,
    /// Entries after which those that nobody uses any more are removed.
    sweep_at: usize,
}

impl Interned {
    /// This definition, or the equal one that is in use already.
    pub(super) fn share(&mut self, definition: Definition) -> Arc<Definition> {
        let hash = self.hasher.hash_one(&definition);
        if let Some(same) = self.by_hash.get(&hash).and_then(Weak::upgrade)
            && *same == definition
        {
            return same;
        }
        if self.by_hash.len() >= self.sweep_at.max(SWEEP_MIN) {
            self.by_hash.retain(|_, definition| definition.strong_count() > 0);
            self.sweep_at = self.by_hash.len() * 2;
        }
        let shared = Arc::new(definition);
        self.by_hash.insert(hash, Arc::downgrade(&shared));
        shared
    }
}

/// Fewer entries than this are not worth a sweep.
const SWEEP_MIN: usize = 1_024;
