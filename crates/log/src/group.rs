//! The mark of a group: how a batch proves that everything before it was durable.
//!
//! A sync makes a group of appended batches durable. The first batch of the next group is written
//! after that, so wherever it is found whole, all bytes before it once were on the disk. The writer
//! says so in the batch itself, in a bit of its attributes that Kafka leaves unused. Thus recovery
//! can tell the torn end of a log from damage to what was acknowledged, without a second sync or a
//! second file (`docs/decisions/0009-a-group-proves-the-one-before.md`).
//!
//! The batch's checksum covers the mark. It is not computed anew over the whole batch: a CRC is
//! linear, so what two changed bytes do to it follows from them and the length behind them.

use std::io;

use kafka::batch::{BatchHeader, HEADER_LEN};

use crate::Offset;
use crate::segment::batch_len;
use crate::window::Window;

/// Bytes of a batch that its length does not count: its offset and the length.
const UNCOUNTED: u64 = 12;
/// Where a batch has its checksum.
const CRC_AT: usize = 17;
/// Where it has its attributes, which are the first bytes that the checksum covers.
const ATTRIBUTES_AT: usize = 21;
/// Where the covered bytes go on behind them.
const BEHIND_ATTRIBUTES_AT: usize = 23;
/// Bit 14 of the attributes. Kafka uses bits 0 to 6 and leaves 7 to 15 unused; its own client does
/// not even look at the upper byte (`DefaultRecordBatch.attributes`).
const MARK: u8 = 0x40;
/// Bytes that are searched at once.
const CHUNK: usize = 64 * 1024;

/// Whether a batch begins a group.
pub(crate) fn is_marked(batch: &[u8]) -> bool {
    batch.get(ATTRIBUTES_AT).is_some_and(|byte| byte & MARK != 0)
}

/// Sets or clears the mark of a batch, and keeps its checksum as right or wrong as it was. Bytes
/// that are no whole batch are left alone.
pub(crate) fn set_mark(batch: &mut [u8], marked: bool) {
    if is_marked(batch) == marked || batch.len() < HEADER_LEN {
        return;
    }
    let behind = batch.len() - BEHIND_ATTRIBUTES_AT;
    let Some((head, rest)) = batch.split_at_mut_checked(ATTRIBUTES_AT) else { return };
    let Some((crc, attributes)) = head.get_mut(CRC_AT..).zip(rest.first_chunk_mut::<2>()) else {
        return;
    };
    let before = crc32c::crc32c(attributes);
    attributes[0] ^= MARK;
    let difference = before ^ crc32c::crc32c(attributes);
    let shifted = crc32c::crc32c_combine(difference, 0, behind);
    for (byte, change) in crc.iter_mut().zip(shifted.to_be_bytes()) {
        *byte ^= change;
    }
}

/// Where a whole batch begins a group behind `damage`, at which the batch that starts at offset
/// `expected` should be. If there is one, `damage` was durable once.
///
/// Records may hold anything, also bytes that look like such a batch. So the search goes from batch to
/// batch as their headers lead, and looks at every byte only where a header is lost.
pub(crate) fn group_behind(
    window: &mut Window<'_>,
    damage: u64,
    expected: Offset,
) -> io::Result<Option<u64>> {
    let (mut at, mut next) = (damage, expected);
    loop {
        if let Some(place) = led_to(window, at, next)? {
            (at, next) = place;
        } else if let Some(found) = search(window, at.saturating_add(1), expected)? {
            at = found;
        } else {
            return Ok(None);
        }
        while let Some((header, begins_group)) = whole_behind(window, at, expected)? {
            if begins_group {
                return Ok(Some(at));
            }
            at = at.saturating_add(batch_len(&header));
            next = header.next_offset();
        }
    }
}

/// Where the header at a place says that the next batch is, and its offset; `None` if there is no header
/// of the batch that starts at offset `expected`. The length is under no checksum: where no batch
/// follows, it is tried with each of its bits flipped.
fn led_to(window: &mut Window<'_>, at: u64, expected: Offset) -> io::Result<Option<(u64, Offset)>> {
    let Ok(header) = BatchHeader::parse(window.bytes(at, HEADER_LEN)?) else { return Ok(None) };
    if header.base_offset != expected {
        return Ok(None);
    }
    let next = header.next_offset();
    let said = batch_len(&header).saturating_sub(UNCOUNTED);
    let flips = std::iter::once(0).chain((0..u32::BITS).map(|bit| 1 << bit));
    for flip in flips {
        let place = at.saturating_add(UNCOUNTED).saturating_add(said ^ flip);
        let follows = BatchHeader::parse(window.bytes(place, HEADER_LEN)?)
            .is_ok_and(|header| header.base_offset == next);
        if follows && window.check(place, next)?.is_ok() {
            return Ok(Some((place, next)));
        }
    }
    Ok(Some((at.saturating_add(batch_len(&header)), next)))
}

/// The first whole batch at `from` or behind it that is behind offset `expected`, wherever it starts.
fn search(window: &mut Window<'_>, from: u64, expected: Offset) -> io::Result<Option<u64>> {
    let mut at = from;
    loop {
        let bytes = window.bytes(at, CHUNK)?;
        let Some(last) = bytes.len().checked_sub(HEADER_LEN) else { return Ok(None) };
        let mut heads = bytes.windows(HEADER_LEN);
        let Some(skip) = heads.position(|head| head_behind(head, expected).is_some()) else {
            at = at.saturating_add(last as u64).saturating_add(1);
            continue;
        };
        at = at.saturating_add(skip as u64);
        if whole_behind(window, at, expected)?.is_some() {
            return Ok(Some(at));
        }
        at = at.saturating_add(1);
    }
}

/// The whole batch at a place, if it is behind offset `expected`, and whether it begins a group.
fn whole_behind(
    window: &mut Window<'_>,
    at: u64,
    expected: Offset,
) -> io::Result<Option<(BatchHeader, bool)>> {
    let head = window.bytes(at, HEADER_LEN)?;
    let begins_group = is_marked(head);
    let Some(header) = head_behind(head, expected) else { return Ok(None) };
    let whole = window.check(at, header.base_offset)?.ok();
    Ok(whole.map(|header| (header, begins_group)))
}

/// A header whose offset is behind another, but not by more than a segment holds: an index counts its
/// records in 32 bits.
fn head_behind(head: &[u8], expected: Offset) -> Option<BatchHeader> {
    let header = BatchHeader::parse(head).ok()?;
    let ahead = header.base_offset.0.saturating_sub(expected.0);
    (1..=i64::from(u32::MAX)).contains(&ahead).then_some(header)
}

#[cfg(test)]
mod tests {
    use kafka::LeaderEpoch;
    use kafka::batch::{BatchBuilder, Compression};

    use super::*;

    #[test]
    fn the_mark_comes_and_goes_and_the_checksum_with_it() {
        for length in [0, 1, 2, 3, 100, 4_000, 70_000] {
            let mut builder = BatchBuilder::default();
            builder.push(1, None, Some(&vec![7; length])).unwrap();
            let mut plain = Vec::new();
            builder.seal(&[], Compression::None, Offset(5), LeaderEpoch::NONE, &mut plain).unwrap();
            let mut marked = plain.clone();
            set_mark(&mut marked, true);
            assert!(is_marked(&marked) && !is_marked(&plain));
            let header = BatchHeader::parse(&marked).unwrap();
            header.verify(&marked).unwrap();
            assert_eq!(header.compression, Compression::None);
            set_mark(&mut marked, true);
            set_mark(&mut marked, false);
            assert!(marked == plain, "{length} bytes");
        }
    }

    #[test]
    fn what_is_no_batch_is_left_alone() {
        for length in 0..HEADER_LEN {
            let mut bytes = vec![0; length];
            set_mark(&mut bytes, true);
            assert_eq!(bytes, vec![0; length]);
        }
    }
}
