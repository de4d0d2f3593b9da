//! Tables that are held back, and the dump that delivers what was.

use capture::{Sink, SinkError};
use change::Body;

use super::Translator;
use crate::binlog::TableMap;
use crate::source::error::Failure;
use crate::source::position::{BinlogPosition, Within, file_number};

impl Translator<'_> {
    /// Takes a table map. If its table cannot be decoded, what was delivered before becomes durable, and
    /// then the table is held back from here on, where that can be.
    pub(super) fn table_map(
        &mut self,
        map: &TableMap<'_>,
        body: &[u8],
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let Err(failure) = self.tables.bind(map, body, &self.place.position) else {
            return Ok(());
        };
        // Where only the number of delivered rows is known, those of this table must count too.
        if !self.tables.can_hold(&failure) || self.delivered.counts_rows_only() {
            return Err(failure);
        }
        self.settle(sink)?;
        let next = Within { rows_event: self.group.rows_event, ..Within::default() };
        let delivered = Within { rows: 0, begun: false, ..self.delivered };
        let from = BinlogPosition { within: next.max(delivered), ..self.place.position.clone() };
        let shown = self.place.shown_event();
        self.tables.hold(map, body, &from, &shown, failure)
    }

    /// Returns once everything that was delivered is durable.
    pub(crate) fn settle(&self, sink: &mut dyn Sink) -> Result<(), SinkError> {
        sink.settle(&self.place.change(Body::Heartbeat))
    }

    /// Rows from here on are left to another dump.
    pub(crate) fn set_limit(&mut self, limit: BinlogPosition) {
        self.limit = Some(limit);
    }

    /// Whether everything before the limit was read.
    pub(crate) fn has_reached_limit(&self) -> bool {
        let Some(limit) = &self.limit else { return false };
        if self.place.open {
            return false;
        }
        if limit.file.is_empty() || limit.server != self.place.position.server {
            return self.place.position.gtids == limit.gtids;
        }
        let at = (file_number(&limit.file).unwrap_or(0), limit.offset);
        let is_behind = if limit.within == Within::default() {
            self.place.read_to() >= at
        } else {
            self.place.read_to() > at
        };
        // A set with a hole brings again what lies before the place, and leads the place back.
        is_behind && self.place.position.gtids.covers(&limit.gtids)
    }

    /// Whether a rows event of the open group is beyond the limit, which may be within the group.
    pub(super) fn is_beyond_limit(&self, ordinal: u32) -> bool {
        let position = &self.place.position;
        self.limit.as_ref().is_some_and(|limit| {
            (&limit.server, &limit.file, limit.offset)
                == (&position.server, &position.file, position.offset)
                && limit.within != Within::default()
                && ordinal >= limit.within.rows_event
        })
    }

    /// Whether rows of this table are held back.
    pub(crate) fn holds(&self, database: &str, table: &str) -> bool {
        self.tables.holds(database, table)
    }

    /// How many tables are held back.
    pub(crate) fn held_count(&self) -> usize {
        self.tables.held_count()
    }

    /// All tables that are held back, with the reason's machine code.
    pub(crate) fn held(&self) -> Vec<(String, String)> {
        self.tables.held()
    }
}
