//! The thread that reads the dump: from the socket into chunks of whole events.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use capture::{ByteQueue, Stop};

use crate::Error;
use crate::connection::{BinlogStream, Chunk, FillOutcome};

/// What goes from the reading thread to the translating one.
#[derive(Debug)]
pub(crate) enum Read {
    /// Events, and how many bytes were read from the server so far.
    Events(Chunk, u64),
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

/// Bytes asked of the socket at once.
const CHUNK_BYTES: usize = 1 << 20;

/// A chunk of more was made that large by one event.
const HUGE_BYTES: usize = 16 << 20;
/// The stop is looked at this often while a huge event is handled.
const LOOK: Duration = Duration::from_millis(100);

impl Channel {
    pub(crate) fn new(queue_bytes: usize) -> Self {
        Self { full: ByteQueue::new(queue_bytes), spare: Mutex::default(), handled: Condvar::new() }
    }

    /// Gives a handled chunk back.
    pub(crate) fn recycle(&self, chunk: Chunk) {
        let bytes = chunk.capacity();
        if bytes <= 2 * CHUNK_BYTES {
            self.spare().chunks.push(chunk);
        } else if bytes > HUGE_BYTES {
            drop(chunk);
            let mut spare = self.spare();
            spare.huge_bytes = spare.huge_bytes.saturating_sub(bytes);
            drop(spare);
            self.handled.notify_all();
        }
    }

    fn chunk(&self) -> Chunk {
        let spare = self.spare().chunks.pop();
        spare.unwrap_or_else(|| Chunk::with_capacity(CHUNK_BYTES))
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
    let mut chunk = channel.chunk();
    let error = loop {
        if stop.is_raised() {
            return;
        }
        let outcome = stream.fill(&mut chunk, CHUNK_BYTES);
        if matches!(outcome, Ok(FillOutcome::Events | FillOutcome::Partial)) {
            silence_max = patience.later;
        }
        match outcome {
            Ok(FillOutcome::Events) => {
                // The memory it holds, not the few bytes that may be in it: a slow receiver of many small
                // chunks must not hold more than the bound.
                let bytes = chunk.capacity();
                let full = std::mem::replace(&mut chunk, channel.chunk());
                let read = Read::Events(full, stream.bytes_read());
                if bytes > HUGE_BYTES {
                    channel.spare().huge_bytes += bytes;
                }
                if channel.full.push(read, bytes).is_err() || !channel.wait_for_huge(bytes, stop) {
                    return;
                }
                // After the push: waiting for room is not the server's silence.
                heard_at = Instant::now();
            }
            Ok(FillOutcome::Partial) => heard_at = Instant::now(),
            Ok(FillOutcome::Silence) if heard_at.elapsed() >= silence_max => {
                break ReadError::Silent(silence_max);
            }
            Ok(FillOutcome::Silence) => {}
            Ok(FillOutcome::End) => break ReadError::ServerEnded,
            Err(error) => break ReadError::Failed(error),
        }
    };
    // If nobody listens any more, nobody wants to know.
    drop(channel.full.push(Read::Ended(error), 0));
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    #[test]
    fn after_a_huge_event_nothing_is_read_until_it_is_handled() {
        let (channel, stop) = (Channel::new(1 << 20), Stop::default());
        let chunk = Chunk::with_capacity(HUGE_BYTES + 1);
        let bytes = chunk.capacity();
        channel.spare().huge_bytes += bytes;
        assert!(channel.wait_for_huge(CHUNK_BYTES, &stop), "a small one waits for nothing");
        std::thread::scope(|threads| {
            let waiting = threads.spawn(|| channel.wait_for_huge(bytes, &stop));
            channel.recycle(chunk);
            assert!(waiting.join().unwrap());
        });
        channel.spare().huge_bytes += bytes;
        stop.raise();
        assert!(!channel.wait_for_huge(bytes, &stop), "a stop ends the waiting");
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
        let channel = Channel::new(1 << 20);
        let patience =
            Patience { first: Duration::from_secs(3600), later: Duration::from_millis(1) };
        read(stream, &channel, &Stop::default(), patience);
        let capture::Pop::Item(Read::Events(chunk, _)) = channel.full.pop(Duration::ZERO) else {
            panic!("the event came late, and before the end")
        };
        assert_eq!(chunk.events().collect::<Vec<_>>(), [b"abc"]);
        let last = channel.full.pop(Duration::ZERO);
        assert!(matches!(last, capture::Pop::Item(Read::Ended(ReadError::Silent(_)))));
    }
}
