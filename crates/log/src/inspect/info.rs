//! What a partition is, without reading all of it.

use std::fs;
use std::path::PathBuf;

use kafka::batch;

use super::UNPACKED_MAX;
use super::folder::Folder;
use super::indexes::{self, IndexState};
use super::walk::{Step, Walk, read_batch};
use crate::reader::DataRange;
use crate::segment::{Contents, batch_len};
use crate::{Error, Offset};

/// What a partition is.
#[derive(Debug, Clone)]
pub struct Info {
    /// Oldest first.
    pub segments: Vec<SegmentInfo>,
    /// The first offset, and the one behind the last whole batch; `None` without a segment.
    pub offsets: Option<(Offset, Offset)>,
    /// The times of the records; `None` while there are none.
    pub times: Option<DataRange>,
    /// Bytes of all segments.
    pub bytes: u64,
    /// How well some of the newest batches are compressed.
    pub packing: Option<Packing>,
}

/// What a segment is.
#[derive(Debug, Clone)]
pub struct SegmentInfo {
    /// Its first offset.
    pub base: Offset,
    /// The offset behind its last whole batch.
    pub next: Offset,
    /// Its file.
    pub path: PathBuf,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes at its end that are no whole batch.
    pub unfinished_bytes: u64,
    /// First and highest timestamp; `None` while it is empty.
    pub times: Option<DataRange>,
    /// Its index files.
    pub index: IndexState,
    /// Whether it is the last one, which is still written.
    pub is_active: bool,
}

/// Bytes of some batches as they lie on the disk, and of their records unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// In the file.
    pub packed_bytes: u64,
    /// Unpacked.
    pub unpacked_bytes: u64,
}

/// Batches that are unpacked to tell the compression, and the most bytes of them.
const SAMPLED: usize = 8;
const SAMPLED_BYTES_MAX: u64 = 32 << 20;

/// Looks at a partition: at closed segments through their indexes, at the last one, and at those
/// without an index, batch by batch.
///
/// # Errors
/// A file cannot be read.
pub fn info(folder: &Folder) -> Result<Info, Error> {
    let mut info =
        Info { segments: Vec::new(), offsets: None, times: None, bytes: 0, packing: None };
    for base in folder.bases.iter().copied() {
        let Some(file) = folder.open(base)? else { continue };
        let segment = segment(folder, base, &file)?;
        let start = info.offsets.map_or(segment.base, |(start, _)| start);
        info.offsets = Some((start, segment.next));
        info.bytes = info.bytes.saturating_add(segment.bytes);
        if let Some(times) = segment.times {
            let range = info.times.unwrap_or(times);
            info.times = Some(DataRange { last_ms: range.last_ms.max(times.last_ms), ..range });
        }
        info.segments.push(segment);
    }
    for segment in info.segments.iter().rev().filter(|segment| segment.times.is_some()) {
        info.packing = packing(folder, segment)?;
        if info.packing.is_some() {
            break;
        }
    }
    Ok(info)
}

fn segment(folder: &Folder, base: Offset, file: &fs::File) -> Result<SegmentInfo, Error> {
    let path = folder.log(base);
    let is_active = folder.is_last(base) && folder.is_whole;
    let walk = Walk::new(file, &path, base)?;
    let bytes = walk.end();
    let (state, said) = indexes::state(folder, base, bytes)?;
    let index = if is_active { IndexState::InMemory } else { state };
    let contents = match said.filter(|_| !is_active) {
        Some(said) => said,
        None => contents(walk, base)?,
    };
    Ok(SegmentInfo {
        base,
        next: contents.next,
        path,
        bytes,
        unfinished_bytes: bytes.saturating_sub(contents.length),
        times: (!contents.is_empty()).then_some(DataRange {
            first_ms: contents.first_timestamp_ms,
            last_ms: contents.max_timestamp_ms,
        }),
        index,
        is_active,
    })
}

/// What a segment holds up to the first bytes that are no batch.
fn contents(mut walk: Walk<'_>, base: Offset) -> Result<Contents, Error> {
    let mut contents = Contents::empty(base);
    while let Some(Step::Batch { header, expected: None, .. }) = walk.next()? {
        let _unindexed = contents.add(&header, None, u32::MAX);
    }
    Ok(contents)
}

/// Unpacks the first batches of a segment.
fn packing(folder: &Folder, segment: &SegmentInfo) -> Result<Option<Packing>, Error> {
    let Some(file) = folder.open(segment.base)? else { return Ok(None) };
    let mut walk = Walk::new(&file, &segment.path, segment.base)?;
    let mut packing = Packing { packed_bytes: 0, unpacked_bytes: 0 };
    for _ in 0..SAMPLED {
        let Some(Step::Batch { header, position, .. }) = walk.next()? else { break };
        let bytes = read_batch(&file, &segment.path, position, &header)?;
        let mut buffer = Vec::new();
        if batch::records(&bytes, UNPACKED_MAX, &mut buffer).is_err() {
            break;
        }
        let unpacked = if buffer.is_empty() { batch_len(&header) } else { buffer.len() as u64 };
        packing.packed_bytes = packing.packed_bytes.saturating_add(batch_len(&header));
        packing.unpacked_bytes = packing.unpacked_bytes.saturating_add(unpacked);
        if packing.unpacked_bytes > SAMPLED_BYTES_MAX {
            break;
        }
    }
    Ok((packing.packed_bytes > 0).then_some(packing))
}
