//! A folder that gets its name when it is whole.
//!
//! It is filled as `NAME.unfinished` beside the place where it will be. One that a killed command left
//! is filled anew; one that another command is filling is left alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use log::durable::{self, Disk, RealDisk};
use rustix::fs::{FlockOperation, flock};

use crate::exit::Failure;

/// The folder while it is filled.
#[derive(Debug)]
pub(super) struct Staging {
    path: PathBuf,
    target: PathBuf,
    _lock: File,
}

const LOCK: &str = "unfinished.lock";

impl Staging {
    /// Begins to fill what will be `target`, which must not exist, or be an empty folder.
    pub(super) fn begin(target: &Path) -> Result<Self> {
        must_be_free(target)?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            bail!(Failure::usage(format!("{} is no name for a folder", target.display())));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let mut name = name.to_os_string();
        name.push(".unfinished");
        let path = parent.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => must_be_left(&path)?,
            Err(error) => bail!(unusable(&path, "created", &error)),
            Ok(()) => {}
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(|error| unusable(&path, "used", &error))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!(Failure::environment(format!(
                "another wellhead backup is filling {}; wait for it, or give another folder",
                path.display()
            )));
        }
        let staging = Self { path, target: target.to_path_buf(), _lock: lock };
        staging.empty()?;
        Ok(staging)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes everything durable and gives the folder its name.
    pub(super) fn finish(self) -> Result<()> {
        let done = || -> std::io::Result<()> {
            sync_folders(&self.path)?;
            RealDisk.rename(&self.path, &self.target)?;
            RealDisk.sync_folder(self.target.parent().unwrap_or(Path::new("")))?;
            // Only now, so that nobody fills the folder anew before it has its name.
            fs::remove_file(self.target.join(LOCK))?;
            RealDisk.sync_folder(&self.target)
        };
        done().map_err(|error| unusable(&self.target, "put into place", &error).into())
    }

    /// Removes what was filled in.
    pub(super) fn discard(self) {
        // Best effort: what stays is named unfinished, and filled anew next time.
        let _left = durable::remove_folder(&self.path);
    }

    /// Removes what an earlier command left.
    fn empty(&self) -> Result<()> {
        let emptied = || -> std::io::Result<()> {
            for entry in fs::read_dir(&self.path)? {
                let entry = entry?;
                if entry.file_name() == LOCK {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    durable::remove_folder(&entry.path())?;
                } else {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        };
        emptied().map_err(|error| unusable(&self.path, "emptied", &error).into())
    }
}

fn must_be_free(target: &Path) -> Result<()> {
    match fs::read_dir(target) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => bail!(unusable(target, "used", &error)),
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!(Failure::usage(format!(
                "{} is not empty; give the name of a new folder",
                target.display()
            ))),
        },
    }
}

/// A folder of the staging's name is emptied only if a killed command has left it.
fn must_be_left(path: &Path) -> Result<()> {
    let unreadable = |error| unusable(path, "used", &error);
    let is_ours = path.join(LOCK).exists();
    if !is_ours && fs::read_dir(path).map_err(unreadable)?.next().is_some() {
        bail!(Failure::usage(format!(
            "{} is in the way, and no backup has left it; move it, or give another name",
            path.display()
        )));
    }
    Ok(())
}

/// Syncs a folder and the folders in it, the innermost first.
fn sync_folders(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    RealDisk.sync_folder(folder)
}

fn unusable(path: &Path, done: &str, error: &std::io::Error) -> Failure {
    Failure::environment(format!("{} cannot be {done}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_its_name_only_when_it_is_whole() {
        let outer = tempfile::tempdir().unwrap();
        let target = outer.path().join("backup");
        let staging = Staging::begin(&target).unwrap();
        fs::write(staging.path().join("file"), "half").unwrap();
        assert!(!target.exists());
        let error = Staging::begin(&target).unwrap_err().to_string();
        assert!(error.starts_with("another wellhead backup is filling"), "{error}");
        drop(staging);

        let staging = Staging::begin(&target).unwrap();
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 1, "what was left is gone");
        fs::write(staging.path().join("file"), "whole").unwrap();
        staging.finish().unwrap();
        assert_eq!(fs::read_dir(&target).unwrap().count(), 1);
        assert_eq!(fs::read(target.join("file")).unwrap(), b"whole");
        let error = Staging::begin(&target).unwrap_err().to_string();
        assert!(error.ends_with("is not empty; give the name of a new folder"), "{error}");
    }

    #[test]
    fn a_folder_of_somebody_else_is_not_emptied() {
        let outer = tempfile::tempdir().unwrap();
        let other = outer.path().join("backup.unfinished");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("letter"), "dear").unwrap();
        let error = Staging::begin(&outer.path().join("backup")).unwrap_err().to_string();
        assert!(error.contains("is in the way, and no backup has left it"), "{error}");
        assert_eq!(fs::read(other.join("letter")).unwrap(), b"dear");
        fs::remove_file(other.join("letter")).unwrap();
        Staging::begin(&outer.path().join("backup")).unwrap().finish().unwrap();
    }

    #[test]
    fn an_empty_folder_may_be_there() {
        let outer = tempfile::tempdir().unwrap();
        let target = outer.path().join("data");
        fs::create_dir(&target).unwrap();
        Staging::begin(&target).unwrap().finish().unwrap();
        let staging = Staging::begin(&target).unwrap();
        staging.discard();
        assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
    }
}
