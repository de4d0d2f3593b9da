//! Retention: whole closed segments go when they are too old or too much.

use std::time::Duration;

use crate::{Error, Offset, Writer};

/// How much of a log is kept. Nothing set keeps everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Records younger than this are kept, unless `max_bytes` says otherwise.
    pub age: Option<Duration>,
    /// The oldest segments go while the log is longer than this.
    pub max_bytes: Option<u64>,
}

/// What retention removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// Segments removed.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Writer {
    /// Removes the oldest closed segments that are older than `retention.age` at `now_ms` (by their
    /// highest timestamp) or make the log longer than `retention.max_bytes`. The last durable batch
    /// always stays: it says how far the source was read. Readers see the new start before any file
    /// goes, and whoever is sending one goes on.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be removed; a later call goes on with it.
    pub fn retain(&mut self, now_ms: i64, retention: &Retention) -> Result<Retained, Error> {
        let age_ms = retention.age.map(|age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        let removed = self.shared().change(|view| {
            let mut size = view.size();
            let last = Offset(view.end().0.saturating_sub(1));
            let leaving = view.closed.iter().take_while(|closed| {
                let contents = &closed.contents;
                let old = age_ms
                    .is_some_and(|age| contents.max_timestamp_ms < now_ms.saturating_sub(age));
                let too_much = retention.max_bytes.is_some_and(|max| size > max);
                size = size.saturating_sub(contents.length);
                (old || too_much) && contents.next <= last
            });
            let count = leaving.count();
            view.closed.drain(..count).collect::<Vec<_>>()
        });
        self.leaving.extend(removed);
        let mut retained = Retained::default();
        // In order and each durably, so that no crash leaves a hole in the log.
        while let Some(closed) = self.leaving.front() {
            closed.remove()?;
            retained.segments += 1;
            retained.bytes = retained.bytes.saturating_add(closed.contents.length);
            self.leaving.pop_front();
        }
        Ok(retained)
    }
}
