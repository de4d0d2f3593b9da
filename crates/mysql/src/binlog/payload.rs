//! TRANSACTION_PAYLOAD: a whole transaction, compressed, read as a stream.
//!
//! Memory is bounded by the longest event inside plus a window of zstd, never by the transaction.

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::DecodeError;
use super::cursor::Cursor;
use super::event::{Checksum, EventHeader, RawEvent};

/// A compressed transaction.
#[derive(Debug, Clone, Copy)]
pub struct TransactionPayload<'a> {
    compression: Compression,
    /// Bytes of all events inside, as the event says.
    pub uncompressed_size: u64,
    payload: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Zstd,
    None,
}

/// Reads payloads one after another with the same buffers.
pub struct PayloadReader {
    decoder: Decoder<'static>,
    buffer: Vec<u8>,
    limit: usize,
}

/// The events of one payload, in order.
pub struct PayloadEvents<'p> {
    reader: &'p mut PayloadReader,
    input: &'p [u8],
    compression: Compression,
    /// Where unread bytes start in the buffer.
    start: usize,
    /// Where they end.
    end: usize,
}

impl<'a> TransactionPayload<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a TRANSACTION_PAYLOAD event", body);
        let (mut size, mut kind, mut uncompressed_size) = (None, None, 0);
        loop {
            let field = cursor.packed()?;
            if field == HEADER_END {
                break;
            }
            let value = cursor.packed_bytes()?;
            let mut value = Cursor::new("a TRANSACTION_PAYLOAD event", value);
            match field {
                PAYLOAD_SIZE => size = Some(value.packed()?),
                COMPRESSION_TYPE => kind = Some(value.packed()?),
                UNCOMPRESSED_SIZE => uncompressed_size = value.packed()?,
                _ => {}
            }
        }
        let compression = match kind {
            Some(0) => Compression::Zstd,
            Some(255) => Compression::None,
            Some(other) => {
                return Err(DecodeError::Unsupported(format!(
                    "transactions compressed by method {other} are not supported"
                )));
            }
            None => return Err(cursor.malformed("it does not say how it is compressed")),
        };
        if size.is_some_and(|size| usize::try_from(size) != Ok(cursor.remaining())) {
            return Err(cursor.malformed("its length is not the one it says"));
        }
        Ok(Self { compression, uncompressed_size, payload: cursor.rest() })
    }
}

impl PayloadReader {
    /// A reader that refuses events over `limit` bytes.
    ///
    /// # Errors
    /// The decompressor cannot be set up for want of memory.
    pub fn new(limit: usize) -> Result<Self, DecodeError> {
        let decoder = Decoder::new()
            .map_err(|_| DecodeError::Unsupported("zstd cannot be set up".to_owned()))?;
        Ok(Self { decoder, buffer: Vec::new(), limit })
    }

    /// Starts reading a payload. What was left of another one is forgotten.
    ///
    /// # Errors
    /// The decompressor cannot be reset.
    pub fn open<'p>(
        &'p mut self,
        payload: &TransactionPayload<'p>,
    ) -> Result<PayloadEvents<'p>, DecodeError> {
        self.decoder.reinit().map_err(|_| damaged())?;
        self.buffer.truncate(BUFFER_KEPT);
        self.buffer.shrink_to(BUFFER_KEPT);
        Ok(PayloadEvents {
            input: payload.payload,
            compression: payload.compression,
            reader: self,
            start: 0,
            end: 0,
        })
    }
}

impl PayloadEvents<'_> {
    /// The next event, or `None` behind the last one. It carries no checksum.
    ///
    /// # Errors
    /// The compressed stream is damaged or ends inside of an event, or an event is over the limit.
    pub fn next_event(&mut self) -> Result<Option<RawEvent<'_>>, DecodeError> {
        if !self.fill(EventHeader::LENGTH)? {
            return Ok(None);
        }
        let header = EventHeader::parse(self.unread())?;
        let size = usize::try_from(header.event_size).unwrap_or(usize::MAX);
        if size > self.reader.limit {
            return Err(DecodeError::TooLarge {
                what: "an event inside of a transaction payload",
                bytes: u64::from(header.event_size),
                limit: u64::try_from(self.reader.limit).unwrap_or(u64::MAX),
            });
        }
        self.fill(size)?;
        let start = self.start;
        self.start = self.start.saturating_add(size);
        let event = self.reader.buffer.get(start..self.start).unwrap_or_default();
        RawEvent::parse(event, Checksum::None).map(Some)
    }

    fn unread(&self) -> &[u8] {
        self.reader.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Makes `wanted` unread bytes; `false` if the stream ends before the first of them.
    fn fill(&mut self, wanted: usize) -> Result<bool, DecodeError> {
        while self.end.saturating_sub(self.start) < wanted {
            let buffer = &mut self.reader.buffer;
            if self.start > 0 {
                buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            // Memory grows with what the stream really holds, not with what an event claims.
            if self.end == buffer.len() {
                buffer.resize(buffer.len().saturating_mul(2).max(BUFFER_FIRST), 0);
            }
            let free = buffer.get_mut(self.end..).unwrap_or_default();
            let (read, written) = match self.compression {
                Compression::Zstd => {
                    let mut input = InBuffer::around(self.input);
                    let mut output = OutBuffer::around(free);
                    self.reader.decoder.run(&mut input, &mut output).map_err(|_| damaged())?;
                    (input.pos(), output.pos())
                }
                Compression::None => {
                    let count = free.len().min(self.input.len());
                    if let (Some(to), Some(from)) = (free.get_mut(..count), self.input.get(..count))
                    {
                        to.copy_from_slice(from);
                    }
                    (count, count)
                }
            };
            self.input = self.input.get(read..).unwrap_or_default();
            self.end += written;
            if read == 0 && written == 0 {
                return if self.start == self.end {
                    Ok(false)
                } else {
                    Err(DecodeError::malformed("a TRANSACTION_PAYLOAD event", "it ends too early"))
                };
            }
        }
        Ok(true)
    }
}

impl std::fmt::Debug for PayloadReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayloadReader").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for PayloadEvents<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PayloadEvents").field("input", &self.input.len()).finish_non_exhaustive()
    }
}

const fn damaged() -> DecodeError {
    DecodeError::malformed("a TRANSACTION_PAYLOAD event", "its zstd stream is damaged")
}

const HEADER_END: u64 = 0;
const PAYLOAD_SIZE: u64 = 1;
const COMPRESSION_TYPE: u64 = 2;
const UNCOMPRESSED_SIZE: u64 = 3;
/// What the buffer starts with.
const BUFFER_FIRST: usize = 64 * 1024;
/// What the buffer keeps between payloads; one huge event must not occupy memory for ever.
const BUFFER_KEPT: usize = 4 * 1024 * 1024;
