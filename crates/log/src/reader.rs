//! Readers: what is durable, served as ranges of files.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use kafka::batch::Compression;
use tokio::sync::watch;

use crate::closed::Closed;
use crate::cursor::Cursor;
use crate::meta::{Incarnation, Meta};
use crate::segment::{Active, Contents, Extent, Segment};
use crate::{Error, FileRange, LeaderEpoch, Offset, TimedOffset};

/// Serves the durable part of a partition. Cheap to clone, usable from any thread; it goes on
/// serving what there is when its writer is gone.
#[derive(Debug, Clone)]
pub struct Reader {
    shared: Arc<Shared>,
    visible: watch::Receiver<Offset>,
}

/// What [`Reader::read`] found, and the log's bounds at that moment.
#[derive(Debug, Clone)]
pub struct ReadOutcome {
    /// Whole batches, the first of which holds the asked offset; `None` at the end of the log.
    pub range: Option<FileRange>,
    /// Whether nothing visible is behind the range: there was neither a limit nor the end of a file.
    pub reaches_end: bool,
    /// How the first batch of the range is compressed.
    pub compression: Compression,
    /// The offset behind the last durable record.
    pub high_watermark: Offset,
    /// The first offset in the log.
    pub log_start_offset: Offset,
}

/// The time that a log covers, in milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataRange {
    /// Timestamp of the first record.
    pub first_ms: i64,
    /// Highest timestamp of all records; it need not be the last one's.
    pub last_ms: i64,
}

/// What writer and readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) meta: Meta,
    /// Locked for a look or a change in memory only, never across I/O.
    view: RwLock<View>,
    /// The closed segments that someone has open now, so that many who read the same one open it once.
    opened: Mutex<Vec<Weak<Extent>>>,
}

/// The visible log. It ends where the last sync ended.
#[derive(Debug)]
pub(crate) struct View {
    /// Without gaps, oldest first.
    pub(crate) closed: Vec<Arc<Closed>>,
    pub(crate) active: Arc<Active>,
    /// The durable part of the active segment.
    pub(crate) active_contents: Contents,
}

impl Reader {
    pub(crate) const fn new(shared: Arc<Shared>, visible: watch::Receiver<Offset>) -> Self {
        Self { shared, visible }
    }

    /// Whole batches from the one that holds `from` on, up to `max_bytes`, but at least one however
    /// long it is (a consumer must get past it). They may begin before `from`; clients skip that
    /// part.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] before the log's start or behind its end; [`Error::Io`],
    /// [`Error::Corrupt`].
    pub fn read(&self, from: Offset, max_bytes: u64) -> Result<ReadOutcome, Error> {
        Cursor::new(self.clone()).read(from, max_bytes)
    }

    /// The offset behind the last durable record.
    #[must_use]
    pub fn high_watermark(&self) -> Offset {
        self.shared.look(View::end)
    }

    /// The first offset in the log.
    #[must_use]
    pub fn log_start_offset(&self) -> Offset {
        self.shared.look(View::start)
    }

    /// Waits until the high watermark is beyond `offset`, and answers it. If the writer is gone
    /// that never happens: bound the wait.
    pub async fn wait_beyond(&self, offset: Offset) -> Offset {
        let mut visible = self.visible.clone();
        let reached = visible.wait_for(|end| *end > offset).await.ok().map(|end| *end);
        match reached {
            Some(end) => end,
            None => std::future::pending().await,
        }
    }

    /// First and highest timestamp in the log; `None` while it is empty.
    #[must_use]
    pub fn data_range(&self) -> Option<DataRange> {
        self.shared.look(|view| {
            let mut full = view.contents().filter(|contents| !contents.is_empty());
            let first = full.next()?;
            let last_ms =
                full.fold(first.max_timestamp_ms, |ms, next| ms.max(next.max_timestamp_ms));
            Some(DataRange { first_ms: first.first_timestamp_ms, last_ms })
        })
    }

    /// Where each segment begins, oldest first, with the highest timestamp of its records; the segment
    /// that is written is left out while it is empty.
    #[must_use]
    pub fn segments(&self) -> Vec<TimedOffset> {
        let begin = |contents: &Contents| TimedOffset {
            offset: contents.base,
            timestamp_ms: contents.max_timestamp_ms,
        };
        let full = |contents: &&Contents| !contents.is_empty();
        self.shared.look(|view| view.contents().filter(full).map(begin).collect())
    }

    /// Bytes of all visible batches.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.shared.look(View::size)
    }

    /// The identity of the log: Kafka's `cluster_id`.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.shared.meta.incarnation
    }

    /// The epoch of the writer this reader belongs to.
    #[must_use]
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.shared.meta.leader_epoch
    }

    /// Whether both read the same opening of a partition.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Whether an error only means that retention removed the segment with `offset` meanwhile.
    pub(crate) fn is_removed(&self, offset: Offset, error: &Error) -> bool {
        error.is_missing_file() && self.log_start_offset() > offset
    }
}

impl Shared {
    pub(crate) const fn new(meta: Meta, view: View) -> Self {
        Self { meta, view: RwLock::new(view), opened: Mutex::new(Vec::new()) }
    }

    /// Opens a segment, or shares what others have open.
    pub(crate) fn open(&self, segment: &Segment) -> Result<Arc<Extent>, Error> {
        let Segment::Closed(closed) = segment else { return segment.open().map(Arc::new) };
        let held = |opened: &[Weak<Extent>]| {
            let mut extents = opened.iter().filter_map(Weak::upgrade);
            extents.find(|extent| extent.contents == closed.contents)
        };
        if let Some(extent) = held(&self.opened()) {
            return Ok(extent);
        }
        let extent = Arc::new(closed.open()?);
        let mut opened = self.opened();
        if let Some(earlier) = held(&opened) {
            return Ok(earlier);
        }
        opened.retain(|extent| extent.strong_count() > 0);
        opened.push(Arc::downgrade(&extent));
        Ok(extent)
    }

    fn opened(&self) -> MutexGuard<'_, Vec<Weak<Extent>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        change(&mut self.view.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl View {
    pub(crate) fn start(&self) -> Offset {
        self.closed.first().map_or(self.active.base, |first| first.contents.base)
    }

    pub(crate) fn end(&self) -> Offset {
        self.active_contents.next
    }

    pub(crate) fn size(&self) -> u64 {
        self.contents().fold(0, |sum, contents| sum.saturating_add(contents.length))
    }

    /// What each segment holds, oldest first.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &Contents> {
        self.closed.iter().map(|closed| &closed.contents).chain([&self.active_contents])
    }

    /// The segment with this offset.
    pub(crate) fn holding(&self, offset: Offset) -> Option<Segment> {
        if offset >= self.active_contents.base {
            return (offset < self.end()).then(|| self.active());
        }
        let behind = self.closed.partition_point(|closed| closed.contents.next <= offset);
        self.closed.get(behind).map(|closed| Segment::Closed(Arc::clone(closed)))
    }

    /// The first segment from `base` on that has a timestamp of at least this.
    pub(crate) fn reaching(&self, base: Offset, timestamp_ms: i64) -> Option<Segment> {
        let reaches = |contents: &Contents| {
            contents.base >= base
                && !contents.is_empty()
                && contents.max_timestamp_ms >= timestamp_ms
        };
        match self.closed.iter().find(|closed| reaches(&closed.contents)) {
            Some(closed) => Some(Segment::Closed(Arc::clone(closed))),
            None => reaches(&self.active_contents).then(|| self.active()),
        }
    }

    pub(crate) fn active(&self) -> Segment {
        Segment::Active(Arc::clone(&self.active), self.active_contents)
    }
}
