//! The index files of a segment: in what state they are, and whether they say what the log says.

use std::fs;
use std::path::PathBuf;

use kafka::batch::BatchHeader;

use super::findings::Findings;
use super::folder::Folder;
use crate::index::{Entry, Kind, Unusable};
use crate::segment::{self, Contents};
use crate::{Error, Offset};

/// In what state the two index files of a segment are. All but the first two are made anew at the next
/// start; where only entries are damaged, at the one behind their first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// Both are whole and fit the length of the segment.
    Ok,
    /// The segment is still written: its index is in the memory of whoever writes it.
    InMemory,
    /// One is not there.
    Missing,
    /// One is whole, but of another length of the segment.
    Stale,
    /// One is not whole.
    Damaged(&'static str),
    /// One was written in another format version.
    OtherVersion(u32),
}

/// One index file while its segment is walked.
#[derive(Debug)]
pub(super) struct Compared {
    kind: Kind,
    path: PathBuf,
    file: fs::File,
    count: u32,
    at: u32,
    next: Option<Entry>,
}

/// Its checksums fit, so nobody else will notice.
const REMEDY: &str = "delete the file, and the next start makes it anew";
const KINDS: [Kind; 2] = [Kind::Offsets, Kind::Times];

impl IndexState {
    /// As a word or two.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InMemory => "in memory",
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Damaged(_) => "damaged",
            Self::OtherVersion(_) => "other version",
        }
    }
}

/// Looks at the index files of a segment that has `length` bytes; also answers what they say it holds,
/// if they can be used.
pub(super) fn state(
    folder: &Folder,
    base: Offset,
    length: u64,
) -> Result<(IndexState, Option<Contents>), Error> {
    let mut said = Vec::with_capacity(KINDS.len());
    for kind in KINDS {
        let Some((file, path)) = open(folder, base, kind)? else {
            return Ok((IndexState::Missing, None));
        };
        let io = |error| Error::io("reading", &path)(error);
        match kind.read_head(base, &file).map_err(io)? {
            Err(Unusable::OtherVersion(version)) => {
                return Ok((IndexState::OtherVersion(version), None));
            }
            Err(Unusable::Damaged(why)) => return Ok((IndexState::Damaged(why), None)),
            Ok(head) => said.push(head),
        }
        if !kind.entries_are_whole(&file).map_err(io)? {
            return Ok((IndexState::Damaged("the checksum of its entries does not fit"), None));
        }
    }
    let [offsets, times] = said.as_slice() else { return Ok((IndexState::Missing, None)) };
    let fits = offsets == times && offsets.0.length == length && offsets.0.next > base;
    Ok(if fits { (IndexState::Ok, Some(offsets.0)) } else { (IndexState::Stale, None) })
}

impl Compared {
    /// Opens both files of a segment whose [`state`] is good.
    pub(super) fn open(folder: &Folder, base: Offset) -> Result<Vec<Self>, Error> {
        let mut opened = Vec::with_capacity(KINDS.len());
        for kind in KINDS {
            let Some((file, path)) = open(folder, base, kind)? else { continue };
            let head = kind.read_head(base, &file).map_err(Error::io("reading", &path))?;
            let Ok((_, count)) = head else { continue };
            let mut compared = Self { kind, path, file, count, at: 0, next: None };
            compared.next = compared.read()?;
            opened.push(compared);
        }
        Ok(opened)
    }

    /// Compares the entry that is due with a batch. `before` is what the segment holds before it.
    pub(super) fn see(
        &mut self,
        header: &BatchHeader,
        before: &Contents,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let Some(entry) = self.next else { return Ok(()) };
        let relative = header.base_offset.0.saturating_sub(before.base.0);
        let (reached, right) = match self.kind {
            Kind::Offsets => (
                entry.start() <= before.length,
                entry.start() == before.length && i64::from(entry.relative_offset) == relative,
            ),
            Kind::Times => (
                i64::from(entry.relative_offset) <= relative,
                i64::from(entry.relative_offset) == relative
                    && entry.max_timestamp_before_ms == before.max_timestamp_ms,
            ),
        };
        if reached && !right {
            self.wrong(findings, Some(header.base_offset));
        } else if reached {
            self.at = self.at.saturating_add(1);
            self.next = self.read()?;
        }
        Ok(())
    }

    /// What is left when the segment has ended points nowhere.
    pub(super) fn end(mut self, contents: &Contents, said: &Contents, findings: &mut Findings) {
        if self.next.is_some() {
            self.wrong(findings, None);
        } else if contents != said {
            let what = format!("it says that its segment holds something else; {REMEDY}");
            findings.damage(&self.path, None, None, what);
        }
    }

    fn wrong(&mut self, findings: &mut Findings, offset: Option<Offset>) {
        let what = format!("entry {} does not fit the segment; {REMEDY}", self.at);
        findings.damage(&self.path, None, offset, what);
        self.next = None;
        self.count = 0;
    }

    fn read(&self) -> Result<Option<Entry>, Error> {
        if self.at >= self.count {
            return Ok(None);
        }
        self.kind.entry(&self.file, self.at).map(Some).map_err(Error::io("reading", &self.path))
    }
}

fn open(folder: &Folder, base: Offset, kind: Kind) -> Result<Option<(fs::File, PathBuf)>, Error> {
    let path = segment::path(folder.path(), base, kind.suffix());
    match fs::File::open(&path).map_err(Error::io("opening", &path)) {
        Ok(file) => Ok(Some((file, path))),
        Err(error) if error.is_missing_file() => Ok(None),
        Err(error) => Err(error),
    }
}
