//! Snappy in the framing of snappy-java ("xerial"), which every Kafka client reads, and bare Snappy,
//! which a few producers write.

use std::io;

use crate::{batch::compression::Within, codec::Reader};

/// Magic, version 1, lowest version that can read it 1.
const STREAM_HEADER: [u8; 16] =
    [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];

/// The first bytes of the header, without the versions: readers have never looked at those.
const MAGIC_LEN: usize = 8;

/// What snappy-java compresses at a time.
const BLOCK_LEN: usize = 32 * 1024;

/// Appends a stream that holds `data`.
pub(super) fn compress(data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(&STREAM_HEADER);
    let mut encoder = snap::raw::Encoder::new();
    for block in data.chunks(BLOCK_LEN) {
        let compressed = encoder.compress_vec(block).map_err(io::Error::other)?;
        let length = u32::try_from(compressed.len()).map_err(io::Error::other)?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&compressed);
    }
    Ok(())
}

/// Appends what the stream holds, at most `cap` bytes.
pub(super) fn decompress(bytes: &[u8], cap: usize, out: &mut Vec<u8>) -> io::Result<Within> {
    let is_framed = bytes.get(..MAGIC_LEN) == STREAM_HEADER.get(..MAGIC_LEN);
    if !is_framed {
        return append_block(bytes, cap, out);
    }
    let mut reader = Reader::new(bytes);
    reader.take(STREAM_HEADER.len()).map_err(io::Error::other)?;
    while !reader.is_empty() {
        let length = reader.uint32().map_err(io::Error::other)?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let block = reader.take(length).map_err(io::Error::other)?;
        if let Within::More = append_block(block, cap, out)? {
            return Ok(Within::More);
        }
    }
    Ok(Within::Cap)
}

fn append_block(block: &[u8], cap: usize, out: &mut Vec<u8>) -> io::Result<Within> {
    let length = snap::raw::decompress_len(block).map_err(io::Error::other)?;
    let start = out.len();
    let end = start.saturating_add(length);
    if end > cap {
        return Ok(Within::More);
    }
    out.resize(end, 0);
    let room = out.get_mut(start..).unwrap_or_default();
    snap::raw::Decoder::new().decompress(block, room).map_err(io::Error::other)?;
    Ok(Within::Cap)
}
