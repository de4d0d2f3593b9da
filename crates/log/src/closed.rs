//! Closed segments: never written again. Nothing of them but a few numbers stays in memory, and
//! their files are open only while someone reads, so that thousands of them cost little.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::durable::{self, Disk, File};
use crate::index::{Entry, Files, Index, Kind};
use crate::segment::{self, Contents, Extent};

/// A segment that is never written again.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) contents: Contents,
    disk: Arc<dyn Disk>,
    folder: Arc<Path>,
    /// Whether the index entries are whole; looked at when they are first needed.
    index_is_whole: OnceLock<bool>,
}

impl Closed {
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: Arc<Path>, contents: Contents) -> Self {
        Self { contents, disk, folder, index_is_whole: OnceLock::new() }
    }

    /// What the indexes of a segment say it holds, if both are there and agree with the `.log`'s
    /// length.
    pub(crate) fn from_indexes(
        disk: &Arc<dyn Disk>,
        folder: &Arc<Path>,
        base: crate::Offset,
        log_length: u64,
    ) -> Option<Self> {
        let head = |kind: Kind| {
            let file = disk.open(&segment::path(folder, base, kind.suffix())).ok()?;
            kind.head(base, &*file).ok().flatten()
        };
        let (offsets, times) = (head(Kind::Offsets)?, head(Kind::Times)?);
        let agreed = offsets == times && offsets.0.length == log_length && offsets.0.next > base;
        agreed.then(|| Self::new(Arc::clone(disk), Arc::clone(folder), offsets.0))
    }

    /// Writes both index files.
    pub(crate) fn write_indexes(&self, entries: &[Entry]) -> Result<(), Error> {
        for kind in [Kind::Offsets, Kind::Times] {
            let path = self.path(kind.suffix());
            durable::replace(&*self.disk, &path, &kind.encode(&self.contents, entries))
                .map_err(Error::io("writing", &path))?;
        }
        Ok(())
    }

    /// Removes its files, the `.log` first and durably, so that no hole can appear in the middle of
    /// the log.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        let log = self.path("log");
        durable::remove_if_present(&*self.disk, &log).map_err(Error::io("removing", &log))?;
        self.disk.sync_folder(&self.folder).map_err(Error::io("syncing", &self.folder))?;
        for kind in [Kind::Offsets, Kind::Times] {
            let path = self.path(kind.suffix());
            durable::remove_if_present(&*self.disk, &path).map_err(Error::io("removing", &path))?;
        }
        Ok(())
    }

    pub(crate) fn open(&self) -> Result<Extent, Error> {
        let path = self.path("log");
        let file = self.disk.open(&path).map_err(Error::io("opening", &path))?;
        Ok(Extent { contents: self.contents, path, file, index: self.index() })
    }

    /// Opens the indexes, or does without them.
    fn index(&self) -> Index {
        let open = |kind: Kind| self.disk.open(&self.path(kind.suffix()));
        let (Ok(offsets), Ok(times)) = (open(Kind::Offsets), open(Kind::Times)) else {
            return Index::Unusable;
        };
        let usable = *self.index_is_whole.get_or_init(|| self.are_whole(&*offsets, &*times));
        match Kind::Offsets.head(self.contents.base, &*offsets) {
            Ok(Some((_, count))) if usable => Index::Files(Files { offsets, times, count }),
            _ => Index::Unusable,
        }
    }

    fn are_whole(&self, offsets: &dyn File, times: &dyn File) -> bool {
        let whole = |kind: Kind, file| -> io::Result<bool> {
            let head = kind.head(self.contents.base, file)?;
            Ok(head.is_some_and(|(contents, _)| contents == self.contents)
                && kind.entries_are_whole(file)?)
        };
        let whole = whole(Kind::Offsets, offsets).unwrap_or(false)
            && whole(Kind::Times, times).unwrap_or(false);
        if !whole {
            tracing::warn!(
                segment = %self.path("log").display(),
                "index is damaged; the segment is searched without it until the log is opened again"
            );
            self.discard_indexes();
        }
        whole
    }

    /// Removes the index files, so that they are made anew when the log is opened again: opening looks
    /// at their heads alone. One that cannot be removed is noticed again at its first use then.
    fn discard_indexes(&self) {
        for kind in [Kind::Offsets, Kind::Times] {
            let _kept = self.disk.remove(&self.path(kind.suffix()));
        }
    }

    fn path(&self, kind: &str) -> PathBuf {
        segment::path(&self.folder, self.contents.base, kind)
    }
}
