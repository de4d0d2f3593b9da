//! Where a connection stands in the logs that it reads.
//!
//! A consumer reads on where it read last, so a place is worth keeping: see [`log::Cursor`]. A place keeps
//! files open, also those that retention removes, so a connection keeps few, and none while it is idle.

use log::{Cursor, Reader};

/// The places of one connection.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    /// The one used last stands last.
    held: Vec<Cursor>,
}

/// Places kept. Who reads more partitions at once searches for the others' each time.
const HELD_MAX: usize = 32;

impl Cursors {
    /// Takes out the place in a log, or makes one.
    pub(crate) fn take(&mut self, reader: &Reader) -> Cursor {
        match self.held.iter().rposition(|cursor| cursor.reader().is_same(reader)) {
            Some(at) => self.held.remove(at),
            None => Cursor::new(reader.clone()),
        }
    }

    /// Keeps a place for the next request.
    pub(crate) fn keep(&mut self, cursor: Cursor) {
        if self.held.len() >= HELD_MAX {
            self.held.remove(0);
        }
        self.held.push(cursor);
    }

    /// Lets all files go.
    pub(crate) fn release(&mut self) {
        self.held.clear();
    }
}
