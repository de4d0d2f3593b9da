//! Segments: a stretch of the log in one file, and how to find one's way in it.
//!
//! `{base offset, 20 digits}.log` holds record batches (format v2) back to back from its first byte
//! to its last, nothing else. Each batch's base offset is the offset behind the batch before; the
//! first one's is in the file's name.
//!
//! The file has no head of its own, because its bytes are sent as they lie there, from its first one.
//! Its version stands in `partition.meta`, which an opening release reads before it looks at any
//! segment, and again in each batch: `magic`, 2, where Kafka has it. So a segment alone, copied out of
//! its folder, still says what it is.
//!
//! Batches are walked by their headers alone; records are not looked at here.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use kafka::batch::{BatchHeader, HEADER_LEN};

use crate::closed::Closed;
use crate::durable::{self, File};
use crate::error::Reason;
use crate::index::{Entry, Index};
use crate::{Error, Offset};

/// The path of a segment's file of one kind (`log`, `index`, `timeindex`).
pub(crate) fn path(folder: &Path, base: Offset, kind: &str) -> PathBuf {
    folder.join(format!("{base:020}.{kind}", base = base.0))
}

/// The base offset in a file name of one kind, if it is one.
pub(crate) fn base_of(name: &str, kind: &str) -> Option<Offset> {
    let digits = name.strip_suffix(kind)?.strip_suffix('.')?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Offset)
}

/// What a segment holds, or the part of it that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Offset of the first record it holds or will hold.
    pub(crate) base: Offset,
    /// Offset behind its last record; equals `base` while it is empty.
    pub(crate) next: Offset,
    /// Bytes of all its batches.
    pub(crate) length: u64,
    /// Timestamp of its first record; meaningless while it is empty.
    pub(crate) first_timestamp_ms: i64,
    /// Highest timestamp of its records; `i64::MIN` while it is empty.
    pub(crate) max_timestamp_ms: i64,
}

impl Contents {
    pub(crate) const fn empty(base: Offset) -> Self {
        Self { base, next: base, length: 0, first_timestamp_ms: 0, max_timestamp_ms: i64::MIN }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Goes on with the batch behind the present ones. Answers the index entry it deserves, if it
    /// starts `interval` bytes behind the last one.
    pub(crate) fn add(
        &mut self,
        batch: &BatchHeader,
        last: Option<&Entry>,
        interval: u32,
    ) -> Option<Entry> {
        let entry = self.entry(batch, last, interval);
        if self.is_empty() {
            self.first_timestamp_ms = batch.base_timestamp;
        }
        self.next = batch.next_offset();
        self.length = self.length.saturating_add(batch_len(batch));
        self.max_timestamp_ms = self.max_timestamp_ms.max(batch.max_timestamp);
        entry
    }

    fn entry(&self, batch: &BatchHeader, last: Option<&Entry>, interval: u32) -> Option<Entry> {
        let due = last.is_none_or(|last| {
            self.length.saturating_sub(u64::from(last.position)) >= u64::from(interval)
        });
        due.then_some(Entry {
            relative_offset: relative(self.base, batch.base_offset)?,
            position: u32::try_from(self.length).ok()?,
            max_timestamp_before_ms: self.max_timestamp_ms,
        })
    }
}

/// The segment that is being written. Its index stays in memory until it is closed.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) base: Offset,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    /// Written by the writer, also for batches that are not visible yet; readers look only at what
    /// lies before their visible end.
    entries: RwLock<Vec<Entry>>,
}

impl Active {
    pub(crate) fn new(
        base: Offset,
        path: PathBuf,
        file: Arc<dyn File>,
        entries: Vec<Entry>,
    ) -> Self {
        Self { base, path, file, entries: RwLock::new(entries) }
    }

    pub(crate) fn with_entries<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&self.entries.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts the batches of `bytes`, which were appended behind `contents`, and indexes them.
    pub(crate) fn extend(&self, contents: &mut Contents, bytes: &[u8], interval: u32) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for batch in Headers::new(bytes).map_while(Result::ok) {
            let entry = contents.add(&batch, entries.last(), interval);
            entries.extend(entry);
        }
    }
}

/// The headers of batches that lie back to back in memory.
pub(crate) struct Headers<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Headers<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }
}

impl Iterator for Headers<'_> {
    /// A header, or where it is wrong.
    type Item = Result<BatchHeader, (usize, Reason)>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.position..).filter(|rest| !rest.is_empty())?;
        let at = self.position;
        let parsed = match BatchHeader::parse(rest) {
            Ok(header) if header.batch_len > rest.len() => Err("it ends inside a batch".into()),
            Ok(header) => Ok(header),
            Err(error) => Err(error.to_string().into()),
        };
        Some(match parsed {
            Ok(header) => {
                self.position = at.saturating_add(header.batch_len);
                Ok(header)
            }
            Err(reason) => {
                self.position = self.bytes.len();
                Err((at, reason))
            }
        })
    }
}

/// A segment, whether it is closed or being written.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Closed(Arc<Closed>),
    /// With its visible part.
    Active(Arc<Active>, Contents),
}

impl Segment {
    pub(crate) fn contents(&self) -> &Contents {
        match self {
            Self::Closed(closed) => &closed.contents,
            Self::Active(_, contents) => contents,
        }
    }

    /// Opens its files.
    pub(crate) fn open(&self) -> Result<Extent, Error> {
        match self {
            Self::Closed(closed) => closed.open(),
            Self::Active(active, contents) => Ok(Extent {
                contents: *contents,
                path: active.path.clone(),
                file: Arc::clone(&active.file),
                index: Index::Memory(Arc::clone(active)),
            }),
        }
    }
}

/// An opened segment, cut off at its visible end.
#[derive(Debug)]
pub(crate) struct Extent {
    pub(crate) contents: Contents,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    pub(crate) index: Index,
}

impl Extent {
    /// The header of the batch that starts at `position`, which must lie before the end.
    pub(crate) fn header(&self, position: u64) -> Result<BatchHeader, Error> {
        let rest = self.contents.length.saturating_sub(position);
        if rest < HEADER_LEN as u64 {
            return Err(Error::corrupt(&self.path, position, "it ends inside a batch header"));
        }
        let mut bytes = [0; HEADER_LEN];
        durable::read_exact_at(&*self.file, &mut bytes, position)
            .map_err(Error::io("reading", &self.path))?;
        let header = BatchHeader::parse(&bytes)
            .map_err(|error| Error::corrupt(&self.path, position, error.to_string()))?;
        if batch_len(&header) > rest {
            return Err(Error::corrupt(&self.path, position, "a batch reaches beyond the end"));
        }
        Ok(header)
    }

    /// The batch that holds `offset`, and where it starts. `offset` must lie within the contents.
    pub(crate) fn batch_of(&self, offset: Offset) -> Result<(u64, BatchHeader), Error> {
        let relative = relative(self.contents.base, offset).unwrap_or(u32::MAX);
        let hint = self.index.by_offset(relative).unwrap_or_default();
        let mut position = hint.filter(|entry| self.starts_at(entry)).map_or(0, Entry::start);
        while position < self.contents.length {
            let header = self.header(position)?;
            if header.next_offset() > offset {
                return Ok((position, header));
            }
            position = position.saturating_add(batch_len(&header));
        }
        Err(Error::corrupt(&self.path, position, "it ends before an offset that it should hold"))
    }

    /// Where the last batch ends that starts at or behind `from` and ends at or before `limit`;
    /// `from` itself, a batch's end, if there is none.
    pub(crate) fn last_end(&self, from: u64, limit: u64) -> Result<u64, Error> {
        if limit >= self.contents.length {
            return Ok(self.contents.length);
        }
        let hint = self.index.by_position(u32::try_from(limit).unwrap_or(u32::MAX));
        let hint = hint.unwrap_or_default().filter(|entry| self.starts_at(entry));
        let mut end = from.max(hint.map_or(0, Entry::start));
        while end < self.contents.length {
            let next = end.saturating_add(batch_len(&self.header(end)?));
            if next > limit {
                break;
            }
            end = next;
        }
        Ok(end)
    }

    /// Whether a batch does start where an index entry says; an index is only a hint.
    pub(crate) fn starts_at(&self, entry: &Entry) -> bool {
        entry.start() < self.contents.length
            && self.header(entry.start()).is_ok_and(|header| {
                relative(self.contents.base, header.base_offset) == Some(entry.relative_offset)
            })
    }
}

/// Bytes of a whole batch, as files count.
pub(crate) const fn batch_len(header: &BatchHeader) -> u64 {
    header.batch_len as u64
}

/// Records between a segment's base and an offset, if an index can say it.
fn relative(base: Offset, offset: Offset) -> Option<u32> {
    u32::try_from(offset.0.checked_sub(base.0)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_file_names_are_segments() {
        assert_eq!(base_of("00000000000000000042.log", "log"), Some(Offset(42)));
        for name in ["42.log", "00000000000000000042.index", "+0000000000000000042.log", ".log"] {
            assert_eq!(base_of(name, "log"), None, "{name}");
        }
        assert_eq!(base_of("99999999999999999999.log", "log"), None, "no such offset");
        let path = path(Path::new("p"), Offset(42), "log");
        assert_eq!(path, Path::new("p/00000000000000000042.log"));
    }
}
