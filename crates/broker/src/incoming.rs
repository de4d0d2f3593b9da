//! The way into a connection: bytes become frames, one at a time, in bounded memory.
//!
//! No byte is allocated by an announced length: the buffer grows with what has come. What is longer than a
//! connection's reserve first waits for its part of the memory that all connections share, before it is
//! read at all; what a client sends ahead waits in the socket. How much a request takes depends on how many
//! elements its arrays have, which is known once it is decoded: a long one is given memory for as many as
//! it may have, and gives back the rest; a short one that has many waits for what they take. A frame that
//! has begun must be whole within the write timeout, so that nobody holds memory for what never comes; a
//! wait for memory is not held against the client.

use std::io;
use std::time::Duration;

use budget::{Permit, Share};
use bytes::{Buf, BytesMut};
use kafka::codec::ELEMENTS_MAX;
use tokio::time::{Instant, timeout_at};

use crate::error::ConnectionError;
use crate::session::GREETING_BYTES_MAX;
use crate::stop::Stop;
use crate::stream::Stream;

/// Frames of one connection.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Bytes that were read and not yet used: the rest of a frame, or the start of the next.
    read: BytesMut,
    /// Nothing has come yet.
    is_new: bool,
    share: Share,
    /// A frame must be whole so long after its first byte, or after there was memory for it.
    patience: Duration,
}

/// A whole frame, without its length.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: BytesMut,
    pub(crate) memory: Memory,
}

/// The memory that a request, what it is decoded to, and what is made of it may take. Without a permit it
/// is the reserve.
#[derive(Debug)]
pub(crate) struct Memory(Option<Permit>);

/// What a request still takes before it can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It has all.
    Met,
    /// Memory for so many bytes: it is short, but has many elements.
    Bytes(usize),
}

/// What the wait for a frame led to.
#[derive(Debug)]
pub(crate) enum Came {
    Frame(Received),
    /// Nothing until the given time.
    Nothing,
    /// There will be no more.
    End,
}

/// What a connection may hold without asking: requests are far shorter.
pub(crate) const RESERVE_BYTES: usize = 16 << 10;
/// The bytes of a request and what is made of them take at most about so many times its length: they are
/// kept, and come back in the answer.
const COST: usize = 4;
/// What an element of an array may take besides: the least is one byte long, is decoded to a structure, is
/// looked up, and has an answer of its own. Measured, DeleteTopics takes the most, 330 bytes, as its refusal
/// is a sentence; FindCoordinator answers each key with our host name, which may be long.
const ELEMENT_COST: usize = 512;
/// The length in front of a frame.
const LENGTH_BYTES: usize = 4;
/// How a handshake of TLS begins (RFC 8446, 5.1). As the length of a frame it would be longer than any.
const TLS_BEGIN: [u8; 2] = [22, 3];
/// Read at a time.
const READ_BYTES: usize = 4 << 10;
/// Read at a time of a frame that is longer.
const LONG_READ_BYTES: usize = 64 << 10;
/// A read buffer that has grown beyond this is given back after its frame.
const KEPT_BYTES_MAX: usize = 64 << 10;

impl Memory {
    /// What serving a request of this length takes, now that it is known how many elements its arrays
    /// have. Gives back what was taken for more of them.
    pub(crate) fn settle(&mut self, length: usize, elements: usize) -> Demand {
        let bytes = cost(length, elements);
        match &mut self.0 {
            Some(permit) => {
                permit.shrink_to(bytes);
                Demand::Met
            }
            None if bytes <= RESERVE_BYTES => Demand::Met,
            None => Demand::Bytes(bytes),
        }
    }
}

impl Incoming {
    /// A connection that begins. Its share has a reserve of [`RESERVE_BYTES`].
    pub(crate) fn new(share: Share, patience: Duration) -> Self {
        Self { read: BytesMut::new(), is_new: true, share, patience }
    }

    /// The next frame of at most `limit` bytes, if it begins before `until`. One that comes piece by piece
    /// must be whole before `ends`, if that is given.
    ///
    /// # Errors
    /// The connection must be closed.
    pub(crate) async fn next(
        &mut self,
        stream: &mut Stream,
        limit: usize,
        until: Instant,
        ends: Option<Instant>,
        stop: &mut Stop,
    ) -> Result<Came, ConnectionError> {
        if self.read.is_empty() {
            // Nothing is allocated for a client that says nothing.
            let is_new = self.is_new;
            let readable = async {
                if is_new { stream.first_readable().await } else { stream.readable().await }
            };
            tokio::select! {
                readable = timeout_at(until, readable) => match readable {
                    Ok(readable) => readable?,
                    Err(_) => return Ok(Came::Nothing),
                },
                () = stop.raised() => return Ok(Came::End),
            }
            self.is_new = false;
        }
        tokio::select! {
            came = self.frame(stream, limit, ends) => came,
            () = stop.raised() => Ok(Came::End),
        }
    }

    /// Gives back what is not needed while nothing comes.
    pub(crate) fn release(&mut self) {
        if self.read.is_empty() {
            self.read = BytesMut::new();
        }
    }

    /// The memory for an answer of this length that was made of a request, which is let go. It is the
    /// request's own where that is enough, so that answers do not pile up behind it. Else it is waited for
    /// with nothing held: who holds some waits for none.
    pub(crate) async fn room(&self, received: Received, bytes: usize) -> Option<Permit> {
        match received.memory.0 {
            Some(mut permit) if (RESERVE_BYTES + 1..=permit.bytes()).contains(&bytes) => {
                permit.shrink_to(bytes);
                Some(permit)
            }
            own => {
                drop(own);
                self.memory(bytes).await
            }
        }
    }

    /// Waits for the memory that a short request turns out to need, with nothing held but its bytes.
    pub(crate) async fn grow(&self, received: &mut Received, bytes: usize) {
        received.memory = Memory(self.memory(bytes).await);
    }

    /// Waits for memory, unless the reserve holds so much.
    async fn memory(&self, bytes: usize) -> Option<Permit> {
        if bytes <= RESERVE_BYTES {
            return None;
        }
        self.share.acquire(bytes).await.ok()
    }

    async fn frame(
        &mut self,
        stream: &mut Stream,
        limit: usize,
        ends: Option<Instant>,
    ) -> Result<Came, ConnectionError> {
        let mut permit = None;
        let by = Instant::now() + self.patience;
        let mut whole_by = ends.map_or(by, |ends| by.min(ends));
        loop {
            let size = self.announced(limit)?;
            if let Some(size) = size {
                if permit.is_none() && cost(size, 0) > RESERVE_BYTES {
                    permit = self.memory(cost(size, size.min(ELEMENTS_MAX))).await;
                    whole_by = Instant::now() + self.patience;
                }
                if self.read.len() >= LENGTH_BYTES + size {
                    return Ok(Came::Frame(Received {
                        bytes: self.take(size),
                        memory: Memory(permit),
                    }));
                }
            }
            let missing = size.map_or(READ_BYTES, |size| LENGTH_BYTES + size - self.read.len());
            self.read.reserve(missing.clamp(READ_BYTES, LONG_READ_BYTES));
            match timeout_at(whole_by, stream.read_buf(&mut self.read)).await {
                Ok(Ok(1..)) => {}
                Ok(Ok(0)) if self.read.is_empty() => return Ok(Came::End),
                Ok(Ok(0)) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Ok(Err(error)) => return Err(error.into()),
                Err(_late) if ends.is_some_and(|ends| ends <= whole_by) => {
                    return Ok(Came::Nothing);
                }
                Err(_late) => return Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        }
    }

    /// How long the next frame is, once that is known.
    fn announced(&self, limit: usize) -> Result<Option<usize>, ConnectionError> {
        let Some(length) = self.read.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        if length.starts_with(&TLS_BEGIN) {
            return Err(ConnectionError::Secured);
        }
        let length = i32::from_be_bytes(*length);
        match usize::try_from(length) {
            Ok(size) if size <= limit => Ok(Some(size)),
            _ => Err(ConnectionError::FrameLength { length, limit }),
        }
    }

    /// Splits a frame off what was read, which holds it whole.
    fn take(&mut self, size: usize) -> BytesMut {
        self.read.advance(LENGTH_BYTES);
        let frame = self.read.split_to(size);
        if self.read.is_empty() && size > KEPT_BYTES_MAX {
            self.read = BytesMut::new();
        }
        frame
    }
}

/// What a request of this length and what is made of it take at most.
fn cost(bytes: usize, elements: usize) -> usize {
    bytes.saturating_mul(COST).saturating_add(elements.saturating_mul(ELEMENT_COST))
}

const _: () = assert!(GREETING_BYTES_MAX * COST <= RESERVE_BYTES, "a stranger waits for no memory");

#[cfg(test)]
mod tests {
    use budget::{Budget, Lane};

    use super::*;

    #[tokio::test]
    async fn a_long_request_gives_back_what_its_elements_do_not_take() {
        let budget = Budget::new(64 << 20);
        let share = budget.share(Lane::Serving, RESERVE_BYTES);
        let incoming = Incoming::new(share, Duration::from_secs(60));
        let length = 100_000;
        let mut memory = Memory(incoming.memory(cost(length, ELEMENTS_MAX)).await);
        assert_eq!(budget.used(), length * COST + ELEMENTS_MAX * ELEMENT_COST);
        assert_eq!(memory.settle(length, 3), Demand::Met);
        assert_eq!(budget.used(), length * COST + 3 * ELEMENT_COST);
    }

    #[test]
    fn a_short_request_of_many_elements_needs_memory() {
        let mut memory = Memory(None);
        assert_eq!(memory.settle(100, 2), Demand::Met);
        assert_eq!(memory.settle(4_000, 4_000), Demand::Bytes(4_000 * (COST + ELEMENT_COST)));
    }
}
