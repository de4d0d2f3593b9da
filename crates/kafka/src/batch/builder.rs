//! Collects records and seals them into a batch.

use crate::{
    Error, LeaderEpoch, Offset, Result,
    batch::{BatchHeader, Compression, HEADER_LEN, OpenRecord},
    codec::{Reader, Writer, varint_len, varlong_len},
};

/// Builds one batch after another. A record is written once, into a buffer that is kept from batch
/// to batch; compression and checksum run once, at the end.
///
/// Only the last record can have headers, and they are given when the batch is sealed: they say
/// something about the batch as a whole.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    /// The records in wire form, none with headers.
    pub(super) records: Vec<u8>,
    /// Where the last record begins in `records`.
    pub(super) last_start: usize,
    /// How many records there are.
    pub(super) count: i32,
    /// The timestamp of the first record; meaningless while there is none.
    pub(super) base_timestamp: i64,
    /// The highest timestamp; meaningless while there is no record.
    pub(super) max_timestamp: i64,
    /// How long the value of the last [`OpenRecord`] was: the next one's is likely as long.
    pub(super) last_value_len: usize,
}

/// Batch length is an `i32` on the wire; this leaves room for the header, the last record's headers
/// and the overhead of a compressor that finds nothing to compress.
pub(super) const RECORDS_LEN_MAX: usize = 0x7000_0000;

/// A record's attributes: a byte that Kafka has never used.
pub(super) const RECORD_ATTRIBUTES: i8 = 0;

impl BatchBuilder {
    /// An empty builder whose buffer has room for records of this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { records: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the batch would near 2 GiB; the record is not added then.
    pub fn push(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<()> {
        if self.count == 0 {
            self.base_timestamp = timestamp_ms;
            self.max_timestamp = timestamp_ms;
        }
        let timestamp_delta = timestamp_ms.wrapping_sub(self.base_timestamp);
        let offset_delta = self.count;
        let key_len = length_field(key)?;
        let value_len = length_field(value)?;
        let body_len = size_of_val(&RECORD_ATTRIBUTES)
            + varlong_len(timestamp_delta)
            + varint_len(offset_delta)
            + varint_len(key_len)
            + key.map_or(0, <[u8]>::len)
            + varint_len(value_len)
            + value.map_or(0, <[u8]>::len)
            + varint_len(NO_HEADERS);
        if self.records.len().saturating_add(body_len) > RECORDS_LEN_MAX {
            return Err(Error::Unwritable { what: "records of nearly 2 GiB in one batch" });
        }
        let count = self.count.checked_add(1).ok_or(Error::Unwritable { what: "2³¹ records" })?;
        let length = record_length(body_len)?;

        self.last_start = self.records.len();
        self.records.reserve(varint_len(length) + body_len);
        let mut writer = Writer::new(&mut self.records);
        writer.varint(length);
        writer.int8(RECORD_ATTRIBUTES);
        writer.varlong(timestamp_delta);
        writer.varint(offset_delta);
        writer.varint(key_len);
        writer.raw(key.unwrap_or_default());
        writer.varint(value_len);
        writer.raw(value.unwrap_or_default());
        writer.varint(NO_HEADERS);
        self.count = count;
        self.max_timestamp = self.max_timestamp.max(timestamp_ms);
        Ok(())
    }

    /// Begins a record without a key, whose value the caller appends.
    pub fn open(&mut self, timestamp_ms: i64) -> OpenRecord<'_> {
        OpenRecord::begin(self, timestamp_ms)
    }

    /// Appends the batch to `out`, with these headers on its last record, and empties the builder.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if there is no record, or if the headers are too large. Nothing is
    /// appended then, and the builder is empty all the same.
    pub fn seal(
        &mut self,
        headers_of_last_record: &[(&str, &[u8])],
        compression: Compression,
        base_offset: Offset,
        leader_epoch: LeaderEpoch,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        let sealed = self.append_headers(headers_of_last_record).and_then(|()| {
            let header = BatchHeader {
                base_offset,
                batch_len: 0,
                leader_epoch,
                crc: 0,
                compression,
                is_log_append_time: false,
                last_offset_delta: self.count - 1,
                base_timestamp: self.base_timestamp,
                max_timestamp: self.max_timestamp,
                record_count: self.count,
            };
            BatchHeader::begin(out);
            compression.compress(&self.records, out)?;
            header.fill(out.get_mut(start..).unwrap_or_default())
        });
        if sealed.is_err() {
            out.truncate(start);
        }
        self.clear();
        sealed
    }

    /// Drops all records and keeps the buffer.
    pub fn clear(&mut self) {
        self.records.clear();
        self.last_start = 0;
        self.count = 0;
    }

    /// Gives memory back, if a large batch has left the buffer with room for more than this.
    pub fn shrink_to(&mut self, bytes: usize) {
        self.records.shrink_to(bytes);
    }

    /// The length of the batch if it were sealed now, without compression and headers of records.
    pub const fn len_bytes(&self) -> usize {
        HEADER_LEN + self.records.len()
    }

    /// How many records there are.
    pub const fn record_count(&self) -> usize {
        self.count.unsigned_abs() as usize
    }

    /// Whether there is no record.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Rewrites the length and the end of the last record. Its middle moves only if the length now
    /// takes more bytes.
    fn append_headers(&mut self, headers: &[(&str, &[u8])]) -> Result<()> {
        if self.count == 0 {
            return Err(Error::Unwritable { what: "a batch without records" });
        }
        if headers.is_empty() {
            return Ok(());
        }
        let mut reader = Reader::new(self.records.get(self.last_start..).unwrap_or_default());
        reader.varint()?;
        let length_len = reader.position();
        self.records.pop();
        self.write_headers(headers)?;

        let body_start = self.last_start + length_len;
        let body_end = self.records.len();
        let mut length_field = Vec::new();
        Writer::new(&mut length_field).varint(record_length(body_end - body_start)?);
        let shift = length_field.len().saturating_sub(length_len);
        if shift > 0 {
            self.records.resize(body_end + shift, 0);
            self.records.copy_within(body_start..body_end, body_start + shift);
        }
        let place = self.records.iter_mut().skip(self.last_start);
        place.zip(length_field).for_each(|(place, byte)| *place = byte);
        Ok(())
    }

    fn write_headers(&mut self, headers: &[(&str, &[u8])]) -> Result<()> {
        let too_many = |_| Error::Unwritable { what: "2³¹ record headers" };
        let mut writer = Writer::new(&mut self.records);
        writer.varint(i32::try_from(headers.len()).map_err(too_many)?);
        for (key, value) in headers {
            writer.varint(length_field(Some(key.as_bytes()))?);
            writer.raw(key.as_bytes());
            writer.varint(length_field(Some(value))?);
            writer.raw(value);
        }
        Ok(())
    }
}

/// The header count of a record without headers.
pub(super) const NO_HEADERS: i32 = 0;

fn length_field(bytes: Option<&[u8]>) -> Result<i32> {
    match bytes {
        None => Ok(-1),
        Some(bytes) => record_length(bytes.len()),
    }
}

pub(super) fn record_length(length: usize) -> Result<i32> {
    i32::try_from(length).map_err(|_| Error::Unwritable { what: "a record of 2 GiB or more" })
}
