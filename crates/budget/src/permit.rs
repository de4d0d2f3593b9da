//! Memory that may be held.

use crate::lane::Taken;
use crate::share::Share;

/// The right to hold some bytes, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    share: Share,
    taken: Taken,
}

impl Permit {
    pub(crate) fn new(share: Share, taken: Taken) -> Self {
        Self { share, taken }
    }

    /// How many bytes it is for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.taken.bytes
    }

    /// Gives back what is over `bytes`, because less is held than was asked for.
    pub fn shrink_to(&mut self, bytes: usize) {
        let id = self.share.id();
        let Self { share, taken } = self;
        share.change(|lane| lane.shrink(id, taken, bytes));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (id, taken) = (self.share.id(), self.taken);
        self.share.change(|lane| lane.give_back(id, taken));
    }
}
