//! Batches, against the format and the oracle.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression as OracleCompression, Record as OracleRecord, RecordBatchDecoder,
    RecordBatchEncoder, RecordCompression, RecordEncodeOptions, TimestampType,
};
use proptest::prelude::*;

use super::{
    BatchBuilder, BatchHeader, Compression, HEADER_LEN, last_record_header, records,
    set_base_offset, set_leader_epoch,
};
use crate::{Error, LeaderEpoch, Offset, fuzz_batch};

const CAP: usize = 16 << 20;

/// A record with its own memory.
#[derive(Debug, Clone, PartialEq)]
struct Owned {
    offset: i64,
    timestamp_ms: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

fn read_all(batch: &[u8]) -> crate::Result<Vec<Owned>> {
    let mut buffer = Vec::new();
    records(batch, CAP, &mut buffer)?
        .map(|record| {
            let record = record?;
            let header =
                |(key, value): (&str, Option<&[u8]>)| (key.to_owned(), value.map(<[u8]>::to_vec));
            Ok(Owned {
                offset: record.offset.0,
                timestamp_ms: record.timestamp_ms,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: record.headers.map(header).collect(),
            })
        })
        .collect()
}

fn build(rows: &[Owned], compression: Compression) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    let mut out = b"before".to_vec();
    for row in rows {
        builder.push(row.timestamp_ms, row.key.as_deref(), row.value.as_deref()).unwrap();
    }
    let last = rows.last().unwrap();
    let headers: Vec<_> = last
        .headers
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_deref().unwrap_or_default()))
        .collect();
    let expected_len = builder.len_bytes();
    let base_offset = Offset(rows[0].offset);
    builder.seal(&headers, compression, base_offset, LeaderEpoch(7), &mut out).unwrap();
    assert_eq!(&out[..6], b"before");
    let batch = out.split_off(6);
    if compression == Compression::None && headers.is_empty() {
        assert_eq!(batch.len(), expected_len);
    }
    assert!(builder.is_empty());
    batch
}

fn oracle_compression(compression: Compression) -> OracleCompression {
    match compression {
        Compression::None => OracleCompression::None,
        Compression::Gzip => OracleCompression::Gzip,
        Compression::Snappy => OracleCompression::Snappy,
        Compression::Lz4 => OracleCompression::Lz4,
        Compression::Zstd => OracleCompression::Zstd,
    }
}

fn oracle_read(batch: &[u8]) -> (OracleCompression, Vec<Owned>) {
    let mut bytes = Bytes::copy_from_slice(batch);
    let set = RecordBatchDecoder::decode(&mut bytes).unwrap();
    assert!(bytes.is_empty());
    let owned = |record: OracleRecord| Owned {
        offset: record.offset,
        timestamp_ms: record.timestamp,
        key: record.key.map(|key| key.to_vec()),
        value: record.value.map(|value| value.to_vec()),
        headers: record
            .headers
            .into_iter()
            .map(|(key, value)| (key.to_string(), value.map(|value| value.to_vec())))
            .collect(),
    };
    let RecordCompression::RecordBatch(compression) = set.compression else {
        panic!("no batch of format 2: {:?}", set.compression);
    };
    (compression, set.records.into_iter().map(owned).collect())
}

fn oracle_build(rows: &[Owned], compression: Compression) -> Vec<u8> {
    let record = |(index, row): (usize, &Owned)| OracleRecord {
        transactional: false,
        control: false,
        partition_leader_epoch: 7,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: row.offset,
        sequence: i32::try_from(index).unwrap() - 1,
        timestamp: row.timestamp_ms,
        key: row.key.clone().map(Bytes::from),
        value: row.value.clone().map(Bytes::from),
        headers: row
            .headers
            .iter()
            .map(|(key, value)| {
                (StrBytes::from_string(key.clone()), value.clone().map(Bytes::from))
            })
            .collect::<IndexMap<_, _>>(),
    };
    let list: Vec<_> = rows.iter().enumerate().map(record).collect();
    let options = RecordEncodeOptions { version: 2, compression: oracle_compression(compression) };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, &list, &options).unwrap();
    bytes.to_vec()
}

/// Rows as the builder takes them: offsets without gaps, headers on the last one only.
fn rows() -> impl Strategy<Value = Vec<Owned>> {
    rows_of_time(0..1 << 41)
}

/// Rows of less than a month: the oracle takes timestamp deltas of 32 bits only.
fn rows_of_a_month() -> impl Strategy<Value = Vec<Owned>> {
    rows_of_time(1 << 40..(1 << 40) + (1 << 31))
}

fn rows_of_time(timestamps: Range<i64>) -> impl Strategy<Value = Vec<Owned>> {
    let blob = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            (any::<u8>(), 0usize..3000).prop_map(|(byte, length)| vec![byte; length]),
        ]
    };
    let row = (timestamps, prop::option::of(blob()), prop::option::of(blob()));
    let headers = prop::collection::vec(("[a-z]{0,6}", blob()), 0..3);
    (0i64..1 << 40, prop::collection::vec(row, 1..60), headers).prop_map(
        |(base_offset, rows, headers)| {
            let last = rows.len() - 1;
            let owned = |(index, (timestamp_ms, key, value)): (usize, _)| Owned {
                offset: base_offset + i64::try_from(index).unwrap(),
                timestamp_ms,
                key,
                value,
                headers: if index == last { unique(&headers) } else { Vec::new() },
            };
            rows.into_iter().enumerate().map(owned).collect()
        },
    )
}

/// The oracle keeps one header of each name.
fn unique(headers: &[(String, Vec<u8>)]) -> Vec<(String, Option<Vec<u8>>)> {
    let map: IndexMap<_, _> =
        headers.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    map.into_iter().collect()
}

fn row(value: &[u8]) -> Owned {
    Owned {
        offset: 40,
        timestamp_ms: 1000,
        key: None,
        value: Some(value.to_vec()),
        headers: vec![],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_batch_reads_as_it_was_built(rows in rows()) {
        for compression in Compression::ALL {
            let batch = build(&rows, compression);
            let header = BatchHeader::parse(&batch).unwrap();
            header.verify(&batch).unwrap();
            let timestamps = || rows.iter().map(|row| row.timestamp_ms);
            prop_assert_eq!(header.batch_len, batch.len());
            prop_assert_eq!(header.compression, compression);
            prop_assert_eq!(header.leader_epoch, LeaderEpoch(7));
            prop_assert_eq!(header.base_offset.0, rows[0].offset);
            prop_assert_eq!(header.last_offset().0, rows.last().unwrap().offset);
            prop_assert_eq!(header.next_offset().0, rows.last().unwrap().offset + 1);
            prop_assert_eq!(header.base_timestamp, rows[0].timestamp_ms);
            prop_assert_eq!(header.max_timestamp, timestamps().max().unwrap());
            prop_assert_eq!(usize::try_from(header.record_count).unwrap(), rows.len());
            prop_assert_eq!(&read_all(&batch).unwrap(), &rows);
        }
    }

    #[test]
    fn the_oracle_reads_what_is_built(rows in rows_of_a_month()) {
        // The oracle does not know the framing of snappy-java.
        let is_known = |compression: &Compression| *compression != Compression::Snappy;
        for compression in Compression::ALL.into_iter().filter(is_known) {
            let (found, read) = oracle_read(&build(&rows, compression));
            prop_assert_eq!(found, oracle_compression(compression));
            prop_assert_eq!(&read, &rows);
        }
    }

    #[test]
    fn what_the_oracle_builds_is_read(rows in rows_of_a_month()) {
        for compression in Compression::ALL {
            let batch = oracle_build(&rows, compression);
            BatchHeader::parse(&batch).unwrap().verify(&batch).unwrap();
            prop_assert_eq!(&read_all(&batch).unwrap(), &rows);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_batch(&bytes);
    }

    #[test]
    fn a_mutated_batch_never_panics_and_never_verifies(
        rows in rows(),
        at: prop::sample::Index,
        flip in 1u8..,
    ) {
        for compression in Compression::ALL {
            let mut batch = build(&rows, compression);
            let at = at.index(batch.len());
            batch[at] ^= flip;
            fuzz_batch(&batch);
            let verified =
                BatchHeader::parse(&batch).is_ok_and(|header| header.verify(&batch).is_ok());
            // Offset and leader epoch are outside of the checksum's reach.
            let is_checked = !(0..8).contains(&at) && !(12..16).contains(&at);
            prop_assert!(!(verified && is_checked), "a flip at {at} went unseen");
        }
    }

    #[test]
    fn a_random_payload_behind_a_good_header_never_panics(
        payload in prop::collection::vec(any::<u8>(), 0..300),
        framed: bool,
    ) {
        for compression in Compression::ALL {
            let mut batch = build(&[row(b"x")], compression);
            let kept = if framed { HEADER_LEN + 8 } else { HEADER_LEN };
            batch.truncate(kept.min(batch.len()));
            batch.extend_from_slice(&payload);
            let length = u32::try_from(batch.len() - 12).unwrap();
            batch[8..12].copy_from_slice(&length.to_be_bytes());
            fuzz_batch(&batch);
        }
    }
}

#[test]
fn golden_batch_of_one_record() {
    // Written by hand from the protocol guide ("Record Batch", "Record"); the checksum is CRC-32C
    // of the bytes from the attributes on, computed bit by bit below.
    let mut expected: Vec<u8> = Vec::new();
    expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 42]); // base offset
    expected.extend_from_slice(&[0, 0, 0, 49 + 14]); // length behind this field
    expected.extend_from_slice(&[0, 0, 0, 3]); // partition leader epoch
    expected.push(2); // magic
    expected.extend_from_slice(&[0; 4]); // checksum, set below
    expected.extend_from_slice(&[0, 0]); // attributes
    expected.extend_from_slice(&[0, 0, 0, 0]); // last offset delta
    expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 3, 0xe8]); // base timestamp 1000
    expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 3, 0xe8]); // max timestamp
    expected.extend_from_slice(&[0xff; 8 + 2 + 4]); // producer id, epoch, base sequence
    expected.extend_from_slice(&[0, 0, 0, 1]); // record count
    // Record: length 13, attributes, timestamp delta, offset delta, key "k", value "vv", one header
    // "h" = "x".
    expected.extend_from_slice(&[26, 0, 0, 0, 2, b'k', 4, b'v', b'v', 2, 2, b'h', 2, b'x']);
    let crc = bitwise_crc32c(&expected[21..]);
    expected[17..21].copy_from_slice(&crc.to_be_bytes());

    let mut builder = BatchBuilder::with_capacity(64);
    let mut out = Vec::new();
    builder.push(1000, Some(b"k"), Some(b"vv")).unwrap();
    builder.seal(&[("h", b"x")], Compression::None, Offset(42), LeaderEpoch(3), &mut out).unwrap();
    assert_eq!(out, expected);
}

/// Castagnoli's polynomial, reflected, one bit at a time.
fn bitwise_crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    })
}

#[test]
fn the_checksum_of_the_golden_test_is_crc_32c() {
    // The check value of RFC 3720, appendix B.4, and of every CRC catalogue.
    assert_eq!(bitwise_crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn headers_fit_behind_a_last_record_of_any_length() {
    // Lengths around 64, 8192 and 1 MiB are where the record's length field grows by a byte.
    for value_len in (40..70).chain(8170..8200).chain([1 << 20]) {
        for header_len in [0, 1, 20, 200, 9000] {
            let mut rows = vec![row(b"first"), row(&vec![7; value_len])];
            rows[1].offset += 1;
            rows[1].headers = vec![("position".to_owned(), Some(vec![9; header_len]))];
            let batch = build(&rows, Compression::None);
            assert_eq!(read_all(&batch).unwrap(), rows, "{value_len} {header_len}");
        }
    }
}

#[test]
fn every_truncation_of_a_batch_is_an_error() {
    for compression in Compression::ALL {
        let mut rows = vec![row(&[5; 200]); 3];
        rows[2].headers = vec![("h".to_owned(), Some(b"x".to_vec()))];
        let batch = build(&rows, compression);
        for length in 0..batch.len() {
            assert!(read_all(&batch[..length]).is_err(), "{compression:?} cut to {length}");
        }
    }
}

#[test]
fn a_truncation_of_the_compressed_part_never_loses_a_record_silently() {
    for compression in Compression::ALL {
        let rows = [row(&[5; 200]), Owned { offset: 41, ..row(b"other") }];
        let batch = build(&rows, compression);
        for length in HEADER_LEN..batch.len() {
            let mut cut = batch[..length].to_vec();
            let batch_length = u32::try_from(length - 12).unwrap();
            cut[8..12].copy_from_slice(&batch_length.to_be_bytes());
            // The end mark of an LZ4 frame holds nothing; without it everything is still there.
            let is_whole = compression == Compression::Lz4 && length >= batch.len() - 4;
            match read_all(&cut) {
                Ok(read) => assert!(is_whole && read == rows, "{compression:?} cut to {length}"),
                Err(_) => assert!(!is_whole, "{compression:?} cut to {length}"),
            }
        }
    }
}

#[test]
fn a_batch_can_be_placed_after_it_was_sealed() {
    let mut batch = build(&[row(b"x")], Compression::Lz4);
    set_base_offset(&mut batch, Offset(1 << 33)).unwrap();
    set_leader_epoch(&mut batch, LeaderEpoch(9)).unwrap();
    let header = BatchHeader::parse(&batch).unwrap();
    header.verify(&batch).unwrap();
    assert_eq!((header.base_offset, header.leader_epoch), (Offset(1 << 33), LeaderEpoch(9)));
    assert!(set_base_offset(&mut batch[..60], Offset(0)).is_err());
    assert!(set_leader_epoch(&mut batch[..13], LeaderEpoch(0)).is_err());
}

#[test]
fn the_position_is_found_in_the_last_record() {
    let mut builder = BatchBuilder::default();
    let (mut out, mut buffer) = (Vec::new(), Vec::new());
    for compression in Compression::ALL {
        out.clear();
        builder.push(1, None, Some(b"a")).unwrap();
        builder.push(2, None, Some(b"b")).unwrap();
        let headers: [(&str, &[u8]); 2] = [("other", b"no"), ("position", b"yes")];
        builder.seal(&headers, compression, Offset(0), LeaderEpoch(0), &mut out).unwrap();
        let found = last_record_header(&out, "position", CAP, &mut buffer).unwrap();
        assert_eq!(found, Some(&b"yes"[..]));
        assert_eq!(last_record_header(&out, "absent", CAP, &mut buffer).unwrap(), None);
    }
}

#[test]
fn a_small_batch_that_decompresses_to_much_is_refused() {
    let rows = [row(&vec![0; 1 << 20])];
    for compression in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let batch = build(&rows, compression);
        assert!(batch.len() < 1 << 17, "{compression:?}: {}", batch.len());
        let mut buffer = Vec::new();
        let read = records(&batch, 1 << 18, &mut buffer).map(|_| ());
        let refused = matches!(read, Err(Error::DecompressedTooLarge { cap }) if cap == 1 << 18);
        assert!(refused, "{compression:?}: {read:?}");
        assert!(buffer.capacity() < 1 << 20, "{compression:?}: {}", buffer.capacity());
    }
}

#[test]
fn records_of_exactly_the_cap_are_read() {
    let builder_len = build(&[row(&[0; 5000])], Compression::None).len() - HEADER_LEN;
    for compression in [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let batch = build(&[row(&[0; 5000])], compression);
        let mut buffer = Vec::new();
        assert!(records(&batch, builder_len, &mut buffer).is_ok(), "{compression:?}");
        assert!(records(&batch, builder_len - 1, &mut buffer).is_err(), "{compression:?}");
    }
}

#[test]
fn bytes_that_do_not_compress_are_stored_in_lz4_blocks() {
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(200_000)
    .collect();
    let batch = build(&[row(&noise)], Compression::Lz4);
    assert!(batch.len() < noise.len() + 200);
    assert_eq!(read_all(&batch).unwrap(), [row(&noise)]);
    assert_eq!(oracle_read(&batch).1, [row(&noise)]);
}

#[test]
fn golden_snappy_stream() {
    // By hand from snappy-java's `SnappyCodec` and `SnappyOutputStream`: magic, version 1, lowest
    // reader 1, one block with its length; the block is one literal (format description, 2.1).
    let plain = build(&[row(b"x")], Compression::None);
    let records = &plain[HEADER_LEN..];
    let length = u8::try_from(records.len()).unwrap();
    let mut stream = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    stream.extend_from_slice(&[0, 0, 0, length + 2, length, (length - 1) << 2]);
    stream.extend_from_slice(records);
    let batch = build(&[row(b"x")], Compression::Snappy);
    assert_eq!(&batch[HEADER_LEN..], stream);
}

#[test]
fn bare_snappy_is_read_too() {
    let framed = build(&[row(&[1; 100])], Compression::Snappy);
    let plain = build(&[row(&[1; 100])], Compression::None);
    let bare = snap::raw::Encoder::new().compress_vec(&plain[HEADER_LEN..]).unwrap();
    let mut batch = framed[..HEADER_LEN].to_vec();
    batch.extend_from_slice(&bare);
    let length = u32::try_from(batch.len() - 12).unwrap();
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    assert_eq!(read_all(&batch).unwrap(), [row(&[1; 100])]);
}

#[test]
fn a_batch_without_records_cannot_be_sealed() {
    let mut out = b"kept".to_vec();
    let mut builder = BatchBuilder::default();
    let sealed = builder.seal(&[], Compression::None, Offset(0), LeaderEpoch(0), &mut out);
    assert!(matches!(sealed, Err(Error::Unwritable { .. })));
    assert_eq!(out, b"kept");
}

#[test]
fn a_builder_starts_again_after_a_batch() {
    let mut builder = BatchBuilder::default();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for out in [&mut first, &mut second] {
        builder.push(5, None, Some(b"x")).unwrap();
        builder.push(3, Some(b"k"), None).unwrap();
        assert_eq!(builder.record_count(), 2);
        builder.seal(&[("h", b"v")], Compression::Lz4, Offset(0), LeaderEpoch(0), out).unwrap();
        assert_eq!((builder.record_count(), builder.len_bytes()), (0, HEADER_LEN));
    }
    assert_eq!(first, second);
}

#[test]
fn batches_of_another_kind_are_told_apart() {
    let batch = build(&[row(b"x")], Compression::None);
    let changed = |at: usize, byte: u8| {
        let mut changed = batch.clone();
        changed[at] = byte;
        BatchHeader::parse(&changed)
    };
    assert!(matches!(changed(16, 1), Err(Error::UnsupportedMagic { magic: 1 })));
    assert!(matches!(changed(22, 5), Err(Error::UnsupportedCompression { id: 5 })));
    assert!(matches!(changed(0, 0xff), Err(Error::Malformed { at: 0, .. })));
    assert!(matches!(changed(8, 0xff), Err(Error::Malformed { at: 8, .. })));
    assert!(matches!(changed(11, 48), Err(Error::Malformed { at: 8, .. })));
    assert!(matches!(changed(23, 0xff), Err(Error::Malformed { at: 23, .. })));
    assert!(matches!(changed(57, 0xff), Err(Error::Malformed { at: 57, .. })));
    assert!(changed(22, 8).unwrap().is_log_append_time);
}

#[test]
fn bytes_behind_the_last_record_are_malformed() {
    let mut batch = build(&[row(b"x"), row(b"y")], Compression::None);
    batch[60] = 1;
    let read = read_all(&batch);
    assert!(matches!(read, Err(Error::Malformed { .. })), "{read:?}");
}
