//! `partition.meta`: who this log is, and how many writers it has had.

use std::fmt;
use std::path::Path;

use crate::durable::{self, Disk, File};
use crate::{Error, LeaderEpoch};

/// The name of the file in the partition's folder.
pub(crate) const FILE_NAME: &str = "partition.meta";
/// The newest format of a partition's folder that we read, and the one we write.
pub(crate) const FORMAT_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"wh-parti";
const LEN: usize = 36;
const CHECKED: usize = 32;

/// The identity of a log's contents: the Kafka `cluster_id` that clients see. It changes when
/// offsets are given out anew, so that clients notice (a DTS client then seeks again by time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Incarnation([u8; 16]);

/// What `partition.meta` holds. All numbers are big endian.
///
/// | byte | length | what |
/// |---|---|---|
/// | 0 | 8 | magic `wh-parti` |
/// | 8 | 4 | format version of the whole folder, this file and the `.log` files included: 1 |
/// | 12 | 4 | leader epoch: [`new_epoch`] for the first writer, one more for each later one that found space |
/// | 16 | 16 | incarnation, a random UUID |
/// | 32 | 4 | CRC32C of the bytes before |
///
/// The file is replaced whole, never written in place. Magic and version keep their places for
/// ever; a later version may move the rest.
///
/// One version for the folder: a release that writes anything else into it first replaces this file,
/// durably, so that an older one refuses the folder before it touches a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) leader_epoch: LeaderEpoch,
    pub(crate) incarnation: Incarnation,
}

/// The leader epoch that a new log begins with: minutes since 2020-01-01 UTC.
///
/// A client that knew another log of the same name, with a greater epoch, would take this one for a
/// leader that is behind (KIP-320), and wait for it for ever unless it knows topics by id. Epochs grow by
/// one with each start, so a log that comes later begins with a greater one.
#[must_use]
pub fn new_epoch(now_ms: i64) -> LeaderEpoch {
    let minutes = now_ms.saturating_sub(EPOCHS_BEGIN_MS).div_euclid(60_000);
    LeaderEpoch(i32::try_from(minutes.max(1)).unwrap_or(i32::MAX >> 1))
}

/// 2020-01-01 UTC.
const EPOCHS_BEGIN_MS: i64 = 1_577_836_800_000;

impl Incarnation {
    /// From the sixteen bytes of a random UUID.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Kafka's spelling of a UUID (`org.apache.kafka.common.Uuid`): 22 characters of URL-safe base64.
impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let number = u128::from_be_bytes(self.0);
        for group in 0..22_u32 {
            // 128 bits in groups of six from the top; the last group has two bits, padded with
            // zeros.
            let bits = match 122_u32.checked_sub(group * 6) {
                Some(shift) => number >> shift,
                None => number << 4,
            };
            let letter = ALPHABET.get((bits & 63) as usize).copied().unwrap_or(b'_');
            f.write_str(char::from(letter).encode_utf8(&mut [0; 4]))?;
        }
        Ok(())
    }
}

impl Meta {
    /// Reads the file; `None` if there is none.
    pub(crate) fn load(disk: &dyn Disk, folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE_NAME);
        let file = match disk.open(&path).map_err(Error::io("opening", &path)) {
            Ok(file) => file,
            Err(error) if error.is_missing_file() => return Ok(None),
            Err(error) => return Err(error),
        };
        Self::read(&*file, &path).map(Some)
    }

    /// Reads the opened file.
    pub(crate) fn read(file: &dyn File, path: &Path) -> Result<Self, Error> {
        let length = file.length().map_err(Error::io("reading", path))?;
        let mut bytes = vec![0; LEN.min(usize::try_from(length).unwrap_or(LEN))];
        durable::read_exact_at(file, &mut bytes, 0).map_err(Error::io("reading", path))?;
        Self::decode(&bytes, path)
    }

    /// Replaces the file.
    pub(crate) fn store(&self, disk: &dyn Disk, folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE_NAME);
        durable::replace(disk, &path, &self.encode()).map_err(Error::io("writing", &path))
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
        bytes.extend_from_slice(&self.leader_epoch.0.to_be_bytes());
        bytes.extend_from_slice(&self.incarnation.0);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8], path: &Path) -> Result<Self, Error> {
        if !bytes.starts_with(MAGIC) {
            return Err(Error::corrupt(path, 0, "it does not start as a partition.meta does"));
        }
        let version = u32::from_be_bytes(field(bytes, 8, path)?);
        if version > FORMAT_VERSION {
            let path = path.to_path_buf();
            return Err(Error::NewerFormat { path, found: version, supported: FORMAT_VERSION });
        }
        let crc = u32::from_be_bytes(field(bytes, CHECKED, path)?);
        if version == 0 || bytes.get(..CHECKED).map(crc32c::crc32c) != Some(crc) {
            return Err(Error::corrupt(path, 0, "its checksum does not fit"));
        }
        Ok(Self {
            leader_epoch: LeaderEpoch(i32::from_be_bytes(field(bytes, 12, path)?)),
            incarnation: Incarnation(field(bytes, 16, path)?),
        })
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize, path: &Path) -> Result<[u8; N], Error> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or_else(|| Error::corrupt(path, at as u64, "it is too short"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> Meta {
        Meta { leader_epoch: LeaderEpoch(7), incarnation: Incarnation([0x5a; 16]) }
    }

    #[test]
    fn every_truncation_and_every_flipped_bit_is_refused() {
        let bytes = meta().encode();
        let path = Path::new("partition.meta");
        assert_eq!(Meta::decode(&bytes, path).unwrap(), meta());
        for length in 0..bytes.len() {
            assert!(Meta::decode(&bytes[..length], path).is_err(), "{length} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Meta::decode(&flipped, path).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn epochs_of_new_logs_grow_with_time_and_are_never_below_one() {
        let at = |now_ms| new_epoch(now_ms).0;
        assert_eq!(at(1_704_067_200_000), 2_103_840, "2024-01-01");
        assert_eq!(at(1_704_067_259_999), 2_103_840);
        assert_eq!(at(1_704_067_260_000), 2_103_841);
        for long_ago in [EPOCHS_BEGIN_MS, 0, i64::MIN] {
            assert_eq!(at(long_ago), 1);
        }
        assert!(at(i64::MAX) < i32::MAX, "there is room to count");
    }

    #[test]
    fn an_incarnation_is_spelled_as_kafka_spells_a_uuid() {
        // Kafka's Uuid.ONE_UUID and METADATA_TOPIC_ID, and all ones, from its UuidTest.
        let one = Incarnation::from_bytes(1_u128.to_be_bytes());
        assert_eq!(one.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(Incarnation::from_bytes([255; 16]).to_string(), "_____________________w");
    }
}
