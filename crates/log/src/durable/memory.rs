//! Bytes in memory in the place of a file, to be read only.

use std::io;
use std::os::fd::BorrowedFd;

use super::File;

/// Bytes that were made and stand in no file.
#[derive(Debug)]
pub(crate) struct MemoryFile(pub(crate) Vec<u8>);

impl File for MemoryFile {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let from = usize::try_from(position).unwrap_or(usize::MAX);
        let rest = self.0.get(from..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        let (Some(to), Some(bytes)) = (buffer.get_mut(..length), rest.get(..length)) else {
            return Ok(0);
        };
        to.copy_from_slice(bytes);
        Ok(length)
    }

    fn write_at(&self, _bytes: &[u8], _position: u64) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn set_length(&self, _length: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn forget_cached(&self, _from: u64) {}

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
