//! The account of one lane: who holds what, and who waits. Pure: it returns whom to wake.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

/// Names a share within its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ShareId(u64);

/// Names a request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// What was taken, and from where. It must go back as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) bytes: usize,
    from_reserve: bool,
}

/// What came of a request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Waiting,
    Granted(Taken),
    Closed,
}

#[derive(Debug)]
pub(crate) struct LaneState {
    bytes: usize,
    /// Reserves of all shares.
    reserved: usize,
    /// Held beside the reserves. At most `bytes - reserved`, or one item.
    pooled: usize,
    /// Held from the reserves.
    from_reserves: usize,
    shares: BTreeMap<ShareId, Account>,
    /// First come, first served.
    queue: VecDeque<Waiter>,
    /// Requests that had their turn and do not know it yet.
    granted: BTreeMap<Ticket, Taken>,
    next: u64,
}

#[derive(Debug)]
struct Account {
    reserve: usize,
    /// Held from the reserve.
    held: usize,
    closed: bool,
}

#[derive(Debug)]
struct Waiter {
    ticket: Ticket,
    share: ShareId,
    bytes: usize,
    waker: Waker,
}

impl LaneState {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            bytes,
            reserved: 0,
            pooled: 0,
            from_reserves: 0,
            shares: BTreeMap::new(),
            queue: VecDeque::new(),
            granted: BTreeMap::new(),
            next: 0,
        }
    }

    pub(crate) fn open(&mut self, reserve: usize) -> ShareId {
        let id = ShareId(self.number());
        self.reserved = self.reserved.saturating_add(reserve);
        self.shares.insert(id, Account { reserve, held: 0, closed: false });
        id
    }

    /// Takes a share out of the account; nothing of it is held any more.
    pub(crate) fn forget(&mut self, share: ShareId) -> Vec<Waker> {
        if let Some(account) = self.shares.remove(&share) {
            self.reserved = self.reserved.saturating_sub(account.reserve);
        }
        self.admit()
    }

    /// Refuses all further requests of a share, and those that wait.
    pub(crate) fn close(&mut self, share: ShareId) -> Vec<Waker> {
        if let Some(account) = self.shares.get_mut(&share) {
            account.closed = true;
        }
        let (mut gone, left): (VecDeque<_>, VecDeque<_>) =
            self.queue.drain(..).partition(|waiter| waiter.share == share);
        self.queue = left;
        let mut woken: Vec<_> = gone.drain(..).map(|waiter| waiter.waker).collect();
        woken.extend(self.admit());
        woken
    }

    /// Takes requests of a share again.
    pub(crate) fn reopen(&mut self, share: ShareId) {
        if let Some(account) = self.shares.get_mut(&share) {
            account.closed = false;
        }
    }

    /// Takes the bytes if nothing stands in the way.
    pub(crate) fn try_take(&mut self, share: ShareId, bytes: usize) -> Turn {
        if self.shares.get(&share).is_none_or(|account| account.closed) {
            return Turn::Closed;
        }
        if let Some(taken) = self.take_reserve(share, bytes) {
            return Turn::Granted(taken);
        }
        if self.queue.is_empty() && self.fits(bytes) {
            return Turn::Granted(self.take_pooled(bytes));
        }
        Turn::Waiting
    }

    /// Lines a request up.
    pub(crate) fn wait(&mut self, share: ShareId, bytes: usize, waker: Waker) -> Ticket {
        let ticket = Ticket(self.number());
        self.queue.push_back(Waiter { ticket, share, bytes, waker });
        ticket
    }

    /// How a request stands that was lined up, and whom to wake if it still waits.
    pub(crate) fn ask(&mut self, ticket: Ticket, waker: &Waker) -> Turn {
        if let Some(taken) = self.granted.remove(&ticket) {
            return Turn::Granted(taken);
        }
        match self.queue.iter_mut().find(|waiter| waiter.ticket == ticket) {
            Some(waiter) => {
                waiter.waker.clone_from(waker);
                Turn::Waiting
            }
            None => Turn::Closed,
        }
    }

    /// A request that was lined up is not wanted any more.
    pub(crate) fn withdraw(&mut self, share: ShareId, ticket: Ticket) -> Vec<Waker> {
        match self.granted.remove(&ticket) {
            Some(taken) => self.give_back(share, taken),
            None => {
                self.queue.retain(|waiter| waiter.ticket != ticket);
                self.admit()
            }
        }
    }

    pub(crate) fn give_back(&mut self, share: ShareId, taken: Taken) -> Vec<Waker> {
        if taken.from_reserve {
            self.from_reserves = self.from_reserves.saturating_sub(taken.bytes);
            if let Some(account) = self.shares.get_mut(&share) {
                account.held = account.held.saturating_sub(taken.bytes);
            }
        } else {
            self.pooled = self.pooled.saturating_sub(taken.bytes);
        }
        let mut woken = self.admit_to_reserve(share);
        woken.extend(self.admit());
        woken
    }

    /// Makes what was taken smaller.
    pub(crate) fn shrink(&mut self, share: ShareId, taken: &mut Taken, bytes: usize) -> Vec<Waker> {
        let freed = taken.bytes.saturating_sub(bytes);
        taken.bytes -= freed;
        self.give_back(share, Taken { bytes: freed, from_reserve: taken.from_reserve })
    }

    pub(crate) fn used(&self) -> usize {
        self.pooled.saturating_add(self.from_reserves)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn reserved(&self) -> usize {
        self.reserved
    }

    /// Lets through whoever has their turn.
    fn admit(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(first) = self.queue.front() {
            if !self.fits(first.bytes) {
                break;
            }
            let Some(Waiter { ticket, bytes, waker, .. }) = self.queue.pop_front() else { break };
            let taken = self.take_pooled(bytes);
            self.granted.insert(ticket, taken);
            woken.push(waker);
        }
        woken
    }

    /// Lets through what has become small enough for the share's reserve, wherever it stands in line.
    fn admit_to_reserve(&mut self, share: ShareId) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(place) = self.queue.iter().position(|waiter| waiter.share == share) {
            let Some(bytes) = self.queue.get(place).map(|waiter| waiter.bytes) else { break };
            let Some(taken) = self.take_reserve(share, bytes) else { break };
            let Some(waiter) = self.queue.remove(place) else { break };
            self.granted.insert(waiter.ticket, taken);
            woken.push(waiter.waker);
        }
        woken
    }

    /// Whether so much may be held beside the reserves; whatever it is, if it is alone.
    fn fits(&self, bytes: usize) -> bool {
        let pool = self.bytes.saturating_sub(self.reserved);
        self.pooled == 0 || self.pooled.saturating_add(bytes) <= pool
    }

    fn take_pooled(&mut self, bytes: usize) -> Taken {
        self.pooled = self.pooled.saturating_add(bytes);
        Taken { bytes, from_reserve: false }
    }

    fn take_reserve(&mut self, share: ShareId, bytes: usize) -> Option<Taken> {
        let account = self.shares.get_mut(&share)?;
        if account.held.saturating_add(bytes) > account.reserve {
            return None;
        }
        account.held = account.held.saturating_add(bytes);
        self.from_reserves = self.from_reserves.saturating_add(bytes);
        Some(Taken { bytes, from_reserve: true })
    }

    fn number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }
}
