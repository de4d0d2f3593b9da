//! The way into a connection: bytes become frames, one at a time, in bounded memory.
//!
//! No byte is allocated by an announced length: the buffer grows with what has come. What is longer than a
//! connection's reserve first waits for its part of the memory that all connections share, before it is
//! read at all; what a client sends ahead waits in the socket. A frame that has begun must be whole within
//! the write timeout, so that nobody holds memory for what never comes; a wait for memory is not held
//! against the client.

use std::io;
use std::time::Duration;

use budget::{Permit, Share};
use bytes::{Buf, BytesMut};
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
    /// The memory that it, what it is decoded to, and what is made of it may take.
    permit: Option<Permit>,
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
/// A request and what is made of it take at most about so many times its length: its fields as values,
/// and an answer for each thing it names.
const COST: usize = 4;
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
        match received.permit {
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
                let bytes = size.saturating_mul(COST);
                if permit.is_none() && bytes > RESERVE_BYTES {
                    permit = self.memory(bytes).await;
                    whole_by = Instant::now() + self.patience;
                }
                if self.read.len() >= LENGTH_BYTES + size {
                    return Ok(Came::Frame(Received { bytes: self.take(size), permit }));
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

const _: () = assert!(GREETING_BYTES_MAX * COST <= RESERVE_BYTES, "a stranger waits for no memory");
