//! Global transaction identifiers: MySQL's sets, with and without tags, and MariaDB's lists.

mod list;
mod set;

pub use list::{GtidList, MariaDbGtid};
pub use set::GtidSet;

/// A global transaction identifier of MySQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtid {
    /// The server that first executed the transaction.
    pub uuid: Uuid,
    /// The tag (8.3 and later), mostly empty.
    pub tag: Tag,
    /// Number of the transaction, from 1.
    pub number: u64,
}

/// Identity of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid([u8; 16]);

/// What divides the transactions of one server: up to 32 lower-case letters, digits and underscores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Zeros behind the text, so that the order of the bytes is the order of the texts.
    bytes: [u8; 32],
    length: u8,
}

/// A text that is no set of global transaction identifiers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no GTID set: {reason}")]
pub struct GtidError {
    /// The part concerned.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Uuid {
    /// From its sixteen bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its sixteen bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 hexadecimal digits in either case; dashes between pairs of them are optional.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let mut digits = text.bytes().filter(|byte| *byte != b'-');
        for byte in &mut bytes {
            *byte = hex_digit(digits.next()?)? << 4 | hex_digit(digits.next()?)?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

impl std::fmt::Display for Uuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl Tag {
    /// No tag.
    pub const EMPTY: Self = Self { bytes: [0; 32], length: 0 };

    /// Reads a tag, in either case.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut tag = Self { length: u8::try_from(text.len()).ok()?, ..Self::EMPTY };
        for (index, byte) in text.iter().enumerate() {
            let byte = byte.to_ascii_lowercase();
            if !(byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit() && index > 0) {
                return None;
            }
            *tag.bytes.get_mut(index)? = byte;
        }
        Some(tag)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl std::fmt::Display for Gtid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.uuid)?;
        if !self.tag.is_empty() {
            write!(f, "{}:", self.tag.as_str())?;
        }
        write!(f, "{}", self.number)
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}
