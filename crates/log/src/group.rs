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
use crate::recovery::Window;

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
pub(crate) fn group_behind(
    window: &mut Window<'_>,
    damage: u64,
    expected: Offset,
) -> io::Result<Option<u64>> {
    let mut at = damage.saturating_add(1);
    loop {
        let bytes = window.bytes(at, CHUNK)?;
        let Some(last) = bytes.len().checked_sub(HEADER_LEN) else { return Ok(None) };
        let mut heads = bytes.windows(HEADER_LEN).enumerate();
        let Some((skip, base)) = heads.find_map(|(skip, head)| {
            Some((skip, base_of_group(head).filter(|base| is_behind(*base, expected))?))
        }) else {
            at = at.saturating_add(last as u64).saturating_add(1);
            continue;
        };
        at = at.saturating_add(skip as u64);
        if window.check(at, base)?.is_ok() {
            return Ok(Some(at));
        }
        at = at.saturating_add(1);
    }
}

/// The base offset of what looks like the header of a marked batch.
fn base_of_group(head: &[u8]) -> Option<Offset> {
    if !is_marked(head) {
        return None;
    }
    BatchHeader::parse(head).ok().map(|header| header.base_offset)
}

/// Whether an offset is behind another, but not by more than a segment holds: an index counts its
/// records in 32 bits.
fn is_behind(offset: Offset, expected: Offset) -> bool {
    (1..=i64::from(u32::MAX)).contains(&offset.0.saturating_sub(expected.0))
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
