//! Finding a record by its time.

use kafka::batch::{self, BatchHeader};

use crate::durable;
use crate::segment::{Extent, batch_len};
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
    /// The first record whose timestamp is `timestamp_ms` or later; `None` if there is none. Time
    /// may go backwards in the log: records behind the answer may be older.
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
        if header.max_timestamp >= timestamp_ms {
            let found = first_in_batch(extent, position, &header, timestamp_ms)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        position = position.saturating_add(batch_len(&header));
    }
    Ok(None)
}

/// The one place that looks at records: a client seeks to a record, not to a batch.
fn first_in_batch(
    extent: &Extent,
    position: u64,
    header: &BatchHeader,
    timestamp_ms: i64,
) -> Result<Option<TimedOffset>, Error> {
    let corrupt = |error: kafka::Error| Error::corrupt(&extent.path, position, error.to_string());
    let mut bytes = vec![0; header.batch_len];
    durable::read_exact_at(&*extent.file, &mut bytes, position)
        .map_err(Error::io("reading", &extent.path))?;
    let mut buffer = Vec::new();
    for record in batch::records(&bytes, DECOMPRESSED_MAX, &mut buffer).map_err(corrupt)? {
        let record = record.map_err(corrupt)?;
        if record.timestamp_ms >= timestamp_ms {
            let found = TimedOffset { offset: record.offset, timestamp_ms: record.timestamp_ms };
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Bytes that the records of one batch may take. We write batches of a few megabytes at the most,
/// unless a single row is larger.
const DECOMPRESSED_MAX: usize = 512 << 20;
