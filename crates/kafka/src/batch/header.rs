//! The first 61 bytes of a batch.

use crate::{
    Error, LeaderEpoch, Offset, Result,
    batch::Compression,
    codec::{Reader, Writer},
};

/// The length of the header.
pub const HEADER_LEN: usize = 61;

/// The bytes before the batch length and the length itself, which it does not count.
const UNCOUNTED_LEN: usize = 12;
/// Where the leader epoch stands.
const LEADER_EPOCH_AT: usize = 12;
/// Where the bytes begin that the checksum covers: behind it.
const CHECKED_AT: usize = 21;
/// The format that is written and read here.
const MAGIC: i8 = 2;

const COMPRESSION_BITS: i16 = 0b111;
const LOG_APPEND_TIME_BIT: i16 = 1 << 3;

/// The header of a record batch.
///
/// On the wire, high byte first: base offset (8 bytes), batch length from here on (4), partition
/// leader epoch (4), magic (1), CRC-32C of everything behind it (4), attributes (2), last offset
/// delta (4), base timestamp (8), max timestamp (8), producer id (8), producer epoch (2), base
/// sequence (4), record count (4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// The offset of the first record.
    pub base_offset: Offset,
    /// The length of the whole batch in bytes, header included; at least [`HEADER_LEN`].
    pub batch_len: usize,
    /// Which writer placed the batch.
    pub leader_epoch: LeaderEpoch,
    /// CRC-32C of the bytes behind it.
    pub crc: u32,
    /// How the records are compressed.
    pub compression: Compression,
    /// Whether all records carry the maximum timestamp, set by a broker at the time of appending.
    pub is_log_append_time: bool,
    /// How far the last record is from the first; never below 0.
    pub last_offset_delta: i32,
    /// The timestamp that the records count from, in milliseconds.
    pub base_timestamp: i64,
    /// The highest timestamp of the records, in milliseconds.
    pub max_timestamp: i64,
    /// How many records there are; never below 0.
    pub record_count: i32,
}

impl BatchHeader {
    /// Reads the header at the front of `bytes`; what follows may be missing.
    ///
    /// # Errors
    /// [`Error::Truncated`] with fewer than [`HEADER_LEN`] bytes; [`Error::UnsupportedMagic`] and
    /// [`Error::UnsupportedCompression`] for batches of another kind; [`Error::Malformed`] for
    /// numbers that no batch has.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let base_offset = reader.int64()?;
        let batch_length = reader.int32()?;
        let leader_epoch = reader.int32()?;
        let magic = reader.int8()?;
        if magic != MAGIC {
            return Err(Error::UnsupportedMagic { magic });
        }
        let crc = reader.uint32()?;
        let attributes = reader.int16()?;
        let last_offset_delta = reader.int32()?;
        let base_timestamp = reader.int64()?;
        let max_timestamp = reader.int64()?;
        let _producer_id = reader.int64()?;
        let _producer_epoch = reader.int16()?;
        let _base_sequence = reader.int32()?;
        let record_count = reader.int32()?;
        Ok(Self {
            base_offset: not_below_zero(base_offset, 0, "a base offset of at least 0")
                .map(Offset)?,
            batch_len: batch_len(batch_length)?,
            leader_epoch: LeaderEpoch(leader_epoch),
            crc,
            compression: compression(attributes)?,
            is_log_append_time: attributes & LOG_APPEND_TIME_BIT != 0,
            last_offset_delta: not_below_zero(
                last_offset_delta,
                23,
                "an offset delta of at least 0",
            )?,
            base_timestamp,
            max_timestamp,
            record_count: not_below_zero(record_count, 57, "a record count of at least 0")?,
        })
    }

    /// Whether the bytes of this batch, header included, are what the checksum says. Bytes behind
    /// the batch are ignored.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the batch is not whole, [`Error::Checksum`] if it is damaged.
    pub fn verify(&self, batch: &[u8]) -> Result<()> {
        let mut reader = Reader::new(batch).sub(self.batch_len)?;
        reader.take(CHECKED_AT)?;
        let computed = crc32c::crc32c(reader.rest());
        if computed == self.crc {
            Ok(())
        } else {
            Err(Error::Checksum { stored: self.crc, computed })
        }
    }

    /// The offset of the last record.
    pub const fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.saturating_add(self.last_offset_delta as i64))
    }

    /// The offset of the first record of the next batch.
    pub const fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// Appends room for a header, to be filled by [`BatchHeader::fill`].
    pub(super) fn begin(out: &mut Vec<u8>) {
        out.extend_from_slice(&[0; HEADER_LEN]);
    }

    /// Writes this header over the first bytes of a batch, with the right length and checksum
    /// instead of those in `self`.
    pub(super) fn fill(&self, batch: &mut [u8]) -> Result<()> {
        let batch_length = i32::try_from(batch.len().saturating_sub(UNCOUNTED_LEN))
            .map_err(|_| Error::Unwritable { what: "a batch of 2 GiB or more" })?;
        let Some((place, records)) = batch.split_first_chunk_mut::<HEADER_LEN>() else {
            return Err(Error::Truncated { at: 0, needed: HEADER_LEN.saturating_sub(batch.len()) });
        };
        let mut header = Vec::with_capacity(HEADER_LEN);
        let mut writer = Writer::new(&mut header);
        writer.int64(self.base_offset.0);
        writer.int32(batch_length);
        writer.int32(self.leader_epoch.0);
        writer.int8(MAGIC);
        writer.uint32(0);
        writer.int16(i16::from(self.compression.id()));
        writer.int32(self.last_offset_delta);
        writer.int64(self.base_timestamp);
        writer.int64(self.max_timestamp);
        writer.int64(NO_PRODUCER);
        writer.int16(-1);
        writer.int32(-1);
        writer.int32(self.record_count);
        let checked = header.get(CHECKED_AT..).unwrap_or_default();
        let crc = crc32c::crc32c_append(crc32c::crc32c(checked), records);
        if let Some(crc_place) = header.get_mut(CRC_AT..CHECKED_AT) {
            crc_place.copy_from_slice(&crc.to_be_bytes());
        }
        place.copy_from_slice(&header);
        Ok(())
    }
}

/// Where the checksum stands.
const CRC_AT: usize = 17;

/// The producer id of a producer that is neither idempotent nor transactional.
const NO_PRODUCER: i64 = -1;

/// Places a batch in its partition. The checksum does not cover the offset.
///
/// # Errors
/// [`Error::Truncated`] if the bytes are no batch.
pub fn set_base_offset(batch: &mut [u8], offset: Offset) -> Result<()> {
    patch(batch, 0, offset.0.to_be_bytes())
}

/// Marks a batch with its writer. The checksum does not cover the epoch.
///
/// # Errors
/// [`Error::Truncated`] if the bytes are no batch.
pub fn set_leader_epoch(batch: &mut [u8], epoch: LeaderEpoch) -> Result<()> {
    patch(batch, LEADER_EPOCH_AT, epoch.0.to_be_bytes())
}

fn patch<const N: usize>(batch: &mut [u8], at: usize, bytes: [u8; N]) -> Result<()> {
    let missing = HEADER_LEN.saturating_sub(batch.len());
    match batch.get_mut(at..).and_then(|tail| tail.first_chunk_mut::<N>()) {
        Some(place) if missing == 0 => {
            *place = bytes;
            Ok(())
        }
        _ => Err(Error::Truncated { at: 0, needed: missing }),
    }
}

fn batch_len(batch_length: i32) -> Result<usize> {
    usize::try_from(batch_length)
        .ok()
        .and_then(|length| length.checked_add(UNCOUNTED_LEN))
        .filter(|length| *length >= HEADER_LEN)
        .ok_or(Error::Malformed { at: 8, what: "a batch length that holds the header" })
}

fn compression(attributes: i16) -> Result<Compression> {
    let [_, id] = (attributes & COMPRESSION_BITS).to_be_bytes();
    Compression::from_id(id).ok_or(Error::UnsupportedCompression { id })
}

fn not_below_zero<T: PartialOrd + From<bool>>(
    value: T,
    at: usize,
    what: &'static str,
) -> Result<T> {
    if value < T::from(false) { Err(Error::Malformed { at, what }) } else { Ok(value) }
}
