//! A reader's place in a log: a read that goes on where the last one ended finds its way without a
//! search.
//!
//! Consumers read forwards. A cursor remembers the opened segment, the byte behind what it last answered
//! and the header of the batch there, so that the next read opens no file, searches no index and reads
//! nothing twice. What it remembers is only a shortcut: bytes before a log's visible end never change, and
//! a read from anywhere else searches as [`Reader::read`] does, which is a read with a new cursor.
//!
//! A cursor keeps the files of a closed segment open, also when retention removes them meanwhile; cursors
//! at the same segment share them. Drop it when its consumer is idle.

use std::sync::Arc;

use kafka::batch::{BatchHeader, Compression};

use crate::range::FileRange;
use crate::reader::{ReadOutcome, Reader, View};
use crate::segment::{Extent, Segment, batch_len};
use crate::{Error, Offset};

/// A place in a log, for one consumer.
#[derive(Debug)]
pub struct Cursor {
    reader: Reader,
    place: Option<Place>,
}

/// Behind the last batch that was answered.
#[derive(Debug)]
struct Place {
    /// The segment of that batch. If it was being written, it may hold more by now.
    extent: Arc<Extent>,
    position: u64,
    /// The offset of the record there.
    next: Offset,
    /// The header there, if it was seen.
    header: Option<BatchHeader>,
}

/// Batches are walked if about so many fill a read; of more, the end is looked up in the index.
const WALKED_MAX: u64 = 16;
/// How much of an answer [`Cursor::is_warm`] and [`Cursor::prepare`] look at.
pub const CHECKED_BYTES: u64 = 1 << 20;

impl Cursor {
    /// A cursor that has not read yet.
    #[must_use]
    pub const fn new(reader: Reader) -> Self {
        Self { reader, place: None }
    }

    /// The log it reads.
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Whether a read from here waits for no disk, as far as the system tells without waiting: the files
    /// are open, and the first [`CHECKED_BYTES`] that such a read answers are in memory. What was written
    /// last is.
    #[must_use]
    pub fn is_warm(&self, from: Offset, max_bytes: u64) -> bool {
        let held = |view: &View| view.holding(from).filter(|_| from >= view.start());
        let Some(segment) = self.reader.shared().look(held) else { return true };
        let is_active = matches!(segment, Segment::Active(..));
        let place = self.place.as_ref().filter(|place| place.leads_to(from, &segment));
        let Some(place) = place else { return is_active };
        let left = segment.contents().length.saturating_sub(place.position);
        if is_active && left < CHECKED_BYTES {
            return true;
        }
        let length = left.min(max_bytes).min(CHECKED_BYTES);
        FileRange::new(Arc::clone(&place.extent.file), place.position, length).is_cached(0, length)
    }

    /// Does what makes the same [`Cursor::read`] wait for no disk, and answers how many bytes that will
    /// answer. Waits for the disk itself.
    ///
    /// # Errors
    /// As there.
    pub fn prepare(&mut self, from: Offset, max_bytes: u64) -> Result<u64, Error> {
        let Some(range) = self.read(from, max_bytes)?.range else { return Ok(0) };
        let Some(place) = &mut self.place else { return Ok(0) };
        let path = || Error::io("reading", &place.extent.path);
        range.load(0, CHECKED_BYTES).map_err(path())?;
        place.header = Some(place.extent.header(range.position())?);
        place.position = range.position();
        place.next = from;
        Ok(range.length())
    }

    /// Whole batches from the one that holds `from` on: see [`Reader::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(&mut self, from: Offset, max_bytes: u64) -> Result<ReadOutcome, Error> {
        loop {
            let shared = self.reader.shared();
            let (segment, start, end) =
                shared.look(|view| (view.holding(from), view.start(), view.end()));
            if from < start || from > end {
                self.place = None;
                return Err(Error::OffsetOutOfRange { requested: from, start, end });
            }
            let mut outcome = ReadOutcome {
                range: None,
                reaches_end: true,
                compression: Compression::None,
                high_watermark: end,
                log_start_offset: start,
            };
            let Some(segment) = segment else { return Ok(outcome) };
            match self.range_in(&segment, from, max_bytes) {
                Err(error) if self.reader.is_removed(from, &error) => {}
                Err(error) => {
                    self.place = None;
                    return Err(error);
                }
                Ok((range, first)) => {
                    outcome.compression = first.compression;
                    let contents = segment.contents();
                    outcome.reaches_end = contents.next == end && range.end() == contents.length;
                    outcome.range = Some(range);
                    return Ok(outcome);
                }
            }
        }
    }

    fn range_in(
        &mut self,
        segment: &Segment,
        from: Offset,
        max_bytes: u64,
    ) -> Result<(FileRange, BatchHeader), Error> {
        let known = self.place.take().filter(|place| place.leads_to(from, segment));
        let (extent, position, header) = match known {
            Some(place) => (place.extent_of(segment)?, place.position, place.header),
            None => (self.reader.shared().open(segment)?, 0, None),
        };
        let (start, first) = match header {
            Some(header) => (position, header),
            None if position > 0 || from == extent.contents.base => {
                (position, extent.header(position)?)
            }
            None => extent.batch_of(from)?,
        };
        let first_end = start.saturating_add(batch_len(&first));
        let limit = start.saturating_add(max_bytes);
        let place = place_behind(extent, &first, first_end, limit)?;
        let range = FileRange::new(
            Arc::clone(&place.extent.file),
            start,
            place.position.saturating_sub(start),
        );
        self.place = Some(place);
        Ok((range, first))
    }
}

impl Place {
    /// Whether a read from `from` begins here, in a segment that is still the one it was.
    fn leads_to(&self, from: Offset, segment: &Segment) -> bool {
        let contents = segment.contents();
        self.next == from
            && self.extent.contents.base == contents.base
            && self.position < contents.length
    }

    /// Its extent, up to where the segment is visible now.
    fn extent_of(&self, segment: &Segment) -> Result<Arc<Extent>, Error> {
        if self.extent.contents.length == segment.contents().length {
            Ok(Arc::clone(&self.extent))
        } else {
            segment.open().map(Arc::new)
        }
    }
}

/// The place behind the last batch that ends within `limit`, or behind the first one, which ends at
/// `first_end`.
fn place_behind(
    extent: Arc<Extent>,
    first: &BatchHeader,
    first_end: u64,
    limit: u64,
) -> Result<Place, Error> {
    let length = extent.contents.length;
    if limit >= length {
        let next = extent.contents.next;
        return Ok(Place { extent, position: length, next, header: None });
    }
    let few = limit.saturating_sub(first_end) / batch_len(first).max(1) <= WALKED_MAX;
    let mut position = if few { first_end } else { extent.last_end(first_end, limit)? };
    loop {
        if position >= length {
            let next = extent.contents.next;
            return Ok(Place { extent, position: length, next, header: None });
        }
        let header = extent.header(position)?;
        let end = position.saturating_add(batch_len(&header));
        if end > limit {
            let next = header.base_offset;
            return Ok(Place { extent, position, next, header: Some(header) });
        }
        position = end;
    }
}
