//! Record batches into message sets, within a bound.

use crate::{
    Error, Offset, Result,
    batch::{self, BatchHeader, Compression, Record},
    message_set::{
        MessageFormat,
        message::{Head, length_field},
    },
};

/// Makes one message set out of record batches.
///
/// Records keep their offsets, and what was compressed is compressed the same way again. The set ends
/// before it would exceed its limit, also in the middle of a batch: a client goes on behind the last
/// message that it got, so no batch is too long for it. Only the first message is whole however long it
/// is.
#[derive(Debug)]
pub struct Conversion {
    format: MessageFormat,
    /// Records before this are left out.
    from: Offset,
    /// How long the set may be, but for its first message.
    bytes_max: usize,
    /// How much the records of one batch may decompress to.
    decompressed_max: usize,
    set: Vec<u8>,
    /// Decompressed records of the batch at hand.
    records: Vec<u8>,
    /// Messages that will stand in the next wrapper.
    wrapped: Wrapped,
}

/// Whether a message set can take more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It takes the next batch.
    Left,
    /// It has reached its limit; what was not taken belongs into another set.
    None,
}

/// Messages on their way into a wrapper.
#[derive(Debug)]
struct Wrapped {
    messages: Vec<u8>,
    first: Option<Offset>,
    last: Offset,
    timestamp_max_ms: i64,
}

/// A wrapper holds about so much before it is compressed: enough to compress well, and little for a
/// client to unpack at once.
const WRAPPED_BYTES: usize = 128 << 10;

impl Conversion {
    /// A set in this format of the records from `from` on, of at most `bytes_max` bytes but for its
    /// first message. A batch whose records take more than `decompressed_max` bytes is refused.
    #[must_use]
    pub fn new(
        format: MessageFormat,
        from: Offset,
        bytes_max: usize,
        decompressed_max: usize,
    ) -> Self {
        let (set, records) = (Vec::new(), Vec::new());
        let wrapped = Wrapped::new();
        Self { format, from, bytes_max, decompressed_max, set, records, wrapped }
    }

    /// Takes the next batch, as much of it as there is room for.
    ///
    /// # Errors
    /// What is wrong with the batch, its checksum included; [`Error::DecompressedTooLarge`];
    /// [`Error::Unwritable`] if it is compressed with Zstandard. What was taken before stays.
    pub fn add(&mut self, batch: &[u8]) -> Result<Room> {
        let header = BatchHeader::parse(batch)?;
        // A message gets a checksum of its own, which must not cover up damage.
        header.verify(batch)?;
        if header.compression == Compression::Zstd {
            return Err(Error::Unwritable { what: "zstd in a message set" });
        }
        let mut buffer = std::mem::take(&mut self.records);
        let added = self.add_records(batch, &header, &mut buffer);
        self.records = buffer;
        self.wrapped.clear();
        added
    }

    /// Whether nothing was taken yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// The message set.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.set
    }

    fn add_records(
        &mut self,
        batch: &[u8],
        header: &BatchHeader,
        buffer: &mut Vec<u8>,
    ) -> Result<Room> {
        for record in batch::records(batch, self.decompressed_max, buffer)? {
            let record = record?;
            if record.offset < self.from {
                continue;
            }
            let room = match header.compression {
                Compression::None => self.add_plain(header, &record)?,
                _ => self.add_wrapped(header, &record)?,
            };
            if room == Room::None {
                return Ok(Room::None);
            }
        }
        self.close_wrapper(header)
    }

    fn add_plain(&mut self, header: &BatchHeader, record: &Record<'_>) -> Result<Room> {
        let length = self.format.message_len(record.key, record.value);
        if !self.set.is_empty() && self.set.len().saturating_add(length) > self.bytes_max {
            return Ok(Room::None);
        }
        self.head(header, record, record.offset).write(record.value, &mut self.set)?;
        Ok(Room::Left)
    }

    fn add_wrapped(&mut self, header: &BatchHeader, record: &Record<'_>) -> Result<Room> {
        let length = self.format.message_len(record.key, record.value);
        let full =
            self.wrapped.messages.len().saturating_add(length) > WRAPPED_BYTES.min(self.bytes_max);
        if full && self.close_wrapper(header)? == Room::None {
            return Ok(Room::None);
        }
        let first = *self.wrapped.first.get_or_insert(record.offset);
        let offset = match self.format {
            MessageFormat::V0 => record.offset,
            MessageFormat::V1 => Offset(record.offset.0.saturating_sub(first.0)),
        };
        let head = Head { compression: Compression::None, ..self.head(header, record, offset) };
        head.write(record.value, &mut self.wrapped.messages)?;
        self.wrapped.last = record.offset;
        self.wrapped.timestamp_max_ms = self.wrapped.timestamp_max_ms.max(record.timestamp_ms);
        Ok(Room::Left)
    }

    fn head<'r>(&self, header: &BatchHeader, record: &Record<'r>, offset: Offset) -> Head<'r> {
        Head {
            format: self.format,
            offset,
            compression: Compression::None,
            is_log_append_time: header.is_log_append_time,
            timestamp_ms: record.timestamp_ms,
            key: record.key,
        }
    }

    /// Compresses what waits for a wrapper, unless the wrapper would exceed the limit.
    fn close_wrapper(&mut self, header: &BatchHeader) -> Result<Room> {
        if self.wrapped.first.is_none() {
            return Ok(Room::Left);
        }
        let head = Head {
            format: self.format,
            offset: self.wrapped.last,
            compression: header.compression,
            is_log_append_time: header.is_log_append_time,
            timestamp_ms: self.wrapped.timestamp_max_ms,
            key: None,
        };
        let end = self.set.len();
        let messages = &self.wrapped.messages;
        head.write_with(&mut self.set, |set| {
            let start = set.len();
            match (header.compression, self.format) {
                (Compression::Lz4, MessageFormat::V0) => batch::compress_legacy_lz4(messages, set),
                (compression, _) => compression.compress(messages, set),
            }?;
            length_field(set.len().saturating_sub(start))
        })?;
        self.wrapped.clear();
        if end > 0 && self.set.len() > self.bytes_max {
            self.set.truncate(end);
            return Ok(Room::None);
        }
        Ok(Room::Left)
    }
}

impl Wrapped {
    const fn new() -> Self {
        Self { messages: Vec::new(), first: None, last: Offset::NONE, timestamp_max_ms: i64::MIN }
    }

    fn clear(&mut self) {
        let mut messages = std::mem::take(&mut self.messages);
        messages.clear();
        *self = Self { messages, ..Self::new() };
    }
}
