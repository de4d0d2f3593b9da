//! The resume point of a binlog, and its text.
//!
//! The text is a line of `key=value` words, so that an operator can read it in a record's header:
//! `file=mysql-bin.000042 offset=1187 rows_event=3 row=17 begun=1 server=<uuid> gtid=<set>`.
//! Words with their default value are left out. `offset` is where the transaction starts that is being
//! read; `rows_event` and `row` count what of it was delivered. There is one `xa` for each XA transaction
//! that is prepared: `xa=<format>,<global id>,<branch id>,<has rows>,<offset>,<GTID>,<GTID before>,<file>`.

use std::fmt::Write as _;

use change::Resume;

use super::gtids::Gtids;
use super::xa::{Prepared, PreparedSet};

/// Where a binlog was read up to. Owned by the translator, updated in place, lent with each change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BinlogPosition {
    /// File name as the server spells it; empty until the first ROTATE of a GTID start.
    pub(crate) file: String,
    /// Where the open transaction starts, or the next one will. 64 bit: a file may outgrow the 32 bit
    /// of an event's header.
    pub(crate) offset: u64,
    /// When the server began the file, in seconds since the epoch: two files of one name are told apart
    /// by it after a server was reset. 0 where it is not known.
    pub(crate) created: u32,
    /// What of the open transaction was delivered.
    pub(crate) within: Within,
    /// The open transaction's GTID, so that `within` is never taken for what of another one was
    /// delivered; empty where it has none.
    pub(crate) group: String,
    /// Identity of the server that wrote the file, for telling file names of two servers apart.
    pub(crate) server: String,
    /// XA transactions that are prepared, whose rows are still to be delivered.
    pub(crate) prepared: PreparedSet,
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
    /// Rows of tracked tables that were delivered. Unlike the two numbers above it means the same on
    /// another server, which may cut the same rows into other events.
    pub(crate) rows: u64,
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

/// Looks whether a text is a binlog position.
///
/// # Errors
/// It is none; the error says what is wanted.
pub fn check_position(text: &str) -> Result<(), BadPosition> {
    BinlogPosition::parse(text).map(drop)
}

impl Within {
    /// Whether only the number of delivered rows tells where to go on: the numbers of events were
    /// those of another server.
    pub(crate) fn counts_rows_only(&self) -> bool {
        self.rows > 0 && self.rows_event == 0 && self.row == 0
    }

    /// Whether the row right before `behind` was delivered, as of `self`.
    pub(crate) fn covers(&self, behind: &Self) -> bool {
        if self.counts_rows_only() {
            behind.rows <= self.rows
        } else {
            behind.rows_event < self.rows_event
                || (behind.rows_event == self.rows_event && behind.row <= self.row)
        }
    }
}

impl BinlogPosition {
    /// Parses what [`Resume::write`] wrote, and what people write: `FILE:OFFSET`, `gtid=SET`, or a GTID
    /// set alone, which no file is called like.
    pub(crate) fn parse(text: &str) -> Result<Self, BadPosition> {
        let bad = |why| BadPosition { text: text.into(), why };
        let mut position = Self::default();
        if !text.contains('=') {
            if let Ok(gtids) = Gtids::parse(text)
                && !gtids.is_empty()
            {
                position.gtids = gtids;
                return Ok(position);
            }
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
                "file" => {
                    position.file = unescape(value).ok_or_else(|| bad("the file is malformed"))?;
                }
                "offset" => {
                    position.offset = value.parse().map_err(|_| bad("a number is malformed"))?;
                }
                "created" => position.created = number()?,
                "rows_event" => position.within.rows_event = number()?,
                "row" => position.within.row = number()?,
                "rows" => {
                    position.within.rows =
                        value.parse().map_err(|_| bad("a number is malformed"))?;
                }
                "in" => position.group = value.into(),
                "begun" => position.within.begun = value == "1",
                "server" => position.server = value.into(),
                // How far a table has come that catches up; it says nothing of where all else stands.
                "held" => {}
                "xa" => {
                    let prepared = Prepared::parse(value);
                    let prepared = prepared.ok_or_else(|| bad("an XA entry is malformed"))?;
                    position.prepared.insert(prepared);
                }
                _ => return Err(bad("a word is unknown")),
            }
        }
        if position.file.is_empty() && position.gtids.is_none() {
            return Err(bad("it has neither file nor GTIDs"));
        }
        Ok(position)
    }

    /// A text that sorts as positions of one server do: behind the server, file number, then offset.
    /// Those of two servers cannot be compared.
    pub(crate) fn sort_key(&self) -> String {
        let number = file_number(&self.file).unwrap_or(0);
        format!("{} {number:020}:{:020}", self.server, self.offset)
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
            word("file", &Escaped(&self.file));
            word("offset", &self.offset);
            if self.created != 0 {
                word("created", &self.created);
            }
        }
        if self.within != Within::default() {
            word("rows_event", &self.within.rows_event);
            word("row", &self.within.row);
            word("rows", &self.within.rows);
            word("begun", &u8::from(self.within.begun));
            if !self.group.is_empty() {
                word("in", &self.group);
            }
        }
        if !self.server.is_empty() {
            word("server", &self.server);
        }
        self.prepared.write(out);
        if !self.gtids.is_unknown() {
            let space = if out.is_empty() { "" } else { " " };
            let _infallible = write!(out, "{space}gtid={}", self.gtids);
        }
    }
}

/// A file name in printable ASCII without spaces and what divides words: everything else is `%` and two
/// hexadecimal digits.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'%' | b'=' | b',' => write!(f, "%{byte:02x}")?,
                byte if byte.is_ascii_graphic() => f.write_char(char::from(byte))?,
                byte => write!(f, "%{byte:02x}")?,
            }
        }
        Ok(())
    }
}

pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            bytes.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The number a binlog file name ends in: compared as a number, since names grow digits
/// (`bin.999999`, `bin.1000000`).
pub(crate) fn file_number(file: &str) -> Option<u64> {
    let digits = file.rsplit_once('.').map_or("", |(_, digits)| digits);
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
