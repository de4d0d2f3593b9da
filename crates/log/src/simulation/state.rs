//! What the clones of a disk share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::node::Node;
use super::{Dice, Faults};

/// A file that names and open files point to.
pub(super) type SharedNode = Arc<Mutex<Node>>;

#[derive(Debug)]
pub(super) struct State {
    pub(super) names: BTreeMap<PathBuf, SharedNode>,
    pub(super) durable_names: BTreeMap<PathBuf, SharedNode>,
    /// Created folders, and whether they are durable. Others are always there.
    pub(super) folders: BTreeMap<PathBuf, bool>,
    pub(super) locks: BTreeSet<PathBuf>,
    /// Bytes by which files may still grow; `None` is without limit.
    pub(super) free: Option<u64>,
    pub(super) faults: Faults,
    pub(super) dice: Dice,
    pub(super) syncs_fail: bool,
    pub(super) stalled: bool,
    /// Operations until the machine stops; `None` if it does not.
    pub(super) operations_left: Option<u64>,
    pub(super) syncs: u64,
    pub(super) writes: u64,
    pub(super) observer: Option<Observer>,
}

/// Called between operations.
#[derive(Clone)]
pub(super) struct Observer(pub(super) Arc<dyn Fn() + Send + Sync>);

/// How far an operation comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Runs,
    /// The machine stops while it runs: what it does may be done or not.
    Stops,
}

impl Default for State {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            folders: BTreeMap::new(),
            locks: BTreeSet::new(),
            free: None,
            faults: Faults::default(),
            dice: Dice::new(0),
            syncs_fail: false,
            stalled: false,
            operations_left: None,
            syncs: 0,
            writes: 0,
            observer: None,
        }
    }
}

impl State {
    /// Counts an operation down to the one at which the machine stops.
    pub(super) fn fate(&mut self) -> io::Result<Fate> {
        match self.operations_left {
            None => Ok(Fate::Runs),
            Some(0) => Err(stopped()),
            Some(left) => {
                self.operations_left = Some(left - 1);
                Ok(if left == 1 { Fate::Stops } else { Fate::Runs })
            }
        }
    }

    /// Whether an operation that either happens or does not is done although the machine stops.
    pub(super) fn is_done(&mut self, fate: Fate) -> bool {
        fate == Fate::Runs || self.dice.roll(2) == 0
    }

    /// Whether a sync fails.
    pub(super) fn sync_fails(&mut self) -> bool {
        let fails = self.syncs_fail || self.dice.happens(self.faults.failing_sync);
        self.syncs_fail = self.syncs_fail || (fails && self.faults.syncs_fail_for_ever);
        fails
    }

    /// Every file that has a name, or would have one after a loss of power, once.
    pub(super) fn nodes(&self) -> Vec<SharedNode> {
        let mut nodes: Vec<_> =
            self.names.values().chain(self.durable_names.values()).cloned().collect();
        let mut seen = BTreeSet::new();
        nodes.retain(|node| seen.insert(Arc::as_ptr(node).addr()));
        nodes
    }

    /// Names and folders that were not synced are there or not, each for itself.
    pub(super) fn lose_names(&mut self) {
        let Self { names, durable_names, folders, dice, .. } = self;
        let mut lost = BTreeSet::new();
        folders.retain(|folder, durable| {
            let stays = *durable || dice.roll(2) == 0;
            if !stays {
                lost.insert(folder.clone());
            }
            *durable = true;
            stays
        });
        let paths: BTreeSet<_> = names.keys().chain(durable_names.keys()).cloned().collect();
        for path in paths {
            let (now, durable) = (names.get(&path), durable_names.get(&path));
            let same = match (now, durable) {
                (Some(now), Some(durable)) => Arc::ptr_eq(now, durable),
                _ => false,
            };
            let kept = if same || dice.roll(2) == 0 { durable } else { now };
            let is_reached = path.ancestors().all(|above| !lost.contains(above));
            match kept.filter(|_| is_reached).cloned() {
                Some(node) => names.insert(path, node),
                None => names.remove(&path),
            };
        }
        durable_names.clone_from(names);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Locks a node; a test that failed meanwhile changes nothing.
pub(super) fn lock(node: &SharedNode) -> MutexGuard<'_, Node> {
    node.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn stopped() -> io::Error {
    io::Error::other("the simulated machine has stopped")
}
