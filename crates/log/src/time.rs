//! Finding a record by its time.

use crate::header::BatchHeader;
use crate::segment::Extent;
use crate::{Error, Offset, Reader};

/// A record's offset with its timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOffset {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp, in milliseconds since 1970-01-01 UTC.
    pub timestamp_ms: i64,
}

impl Reader {
    /// The first record whose timestamp is `timestamp_ms` or later; `None` if there is none. Time may
    /// go backwards in the log: records behind the answer may be older.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub fn offset_for_time(&self, timestamp_ms: i64) -> Result<Option<TimedOffset>, Error> {
        let mut base = Offset(0);
        while let Some(segment) = self.shared().look(|view| view.reaching(base, timestamp_ms)) {
            let contents = *segment.contents();
            match segment.open().and_then(|extent| first_in(&extent, timestamp_ms)) {
                Ok(Some(found)) => return Ok(Some(found)),
                Err(error) if !self.is_removed(contents.base, &error) => return Err(error),
                // Removed meanwhile, or its batches promise a time that none of their records has.
                Ok(None) | Err(_) => base = contents.next,
            }
        }
        Ok(None)
    }
}

fn first_in(extent: &Extent, timestamp_ms: i64) -> Result<Option<TimedOffset>, Error> {
    let hint = extent.index.by_time(timestamp_ms, extent.contents.length).unwrap_or_default();
    let mut position =
        hint.filter(|entry| extent.starts_at(entry)).map_or(0, |entry| entry.start());
    while position < extent.contents.length {
        let header = extent.header(position)?;
        if header.max_timestamp_ms >= timestamp_ms {
            return Ok(Some(first_in_batch(&header)));
        }
        position = position.saturating_add(header.length);
    }
    Ok(None)
}

fn first_in_batch(header: &BatchHeader) -> TimedOffset {
    TimedOffset { offset: header.base_offset, timestamp_ms: header.base_timestamp_ms }
}
