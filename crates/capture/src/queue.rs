//! A queue between two threads, bounded by what its items weigh and not by how many they are.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A first-in, first-out queue that holds at most `max_bytes`, or one item that is larger.
///
/// Items are whole buffers, so the lock is taken a few thousand times a second and never per row.
#[derive(Debug)]
pub struct ByteQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    max_bytes: usize,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    closed: bool,
}

/// What [`ByteQueue::pop`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Pop<T> {
    /// The oldest item.
    Item(T),
    /// Nothing came in the time given.
    TimedOut,
    /// Closed, and everything pushed before was popped.
    Closed,
}

/// The other side has closed the queue; the item comes back.
#[derive(Debug, PartialEq, Eq)]
pub struct QueueClosed<T>(pub T);

impl<T> ByteQueue<T> {
    /// An open, empty queue.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        let state = State { items: VecDeque::new(), bytes: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), max_bytes }
    }

    /// Adds an item that weighs `bytes`, waiting while there is no room for it.
    ///
    /// # Errors
    /// The queue is or becomes closed.
    pub fn push(&self, item: T, bytes: usize) -> Result<(), QueueClosed<T>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(QueueClosed(item));
            }
            if state.items.is_empty() || state.bytes.saturating_add(bytes) <= self.max_bytes {
                break;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes = state.bytes.saturating_add(bytes);
        state.items.push_back((item, bytes));
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Takes the oldest item, waiting at most `timeout` for one.
    pub fn pop(&self, timeout: Duration) -> Pop<T> {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            if let Some((item, bytes)) = state.items.pop_front() {
                state.bytes = state.bytes.saturating_sub(bytes);
                drop(state);
                self.changed.notify_all();
                return Pop::Item(item);
            }
            if state.closed {
                return Pop::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Pop::TimedOut;
            }
            state =
                self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Refuses further items. What is inside can still be popped.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Bytes inside now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn items_leave_in_order_and_the_end_is_seen_last() {
        let queue = ByteQueue::new(10);
        queue.push(1, 4).unwrap();
        queue.push(2, 4).unwrap();
        queue.close();
        assert_eq!(queue.push(3, 1), Err(QueueClosed(3)));
        assert_eq!(queue.pop(SOON), Pop::Item(1));
        assert_eq!(queue.pop(SOON), Pop::Item(2));
        assert_eq!(queue.pop(SOON), Pop::Closed);
    }

    #[test]
    fn an_item_larger_than_the_bound_passes_alone() {
        let queue = ByteQueue::new(10);
        queue.push("huge", 1000).unwrap();
        assert_eq!(queue.bytes(), 1000);
        assert_eq!(queue.pop(SOON), Pop::Item("huge"));
        assert_eq!(queue.pop(SOON), Pop::TimedOut);
    }

    #[test]
    fn a_full_queue_holds_its_producer_until_there_is_room() {
        let queue = ByteQueue::new(10);
        queue.push(1, 10).unwrap();
        std::thread::scope(|threads| {
            let producer = threads.spawn(|| queue.push(2, 10));
            assert_eq!(queue.pop(LONG), Pop::Item(1));
            assert_eq!(queue.pop(LONG), Pop::Item(2));
            producer.join().unwrap().unwrap();
        });
    }

    #[test]
    fn closing_frees_a_waiting_producer() {
        let queue = ByteQueue::new(10);
        queue.push(1, 10).unwrap();
        std::thread::scope(|threads| {
            let producer = threads.spawn(|| queue.push(2, 10));
            queue.close();
            assert_eq!(producer.join().unwrap(), Err(QueueClosed(2)));
        });
    }
}
