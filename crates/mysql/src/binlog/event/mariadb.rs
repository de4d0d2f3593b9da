//! The events that only MariaDB writes.

use crate::binlog::{DecodeError, cursor::Cursor, gtid::MariaDbGtid};

/// A transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MariaDbGtidEvent<'a> {
    /// Its global identifier.
    pub gtid: MariaDbGtid,
    /// See the methods.
    pub flags: u8,
    /// Transactions with the same number were committed together.
    pub commit_id: Option<u64>,
    /// Identifier of the XA transaction that is prepared or ended: format, global and branch part.
    pub xa: Option<(u32, &'a [u8], &'a [u8])>,
    /// The connection that executed it (11.5 and later).
    pub thread_id: Option<u32>,
}

/// What the files before this one hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GtidListEvent<'a> {
    entries: &'a [u8],
}

/// The statement behind the rows that follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnotateRows<'a> {
    /// In the character set of the client.
    pub statement: &'a [u8],
}

/// The oldest file that crash recovery still needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinlogCheckpoint<'a> {
    /// Its name.
    pub file: &'a [u8],
}

/// The rest of the file is encrypted on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartEncryption {
    /// The scheme; 1 is the only one.
    pub scheme: u8,
    /// Version of the key.
    pub key_version: u32,
    /// Nonce of the file.
    pub nonce: [u8; 12],
}

impl<'a> MariaDbGtidEvent<'a> {
    const STANDALONE: u8 = 1;
    const GROUP_COMMIT_ID: u8 = 2;
    const DDL: u8 = 32;
    const PREPARED_XA: u8 = 64;
    const COMPLETED_XA: u8 = 128;

    /// The group is a single statement without BEGIN and COMMIT around it.
    #[must_use]
    pub const fn is_standalone(&self) -> bool {
        self.flags & Self::STANDALONE != 0
    }

    /// The group changes definitions.
    #[must_use]
    pub const fn is_ddl(&self) -> bool {
        self.flags & Self::DDL != 0
    }

    /// The group ends with XA PREPARE.
    #[must_use]
    pub const fn is_xa_prepare(&self) -> bool {
        self.flags & Self::PREPARED_XA != 0
    }

    /// The group is the XA COMMIT or XA ROLLBACK of one that was prepared before.
    #[must_use]
    pub const fn is_xa_end(&self) -> bool {
        self.flags & Self::COMPLETED_XA != 0
    }

    pub(super) fn decode(server_id: u32, body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a MariaDB GTID event", body);
        let sequence = cursor.u64()?;
        let domain = cursor.u32()?;
        let flags = cursor.u8()?;
        let gtid = MariaDbGtid { domain, server_id, sequence };
        let mut event = Self { gtid, flags, commit_id: None, xa: None, thread_id: None };
        if flags & Self::GROUP_COMMIT_ID != 0 {
            event.commit_id = Some(cursor.u64()?);
        }
        if flags & (Self::PREPARED_XA | Self::COMPLETED_XA) != 0 {
            let format = cursor.u32()?;
            let (global, branch) = (cursor.u8()?, cursor.u8()?);
            let global = cursor.bytes(usize::from(global))?;
            event.xa = Some((format, global, cursor.bytes(usize::from(branch))?));
        }
        if !cursor.is_empty() {
            event.thread_id = extra_thread_id(&mut cursor)?;
        }
        if body.len() < GTID_POST_HEADER {
            return Err(cursor.malformed("it ends too early"));
        }
        Ok(event)
    }
}

/// The optional part behind the fixed one. Without group commit and XA it is preceded, in older
/// versions, by six zero bytes, which read as *nothing optional*.
fn extra_thread_id(cursor: &mut Cursor<'_>) -> Result<Option<u32>, DecodeError> {
    const MULTI_ENGINE: u8 = 1;
    const COMMIT_OR_ROLLBACK_ALTER: u8 = 4 | 8;
    const THREAD_ID: u8 = 16;
    let flags = cursor.u8()?;
    if flags & MULTI_ENGINE != 0 {
        cursor.u8()?;
    }
    if flags & COMMIT_OR_ROLLBACK_ALTER != 0 {
        cursor.u64()?;
    }
    if flags & THREAD_ID == 0 { Ok(None) } else { cursor.u32().map(Some) }
}

impl<'a> GtidListEvent<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a GTID_LIST event", body);
        // The upper four bits are flags.
        let count = cursor.u32()? & 0x0fff_ffff;
        let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(16));
        let Some(length) = length else {
            return Err(cursor.malformed("it ends too early"));
        };
        Ok(Self { entries: cursor.bytes(length)? })
    }

    /// The last transaction of each server in each domain, in no order that means something.
    pub fn gtids(&self) -> impl Iterator<Item = MariaDbGtid> + 'a {
        let (entries, _) = self.entries.as_chunks::<16>();
        entries.iter().filter_map(|entry| {
            let mut cursor = Cursor::new("a GTID_LIST event", entry);
            let domain = cursor.u32().ok()?;
            let server_id = cursor.u32().ok()?;
            Some(MariaDbGtid { domain, server_id, sequence: cursor.u64().ok()? })
        })
    }
}

impl<'a> BinlogCheckpoint<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a BINLOG_CHECKPOINT event", body);
        let length = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        Ok(Self { file: cursor.bytes(length)? })
    }
}

impl StartEncryption {
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a START_ENCRYPTION event", body);
        Ok(Self { scheme: cursor.u8()?, key_version: cursor.u32()?, nonce: cursor.array()? })
    }
}

const GTID_POST_HEADER: usize = 19;
