//! The data folder: everything a server keeps, and the lock that keeps a second server out.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::exit::Failure;

/// A data folder that is ours as long as this lives.
///
/// | path | is |
/// |---|---|
/// | `catalog.db`, `catalog.key` | the catalog and the key to the passwords in it |
/// | `log/<task>/0/` | the log of a task's partition |
/// | `admin.sock`, `admin.token` | ways to the API for the command line and for programs |
/// | `lock` | held by the running server |
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Whether a server uses a data folder.
#[derive(Debug)]
pub(crate) enum Use {
    /// One does.
    Running,
    /// None does, nor can one start as long as this lives.
    Free {
        /// The lock that a server takes.
        _lock: File,
    },
}

/// A folder or file of the machine that is not as it must be.
fn unusable(path: &Path, done: &str, error: &std::io::Error) -> Failure {
    Failure::environment(format!(
        "{} cannot be {done}: {error}; give a folder that this user may write: --data-dir DIR, or server.data_dir",
        path.display()
    ))
}

impl Use {
    /// Looks at the lock of a data folder, and takes it if no server has it.
    pub(crate) fn look(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| unusable(&path, "opened", &error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self::Free { _lock: lock }),
            Err(Errno::WOULDBLOCK) => Ok(Self::Running),
            Err(error) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }
}

impl DataDir {
    /// Creates the folder where it is missing and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|error| unusable(path, "created", &error))?;
        match Use::look(path)? {
            Use::Free { _lock } => Ok(Self { path: path.to_path_buf(), _lock }),
            Use::Running => bail!(Failure::environment(format!(
                "the data folder {} is in use by another wellhead; stop it, or give another --data-dir",
                path.display()
            ))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("log")
    }

    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.path.join("admin.sock")
    }

    /// Writes the admin token once; answers whether there is one already.
    pub(crate) fn has_admin_token(&self) -> bool {
        self.path.join("admin.token").exists()
    }

    /// Keeps the admin token, readable by its owner only.
    pub(crate) fn write_admin_token(&self, token: &str) -> Result<()> {
        let path = self.path.join("admin.token");
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        writeln!(file, "{token}").with_context(|| format!("{} cannot be written", path.display()))
    }
}
