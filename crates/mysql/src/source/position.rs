//! The resume point of a binlog, and its text.
//!
//! The text is a line of `key=value` words, so that an operator can read it in a record's header:
//! `file=mysql-bin.000042 offset=1187 rows_event=3 row=17 begun=1 server=<uuid> gtid=<set>`.
//! Words with their default value are left out. `offset` is where the transaction starts that is being
//! read; `rows_event` and `row` count what of it was delivered.

use std::fmt::Write as _;

use change::Resume;

use super::gtids::Gtids;

/// Where a binlog was read up to. Owned by the translator, updated in place, lent with each change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BinlogPosition {
    /// File name as the server spells it; empty until the first ROTATE of a GTID start.
    pub(crate) file: String,
    /// Where the open transaction starts, or the next one will. 64 bit: a file may outgrow the 32 bit
    /// of an event's header.
    pub(crate) offset: u64,
    /// What of the open transaction was delivered.
    pub(crate) within: Within,
    /// Identity of the server that wrote the file, for telling file names of two servers apart.
    pub(crate) server: String,
    /// All transactions before the open one, where GTIDs are in use.
    pub(crate) gtids: Gtids,
}

/// How much of a transaction was delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Within {
    /// Rows events of the transaction (tracked or not) that were handled whole.
    pub(crate) rows_event: u32,
    /// Rows of the next rows event that were handled.
    pub(crate) row: u32,
    /// Whether its BEGIN was delivered.
    pub(crate) begun: bool,
}

/// A text that is no binlog position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no binlog position: {why}; give FILE:OFFSET (mysql-bin.000042:1187) or gtid=SET"
)]
pub struct BadPosition {
    text: String,
    why: &'static str,
}

impl BinlogPosition {
    /// Parses what [`Resume::write`] wrote, and what people write: `FILE:OFFSET`, or `gtid=SET`.
    pub(crate) fn parse(text: &str) -> Result<Self, BadPosition> {
        let bad = |why| BadPosition { text: text.into(), why };
        let mut position = Self::default();
        if !text.contains('=') {
            let (file, offset) = text.rsplit_once(':').ok_or_else(|| bad("no offset"))?;
            position.file = file.into();
            position.offset = offset.parse().map_err(|_| bad("the offset is no number"))?;
            return if file_number(file).is_some() {
                Ok(position)
            } else {
                Err(bad("the file name does not end in a number"))
            };
        }
        let (words, gtids) = match text.split_once("gtid=") {
            Some((words, gtids)) => (words, Some(gtids)),
            None => (text, None),
        };
        if let Some(gtids) = gtids {
            position.gtids = Gtids::parse(gtids).map_err(|_| bad("the GTID set is malformed"))?;
        }
        for word in words.split_ascii_whitespace() {
            let (key, value) = word.split_once('=').ok_or_else(|| bad("a word has no value"))?;
            let number = || value.parse().map_err(|_| bad("a number is malformed"));
            match key {
                "file" => position.file = value.into(),
                "offset" => {
                    position.offset = value.parse().map_err(|_| bad("a number is malformed"))?;
                }
                "rows_event" => position.within.rows_event = number()?,
                "row" => position.within.row = number()?,
                "begun" => position.within.begun = value == "1",
                "server" => position.server = value.into(),
                _ => return Err(bad("a word is unknown")),
            }
        }
        if position.file.is_empty() && position.gtids.is_none() {
            return Err(bad("it has neither file nor GTIDs"));
        }
        Ok(position)
    }

    /// A text that sorts as positions of one server do: file number, then offset.
    pub(crate) fn sort_key(&self) -> String {
        format!("{:020}:{:020}", file_number(&self.file).unwrap_or(0), self.offset)
    }
}

impl Resume for BinlogPosition {
    fn write(&self, out: &mut String) {
        let mut word = |key: &str, value: &dyn std::fmt::Display| {
            if !out.is_empty() {
                out.push(' ');
            }
            // Writing to a String cannot fail.
            let _infallible = write!(out, "{key}={value}");
        };
        if !self.file.is_empty() {
            word("file", &self.file);
            word("offset", &self.offset);
        }
        if self.within != Within::default() {
            word("rows_event", &self.within.rows_event);
            word("row", &self.within.row);
            word("begun", &u8::from(self.within.begun));
        }
        if !self.server.is_empty() {
            word("server", &self.server);
        }
        if !self.gtids.is_none() {
            word("gtid", &self.gtids);
        }
    }
}

/// The number a binlog file name ends in: compared as a number, since names grow digits
/// (`bin.999999`, `bin.1000000`).
pub(crate) fn file_number(file: &str) -> Option<u64> {
    let digits = file.rsplit_once('.').map_or("", |(_, digits)| digits);
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(position: &BinlogPosition) -> String {
        let mut out = String::new();
        position.write(&mut out);
        out
    }

    #[test]
    fn a_position_within_a_transaction_survives_its_text() {
        let position = BinlogPosition {
            file: "mysql-bin.000042".into(),
            offset: 5_000_000_000,
            within: Within { rows_event: 3, row: 17, begun: true },
            server: "3e11fa47-71ca-11e1-9e33-c80aa9429562".into(),
            gtids: Gtids::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5").unwrap(),
        };
        assert_eq!(BinlogPosition::parse(&text(&position)), Ok(position));
    }

    #[test]
    fn people_write_file_and_offset_or_gtids() {
        let position = BinlogPosition::parse("mysql-bin.000042:1187").unwrap();
        assert_eq!((position.file.as_str(), position.offset), ("mysql-bin.000042", 1187));
        assert!(!BinlogPosition::parse("gtid=0-1-5,1-2-7").unwrap().gtids.is_none());
        for bad in ["", "x", "bin:4", "bin.000001:x", "file", "offset=4", "nonsense=1 file=a.1"] {
            assert!(BinlogPosition::parse(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn a13_file_numbers_compare_as_numbers() {
        let at = |file: &str| BinlogPosition { file: file.into(), ..Default::default() }.sort_key();
        assert!(at("bin.999999") < at("bin.1000000"));
        assert_eq!(file_number("mysql-bin.0000001"), Some(1));
        assert_eq!(file_number("mysql-bin.aurora-padding"), None);
    }
}
