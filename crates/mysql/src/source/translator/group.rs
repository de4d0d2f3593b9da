//! Where groups begin and end, and their GTIDs.

use std::fmt::Write as _;

use capture::{BadEvent, Sink, SinkError};
use change::Body;

use super::Translator;
use super::xa::HeldBack;
use crate::binlog::{Gtid, GtidEvent, GtidList, MariaDbGtid, MariaDbGtidEvent, RawEvent, TableId};
use crate::source::error::Failure;
use crate::source::gtids::Gtids;
use crate::source::position::Within;

/// What is known of the open group besides its place.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Added to the executed set when the group ends.
    pub(super) gtid: Option<AnyGtid>,
    /// A BEGIN was seen or is implied: a COMMIT, ROLLBACK or XID ends the group, and not a statement.
    pub(super) transactional: bool,
    /// Rows events so far, tracked or not.
    pub(super) rows_event: u32,
    /// Rows of tracked tables so far.
    pub(super) rows: u64,
    /// Tables whose TABLE_MAP was left out; `None` where it did not even tell its table.
    pub(super) unmapped: Vec<Option<TableId>>,
    /// A statement of it was left out, which may have been its end.
    pub(super) may_have_ended: bool,
    /// The rows wait for what becomes of the group: it is an XA transaction's.
    pub(super) held_back: Option<HeldBack>,
    /// The event that could not be used in the group of a prepared XA transaction, which was read again.
    pub(super) bad_again: Option<BadEvent>,
}

#[derive(Debug)]
pub(super) enum AnyGtid {
    MySql(Gtid),
    MariaDb(MariaDbGtid),
}

impl Translator<'_> {
    pub(super) fn gtid(
        &mut self,
        event: &GtidEvent,
        raw: &RawEvent<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.end_unfinished(sink)?;
        let expected = self.expected_group();
        self.open_group(start, raw.header.server_id);
        self.place.transaction.commit_time = event.original_commit.or(event.immediate_commit);
        if let Some(gtid) = event.gtid {
            let _infallible = write!(self.place.transaction.gtid, "{gtid}");
            self.group.gtid = Some(AnyGtid::MySql(gtid));
        } else {
            // A set that lacks this transaction says nothing about where to go on.
            self.place.position.gtids = Gtids::None;
        }
        self.identify_group(expected)
    }

    pub(super) fn mariadb_gtid(
        &mut self,
        event: &MariaDbGtidEvent<'_>,
        raw: &RawEvent<'_>,
        start: u64,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        self.end_unfinished(sink)?;
        let expected = self.expected_group();
        self.open_group(start, raw.header.server_id);
        self.place.transaction.thread_id = event.thread_id;
        let _infallible = write!(self.place.transaction.gtid, "{}", event.gtid);
        self.group.gtid = Some(AnyGtid::MariaDb(event.gtid));
        self.group.transactional = !event.is_standalone();
        if event.is_xa_prepare() {
            self.hold_back();
        }
        self.identify_group(expected)
    }

    /// The GTID of the group that an earlier run delivered in part, if the next one must be that.
    pub(super) fn expected_group(&self) -> Option<String> {
        let is_partial = self.delivered != Within::default();
        let group = &self.place.position.group;
        (is_partial && !group.is_empty()).then(|| group.clone())
    }

    /// Takes the GTID of the group that was opened. After a failover the next group may be another one
    /// than that which was delivered in part; going on would count the wrong rows.
    pub(super) fn identify_group(&mut self, expected: Option<String>) -> Result<(), Failure> {
        let found = &self.place.transaction.gtid;
        if let Some(expected) = expected.filter(|expected| expected != found) {
            return Err(Failure::OtherTransaction { expected, found: found.clone() });
        }
        self.place.position.group.clone_from(found);
        Ok(())
    }

    /// A group whose end was not recognized has ended where the next one begins.
    pub(super) fn end_unfinished(&mut self, sink: &mut dyn Sink) -> Result<(), SinkError> {
        if !self.place.open {
            return Ok(());
        }
        self.add_gtid();
        if self.place.close_group_before_event() {
            sink.change(&self.place.change(Body::Commit))?;
        }
        Ok(())
    }

    pub(super) fn open_group(&mut self, start: u64, server_id: u32) {
        self.tables.make_room();
        self.place.open_group(start, self.delivered);
        self.place.transaction.server_id = Some(server_id);
        self.group = Group::default();
    }

    pub(super) fn commit(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.end_with(Body::Commit, sink)
    }

    /// A transaction that changed tables of engines without transactions is logged although it was
    /// rolled back; those changes stand.
    pub(super) fn rollback(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        if self.place.position.within.begun {
            let at = self.place.shown_event();
            let gtid = self.place.transaction.gtid.clone();
            let text = format!(
                "a transaction was delivered that was rolled back at {at}: its ROLLBACK record says so"
            );
            self.warnings.add("rolled_back", &gtid, text);
        }
        self.end_with(Body::Rollback, sink)
    }

    /// Ends the open group; `end` is delivered where its BEGIN was.
    pub(super) fn end_with(&mut self, end: Body<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        if self.close_group() {
            sink.change(&self.place.change(end))?;
        } else {
            sink.progress(&self.place.change(Body::Heartbeat))?;
        }
        Ok(())
    }

    pub(super) fn end_group(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.close_group();
        Ok(sink.progress(&self.place.change(Body::Heartbeat))?)
    }

    pub(super) fn end_unless_transactional(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        if self.group.transactional { Ok(()) } else { self.end_group(sink) }
    }

    /// A file ends or begins: a group that is still open was cut off by a crash and never committed.
    pub(super) fn cut_off(&mut self, sink: &mut dyn Sink) -> Result<(), SinkError> {
        if !self.place.open {
            return Ok(());
        }
        if !self.group.may_have_ended {
            self.group.gtid = None;
        }
        let end = if self.group.may_have_ended { Body::Commit } else { Body::Rollback };
        if self.close_group() {
            sink.change(&self.place.change(end))?;
        }
        Ok(())
    }

    /// Ends the open group at the current event: from here on it counts as executed. Answers whether
    /// its BEGIN was delivered.
    pub(super) fn close_group(&mut self) -> bool {
        self.add_gtid();
        self.place.close_group()
    }

    pub(super) fn add_gtid(&mut self) {
        match (self.group.gtid.take(), &mut self.place.position.gtids) {
            (Some(AnyGtid::MySql(gtid)), Gtids::MySql(set)) => set.add(gtid),
            (Some(AnyGtid::MariaDb(gtid)), Gtids::MariaDb(list)) => list.set(gtid),
            // Read from all that there ever was, which is told in MySQL's form.
            (Some(AnyGtid::MariaDb(gtid)), gtids @ Gtids::MySql(_)) if gtids.is_empty() => {
                let mut list = GtidList::new();
                list.set(gtid);
                *gtids = Gtids::MariaDb(list);
            }
            _ => {}
        }
        self.group.transactional = false;
        self.group.held_back = None;
        self.delivered = Within::default();
    }
}
