//! The header of a record batch, as far as storing and finding batches needs it.
//!
//! Kafka's record batch format v2 (`DefaultRecordBatch`), 61 bytes, big endian. The checksum covers
//! everything behind it, so neither base offset nor leader epoch: those are checked by their order.

/// The number of a record in its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub i64);

/// How many writers a partition has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LeaderEpoch(pub i32);

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for LeaderEpoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes of a header; the records follow.
pub(crate) const HEADER_LEN: usize = 61;
/// Where the leader epoch stands.
const EPOCH_AT: usize = 12;
/// Where the checksum stands; it covers what follows it.
pub(crate) const CRC_AT: usize = 17;
/// Where the checksummed bytes start.
pub(crate) const CHECKED_AT: usize = 21;
/// The base offset and the length field are not counted by the length field.
const BEFORE_LENGTH: u64 = 12;

/// What we need of a batch's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    /// Offset of the first record.
    pub(crate) base_offset: Offset,
    /// Offset behind the last record.
    pub(crate) next_offset: Offset,
    /// Bytes of the whole batch, header included.
    pub(crate) length: u64,
    /// CRC32C of everything from the attributes on.
    pub(crate) crc: u32,
    /// Timestamp of the first record, in milliseconds.
    pub(crate) base_timestamp_ms: i64,
    /// The highest timestamp, in milliseconds.
    pub(crate) max_timestamp_ms: i64,
}

impl BatchHeader {
    /// Reads a header and checks what can be checked without the records.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes: &[u8; HEADER_LEN] =
            bytes.first_chunk().ok_or("it ends inside a batch header")?;
        let base_offset = i64::from_be_bytes(field(bytes, 0)?);
        let length = u64::try_from(i32::from_be_bytes(field(bytes, 8)?))
            .map_err(|_| "the batch length is negative")?
            .saturating_add(BEFORE_LENGTH);
        let [magic] = field(bytes, 16)?;
        let last_offset_delta = i32::from_be_bytes(field(bytes, 23)?);
        let records = i32::from_be_bytes(field(bytes, 57)?);
        if magic != 2 {
            return Err("the batch is not of format v2");
        }
        if length < HEADER_LEN as u64 {
            return Err("the batch length is shorter than its header");
        }
        if base_offset < 0 || last_offset_delta < 0 || records < 1 {
            return Err("the batch holds no records");
        }
        let next_offset = base_offset
            .checked_add(i64::from(last_offset_delta) + 1)
            .ok_or("the batch ends beyond the last possible offset")?;
        Ok(Self {
            base_offset: Offset(base_offset),
            next_offset: Offset(next_offset),
            length,
            crc: u32::from_be_bytes(field(bytes, CRC_AT)?),
            base_timestamp_ms: i64::from_be_bytes(field(bytes, 27)?),
            max_timestamp_ms: i64::from_be_bytes(field(bytes, 35)?),
        })
    }

    /// Writes the leader epoch into a batch; the checksum does not cover it.
    pub(crate) fn patch_leader_epoch(batch: &mut [u8], epoch: LeaderEpoch) {
        if let Some(field) = batch.get_mut(EPOCH_AT..EPOCH_AT + 4) {
            field.copy_from_slice(&epoch.0.to_be_bytes());
        }
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_LEN], at: usize) -> Result<[u8; N], &'static str> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or("the header is too short")
}
