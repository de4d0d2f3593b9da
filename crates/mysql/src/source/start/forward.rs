//! Starts beyond 4 GiB of a file. The dump command has 32 bits for the place, so the dump begins with
//! the file, and what stands before the place is left out. What is passed on looks as if the server had
//! started there: its first ROTATE names the place, and the format's description stands in no file.

use crate::binlog::{Checksum, DecodeError, EventHeader, EventType};

/// Leaves out what stands before a place.
#[derive(Debug)]
pub(crate) struct Forward {
    to: u64,
    /// Where the last event ended.
    end: u64,
    checksum: Checksum,
    /// How far the dump's opening was passed on.
    opening: Opening,
    rewritten: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    Rotate,
    Format,
    Done,
}

impl Forward {
    /// `checksum` is what the server was asked to send.
    pub(crate) fn new(to: u64, checksum: Checksum) -> Self {
        Self { to, end: FIRST_EVENT, checksum, opening: Opening::Rotate, rewritten: Vec::new() }
    }

    /// What the reader is to see of the next event; everything once the place was reached.
    ///
    /// # Errors
    /// The event has no header, or the place lies within it: then the file is another one.
    pub(crate) fn pass<'a>(
        forward: &'a mut Option<Self>,
        event: &'a [u8],
    ) -> Result<Option<&'a [u8]>, DecodeError> {
        if forward.as_ref().is_some_and(|forward| forward.end >= forward.to) {
            *forward = None;
        }
        match forward {
            Some(forward) => forward.show(event),
            None => Ok(Some(event)),
        }
    }

    fn show<'a>(&'a mut self, event: &'a [u8]) -> Result<Option<&'a [u8]>, DecodeError> {
        let header = EventHeader::parse(event)?;
        let kind = header.event_type;
        match self.opening {
            Opening::Rotate if kind == EventType::ROTATE => {
                self.opening = Opening::Format;
                return Ok(Some(self.rewrite(event, BODY, &self.to.to_le_bytes())));
            }
            Opening::Rotate => {}
            Opening::Format | Opening::Done => {
                self.advance(&header);
                if self.end > self.to {
                    return Err(DecodeError::Malformed {
                        what: "the log",
                        reason: "no event ends where it was to be started",
                    });
                }
                if self.opening == Opening::Format && kind == EventType::FORMAT_DESCRIPTION {
                    self.opening = Opening::Done;
                    return Ok(Some(self.rewrite(event, LOG_POS, &0_u32.to_le_bytes())));
                }
            }
        }
        let is_alive = matches!(kind, EventType::HEARTBEAT | EventType::HEARTBEAT_V2);
        Ok(is_alive.then_some(event))
    }

    /// Headers have only the lower 32 bits of where an event ends.
    fn advance(&mut self, header: &EventHeader) {
        if header.log_pos == 0 {
            return;
        }
        let mut end = (self.end & !LOW) | u64::from(header.log_pos);
        if end < self.end && self.end - end > LOW / 2 {
            end = end.saturating_add(LOW + 1);
        }
        self.end = end;
    }

    /// A copy of the event with other bytes at one place, and the checksum that goes with them.
    fn rewrite(&mut self, event: &[u8], at: usize, bytes: &[u8]) -> &[u8] {
        self.rewritten.clear();
        self.rewritten.extend_from_slice(event);
        if let Some(room) = self.rewritten.get_mut(at..at + bytes.len()) {
            room.copy_from_slice(bytes);
        }
        if self.checksum == Checksum::Crc32
            && let Some((content, stored)) = self.rewritten.split_last_chunk_mut::<4>()
        {
            *stored = crc32fast::hash(content).to_le_bytes();
        }
        &self.rewritten
    }
}

/// First byte of a file's first event.
const FIRST_EVENT: u64 = super::FILE_START;
const LOW: u64 = 0xffff_ffff;
/// Where an event's body starts: a ROTATE has the place there.
const BODY: usize = EventHeader::LENGTH;
/// Where a header says at which byte its event ends.
const LOG_POS: usize = 13;
