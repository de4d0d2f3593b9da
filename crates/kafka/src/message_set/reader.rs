//! Reads message sets as a client does.

use crate::{
    Error, Offset, Result,
    batch::{self, Compression},
    codec::Reader,
    message_set::message::{LOG_APPEND_TIME_BIT, UNCOUNTED_LEN, checksum},
};

/// One message, out of its wrapper if it had one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place in the partition.
    pub offset: Offset,
    /// Milliseconds; `None` in format 0.
    pub timestamp_ms: Option<i64>,
    /// How its wrapper is compressed.
    pub compression: Compression,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
}

/// A message as it stands in a set.
struct Standing<'a> {
    offset: Offset,
    magic: u8,
    attributes: u8,
    timestamp_ms: Option<i64>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

/// All messages of a set, wrapped ones in the place of their wrapper. A wrapper may decompress to at
/// most `cap` bytes.
///
/// # Errors
/// [`Error::Truncated`] if the last message is not whole, [`Error::Checksum`],
/// [`Error::UnsupportedMagic`], [`Error::UnsupportedCompression`], [`Error::Malformed`], and what goes
/// wrong when a wrapper is decompressed.
pub fn messages(set: &[u8], cap: usize) -> Result<Vec<Message>> {
    let mut found = Vec::new();
    let mut reader = Reader::new(set);
    while !reader.is_empty() {
        let standing = Standing::read(&mut reader)?;
        match standing.compression()? {
            Compression::None => found.push(standing.message(Compression::None)),
            compression => unwrap(&standing, compression, cap, &mut found)?,
        }
    }
    Ok(found)
}

fn unwrap(
    wrapper: &Standing<'_>,
    compression: Compression,
    cap: usize,
    found: &mut Vec<Message>,
) -> Result<()> {
    let value = wrapper.value.ok_or(Error::Malformed { at: 0, what: "a wrapper with a value" })?;
    let mut set = Vec::new();
    match (compression, wrapper.magic) {
        (Compression::Lz4, 0) => batch::decompress_legacy_lz4(value, cap, &mut set)?,
        _ => compression.decompress(value, cap, &mut set)?,
    }
    let first = found.len();
    let mut reader = Reader::new(&set);
    while !reader.is_empty() {
        let at = reader.position();
        let standing = Standing::read(&mut reader)?;
        if standing.magic != wrapper.magic || standing.compression()? != Compression::None {
            return Err(Error::Malformed { at, what: "plain messages of its format in a wrapper" });
        }
        found.push(standing.message(compression));
    }
    let inside = found.get_mut(first..).unwrap_or_default();
    let last = inside.last().map_or(Offset(0), |last| last.offset);
    let shift = if wrapper.magic == 0 { 0 } else { wrapper.offset.0.saturating_sub(last.0) };
    for message in inside {
        message.offset = Offset(message.offset.0.saturating_add(shift));
        if wrapper.attributes & LOG_APPEND_TIME_BIT != 0 {
            message.timestamp_ms = wrapper.timestamp_ms;
        }
    }
    Ok(())
}

impl<'a> Standing<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let at = reader.position();
        let offset = Offset(reader.int64()?);
        let length = usize::try_from(reader.int32()?)
            .map_err(|_| Error::Malformed { at, what: "a message length of at least 0" })?;
        let mut reader = reader.sub(length)?;
        let stored = reader.uint32()?;
        let computed = checksum(reader.rest());
        if stored != computed {
            return Err(Error::Checksum { stored, computed });
        }
        let (magic, attributes) = (reader.uint8()?, reader.uint8()?);
        let timestamp_ms = match magic {
            0 => None,
            1 => Some(reader.int64()?),
            _ => return Err(Error::UnsupportedMagic { magic: magic.cast_signed() }),
        };
        let (key, value) = (field(&mut reader)?, field(&mut reader)?);
        if !reader.is_empty() {
            let at = at.saturating_add(UNCOUNTED_LEN).saturating_add(reader.position());
            return Err(Error::Malformed { at, what: "the end of the message behind its value" });
        }
        Ok(Self { offset, magic, attributes, timestamp_ms, key, value })
    }

    fn compression(&self) -> Result<Compression> {
        let id = self.attributes & COMPRESSION_BITS;
        Compression::from_id(id)
            .filter(|compression| *compression != Compression::Zstd)
            .ok_or(Error::UnsupportedCompression { id })
    }

    fn message(&self, compression: Compression) -> Message {
        Message {
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            compression,
            key: self.key.map(<[u8]>::to_vec),
            value: self.value.map(<[u8]>::to_vec),
        }
    }
}

const COMPRESSION_BITS: u8 = 0b111;

/// Bytes behind their length.
fn field<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>> {
    let at = reader.position();
    match reader.int32()? {
        -1 => Ok(None),
        length => {
            let length = usize::try_from(length)
                .map_err(|_| Error::Malformed { at, what: "a length of at least −1" })?;
            reader.take(length).map(Some)
        }
    }
}
