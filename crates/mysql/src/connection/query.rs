//! Text queries and their rows.

use super::packets::Packets;
use super::{Connection, MAX_SMALL};
use crate::Error;
use crate::wire::resultset::{ColumnDefinition, TextRow};
use crate::wire::{Reader, command, reply};

/// All rows of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// The rows in the server's order.
    pub rows: Vec<Row>,
}

/// One row of an answer, its cells as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    cells: Vec<Option<String>>,
}

impl ResultSet {
    /// The first row, if any.
    #[must_use]
    pub fn first(&self) -> Option<&Row> {
        self.rows.first()
    }
}

impl Row {
    /// A cell's text; `None` for SQL NULL and for columns the answer does not have.
    #[must_use]
    pub fn cell(&self, column: usize) -> Option<&str> {
        self.cells.get(column)?.as_deref()
    }

    /// A cell's text, or the empty text.
    #[must_use]
    pub fn text(&self, column: usize) -> &str {
        self.cell(column).unwrap_or_default()
    }

    /// A cell read as a number; `None` if it is none.
    #[must_use]
    pub fn number<T: std::str::FromStr>(&self, column: usize) -> Option<T> {
        self.cell(column)?.parse().ok()
    }

    /// A row from its cells, for tests and for answers that are put together.
    #[must_use]
    pub fn from_cells<'a>(cells: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        Self { cells: cells.into_iter().map(|cell| cell.map(str::to_owned)).collect() }
    }
}

/// Writes `text` as an SQL string literal. The session's `sql_mode` is empty, so that a backslash
/// escapes and double quotes are no identifiers; and its charset is utf8mb4, which has no byte pairs
/// that swallow a backslash.
pub(crate) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            '\0' => quoted.push_str("\\0"),
            _ => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

pub(super) fn collect(connection: &mut Connection, sql: &str) -> Result<ResultSet, Error> {
    let mut rows = Vec::new();
    let mut bytes = 0;
    connection.query_each(sql, |row| {
        bytes += row.cells.iter().flatten().map(|cell| cell.len() + CELL_COST).sum::<usize>();
        if bytes > MAX_RESULT {
            return Err(Error::TooLarge {
                what: "an answer",
                bytes: bytes as u64,
                limit: MAX_RESULT as u64,
            });
        }
        rows.push(row.clone());
        Ok(())
    })?;
    Ok(ResultSet { rows })
}

pub(super) fn run(
    packets: &mut Packets,
    sql: &str,
    mut each: impl FnMut(&Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut row = Row::default();
    run_raw(packets, sql, MAX_ROW, |raw| {
        row.cells.clear();
        for cell in raw.cells() {
            row.cells.push(cell.map(text).transpose()?);
        }
        each(&row)
    })
}

/// Runs a statement and hands out its rows as the server sent them, each up to `max_row` bytes.
pub(super) fn run_raw(
    packets: &mut Packets,
    sql: &str,
    max_row: usize,
    mut each: impl FnMut(TextRow<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    packets.command(&command::query(sql))?;
    let columns = match packets.receive(MAX_SMALL)? {
        payload @ [reply::ERR, ..] => return Err(reply::decode_error(payload)),
        [reply::OK, ..] => return Ok(()),
        [reply::LOCAL_INFILE, ..] => {
            return Err(Error::Malformed { what: "an answer", reason: "it asks for a local file" });
        }
        payload => Reader::new("an answer", payload).lenenc_int()?,
    };
    if columns > MAX_COLUMNS {
        return Err(Error::TooLarge { what: "a column list", bytes: columns, limit: MAX_COLUMNS });
    }
    for _column in 0..columns {
        ColumnDefinition::decode(packets.receive(MAX_SMALL)?)?;
    }
    if !reply::is_eof(packets.receive(MAX_SMALL)?) {
        return Err(Error::Malformed { what: "an answer", reason: "its column list has no end" });
    }
    let columns = usize::try_from(columns).unwrap_or_default();
    loop {
        let payload = packets.receive(max_row)?;
        match payload.first() {
            Some(&reply::ERR) => return Err(reply::decode_error(payload)),
            _ if reply::is_eof(payload) => return Ok(()),
            _ => each(TextRow::decode(payload, columns)?)?,
        }
    }
}

fn text(cell: &[u8]) -> Result<String, Error> {
    std::str::from_utf8(cell)
        .map(str::to_owned)
        .map_err(|_| Error::Malformed { what: "a row", reason: "a cell is not UTF-8" })
}

/// The most columns a MySQL table can have.
const MAX_COLUMNS: u64 = 4096;

/// Catalog rows are small; a `SHOW GRANTS` or an ENUM of 65 535 labels may reach some megabytes, a
/// GTID set too.
const MAX_ROW: usize = 64 << 20;

/// Largest answer that is kept whole.
const MAX_RESULT: usize = 64 << 20;

/// What a cell takes beyond its text.
const CELL_COST: usize = 24;

#[cfg(test)]
mod tests {
    #[test]
    fn a_literal_cannot_be_left() {
        assert_eq!(super::literal("it's \\ \0"), "'it\\'s \\\\ \\0'");
    }
}
