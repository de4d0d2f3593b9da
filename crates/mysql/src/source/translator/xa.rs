//! XA transactions: their rows are held back until it is known what became of them.
//!
//! The rows of a prepared transaction are delivered within the group of its `XA COMMIT`, and counted in
//! that group, so that a reader that comes back in the middle of them goes on with the next one. Small
//! groups are kept in memory for that; all others, and all after a restart, are read again from the
//! server's log. A table cannot change its definition in between: the transaction holds locks on it.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use capture::Sink;

use super::{INFLATED_BYTES_MAX, Translator};
use crate::binlog::{
    Event, EventHeader, EventType, FormatDescription, MariaDbGtid, PayloadReader, RawEvent,
    TableId, TransactionPayload, XaPrepare,
};
use crate::source::bad_event::bad_event;
use crate::source::error::Failure;
use crate::source::gtids::Gtids;
use crate::source::tables::Bound;
use crate::source::xa::{Prepared, Xid};

/// Takes an event, and tells whether it wants another one.
pub(crate) type EachEvent<'e> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>, Failure> + 'e;

/// Reads the server's log a second time, beside the dump.
pub(crate) trait PreparedLog: std::fmt::Debug {
    /// Hands out the events of the log from the group on, those in front of each dump first, until
    /// `each` has enough. `executed` are the GTIDs of everything that the dump beside has brought.
    fn read(
        &mut self,
        group: &Prepared,
        executed: &Gtids,
        each: &mut EachEvent<'_>,
    ) -> Result<(), Failure>;
}

/// What is known of the open group while its rows are held back.
#[derive(Debug, Default)]
pub(super) struct HeldBack {
    /// There are rows of tracked tables.
    has_rows: bool,
    /// Its events back to back, as long as they are few bytes.
    events: Vec<u8>,
    /// There were more.
    is_cut: bool,
}

#[cfg(test)]
impl HeldBack {
    /// As if it had more bytes than are kept.
    pub(super) fn cut(&mut self) {
        self.is_cut = true;
    }
}

/// Groups of prepared transactions that are small enough to be kept, oldest first.
#[derive(Debug, Default)]
pub(super) struct KeptGroups {
    groups: VecDeque<KeptGroup>,
    bytes: usize,
}

#[derive(Debug)]
struct KeptGroup {
    xid: Xid,
    format: FormatDescription,
    events: Vec<u8>,
}

/// A group that is being read again.
#[derive(Debug)]
struct Replay<'p> {
    group: &'p Prepared,
    format: FormatDescription,
    /// Its first event was seen.
    is_inside: bool,
}

/// Bytes of one group that are kept.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// Bytes of all of them.
const GROUPS_BYTES_MAX: usize = 8 << 20;

impl Translator<'_> {
    /// From here on rows of the open group wait for its outcome.
    pub(super) fn hold_back(&mut self) {
        self.group.transactional = true;
        self.group.held_back = Some(HeldBack::default());
    }

    /// The group that begins ends with a ROLLBACK, and nothing of it stands. What an earlier run has
    /// delivered of it is taken back by its end.
    pub(crate) fn undo_group(&mut self) {
        if self.place.open && !self.delivered.begun {
            self.group.held_back = Some(HeldBack { is_cut: true, ..HeldBack::default() });
        }
    }

    pub(super) fn is_held_back(&self) -> bool {
        self.group.held_back.is_some()
    }

    /// Keeps an event of a group that is held back, if there is room.
    pub(super) fn keep(&mut self, event: &[u8]) {
        let Some(held) = &mut self.group.held_back else { return };
        if held.is_cut || held.events.len().saturating_add(event.len()) > GROUP_BYTES_MAX {
            held.is_cut = true;
            held.events = Vec::new();
        } else {
            held.events.extend_from_slice(event);
        }
    }

    /// A rows event of a group that is held back. A table that is held back too may have caught up when
    /// the group is committed.
    pub(super) fn note_held_back(&mut self, table: TableId) {
        let is_tracked = !matches!(self.tables.get(table), Bound::Untracked | Bound::Unknown);
        if let Some(held) = &mut self.group.held_back {
            held.has_rows |= is_tracked;
        }
    }

    /// The group ends with the transaction prepared, or committed in one phase.
    pub(super) fn xa_prepare(
        &mut self,
        event: &XaPrepare<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let held = self.group.held_back.take();
        // Without its first statement, at a start within the group, its rows were delivered as they came.
        let was_held = held.is_some();
        let held = held.unwrap_or_default();
        let xid = Xid::from(event);
        let prepared = Prepared {
            has_rows: held.has_rows,
            file: self.place.position.file.clone(),
            offset: self.place.position.offset,
            gtid: self.place.transaction.gtid.clone(),
            previous: self.previous_in_domain(),
            xid,
        };
        if !held.is_cut && !held.events.is_empty() && held.has_rows {
            self.kept.push(&prepared.xid, &self.format, held.events);
        }
        if event.one_phase {
            self.deliver_prepared(&prepared, sink)?;
            self.kept.take(&prepared.xid);
            return self.commit(sink);
        }
        if let Some(oldest) = self.place.position.prepared.insert(prepared) {
            self.kept.take(&oldest.xid);
            self.warn_unprepared(&oldest.xid);
        }
        if was_held { self.end_group(sink) } else { self.commit(sink) }
    }

    pub(super) fn xa_commit(
        &mut self,
        statement: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let xid = Xid::of_statement(statement).unwrap_or_default();
        let Some(prepared) = self.place.position.prepared.find(&xid).cloned() else {
            self.warn_unprepared(&xid);
            return self.end_group(sink);
        };
        self.deliver_prepared(&prepared, sink)?;
        self.kept.take(&xid);
        self.place.position.prepared.remove(&xid);
        self.commit(sink)
    }

    pub(super) fn xa_rollback(
        &mut self,
        statement: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        if let Some(xid) = Xid::of_statement(statement) {
            self.kept.take(&xid);
            self.place.position.prepared.remove(&xid);
        }
        self.end_group(sink)
    }

    /// A transaction is committed whose rows were logged before the task began, or were given up.
    fn warn_unprepared(&mut self, xid: &Xid) {
        self.skipped.xa_unprepared += 1;
        let at = self.place.shown_event();
        self.warnings.add(
            "xa_unprepared",
            &xid.to_string(),
            format!(
                "rows are missing: the XA transaction {xid}, committed at {at}, was prepared before \
                 this task began to read"
            ),
        );
    }

    /// The last GTID of the open group's domain before it, on MariaDB.
    fn previous_in_domain(&self) -> String {
        let own = MariaDbGtid::parse(&self.place.transaction.gtid);
        match (&self.place.position.gtids, own) {
            (Gtids::MariaDb(list), Ok(own)) => {
                list.get(own.domain).map_or_else(String::new, |previous| previous.to_string())
            }
            _ => String::new(),
        }
    }

    fn deliver_prepared(
        &mut self,
        prepared: &Prepared,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        if !prepared.has_rows {
            return Ok(());
        }
        if let Some(kept) = self.kept.take(&prepared.xid) {
            let mut replay =
                Replay { group: prepared, format: kept.format.clone(), is_inside: true };
            let mut rest = kept.events.as_slice();
            while !rest.is_empty() {
                let size = EventHeader::parse(rest)?.event_size;
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let (event, behind) = rest.split_at_checked(size).unwrap_or((rest, &[]));
                rest = behind;
                if self.replay(event, &mut replay, sink)?.is_break() {
                    return Ok(());
                }
            }
            return Err(Failure::prepared_lost(prepared, "the group has no end"));
        }
        let Some(log) = self.prepared_log.take() else {
            return Err(Failure::prepared_lost(prepared, "the log cannot be read a second time"));
        };
        let executed = self.place.position.gtids.clone();
        let format = FormatDescription::assumed();
        let mut replay = Replay { group: prepared, format, is_inside: false };
        let result =
            log.read(prepared, &executed, &mut |event| self.replay(event, &mut replay, sink));
        self.prepared_log = Some(log);
        result
    }

    /// Handles an event of the log that is read a second time. Breaks behind the group's last one.
    fn replay(
        &mut self,
        bytes: &[u8],
        replay: &mut Replay<'_>,
        sink: &mut dyn Sink,
    ) -> Result<ControlFlow<()>, Failure> {
        // They stand in front of the format description that says how to read the others.
        if matches!(
            EventHeader::parse(bytes)?.event_type,
            EventType::ROTATE | EventType::HEARTBEAT | EventType::HEARTBEAT_V2
        ) {
            return Ok(ControlFlow::Continue(()));
        }
        if replay.is_inside && self.leaves_out_again(bytes, replay.group)? {
            return Ok(ControlFlow::Continue(()));
        }
        let raw = RawEvent::parse(bytes, replay.format.checksum);
        let handled =
            raw.map_err(Failure::from).and_then(|raw| self.replay_event(&raw, replay, sink));
        if handled.is_err() && replay.is_inside {
            self.group.bad_again =
                replay.group.place_of(bytes).map(|place| bad_event(place, bytes));
        }
        handled
    }

    fn replay_event(
        &mut self,
        raw: &RawEvent<'_>,
        replay: &mut Replay<'_>,
        sink: &mut dyn Sink,
    ) -> Result<ControlFlow<()>, Failure> {
        if replay.is_inside
            && raw.header.event_type == EventType::TABLE_MAP
            && self.tables.knows(raw.body)
        {
            return Ok(ControlFlow::Continue(()));
        }
        match Event::decode(raw, &replay.format)? {
            Event::FormatDescription(format) => replay.format = format,
            Event::Gtid(event) => {
                let gtid = event.gtid.map(|gtid| gtid.to_string()).unwrap_or_default();
                replay.begin_group(&gtid)?;
            }
            Event::MariaDbGtid(event) => replay.begin_group(&event.gtid.to_string())?,
            // Groups of MariaDB's other domains.
            _ if !replay.is_inside => {}
            Event::TableMap(map) => self.table_map(&map, raw.body, sink)?,
            Event::Rows(rows) => self.rows(&rows, sink)?,
            Event::RowsQuery(statement) => self.note_statement(statement),
            Event::AnnotateRows(event) => self.note_statement(event.statement),
            Event::CompressedRows(rows) => {
                let mut buffer = std::mem::take(&mut self.inflated);
                let rows = rows.inflate(&mut buffer, INFLATED_BYTES_MAX)?;
                let handled = self.rows(&rows, sink);
                self.inflated = buffer;
                handled?;
            }
            Event::TransactionPayload(payload) => {
                return self.replay_payload(&payload, replay, sink);
            }
            Event::XaPrepare(event) if Xid::from(&event) == replay.group.xid => {
                return Ok(ControlFlow::Break(()));
            }
            Event::XaPrepare(_) => {
                return Err(Failure::prepared_lost(replay.group, "another transaction is there"));
            }
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn replay_payload(
        &mut self,
        payload: &TransactionPayload<'_>,
        replay: &mut Replay<'_>,
        sink: &mut dyn Sink,
    ) -> Result<ControlFlow<()>, Failure> {
        let mut reader = PayloadReader::new(INFLATED_BYTES_MAX)?;
        let mut events = reader.open(payload)?;
        while let Some(inner) = events.next_event()? {
            if self.replay_event(&inner, replay, sink)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Replay<'_> {
    fn begin_group(&mut self, gtid: &str) -> Result<(), Failure> {
        if self.is_inside {
            return Err(Failure::prepared_lost(self.group, "the group has no end"));
        }
        let domain = |gtid: &str| MariaDbGtid::parse(gtid).ok().map(|gtid| gtid.domain);
        if gtid == self.group.gtid {
            self.is_inside = true;
        } else if domain(gtid).is_none() || domain(gtid) == domain(&self.group.gtid) {
            return Err(Failure::prepared_lost(self.group, "another transaction is there"));
        }
        Ok(())
    }
}

impl KeptGroups {
    fn push(&mut self, xid: &Xid, format: &FormatDescription, events: Vec<u8>) {
        self.take(xid);
        self.bytes = self.bytes.saturating_add(events.len());
        self.groups.push_back(KeptGroup { xid: xid.clone(), format: format.clone(), events });
        while self.bytes > GROUPS_BYTES_MAX
            && let Some(oldest) = self.groups.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(oldest.events.len());
        }
    }

    fn take(&mut self, xid: &Xid) -> Option<KeptGroup> {
        let index = self.groups.iter().position(|group| group.xid == *xid)?;
        let group = self.groups.remove(index)?;
        self.bytes = self.bytes.saturating_sub(group.events.len());
        Some(group)
    }

    /// Forgets all, so that a test reads them again as after a restart.
    #[cfg(test)]
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
