//! Acts on whole folders, outside of any open partition.

use std::io;
use std::path::Path;

/// Bytes that an ordinary user may still write on the disk that holds `path`.
///
/// # Errors
/// The operating system does not say.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Removes a folder with everything in it, and makes that durable. One that is gone is no error.
///
/// # Errors
/// The operating system refuses; part of the folder may be gone then.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match path.parent() {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
