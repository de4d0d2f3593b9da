//! Writes LZ4 frames without the frame encoder's buffers, which it allocates anew for every frame.
//!
//! The frame is the one that Kafka's Java client writes: independent blocks of at most 64 KiB, no
//! checksums, no content size (LZ4 frame format 1.6, KIP-57).

use std::io;

use lz4_flex::block::{compress_into, get_maximum_output_size};

/// Magic; version 1 with independent blocks; blocks of at most 64 KiB; and the second byte of the
/// xxHash-32 of the two bytes before it.
const FRAME_HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];

/// The same with the checksum that Kafka's clients wrote before format 1: it covers the magic too.
const LEGACY_FRAME_HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x1a];

/// The largest block that this frame header allows. Below 65 535 bytes `lz4_flex` changes to a hash of
/// four bytes instead of five: on change records a tenth smaller, at two thirds of the speed.
const BLOCK_LEN: usize = 64 * 1024;

/// In a block's length: the block is not compressed.
const STORED: u32 = 1 << 31;

/// What stands where the next block's length would.
const END_MARK: u32 = 0;

/// Appends a frame that holds `data`.
pub(super) fn compress(data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    append_frame(&FRAME_HEADER, data, out)
}

/// Appends a frame as messages of format 0 have it.
pub(super) fn compress_legacy(data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    append_frame(&LEGACY_FRAME_HEADER, data, out)
}

/// A frame of a message of format 0 with the header that the frame format asks for, if it is one of ours.
pub(super) fn mended(frame: &[u8]) -> Option<Vec<u8>> {
    let blocks = frame.strip_prefix(&LEGACY_FRAME_HEADER)?;
    Some([&FRAME_HEADER, blocks].concat())
}

fn append_frame(header: &[u8], data: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.extend_from_slice(header);
    for block in data.chunks(BLOCK_LEN) {
        append_block(block, out)?;
    }
    out.extend_from_slice(&END_MARK.to_le_bytes());
    Ok(())
}

fn append_block(block: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.resize(start + size_of::<u32>() + get_maximum_output_size(block.len()), 0);
    let Some((length_place, room)) =
        out.get_mut(start..).and_then(|tail| tail.split_first_chunk_mut())
    else {
        return Err(io::ErrorKind::WriteZero.into());
    };
    let compressed = compress_into(block, room).map_err(io::Error::other)?;
    if compressed < block.len() {
        *length_place = length_field(compressed)?.to_le_bytes();
        out.truncate(start + size_of::<u32>() + compressed);
    } else {
        out.truncate(start);
        out.extend_from_slice(&(length_field(block.len())? | STORED).to_le_bytes());
        out.extend_from_slice(block);
    }
    Ok(())
}

fn length_field(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(io::Error::other)
}
