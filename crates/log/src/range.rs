//! A piece of a file, to be sent; or bytes that were made of one.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use rustix::fs::Advice;
use rustix::io::ReadWriteFlags;

use crate::durable::{self, File, MemoryFile};

/// Whole record batches, as bytes of a file. It stays readable when retention removes the file.
#[derive(Debug, Clone)]
pub struct FileRange {
    file: Arc<dyn File>,
    position: u64,
    length: u64,
}

/// Bytes that are copied at once where `sendfile` cannot be used, and while a range is loaded.
const COPY_BYTES: usize = 64 * 1024;
/// One byte of so many is asked for to learn whether they are in memory. The system reads ahead in
/// pieces of this size, and forgets in such pieces too.
const PROBE_BYTES: u64 = 128 * 1024;

impl FileRange {
    pub(crate) const fn new(file: Arc<dyn File>, position: u64, length: u64) -> Self {
        Self { file, position, length }
    }

    /// Bytes that stand in no file, because they were made for one client.
    #[must_use]
    pub fn in_memory(bytes: Vec<u8>) -> Self {
        let length = bytes.len() as u64;
        Self { file: Arc::new(MemoryFile(bytes)), position: 0, length }
    }

    /// Where it starts in the file.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Where it ends in the file.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.position.saturating_add(self.length)
    }

    /// Its bytes; at least one batch.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The file's descriptor, if there is a real file behind.
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.file.descriptor()
    }

    /// All its bytes at once.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let length = usize::try_from(self.length).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let mut bytes = vec![0; length];
        self.read_part(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `buffer` with its bytes behind the first `skip`. The buffer must not reach beyond the
    /// end.
    ///
    /// # Errors
    /// `UnexpectedEof` beyond the end; the system's.
    pub fn read_part(&self, skip: u64, buffer: &mut [u8]) -> io::Result<()> {
        let rest = self.length.checked_sub(skip).ok_or(io::ErrorKind::UnexpectedEof)?;
        if buffer.len() as u64 > rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        durable::read_exact_at(&*self.file, buffer, self.position.saturating_add(skip))
    }

    /// Whether `length` bytes behind the first `skip` are in the system's memory, as far as it tells
    /// without reading them. Where it does not tell, they count as being there.
    #[must_use]
    pub fn is_cached(&self, skip: u64, length: u64) -> bool {
        let Some(file) = self.descriptor() else { return true };
        let begin = self.position.saturating_add(skip);
        let end = begin.saturating_add(length).min(self.end());
        let mut probed = begin;
        while probed < end {
            if !is_byte_cached(file, probed) {
                return false;
            }
            probed = probed.saturating_add(PROBE_BYTES);
        }
        end <= begin || is_byte_cached(file, end.saturating_sub(1))
    }

    /// Brings `length` bytes behind the first `skip` into the system's memory, and begins to do so with
    /// as many behind them. Waits for the disk.
    ///
    /// # Errors
    /// The system's.
    pub fn load(&self, skip: u64, length: u64) -> io::Result<()> {
        let begin = skip.min(self.length);
        let end = begin.saturating_add(length).min(self.length);
        if let Some(file) = self.descriptor() {
            let ahead = NonZeroU64::new(length.saturating_mul(2));
            let begin = self.position.saturating_add(begin);
            // Only advice: the bytes are read below all the same.
            let _ = rustix::fs::fadvise(file, begin, ahead, Advice::WillNeed);
        }
        let mut buffer = vec![0; COPY_BYTES];
        let mut loaded = begin;
        while loaded < end {
            let rest = usize::try_from(end.saturating_sub(loaded)).unwrap_or(COPY_BYTES);
            let part = buffer.get_mut(..rest.min(COPY_BYTES)).unwrap_or_default();
            self.read_part(loaded, part)?;
            loaded = loaded.saturating_add(part.len() as u64);
        }
        Ok(())
    }

    /// Sends its bytes behind the first `skip` to a socket, `most` at most, within the kernel where it
    /// can; answers how many went. With a non-blocking socket that may be fewer than asked.
    ///
    /// # Errors
    /// `WouldBlock` if the socket takes nothing now; the system's.
    pub fn send(&self, skip: u64, most: usize, socket: impl AsFd) -> io::Result<usize> {
        let rest = self.length.saturating_sub(skip);
        let wanted = usize::try_from(rest).unwrap_or(usize::MAX).min(most);
        let mut position = self.position.saturating_add(skip);
        if let Some(file) = self.descriptor() {
            return Ok(rustix::fs::sendfile(socket, file, Some(&mut position), wanted)?);
        }
        let mut buffer = vec![0; wanted.min(COPY_BYTES)];
        self.read_part(skip, &mut buffer)?;
        Ok(rustix::io::write(socket, &buffer)?)
    }
}

/// Asks for a byte without waiting for the disk.
fn is_byte_cached(file: BorrowedFd<'_>, position: u64) -> bool {
    let mut byte = [0];
    let mut buffers = [io::IoSliceMut::new(&mut byte)];
    let asked = rustix::io::preadv2(file, &mut buffers, position, ReadWriteFlags::NOWAIT);
    !matches!(asked, Err(rustix::io::Errno::AGAIN))
}
