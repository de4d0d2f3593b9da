//! Events about the log and the server rather than about data.

use super::header::EventHeader;
use crate::binlog::{DecodeError, cursor::Cursor};

/// The log goes on in another file. A fake one (artificial, with `log_pos` 0) stands at the start of
/// each dump and names the file that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotate<'a> {
    /// Where the first event of the next file stands.
    pub position: u64,
    /// Name of the next file.
    pub file: &'a [u8],
}

/// A sign of life of an idle server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat<'a> {
    /// Name of the file that the server is reading; empty if it does not say.
    pub file: &'a [u8],
    /// Everything up to there was sent. The first version knows only the lower 32 bits.
    pub position: u64,
}

/// The server lost something between what came before and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident<'a> {
    /// The kind; 1 is *lost events*.
    pub number: u16,
    /// The server's own words.
    pub message: &'a [u8],
}

/// An XA transaction is prepared, or committed in one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XaPrepare<'a> {
    /// The transaction ends here, without a prepared state in between.
    pub one_phase: bool,
    /// The format number of its identifier.
    pub format_id: i32,
    /// Global part of its identifier.
    pub global_id: &'a [u8],
    /// Branch part of its identifier.
    pub branch_id: &'a [u8],
}

impl<'a> Rotate<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a ROTATE event", body);
        let position = cursor.u64()?;
        if cursor.is_empty() {
            return Err(cursor.malformed("it names no file"));
        }
        Ok(Self { position, file: cursor.rest() })
    }
}

impl<'a> Heartbeat<'a> {
    pub(super) fn decode_v1(header: &EventHeader, body: &'a [u8]) -> Self {
        Self { file: body, position: u64::from(header.log_pos) }
    }

    /// Fields of type, length and value, ended by type 0.
    pub(super) fn decode_v2(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a HEARTBEAT event", body);
        let mut heartbeat = Self { file: &[], position: 0 };
        while !cursor.is_empty() {
            let kind = cursor.packed()?;
            if kind == 0 {
                break;
            }
            let field = cursor.packed_bytes()?;
            match kind {
                1 => heartbeat.file = field,
                2 => heartbeat.position = Cursor::new("a HEARTBEAT event", field).packed()?,
                _ => {}
            }
        }
        if heartbeat.file.is_empty() {
            return Err(cursor.malformed("it names no file"));
        }
        Ok(heartbeat)
    }
}

impl<'a> Incident<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("an INCIDENT event", body);
        Ok(Self { number: cursor.u16()?, message: cursor.short_bytes()? })
    }
}

impl<'a> XaPrepare<'a> {
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("an XA_PREPARE event", body);
        let one_phase = cursor.u8()? != 0;
        let format_id = cursor.u32()?.cast_signed();
        let (global, branch) = (cursor.u32()?, cursor.u32()?);
        let length = |length: u32| usize::try_from(length).unwrap_or(usize::MAX);
        let global_id = cursor.bytes(length(global))?;
        let branch_id = cursor.bytes(length(branch))?;
        Ok(Self { one_phase, format_id, global_id, branch_id })
    }
}

/// The statement of a ROWS_QUERY event. Its length byte is of no use beyond 255 bytes.
pub(super) fn rows_query(body: &[u8]) -> Result<&[u8], DecodeError> {
    let mut cursor = Cursor::new("a ROWS_QUERY event", body);
    cursor.u8()?;
    Ok(cursor.rest())
}
