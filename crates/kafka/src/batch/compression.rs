//! The five ways in which the records of a batch are compressed, each bounded when read.

use std::io::{self, Read, Write};

use flate2::{read::MultiGzDecoder, write::GzEncoder};

use crate::{
    Error, Result,
    batch::{lz4, snappy},
};

/// How the records of a batch are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Compression {
    /// Not at all.
    #[default]
    None = 0,
    /// gzip.
    Gzip = 1,
    /// Snappy in the framing of snappy-java.
    Snappy = 2,
    /// LZ4 frames (KIP-57).
    Lz4 = 3,
    /// Zstandard (KIP-110). Must not reach a Fetch below version 10.
    Zstd = 4,
}

/// Windows above 8 MiB are refused (RFC 8878 asks every decoder for that much, section 3.1.1.1.2),
/// because a frame names its window before it has shown any data.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

impl Compression {
    /// Every compression.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The number in the lowest three bits of the batch attributes.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The compression with this number.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|compression| compression.id() == id)
    }

    /// Appends the compressed records to `out`.
    pub(crate) fn compress(self, records: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let done = match self {
            Self::None => {
                out.extend_from_slice(records);
                Ok(())
            }
            Self::Gzip => gzip(records, out),
            Self::Snappy => snappy::compress(records, out),
            Self::Lz4 => lz4::compress(records, out),
            Self::Zstd => zstd::stream::copy_encode(records, out, zstd::DEFAULT_COMPRESSION_LEVEL),
        };
        done.map_err(|source| Error::Compress { compression: self, source })
    }

    /// Replaces what is in `out` with the decompressed records, at most `cap` bytes.
    pub(crate) fn decompress(self, bytes: &[u8], cap: usize, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        let done = match self {
            Self::None => read_capped(bytes, cap, out),
            Self::Gzip => read_capped(MultiGzDecoder::new(bytes), cap, out),
            Self::Snappy => snappy::decompress(bytes, cap, out),
            Self::Lz4 => read_capped(lz4_flex::frame::FrameDecoder::new(bytes), cap, out),
            Self::Zstd => zstd_decoder(bytes).and_then(|decoder| read_capped(decoder, cap, out)),
        };
        match done {
            Ok(Within::Cap) => Ok(()),
            Ok(Within::More) => Err(Error::DecompressedTooLarge { cap }),
            Err(source) => Err(Error::Decompress { compression: self, source }),
        }
    }
}

/// Appends messages of format 0, compressed with LZ4.
pub(crate) fn compress_legacy_lz4(messages: &[u8], out: &mut Vec<u8>) -> Result<()> {
    lz4::compress_legacy(messages, out)
        .map_err(|source| Error::Compress { compression: Compression::Lz4, source })
}

/// Replaces what is in `out` with messages of format 0 that were compressed so.
pub(crate) fn decompress_legacy_lz4(frame: &[u8], cap: usize, out: &mut Vec<u8>) -> Result<()> {
    let mended = lz4::mended(frame);
    Compression::Lz4.decompress(mended.as_deref().unwrap_or(frame), cap, out)
}

/// Whether the reader's limit was enough.
pub(super) enum Within {
    /// Everything was read.
    Cap,
    /// There was more.
    More,
}

fn gzip(records: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(out, flate2::Compression::default());
    encoder.write_all(records)?;
    encoder.finish().map(|_| ())
}

fn zstd_decoder(bytes: &[u8]) -> io::Result<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

fn read_capped(reader: impl Read, cap: usize, out: &mut Vec<u8>) -> io::Result<Within> {
    let one_more = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    let read = reader.take(one_more).read_to_end(out)?;
    Ok(if read > cap { Within::More } else { Within::Cap })
}
