//! Acts on whole folders, outside of any open partition.

use std::io;
use std::path::Path;

use super::{Disk, RealDisk};

/// Bytes that an ordinary user may still write on the disk that holds `path`.
///
/// # Errors
/// The operating system does not say.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Size of the disk that holds `path`, in bytes.
///
/// # Errors
/// The operating system does not say.
pub fn total_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_blocks.saturating_mul(disk.f_frsize))
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
    path.parent().map_or(Ok(()), |parent| RealDisk.sync_folder(parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_everything_in_it_and_may_be_gone_already() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("partition");
        RealDisk.create_folder(&folder.join("inner")).unwrap();
        RealDisk.create(&folder.join("file")).unwrap();
        remove_folder(&folder).unwrap();
        assert!(!folder.exists() && outer.path().exists());
        remove_folder(&folder).unwrap();
        assert!(free_bytes(outer.path()).unwrap() > 0);
        assert!(free_bytes(&folder).is_err());
    }
}
