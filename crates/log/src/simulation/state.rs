//! What the clones of a disk share.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::node::Node;
use super::{Dice, Faults};

/// A file that names and open files point to.
pub(super) type SharedNode = Arc<Mutex<Node>>;

#[derive(Debug)]
pub(super) struct State {
    /// Those with a file in them, and those that were created.
    folders: BTreeMap<PathBuf, Folder>,
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

/// The names in a folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// What the system shows.
    pub(super) names: BTreeMap<String, SharedNode>,
    /// What is on the disk.
    durable: BTreeMap<String, SharedNode>,
    /// Names that may differ between the two.
    changed: BTreeSet<String>,
    /// Whether the folder itself may be lost.
    pub(super) is_new: bool,
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

    /// A folder; one that nobody created is there all the same.
    pub(super) fn folder(&mut self, path: &Path) -> &mut Folder {
        if !self.folders.contains_key(path) {
            self.folders.insert(path.to_path_buf(), Folder::default());
        }
        self.folders.entry(path.to_path_buf()).or_default()
    }

    /// The file behind a path.
    pub(super) fn find(&self, path: &Path) -> Option<&SharedNode> {
        self.folders.get(path.parent()?)?.names.get(name_of(path)?)
    }

    /// Gives a file a name, or takes the name away. Answers who had it.
    pub(super) fn set_name(
        &mut self,
        path: &Path,
        node: Option<SharedNode>,
    ) -> io::Result<Option<SharedNode>> {
        let name = name_of(path).ok_or(io::ErrorKind::InvalidFilename)?.to_owned();
        let folder = self.folder(path.parent().unwrap_or(Path::new("")));
        folder.changed.insert(name.clone());
        Ok(match node {
            Some(node) => folder.names.insert(name, node),
            None => folder.names.remove(&name),
        })
    }

    /// Every file that has a name, or would have one after a loss of power, once.
    pub(super) fn nodes(&self) -> Vec<SharedNode> {
        let mut nodes: Vec<_> = self.folders.values().flat_map(Folder::nodes).cloned().collect();
        let mut seen = BTreeSet::new();
        nodes.retain(|node| seen.insert(Arc::as_ptr(node).addr()));
        nodes
    }

    /// Names and folders that were not synced are there or not, each for itself.
    pub(super) fn lose_names(&mut self) {
        let Self { folders, dice, .. } = self;
        folders.retain(|_, folder| {
            let is_lost = std::mem::take(&mut folder.is_new) && dice.roll(2) == 0;
            for name in std::mem::take(&mut folder.changed) {
                let outcome = if dice.roll(2) == 0 { &folder.names } else { &folder.durable };
                let node = outcome.get(&name).cloned();
                for names in [&mut folder.names, &mut folder.durable] {
                    match node.clone() {
                        Some(node) => names.insert(name.clone(), node),
                        None => names.remove(&name),
                    };
                }
            }
            !is_lost
        });
    }
}

impl Folder {
    /// All its names are durable from now on.
    pub(super) fn sync(&mut self) {
        for name in std::mem::take(&mut self.changed) {
            match self.names.get(&name) {
                Some(node) => self.durable.insert(name, Arc::clone(node)),
                None => self.durable.remove(&name),
            };
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &SharedNode> {
        self.names.values().chain(self.changed.iter().filter_map(|name| self.durable.get(name)))
    }
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
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
