//! The thread that reads the dump: from the socket into chunks of whole events.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use budget::{Permit, Share};
use capture::{ByteQueue, Stop};

use crate::Error;
use crate::connection::{BinlogStream, Chunk, FillOutcome};

/// What goes from the reading thread to the translating one.
#[derive(Debug)]
pub(crate) enum Read {
    /// Events, the right to hold them, and how many bytes were read from the server so far.
    Events(Chunk, Permit, u64),
    /// The dump is over; nothing follows.
    Ended(ReadError),
}

/// Why a dump is over.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// The connection or the server failed.
    Failed(Error),
    /// The server ended the dump in order: it shuts down.
    ServerEnded,
    /// Nothing came for so long that the connection must be dead: heartbeats are due more often.
    Silent(Duration),
}

/// How long nothing may come before a connection counts as dead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Before the first byte: a server that looks through thousands of files for a GTID says nothing
    /// meanwhile, not even a heartbeat.
    pub(crate) first: Duration,
    /// After it.
    pub(crate) later: Duration,
}

/// Buffers between the two threads.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) full: ByteQueue<Read>,
    /// The source's part of the memory that all sources share.
    memory: Share,
    spare: Mutex<Spare>,
    handled: Condvar,
}

/// Chunks that can be filled again, and what those hold that cannot yet.
#[derive(Debug, Default)]
struct Spare {
    chunks: Vec<Chunk>,
    /// Memory of the huge chunks that were filled and are not handled yet.
    huge_bytes: usize,
}

/// What a source may hold whatever others do: one chunk of an idle one that is filled, and one that is
/// handled. An event of more than that waits for its turn.
pub(crate) const RESERVE_BYTES: usize = 2 * CHUNK_BYTES_MIN;

/// Bytes asked of the socket at once, by a source that has little to say or must go on with little memory.
const CHUNK_BYTES_MIN: usize = 32 << 10;
/// Bytes asked of the socket at once, by a source that always fills them.
const CHUNK_BYTES: usize = 1 << 20;
/// Emptied chunks kept.
const SPARE_COUNT_MAX: usize = 4;

/// A chunk of more was made that large by one event.
const HUGE_BYTES: usize = 16 << 20;
/// The stop is looked at this often while a huge event is handled.
const LOOK: Duration = Duration::from_millis(100);

impl Channel {
    pub(crate) fn new(queue_bytes: usize, memory: Share) -> Self {
        let full = ByteQueue::new(queue_bytes);
        Self { full, memory, spare: Mutex::default(), handled: Condvar::new() }
    }

    /// Gives a handled chunk back.
    pub(crate) fn recycle(&self, chunk: Chunk, permit: Permit) {
        let bytes = chunk.capacity();
        if bytes <= 2 * CHUNK_BYTES {
            let mut spare = self.spare();
            if spare.chunks.len() < SPARE_COUNT_MAX {
                spare.chunks.push(chunk);
            }
        } else if bytes > HUGE_BYTES {
            drop(chunk);
            let mut spare = self.spare();
            spare.huge_bytes = spare.huge_bytes.saturating_sub(bytes);
            drop(spare);
            self.handled.notify_all();
        }
        drop(permit);
    }

    /// Nothing more is handled: whoever reads ends.
    pub(crate) fn close(&self) {
        self.full.close();
        self.memory.close();
    }

    /// A chunk of about `target` bytes, or of fewer while others hold the memory for that. Waits where even
    /// those are not to be had; `None` once the channel is closed.
    fn chunk(&self, target: &mut usize) -> Option<(Chunk, Permit)> {
        let permit = match self.memory.try_acquire(*target) {
            Some(permit) => permit,
            None => {
                *target = CHUNK_BYTES_MIN;
                // Those are too large now, and counted nowhere.
                self.rest();
                self.memory.acquire_blocking(*target).ok()?
            }
        };
        let spare = self.spare().chunks.pop();
        Some((spare.unwrap_or_else(|| Chunk::with_capacity(*target)), permit))
    }

    /// Gives back what only a busy source needs.
    fn rest(&self) {
        self.spare().chunks.clear();
    }

    /// The right to hold a chunk that one event has made larger than was asked for. The old one goes first:
    /// who waits for memory holds none of its kind.
    fn widen(&self, permit: Permit, bytes: usize) -> Option<Permit> {
        if bytes <= permit.bytes() {
            return Some(permit);
        }
        drop(permit);
        self.memory.acquire_blocking(bytes).ok()
    }

    /// After a huge event the next one is read only once it is handled: two or three of them, each in
    /// several forms, would be too much. `false` once nobody handles any more.
    fn wait_for_huge(&self, bytes: usize, stop: &Stop) -> bool {
        if bytes <= HUGE_BYTES {
            return true;
        }
        let mut spare = self.spare();
        while spare.huge_bytes > 0 && !stop.is_raised() {
            spare =
                self.handled.wait_timeout(spare, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        !stop.is_raised()
    }

    fn spare(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads until the dump ends, the stop is raised or the other side has closed the channel.
pub(crate) fn read(mut stream: BinlogStream, channel: &Channel, stop: &Stop, patience: Patience) {
    let mut heard_at = Instant::now();
    let mut silence_max = patience.first;
    let mut target = CHUNK_BYTES_MIN;
    let Some((mut chunk, mut permit)) = channel.chunk(&mut target) else { return };
    let error = loop {
        if stop.is_raised() {
            return;
        }
        let outcome = stream.fill(&mut chunk, target);
        if matches!(outcome, Ok(FillOutcome::Events | FillOutcome::Partial)) {
            silence_max = patience.later;
        }
        match outcome {
            Ok(FillOutcome::Events) => {
                // The memory it holds, not the few bytes that may be in it: a slow receiver of many small
                // chunks must not hold more than the bound.
                let bytes = chunk.capacity();
                target = next_target(target, chunk.byte_count());
                let Some(held) = channel.widen(permit, bytes) else { return };
                let read = Read::Events(chunk, held, stream.bytes_read());
                if bytes > HUGE_BYTES {
                    channel.spare().huge_bytes += bytes;
                }
                if channel.full.push(read, bytes).is_err() || !channel.wait_for_huge(bytes, stop) {
                    return;
                }
                match channel.chunk(&mut target) {
                    Some(next) => (chunk, permit) = next,
                    None => return,
                }
                // After the push: waiting for room is not the server's silence.
                heard_at = Instant::now();
            }
            Ok(FillOutcome::Partial) => heard_at = Instant::now(),
            Ok(FillOutcome::Silence) if heard_at.elapsed() >= silence_max => {
                break ReadError::Silent(silence_max);
            }
            Ok(FillOutcome::Silence) if target > CHUNK_BYTES_MIN => {
                target = CHUNK_BYTES_MIN;
                permit.shrink_to(target);
                channel.rest();
            }
            Ok(FillOutcome::Silence) => {}
            Ok(FillOutcome::End) => break ReadError::ServerEnded,
            Err(error) => break ReadError::Failed(error),
        }
    };
    // If nobody listens any more, nobody wants to know.
    drop(channel.full.push(Read::Ended(error), 0));
}

/// How much is asked for after `filled` bytes came of `target`: more where there was more, and less, step
/// by step, where there was little.
fn next_target(target: usize, filled: usize) -> usize {
    if filled >= target {
        target.saturating_mul(4).min(CHUNK_BYTES)
    } else if filled < target / 16 {
        (target / 2).max(CHUNK_BYTES_MIN)
    } else {
        target
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn after_a_huge_event_nothing_is_read_until_it_is_handled() {
        let (channel, stop) = (Channel::new(1 << 20, Share::unbounded()), Stop::default());
        let chunk = Chunk::with_capacity(HUGE_BYTES + 1);
        let bytes = chunk.capacity();
        channel.spare().huge_bytes += bytes;
        assert!(channel.wait_for_huge(CHUNK_BYTES, &stop), "a small one waits for nothing");
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| channel.wait_for_huge(bytes, &stop));
            channel.recycle(chunk, Share::unbounded().try_acquire(bytes).unwrap());
            assert!(waiting.join().unwrap());
        });
        channel.spare().huge_bytes += bytes;
        stop.raise();
        assert!(!channel.wait_for_huge(bytes, &stop), "a stop ends the waiting");
    }

    #[test]
    fn a_source_goes_on_with_its_reserve_while_others_hold_all_memory() {
        let budget = budget::Budget::new(8 << 20);
        let memory = budget.share(budget::Lane::Reading, RESERVE_BYTES);
        let others = budget.share(budget::Lane::Reading, 0);
        let _all = others.try_acquire((3 << 20) - RESERVE_BYTES).unwrap();
        let packets: Vec<u8> = (1..=200).flat_map(packet).collect();
        let stream = BinlogStream::of(SlowToStart {
            until: Instant::now(),
            packet: std::io::Cursor::new(packets),
        });
        let (channel, stop) = (Channel::new(1 << 20, memory), Stop::default());
        let patience = Patience { first: Duration::ZERO, later: Duration::ZERO };
        std::thread::scope(|threads| {
            threads.spawn(|| read(stream, &channel, &stop, patience));
            let mut events = 0;
            while let capture::Pop::Item(Read::Events(chunk, permit, _)) =
                channel.full.pop(Duration::from_secs(20))
            {
                events += chunk.events().len();
                channel.recycle(chunk, permit);
            }
            channel.close();
            assert_eq!(events, 200);
        });
    }

    /// An event of a kilobyte as a server sends it.
    fn packet(number: u8) -> Vec<u8> {
        let mut bytes = vec![0x00, 0x04, 0x00, number];
        bytes.resize(4 + 1024, 0);
        bytes
    }

    /// Says nothing for a while, then one event, then nothing any more.
    struct SlowToStart {
        until: Instant,
        packet: std::io::Cursor<Vec<u8>>,
    }

    impl std::io::Read for SlowToStart {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            // Looked at once: a packet taken in between would be gone.
            if Instant::now() < self.until {
                return Err(ErrorKind::WouldBlock.into());
            }
            match std::io::Read::read(&mut self.packet, room)? {
                0 => Err(ErrorKind::WouldBlock.into()),
                count => Ok(count),
            }
        }
    }

    #[test]
    fn e10_a_server_that_searches_long_before_it_says_anything_is_not_dead() {
        let packet = std::io::Cursor::new(vec![4, 0, 0, 1, 0, b'a', b'b', b'c']);
        let until = Instant::now() + Duration::from_millis(30);
        let stream = BinlogStream::of(SlowToStart { until, packet });
        let channel = Channel::new(1 << 20, Share::unbounded());
        let patience =
            Patience { first: Duration::from_secs(3600), later: Duration::from_millis(1) };
        read(stream, &channel, &Stop::default(), patience);
        let capture::Pop::Item(Read::Events(chunk, ..)) = channel.full.pop(Duration::ZERO) else {
            panic!("the event came late, and before the end")
        };
        assert_eq!(chunk.events().collect::<Vec<_>>(), [b"abc"]);
        let last = channel.full.pop(Duration::ZERO);
        assert!(matches!(last, capture::Pop::Item(Read::Ended(ReadError::Silent(_)))));
    }
}
