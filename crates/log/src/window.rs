//! Batches of a segment, checked one by one, whoever wrote them and however long they are.

use kafka::batch::{BatchHeader, HEADER_LEN};

use crate::Offset;
use crate::durable::{self, File};
use crate::error::Reason;
use crate::segment::batch_len;

/// A file read in order through one buffer of fixed size, however long its batches are.
pub(crate) struct Window<'a> {
    file: &'a dyn File,
    end: u64,
    buffer: Vec<u8>,
    /// Where the buffer's bytes stand in the file.
    start: u64,
    filled: usize,
}

impl<'a> Window<'a> {
    pub(crate) fn new(file: &'a dyn File, end: u64) -> Self {
        Self { file, end, buffer: vec![0; CHUNK], start: 0, filled: 0 }
    }

    /// Checks the batch at `position`; `Err` inside says what is wrong with it.
    pub(crate) fn check(
        &mut self,
        position: u64,
        expected: Offset,
    ) -> std::io::Result<Result<BatchHeader, Reason>> {
        let header = match BatchHeader::parse(self.bytes(position, HEADER_LEN)?) {
            Ok(header) => header,
            Err(error) => return Ok(Err(error.to_string().into())),
        };
        if header.base_offset != expected {
            return Ok(Err("a batch does not follow the one before it".into()));
        }
        let batch_end = position.saturating_add(batch_len(&header));
        if batch_end > self.end {
            return Ok(Err("it ends inside a batch".into()));
        }
        let mut at = position.saturating_add(CHECKED_AT);
        let mut crc = 0;
        while at < batch_end {
            let wanted = usize::try_from(batch_end - at).unwrap_or(CHUNK).min(CHUNK);
            let part = self.bytes(at, wanted)?;
            if part.is_empty() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            crc = crc32c::crc32c_append(crc, part);
            at = at.saturating_add(part.len() as u64);
        }
        Ok(if crc == header.crc {
            Ok(header)
        } else {
            Err("a batch's checksum does not fit".into())
        })
    }

    /// Goes from batch to batch as long as they are whole; answers where the first is that is not, the
    /// offset that it should begin with, and the last whole one.
    pub(crate) fn walk(
        &mut self,
        mut position: u64,
        mut next: Offset,
    ) -> std::io::Result<(u64, Offset, Option<BatchHeader>)> {
        let mut last = None;
        while position < self.end {
            let header = match self.check(position, next) {
                Ok(Ok(header)) => header,
                Ok(Err(_)) => break,
                // The file is shorter by now.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            };
            position = position.saturating_add(batch_len(&header));
            next = header.next_offset();
            last = Some(header);
        }
        Ok((position, next, last))
    }

    /// Up to `wanted` bytes from `position` on; fewer at the end of the buffer or of the file, but
    /// never fewer than a header if the file has it.
    pub(crate) fn bytes(&mut self, position: u64, wanted: usize) -> std::io::Result<&[u8]> {
        let least = wanted.min(HEADER_LEN);
        let mut skip = self.skip(position);
        if skip.is_none_or(|skip| self.filled.saturating_sub(skip) < least) {
            let rest = usize::try_from(self.end.saturating_sub(position)).unwrap_or(CHUNK);
            self.filled = 0;
            self.start = position;
            let part = self.buffer.get_mut(..rest.min(CHUNK)).unwrap_or_default();
            durable::read_exact_at(self.file, part, position)?;
            self.filled = rest.min(CHUNK);
            skip = Some(0);
        }
        let skip = skip.unwrap_or_default();
        let available = self.filled.saturating_sub(skip).min(wanted);
        Ok(self.buffer.get(skip..skip.saturating_add(available)).unwrap_or_default())
    }

    /// How deep in the buffer a position is.
    fn skip(&self, position: u64) -> Option<usize> {
        usize::try_from(position.checked_sub(self.start)?).ok().filter(|skip| *skip <= self.filled)
    }
}

/// Where the bytes start in a batch that its checksum covers: behind the checksum, so neither base
/// offset nor leader epoch are covered.
const CHECKED_AT: u64 = 21;
/// Bytes read at once.
const CHUNK: usize = 256 * 1024;
