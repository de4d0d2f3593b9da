//! One holder's side of a lane.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::lane::{LaneState, ShareId, Ticket, Turn};
use crate::{Budget, Lane, Permit};

/// What one task or connection may hold of a lane. Clones are the same share.
#[derive(Debug, Clone)]
pub struct Share(Arc<Held>);

/// Waits for memory; a future. Dropped before its turn, it has taken nothing.
#[derive(Debug)]
#[must_use = "nothing is asked for until this is awaited"]
pub struct Acquire<'s> {
    share: &'s Share,
    bytes: usize,
    /// Since it had to line up.
    ticket: Option<Ticket>,
}

/// The share was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// Its reserve goes back with the last clone and the last permit.
#[derive(Debug)]
struct Held {
    budget: Budget,
    lane: Lane,
    id: ShareId,
}

impl Share {
    pub(crate) fn new(budget: Budget, lane: Lane, reserve: usize) -> Self {
        let id = budget.lane(lane).open(reserve);
        Self(Arc::new(Held { budget, lane, id }))
    }

    /// A share of a budget that nobody exhausts.
    #[must_use]
    pub fn unbounded() -> Self {
        Budget::unbounded().share(Lane::Writing, 0)
    }

    /// Waits until `bytes` more may be held.
    pub fn acquire(&self, bytes: usize) -> Acquire<'_> {
        Acquire { share: self, bytes, ticket: None }
    }

    /// The same for a thread, which sleeps meanwhile. [`Share::close`] wakes it.
    ///
    /// # Errors
    /// The share is or becomes closed.
    pub fn acquire_blocking(&self, bytes: usize) -> Result<Permit, Closed> {
        let waker = Waker::from(Arc::new(Sleeper(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        let mut turn = pin!(self.acquire(bytes));
        loop {
            match turn.as_mut().poll(&mut context) {
                Poll::Ready(permit) => return permit,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    /// The permit, if it can be had at once.
    #[must_use]
    pub fn try_acquire(&self, bytes: usize) -> Option<Permit> {
        match self.lane().try_take(self.id(), bytes) {
            Turn::Granted(taken) => Some(Permit::new(self.clone(), taken)),
            Turn::Waiting | Turn::Closed => None,
        }
    }

    /// Whether anybody waits for memory of this lane, so that what is kept without need should go.
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        self.lane().waiting() > 0
    }

    /// Refuses further requests, and those that wait. Permits stay what they are.
    pub fn close(&self) {
        self.change(|lane| lane.close(self.id()));
    }

    /// Takes requests again after [`Share::close`].
    pub fn reopen(&self) {
        self.lane().reopen(self.id());
    }

    pub(crate) fn id(&self) -> ShareId {
        self.0.id
    }

    /// Changes the lane, then wakes whoever has their turn.
    pub(crate) fn change(&self, change: impl FnOnce(&mut LaneState) -> Vec<Waker>) {
        self.0.change(change);
    }

    fn lane(&self) -> std::sync::MutexGuard<'_, LaneState> {
        self.0.budget.lane(self.0.lane)
    }
}

impl Held {
    fn change(&self, change: impl FnOnce(&mut LaneState) -> Vec<Waker>) {
        let woken = change(&mut self.budget.lane(self.lane));
        for waker in woken {
            waker.wake();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.change(|lane| lane.forget(self.id));
    }
}

impl Future for Acquire<'_> {
    type Output = Result<Permit, Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (share, bytes) = (self.share, self.bytes);
        let mut lane = share.lane();
        let turn = match self.ticket {
            Some(ticket) => lane.ask(ticket, context.waker()),
            None => lane.try_take(share.id(), bytes),
        };
        match (turn, self.ticket) {
            (Turn::Waiting, None) => {
                self.ticket = Some(lane.wait(share.id(), bytes, context.waker().clone()));
                Poll::Pending
            }
            (Turn::Waiting, Some(_)) => Poll::Pending,
            (Turn::Granted(taken), _) => {
                self.ticket = None;
                Poll::Ready(Ok(Permit::new(share.clone(), taken)))
            }
            (Turn::Closed, _) => {
                self.ticket = None;
                Poll::Ready(Err(Closed))
            }
        }
    }
}

impl Drop for Acquire<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let share = self.share;
            share.change(|lane| lane.withdraw(share.id(), ticket));
        }
    }
}

/// Wakes a thread.
struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
