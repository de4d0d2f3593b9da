//! A partition's copy, made while its writer goes on, and the way back.
//!
//! Closed segments are never written again, so the copy may share them (hard links). The segment that
//! is written is copied up to its last whole batch and never shared: whoever opens the copy would else
//! append to the original.
//!
//! Nothing is asked of the writer and no lock is taken; what it does meanwhile is met by the order. A
//! segment behind another one is there only once the one before is closed, so all but the last of a
//! listing are closed. Retention removes from the old end, so linking goes from the newest to the
//! oldest, and the first one that is gone ends the copy's beginning.
//!
//! What a copy must agree with beside the log, the catalog, is not known here.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::durable::{self, Copied, Disk, RealDisk};
use crate::inspect::Folder;
use crate::meta::{Incarnation, Meta};
use crate::segment;
use crate::window::Window;
use crate::{Error, LeaderEpoch, Offset};

/// A partition's copy while it is made.
#[derive(Debug)]
pub struct PartitionBackup {
    from: PathBuf,
    to: PathBuf,
    /// The log that is copied, once it is known.
    of: Option<Incarnation>,
    /// Closed segments that the copy has.
    closed: BTreeSet<Offset>,
    /// The segment that was last when it was copied.
    last: Option<Offset>,
    bytes_copied: bool,
}

/// A partition's copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionCopy {
    /// The identity of the original.
    pub incarnation: Incarnation,
    /// The epoch of the original's last writer.
    pub leader_epoch: LeaderEpoch,
    /// The first offset.
    pub start: Offset,
    /// The offset behind the last record.
    pub end: Offset,
    /// The highest timestamp of the last batch; `None` if there is none.
    pub last_timestamp_ms: Option<i64>,
    /// The segments' files, with their lengths.
    pub files: Vec<(String, u64)>,
    /// Whether closed segments had to be copied because they could not be linked.
    pub bytes_copied: bool,
}

/// How often the segment that was last may turn out to be gone.
const TRIES: usize = 16;
const KINDS: [&str; 3] = ["log", "index", "timeindex"];

impl PartitionBackup {
    /// Begins a copy of the partition in `from` in the new folder `to`.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be made.
    pub fn begin(from: &Path, to: &Path) -> Result<Self, Error> {
        RealDisk.create_folder(to).map_err(Error::io("creating", to))?;
        Ok(Self {
            from: from.to_path_buf(),
            to: to.to_path_buf(),
            of: None,
            closed: BTreeSet::new(),
            last: None,
            bytes_copied: false,
        })
    }

    /// Takes the closed segments. May be called again, for those that were closed since.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`]; [`Error::NewerFormat`].
    pub fn take_closed(&mut self) -> Result<(), Error> {
        let listed = self.list()?;
        let Some((last, closed)) = listed.bases.split_last() else { return Ok(()) };
        self.take(closed, *last)
    }

    /// Takes what was closed since and the segment that is written, and makes the copy durable. Called
    /// again it brings the copy up to date.
    ///
    /// # Errors
    /// As [`PartitionBackup::take_closed`]; [`Error::Corrupt`] if more than an unfinished end is wrong
    /// with the last segment.
    pub fn finish(&mut self) -> Result<PartitionCopy, Error> {
        for _ in 0..TRIES {
            if let Some(last) = self.last.take() {
                self.forget(last)?;
            }
            let listed = self.list()?;
            let Some((last, closed)) = listed.bases.split_last() else { break };
            self.take(closed, *last)?;
            let copy = self.take_last(*last)?;
            if let Some(copy) = copy.filter(|copy| self.of == Some(copy.incarnation)) {
                return Ok(copy);
            }
        }
        Err(Error::corrupt(&self.from, 0, "its segments are missing"))
    }

    /// Whether the original still is the log that was copied, and not another one of its name.
    #[must_use]
    pub fn is_of(&self, incarnation: Incarnation) -> bool {
        Folder::list(&self.from).is_ok_and(|folder| {
            folder.facts().is_some_and(|facts| facts.incarnation == incarnation)
        })
    }

    /// Lists the original. What was taken of another log that had its name before is not kept.
    fn list(&mut self) -> Result<Folder, Error> {
        let listed = Folder::list(&self.from)?;
        let found = listed.facts().map(|facts| facts.incarnation);
        if self.of.is_some() && self.of != found {
            for base in std::mem::take(&mut self.closed).into_iter().chain(self.last.take()) {
                self.forget(base)?;
            }
        }
        self.of = found;
        Ok(listed)
    }

    /// Links segments from the newest to the oldest. The copy then has those of `closed`, which lie
    /// before `last`, that are still there, and older ones only if they belong before them.
    fn take(&mut self, closed: &[Offset], last: Offset) -> Result<(), Error> {
        let mut begins = last;
        for base in closed.iter().rev().copied() {
            // What was taken before it then is adjacent to it.
            if self.closed.contains(&base) {
                return Ok(());
            }
            if !self.link(base)? {
                break;
            }
            self.closed.insert(base);
            begins = base;
        }
        let older: Vec<_> = self.closed.range(..begins).copied().collect();
        for base in older {
            self.closed.remove(&base);
            self.forget(base)?;
        }
        Ok(())
    }

    /// Answers whether the segment was there.
    fn link(&mut self, base: Offset) -> Result<bool, Error> {
        for kind in KINDS {
            let from = segment::path(&self.from, base, kind);
            let to = segment::path(&self.to, base, kind);
            match durable::link_or_copy(&from, &to) {
                Ok(copied) => self.bytes_copied |= copied == Copied::Bytes,
                Err(error) if error.kind() == ErrorKind::NotFound && kind == "log" => {
                    return Ok(false);
                }
                // It is made anew when the copy is opened.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(Error::io("copying", &from)(error)),
            }
        }
        Ok(true)
    }

    /// Removes a segment from the copy.
    fn forget(&self, base: Offset) -> Result<(), Error> {
        for kind in KINDS {
            let path = segment::path(&self.to, base, kind);
            durable::remove_if_present(&RealDisk, &path).map_err(Error::io("removing", &path))?;
        }
        Ok(())
    }

    /// Copies the segment that is written; `None` if it is gone.
    fn take_last(&mut self, base: Offset) -> Result<Option<PartitionCopy>, Error> {
        let from = segment::path(&self.from, base, "log");
        let to = segment::path(&self.to, base, "log");
        // Set before, so that a part of it is removed should this be called again.
        self.last = Some(base);
        match durable::copy(&from, &to, u64::MAX) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            copied => copied.map_err(Error::io("copying", &from))?,
        };
        let (end, last_timestamp_ms) = cut_behind_last_batch(&to, &from, base)?;
        // Behind the segment, because its epoch must not be lower than that of any batch.
        let path = self.from.join(crate::meta::FILE_NAME);
        let file = std::fs::File::open(&path).map_err(Error::io("opening", &path))?;
        let meta = Meta::read(&file, &path)?;
        meta.store(&RealDisk, &self.to)?;
        RealDisk.sync_folder(&self.to).map_err(Error::io("syncing", &self.to))?;
        Ok(Some(PartitionCopy {
            incarnation: meta.incarnation,
            leader_epoch: meta.leader_epoch,
            start: self.closed.first().copied().unwrap_or(base),
            end,
            last_timestamp_ms: match last_timestamp_ms {
                None => self.last_closed_timestamp(),
                known => known,
            },
            files: self.files().map_err(Error::io("listing", &self.to))?,
            bytes_copied: self.bytes_copied,
        }))
    }

    /// The highest time in the newest closed segment, where its index says it.
    fn last_closed_timestamp(&self) -> Option<i64> {
        let base = self.closed.last()?;
        let path = segment::path(&self.to, *base, "log");
        let info = crate::inspect::info(&Folder::of_segment(&path).ok()?).ok()?;
        info.times.map(|times| times.last_ms)
    }

    fn files(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for name in RealDisk.list(&self.to)? {
            if KINDS.iter().any(|kind| segment::base_of(&name, kind).is_some()) {
                let length = std::fs::metadata(self.to.join(&name))?.len();
                files.push((name, length));
            }
        }
        files.sort_unstable();
        Ok(files)
    }
}

/// Makes a partition out of a copy: each of `files` with its length, as a new log with this identity and
/// at least this leader epoch, or as the original. The last segment is always copied, the others are linked if
/// `link`.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`]; [`Error::Corrupt`] if a file is missing or shorter than it was;
/// [`Error::NewerFormat`].
pub fn restore(
    from: &Path,
    to: &Path,
    files: &[(String, u64)],
    new_log: Option<(Incarnation, LeaderEpoch)>,
    link: bool,
) -> Result<(), Error> {
    let listed = Folder::list(from)?;
    let Some(facts) = listed.facts() else {
        return Err(Error::corrupt(from, 0, "its partition.meta is missing"));
    };
    RealDisk.create_folder(to).map_err(Error::io("creating", to))?;
    let last = listed.bases.last().copied();
    for (name, length) in files {
        if !KINDS.iter().any(|kind| segment::base_of(name, kind).is_some()) {
            return Err(Error::corrupt(from, 0, format!("{name:?} is no file of a log")));
        }
        let source = from.join(name);
        let there = std::fs::metadata(&source).map_err(Error::io("opening", &source))?.len();
        if there < *length {
            let what = format!("it has {there} bytes and had {length} when it was copied");
            return Err(Error::corrupt(&source, there, what));
        }
        let target = to.join(name);
        let is_last = segment::base_of(name, "log") == last;
        if link && !is_last && there == *length {
            durable::link_or_copy(&source, &target).map(drop)
        } else {
            durable::copy(&source, &target, *length).map(drop)
        }
        .map_err(Error::io("copying", &source))?;
    }
    let (incarnation, epoch) = new_log.unwrap_or((facts.incarnation, facts.leader_epoch));
    Meta { leader_epoch: facts.leader_epoch.max(epoch), incarnation }.store(&RealDisk, to)?;
    RealDisk.sync_folder(to).map_err(Error::io("syncing", to))
}

/// Cuts the unfinished end off a copy; answers the offset behind it, and the highest timestamp of the
/// last batch.
fn cut_behind_last_batch(
    copy: &Path,
    original: &Path,
    base: Offset,
) -> Result<(Offset, Option<i64>), Error> {
    let file = RealDisk.open(copy).map_err(Error::io("opening", copy))?;
    let length = file.length().map_err(Error::io("reading", copy))?;
    let (position, next, last) =
        Window::new(&*file, length).walk(0, base).map_err(Error::io("reading", copy))?;
    if position < length {
        if let Some((_, reason)) = crate::inspect::damage_in(copy, base)? {
            return Err(Error::corrupt(original, position, reason));
        }
        file.set_length(position).map_err(Error::io("truncating", copy))?;
        file.sync_data().map_err(Error::io("syncing", copy))?;
    }
    Ok((next, last.map(|header| header.max_timestamp)))
}

#[cfg(test)]
mod tests;
