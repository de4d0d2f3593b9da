//! Copies of files that others may be writing.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How a second name for a file was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// Both names are the same file.
    Linked,
    /// The bytes are there twice.
    Bytes,
}

/// Gives a file that is never written again a second name, or copies it where the file system cannot
/// do that. Durable after the folder was synced.
///
/// # Errors
/// The system's; `NotFound` if the file is gone.
pub fn link_or_copy(from: &Path, to: &Path) -> io::Result<Copied> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(Copied::Linked),
        Err(error) if cannot_link(&error) => copy(from, to, u64::MAX).map(|_| Copied::Bytes),
        Err(error) => Err(error),
    }
}

/// Copies at most the first `length` bytes into a file that must not exist, readable by its owner
/// alone, and syncs it; answers how many there were.
///
/// # Errors
/// The system's; `NotFound` if the file is gone.
pub fn copy(from: &Path, to: &Path, length: u64) -> io::Result<u64> {
    let mut from = fs::File::open(from)?.take(length);
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let copied = io::copy(&mut from, &mut to)?;
    to.sync_all()?;
    Ok(copied)
}

/// Another file system, one without links, too many of them, or a file of somebody else.
fn cannot_link(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::CrossesDevices
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
            | ErrorKind::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn a_link_is_the_same_file_and_a_copy_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "0123456789").unwrap();
        assert_eq!(link_or_copy(&path("a"), &path("b")).unwrap(), Copied::Linked);
        assert_eq!(copy(&path("a"), &path("c"), 4).unwrap(), 4);
        fs::OpenOptions::new().append(true).open(path("a")).unwrap().set_len(5).unwrap();
        assert_eq!(fs::read(path("b")).unwrap(), b"01234");
        assert_eq!(fs::read(path("c")).unwrap(), b"0123");
        assert_eq!(fs::metadata(path("c")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path("a")).unwrap().nlink(), 2);
        for missing in
            [link_or_copy(&path("x"), &path("y")).err(), copy(&path("x"), &path("y"), 1).err()]
        {
            assert_eq!(missing.unwrap().kind(), ErrorKind::NotFound);
        }
    }

    #[test]
    fn another_disk_is_copied_to() {
        let other = tempfile::tempdir_in("/dev/shm").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let one = fs::metadata(folder.path()).unwrap().dev();
        let from = folder.path().join("a");
        fs::write(&from, "0123").unwrap();
        let expected = if one == fs::metadata(other.path()).unwrap().dev() {
            Copied::Linked
        } else {
            Copied::Bytes
        };
        assert_eq!(link_or_copy(&from, &other.path().join("a")).unwrap(), expected);
        assert_eq!(fs::read(other.path().join("a")).unwrap(), b"0123");
    }
}
