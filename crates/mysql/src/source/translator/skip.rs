//! Leaving out an event that an operator has decided about.
//!
//! What is left out is the event and what cannot be understood without it: the rows of a TABLE_MAP, the
//! whole of a compressed transaction. A rows event still counts in its group, so that a reader that
//! comes back counts the same.

use capture::{BadEvent, Sink};

use super::Translator;
use crate::binlog::{EventHeader, EventType, TableId};
use crate::source::bad_event::bad_event;
use crate::source::error::Failure;
use crate::source::gtids::Gtids;
use crate::source::xa::Prepared;

impl Translator<'_> {
    /// Places of events that are left out, as [`BadEvent::place`] spells them.
    pub(crate) fn set_skips(&mut self, places: Vec<String>) {
        self.skips = places;
    }

    /// The event that could not be handled, for an operator: the last one, or one of the group that was
    /// read again because of it.
    pub(crate) fn bad_event(&self, bytes: &[u8]) -> BadEvent {
        self.group.bad_again.clone().unwrap_or_else(|| bad_event(self.place.shown_event(), bytes))
    }

    /// The next event, if it is to be left out.
    pub(crate) fn leaves_out(&mut self, bytes: &[u8]) -> Option<BadEvent> {
        if self.skips.is_empty() || EventHeader::parse(bytes).is_ok_and(|it| stands_nowhere(&it)) {
            return None;
        }
        self.place.begin_event();
        self.locate(bytes);
        let place = self.place.shown_event();
        self.skips.contains(&place).then(|| bad_event(place, bytes))
    }

    /// Finds out where an event starts, also one whose checksum is wrong.
    pub(super) fn locate(&mut self, bytes: &[u8]) {
        if let Ok(header) = EventHeader::parse(bytes)
            && usize::try_from(header.event_size) == Ok(bytes.len())
        {
            self.place.locate(header.log_pos, header.event_size);
        }
    }

    /// Leaves the event out that [`Translator::leaves_out`] has just told.
    pub(crate) fn leave_out(&mut self, bytes: &[u8], sink: &mut dyn Sink) -> Result<(), Failure> {
        self.skipped.quarantined += 1;
        // Read again, it counts the same.
        self.keep(bytes);
        let header = EventHeader::parse(bytes)?;
        let kind = header.event_type;
        if header.log_pos != 0 {
            self.place.pass_over(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        if matches!(kind, EventType::GTID | EventType::GTID_TAGGED | EventType::MARIADB_GTID) {
            // A set that lacks this transaction would bring it again.
            self.place.position.gtids = Gtids::None;
        }
        self.group.may_have_ended |= matches!(kind, EventType::QUERY | EventType::QUERY_COMPRESSED);
        if matches!(kind, EventType::TRANSACTION_PAYLOAD | EventType::XID) {
            self.commit(sink)?;
        } else if !self.is_held_back() {
            self.leave_out_rows(kind, bytes);
        }
        if !self.place.open {
            self.place.pass();
        }
        Ok(())
    }

    /// Leaves an event out of a group that is read again, if that was decided.
    pub(super) fn leaves_out_again(
        &mut self,
        bytes: &[u8],
        group: &Prepared,
    ) -> Result<bool, Failure> {
        if self.skips.is_empty() {
            return Ok(false);
        }
        let (Ok(header), Some(place)) = (EventHeader::parse(bytes), group.place_of(bytes)) else {
            return Ok(false);
        };
        let is_left_out = self.skips.contains(&place)
            && self.tables.quarantine().event_skipped(&bad_event(place, bytes))?;
        if is_left_out {
            self.leave_out_rows(header.event_type, bytes);
        }
        Ok(is_left_out)
    }

    /// Counts a rows event, and notes whose rows cannot be told without a TABLE_MAP.
    fn leave_out_rows(&mut self, kind: EventType, bytes: &[u8]) {
        if kind == EventType::TABLE_MAP {
            let id = bytes.get(EventHeader::LENGTH..).and_then(|body| body.first_chunk::<6>());
            self.group.unmapped.push(id.map(|[a, b, c, d, e, f]| {
                TableId(u64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0]))
            }));
        } else if is_rows(kind) {
            let ordinal = self.count_rows_event();
            self.passed(ordinal);
        }
    }

    /// Whether the TABLE_MAP of these rows was left out: its own one, or one that did not even tell its
    /// table and is followed by rows without any.
    pub(super) fn is_unmapped(&self, table: TableId, is_known: bool) -> bool {
        let unmapped = &self.group.unmapped;
        unmapped.contains(&Some(table)) || (!is_known && !unmapped.is_empty())
    }
}

/// Whether a server makes such an event for a dump: in front of the first one of the log, and in between
/// while it has nothing to send.
const fn stands_nowhere(header: &EventHeader) -> bool {
    match header.event_type {
        EventType::HEARTBEAT | EventType::HEARTBEAT_V2 => true,
        EventType::ROTATE | EventType::FORMAT_DESCRIPTION => {
            header.is_artificial() || header.log_pos == 0
        }
        _ => false,
    }
}

const fn is_rows(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::WRITE_ROWS_V1
            | EventType::UPDATE_ROWS_V1
            | EventType::DELETE_ROWS_V1
            | EventType::WRITE_ROWS
            | EventType::UPDATE_ROWS
            | EventType::DELETE_ROWS
            | EventType::PARTIAL_UPDATE_ROWS
            | EventType::WRITE_ROWS_COMPRESSED_V1
            | EventType::UPDATE_ROWS_COMPRESSED_V1
            | EventType::DELETE_ROWS_COMPRESSED_V1
            | EventType::WRITE_ROWS_COMPRESSED
            | EventType::UPDATE_ROWS_COMPRESSED
            | EventType::DELETE_ROWS_COMPRESSED
    )
}
