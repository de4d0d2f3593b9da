//! Where a source's log was read up to.

/// A point of a source's log from which reading can go on, as ASCII text.
///
/// Only the source that wrote it understands it. It is stored inside the log, in a header of the last
/// record of each batch, and shown to operators as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position(String);

/// A point in a source's log that can be written as a [`Position`].
///
/// Sources keep one mutable value of their own type and lend it with each change, so that the text is
/// made once a batch and not once a row.
pub trait Resume: std::fmt::Debug {
    /// Appends the position's text to `out`.
    fn write(&self, out: &mut String);

    /// The same as an owned value.
    fn to_position(&self) -> Position {
        let mut text = String::new();
        self.write(&mut text);
        Position(text)
    }
}

/// A text that cannot be a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a position is 1 to {MAX_LEN} characters of printable ASCII")]
pub struct PositionError;

/// GTID sets of servers with a long past reach tens of kilobytes, and a thousand prepared transactions
/// half a megabyte, which may stand there twice. What was once written must be read again.
const MAX_LEN: usize = 1 << 24;

impl Position {
    /// Takes a text that [`Resume::write`] once made.
    ///
    /// # Errors
    /// The text is empty, too long, or not printable ASCII.
    pub fn parse(text: &[u8]) -> Result<Self, PositionError> {
        let printable = text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        if text.is_empty() || text.len() > MAX_LEN || !printable {
            return Err(PositionError);
        }
        String::from_utf8(text.to_vec()).map(Self).map_err(|_| PositionError)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Resume for Position {
    fn write(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_printable_ascii_is_a_position() {
        assert_eq!(Position::parse(b"bin.000001:4").unwrap().as_str(), "bin.000001:4");
        assert_eq!(Position::parse(b""), Err(PositionError));
        assert_eq!(Position::parse(b"a\0b"), Err(PositionError));
        assert_eq!(Position::parse(&vec![b'x'; MAX_LEN + 1]), Err(PositionError));
    }
}
