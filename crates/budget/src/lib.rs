//! One bound on the memory that tasks and connections hold together.
//!
//! A [`Budget`] is a number of bytes in three [`Lane`]s. Who wants to hold memory has a [`Share`] of one
//! lane and asks it for a [`Permit`]; what does not fit waits, first come, first served, and is never
//! refused. Threads wait with [`Share::acquire_blocking`], futures with [`Share::acquire`]. The budget
//! counts; it allocates nothing and measures nothing.
//!
//! It cannot deadlock, for three reasons:
//!
//! 1. Lanes have an order. Who holds memory of one lane may wait for a later one, never for an earlier
//!    one or its own. What holds memory of [`Lane::Writing`] waits for the disk alone, and what holds
//!    memory of [`Lane::Serving`] for its client, or for a limited time, so each lane moves on.
//! 2. A share's reserve is kept free for it: whatever others hold, it goes on with small items.
//! 3. An item that is larger than a lane is let through when it is the only one there. So the bound is
//!    the budget, or that one item.

mod lane;
mod permit;
mod share;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use permit::Permit;
pub use share::{Acquire, Closed, Share};

use lane::LaneState;

/// All memory that can be had. Clones are the same budget.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Inner>);

/// What memory is for. A lane's bytes are for it alone, so that no client can hold up a capture, nor a
/// full disk a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What was read from a source's log and is not translated yet.
    Reading,
    /// Records that are not on the disk yet.
    Writing,
    /// Requests and answers of clients.
    Serving,
}

#[derive(Debug)]
struct Inner {
    bytes: usize,
    reading: Mutex<LaneState>,
    writing: Mutex<LaneState>,
    serving: Mutex<LaneState>,
}

impl Budget {
    /// A budget of `bytes`: three eighths for each of the two lanes of captures, a quarter for clients,
    /// whose records go from file to socket without being held.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let serving = bytes / 4;
        let reading = (bytes - serving) / 2;
        let writing = bytes - serving - reading;
        Self(Arc::new(Inner {
            bytes,
            reading: Mutex::new(LaneState::new(reading)),
            writing: Mutex::new(LaneState::new(writing)),
            serving: Mutex::new(LaneState::new(serving)),
        }))
    }

    /// A budget that nobody exhausts, for tests and tools.
    #[must_use]
    pub fn unbounded() -> Self {
        Self::new(usize::MAX)
    }

    /// A new share of a lane, for one task or one connection, with a reserve of `reserve` bytes.
    #[must_use]
    pub fn share(&self, lane: Lane, reserve: usize) -> Share {
        Share::new(self.clone(), lane, reserve)
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// Bytes that are held now, in all lanes.
    #[must_use]
    pub fn used(&self) -> usize {
        Lane::ALL.into_iter().fold(0, |sum, lane| sum.saturating_add(self.lane(lane).used()))
    }

    /// Bytes that are held now in one lane.
    #[must_use]
    pub fn used_in(&self, lane: Lane) -> usize {
        self.lane(lane).used()
    }

    /// How many wait for memory now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        Lane::ALL.into_iter().map(|lane| self.lane(lane).waiting()).sum()
    }

    /// Bytes that all shares have in reserve. More than the budget means that there are too many shares
    /// for it: each goes on with its reserve, and all together may hold more than the budget.
    #[must_use]
    pub fn reserved(&self) -> usize {
        Lane::ALL.into_iter().fold(0, |sum, lane| sum.saturating_add(self.lane(lane).reserved()))
    }

    fn lane(&self, lane: Lane) -> MutexGuard<'_, LaneState> {
        let state = match lane {
            Lane::Reading => &self.0.reading,
            Lane::Writing => &self.0.writing,
            Lane::Serving => &self.0.serving,
        };
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    /// All, in their order.
    pub const ALL: [Self; 3] = [Self::Reading, Self::Writing, Self::Serving];
}
