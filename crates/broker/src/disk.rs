//! Waiting for the disk, apart from the threads that serve.
//!
//! Most of what consumers read was written a moment ago and is in the system's memory. What is not would
//! keep a thread of the runtime waiting, and with it every connection that it serves. So cold bytes are
//! read by threads made for waiting, a few at a time; what exceeds them waits for its turn.

use std::io;

use kafka::Offset;
use log::{Cursor, FileRange};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The disk, as connections wait for it.
#[derive(Debug)]
pub(crate) struct Disk {
    places: Semaphore,
}

/// Cold reads at a time, of all connections. More would not make a disk faster.
const READS_MAX: usize = 16;

impl Default for Disk {
    fn default() -> Self {
        Self { places: Semaphore::new(READS_MAX) }
    }
}

impl Disk {
    /// Sees to it that a read with this cursor waits for no disk, and answers the cursor with the bytes
    /// that the read will answer. What fails here fails again in that read, and is told there.
    pub(crate) async fn prepare(
        &self,
        mut cursor: Cursor,
        from: Offset,
        max_bytes: u64,
    ) -> (Cursor, u64) {
        let reader = cursor.reader().clone();
        let _place = self.places.acquire().await;
        let prepared = spawn_blocking(move || {
            let bytes = cursor.prepare(from, max_bytes).unwrap_or_default();
            (cursor, bytes)
        });
        prepared.await.unwrap_or_else(|_| (Cursor::new(reader), 0))
    }

    /// Has something done that may wait for the disk; `None` if it panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _place = self.places.acquire().await;
        spawn_blocking(work).await.ok()
    }

    /// Brings a part of a range into memory, unless it is there.
    pub(crate) async fn bring(&self, range: &FileRange, skip: u64, bytes: u64) -> io::Result<()> {
        if range.is_cached(skip, bytes) {
            return Ok(());
        }
        let _place = self.places.acquire().await;
        let range = range.clone();
        spawn_blocking(move || range.load(skip, bytes)).await.map_err(io::Error::other)?
    }
}
