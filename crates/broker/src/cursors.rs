//! Where a connection stands in the logs that it reads.
//!
//! A consumer reads on where it read last, so a place is worth keeping: see [`log::Cursor`]. A place keeps
//! files open, also those that retention removes, so one that is not used goes after a while, and none is
//! kept while its connection is idle.

use std::collections::VecDeque;
use std::time::Duration;

use log::{Cursor, Reader};
use tokio::time::Instant;

/// The places of one connection.
#[derive(Debug)]
pub(crate) struct Cursors {
    /// Each with the request that used it last; the one used last stands last.
    held: VecDeque<(Cursor, Instant)>,
    /// When the present request came.
    now: Instant,
}

/// Places kept. Who reads more partitions at once searches for all of them each time. Places at one segment
/// share its files, so the files that many connections hold are bounded by the segments there are.
const HELD_MAX: usize = 256;
/// A place that was not used for so long goes: its partition is paused, or its topic was deleted. Longer
/// than a Fetch may wait.
const UNUSED_MAX: Duration = Duration::from_secs(180);

impl Default for Cursors {
    fn default() -> Self {
        Self { held: VecDeque::new(), now: Instant::now() }
    }
}

impl Cursors {
    /// A request has come.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.now = now;
        let is_unused = |(_, used): &(Cursor, Instant)| now.duration_since(*used) >= UNUSED_MAX;
        while self.held.front().is_some_and(is_unused) {
            self.held.pop_front();
        }
    }

    /// Takes out the place in a log, or makes one.
    pub(crate) fn take(&mut self, reader: &Reader) -> Cursor {
        // From the front: who reads several logs does so in turn.
        let place = self.held.iter().position(|(cursor, _)| cursor.reader().is_same(reader));
        match place.and_then(|at| self.held.remove(at)) {
            Some((cursor, _)) => cursor,
            None => Cursor::new(reader.clone()),
        }
    }

    /// Keeps a place for the next request.
    pub(crate) fn keep(&mut self, cursor: Cursor) {
        if self.held.len() >= HELD_MAX {
            self.held.pop_front();
        }
        self.held.push_back((cursor, self.now));
    }

    /// Lets all files go.
    pub(crate) fn release(&mut self) {
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use log::{Config, Incarnation, Partition};

    use super::*;

    fn readers(folder: &std::path::Path) -> [Reader; 2] {
        ["paused", "live"].map(|name| {
            let config = Config::new(Incarnation::from_bytes([1; 16]));
            Partition::open(&folder.join(name), &config).unwrap().reader
        })
    }

    #[test]
    fn a_place_that_is_used_no_more_goes_while_others_are_used() {
        let folder = tempfile::tempdir().unwrap();
        let [paused, live] = readers(folder.path());
        let (mut cursors, start) = (Cursors::default(), Instant::now());
        for (seconds, reader) in [(0, &paused), (0, &live), (170, &live), (190, &live)] {
            cursors.begin(start + Duration::from_secs(seconds));
            let cursor = cursors.take(reader);
            cursors.keep(cursor);
        }
        let held: Vec<_> = cursors.held.iter().map(|(cursor, _)| cursor.reader()).collect();
        assert!(matches!(held.as_slice(), [only] if only.is_same(&live)), "{}", held.len());
    }

    #[test]
    fn no_more_places_are_kept_than_the_bound() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = readers(folder.path());
        let mut cursors = Cursors::default();
        cursors.keep(Cursor::new(one.clone()));
        for _ in 0..HELD_MAX {
            cursors.keep(Cursor::new(other.clone()));
        }
        assert_eq!(cursors.held.len(), HELD_MAX);
        assert!(!cursors.held.iter().any(|(cursor, _)| cursor.reader().is_same(&one)));
    }
}
