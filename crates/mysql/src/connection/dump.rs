//! The stream of a binlog dump, cut into events without copying them.
//!
//! Each event arrives as one message: a zero byte, then the event. [`BinlogStream::fill`] reads the
//! socket straight into the caller's [`Chunk`] and notes where the whole events lie. What is left over
//! at the end of a chunk is carried into the next one. An event longer than one packet (16 MB) gets a
//! chunk of its own, into which its parts are read without the headers between them.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use super::transport::Transport;
use crate::Error;
use crate::wire::packet::{HEADER_LEN, MAX_PAYLOAD, PacketHeader};
use crate::wire::reply;

/// A dump that is running. Made by [`super::Replica::start`].
#[derive(Debug)]
pub struct BinlogStream<T = Box<dyn Read + Send>> {
    transport: Wire<T>,
    /// The number the next packet must have.
    sequence: u8,
    /// Read and not yet handed out; starts with a packet's header.
    carry: Vec<u8>,
    /// An event of more than one packet, while it arrives.
    long: Option<LongEvent>,
    max_event_bytes: usize,
    bytes_read: u64,
}

/// Whole events in one buffer, to be used again and again.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Initialised as far as it was ever filled, so that nothing is zeroed twice.
    bytes: Vec<u8>,
    /// Bytes of `bytes` that came from the server.
    filled: usize,
    /// Where the events lie in `bytes[..filled]`, in order.
    events: Vec<Range<usize>>,
}

/// What came of a [`BinlogStream::fill`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FillOutcome {
    /// The chunk holds at least one event.
    Events,
    /// No event is complete yet; the chunk is empty. Comes after a quarter of a second of silence, and
    /// now and then while a long event arrives. Ask again.
    Nothing,
    /// The server has ended the dump: the log's end without waiting, or its shutdown.
    End,
}

/// A transport that can tell whether it holds bytes back.
#[derive(Debug)]
enum Wire<T> {
    Server(Transport),
    #[cfg_attr(not(test), allow(dead_code, reason = "tests read from memory"))]
    Other(T),
}

#[derive(Debug)]
struct LongEvent {
    /// Payload so far, the leading zero byte included.
    bytes: Vec<u8>,
    /// Payload bytes of the current packet that are still to come.
    packet_left: usize,
    /// Whether the current packet is the last one.
    is_last: bool,
}

impl Chunk {
    /// A chunk that reads up to `bytes` from the server at once.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes.max(MIN_READ)], filled: 0, events: Vec::new() }
    }

    /// The events in order, each from its common header on.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.events.iter().map(|range| self.bytes.get(range.clone()).unwrap_or_default())
    }

    /// One event by its number in this chunk.
    #[must_use]
    pub fn event(&self, index: usize) -> Option<&[u8]> {
        self.bytes.get(self.events.get(index)?.clone())
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Bytes from the server, headers included.
    #[must_use]
    pub const fn byte_count(&self) -> usize {
        self.filled
    }

    /// Memory the buffer holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets the events; a buffer that one huge event made large is given back.
    fn reset(&mut self, target_bytes: usize) {
        self.events.clear();
        self.filled = 0;
        let target = target_bytes.max(MIN_READ);
        if self.bytes.len() > target.saturating_mul(4) {
            self.bytes = vec![0; target];
        } else if self.bytes.len() < target {
            self.bytes.resize(target, 0);
        }
    }
}

impl<T: Read> BinlogStream<T> {
    /// Empties `chunk` and fills it with whole events. Waits at most a quarter of a second for the
    /// first one, then takes what has already arrived, up to about `target_bytes`; a single event may
    /// be longer.
    ///
    /// # Errors
    /// The connection breaks, the server ends the dump with an error, the stream is damaged, or an
    /// event is longer than allowed. Events that arrived before an error are handed out first. After
    /// an error the stream is of no use any more.
    pub fn fill(&mut self, chunk: &mut Chunk, target_bytes: usize) -> Result<FillOutcome, Error> {
        chunk.reset(target_bytes);
        if self.long.is_some() {
            return self.fill_long(chunk);
        }
        self.restore_carry(chunk);
        let mut scanned = 0;
        for _read in 0..MAX_READS {
            let stop = self.scan(chunk, &mut scanned)?;
            if let Some(stop) = stop {
                self.keep_rest(chunk, scanned);
                return self.stopped(stop, chunk);
            }
            if !chunk.is_empty() && chunk.filled >= target_bytes {
                break;
            }
            match self.read_into(chunk, scanned)? {
                Arrival::More => {}
                Arrival::Drained => {
                    let stop = self.scan(chunk, &mut scanned)?;
                    if stop.is_some() || !chunk.is_empty() {
                        break;
                    }
                }
                Arrival::Silence => break,
            }
        }
        self.keep_rest(chunk, scanned);
        Ok(if chunk.is_empty() { FillOutcome::Nothing } else { FillOutcome::Events })
    }

    /// Bytes taken from the connection since the dump started. It grows also while one long event
    /// arrives, so a caller can tell a slow server from a dead one.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    fn restore_carry(&mut self, chunk: &mut Chunk) {
        if chunk.bytes.len() < self.carry.len() + MIN_READ {
            chunk.bytes.resize(self.carry.len() + MIN_READ, 0);
        }
        if let Some(head) = chunk.bytes.get_mut(..self.carry.len()) {
            head.copy_from_slice(&self.carry);
        }
        chunk.filled = self.carry.len();
        self.carry.clear();
    }

    fn keep_rest(&mut self, chunk: &mut Chunk, scanned: usize) {
        self.carry.clear();
        self.carry.extend_from_slice(chunk.bytes.get(scanned..chunk.filled).unwrap_or_default());
        chunk.filled = scanned;
    }

    /// Notes every whole event behind `scanned` and moves it on. A packet that is no event stays where
    /// it is and is reported.
    fn scan(&mut self, chunk: &mut Chunk, scanned: &mut usize) -> Result<Option<Stop>, Error> {
        let filled = chunk.bytes.get(..chunk.filled).unwrap_or_default();
        loop {
            let rest = filled.get(*scanned..).unwrap_or_default();
            let Some((header, rest)) = rest.split_first_chunk::<HEADER_LEN>() else {
                return Ok(None);
            };
            let header = PacketHeader::decode(*header);
            if header.sequence != self.sequence {
                return Err(damaged("a packet is out of order"));
            }
            if header.length == MAX_PAYLOAD {
                return Ok(Some(Stop::Long));
            }
            if header.length == 0 {
                return Err(damaged("a packet is empty"));
            }
            let Some(payload) = rest.get(..header.length) else { return Ok(None) };
            match payload.first() {
                Some(&reply::OK) => {}
                Some(&reply::ERR) => return Ok(Some(Stop::Error)),
                Some(&reply::EOF) if reply::is_eof(payload) => return Ok(Some(Stop::End)),
                _ => return Err(damaged("a packet is neither an event nor an end")),
            }
            let start = *scanned + HEADER_LEN;
            chunk.events.push(start + 1..start + header.length);
            *scanned = start + header.length;
            self.sequence = self.sequence.wrapping_add(1);
        }
    }

    /// A packet that is no event stands at the head of what was kept.
    fn stopped(&mut self, stop: Stop, chunk: &mut Chunk) -> Result<FillOutcome, Error> {
        if !chunk.is_empty() {
            return Ok(FillOutcome::Events);
        }
        match stop {
            Stop::End => Ok(FillOutcome::End),
            Stop::Error => {
                let packet = self.carry.get(HEADER_LEN..).unwrap_or_default();
                Err(reply::decode_error(packet))
            }
            Stop::Long => {
                self.long = Some(LongEvent { bytes: Vec::new(), packet_left: 0, is_last: false });
                self.fill_long(chunk)
            }
        }
    }

    /// One read behind what is there. Makes room for a packet that is longer than the buffer; its
    /// length is at most 16 MB, so it is believed.
    fn read_into(&mut self, chunk: &mut Chunk, scanned: usize) -> Result<Arrival, Error> {
        let pending = chunk.bytes.get(scanned..chunk.filled).unwrap_or_default();
        let needed = match pending.first_chunk::<HEADER_LEN>() {
            Some(header) => scanned + HEADER_LEN + PacketHeader::decode(*header).length,
            None => scanned + MIN_READ,
        };
        if chunk.filled == chunk.bytes.len() && !chunk.is_empty() {
            return Ok(Arrival::Drained);
        }
        if needed > chunk.bytes.len() && chunk.is_empty() {
            chunk.bytes.resize(needed, 0);
        }
        let room = chunk.bytes.get_mut(chunk.filled..).unwrap_or_default();
        let asked = room.len();
        let Some(count) = self.transport.read_some(room)? else { return Ok(Arrival::Silence) };
        chunk.filled += count;
        self.bytes_read += count as u64;
        let drained = count < asked && self.transport.is_drained();
        Ok(if drained { Arrival::Drained } else { Arrival::More })
    }

    fn fill_long(&mut self, chunk: &mut Chunk) -> Result<FillOutcome, Error> {
        let Some(mut long) = self.long.take() else { return Ok(FillOutcome::Nothing) };
        for _read in 0..MAX_READS {
            if long.packet_left == 0 && long.is_last {
                return self.finish_long(long.bytes, chunk);
            }
            let progress = if long.packet_left == 0 {
                self.next_long_packet(&mut long)?
            } else {
                self.read_long(&mut long)?
            };
            if !progress {
                break;
            }
        }
        self.long = Some(long);
        Ok(FillOutcome::Nothing)
    }

    /// Takes the header of the long event's next packet; `false` if it has not arrived.
    fn next_long_packet(&mut self, long: &mut LongEvent) -> Result<bool, Error> {
        while self.carry.len() < HEADER_LEN {
            let mut bytes = [0; HEADER_LEN];
            let missing = HEADER_LEN - self.carry.len();
            let room = bytes.get_mut(..missing).unwrap_or_default();
            let Some(count) = self.transport.read_some(room)? else { return Ok(false) };
            self.bytes_read += count as u64;
            self.carry.extend_from_slice(bytes.get(..count).unwrap_or_default());
        }
        let Some(header) = self.carry.first_chunk::<HEADER_LEN>() else { return Ok(false) };
        let header = PacketHeader::decode(*header);
        if header.sequence != self.sequence {
            return Err(damaged("a packet is out of order"));
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.carry.drain(..HEADER_LEN);
        let total = long.bytes.len() + header.length;
        if total > self.max_event_bytes {
            return Err(Error::TooLarge {
                what: "an event",
                bytes: total as u64,
                limit: self.max_event_bytes as u64,
            });
        }
        long.packet_left = header.length;
        long.is_last = header.length < MAX_PAYLOAD;
        // Grows by half at least, so that a gigabyte is not copied once a packet.
        if long.bytes.capacity() < total {
            let grown = (long.bytes.len() / 2).max(header.length);
            long.bytes.reserve_exact(grown.min(self.max_event_bytes - long.bytes.len()));
        }
        Ok(true)
    }

    /// Reads more of the current packet of a long event; `false` if nothing has arrived.
    fn read_long(&mut self, long: &mut LongEvent) -> Result<bool, Error> {
        if !self.carry.is_empty() {
            let taken = self.carry.len().min(long.packet_left);
            long.bytes.extend(self.carry.drain(..taken));
            long.packet_left -= taken;
            return Ok(true);
        }
        let before = long.bytes.len();
        long.bytes.resize(before + long.packet_left.min(LONG_READ), 0);
        let room = long.bytes.get_mut(before..).unwrap_or_default();
        let read = self.transport.read_some(room);
        let count = read.as_ref().ok().copied().flatten().unwrap_or_default();
        long.bytes.truncate(before + count);
        long.packet_left -= count;
        self.bytes_read += count as u64;
        Ok(read?.is_some())
    }

    fn finish_long(&mut self, bytes: Vec<u8>, chunk: &mut Chunk) -> Result<FillOutcome, Error> {
        if bytes.first() != Some(&reply::OK) {
            return Err(damaged("a packet is neither an event nor an end"));
        }
        chunk.filled = bytes.len();
        chunk.bytes = bytes;
        chunk.events.push(1..chunk.filled);
        Ok(FillOutcome::Events)
    }

    fn with_wire(transport: Wire<T>, carry: Vec<u8>, sequence: u8, max_event: usize) -> Self {
        let max_event_bytes = max_event.saturating_add(1);
        let bytes_read = carry.len() as u64;
        Self { transport, sequence, carry, long: None, max_event_bytes, bytes_read }
    }

    /// A stream over any reader, its first packet numbered 1, as after a command.
    #[cfg(test)]
    pub(super) fn over(reader: T, max_event: usize) -> Self {
        Self::with_wire(Wire::Other(reader), Vec::new(), 1, max_event)
    }
}

impl BinlogStream {
    /// The stream that follows a dump command just sent over `transport`.
    pub(super) fn new(
        transport: Transport,
        carry: Vec<u8>,
        sequence: u8,
        max_event: usize,
    ) -> Self {
        Self::with_wire(Wire::Server(transport), carry, sequence, max_event)
    }
}

enum Stop {
    Error,
    End,
    Long,
}

enum Arrival {
    /// Bytes, and perhaps more behind them.
    More,
    /// Bytes, and nothing behind them for now.
    Drained,
    /// Nothing within the time.
    Silence,
}

impl<T: Read> Wire<T> {
    /// One read; `None` if nothing arrived within the time.
    fn read_some(&mut self, room: &mut [u8]) -> Result<Option<usize>, Error> {
        loop {
            let read = match self {
                Self::Server(transport) => transport.read(room),
                Self::Other(reader) => reader.read(room),
            };
            match read {
                Ok(0) => return Err(Error::Closed { doing: DOING }),
                Ok(count) => return Ok(Some(count)),
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                    _ => return Err(Error::Io { doing: DOING, source: error }),
                },
            }
        }
    }

    const fn is_drained(&self) -> bool {
        match self {
            Self::Server(transport) => transport.is_drained(),
            Self::Other(_) => true,
        }
    }
}

fn damaged(reason: &'static str) -> Error {
    Error::Malformed { what: "the binlog stream", reason }
}

/// Least room for one read.
const MIN_READ: usize = 256 * 1024;

/// Most bytes of a long event read at once, which bounds what is zeroed for nothing.
const LONG_READ: usize = 4 << 20;

/// After so many reads the caller gets a chance to look at its stop flag.
const MAX_READS: usize = 64;

const DOING: &str = "reading the binlog";
