//! The 19 bytes in front of each event, and the checksum behind it.

use change::{RowOperation, UnixTime};

use crate::binlog::{DecodeError, cursor::Cursor};

/// One event as it stands in the log: header read, checksum verified and stripped.
#[derive(Debug, Clone, Copy)]
pub struct RawEvent<'a> {
    /// The common header.
    pub header: EventHeader,
    /// What stands between header and checksum.
    pub body: &'a [u8],
}

/// The common header, version 4 of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventHeader {
    /// Seconds since the epoch when the statement began; 0 for artificial events.
    pub timestamp: u32,
    /// What kind of event it is.
    pub event_type: EventType,
    /// The server that first wrote the event.
    pub server_id: u32,
    /// Length of the whole event, header and checksum included.
    pub event_size: u32,
    /// Where the event ends in its file, modulo 2^32; 0 for artificial events and inside of
    /// transaction payloads.
    pub log_pos: u32,
    /// See [`EventHeader::is_ignorable`] and [`EventHeader::is_artificial`].
    pub flags: u16,
}

/// What stands behind each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// Nothing.
    #[default]
    None,
    /// Four bytes of CRC-32 (the polynomial of zlib).
    Crc32,
}

/// How a rows event is laid out, as its type number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::binlog) struct RowsLayout {
    pub(in crate::binlog) operation: RowOperation,
    /// Extra data stand in front of the columns.
    pub(in crate::binlog) version2: bool,
    /// MariaDB's compression.
    pub(in crate::binlog) compressed: bool,
    /// MySQL's partial updates.
    pub(in crate::binlog) partial: bool,
}

/// The number that tells what an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventType(u8);

impl<'a> RawEvent<'a> {
    /// Reads the header of the one event that `bytes` hold and verifies its checksum.
    ///
    /// A FORMAT_DESCRIPTION event says itself what checksum it carries, whatever `checksum` is.
    /// The events inside of a transaction payload carry none.
    ///
    /// # Errors
    /// The event is shorter or longer than it says, or its checksum is wrong.
    pub fn parse(bytes: &'a [u8], checksum: Checksum) -> Result<Self, DecodeError> {
        let header = EventHeader::parse(bytes)?;
        if usize::try_from(header.event_size) != Ok(bytes.len()) {
            return Err(DecodeError::malformed("an event", "its length is not the one it says"));
        }
        let content = if header.event_type == EventType::FORMAT_DESCRIPTION {
            format_description_content(bytes)?
        } else {
            match checksum {
                Checksum::None => bytes,
                Checksum::Crc32 => verified(header.event_type, bytes)?,
            }
        };
        let body = content
            .get(EventHeader::LENGTH..)
            .ok_or(DecodeError::malformed("an event", "it is shorter than its checksum"))?;
        Ok(Self { header, body })
    }
}

impl EventHeader {
    /// Bytes of the header.
    pub const LENGTH: usize = 19;

    /// Reads the header at the start of `bytes`.
    ///
    /// # Errors
    /// There are fewer than [`EventHeader::LENGTH`] bytes, or the event says it is shorter than that.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("an event header", bytes);
        let header = Self {
            timestamp: cursor.u32()?,
            event_type: EventType(cursor.u8()?),
            server_id: cursor.u32()?,
            event_size: cursor.u32()?,
            log_pos: cursor.u32()?,
            flags: cursor.u16()?,
        };
        if usize::try_from(header.event_size).is_ok_and(|size| size < Self::LENGTH) {
            return Err(cursor.malformed("the event is shorter than its header"));
        }
        Ok(header)
    }

    /// Who does not know the event may skip it (`LOG_EVENT_IGNORABLE_F`).
    #[must_use]
    pub const fn is_ignorable(&self) -> bool {
        self.flags & 0x80 != 0
    }

    /// The event was made for this connection and stands in no file (`LOG_EVENT_ARTIFICIAL_F`).
    #[must_use]
    pub const fn is_artificial(&self) -> bool {
        self.flags & 0x20 != 0
    }

    /// When the statement behind the event began.
    #[must_use]
    pub fn time(&self) -> UnixTime {
        UnixTime::from_seconds(i64::from(self.timestamp))
    }
}

#[allow(missing_docs, reason = "the names are those of MySQL's and MariaDB's own enumerations")]
impl EventType {
    pub const QUERY: Self = Self(2);
    pub const STOP: Self = Self(3);
    pub const ROTATE: Self = Self(4);
    pub const INTVAR: Self = Self(5);
    pub const LOAD: Self = Self(6);
    pub const SLAVE: Self = Self(7);
    pub const CREATE_FILE: Self = Self(8);
    pub const APPEND_BLOCK: Self = Self(9);
    pub const EXEC_LOAD: Self = Self(10);
    pub const DELETE_FILE: Self = Self(11);
    pub const NEW_LOAD: Self = Self(12);
    pub const RAND: Self = Self(13);
    pub const USER_VAR: Self = Self(14);
    pub const FORMAT_DESCRIPTION: Self = Self(15);
    pub const XID: Self = Self(16);
    pub const BEGIN_LOAD_QUERY: Self = Self(17);
    pub const EXECUTE_LOAD_QUERY: Self = Self(18);
    pub const TABLE_MAP: Self = Self(19);
    pub const PRE_GA_WRITE_ROWS: Self = Self(20);
    pub const PRE_GA_UPDATE_ROWS: Self = Self(21);
    pub const PRE_GA_DELETE_ROWS: Self = Self(22);
    pub const WRITE_ROWS_V1: Self = Self(23);
    pub const UPDATE_ROWS_V1: Self = Self(24);
    pub const DELETE_ROWS_V1: Self = Self(25);
    pub const INCIDENT: Self = Self(26);
    pub const HEARTBEAT: Self = Self(27);
    pub const IGNORABLE: Self = Self(28);
    pub const ROWS_QUERY: Self = Self(29);
    pub const WRITE_ROWS: Self = Self(30);
    pub const UPDATE_ROWS: Self = Self(31);
    pub const DELETE_ROWS: Self = Self(32);
    pub const GTID: Self = Self(33);
    pub const ANONYMOUS_GTID: Self = Self(34);
    pub const PREVIOUS_GTIDS: Self = Self(35);
    pub const TRANSACTION_CONTEXT: Self = Self(36);
    pub const VIEW_CHANGE: Self = Self(37);
    pub const XA_PREPARE: Self = Self(38);
    pub const PARTIAL_UPDATE_ROWS: Self = Self(39);
    pub const TRANSACTION_PAYLOAD: Self = Self(40);
    pub const HEARTBEAT_V2: Self = Self(41);
    pub const GTID_TAGGED: Self = Self(42);
    pub const ANNOTATE_ROWS: Self = Self(160);
    pub const BINLOG_CHECKPOINT: Self = Self(161);
    pub const MARIADB_GTID: Self = Self(162);
    pub const MARIADB_GTID_LIST: Self = Self(163);
    pub const START_ENCRYPTION: Self = Self(164);
    pub const QUERY_COMPRESSED: Self = Self(165);
    pub const WRITE_ROWS_COMPRESSED_V1: Self = Self(166);
    pub const UPDATE_ROWS_COMPRESSED_V1: Self = Self(167);
    pub const DELETE_ROWS_COMPRESSED_V1: Self = Self(168);
    pub const WRITE_ROWS_COMPRESSED: Self = Self(169);
    pub const UPDATE_ROWS_COMPRESSED: Self = Self(170);
    pub const DELETE_ROWS_COMPRESSED: Self = Self(171);
}

impl EventType {
    /// The number in the header.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Known, and without meaning for row changes: parts of statements in statement format (their
    /// query follows or came before), and group replication's own.
    pub(super) const fn is_skippable(self) -> bool {
        matches!(
            self,
            Self::INTVAR
                | Self::RAND
                | Self::USER_VAR
                | Self::LOAD
                | Self::SLAVE
                | Self::CREATE_FILE
                | Self::APPEND_BLOCK
                | Self::EXEC_LOAD
                | Self::DELETE_FILE
                | Self::NEW_LOAD
                | Self::BEGIN_LOAD_QUERY
                | Self::IGNORABLE
                | Self::TRANSACTION_CONTEXT
                | Self::VIEW_CHANGE
        )
    }

    /// Rows in the form of MySQL 5.1 before it was generally available.
    pub(super) const fn is_pre_ga_rows(self) -> bool {
        matches!(
            self,
            Self::PRE_GA_WRITE_ROWS | Self::PRE_GA_UPDATE_ROWS | Self::PRE_GA_DELETE_ROWS
        )
    }

    pub(super) const fn rows_layout(self) -> Option<RowsLayout> {
        let (operation, version2, compressed) = match self {
            Self::WRITE_ROWS_V1 => (RowOperation::Insert, false, false),
            Self::UPDATE_ROWS_V1 => (RowOperation::Update, false, false),
            Self::DELETE_ROWS_V1 => (RowOperation::Delete, false, false),
            Self::WRITE_ROWS => (RowOperation::Insert, true, false),
            Self::UPDATE_ROWS => (RowOperation::Update, true, false),
            Self::DELETE_ROWS => (RowOperation::Delete, true, false),
            Self::PARTIAL_UPDATE_ROWS => (RowOperation::Update, true, false),
            Self::WRITE_ROWS_COMPRESSED_V1 => (RowOperation::Insert, false, true),
            Self::UPDATE_ROWS_COMPRESSED_V1 => (RowOperation::Update, false, true),
            Self::DELETE_ROWS_COMPRESSED_V1 => (RowOperation::Delete, false, true),
            Self::WRITE_ROWS_COMPRESSED => (RowOperation::Insert, true, true),
            Self::UPDATE_ROWS_COMPRESSED => (RowOperation::Update, true, true),
            Self::DELETE_ROWS_COMPRESSED => (RowOperation::Delete, true, true),
            _ => return None,
        };
        let partial = matches!(self, Self::PARTIAL_UPDATE_ROWS);
        Some(RowsLayout { operation, version2, compressed, partial })
    }
}

impl Checksum {
    /// From the number of the algorithm in a FORMAT_DESCRIPTION event.
    pub(super) fn from_number(number: u8) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::None),
            1 => Ok(Self::Crc32),
            _ => Err(DecodeError::Unsupported(format!(
                "the checksum algorithm {number} of the binlog is not supported"
            ))),
        }
    }
}

/// A FORMAT_DESCRIPTION event up to and including the number of the checksum algorithm. The four
/// bytes of a checksum follow even where the algorithm is *none*.
fn format_description_content(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let algorithm = bytes.len().checked_sub(5).and_then(|index| bytes.get(index));
    let Some(algorithm) = algorithm else {
        return Err(DecodeError::malformed("an event", "it is shorter than its checksum"));
    };
    match Checksum::from_number(*algorithm)? {
        Checksum::Crc32 => verified(EventType::FORMAT_DESCRIPTION, bytes),
        Checksum::None => Ok(bytes.get(..bytes.len().saturating_sub(4)).unwrap_or_default()),
    }
}

/// `bytes` without its last four, which have to be the checksum of the others.
fn verified(event_type: EventType, bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let (content, stored) = bytes
        .split_last_chunk::<4>()
        .ok_or(DecodeError::malformed("an event", "it is shorter than its checksum"))?;
    let found = u32::from_le_bytes(*stored);
    let computed = crc32fast::hash(content);
    if found != computed {
        return Err(DecodeError::Checksum { event_type: event_type.0, found, computed });
    }
    Ok(content)
}
