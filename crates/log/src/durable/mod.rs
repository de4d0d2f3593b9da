//! The only place that creates, renames, removes and syncs files.
//!
//! [`Disk`] and [`File`] are what the log asks of an operating system; [`RealDisk`] asks the real
//! one, and `simulation` has one that loses what was not synced. Which error means what is decided
//! by the callers.

mod copies;
mod folder;
mod memory;
mod real;

use std::fmt::Debug;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use copies::{Copied, copy, link_or_copy};
pub use folder::{free_bytes, remove_folder, total_bytes};
pub(crate) use memory::MemoryFile;
pub use real::RealDisk;

/// Folders and names.
pub trait Disk: Send + Sync + Debug {
    /// Creates a folder and the missing ones above it, durably. One that exists is made durable:
    /// whoever created it may have been killed before it was.
    ///
    /// # Errors
    /// The system's.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in any order. Names that are not UTF-8 are left out.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Creates a file that must not exist, to read and write. Its name is durable after
    /// [`Disk::sync_folder`].
    ///
    /// # Errors
    /// The system's.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens an existing file to read and write.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a name. Who has the file open keeps it.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes created, renamed and removed names of a folder durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Takes the lock behind a file, which is created if missing, until the answer is dropped.
    ///
    /// # Errors
    /// `WouldBlock` if someone else, also in this process, holds it; or the system's.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;
}

/// Bytes of one open file.
pub trait File: Send + Sync + Debug {
    /// Reads at a position; fewer bytes than asked only at the end of the file or when interrupted.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;

    /// Writes at a position; may write fewer bytes than asked.
    ///
    /// # Errors
    /// The system's.
    fn write_at(&self, bytes: &[u8], position: u64) -> io::Result<usize>;

    /// Bytes in the file.
    ///
    /// # Errors
    /// The system's.
    fn length(&self) -> io::Result<u64>;

    /// Cuts the file off, or extends it with zeros.
    ///
    /// # Errors
    /// The system's.
    fn set_length(&self, length: u64) -> io::Result<()>;

    /// Makes everything written durable (`fdatasync`). After a failure nothing is known about what
    /// is.
    ///
    /// # Errors
    /// The system's.
    fn sync_data(&self) -> io::Result<()>;

    /// Asks the system to forget what it holds of the file in memory from a byte on and has no need
    /// to write, so that the next read tells what the disk has: after a failed sync the two may
    /// differ. Best effort.
    fn forget_cached(&self, from: u64);

    /// The descriptor, for `sendfile`; `None` if there is no real file behind.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
}

/// A lock that is held until this is dropped.
pub trait Lock: Send + Sync + Debug {}

/// Writes all of `bytes`.
pub(crate) fn write_all_at(file: &dyn File, mut bytes: &[u8], position: u64) -> io::Result<()> {
    let mut at = position;
    while !bytes.is_empty() {
        match file.write_at(bytes, at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                at = at.saturating_add(written as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills all of `buffer`.
pub(crate) fn read_exact_at(file: &dyn File, buffer: &mut [u8], position: u64) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, position.saturating_add(filled as u64)) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Replaces a file's content so that after any crash it holds either the old or the new one whole.
pub(crate) fn replace(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = temporary(path);
    remove_if_present(disk, &temporary)?;
    let file = disk.create(&temporary)?;
    let written = write_all_at(&*file, bytes, 0).and_then(|()| file.sync_data());
    if let Err(error) = written {
        // Best effort: the name is ignored and overwritten by whoever comes next.
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    disk.rename(&temporary, path)?;
    disk.sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Removes a file that may be missing.
pub(crate) fn remove_if_present(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The name a file has while it is written.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".tmp");
    PathBuf::from(name)
}
