//! Where the batches of one writer end and those of the next begin (KIP-101, KIP-320).
//!
//! Each batch names the epoch of its writer, and epochs never fall in a log. So nothing is kept about
//! them beside the batches: what is asked for is searched, by segment, then by index entry, then by
//! batch. Such questions are rare: a client asks when its leader has changed.

use crate::reader::View;
use crate::segment::{Extent, Segment, batch_len};
use crate::{Error, LeaderEpoch, Offset, Reader};

/// The end of a writer's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEnd {
    /// The newest epoch up to the asked one that has batches here; the asked one if all are newer.
    pub leader_epoch: LeaderEpoch,
    /// The offset behind its last record: where a newer epoch begins, or the end of the log.
    pub end_offset: Offset,
}

impl Reader {
    /// Where the batches up to this epoch end; `None` if no writer had it yet, or none ever can.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub fn epoch_end(&self, epoch: LeaderEpoch) -> Result<Option<EpochEnd>, Error> {
        if epoch < LeaderEpoch(0) || epoch > self.leader_epoch() {
            return Ok(None);
        }
        loop {
            let (segments, start, end) =
                self.shared().look(|view| (full_segments(view), view.start(), view.end()));
            if epoch == self.leader_epoch() || segments.is_empty() {
                return Ok(Some(EpochEnd { leader_epoch: epoch, end_offset: end }));
            }
            match end_in(self, &segments, epoch) {
                Ok(None) => return Ok(Some(EpochEnd { leader_epoch: epoch, end_offset: start })),
                Ok(found) => return Ok(found),
                Err(error) if self.is_removed(start, &error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The epoch of the batch that holds this offset; that of the present writer at the end of the log.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`], [`Error::Io`], [`Error::Corrupt`].
    pub fn epoch_at(&self, offset: Offset) -> Result<LeaderEpoch, Error> {
        loop {
            let (segment, start, end) =
                self.shared().look(|view| (view.holding(offset), view.start(), view.end()));
            if offset < start || offset > end {
                return Err(Error::OffsetOutOfRange { requested: offset, start, end });
            }
            let Some(segment) = segment else { return Ok(self.leader_epoch()) };
            match self.shared().open(&segment).and_then(|extent| extent.batch_of(offset)) {
                Ok((_, header)) => return Ok(header.leader_epoch),
                Err(error) if self.is_removed(offset, &error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The segments that hold something, oldest first.
fn full_segments(view: &View) -> Vec<Segment> {
    let closed = view.closed.iter().map(|closed| Segment::Closed(closed.clone()));
    closed.chain([view.active()]).filter(|segment| !segment.contents().is_empty()).collect()
}

/// Where the batches up to `epoch` end; `None` if there are none.
fn end_in(
    reader: &Reader,
    segments: &[Segment],
    epoch: LeaderEpoch,
) -> Result<Option<EpochEnd>, Error> {
    let open = |segment: &Segment| reader.shared().open(segment);
    // The first segment that begins with a newer epoch: the end is before it.
    let (mut low, mut high) = (0, segments.len());
    while low < high {
        let middle = low.midpoint(high);
        let Some(segment) = segments.get(middle) else { break };
        if open(segment)?.header(0)?.leader_epoch > epoch {
            high = middle;
        } else {
            low = middle.saturating_add(1);
        }
    }
    match low.checked_sub(1).and_then(|last| segments.get(last)) {
        Some(segment) => end_in_segment(&*open(segment)?, epoch).map(Some),
        None => Ok(None),
    }
}

/// The same in a segment whose first batch has no newer epoch.
fn end_in_segment(extent: &Extent, epoch: LeaderEpoch) -> Result<EpochEnd, Error> {
    let first = extent.header(0)?;
    let mut position = indexed_before(extent, epoch)?;
    let mut found = EpochEnd { leader_epoch: first.leader_epoch, end_offset: extent.contents.next };
    while position < extent.contents.length {
        let header = extent.header(position)?;
        if header.leader_epoch > epoch {
            found.end_offset = header.base_offset;
            break;
        }
        found.leader_epoch = header.leader_epoch;
        position = position.saturating_add(batch_len(&header));
    }
    Ok(found)
}

/// Where the last indexed batch starts that has no newer epoch; the first batch if there is none.
fn indexed_before(extent: &Extent, epoch: LeaderEpoch) -> Result<u64, Error> {
    let (mut low, mut high) = (0, extent.index.len());
    let mut found = 0;
    while low < high {
        let middle = low.midpoint(high);
        let entry = extent.index.entry(middle).ok().flatten();
        let Some(entry) = entry.filter(|entry| entry.start() < extent.contents.length) else {
            // Not visible yet, or an index that cannot be read: the end is looked for before it.
            high = middle;
            continue;
        };
        if !extent.starts_at(&entry) {
            // An index is only a hint.
            return Ok(0);
        }
        if extent.header(entry.start())?.leader_epoch > epoch {
            high = middle;
        } else {
            found = entry.start();
            low = middle.saturating_add(1);
        }
    }
    Ok(found)
}
