//! Which files a partition has.

use std::fs;
use std::path::{Path, PathBuf};

use crate::meta::{self, Incarnation, Meta};
use crate::segment;
use crate::{Error, LeaderEpoch, Offset};

/// A partition's folder, or one segment of it.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    facts: Option<Facts>,
    /// Ascending.
    pub(crate) bases: Vec<Offset>,
    /// Names of files that the next start removes.
    pub(super) strays: Vec<String>,
    /// Whether `bases` are all the segments there are.
    pub(super) is_whole: bool,
}

/// What `partition.meta` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Format of the folder.
    pub format_version: u32,
    /// Who the log is: Kafka's `cluster_id`.
    pub incarnation: Incarnation,
    /// The epoch of the last writer.
    pub leader_epoch: LeaderEpoch,
}

impl Folder {
    /// Lists a partition's folder. One without `partition.meta` is listed too.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NewerFormat`] and [`Error::Corrupt`] from `partition.meta`.
    pub fn list(path: &Path) -> Result<Self, Error> {
        let mut bases = Vec::new();
        let mut names = Vec::new();
        let entries = fs::read_dir(path).map_err(Error::io("listing", path))?;
        for entry in entries {
            let entry = entry.map_err(Error::io("listing", path))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            bases.extend(segment::base_of(&name, "log"));
            names.push(name);
        }
        bases.sort_unstable();
        names.retain(|name| is_stray(name, &bases));
        names.sort_unstable();
        let facts = facts(path)?;
        Ok(Self { path: path.to_path_buf(), facts, bases, strays: names, is_whole: true })
    }

    /// One segment, by the path of its `.log`. `partition.meta` is read where it lies beside it.
    ///
    /// # Errors
    /// As [`Folder::list`]; [`Error::Corrupt`] if the name is not that of a segment.
    pub fn of_segment(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let base = segment::base_of(name, "log").ok_or_else(|| {
            Error::corrupt(path, 0, "a segment's name is its first offset in 20 digits and .log")
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let facts = facts(&folder)?;
        Ok(Self { path: folder, facts, bases: vec![base], strays: Vec::new(), is_whole: false })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What `partition.meta` says; `None` if there is none.
    #[must_use]
    pub const fn facts(&self) -> Option<&Facts> {
        self.facts.as_ref()
    }

    /// What `partition.meta` says by now.
    pub(super) fn facts_now(&self) -> Result<Option<Facts>, Error> {
        facts(&self.path)
    }

    /// Whether there is neither a segment nor a `partition.meta`: no partition at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.facts.is_none() && self.bases.is_empty()
    }

    /// Whether this may be the segment that is still written. One segment alone may always be.
    pub(super) fn is_last(&self, base: Offset) -> bool {
        self.bases.last() == Some(&base)
    }

    pub(super) fn log(&self, base: Offset) -> PathBuf {
        segment::path(&self.path, base, "log")
    }

    /// Opens a segment; `None` if retention has removed it meanwhile.
    pub(super) fn open(&self, base: Offset) -> Result<Option<fs::File>, Error> {
        let path = self.log(base);
        match fs::File::open(&path).map_err(Error::io("opening", &path)) {
            Err(error) if error.is_missing_file() && self.is_whole && !self.is_last(base) => {
                Ok(None)
            }
            opened => opened.map(Some),
        }
    }
}

fn facts(folder: &Path) -> Result<Option<Facts>, Error> {
    let path = folder.join(meta::FILE_NAME);
    let file = match fs::File::open(&path).map_err(Error::io("opening", &path)) {
        Ok(file) => file,
        Err(error) if error.is_missing_file() => return Ok(None),
        Err(error) => return Err(error),
    };
    let Meta { leader_epoch, incarnation } = Meta::read(&file, &path)?;
    // A newer one is refused, and there is none before it.
    let format_version = meta::FORMAT_VERSION;
    Ok(Some(Facts { format_version, incarnation, leader_epoch }))
}

/// As the next start decides.
fn is_stray(name: &str, bases: &[Offset]) -> bool {
    let index = segment::base_of(name, "index").or_else(|| segment::base_of(name, "timeindex"));
    let orphan = index.is_some_and(|base| bases.binary_search(&base).is_err());
    orphan || Path::new(name).extension().is_some_and(|extension| extension == "tmp")
}
