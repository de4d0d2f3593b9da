//! FORMAT_DESCRIPTION: the first event of each file.

use super::header::{Checksum, EventType};
use crate::binlog::{DecodeError, cursor::Cursor};

/// How the events of a file are laid out, and who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatDescription {
    /// The server's version text, like `8.0.34` or `10.11.6-MariaDB-log`.
    pub server_version: String,
    /// What stands behind each event of the file.
    pub checksum: Checksum,
    /// When the server created the file, if it was the first one after its start, else 0.
    pub created: u32,
    /// Whether MariaDB wrote the file.
    pub(crate) mariadb: bool,
    /// Length of the fixed part of each event, by type number less one.
    pub(crate) post_header_lengths: Vec<u8>,
}

impl FormatDescription {
    /// What is assumed before the first event: today's layout without checksums.
    #[must_use]
    pub const fn assumed() -> Self {
        Self {
            server_version: String::new(),
            checksum: Checksum::None,
            created: 0,
            mariadb: false,
            post_header_lengths: Vec::new(),
        }
    }

    /// Whether MariaDB wrote the file.
    #[must_use]
    pub const fn is_mariadb(&self) -> bool {
        self.mariadb
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new("a FORMAT_DESCRIPTION event", body);
        let version = cursor.u16()?;
        if version != 4 {
            return Err(DecodeError::Unsupported(format!(
                "version {version} of the binlog format is not supported, only version 4"
            )));
        }
        let text = cursor.bytes(SERVER_VERSION_LENGTH)?;
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let created = cursor.u32()?;
        if cursor.u8()? != 19 {
            return Err(cursor.malformed("event headers are not 19 bytes long"));
        }
        // The algorithm's number follows the lengths; what stands behind it was stripped.
        let Some((algorithm, lengths)) = cursor.rest().split_last() else {
            return Err(cursor.malformed("it ends too early"));
        };
        let checksum = Checksum::from_number(*algorithm)?;
        let server_version = String::from_utf8_lossy(text).into_owned();
        Ok(Self {
            mariadb: server_version.contains("MariaDB"),
            server_version,
            checksum,
            created,
            post_header_lengths: lengths.to_vec(),
        })
    }

    /// Bytes of the table id in events of this type: 4 before MySQL 5.1.4, then 6.
    pub(super) fn table_id_width(&self, kind: EventType) -> TableIdWidth {
        let index = usize::from(kind.number()).checked_sub(1);
        match index.and_then(|index| self.post_header_lengths.get(index)) {
            Some(6) => TableIdWidth::Four,
            _ => TableIdWidth::Six,
        }
    }
}

/// Bytes of the table id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::binlog) enum TableIdWidth {
    Four,
    Six,
}

const SERVER_VERSION_LENGTH: usize = 50;
