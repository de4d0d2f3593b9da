//! Open files of the simulated disk.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::MutexGuard;

use super::SimulatedDisk;
use super::state::{Fate, SharedNode, State, lock, stopped};
use crate::durable::File;

/// One open file.
#[derive(Debug)]
pub(super) struct SimulatedFile {
    disk: SimulatedDisk,
    node: SharedNode,
}

impl SimulatedFile {
    pub(super) const fn new(disk: SimulatedDisk, node: SharedNode) -> Self {
        Self { disk, node }
    }
}

impl File for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let mut state = self.disk.look()?;
        let wanted = part_of(&mut state, buffer.len(), |faults| faults.failing_read)?;
        drop(state);
        let mut node = lock(&self.node);
        let start = usize::try_from(position).unwrap_or(usize::MAX);
        let rest = node.bytes.get(start..).unwrap_or_default();
        let count = rest.len().min(wanted);
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        node.bytes_read = node.bytes_read.saturating_add(count as u64);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize> {
        let (mut state, fate) = self.disk.change()?;
        state.writes += 1;
        let start = usize::try_from(position).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let (wanted, failure) = match fate {
            Fate::Stops => (state.dice.roll(bytes.len().saturating_add(1)), Some(stopped())),
            Fate::Runs => match part_of(&mut state, bytes.len(), |faults| faults.failing_write) {
                Ok(wanted) => (wanted, None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => (state.dice.roll(bytes.len().saturating_add(1)), Some(error)),
            },
        };
        let fitting = fitting(&mut state, &self.node, start, wanted);
        drop(state);
        let part = bytes.get(..fitting).unwrap_or_default();
        if !part.is_empty() {
            lock(&self.node).write(part, start);
        }
        match failure {
            Some(error) => Err(error),
            None if fitting == 0 && !bytes.is_empty() => Err(io::ErrorKind::StorageFull.into()),
            None => Ok(fitting),
        }
    }

    fn length(&self) -> io::Result<u64> {
        drop(self.disk.look()?);
        Ok(lock(&self.node).bytes.len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let (mut state, fate) = self.disk.change()?;
        if state.is_done(fate) {
            let mut node = lock(&self.node);
            let given_back = node.bytes.len().saturating_sub(length) as u64;
            state.free = state.free.map(|free| free.saturating_add(given_back));
            node.set_length(length);
        }
        if fate == Fate::Stops { Err(stopped()) } else { Ok(()) }
    }

    fn sync_data(&self) -> io::Result<()> {
        let (mut state, fate) = self.disk.change()?;
        state.syncs += 1;
        if fate == Fate::Stops {
            return Err(stopped());
        }
        if state.sync_fails() {
            lock(&self.node).fail_sync(&mut state.dice);
            return Err(io::Error::other("the simulated sync fails"));
        }
        drop(state);
        lock(&self.node).sync();
        Ok(())
    }

    fn forget_cached(&self, from: u64) {
        // Nobody is there to ask for it once the machine has stopped.
        let Ok(_state) = self.disk.look() else { return };
        lock(&self.node).forget_clean(usize::try_from(from).unwrap_or(usize::MAX));
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// How many of the bytes a read or write moves, at least one.
fn part_of(
    state: &mut MutexGuard<'_, State>,
    bytes: usize,
    failing: impl Fn(&super::Faults) -> u16,
) -> io::Result<usize> {
    let State { faults, dice, .. } = &mut **state;
    if dice.happens(faults.interrupted) {
        return Err(io::ErrorKind::Interrupted.into());
    }
    if dice.happens(failing(faults)) {
        return Err(io::Error::other("the simulated disk fails"));
    }
    Ok(if dice.happens(faults.short) { dice.between(1, bytes) } else { bytes })
}

/// How many of the bytes there is space for. Takes the space.
fn fitting(
    state: &mut MutexGuard<'_, State>,
    node: &SharedNode,
    start: usize,
    bytes: usize,
) -> usize {
    let end = start.saturating_add(bytes);
    let growth = end.saturating_sub(lock(node).bytes.len()) as u64;
    let allowed = growth.min(state.free.unwrap_or(u64::MAX));
    state.free = state.free.map(|free| free - allowed);
    bytes.saturating_sub(usize::try_from(growth - allowed).unwrap_or(usize::MAX))
}
