//! GTID events of MySQL: where a transaction begins.

use change::UnixTime;

use super::header::EventType;
use crate::binlog::gtid::{Gtid, GtidSet, Tag, Uuid};
use crate::binlog::{DecodeError, cursor::Cursor};

/// A transaction begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GtidEvent {
    /// Its global identifier; anonymous transactions have none.
    pub gtid: Option<Gtid>,
    /// The transaction may hold statements in statement format (bit 0).
    pub flags: u8,
    /// The transaction needs those up to this one of the same file to be done.
    pub last_committed: i64,
    /// Number of the transaction in its file.
    pub sequence_number: i64,
    /// When it was committed on the server that wrote this log (8.0 and later).
    pub immediate_commit: Option<UnixTime>,
    /// When it was committed on the server that first executed it (8.0 and later).
    pub original_commit: Option<UnixTime>,
    /// Bytes of the whole transaction, this event included (8.0 and later).
    pub transaction_length: Option<u64>,
    /// Version of the server that wrote this log, like 80034 (8.0.14 and later).
    pub immediate_server_version: Option<u32>,
    /// Version of the server that first executed it.
    pub original_server_version: Option<u32>,
}

/// What the files before this one hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousGtids<'a> {
    pub(super) body: &'a [u8],
}

impl GtidEvent {
    pub(super) fn decode(kind: EventType, body: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a GTID event", body);
        let flags = cursor.u8()?;
        let uuid = Uuid::from_bytes(cursor.array()?);
        let number = cursor.u64()?;
        let gtid = match kind {
            EventType::ANONYMOUS_GTID => None,
            _ => Some(gtid(&cursor, uuid, Tag::EMPTY, number.cast_signed())?),
        };
        let mut event = Self { gtid, flags, ..Self::empty() };
        // MySQL 5.6 wrote nothing more.
        if cursor.is_empty() || cursor.u8()? != LOGICAL_TIMESTAMP {
            return Ok(event);
        }
        event.last_committed = cursor.u64()?.cast_signed();
        event.sequence_number = cursor.u64()?.cast_signed();
        // Neither did 5.7.
        if cursor.is_empty() {
            return Ok(event);
        }
        let immediate = cursor.u56()?;
        let original = if immediate & 1 << 55 == 0 { immediate } else { cursor.u56()? };
        event.immediate_commit = time(immediate & !(1 << 55));
        event.original_commit = time(original);
        if !cursor.is_empty() {
            event.transaction_length = Some(cursor.packed()?);
        }
        if !cursor.is_empty() {
            let immediate = cursor.u32()?;
            let original = if immediate & 1 << 31 == 0 { immediate } else { cursor.u32()? };
            event.immediate_server_version = Some(immediate & !(1 << 31));
            event.original_server_version = Some(original);
        }
        Ok(event)
    }

    /// The form of MySQL 8.3 and later for GTIDs with a tag: numbered fields of the serialization
    /// library (`Gtid_event::define_fields`).
    pub(super) fn decode_tagged(body: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a GTID_TAGGED event", body);
        if cursor.varint()? != 1 {
            return Err(cursor.malformed("its serialization version is not 1"));
        }
        let size = cursor.varint()?;
        if size != u64::try_from(body.len()).unwrap_or(u64::MAX) {
            return Err(cursor.malformed("its length is not the one it says"));
        }
        let last_needed = cursor.varint()?;
        let mut event = Self::empty();
        let (mut uuid, mut tag, mut number) = (None, Tag::EMPTY, None);
        while !cursor.is_empty() {
            let field = cursor.varint()?;
            match field {
                0 => event.flags = byte(&mut cursor)?,
                1 => uuid = Some(tagged_uuid(&mut cursor)?),
                2 => number = Some(cursor.signed_varint()?),
                3 => {
                    let length = usize::try_from(cursor.varint()?).unwrap_or(usize::MAX);
                    let text = cursor.bytes(length)?;
                    tag = Tag::parse(text).ok_or(cursor.malformed("its tag is not allowed"))?;
                }
                4 => event.last_committed = cursor.signed_varint()?,
                5 => event.sequence_number = cursor.signed_varint()?,
                6 => event.immediate_commit = time(cursor.varint()?),
                7 => event.original_commit = time(cursor.varint()?),
                8 => event.transaction_length = Some(cursor.varint()?),
                9 => event.immediate_server_version = u32::try_from(cursor.varint()?).ok(),
                10 => event.original_server_version = u32::try_from(cursor.varint()?).ok(),
                // Unknown fields stand behind the known ones and may be ignored, unless said so.
                unknown if unknown < last_needed => {
                    return Err(cursor.malformed("it has a field that must not be ignored"));
                }
                _ => break,
            }
        }
        let (Some(uuid), Some(number)) = (uuid, number) else {
            return Err(cursor.malformed("it has no identifier"));
        };
        event.gtid = Some(gtid(&cursor, uuid, tag, number)?);
        event.original_commit = event.original_commit.or(event.immediate_commit);
        event.original_server_version =
            event.original_server_version.or(event.immediate_server_version);
        Ok(event)
    }

    const fn empty() -> Self {
        Self {
            gtid: None,
            flags: 0,
            last_committed: 0,
            sequence_number: 0,
            immediate_commit: None,
            original_commit: None,
            transaction_length: None,
            immediate_server_version: None,
            original_server_version: None,
        }
    }
}

impl PreviousGtids<'_> {
    /// The set.
    ///
    /// # Errors
    /// The event is damaged.
    pub fn set(&self) -> Result<GtidSet, DecodeError> {
        GtidSet::decode(self.body)
    }
}

fn gtid(cursor: &Cursor<'_>, uuid: Uuid, tag: Tag, number: i64) -> Result<Gtid, DecodeError> {
    match u64::try_from(number) {
        Ok(number) if number > 0 => Ok(Gtid { uuid, tag, number }),
        _ => Err(cursor.malformed("its number is not positive")),
    }
}

fn byte(cursor: &mut Cursor<'_>) -> Result<u8, DecodeError> {
    u8::try_from(cursor.varint()?).map_err(|_| cursor.malformed("a byte is over 255"))
}

fn tagged_uuid(cursor: &mut Cursor<'_>) -> Result<Uuid, DecodeError> {
    let mut bytes = [0; 16];
    for to in &mut bytes {
        *to = byte(cursor)?;
    }
    Ok(Uuid::from_bytes(bytes))
}

fn time(micros: u64) -> Option<UnixTime> {
    i64::try_from(micros).ok().map(UnixTime::from_micros)
}

const LOGICAL_TIMESTAMP: u8 = 2;
