//! Message sets, against Kafka's own and against the batches that they were made of.

use proptest::prelude::*;

use super::{Conversion, Message, MessageFormat, Room, messages};
use crate::{
    Error, LeaderEpoch, Offset,
    batch::{BatchBuilder, Compression, HEADER_LEN},
    fuzz_message_set,
};

const CAP: usize = 16 << 20;
const FORMATS: [MessageFormat; 2] = [MessageFormat::V0, MessageFormat::V1];
const COMPRESSIONS: [Compression; 4] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4];

/// Timestamp, key and value.
type Row = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

/// What stands in `testdata`.
fn golden_rows() -> Vec<Row> {
    vec![
        (1_000, None, Some(b"plain".to_vec())),
        (3_000, Some(b"k".to_vec()), None),
        (2_000, Some(Vec::new()), Some(Vec::new())),
        (2_500, None, Some(vec![b'z'; 300])),
    ]
}

fn golden_set(format: MessageFormat, compression: Compression) -> &'static [u8] {
    use {Compression as C, MessageFormat as F};
    match (format, compression) {
        (F::V0, C::None) => include_bytes!("testdata/v0-none.bin"),
        (F::V0, C::Gzip) => include_bytes!("testdata/v0-gzip.bin"),
        (F::V0, C::Snappy) => include_bytes!("testdata/v0-snappy.bin"),
        (F::V0, C::Lz4) => include_bytes!("testdata/v0-lz4.bin"),
        (F::V1, C::None) => include_bytes!("testdata/v1-none.bin"),
        (F::V1, C::Gzip) => include_bytes!("testdata/v1-gzip.bin"),
        (F::V1, C::Snappy) => include_bytes!("testdata/v1-snappy.bin"),
        (F::V1, C::Lz4) => include_bytes!("testdata/v1-lz4.bin"),
        (_, C::Zstd) => panic!("there is none"),
    }
}

fn batch(base: i64, rows: &[Row], compression: Compression) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for (timestamp_ms, key, value) in rows {
        builder.push(*timestamp_ms, key.as_deref(), value.as_deref()).unwrap();
    }
    let mut out = Vec::new();
    let headers: [(&str, &[u8]); 1] = [("position", b"left out")];
    builder.seal(&headers, compression, Offset(base), LeaderEpoch(3), &mut out).unwrap();
    out
}

fn expected(
    base: i64,
    rows: &[Row],
    format: MessageFormat,
    compression: Compression,
) -> Vec<Message> {
    let message = |(at, (timestamp_ms, key, value)): (usize, &Row)| Message {
        offset: Offset(base + i64::try_from(at).unwrap()),
        timestamp_ms: (format == MessageFormat::V1).then_some(*timestamp_ms),
        compression,
        key: key.clone(),
        value: value.clone(),
    };
    rows.iter().enumerate().map(message).collect()
}

fn convert(batch: &[u8], format: MessageFormat, from: i64, bytes_max: usize) -> (Vec<u8>, Room) {
    let mut conversion = Conversion::new(format, Offset(from), bytes_max, CAP);
    let room = conversion.add(batch).unwrap();
    (conversion.finish(), room)
}

#[test]
fn j02_messages_of_kafkas_own_making_are_read() {
    for format in FORMATS {
        for compression in COMPRESSIONS {
            let read = messages(golden_set(format, compression), CAP).unwrap();
            let expected = expected(7, &golden_rows(), format, compression);
            assert_eq!(read, expected, "{format:?} {compression:?}");
        }
    }
}

#[test]
fn j02_plain_messages_are_byte_for_byte_what_kafka_makes() {
    for format in FORMATS {
        let batch = batch(7, &golden_rows(), Compression::None);
        let (set, room) = convert(&batch, format, 0, CAP);
        assert_eq!((set.as_slice(), room), (golden_set(format, Compression::None), Room::Left));
    }
}

#[test]
fn j02_a_wrapper_begins_as_kafkas_does() {
    // What a compressor makes of the messages inside differs; all that stands before it does not,
    // but for length and checksum.
    for (format, head) in FORMATS.into_iter().zip([18 + 8, 18 + 16]) {
        for compression in [Compression::Gzip, Compression::Snappy, Compression::Lz4] {
            let batch = batch(7, &golden_rows(), compression);
            let (set, _) = convert(&batch, format, 0, CAP);
            let golden = golden_set(format, compression);
            assert_eq!(set[..8], golden[..8], "the offset, {format:?} {compression:?}");
            assert_eq!(set[16..head - 4], golden[16..head - 4], "{format:?} {compression:?}");
            if compression != Compression::Gzip {
                // The header of the compressed stream; gzip's names an operating system.
                let stream = head..head + 7;
                assert_eq!(set[stream.clone()], golden[stream], "{format:?} {compression:?}");
            }
        }
    }
}

#[test]
fn records_before_the_asked_one_are_left_out() {
    for format in FORMATS {
        for compression in COMPRESSIONS {
            let rows = golden_rows();
            let (set, _) = convert(&batch(7, &rows, compression), format, 9, CAP);
            let expected = expected(9, &rows[2..], format, compression);
            assert_eq!(messages(&set, CAP).unwrap(), expected, "{format:?} {compression:?}");
        }
    }
}

#[test]
fn a_set_that_is_full_goes_on_in_the_middle_of_a_batch() {
    // Too much for one wrapper, in values that do not compress away.
    let noise = |seed: u32| {
        let mut state = seed + 1;
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..20_000).map(|_| byte()).collect::<Vec<_>>()
    };
    let rows: Vec<Row> = (0..40).map(|at| (i64::from(at), None, Some(noise(at)))).collect();
    for format in FORMATS {
        for compression in COMPRESSIONS {
            let batch = batch(0, &rows, compression);
            let (mut from, mut read, mut sets) = (0, Vec::new(), 0);
            loop {
                let (set, room) = convert(&batch, format, from, 300_000);
                assert!(set.len() <= 300_000, "{format:?} {compression:?}: {}", set.len());
                let part = messages(&set, CAP).unwrap();
                from = part.last().unwrap().offset.0 + 1;
                read.extend(part);
                sets += 1;
                if room == Room::Left {
                    break;
                }
            }
            assert!(sets >= 3, "{format:?} {compression:?}: {sets}");
            assert_eq!(read, expected(0, &rows, format, compression));
        }
    }
}

#[test]
fn the_first_message_is_whole_however_long_it_is() {
    let rows = [(5, None, Some(vec![7; 5_000])), (6, None, Some(vec![8; 10]))];
    for format in FORMATS {
        for compression in COMPRESSIONS {
            let batch = batch(3, &rows, compression);
            let (set, room) = convert(&batch, format, 3, 1);
            let read = messages(&set, CAP).unwrap();
            assert_eq!(read, expected(3, &rows[..1], format, compression));
            assert_eq!(room, Room::None);
        }
    }
}

#[test]
fn batches_follow_each_other_until_the_set_is_full() {
    let rows = [(5, None, Some(vec![7; 100]))];
    let mut conversion = Conversion::new(MessageFormat::V1, Offset(0), 300, CAP);
    let mut rooms = Vec::new();
    for base in 0..3 {
        rooms.push(conversion.add(&batch(base, &rows, Compression::None)).unwrap());
    }
    assert_eq!(rooms, [Room::Left, Room::Left, Room::None]);
    let offsets: Vec<_> = messages(&conversion.finish(), CAP)
        .unwrap()
        .iter()
        .map(|message| message.offset.0)
        .collect();
    assert_eq!(offsets, [0, 1]);
}

#[test]
fn damage_gets_no_checksum_that_fits() {
    let mut damaged = batch(0, &golden_rows(), Compression::None);
    let at = damaged.len() - 40;
    damaged[at] ^= 1;
    let mut conversion = Conversion::new(MessageFormat::V1, Offset(0), CAP, CAP);
    assert!(matches!(conversion.add(&damaged), Err(Error::Checksum { .. })));
    assert!(conversion.finish().is_empty());
}

#[test]
fn zstd_has_no_message_set() {
    let batch = batch(0, &golden_rows(), Compression::Zstd);
    let mut conversion = Conversion::new(MessageFormat::V1, Offset(0), CAP, CAP);
    assert!(matches!(conversion.add(&batch), Err(Error::Unwritable { .. })));
}

#[test]
fn a_batch_that_decompresses_to_too_much_is_refused() {
    let rows = [(5, None, Some(vec![0; 1 << 20]))];
    let batch = batch(0, &rows, Compression::Lz4);
    let mut conversion = Conversion::new(MessageFormat::V1, Offset(0), CAP, 1 << 18);
    assert!(matches!(conversion.add(&batch), Err(Error::DecompressedTooLarge { .. })));
    assert!(conversion.finish().is_empty());
}

#[test]
fn every_truncation_of_a_message_set_is_an_error_or_a_shorter_set() {
    for format in FORMATS {
        for compression in COMPRESSIONS {
            let set = golden_set(format, compression);
            let whole = messages(set, CAP).unwrap();
            for length in 0..set.len() {
                match messages(&set[..length], CAP) {
                    Ok(read) => assert!(whole.starts_with(&read) && read.len() < whole.len()),
                    Err(error) => assert!(matches!(error, Error::Truncated { .. }), "{error}"),
                }
            }
        }
    }
}

#[test]
fn every_flipped_byte_behind_an_offset_is_found() {
    for format in FORMATS {
        let set = golden_set(format, Compression::Lz4);
        for at in 8..set.len() {
            let mut flipped = set.to_vec();
            flipped[at] ^= 0x55;
            assert!(messages(&flipped, CAP).is_err(), "{format:?} at {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_converted_batch_reads_as_the_batch_does(
        base in 0i64..1 << 40,
        rows in prop::collection::vec(
            (
                0i64..1 << 41,
                prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
                prop::option::of(prop::collection::vec(any::<u8>(), 0..400)),
            ),
            1..40,
        ),
        skipped in 0usize..40,
    ) {
        let skipped = skipped.min(rows.len() - 1);
        let from = base + i64::try_from(skipped).unwrap();
        for format in FORMATS {
            for compression in COMPRESSIONS {
                let (set, room) = convert(&batch(base, &rows, compression), format, from, CAP);
                let expected = expected(from, &rows[skipped..], format, compression);
                prop_assert_eq!(room, Room::Left);
                prop_assert_eq!(messages(&set, CAP).unwrap(), expected);
            }
        }
    }

    #[test]
    fn any_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        compression in 0usize..5,
    ) {
        fuzz_message_set(&bytes);
        let mut batch = batch(9, &golden_rows(), Compression::ALL[compression]);
        batch.truncate(HEADER_LEN);
        batch.extend_from_slice(&bytes);
        let length = u32::try_from(batch.len() - 12).unwrap();
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        fuzz_message_set(&batch);
    }

    #[test]
    fn a_mutated_message_set_never_panics(at: prop::sample::Index, byte: u8) {
        for format in FORMATS {
            for compression in COMPRESSIONS {
                let mut set = golden_set(format, compression).to_vec();
                let at = at.index(set.len());
                set[at] = byte;
                fuzz_message_set(&set);
            }
        }
    }
}
