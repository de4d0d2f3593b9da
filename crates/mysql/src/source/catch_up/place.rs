//! The resume point while a table catches up: where all else stands, and how far the table has come.
//!
//! It is the resume point of the whole task behind one more word, `held=<database>,<table>,<position>`,
//! the position being that of the dump that only reads this table.

use capture::QuarantinedTable;
use change::{Position, Resume};

use crate::source::position::{Escaped, unescape};

/// How far a table had come that was catching up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldPlace {
    pub(crate) database: String,
    pub(crate) table: String,
    pub(crate) at: String,
}

impl HeldPlace {
    pub(crate) fn is_of(&self, table: &QuarantinedTable) -> bool {
        (&self.database, &self.table) == (&table.database, &table.table)
    }
}

/// Takes the word off a resume point. A text without it is its own rest; `None` where the word breaks
/// its form.
pub(crate) fn split(text: &str) -> Option<(Option<HeldPlace>, &str)> {
    let Some(behind) = text.strip_prefix(WORD) else { return Some((None, text)) };
    let (word, rest) = behind.split_once(' ')?;
    let mut parts = word.split(',').map(unescape);
    let mut part = || parts.next().flatten();
    let held = HeldPlace { database: part()?, table: part()?, at: part()? };
    parts.next().is_none().then_some((Some(held), rest))
}

/// The resume point of a change that was held back.
#[derive(Debug)]
pub(crate) struct CatchUpResume<'a> {
    /// Where all else stands.
    pub(crate) main: &'a Position,
    pub(crate) database: &'a str,
    pub(crate) table: &'a str,
    /// Where the dump stands that only reads this table.
    pub(crate) inner: &'a dyn Resume,
}

impl Resume for CatchUpResume<'_> {
    fn write(&self, out: &mut String) {
        let inner = self.inner.to_position();
        for (separator, part) in [(WORD, self.database), (",", self.table), (",", inner.as_str())] {
            out.push_str(separator);
            out.push_str(&Escaped(part).to_string());
        }
        out.push(' ');
        self.main.write(out);
    }
}

const WORD: &str = "held=";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text() {
        let main = Position::parse(b"file=bin.000004 offset=900 gtid=0-1-7").unwrap();
        let inner =
            Position::parse(b"file=bin.000002 offset=4 rows_event=1 gtid=0-1-2,1-2-9").unwrap();
        let resume =
            CatchUpResume { main: &main, database: "my shop", table: "a,b=c%", inner: &inner };
        let text = resume.to_position();
        assert!(Position::parse(text.as_str().as_bytes()).is_ok(), "{text}");
        let (held, rest) = split(text.as_str()).unwrap();
        let held = held.unwrap();
        assert_eq!((held.database.as_str(), held.table.as_str()), ("my shop", "a,b=c%"));
        assert_eq!((held.at.as_str(), rest), (inner.as_str(), main.as_str()));
    }

    #[test]
    fn only_the_word_is_taken_off() {
        assert_eq!(split("bin.000001:4"), Some((None, "bin.000001:4")));
        for broken in ["held=a,b,c", "held=a,b file=x.1", "held=a,b,c,d file=x.1", "held=%zz,b,c x"]
        {
            assert_eq!(split(broken), None, "{broken}");
        }
    }
}
