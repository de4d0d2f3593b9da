//! Names and folders of the simulated disk, and what a test tells it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::file::SimulatedFile;
use super::node::Node;
use super::state::{Fate, Observer, State, lock, stopped};
use super::{Dice, Faults};
use crate::durable::{Disk, File, Lock};

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when the disk no longer stalls.
    moved: Condvar,
}

#[derive(Debug)]
struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
}

impl SimulatedDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty disk whose guesses are drawn from a seed; without faults so far.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        let disk = Self::default();
        disk.state().dice = Dice::new(seed);
        disk
    }

    /// What goes wrong from now on, and how often.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Lets files grow by so many bytes in all, then refuses as a full disk does, after the part of
    /// the write that still fits. `None` gives space without limit.
    pub fn limit_growth(&self, free: Option<u64>) {
        self.state().free = free;
    }

    /// Makes each sync of a file or folder fail from now on, or work again.
    pub fn fail_syncs(&self, fail: bool) {
        self.state().syncs_fail = fail;
    }

    /// Whether each sync fails now.
    #[must_use]
    pub fn syncs_fail(&self) -> bool {
        self.state().syncs_fail
    }

    /// Makes whoever writes or syncs wait until the disk goes on.
    pub fn stall(&self, stall: bool) {
        self.state().stalled = stall;
        self.shared.moved.notify_all();
    }

    /// Stops the machine within the operation that comes after so many others: from there on all
    /// fail, until [`SimulatedDisk::restart`] or [`SimulatedDisk::lose_power`]. `None` lets it go on.
    pub fn stop_after(&self, operations: Option<u64>) {
        self.state().operations_left = operations.map(|count| count.saturating_add(1));
    }

    /// Whether the machine has stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.state().operations_left == Some(0)
    }

    /// Syncs of files that were asked for so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// Writes that were asked for so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Bytes that were read so far of the file that now has this name.
    #[must_use]
    pub fn bytes_read(&self, path: &Path) -> u64 {
        self.state().find(path).map_or(0, |node| lock(node).bytes_read)
    }

    /// Puts a file there, durably; so are the other names of its folder then.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let node = Arc::new(Mutex::new(Node::durable(bytes)));
        if state.set_name(path, Some(node)).is_ok() {
            state.folder(path.parent().unwrap_or(Path::new(""))).sync();
        }
    }

    /// The bytes of a file, synced or not.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<Vec<u8>> {
        self.state().find(path).map(|node| lock(node).bytes.clone())
    }

    /// Flips bits of a byte that is on the disk, as if it had rotted.
    pub fn rot(&self, path: &Path, position: usize, mask: u8) {
        if let Some(node) = self.state().find(path) {
            lock(node).flip(position, mask);
        }
    }

    /// Calls `observer` before each operation that changes something; `None` ends that.
    pub fn observe(&self, observer: Option<Arc<dyn Fn() + Send + Sync>>) {
        self.state().observer = observer.map(Observer);
    }

    /// Kills the process: the system still knows all that was written. Whoever had files open must
    /// be gone.
    pub fn restart(&self) {
        let mut state = self.state();
        state.operations_left = None;
        if state.dice.roll(2) == 0 {
            for node in state.nodes() {
                lock(&node).forget_clean(0);
            }
        }
    }

    /// Loses what was not synced, as `seed` will have it. Whoever had files open must be gone.
    pub fn lose_power(&self, seed: u64) {
        let mut state = self.state();
        state.dice = Dice::new(seed ^ state.dice.number());
        state.operations_left = None;
        state.syncs_fail = false;
        for node in state.nodes() {
            lock(&node).lose_power(&mut state.dice);
        }
        state.lose_names();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an operation that reads.
    pub(super) fn look(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        match state.fate()? {
            Fate::Runs => Ok(state),
            Fate::Stops => Err(stopped()),
        }
    }

    /// Begins an operation that changes something.
    pub(super) fn change(&self) -> io::Result<(MutexGuard<'_, State>, Fate)> {
        self.let_observe();
        let mut state = self.state();
        while state.stalled {
            state = self.shared.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let fate = state.fate()?;
        Ok((state, fate))
    }

    fn let_observe(&self) {
        // Taken away while it runs, so that its own operations do not call it again.
        let Some(observer) = self.state().observer.take() else { return };
        (observer.0)();
        self.state().observer.get_or_insert(observer);
    }

    /// Changes names. If the machine stops meanwhile, the change may have been made.
    fn rename_with<T>(&self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let (mut state, fate) = self.change()?;
        let answer = if state.is_done(fate) { act(&mut state) } else { Err(stopped()) };
        if fate == Fate::Stops { Err(stopped()) } else { answer }
    }
}

impl Disk for SimulatedDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let (mut state, fate) = self.change()?;
        state.folder(path).is_new = fate == Fate::Stops;
        if fate == Fate::Stops { Err(stopped()) } else { Ok(()) }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        Ok(self.look()?.folder(folder).names.keys().cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.rename_with(|state| {
            if state.find(path).is_some() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if state.free == Some(0) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let node = Arc::new(Mutex::new(Node::default()));
            state.set_name(path, Some(Arc::clone(&node)))?;
            Ok(Arc::new(SimulatedFile::new(self.clone(), node)) as Arc<dyn File>)
        })
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let node = self.look()?.find(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile::new(self.clone(), node)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename_with(|state| {
            let node = state.set_name(from, None)?.ok_or(io::ErrorKind::NotFound)?;
            state.set_name(to, Some(node)).map(|_| ())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.rename_with(|state| {
            state.set_name(path, None)?.map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let (mut state, fate) = self.change()?;
        if state.sync_fails() {
            return Err(io::Error::other("the simulated sync fails"));
        }
        if fate == Fate::Stops {
            return Err(stopped());
        }
        state.folder(folder).sync();
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        if !self.look()?.locks.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimulatedLock { disk: self.clone(), path: path.to_path_buf() }))
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

impl Lock for SimulatedLock {}
