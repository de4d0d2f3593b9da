//! Rows, each counted in its group, so that a reader that comes back knows which it has delivered.

use capture::Sink;
use change::{Body, Image, Row};

use super::Translator;
use crate::binlog::RowsEvent;
use crate::source::error::Failure;
use crate::source::position::Within;
use crate::source::tables::Bound;

impl Translator<'_> {
    pub(super) fn rows(
        &mut self,
        rows: &RowsEvent<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let ordinal = self.count_rows_event();
        if !self.passes_over(rows, ordinal) {
            self.deliver(rows, ordinal, sink)?;
        }
        self.passed(ordinal);
        if rows.ends_statement() {
            self.place.transaction.statement.clear();
        }
        Ok(())
    }

    /// Whether the rows are beyond where this dump ends, or their table map was left out.
    fn passes_over(&mut self, rows: &RowsEvent<'_>, ordinal: u32) -> bool {
        if self.is_beyond_limit(ordinal) {
            return true;
        }
        if self.group.unmapped.is_empty() {
            return false;
        }
        let is_known = !matches!(self.tables.get(rows.table_id), Bound::Unknown);
        let is_unmapped = self.is_unmapped(rows.table_id, is_known);
        self.skipped.quarantined += u64::from(is_unmapped);
        is_unmapped
    }

    fn deliver(
        &mut self,
        rows: &RowsEvent<'_>,
        ordinal: u32,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        match self.tables.get(rows.table_id) {
            Bound::Tracked(table) => {
                self.place.write_here();
                let mut walk = rows.rows(table)?;
                let mut row = 0_u32;
                while let Some(pair) = walk.next_row()? {
                    row = row.saturating_add(1);
                    self.group.rows = self.group.rows.saturating_add(1);
                    let at =
                        Within { rows_event: ordinal, row, rows: self.group.rows, begun: true };
                    if self.delivered.covers(&at) {
                        continue;
                    }
                    let within = &mut self.place.position.within;
                    if !within.begun {
                        within.begun = true;
                        sink.change(&self.place.change(Body::Begin))?;
                    }
                    self.place.position.within = at;
                    let body = Body::Row(Row {
                        operation: rows.operation,
                        schema: table.schema(),
                        before: pair.before.as_ref().map(|image| image as &dyn Image),
                        after: pair.after.as_ref().map(|image| image as &dyn Image),
                    });
                    sink.change(&self.place.change(body))?;
                }
            }
            Bound::Untracked => self.skipped.untracked += 1,
            Bound::Held => self.skipped.held += 1,
            Bound::Unknown if rows.table_id.0 == DUMMY_TABLE_ID => {}
            Bound::Unknown => return Err(Failure::NoTableMap(rows.table_id.0)),
        }
        Ok(())
    }

    /// Answers the number of the current rows event in its group.
    pub(super) fn count_rows_event(&mut self) -> u32 {
        let ordinal = self.group.rows_event;
        self.group.rows_event = ordinal.saturating_add(1);
        ordinal
    }

    /// A rows event was handled whole. The resume point goes behind it, unless an earlier run has
    /// delivered more.
    pub(super) fn passed(&mut self, ordinal: u32) {
        let rows = self.group.rows;
        let within = &mut self.place.position.within;
        let behind = Within { rows_event: ordinal.saturating_add(1), row: 0, rows, ..*within };
        let is_ahead = if self.delivered.counts_rows_only() {
            rows >= self.delivered.rows
        } else {
            (behind.rows_event, behind.row) > (self.delivered.rows_event, self.delivered.row)
        };
        if is_ahead {
            *within = behind;
        }
    }
}

/// What the first rows event of a statement carries when it only ends the statement.
const DUMMY_TABLE_ID: u64 = 0x00ff_ffff;
