//! The way out of a connection: an answer's bytes, and its records straight from their files.
//!
//! Nothing is buffered here. What a client does not take stays where it is: the message in the answer, the
//! records in their file, and in the socket's buffer what the system lets in. A client must take
//! something within the write timeout, and all of an answer at [`SLOWEST_BYTES_PER_SECOND`] at least: as
//! long as it is being sent, a file that retention has removed still takes its space on the disk.
//!
//! Many connections take turns: one gives way after [`TURN_BYTES`]. And none keeps a thread of the runtime
//! waiting for the disk: what is not in memory is first brought there by a thread made for waiting.

use std::io;
use std::time::Duration;

use kafka::Segment;
use log::{CHECKED_BYTES, FileRange};
use rustix::net::SendFlags;
use rustix::net::sockopt::set_tcp_cork;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::api::Answer;
use crate::disk::Disk;

/// Sends one answer.
#[derive(Debug)]
pub(crate) struct Outgoing<'c> {
    stream: &'c TcpStream,
    disk: &'c Disk,
    /// A client that takes nothing for so long is given up.
    patience: Duration,
    /// When it must have taken all.
    until: Instant,
}

/// Sent at a time; others have their turn then.
const TURN_BYTES: usize = 1 << 20;
/// A client that takes less on the average is given up.
const SLOWEST_BYTES_PER_SECOND: u64 = 16 << 10;
/// A socket's buffer is said to have room when a third of it is free. A slow client may have taken
/// something long before, so that is looked after several times within the write timeout.
const LOOKS: u32 = 6;

impl<'c> Outgoing<'c> {
    /// Begins to send something of this length.
    pub(crate) fn new(
        stream: &'c TcpStream,
        disk: &'c Disk,
        patience: Duration,
        bytes: u64,
    ) -> Self {
        let enough = patience.saturating_add(Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND));
        Self { stream, disk, patience, until: Instant::now() + enough }
    }

    /// Sends an answer, its records straight from their files.
    pub(crate) async fn answer(&self, answer: &Answer) -> io::Result<()> {
        let mut records = answer.records.iter().peekable();
        // Many small parts travel together.
        let is_corked = answer.records.len() > 1;
        if is_corked {
            set_tcp_cork(self.stream, true)?;
        }
        let mut checked = answer.checked_bytes;
        for segment in answer.frame.segments() {
            match segment {
                Segment::Bytes(bytes) => self.bytes(bytes, records.peek().is_some()).await?,
                Segment::Records(_) => {
                    if let Some(range) = records.next() {
                        self.range(range, checked).await?;
                        checked = 0;
                    }
                }
            }
        }
        if is_corked {
            set_tcp_cork(self.stream, false)?;
        }
        Ok(())
    }

    /// Sends bytes. Those that have `more` behind them wait for it in the socket, so that they are no
    /// packet of their own.
    pub(crate) async fn bytes(&self, mut bytes: &[u8], more: bool) -> io::Result<()> {
        let flags = if more { SendFlags::MORE } else { SendFlags::empty() } | SendFlags::NOSIGNAL;
        while !bytes.is_empty() {
            match self.step(|| Ok(rustix::net::send(self.stream, bytes, flags)?)).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent => bytes = bytes.get(sent..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Sends a range, the first `checked` bytes of which are known to be in memory.
    async fn range(&self, range: &FileRange, mut checked: u64) -> io::Result<()> {
        let mut sent = 0_u64;
        while sent < range.length() {
            if checked <= sent {
                let turn = range.length().saturating_sub(sent).min(TURN_BYTES as u64);
                self.disk.bring(range, sent, turn).await?;
                checked = sent.saturating_add(turn);
            }
            let most = usize::try_from(checked.saturating_sub(sent)).unwrap_or(TURN_BYTES);
            match self.step(|| range.send(sent, most.min(TURN_BYTES), self.stream)).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                part => sent = sent.saturating_add(part as u64),
            }
            if sent < range.length() {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// One call that sends, when the socket takes something.
    async fn step(&self, mut send: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        let until = self.until.min(Instant::now() + self.patience);
        loop {
            let ready = self.stream.async_io(Interest::WRITABLE, &mut send);
            if let Ok(sent) = timeout(self.patience / LOOKS, ready).await {
                return sent;
            }
            match send() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Ok(sent) => return Ok(sent),
                Err(_) if Instant::now() >= until => return Err(io::ErrorKind::TimedOut.into()),
                Err(_) => {}
            }
        }
    }
}

const _: () = assert!(TURN_BYTES as u64 == CHECKED_BYTES, "a turn is what was looked at");
