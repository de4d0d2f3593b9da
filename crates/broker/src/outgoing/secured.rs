//! The way out under TLS: what is to be encrypted has to be copied, so records are read from their files a
//! piece at a time, and no more is read before the client has taken most of what was.
//!
//! The system could encrypt by itself and send files as before (kTLS). It would take the keys out of
//! rustls's hands, and a kernel module that many machines do not have.

use std::io;

use kafka::Segment;
use log::FileRange;
use rustix::net::SendFlags;
use tls::ClientStream;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Pace, Records};
use crate::api::Answer;

/// Sends through a session of TLS.
#[derive(Debug)]
pub(super) struct Secured<'c> {
    stream: &'c mut ClientStream,
    pace: Pace,
    /// Filled up to [`PIECE_BYTES`], then encrypted; so that many small parts of an answer are one record.
    piece: Vec<u8>,
}

/// Encrypted at a time: two records of TLS.
const PIECE_BYTES: usize = 32 << 10;
/// What one answer with records takes at most while it is sent: a piece, and what the session has
/// encrypted of it and the client has not taken.
pub(crate) const COPY_BYTES_MAX: usize = 3 * PIECE_BYTES;

/// What a session is asked to do.
#[derive(Debug, Clone, Copy)]
enum Move<'b> {
    /// Encrypt as much of this as it has room for.
    Take(&'b [u8]),
    /// Send all that it has encrypted.
    Flush,
}

/// The socket of a session, written to whether or not it is said to have room.
struct Eager<'s>(&'s TcpStream);

impl<'c> Secured<'c> {
    pub(super) fn new(stream: &'c mut ClientStream, pace: Pace) -> Self {
        Self { stream, pace, piece: Vec::new() }
    }

    pub(super) async fn answer(mut self, answer: &Answer, disk: Records<'_>) -> io::Result<()> {
        let mut records = answer.records.iter();
        let mut checked = answer.checked_bytes;
        for segment in answer.frame.segments() {
            match segment {
                Segment::Bytes(bytes) => self.put(bytes).await?,
                Segment::Records(_) => {
                    if let Some(range) = records.next() {
                        self.range(range, checked, disk).await?;
                        checked = 0;
                    }
                }
            }
        }
        self.finish().await
    }

    pub(super) async fn bytes(mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes).await?;
        self.finish().await
    }

    /// Adds bytes to the piece, and encrypts each that is full.
    async fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = PIECE_BYTES.saturating_sub(self.piece.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() >= PIECE_BYTES {
                self.encrypt().await?;
            }
        }
        Ok(())
    }

    /// Adds a range, the first `checked` bytes of which are known to be in memory.
    async fn range(
        &mut self,
        range: &FileRange,
        mut checked: u64,
        disk: Records<'_>,
    ) -> io::Result<()> {
        let mut read = 0_u64;
        while read < range.length() {
            let turn_before = checked;
            checked = disk.bring(range, read, checked).await?;
            if checked != turn_before && read > 0 {
                tokio::task::yield_now().await;
            }
            let filled = self.piece.len();
            let room = PIECE_BYTES.saturating_sub(filled);
            let here = usize::try_from(checked.min(range.length()).saturating_sub(read));
            let part = here.unwrap_or(room).min(room);
            self.piece.resize(filled.saturating_add(part), 0);
            range.read_part(read, self.piece.get_mut(filled..).unwrap_or_default())?;
            read = read.saturating_add(part as u64);
            if self.piece.len() >= PIECE_BYTES {
                self.encrypt().await?;
            }
        }
        Ok(())
    }

    /// Sends what is left, to the last byte.
    async fn finish(mut self) -> io::Result<()> {
        self.encrypt().await?;
        self.step(Move::Flush).await.map(|_| ())
    }

    /// Hands the piece over to the session.
    async fn encrypt(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        let mut rest = piece.as_slice();
        while !rest.is_empty() {
            match self.step(Move::Take(rest)).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                taken => rest = rest.get(taken..).unwrap_or_default(),
            }
        }
        self.piece = piece;
        self.piece.clear();
        Ok(())
    }

    /// One move, when the socket takes something.
    async fn step(&mut self, what: Move<'_>) -> io::Result<usize> {
        let mut until = self.pace.give_up_at();
        loop {
            let moved = async {
                match what {
                    Move::Take(bytes) => self.stream.write(bytes).await,
                    Move::Flush => self.stream.flush().await.map(|()| 0),
                }
            };
            if let Ok(moved) = timeout(self.pace.look_after(), moved).await {
                return moved;
            }
            let (socket, session) = self.stream.get_mut();
            match session.write_tls(&mut Eager(socket)) {
                Ok(_taken) => until = self.pace.give_up_at(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

impl io::Write for Eager<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self.0, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
