//! The records of a partition, one after the other.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use kafka::batch::{self, BatchHeader, Compression, Record};

use super::UNPACKED_MAX;
use super::folder::Folder;
use super::indexes;
use super::walk::{Step, Walk};
use crate::{Error, LeaderEpoch, Offset};

/// An end of a [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// At this offset.
    Offset(Offset),
    /// At the first record from this time on, in milliseconds since the epoch.
    TimeMs(i64),
}

/// Which records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first one; the log's when `None`.
    pub from: Option<Bound>,
    /// The one behind the last; the log's end when `None`.
    pub to: Option<Bound>,
}

/// The batch that a record is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFacts {
    /// Its segment.
    pub path: PathBuf,
    /// Where it starts there.
    pub position: u64,
    /// Its bytes.
    pub bytes: u64,
    /// Offset of its first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// How it is compressed.
    pub compression: Compression,
    /// Who wrote it.
    pub leader_epoch: LeaderEpoch,
    /// Its checksum.
    pub crc: u32,
}

/// Visits the records of a span in the order of the log, until `visit` breaks off.
///
/// # Errors
/// [`Error::Corrupt`] at the first bytes that are no batch, save for an unfinished end, and where
/// offsets have a gap; [`Error::Io`]; what `visit` answers.
pub fn dump<E: From<Error>>(
    folder: &Folder,
    span: &Span,
    mut visit: impl FnMut(&BatchFacts, &Record<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut begun = span.from.is_none();
    // Behind the segment that was read before.
    let mut end = None;
    for (at, base) in folder.bases.iter().copied().enumerate() {
        let next = folder.bases.get(at.saturating_add(1)).copied();
        if let (Some(Bound::Offset(from)), Some(next)) = (span.from, next)
            && next <= from
        {
            continue;
        }
        let before = end.take();
        let Some(file) = folder.open(base)? else { continue };
        let path = folder.log(base);
        let mut walk = Walk::new(&file, &path, base)?;
        if let (Some(Bound::TimeMs(from)), false) = (span.from, begun)
            && let (_, Some(said)) = indexes::state(folder, base, walk.end())?
            && said.max_timestamp_ms < from
        {
            continue;
        }
        if before.is_some_and(|end| end != base) {
            let what = "it does not follow the segment before it";
            return Err(Error::corrupt(&path, 0, what).into());
        }
        end = Some(base);
        let mut buffer = Vec::new();
        while let Some(step) = walk.next()? {
            let Some((header, position)) = batch_of(step, &path, folder.is_last(base))? else {
                break;
            };
            end = Some(header.next_offset());
            let before = match span.from {
                Some(Bound::Offset(from)) => header.next_offset() <= from,
                Some(Bound::TimeMs(from)) => header.max_timestamp < from,
                None => false,
            };
            if !begun && before {
                continue;
            }
            let bytes = walk.bytes(position, &header)?;
            let facts = BatchFacts {
                path: path.clone(),
                position,
                bytes: bytes.len() as u64,
                base_offset: header.base_offset,
                last_offset: header.last_offset(),
                compression: header.compression,
                leader_epoch: header.leader_epoch,
                crc: header.crc,
            };
            let visited = each(&facts, &bytes, &path, &mut buffer, |record| {
                begun = begun || span.from.is_some_and(|from| from.is_reached(record));
                if !begun {
                    return Ok(ControlFlow::Continue(()));
                }
                if span.to.is_some_and(|to| to.is_reached(record)) {
                    return Ok(ControlFlow::Break(()));
                }
                visit(&facts, record)
            })?;
            if visited.is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The batch of a step; `None` at an unfinished end, which only the last segment may have.
fn batch_of(step: Step, path: &Path, is_last: bool) -> Result<Option<(BatchHeader, u64)>, Error> {
    match step {
        Step::Batch { header, position, expected: None } => Ok(Some((header, position))),
        Step::Batch { header, position, expected: Some(expected) } => {
            let begins = header.base_offset;
            let what = format!("a batch begins with offset {begins}, not {expected}");
            Err(Error::corrupt(path, position, what))
        }
        Step::Broken { next: None, .. } if is_last => Ok(None),
        Step::Broken { position, reason, .. } => Err(Error::corrupt(path, position, reason)),
    }
}

impl Bound {
    fn is_reached(self, record: &Record<'_>) -> bool {
        match self {
            Self::Offset(offset) => record.offset >= offset,
            Self::TimeMs(ms) => record.timestamp_ms >= ms,
        }
    }
}

fn each<E: From<Error>>(
    facts: &BatchFacts,
    bytes: &[u8],
    path: &Path,
    buffer: &mut Vec<u8>,
    mut visit: impl FnMut(&Record<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    let corrupt = |error: kafka::Error| Error::corrupt(path, facts.position, error.to_string());
    for record in batch::records(bytes, UNPACKED_MAX, buffer).map_err(corrupt)? {
        if visit(&record.map_err(corrupt)?)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}
