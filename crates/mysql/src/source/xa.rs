//! XA transactions that are prepared and neither committed nor rolled back yet.
//!
//! A server logs an XA transaction's rows when it is prepared, in a group of its own, and what became of
//! it later, in another one. The rows are not kept in between, however many they are: a reader remembers
//! where their group stands, as part of its position, and reads that group again when it is committed.

use std::fmt::Write as _;

use super::gtids::Gtids;
use super::position::{Escaped, unescape};
use crate::binlog::{EventHeader, MariaDbGtid, XaPrepare};

/// The identifier of an XA transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Xid {
    format: u32,
    global: Vec<u8>,
    branch: Vec<u8>,
}

/// A prepared transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub(crate) xid: Xid,
    /// It changed tables that are tracked: there is something to read again.
    pub(crate) has_rows: bool,
    /// The file its group stands in; empty on another server than the one that told it.
    pub(crate) file: String,
    /// Where its group starts.
    pub(crate) offset: u64,
    /// Its group's GTID, or empty.
    pub(crate) gtid: String,
    /// MariaDB: the GTID before it in its domain, or empty. A dump starts behind a GTID.
    pub(crate) previous: String,
}

/// All that are prepared, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PreparedSet {
    entries: Vec<Prepared>,
}

/// Entries that are remembered. Each holds locks on the server; so many are never open but by mistake,
/// as when their ends are not logged.
const ENTRIES_MAX: usize = 1000;

/// Longest part of an identifier (`MAXGTRIDSIZE`, `MAXBQUALSIZE`).
const PART_MAX: usize = 64;

impl Xid {
    pub(crate) fn new(format: u32, global: &[u8], branch: &[u8]) -> Self {
        Self { format, global: global.to_vec(), branch: branch.to_vec() }
    }

    /// The identifier behind the first two words of `XA COMMIT X'01',X'',1`: both servers write
    /// hexadecimal literals, whatever was typed in.
    pub(crate) fn of_statement(statement: &str) -> Option<Self> {
        let mut words = statement.trim().splitn(3, char::is_whitespace);
        words.next().filter(|word| word.eq_ignore_ascii_case("XA"))?;
        words.next()?;
        let mut parts = words.next()?.split(',').map(str::trim);
        let global = literal(parts.next()?)?;
        let branch = parts.next().map_or(Some(Vec::new()), literal)?;
        let format = parts.next().map_or(Some(1), format_number)?;
        (parts.next().is_none() && global.len() <= PART_MAX && branch.len() <= PART_MAX)
            .then_some(Self { format, global, branch })
    }
}

impl From<&XaPrepare<'_>> for Xid {
    fn from(event: &XaPrepare<'_>) -> Self {
        Self::new(event.format_id.cast_unsigned(), event.global_id, event.branch_id)
    }
}

/// As the servers write it.
impl std::fmt::Display for Xid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { format, global, branch } = self;
        write!(f, "X'{}',X'{}',{}", Hex(global), Hex(branch), format.cast_signed())
    }
}

impl Prepared {
    /// Where its group stands, for messages.
    pub(crate) fn shown_place(&self) -> String {
        if self.file.is_empty() {
            format!("GTID {}", self.gtid)
        } else {
            format!("{}:{}", self.file, self.offset)
        }
    }

    /// `file:offset` of an event of its group, by the lower 32 bits that the event tells; `None` where
    /// its file is not known.
    pub(crate) fn place_of(&self, event: &[u8]) -> Option<String> {
        const LOW: u64 = 0xffff_ffff;
        let header = EventHeader::parse(event).ok()?;
        let end = (self.offset & !LOW) | u64::from(header.log_pos);
        let end = if end < self.offset { end + LOW + 1 } else { end };
        let start = end.checked_sub(u64::from(header.event_size))?;
        (!self.file.is_empty()).then(|| format!("{}:{start}", self.file))
    }

    /// The GTIDs behind which its group is the first one that a server sends, of those that are not
    /// in `executed`; `None` where GTIDs do not lead to it.
    pub(crate) fn gtids_before(&self, executed: &Gtids) -> Option<Gtids> {
        match executed {
            Gtids::None => None,
            Gtids::MySql(set) => Some(Gtids::MySql(set.minus(&self.gtid.parse().ok()?))),
            Gtids::MariaDb(list) => {
                let own = MariaDbGtid::parse(&self.gtid).ok()?;
                let mut list = list.clone();
                match MariaDbGtid::parse(&self.previous) {
                    Ok(previous) if previous.domain == own.domain => list.set(previous),
                    _ => list.forget(own.domain),
                }
                Some(Gtids::MariaDb(list))
            }
        }
    }

    /// Parses what [`PreparedSet::write`] wrote for one entry.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let mut next = || parts.next();
        let format = next()?.parse().ok()?;
        let (global, branch) = (unhex(next()?)?, unhex(next()?)?);
        let prepared = Self {
            xid: Xid { format, global, branch },
            has_rows: next()? == "1",
            offset: next()?.parse().ok()?,
            gtid: next()?.into(),
            previous: next()?.into(),
            file: unescape(next()?)?,
        };
        next().is_none().then_some(prepared)
    }
}

impl PreparedSet {
    pub(crate) fn find(&self, xid: &Xid) -> Option<&Prepared> {
        self.entries.iter().find(|entry| entry.xid == *xid)
    }

    /// Adds one, in place of one with the same identifier, which must have ended. Answers the oldest one
    /// if it had to make room.
    pub(crate) fn insert(&mut self, prepared: Prepared) -> Option<Prepared> {
        self.remove(&prepared.xid);
        let oldest = (self.entries.len() >= ENTRIES_MAX).then(|| self.entries.remove(0));
        self.entries.push(prepared);
        oldest
    }

    pub(crate) fn remove(&mut self, xid: &Xid) {
        self.entries.retain(|entry| entry.xid != *xid);
    }

    /// Forgets what means nothing on another server.
    pub(crate) fn leave_server(&mut self) {
        for entry in &mut self.entries {
            entry.file.clear();
            entry.offset = 0;
        }
    }

    /// Appends one ` xa=…` word for each entry.
    pub(crate) fn write(&self, out: &mut String) {
        for entry in &self.entries {
            let Prepared { xid, has_rows, file, offset, gtid, previous } = entry;
            let space = if out.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _infallible = write!(
                out,
                "{space}xa={},{},{},{},{offset},{gtid},{previous},{}",
                xid.format,
                Hex(&xid.global),
                Hex(&xid.branch),
                u8::from(*has_rows),
                Escaped(file)
            );
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// `X'0a'`, `0x0a` or `'text'`.
fn literal(text: &str) -> Option<Vec<u8>> {
    let quoted = |text: &str| -> Option<String> {
        Some(text.strip_prefix('\'')?.strip_suffix('\'')?.to_owned())
    };
    if let Some(rest) = text.strip_prefix(['x', 'X']) {
        unhex(&quoted(rest)?)
    } else if let Some(rest) = text.strip_prefix("0x") {
        unhex(rest)
    } else {
        quoted(text).map(String::into_bytes)
    }
}

fn format_number(text: &str) -> Option<u32> {
    let number: i64 = text.parse().ok()?;
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a25_identifiers_of_statements_and_events_are_the_same() {
        let xid = Xid::new(7, b"two", b"b");
        assert_eq!(Xid::of_statement("XA ROLLBACK X'74776f',X'62',7"), Some(xid.clone()));
        assert_eq!(Xid::of_statement("xa commit 'two', 'b', 7"), Some(xid.clone()));
        assert_eq!(Xid::of_statement("XA COMMIT 0x74776F,X'62',7"), Some(xid.clone()));
        assert_eq!(xid.to_string(), "X'74776f',X'62',7");
        assert_eq!(Xid::of_statement("XA COMMIT 'x'"), Some(Xid::new(1, b"x", b"")));
        assert_eq!(Xid::of_statement("XA COMMIT X'78',X'',-1").unwrap().format, u32::MAX);
        for bad in ["XA COMMIT", "COMMIT X'78'", "XA COMMIT X'7'", "XA COMMIT X'78',X'',x", ""] {
            assert_eq!(Xid::of_statement(bad), None, "{bad}");
        }
    }

    #[test]
    fn a25_of_too_many_prepared_transactions_the_oldest_is_given_up() {
        let mut set = PreparedSet::default();
        let entry = |number: usize| Prepared {
            xid: Xid::new(1, number.to_string().as_bytes(), b""),
            ..Prepared::default()
        };
        for number in 0..ENTRIES_MAX {
            assert_eq!(set.insert(entry(number)), None);
        }
        assert_eq!(set.insert(entry(5)), None, "the same identifier takes its own place");
        assert_eq!(set.insert(entry(ENTRIES_MAX)), Some(entry(0)));
        assert_eq!(set.find(&entry(0).xid), None);
        assert_eq!(set.find(&entry(7).xid), Some(&entry(7)));
    }
}
