//! The sparse indexes of a segment: some of its batches by offset and by time.
//!
//! While a segment is written its index is in memory. When it is closed the index is written to two
//! files, which are searched where they are, never loaded. Both can be rebuilt from the `.log`; one
//! that is missing, wrong or of another version is. That holds for a newer version too: an index says
//! nothing that the `.log` does not say, and what must not be misread is guarded by the version in
//! `partition.meta`. So a release that only improves its indexes can be taken back.
//!
//! `.index` and `.timeindex` start alike; all numbers are big endian:
//!
//! | byte | length | what |
//! |---|---|---|
//! | 0 | 8 | magic: `wh-index` or `wh-times` |
//! | 8 | 4 | version: 1 |
//! | 12 | 4 | number of entries |
//! | 16 | 8 | length of the `.log` |
//! | 24 | 8 | offset behind its last record |
//! | 32 | 8 | timestamp of its first record, in milliseconds |
//! | 40 | 8 | highest timestamp of its records, in milliseconds |
//! | 48 | 4 | CRC32C of the entries |
//! | 52 | 4 | CRC32C of the bytes before |
//! | 56 | | the entries, ascending |
//!
//! An entry of `.index` is a batch's base offset, relative to the segment's (4 bytes), and its
//! position (4). An entry of `.timeindex` is the highest timestamp of all batches before it in the
//! segment (8) and its relative base offset (4); so time may go backwards in the log, and the batch
//! that first reaches a time still is behind the last entry whose timestamp is lower.

use std::io;
use std::sync::Arc;

use crate::Offset;
use crate::durable::{self, File};
use crate::segment::{Active, Contents};

const VERSION: u32 = 1;
const HEADER: usize = 56;
const HEADER_CHECKED: usize = 52;

/// One indexed batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its base offset, from the segment's.
    pub(crate) relative_offset: u32,
    /// Where it starts in the file.
    pub(crate) position: u32,
    /// Highest timestamp of all batches before it in the segment; `i64::MIN` if there are none.
    pub(crate) max_timestamp_before_ms: i64,
}

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Offsets,
    Times,
}

/// Why a file cannot be used as an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// Another release wrote it.
    OtherVersion(u32),
    /// It is not whole.
    Damaged(&'static str),
}

/// Finds entries, wherever the index is.
#[derive(Debug)]
pub(crate) enum Index {
    /// Of the segment that is being written.
    Memory(Arc<Active>),
    /// Of a closed segment.
    Files(Files),
    /// Of a closed segment whose files cannot be used: everything is found by walking.
    Unusable,
}

/// The two opened files of a closed segment.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) offsets: Arc<dyn File>,
    pub(crate) times: Arc<dyn File>,
    pub(crate) count: u32,
}

impl Entry {
    pub(crate) fn start(self) -> u64 {
        u64::from(self.position)
    }
}

impl Kind {
    /// The end of the file's name.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Offsets => "index",
            Self::Times => "timeindex",
        }
    }

    const fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Offsets => b"wh-index",
            Self::Times => b"wh-times",
        }
    }

    const fn entry_len(self) -> usize {
        match self {
            Self::Offsets => 8,
            Self::Times => 12,
        }
    }

    /// The whole content of the file.
    pub(crate) fn encode(self, contents: &Contents, entries: &[Entry]) -> Vec<u8> {
        let mut body = Vec::with_capacity(entries.len() * self.entry_len());
        for entry in entries {
            if self == Self::Times {
                body.extend_from_slice(&entry.max_timestamp_before_ms.to_be_bytes());
            }
            body.extend_from_slice(&entry.relative_offset.to_be_bytes());
            if self == Self::Offsets {
                body.extend_from_slice(&entry.position.to_be_bytes());
            }
        }
        // There are fewer entries than bytes that a u32 can address in a segment.
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(self.magic());
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&contents.length.to_be_bytes());
        bytes.extend_from_slice(&contents.next.0.to_be_bytes());
        bytes.extend_from_slice(&contents.first_timestamp_ms.to_be_bytes());
        bytes.extend_from_slice(&contents.max_timestamp_ms.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes.append(&mut body);
        bytes
    }

    /// Reads what the head of a file says: the segment's contents and the number of entries. `None`
    /// if the file is not one of this kind, or not whole.
    pub(crate) fn head(self, base: Offset, file: &dyn File) -> io::Result<Option<(Contents, u32)>> {
        Ok(self.read_head(base, file)?.ok())
    }

    /// The same; `Err` inside says why the file cannot be used.
    pub(crate) fn read_head(
        self,
        base: Offset,
        file: &dyn File,
    ) -> io::Result<Result<(Contents, u32), Unusable>> {
        let length = file.length()?;
        if length < HEADER as u64 {
            return Ok(Err(Unusable::Damaged("it is shorter than its head")));
        }
        let mut bytes = [0; HEADER];
        durable::read_exact_at(file, &mut bytes, 0)?;
        if !bytes.starts_with(self.magic()) {
            return Ok(Err(Unusable::Damaged("it does not start as such a file does")));
        }
        if number(&bytes, 8) != VERSION {
            return Ok(Err(Unusable::OtherVersion(number(&bytes, 8))));
        }
        let checked = bytes.get(..HEADER_CHECKED).map(crc32c::crc32c);
        if checked != Some(number(&bytes, HEADER_CHECKED)) {
            return Ok(Err(Unusable::Damaged("the checksum of its head does not fit")));
        }
        let count = number(&bytes, 12);
        let expected = u64::from(count) * self.entry_len() as u64 + HEADER as u64;
        let contents = Contents {
            base,
            next: Offset(long(&bytes, 24)),
            length: u64::from_be_bytes(long(&bytes, 16).to_be_bytes()),
            first_timestamp_ms: long(&bytes, 32),
            max_timestamp_ms: long(&bytes, 40),
        };
        Ok(if length == expected {
            Ok((contents, count))
        } else {
            Err(Unusable::Damaged("it is not as long as its head says"))
        })
    }

    /// Reads one entry. That of `.index` knows no timestamp, that of `.timeindex` no position.
    pub(crate) fn entry(self, file: &dyn File, at: u32) -> io::Result<Entry> {
        let mut bytes = [0; Kind::Times.entry_len()];
        let bytes = bytes.get_mut(..self.entry_len()).unwrap_or_default();
        durable::read_exact_at(file, bytes, self.position_of(at))?;
        Ok(match self {
            Self::Offsets => Entry {
                relative_offset: number(bytes, 0),
                position: number(bytes, 4),
                max_timestamp_before_ms: i64::MIN,
            },
            Self::Times => Entry {
                max_timestamp_before_ms: long(bytes, 0),
                relative_offset: number(bytes, 8),
                position: 0,
            },
        })
    }

    /// Whether the entries are what was once written.
    pub(crate) fn entries_are_whole(self, file: &dyn File) -> io::Result<bool> {
        let mut head = [0; HEADER];
        durable::read_exact_at(file, &mut head, 0)?;
        let end = file.length()?;
        let mut position = HEADER as u64;
        let mut chunk = [0; 8 * 1024];
        let mut crc = 0;
        while position < end {
            let wanted = usize::try_from(end - position).unwrap_or(usize::MAX).min(chunk.len());
            let part = chunk.get_mut(..wanted).unwrap_or_default();
            durable::read_exact_at(file, part, position)?;
            crc = crc32c::crc32c_append(crc, part);
            position += wanted as u64;
        }
        Ok(crc == number(&head, 48))
    }

    fn position_of(self, entry: u32) -> u64 {
        u64::from(entry) * self.entry_len() as u64 + HEADER as u64
    }
}

impl Index {
    /// The last indexed batch whose relative base offset is at most this.
    pub(crate) fn by_offset(&self, relative_offset: u32) -> io::Result<Option<Entry>> {
        self.last_where(|entry| entry.relative_offset <= relative_offset)
    }

    /// The last indexed batch that starts at this position or before it.
    pub(crate) fn by_position(&self, position: u32) -> io::Result<Option<Entry>> {
        self.last_where(|entry| entry.position <= position)
    }

    /// The last indexed batch that starts before `end` and has only lower timestamps before it.
    pub(crate) fn by_time(&self, timestamp_ms: i64, end: u64) -> io::Result<Option<Entry>> {
        let before = |entry: &Entry| entry.max_timestamp_before_ms < timestamp_ms;
        match self {
            Self::Files(files) => {
                let found = last_where(files.count, |at| files.time(at), before)?;
                let Some(time) = found else { return Ok(None) };
                let entry = self.by_offset(time.relative_offset)?;
                // The two files are written together: another offset means that one is not ours.
                Ok(entry.filter(|entry| entry.relative_offset == time.relative_offset))
            }
            _ => self.last_where(|entry| entry.start() < end && before(entry)),
        }
    }

    /// How many batches are indexed.
    pub(crate) fn len(&self) -> u32 {
        match self {
            Self::Memory(active) => {
                active.with_entries(|entries| u32::try_from(entries.len()).unwrap_or(u32::MAX))
            }
            Self::Files(files) => files.count,
            Self::Unusable => 0,
        }
    }

    /// One indexed batch, by its number.
    pub(crate) fn entry(&self, at: u32) -> io::Result<Option<Entry>> {
        match self {
            Self::Memory(active) => Ok(active.with_entries(|entries| {
                usize::try_from(at).ok().and_then(|at| entries.get(at)).copied()
            })),
            Self::Files(files) => files.offset(at).map(Some),
            Self::Unusable => Ok(None),
        }
    }

    /// The last entry for which `holds`, which must hold for a first part of them only.
    fn last_where(&self, holds: impl Fn(&Entry) -> bool) -> io::Result<Option<Entry>> {
        match self {
            Self::Memory(active) => Ok(active.with_entries(|entries| {
                let behind = entries.partition_point(holds);
                behind.checked_sub(1).and_then(|last| entries.get(last)).copied()
            })),
            Self::Files(files) => last_where(files.count, |at| files.offset(at), holds),
            Self::Unusable => Ok(None),
        }
    }
}

impl Files {
    fn offset(&self, at: u32) -> io::Result<Entry> {
        Kind::Offsets.entry(&*self.offsets, at)
    }

    fn time(&self, at: u32) -> io::Result<Entry> {
        Kind::Times.entry(&*self.times, at)
    }
}

/// Binary search where the entries are.
fn last_where(
    count: u32,
    read: impl Fn(u32) -> io::Result<Entry>,
    holds: impl Fn(&Entry) -> bool,
) -> io::Result<Option<Entry>> {
    let (mut low, mut high) = (0, count);
    let mut found = None;
    while low < high {
        let middle = low + (high - low) / 2;
        let entry = read(middle)?;
        if holds(&entry) {
            found = Some(entry);
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(found)
}

/// Four bytes of a fixed-size buffer; the callers' places are constants within it.
fn number(bytes: &[u8], at: usize) -> u32 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |field| u32::from_be_bytes(*field))
}

/// Eight bytes of a fixed-size buffer; the callers' places are constants within it.
fn long(bytes: &[u8], at: usize) -> i64 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |field| i64::from_be_bytes(*field))
}
