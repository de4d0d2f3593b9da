//! Looks ahead in what was read for how a transaction ends, before its rows are delivered.
//!
//! MariaDB logs a transaction that was rolled back if it touched temporary tables. It ends with a
//! ROLLBACK behind its rows, and where all of them are of engines with transactions, nothing of it
//! stands. A transaction that is longer than what is looked ahead is delivered as it comes, and its end
//! tells that it was rolled back. MySQL leaves such transactions out of a log of rows.

use crate::binlog::{EventHeader, EventType};
use crate::connection::Chunk;

/// Events of a transaction whose end has not been read.
#[derive(Debug, Default)]
pub(crate) struct LookAhead {
    bytes: Vec<u8>,
    /// Where each of them ends.
    ends: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Its rows stand, as far as can be told.
    Stands,
    /// It was rolled back.
    Undone,
    /// Its end is not there.
    Open,
}

/// As much is held back for an end to come.
const HELD_BYTES_MAX: usize = 4 << 20;

impl LookAhead {
    /// Hands out the events of a chunk in order, but for those at its end that have to wait for the next
    /// one. With the event that begins a transaction it is told whether nothing of it stands.
    pub(crate) fn each<E>(
        &mut self,
        chunk: &Chunk,
        mut handle: impl FnMut(&[u8], bool) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.ends.is_empty() {
            let outcome = outcome(chunk, 0);
            if outcome == Outcome::Open && self.hold(chunk, 0) {
                return Ok(());
            }
            let Self { bytes, ends } = std::mem::take(self);
            let mut start = 0;
            for end in ends {
                let is_undone = start == 0 && outcome == Outcome::Undone;
                handle(bytes.get(start..end).unwrap_or_default(), is_undone)?;
                start = end;
            }
        }
        for (index, event) in chunk.events().enumerate() {
            let outcome = if begins(event) { outcome(chunk, index + 1) } else { Outcome::Stands };
            if outcome == Outcome::Open && self.hold(chunk, index) {
                return Ok(());
            }
            handle(event, outcome == Outcome::Undone)?;
        }
        Ok(())
    }

    /// Keeps the events of a chunk from one on; `false` if they are too many bytes.
    fn hold(&mut self, chunk: &Chunk, first: usize) -> bool {
        let events = || chunk.events_from(first);
        let more: usize = events().map(<[u8]>::len).sum();
        if self.bytes.len().saturating_add(more) > HELD_BYTES_MAX {
            return false;
        }
        for event in events() {
            self.bytes.extend_from_slice(event);
            self.ends.push(self.bytes.len());
        }
        true
    }
}

/// Whether a transaction begins that can be rolled back whole: of MariaDB, `FL_TRANSACTIONAL` without
/// `FL_STANDALONE` and `FL_PREPARED_XA`.
fn begins(event: &[u8]) -> bool {
    const FLAGS_AT: usize = EventHeader::LENGTH + 12;
    event.get(TYPE_AT) == Some(&EventType::MARIADB_GTID.number())
        && event.get(FLAGS_AT).is_some_and(|flags| flags & (1 | 4 | 64) == 4)
}

/// How the transaction ends that the event before `first` belongs to.
fn outcome(chunk: &Chunk, first: usize) -> Outcome {
    for event in chunk.events_from(first) {
        let Some(kind) = event.get(TYPE_AT) else { return Outcome::Stands };
        let is = |known: EventType| known.number() == *kind;
        if is(EventType::QUERY) {
            if is_statement(event, b"\0ROLLBACK") {
                return Outcome::Undone;
            } else if is_statement(event, b"\0COMMIT") {
                return Outcome::Stands;
            }
        } else if is(EventType::XID)
            || is(EventType::MARIADB_GTID)
            || is(EventType::ROTATE)
            || is(EventType::FORMAT_DESCRIPTION)
            || is(EventType::STOP)
        {
            return Outcome::Stands;
        }
    }
    Outcome::Open
}

/// Whether a QUERY event ends with a statement, the zero byte behind the database's name included; with
/// a checksum behind it or without.
fn is_statement(event: &[u8], statement: &[u8]) -> bool {
    let bare = event.len().checked_sub(4).and_then(|end| event.get(..end));
    event.ends_with(statement) || bare.is_some_and(|bare| bare.ends_with(statement))
}

/// Where the type stands in an event's header.
const TYPE_AT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventType, body: &[u8]) -> Vec<u8> {
        let mut event = vec![0; EventHeader::LENGTH];
        event[TYPE_AT] = kind.number();
        event.extend_from_slice(body);
        event.extend_from_slice(b"sum!");
        event
    }

    fn gtid(flags: u8) -> Vec<u8> {
        event(EventType::MARIADB_GTID, &[&[0; 12][..], &[flags], &[0; 6]].concat())
    }

    fn query(statement: &str) -> Vec<u8> {
        event(EventType::QUERY, &[b"head and database\0", statement.as_bytes()].concat())
    }

    fn rows() -> Vec<u8> {
        event(EventType::WRITE_ROWS_V1, &[7; 100])
    }

    /// What is handed out of chunks, as types, with a `!` at the beginning of what is undone.
    fn check(chunks: &[&[Vec<u8>]], expected: &str) {
        let mut ahead = LookAhead::default();
        let mut seen = String::new();
        for events in chunks {
            let chunk = Chunk::of(events.iter().map(Vec::as_slice));
            let handed: Result<(), ()> = ahead.each(&chunk, |event, is_undone| {
                let mark = if is_undone { "!" } else { "" };
                seen.push_str(&format!("{mark}{} ", event[TYPE_AT]));
                Ok(())
            });
            handed.unwrap();
            seen.push_str("| ");
        }
        assert_eq!(seen.trim_end(), expected);
    }

    const TRANSACTIONAL: u8 = 12;

    #[test]
    fn a26_a_transaction_that_ends_with_a_rollback_is_told_at_its_beginning() {
        let undone = [gtid(TRANSACTIONAL), rows(), query("ROLLBACK")];
        check(&[&undone], "!162 23 2 |");
        let bare = |event: &Vec<u8>| event[..event.len() - 4].to_vec();
        check(&[&undone.each_ref().map(bare)], "!162 23 2 |");
        check(&[&[gtid(TRANSACTIONAL), rows(), query("COMMIT")]], "162 23 2 |");
        let xid = event(EventType::XID, &[1; 8]);
        check(&[&[gtid(TRANSACTIONAL), rows(), xid, query("ROLLBACK")]], "162 23 16 2 |");
        check(&[&[gtid(8), rows(), query("ROLLBACK")]], "162 23 2 |");
        let inside = [gtid(TRANSACTIONAL), query("ROLLBACK TO `ROLLBACK`"), query("COMMIT")];
        check(&[&inside], "162 2 2 |");
    }

    #[test]
    fn a26_an_end_that_has_not_come_is_waited_for() {
        let (begin, rest) = ([gtid(TRANSACTIONAL), rows()], [rows(), query("ROLLBACK"), rows()]);
        check(&[&begin, &rest], "| !162 23 23 2 23 |");
        check(&[&begin, &[rows()], &rest], "| | !162 23 23 23 2 23 |");
        check(&[&[rows()], &begin, &[rows(), query("COMMIT")]], "23 | | 162 23 23 2 |");
        let next = gtid(TRANSACTIONAL);
        check(&[&begin, &[next, query("ROLLBACK")]], "| 162 23 !162 2 |");
    }

    #[test]
    fn a_transaction_that_is_too_long_to_wait_for_comes_as_it_is() {
        let long = event(EventType::WRITE_ROWS_V1, &vec![7; HELD_BYTES_MAX / 2]);
        let begin = [gtid(TRANSACTIONAL), long.clone()];
        check(&[&begin, std::slice::from_ref(&long), &[query("ROLLBACK")]], "| 162 23 23 | 2 |");
        check(&[&[gtid(TRANSACTIONAL), long.clone(), long]], "162 23 23 |");
    }
}
