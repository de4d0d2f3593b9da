//! Acts on whole folders, outside of any open partition.

use std::ffi::OsString;
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
/// The folder is renamed first: whatever happens then, nobody finds a part of it under its name. What
/// a crash left of it is removed with the next folder of that name.
///
/// # Errors
/// The operating system refuses.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut leaving = OsString::from(".");
    leaving.push(name);
    leaving.push(".deleted");
    let leaving = parent.join(leaving);
    gone(std::fs::remove_dir_all(&leaving))?;
    gone(RealDisk.rename(path, &leaving))?;
    gone(RealDisk.sync_folder(parent))?;
    gone(std::fs::remove_dir_all(&leaving))?;
    gone(RealDisk.sync_folder(parent))
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
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
        assert_eq!(std::fs::read_dir(outer.path()).unwrap().count(), 0);
        assert!(free_bytes(outer.path()).unwrap() > 0);
        assert!(free_bytes(&folder).is_err());
    }
    #[test]
    fn what_a_crash_left_of_a_folder_goes_with_the_next_one() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("partition");
        RealDisk.create_folder(&outer.path().join(".partition.deleted").join("half")).unwrap();
        RealDisk.create_folder(&folder).unwrap();
        remove_folder(&folder).unwrap();
        assert_eq!(std::fs::read_dir(outer.path()).unwrap().count(), 0);
        assert!(remove_folder(Path::new("/")).is_err());
    }
}
