//! The one writer of a partition.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use kafka::batch::{self, BatchHeader};
use tokio::sync::watch;

use crate::closed::Closed;
use crate::durable::{self, Disk, Lock};
use crate::group;
use crate::reader::Shared;
use crate::segment::{self, Active, Contents, Headers};
use crate::{Config, Error, LeaderEpoch, Offset};

/// Appends to a partition. There is one at a time; dropping it lets the folder go.
///
/// What was appended is durable and visible only after [`Writer::sync`].
#[derive(Debug)]
pub struct Writer {
    disk: Arc<dyn Disk>,
    folder: Arc<Path>,
    config: Config,
    /// Its visible contents are what this writer has synced.
    shared: Arc<Shared>,
    /// Tells the waiting readers; always the end of the shared view.
    visible: watch::Sender<Offset>,
    /// The file that is appended to; always the shared view's.
    active: Arc<Active>,
    /// What was written to `active`. The visible contents are a prefix of it.
    written: Contents,
    /// Set for ever once it is unknown what the file holds.
    poisoned: bool,
    /// Closed segments that readers no longer see, oldest first, whose files still have to go.
    pub(crate) leaving: VecDeque<Arc<Closed>>,
    _lock: Box<dyn Lock>,
}

impl Writer {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        folder: Arc<Path>,
        config: Config,
        lock: Box<dyn Lock>,
        shared: Arc<Shared>,
        visible: watch::Sender<Offset>,
    ) -> Self {
        let (active, written) =
            shared.look(|view| (Arc::clone(&view.active), view.active_contents));
        Self {
            disk,
            folder,
            config,
            shared,
            visible,
            active,
            written,
            poisoned: false,
            leaving: VecDeque::new(),
            _lock: lock,
        }
    }

    /// Appends one or more sealed batches with one write, puts the leader epoch and the mark of a
    /// group (`group`) into them, and answers the next offset. The first batch must start at
    /// [`Writer::next_offset`], each other one behind the one before. Their checksums are the
    /// caller's promise.
    ///
    /// Where the segment would become too long this first syncs and starts a new one.
    ///
    /// # Errors
    /// [`Error::InvalidBatch`], [`Error::OutOfOrder`] and [`Error::Full`]: nothing was appended,
    /// and another append may succeed. [`Error::Poisoned`], [`Error::Io`].
    pub fn append(&mut self, batches: &mut [u8]) -> Result<Offset, Error> {
        self.usable()?;
        let next = self.check(batches)?;
        if batches.is_empty() {
            return Ok(next);
        }
        if self.would_be_too_long(batches.len(), next) {
            self.roll()?;
        }
        let begins_group = self.written == self.shared.look(|view| view.active_contents);
        stamp(batches, self.leader_epoch(), begins_group);
        self.write(batches)?;
        self.active.extend(&mut self.written, batches, self.config.index_interval_bytes);
        Ok(self.written.next)
    }

    /// Makes everything appended durable, then visible to readers. Answers the high watermark.
    ///
    /// # Errors
    /// [`Error::Io`]: nothing since the last sync counts any more, and this writer is poisoned,
    /// because a system that failed to sync may report the next sync of the same bytes as done.
    pub fn sync(&mut self) -> Result<Offset, Error> {
        self.usable()?;
        let durable = self.shared.look(|view| view.active_contents);
        if durable == self.written {
            return Ok(durable.next);
        }
        if let Err(source) = self.active.file.sync_data() {
            self.poison(durable.length);
            let path = self.active.path.clone();
            return Err(Error::Io { operation: "syncing", path, source });
        }
        self.shared.change(|view| view.active_contents = self.written);
        self.visible.send_replace(self.written.next);
        Ok(self.written.next)
    }

    /// The base offset that the next batch must have.
    #[must_use]
    pub const fn next_offset(&self) -> Offset {
        self.written.next
    }

    /// Bytes appended since the last sync.
    #[must_use]
    pub fn unsynced_bytes(&self) -> u64 {
        let durable = self.shared.look(|view| view.active_contents.length);
        self.written.length.saturating_sub(durable)
    }

    /// The epoch this writer puts into its batches.
    #[must_use]
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.shared.meta.leader_epoch
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Checks that the bytes are batches that go on where the log ends; answers the offset behind.
    fn check(&self, batches: &[u8]) -> Result<Offset, Error> {
        let mut next = self.written.next;
        for header in Headers::new(batches) {
            let header =
                header.map_err(|(position, reason)| Error::InvalidBatch { position, reason })?;
            if header.base_offset != next {
                return Err(Error::OutOfOrder { expected: next, found: header.base_offset });
            }
            next = header.next_offset();
        }
        Ok(next)
    }

    /// Whether these bytes belong into a new segment. An index counts a segment's records in 32
    /// bits.
    fn would_be_too_long(&self, bytes: usize, next: Offset) -> bool {
        let length = self.written.length.saturating_add(bytes as u64);
        let records = next.0.saturating_sub(self.written.base.0);
        !self.written.is_empty()
            && (length > u64::from(self.config.segment_bytes) || records > i64::from(u32::MAX))
    }

    /// Writes behind the present end. What a write left that found no space is cut off durably, so
    /// that nothing of it can ever stand between batches of a later one.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let end = self.written.length;
        let Err(source) = durable::write_all_at(&*self.active.file, bytes, end) else {
            return Ok(());
        };
        let error = Error::io("writing", &self.active.path)(source);
        let is_full = matches!(error, Error::Full { .. });
        let file = &self.active.file;
        if !is_full || file.set_length(end).and_then(|()| file.sync_data()).is_err() {
            self.poison(self.shared.look(|view| view.active_contents.length));
        }
        Err(error)
    }

    /// Closes the active segment and starts the next. A full disk leaves everything as it is, to be
    /// tried again; after any other failure nothing is known about the folder.
    fn roll(&mut self) -> Result<(), Error> {
        self.sync()?;
        let rolled = self.begin_segment();
        self.poisoned |= !matches!(rolled, Ok(()) | Err(Error::Full { .. }));
        rolled
    }

    fn begin_segment(&mut self) -> Result<(), Error> {
        let closed = Closed::new(Arc::clone(&self.disk), Arc::clone(&self.folder), self.written);
        self.active.with_entries(|entries| closed.write_indexes(entries))?;
        let base = self.written.next;
        let path = segment::path(&self.folder, base, "log");
        let file = self.disk.create(&path).map_err(Error::io("creating", &path))?;
        if let Err(source) = self.disk.sync_folder(&self.folder) {
            // Best effort, like all that follows a failed sync: who opens the log again makes a
            // new name instead of trusting this one.
            let _ = self.disk.remove(&path);
            return Err(Error::Io {
                operation: "syncing",
                path: self.folder.to_path_buf(),
                source,
            });
        }
        self.active = Arc::new(Active::new(base, path, file, Vec::new()));
        self.written = Contents::empty(base);
        self.shared.change(|view| {
            view.closed.push(Arc::new(closed));
            view.active = Arc::clone(&self.active);
            view.active_contents = self.written;
        });
        Ok(())
    }

    /// Takes nothing more. What is not known to be durable is cut off, so that whoever opens the
    /// log again does not take it from the system's memory for what is on the disk. That this may
    /// fail too changes nothing: the bytes are then checked like any torn end.
    fn poison(&mut self, durable_length: u64) {
        self.poisoned = true;
        let _ = self.active.file.set_length(durable_length);
        self.active.file.forget_cached(durable_length);
    }

    fn usable(&self) -> Result<(), Error> {
        if self.poisoned {
            return Err(Error::Poisoned { path: self.folder.to_path_buf() });
        }
        Ok(())
    }
}

/// Puts the epoch into each of the batches, whose headers were checked, and the mark of a group into
/// the first one, if it begins one.
fn stamp(mut batches: &mut [u8], epoch: LeaderEpoch, mut begins_group: bool) {
    while let Ok(header) = BatchHeader::parse(batches) {
        let Some((first, rest)) = batches.split_at_mut_checked(header.batch_len) else { return };
        // It has a header, so there is a place for the epoch.
        let _ = batch::set_leader_epoch(first, epoch);
        group::set_mark(first, begins_group);
        begins_group = false;
        batches = rest;
    }
}
