//! Where the reader stands: file, offset, open transaction, and the texts that clients see of it.

use std::fmt::Write as _;

use change::{Body, Change, Transaction, UnixTime};

use super::position::{BinlogPosition, Within, file_number};

/// The reader's place in the log. One value, updated in place; every change borrows from it.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The resume point.
    pub(crate) position: BinlogPosition,
    /// Whether a group (a transaction or a statement of its own) is open at `position.offset`.
    pub(crate) open: bool,
    /// What the open group shares.
    pub(crate) transaction: Transaction,
    /// Source time of the current event.
    pub(crate) time: UnixTime,
    /// The file that is being read. The resume point may still be in an earlier one.
    file: String,
    /// Number of the file, for the texts.
    file_number: u64,
    /// When the server began the file; 0 before its first event says so.
    created: u32,
    /// Where the current event starts in its file.
    start: u64,
    /// Where it ends.
    end: u64,
    /// `<end>@<file number>`.
    here: String,
    /// `<start of the open or last group>@<file number>`.
    safe: String,
}

impl Place {
    pub(crate) fn new(position: BinlogPosition) -> Self {
        let mut place = Self {
            file: position.file.clone(),
            file_number: file_number(&position.file).unwrap_or(0),
            created: position.created,
            start: position.offset,
            end: position.offset,
            position,
            ..Self::default()
        };
        place.write_here();
        place.safe.clone_from(&place.here);
        place
    }

    /// A change at this place.
    pub(crate) fn change<'a>(&'a self, body: Body<'a>) -> Change<'a> {
        Change {
            time: self.time,
            position: &self.here,
            safe_position: &self.safe,
            resume: &self.position,
            transaction: &self.transaction,
            body,
        }
    }

    /// `file:offset` up to which the log was read, for messages.
    pub(crate) fn shown_end(&self) -> String {
        format!("{}:{}", self.file, self.end)
    }

    /// `file:offset` of the current event, for messages about it.
    pub(crate) fn shown_event(&self) -> String {
        format!("{}:{}", self.file, self.start)
    }

    /// The next event starts where the last one ended.
    pub(crate) fn begin_event(&mut self) {
        self.start = self.end;
    }

    /// Takes the end of an event from its header, which has only the lower 32 bits. Events that stand
    /// in no file have 0 there and move nothing. Answers where the event starts.
    pub(crate) fn advance(&mut self, log_pos: u32, event_size: u32) -> u64 {
        if log_pos == 0 {
            return self.end;
        }
        const LOW: u64 = 0xffff_ffff;
        let mut end = (self.end & !LOW) | u64::from(log_pos);
        if end < self.end && self.end - end > LOW / 2 {
            end = end.saturating_add(LOW + 1);
        }
        self.end = end;
        self.start = end.saturating_sub(u64::from(event_size));
        self.start
    }

    /// Finds out where an event starts that may be damaged. One that says it starts before the end of
    /// the last one starts there.
    pub(crate) fn locate(&mut self, log_pos: u32, event_size: u32) {
        let end = self.end;
        let start = self.advance(log_pos, event_size);
        self.end = end;
        self.start = start.max(end);
    }

    /// The current event, which starts where [`Place::locate`] said, is not looked at.
    pub(crate) fn pass_over(&mut self, bytes: u64) {
        self.end = self.start.saturating_add(bytes);
    }

    /// The place in the log that was read up to, comparable within one server.
    pub(crate) fn read_to(&self) -> (u64, u64) {
        (self.file_number, self.end)
    }

    /// Whether this is the file that is being read.
    pub(crate) fn is_in(&self, file: &str) -> bool {
        self.file == file
    }

    /// Takes from the first event of the file when the server began it.
    pub(crate) fn describe_file(&mut self, created: u32) {
        if created != 0 {
            self.created = created;
        }
    }

    /// The log goes on in another file. Naming the same file again within a group moves nothing.
    pub(crate) fn rotate(&mut self, file: &str, offset: u64) {
        if self.file != file {
            self.file.clear();
            self.file.push_str(file);
            self.file_number = file_number(file).unwrap_or(0);
            self.created = 0;
        } else if self.open {
            return;
        }
        self.end = offset;
        self.pass();
    }

    /// A group starts at `offset`. What of it was delivered before is told by `delivered`, and stays
    /// the resume point until more is.
    pub(crate) fn open_group(&mut self, offset: u64, delivered: Within) {
        self.open = true;
        self.move_to(offset);
        self.position.within = delivered;
        self.position.group.clear();
        self.transaction.gtid.clear();
        self.transaction.thread_id = None;
        self.transaction.commit_time = None;
        self.transaction.sql_mode = None;
        self.transaction.charset = None;
        self.transaction.flags2 = None;
        self.transaction.statement.clear();
        self.safe.clear();
        // Writing to a String cannot fail.
        let _infallible = write!(self.safe, "{offset}@{}", self.file_number);
    }

    /// The open group ends with the current event. Answers whether its BEGIN was delivered.
    pub(crate) fn close_group(&mut self) -> bool {
        let begun = self.position.within.begun;
        self.open = false;
        self.move_to(self.end);
        self.position.within = Within::default();
        self.position.group.clear();
        self.write_here();
        begun
    }

    /// As [`Place::close_group`], for a group that ended before the current event, unnoticed.
    pub(crate) fn close_group_before_event(&mut self) -> bool {
        let end = std::mem::replace(&mut self.end, self.start);
        let begun = self.close_group();
        self.end = end;
        begun
    }

    /// Between groups, an event that belongs to none: the next group starts behind it. A start by GTID
    /// reads a file again from its beginning; that moves the resume point no way back.
    pub(crate) fn pass(&mut self) {
        let resume = (file_number(&self.position.file).unwrap_or(0), self.position.offset);
        // A server that was given another name for its files numbers them from 1 again.
        let is_renamed = base_name(&self.position.file) != base_name(&self.file);
        if !self.open && (is_renamed || self.read_to() > resume) {
            self.move_to(self.end);
        }
    }

    fn move_to(&mut self, offset: u64) {
        if self.position.file != self.file {
            self.position.file.clone_from(&self.file);
        }
        self.position.offset = offset;
        self.position.created = self.created;
    }

    /// Writes the text of the current event's end.
    pub(crate) fn write_here(&mut self) {
        self.here.clear();
        let _infallible = write!(self.here, "{}@{}", self.end, self.file_number);
    }
}

/// A file name without its number.
fn base_name(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(base, _)| base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a15_offsets_go_on_beyond_32_bits() {
        let mut place = Place::new(BinlogPosition {
            file: "bin.000001".into(),
            offset: 0xffff_ff00,
            ..Default::default()
        });
        assert_eq!(place.advance(0x0000_0100, 0x200), 0xffff_ff00);
        place.pass();
        assert_eq!(place.position.offset, 0x1_0000_0100);
    }

    #[test]
    fn a12_a_rotate_within_a_group_keeps_where_the_group_starts() {
        let mut place = Place::new(BinlogPosition {
            file: "bin.000001".into(),
            offset: 4,
            ..Default::default()
        });
        place.open_group(120, Within::default());
        place.rotate("bin.000001", 4);
        assert_eq!(place.position.offset, 120);
        assert!(place.open);
    }

    #[test]
    fn a_start_by_gtid_does_not_move_the_resume_point_back() {
        let mut place = Place::new(BinlogPosition {
            file: "bin.000007".into(),
            offset: 5000,
            ..Default::default()
        });
        place.rotate("bin.000006", 4);
        place.advance(126, 122);
        place.pass();
        place.rotate("bin.000007", 4);
        place.advance(126, 122);
        place.pass();
        assert_eq!((place.position.file.as_str(), place.position.offset), ("bin.000007", 5000));
        place.open_group(6000, Within::default());
        assert_eq!(place.position.offset, 6000);
    }

    #[test]
    fn a14_files_of_another_name_follow_whatever_their_number() {
        let mut place = Place::new(BinlogPosition {
            file: "old.000012".into(),
            offset: 5000,
            ..Default::default()
        });
        place.rotate("new.000001", 4);
        assert_eq!((place.position.file.as_str(), place.position.offset), ("new.000001", 4));
        place.rotate("new.000002", 4);
        place.advance(126, 122);
        place.pass();
        assert_eq!((place.position.file.as_str(), place.position.offset), ("new.000002", 126));
    }

    #[test]
    fn events_outside_of_any_file_move_nothing() {
        let mut place = Place::new(BinlogPosition { offset: 77, ..Default::default() });
        assert_eq!(place.advance(0, 40), 77);
        assert_eq!(place.end, 77);
    }
}
