//! A piece of a file, to be sent.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use crate::durable::{self, File};

/// Whole record batches, as bytes of a file. It stays readable when retention removes the file.
#[derive(Debug, Clone)]
pub struct FileRange {
    file: Arc<dyn File>,
    position: u64,
    length: u64,
}

/// Bytes that are copied at once where `sendfile` cannot be used.
const COPY_BYTES: usize = 64 * 1024;

impl FileRange {
    pub(crate) const fn new(file: Arc<dyn File>, position: u64, length: u64) -> Self {
        Self { file, position, length }
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

    /// Sends its bytes behind the first `skip` to a socket, within the kernel where it can; answers
    /// how many went. With a non-blocking socket that may be fewer than asked.
    ///
    /// # Errors
    /// `WouldBlock` if the socket takes nothing now; the system's.
    pub fn send(&self, skip: u64, socket: impl AsFd) -> io::Result<usize> {
        let rest = self.length.saturating_sub(skip);
        let mut position = self.position.saturating_add(skip);
        if let Some(file) = self.descriptor() {
            let wanted = usize::try_from(rest).unwrap_or(usize::MAX);
            return Ok(rustix::fs::sendfile(socket, file, Some(&mut position), wanted)?);
        }
        let mut buffer = vec![0; usize::try_from(rest).unwrap_or(COPY_BYTES).min(COPY_BYTES)];
        self.read_part(skip, &mut buffer)?;
        Ok(rustix::io::write(socket, &buffer)?)
    }
}
