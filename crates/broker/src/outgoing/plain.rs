//! The way out in clear: records go from their files to the socket within the system, and nothing is
//! buffered here.

use std::io;

use kafka::Segment;
use log::FileRange;
use rustix::net::SendFlags;
use rustix::net::sockopt::set_tcp_cork;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Pace, Records, TURN_BYTES};
use crate::api::Answer;

/// Sends through a bare socket.
#[derive(Debug)]
pub(super) struct Plain<'c> {
    socket: &'c TcpStream,
    pace: Pace,
}

impl<'c> Plain<'c> {
    pub(super) fn new(socket: &'c TcpStream, pace: Pace) -> Self {
        Self { socket, pace }
    }

    pub(super) async fn answer(&self, answer: &Answer, disk: Records<'_>) -> io::Result<()> {
        let mut records = answer.records.iter().peekable();
        // Many small parts travel together.
        let is_corked = answer.records.len() > 1;
        if is_corked {
            set_tcp_cork(self.socket, true)?;
        }
        let mut checked = answer.checked_bytes;
        for segment in answer.frame.segments() {
            match segment {
                Segment::Bytes(bytes) => self.bytes(bytes, records.peek().is_some()).await?,
                Segment::Records(_) => {
                    if let Some(range) = records.next() {
                        self.range(range, checked, disk).await?;
                        checked = 0;
                    }
                }
            }
        }
        if is_corked {
            set_tcp_cork(self.socket, false)?;
        }
        Ok(())
    }

    /// Sends bytes. Those that have `more` behind them wait for it in the socket, so that they are no
    /// packet of their own.
    pub(super) async fn bytes(&self, mut bytes: &[u8], more: bool) -> io::Result<()> {
        let flags = if more { SendFlags::MORE } else { SendFlags::empty() } | SendFlags::NOSIGNAL;
        while !bytes.is_empty() {
            match self.step(|| Ok(rustix::net::send(self.socket, bytes, flags)?)).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent => bytes = bytes.get(sent..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// Sends a range, the first `checked` bytes of which are known to be in memory.
    async fn range(
        &self,
        range: &FileRange,
        mut checked: u64,
        disk: Records<'_>,
    ) -> io::Result<()> {
        let mut sent = 0_u64;
        while sent < range.length() {
            checked = disk.bring(range, sent, checked).await?;
            let most = usize::try_from(checked.saturating_sub(sent)).unwrap_or(TURN_BYTES);
            match self.step(|| range.send(sent, most.min(TURN_BYTES), self.socket)).await? {
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
        let until = self.pace.give_up_at();
        loop {
            let ready = self.socket.async_io(Interest::WRITABLE, &mut send);
            if let Ok(sent) = timeout(self.pace.look_after(), ready).await {
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
