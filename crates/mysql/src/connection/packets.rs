//! Whole messages over a byte stream, for everything but the dump.

use std::io::{ErrorKind, Read, Write};

use super::transport::Transport;
use crate::Error;
use crate::wire::packet::{HEADER_LEN, MAX_PAYLOAD, PacketHeader, frame};

/// Sends and receives messages and keeps count of packets.
#[derive(Debug)]
pub(super) struct Packets {
    transport: Transport,
    buffer: Box<[u8]>,
    /// Read and not yet taken: `buffer[start..end]`.
    start: usize,
    end: usize,
    /// The number the next packet must have, in either direction.
    sequence: u8,
    /// The message read last.
    message: Vec<u8>,
}

impl Packets {
    pub(super) fn new(transport: Transport) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Self { transport, buffer, start: 0, end: 0, sequence: 0, message: Vec::new() }
    }

    /// Starts a new exchange and sends its first message.
    pub(super) fn command(&mut self, message: &[u8]) -> Result<(), Error> {
        self.sequence = 0;
        self.send(message)
    }

    /// Sends the next message of an exchange.
    pub(super) fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(message.len() + HEADER_LEN);
        self.sequence = frame(message, self.sequence, &mut bytes);
        self.transport
            .write_all(&bytes)
            .and_then(|()| self.transport.flush())
            .map_err(|source| Error::Io { doing: "sending a command", source })
    }

    /// The next message, of at most `limit` bytes.
    pub(super) fn receive(&mut self, limit: usize) -> Result<&[u8], Error> {
        self.message.clear();
        loop {
            let mut header = [0; HEADER_LEN];
            self.read_exact(&mut header)?;
            let header = PacketHeader::decode(header);
            if header.sequence != self.sequence {
                return Err(Error::Malformed { what: "a packet", reason: "it is out of order" });
            }
            self.sequence = self.sequence.wrapping_add(1);
            let total = self.message.len() + header.length;
            if total > limit {
                return Err(Error::TooLarge {
                    what: "an answer",
                    bytes: total as u64,
                    limit: limit as u64,
                });
            }
            self.append(header.length)?;
            if header.length < MAX_PAYLOAD {
                return Ok(&self.message);
            }
        }
    }

    /// The stream and the bytes already read from it.
    pub(super) fn into_parts(self) -> (Transport, Vec<u8>, u8) {
        let rest = self.buffer.get(self.start..self.end).unwrap_or_default().to_vec();
        (self.transport, rest, self.sequence)
    }

    /// Replaces the stream by what `change` makes of it. Bytes that arrived before are refused: someone
    /// in between could have put them there.
    pub(super) fn upgrade(
        self,
        change: impl FnOnce(Transport) -> Result<Transport, Error>,
    ) -> Result<Self, Error> {
        let (transport, rest, sequence) = self.into_parts();
        if !rest.is_empty() {
            return Err(Error::Malformed {
                what: "the greeting",
                reason: "something follows it before TLS has started",
            });
        }
        Ok(Self { sequence, ..Self::new(change(transport)?) })
    }

    pub(super) const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Appends `count` bytes (at most [`MAX_PAYLOAD`]) to the message, as they arrive.
    fn append(&mut self, mut count: usize) -> Result<(), Error> {
        while count > 0 {
            self.fill()?;
            let ready = self.buffer.get(self.start..self.end).unwrap_or_default();
            let part = ready.get(..count).unwrap_or(ready);
            self.message.extend_from_slice(part);
            self.start += part.len();
            count -= part.len();
        }
        Ok(())
    }

    fn read_exact(&mut self, mut out: &mut [u8]) -> Result<(), Error> {
        while !out.is_empty() {
            self.fill()?;
            let mut ready = self.buffer.get(self.start..self.end).unwrap_or_default();
            // Reading from a slice cannot fail.
            let taken = ready.read(out).unwrap_or_default();
            self.start += taken;
            out = out.get_mut(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until at least one byte is in the buffer.
    fn fill(&mut self) -> Result<(), Error> {
        while self.start == self.end {
            match self.transport.read(&mut self.buffer) {
                Ok(0) => return Err(Error::Closed { doing: DOING }),
                Ok(count) => (self.start, self.end) = (0, count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Io { doing: DOING, source }),
            }
        }
        Ok(())
    }
}

/// Enough for most answers to come in one read.
const BUFFER: usize = 64 * 1024;

const DOING: &str = "waiting for an answer";
