//! The stream of a binlog dump, cut into events without copying them.
//!
//! Each event arrives as one message: a zero byte, then the event. [`BinlogStream::fill`] reads the
//! socket straight into the caller's [`Chunk`] and notes where the whole events lie. What is left over
//! at the end of a chunk is carried into the next one. An event longer than one packet (16 MB) gets a
//! chunk of its own, into which its parts are read without the headers between them.

use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::transport::{HangUp, Transport};
use crate::Error;
use crate::wire::packet::{HEADER_LEN, MAX_PAYLOAD, PacketHeader};
use crate::wire::reply;

/// A dump that is running. Made by [`super::Replica::start`].
pub struct BinlogStream {
    transport: Box<dyn Arriving>,
    /// The number the next packet must have.
    sequence: u8,
    /// Read and not yet handed out; starts with a packet's header.
    carry: Vec<u8>,
    /// An event of more than one packet, while it arrives.
    long: Option<LongEvent>,
    /// An error that came behind events, for the next call.
    failed: Option<Error>,
    /// How long one call may take without handing out an event.
    patience: Duration,
    max_event_bytes: usize,
    bytes_read: u64,
}

/// Whole events in one buffer, to be used again and again.
#[derive(Default)]
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
    /// Bytes arrive, but no event is complete yet; the chunk is empty. Ask again.
    Partial,
    /// Nothing arrived for a while; the chunk is empty.
    Silence,
    /// The server has ended the dump.
    End,
}

/// Bytes that arrive over time.
pub(super) trait Arriving: Read + Send {
    /// Whether a read that filled less than it was given has taken all that had arrived.
    fn is_drained(&self) -> bool;

    /// Lets one read wait so long, if the wait can be ended otherwise: by the answer.
    fn wait_up_to(&self, _read: Duration) -> Option<HangUp> {
        None
    }
}

impl Arriving for Transport {
    fn is_drained(&self) -> bool {
        Self::is_drained(self)
    }

    fn wait_up_to(&self, read: Duration) -> Option<HangUp> {
        Self::wait_up_to(self, read)
    }
}

#[derive(Default)]
struct LongEvent {
    /// Payload of the packets so far, the leading zero byte included; initialised to the end of the
    /// current packet.
    bytes: Vec<u8>,
    /// Bytes of `bytes` that have arrived.
    filled: usize,
    /// Whether the current packet is the last one.
    is_last: bool,
}

impl Chunk {
    /// A chunk that reads up to `bytes` from the server at once.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes.max(MIN_READ)], filled: 0, events: Vec::new() }
    }

    /// A chunk that holds these events.
    #[cfg(test)]
    pub(crate) fn of<'e>(events: impl IntoIterator<Item = &'e [u8]>) -> Self {
        let mut chunk = Self::default();
        for event in events {
            let start = chunk.bytes.len();
            chunk.bytes.extend_from_slice(event);
            chunk.events.push(start..chunk.bytes.len());
        }
        chunk.filled = chunk.bytes.len();
        chunk
    }

    /// The events in order, each from its common header on.
    pub fn events(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.events_from(0)
    }

    /// The events from number `first` on; those before it cost nothing.
    pub fn events_from(&self, first: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        let events = self.events.get(first..).unwrap_or_default();
        events.iter().map(|range| self.bytes.get(range.clone()).unwrap_or_default())
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

impl BinlogStream {
    /// Empties `chunk` and fills it with whole events. Waits about a quarter of a second for the
    /// first one (see [`BinlogStream::wait_up_to`]), then takes what has already arrived, up to about `target_bytes`; a single event may
    /// be longer.
    ///
    /// # Errors
    /// The connection breaks, the server ends the dump with an error, the stream is damaged, or an
    /// event is longer than allowed. Events that arrived before an error are handed out first. After
    /// an error the stream is of no use any more.
    pub fn fill(&mut self, chunk: &mut Chunk, target_bytes: usize) -> Result<FillOutcome, Error> {
        chunk.reset(target_bytes);
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let deadline = Instant::now() + self.patience;
        let bytes_before = self.bytes_read;
        if self.long.is_none() {
            match self.fill_short(chunk, target_bytes, deadline) {
                Ok(None) => {}
                Ok(Some(stop)) if chunk.is_empty() => {
                    if let Some(outcome) = self.stopped(stop)? {
                        return Ok(outcome);
                    }
                }
                Err(error) if chunk.is_empty() => return Err(error),
                Err(error) => self.failed = Some(error),
                Ok(Some(_kept_for_the_next_call)) => {}
            }
        }
        if let Some(long) = self.long.take() {
            self.fill_long(long, chunk, deadline)?;
        }
        Ok(if !chunk.is_empty() {
            FillOutcome::Events
        } else if self.bytes_read > bytes_before {
            FillOutcome::Partial
        } else {
            FillOutcome::Silence
        })
    }

    /// Lets each [`BinlogStream::fill`] wait about so long for the first event: who waits in one is woken by
    /// the answer. `None` if it cannot be; then it waits as before.
    pub(crate) fn wait_up_to(&mut self, time: Duration) -> Option<HangUp> {
        let hang_up = self.transport.wait_up_to(time)?;
        self.patience = time;
        Some(hang_up)
    }

    /// Bytes taken from the connection since the dump started. It grows also while one long event
    /// arrives, so a caller can tell a slow server from a dead one.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Takes events of one packet each, until one of another kind, or nothing more has arrived.
    fn fill_short(
        &mut self,
        chunk: &mut Chunk,
        target_bytes: usize,
        deadline: Instant,
    ) -> Result<Option<Stop>, Error> {
        self.restore_carry(chunk);
        let mut scanned = 0;
        let result = loop {
            match self.scan(chunk, &mut scanned) {
                Ok(None) => {}
                stop_or_error => break stop_or_error,
            }
            if !chunk.is_empty() && chunk.filled >= target_bytes {
                break Ok(None);
            }
            match self.read_into(chunk, scanned) {
                Ok(Arrival::More) => {}
                Ok(Arrival::Drained) => {
                    let stop = self.scan(chunk, &mut scanned);
                    let late = Instant::now() >= deadline;
                    if late || !chunk.is_empty() || !matches!(stop, Ok(None)) {
                        break stop;
                    }
                }
                Ok(Arrival::Silence) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        self.keep_rest(chunk, scanned);
        result
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

    /// What the packet says that stands at the head of what was kept and is no event; `None` if it is
    /// the first part of a long one.
    fn stopped(&mut self, stop: Stop) -> Result<Option<FillOutcome>, Error> {
        match stop {
            Stop::End => Ok(Some(FillOutcome::End)),
            Stop::Error => {
                let packet = self.carry.get(HEADER_LEN..).unwrap_or_default();
                let length =
                    self.carry.first_chunk().map(|head| PacketHeader::decode(*head).length);
                let packet = packet.get(..length.unwrap_or_default()).unwrap_or(packet);
                Err(reply::decode_error(packet))
            }
            Stop::Long => {
                self.long = Some(LongEvent::default());
                Ok(None)
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
        let Some(count) = self.read_some(room)? else { return Ok(Arrival::Silence) };
        chunk.filled += count;
        let drained = count < asked && self.transport.is_drained();
        Ok(if drained { Arrival::Drained } else { Arrival::More })
    }

    fn fill_long(
        &mut self,
        mut long: LongEvent,
        chunk: &mut Chunk,
        deadline: Instant,
    ) -> Result<(), Error> {
        loop {
            let is_whole = long.filled == long.bytes.len();
            if is_whole && long.is_last {
                return finish_long(long.bytes, chunk);
            }
            let progress = if is_whole {
                self.next_long_packet(&mut long)?
            } else {
                self.read_long(&mut long)?
            };
            if !progress || Instant::now() >= deadline {
                self.long = Some(long);
                return Ok(());
            }
        }
    }

    /// Takes the header of the long event's next packet; `false` if it has not arrived.
    fn next_long_packet(&mut self, long: &mut LongEvent) -> Result<bool, Error> {
        while self.carry.len() < HEADER_LEN {
            let mut bytes = [0; HEADER_LEN];
            let missing = HEADER_LEN - self.carry.len();
            let room = bytes.get_mut(..missing).unwrap_or_default();
            let Some(count) = self.read_some(room)? else { return Ok(false) };
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
        long.is_last = header.length < MAX_PAYLOAD;
        // Grows by half at least, so that a gigabyte is not copied once a packet.
        if long.bytes.capacity() < total {
            let grown = (long.bytes.len() / 2).max(header.length);
            long.bytes.reserve_exact(grown.min(self.max_event_bytes - long.bytes.len()));
        }
        long.bytes.resize(total, 0);
        Ok(true)
    }

    /// Reads more of the current packet of a long event; `false` if nothing has arrived.
    fn read_long(&mut self, long: &mut LongEvent) -> Result<bool, Error> {
        let room = long.bytes.get_mut(long.filled..).unwrap_or_default();
        let count = if self.carry.is_empty() {
            let Some(count) = self.read_some(room)? else { return Ok(false) };
            count
        } else {
            // Reading from a slice cannot fail.
            let count = self.carry.as_slice().read(room).unwrap_or_default();
            self.carry.drain(..count);
            count
        };
        long.filled += count;
        Ok(true)
    }

    /// One read; `None` if nothing arrived within the time.
    fn read_some(&mut self, room: &mut [u8]) -> Result<Option<usize>, Error> {
        loop {
            match self.transport.read(room) {
                Ok(0) => return Err(Error::Closed { doing: DOING }),
                Ok(count) => {
                    self.bytes_read += count as u64;
                    return Ok(Some(count));
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                    _ => return Err(Error::Io { doing: DOING, source: error }),
                },
            }
        }
    }

    /// A stream of what is read here.
    #[cfg(test)]
    pub(crate) fn of(bytes: impl Read + Send + 'static) -> Self {
        struct Drained<R>(R);
        impl<R: Read> Read for Drained<R> {
            fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
                self.0.read(room)
            }
        }
        impl<R: Read + Send> Arriving for Drained<R> {
            fn is_drained(&self) -> bool {
                true
            }
        }
        Self::new(Drained(bytes), Vec::new(), 1, 1 << 20)
    }

    /// The stream that follows a dump command. `carry` was read already, and its first packet has the
    /// number `sequence`.
    pub(super) fn new(
        transport: impl Arriving + 'static,
        carry: Vec<u8>,
        sequence: u8,
        max_event_bytes: usize,
    ) -> Self {
        let max_event_bytes = max_event_bytes.saturating_add(1);
        let bytes_read = carry.len() as u64;
        let transport = Box::new(transport);
        Self {
            transport,
            sequence,
            carry,
            long: None,
            failed: None,
            patience: PATIENCE,
            max_event_bytes,
            bytes_read,
        }
    }
}

impl std::fmt::Debug for BinlogStream {
    /// Without the bytes: they are row values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BinlogStream").field("bytes_read", &self.bytes_read).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Chunk {
    /// Without the bytes: they are row values.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk").field("events", &self.events.len()).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy)]
enum Stop {
    Error,
    End,
    Long,
}

#[derive(Debug, Clone, Copy)]
enum Arrival {
    /// Bytes, and perhaps more behind them.
    More,
    /// Bytes, and nothing behind them for now.
    Drained,
    /// Nothing within the time.
    Silence,
}

fn finish_long(bytes: Vec<u8>, chunk: &mut Chunk) -> Result<(), Error> {
    if bytes.first() != Some(&reply::OK) {
        return Err(damaged("a packet is neither an event nor an end"));
    }
    chunk.filled = bytes.len();
    chunk.bytes = bytes;
    chunk.events.push(1..chunk.filled);
    Ok(())
}

fn damaged(reason: &'static str) -> Error {
    Error::Malformed { what: "the binlog stream", reason }
}

/// Least room for one read, and what a source with little to say holds.
const MIN_READ: usize = 32 * 1024;

/// How long one call may take without handing out an event, unless it can be woken.
const PATIENCE: Duration = Duration::from_millis(250);

const DOING: &str = "reading the binlog";
