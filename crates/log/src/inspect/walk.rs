//! Walks the batches of one segment, each checked, also across damage.

use std::fs;
use std::path::{Path, PathBuf};

use kafka::batch::{BatchHeader, HEADER_LEN};

use crate::durable::{self, File};
use crate::error::Reason;
use crate::segment::batch_len;
use crate::window::Window;
use crate::{Error, Offset};

/// What lies at the next place of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A batch whose checksum fits.
    Batch {
        header: BatchHeader,
        position: u64,
        /// The offset it should have begun with, if it does not.
        expected: Option<Offset>,
    },
    /// Bytes that are no batch, up to the next one or to the end of the file.
    Broken {
        position: u64,
        end: u64,
        reason: Reason,
        /// The offset with which the next batch begins; `None` if no whole one is behind.
        next: Option<Offset>,
    },
}

/// Goes through a segment from its first byte to the length it had when the walk began.
pub(super) struct Walk<'a> {
    file: &'a fs::File,
    path: PathBuf,
    window: Window<'a>,
    end: u64,
    position: u64,
    expected: Offset,
    /// Bytes that may still be looked through for a batch behind damage.
    search_left: u64,
}

/// A search may check as many bytes as this many times the file has: enough for any damage, and a file
/// made to be slow is left.
const SEARCH_PASSES: u64 = 4;
/// How far ahead an offset may be to be believed of a batch that was searched for.
const SEARCH_AHEAD: i64 = u32::MAX as i64;
/// Where the magic stands in a batch.
const MAGIC_AT: usize = 16;
const MAGIC: u8 = 2;
/// Bytes looked through at once.
const SEARCH_BYTES: usize = 64 * 1024;

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a fs::File, path: &Path, base: Offset) -> Result<Self, Error> {
        let end = file.length().map_err(Error::io("reading", path))?;
        Ok(Self {
            file,
            path: path.to_path_buf(),
            window: Window::new(file, end),
            end,
            position: 0,
            expected: base,
            search_left: end.saturating_mul(SEARCH_PASSES),
        })
    }

    /// The length of the file when the walk began.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// What comes next; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Step>, Error> {
        if self.position >= self.end {
            return Ok(None);
        }
        let position = self.position;
        let step = match self.check(position, self.expected)? {
            Ok(header) => Step::Batch { header, position, expected: None },
            Err(reason) => match self.whole_at(position)? {
                Some(header) => Step::Batch { header, position, expected: Some(self.expected) },
                None => {
                    let found = self.search(position)?;
                    let (end, next) = found.map_or((self.end, None), |(at, next)| (at, Some(next)));
                    Step::Broken { position, end, reason, next }
                }
            },
        };
        match &step {
            Step::Batch { header, .. } => {
                self.position = position.saturating_add(batch_len(header));
                self.expected = header.next_offset();
            }
            Step::Broken { end, next, .. } => {
                self.position = *end;
                self.expected = next.unwrap_or(self.expected);
            }
        }
        Ok(Some(step))
    }

    /// All bytes of a batch that was found whole.
    pub(super) fn bytes(&self, position: u64, header: &BatchHeader) -> Result<Vec<u8>, Error> {
        read_batch(self.file, &self.path, position, header)
    }

    fn check(
        &mut self,
        position: u64,
        expected: Offset,
    ) -> Result<Result<BatchHeader, Reason>, Error> {
        match self.window.check(position, expected) {
            // The file became shorter: whoever writes it has cut its end off.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Ok(Err("it ends inside a batch".into()))
            }
            checked => checked.map_err(Error::io("reading", &self.path)),
        }
    }

    /// The batch at a place, whatever offset it says it begins with.
    fn whole_at(&mut self, position: u64) -> Result<Option<BatchHeader>, Error> {
        let mut bytes = [0; HEADER_LEN];
        if self.end.saturating_sub(position) < HEADER_LEN as u64
            || durable::read_exact_at(self.file, &mut bytes, position).is_err()
        {
            return Ok(None);
        }
        let Ok(header) = BatchHeader::parse(&bytes) else { return Ok(None) };
        Ok(self.check(position, header.base_offset)?.ok())
    }

    /// Where the next whole batch starts behind `from`, with an offset that can follow, and that offset.
    fn search(&mut self, from: u64) -> Result<Option<(u64, Offset)>, Error> {
        let mut chunk = vec![0; SEARCH_BYTES];
        let mut start = from.saturating_add(1);
        while start.saturating_add(HEADER_LEN as u64) <= self.end && self.search_left > 0 {
            let rest = usize::try_from(self.end.saturating_sub(start)).unwrap_or(SEARCH_BYTES);
            let part = chunk.get_mut(..rest.min(SEARCH_BYTES)).unwrap_or_default();
            if durable::read_exact_at(self.file, part, start).is_err() {
                return Ok(None);
            }
            self.search_left = self.search_left.saturating_sub(part.len() as u64);
            let places = part.len().saturating_sub(HEADER_LEN).saturating_add(1);
            for (at, candidate) in part.windows(HEADER_LEN).enumerate() {
                let position = start.saturating_add(at as u64);
                if candidate.get(MAGIC_AT) == Some(&MAGIC)
                    && let Some(header) = self.candidate(candidate, position)?
                {
                    return Ok(Some((position, header.base_offset)));
                }
            }
            start = start.saturating_add(places as u64);
        }
        Ok(None)
    }

    /// The batch at a place that may hold one, if it is whole and can follow.
    fn candidate(&mut self, bytes: &[u8], position: u64) -> Result<Option<BatchHeader>, Error> {
        let Ok(header) = BatchHeader::parse(bytes) else { return Ok(None) };
        let ahead = header.base_offset.0.saturating_sub(self.expected.0);
        let fits = position.saturating_add(batch_len(&header)) <= self.end;
        if !(0..=SEARCH_AHEAD).contains(&ahead) || !fits || self.search_left == 0 {
            return Ok(None);
        }
        self.search_left = self.search_left.saturating_sub(batch_len(&header));
        Ok(self.check(position, header.base_offset)?.ok())
    }
}

/// Where a segment is damaged by more than an unfinished end, and how.
pub(crate) fn damage_in(path: &Path, base: Offset) -> Result<Option<(u64, Reason)>, Error> {
    let file = fs::File::open(path).map_err(Error::io("opening", path))?;
    let mut walk = Walk::new(&file, path, base)?;
    while let Some(step) = walk.next()? {
        match step {
            Step::Broken { position, reason, next: Some(_), .. } => {
                return Ok(Some((position, reason)));
            }
            Step::Batch { position, expected: Some(_), .. } => {
                return Ok(Some((position, "a batch does not follow the one before it".into())));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The bytes of a batch whose header was compared with the length of the file.
pub(super) fn read_batch(
    file: &fs::File,
    path: &Path,
    position: u64,
    header: &BatchHeader,
) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; header.batch_len];
    durable::read_exact_at(file, &mut bytes, position).map_err(Error::io("reading", path))?;
    Ok(bytes)
}
