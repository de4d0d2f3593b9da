//! A disk in memory that fails on command and forgets what was not synced. For tests and fuzz
//! targets.
//!
//! What a power loss leaves is drawn from a seed: each unsynced name is there or not, and of each
//! file's unsynced bytes some first part remains, of which one sector may never have been written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::durable::{Disk, File, Lock};

/// A disk in memory. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Contents by number; names point here, and so do open files.
    nodes: Vec<Node>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    locks: BTreeSet<PathBuf>,
    /// Bytes by which files may still grow; `None` is without limit.
    free: Option<u64>,
    syncs_fail: bool,
    syncs: u64,
    writes: u64,
}

#[derive(Debug, Clone, Default)]
struct Node {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    node: usize,
}

#[derive(Debug)]
struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
}

/// Bytes of a sector: small, so that small tests tear too.
const SECTOR: usize = 64;

impl SimulatedDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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

    /// Puts a file there, durably.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let node = state.add(Node { durable: bytes.clone(), bytes });
        state.names.insert(path.to_path_buf(), node);
        state.durable_names.insert(path.to_path_buf(), node);
    }

    /// The bytes of a file, synced or not.
    #[must_use]
    pub fn get(&self, path: &Path) -> Option<Vec<u8>> {
        let mut state = self.state();
        let node = *state.names.get(path)?;
        state.node(node).map(|node| node.bytes.clone())
    }

    /// Loses what was not synced, as `seed` will have it. Whoever had files open must be gone.
    pub fn lose_power(&self, seed: u64) {
        let mut dice = Dice(seed);
        let mut state = self.state();
        let paths: BTreeSet<_> =
            state.names.keys().chain(state.durable_names.keys()).cloned().collect();
        for path in paths {
            let (now, durable) = (state.names.get(&path), state.durable_names.get(&path));
            let kept = if now == durable || dice.roll(2) == 0 { durable } else { now };
            match kept.copied() {
                Some(node) => state.names.insert(path, node),
                None => state.names.remove(&path),
            };
        }
        state.durable_names = state.names.clone();
        for node in &mut state.nodes {
            node.lose(&mut dice);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn node(&mut self, node: usize) -> Option<&mut Node> {
        self.nodes.get_mut(node)
    }

    fn sync(&self) -> io::Result<()> {
        if self.syncs_fail { Err(io::Error::other("the simulated sync fails")) } else { Ok(()) }
    }
}

impl Node {
    fn lose(&mut self, dice: &mut Dice) {
        let common =
            self.bytes.iter().zip(&self.durable).take_while(|(now, then)| now == then).count();
        if dice.roll(3) == 0 {
            self.bytes.clone_from(&self.durable);
        } else if self.bytes.len() > common {
            let cut = common + dice.roll(self.bytes.len() - common + 1);
            self.bytes.truncate(cut);
            let sector = common + dice.roll(cut - common + 1);
            if dice.roll(2) == 0 {
                self.bytes.iter_mut().skip(sector).take(SECTOR).for_each(|byte| *byte = 0);
            }
        }
        self.durable.clone_from(&self.bytes);
    }
}

impl Disk for SimulatedDisk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut state = self.state();
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let node = state.add(Node::default());
        state.names.insert(path.to_path_buf(), node);
        Ok(Arc::new(SimulatedFile { disk: self.clone(), node }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let node = *self.state().names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), node }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let node = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_path_buf(), node);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().names.remove(path).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.sync()?;
        let inside = |path: &Path| path.parent() == Some(folder);
        let mut durable = std::mem::take(&mut state.durable_names);
        durable.retain(|path, _| !inside(path));
        let now = state.names.iter().filter(|(path, _)| inside(path));
        durable.extend(now.map(|(path, node)| (path.clone(), *node)));
        state.durable_names = durable;
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        if !self.state().locks.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimulatedLock { disk: self.clone(), path: path.to_path_buf() }))
    }
}

impl SimulatedFile {
    fn with<T>(&self, act: impl FnOnce(&mut Node, &mut Option<u64>) -> T) -> io::Result<T> {
        let mut state = self.disk.state();
        let mut free = state.free;
        let answer = state.node(self.node).map(|node| act(node, &mut free));
        state.free = free;
        answer.ok_or(io::ErrorKind::NotFound.into())
    }
}

impl File for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.with(|node, _| {
            let start = usize::try_from(position).unwrap_or(usize::MAX);
            let rest = node.bytes.get(start..).unwrap_or_default();
            buffer.iter_mut().zip(rest).map(|(to, from)| *to = *from).count()
        })
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        self.disk.state().writes += 1;
        let start = usize::try_from(position).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.with(|node, free| {
            let end = start.saturating_add(bytes.len());
            let growth = end.saturating_sub(node.bytes.len()) as u64;
            let allowed = growth.min(free.unwrap_or(u64::MAX));
            let missing = usize::try_from(growth - allowed).unwrap_or(usize::MAX);
            let fitting = bytes.len().saturating_sub(missing);
            if fitting == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            *free = free.map(|free| free - allowed);
            let end = start.saturating_add(fitting);
            node.bytes.resize(node.bytes.len().max(end), 0);
            let target = node.bytes.iter_mut().skip(start);
            target.zip(bytes).for_each(|(to, from)| *to = *from);
            Ok(fitting)
        })?
    }

    fn length(&self) -> io::Result<u64> {
        self.with(|node, _| node.bytes.len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        self.with(|node, free| {
            let given_back = node.bytes.len().saturating_sub(length) as u64;
            *free = free.map(|free| free.saturating_add(given_back));
            node.bytes.resize(length, 0);
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.syncs += 1;
        state.sync()?;
        if let Some(node) = state.node(self.node) {
            node.durable.clone_from(&node.bytes);
        }
        Ok(())
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

impl Lock for SimulatedLock {}

/// Numbers from a seed (splitmix64).
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    /// A number below `sides`, which is not 0.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (sides as u64)).unwrap_or_default()
    }
}
