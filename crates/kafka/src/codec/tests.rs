//! The primitive types, against the examples of their definitions.

use proptest::prelude::*;

use super::{Reader, Writer, varint_len, varlong_len};
use crate::Error;

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut Writer::new(&mut bytes));
    bytes
}

#[test]
fn golden_variable_length_numbers() {
    // 300 and the zigzag pairs are the examples of the Protocol Buffers encoding guide, which the
    // Kafka protocol guide refers to.
    assert_eq!(written(|writer| writer.unsigned_varint(300)), [0xac, 0x02]);
    assert_eq!(written(|writer| writer.unsigned_varint(u32::MAX)), [0xff, 0xff, 0xff, 0xff, 0x0f]);
    for (value, folded) in [(0, 0), (-1, 1), (1, 2), (-2, 3), (2, 4)] {
        assert_eq!(written(|writer| writer.varint(value)), [folded]);
        assert_eq!(written(|writer| writer.varlong(i64::from(value))), [folded]);
    }
    assert_eq!(written(|writer| writer.varint(i32::MAX)), [0xfe, 0xff, 0xff, 0xff, 0x0f]);
    assert_eq!(written(|writer| writer.varint(i32::MIN)), [0xff, 0xff, 0xff, 0xff, 0x0f]);
}

#[test]
fn a_number_too_wide_is_malformed() {
    for bytes in [
        &[0xff, 0xff, 0xff, 0xff, 0x1f][..],
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ] {
        let read = Reader::new(bytes).varint();
        assert!(matches!(read, Err(Error::Malformed { at: 0, .. })), "{read:?}");
    }
    let wide = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03];
    assert!(matches!(Reader::new(&wide).varlong(), Err(Error::Malformed { at: 0, .. })));
}

#[test]
fn a_number_that_does_not_end_is_truncated() {
    let read = Reader::new(&[0x80, 0x80]).varint();
    assert!(matches!(read, Err(Error::Truncated { at: 2, needed: 1 })), "{read:?}");
}

#[test]
fn a_reader_says_where_and_how_much_is_missing() {
    let mut reader = Reader::new(&[0, 1, 2, 3, 4]);
    reader.int16().unwrap();
    let read = reader.int64();
    assert!(matches!(read, Err(Error::Truncated { at: 2, needed: 5 })), "{read:?}");
    assert_eq!(reader.rest(), [2, 3, 4]);
}

#[test]
fn a_sub_reader_cannot_see_behind_its_end() {
    let mut reader = Reader::new(&[1, 2, 3, 4]);
    let mut sub = reader.sub(2).unwrap();
    assert!(sub.int32().is_err());
    assert_eq!(sub.int16().unwrap(), 0x0102);
    assert!(sub.is_empty());
    assert_eq!(reader.int16().unwrap(), 0x0304);
    assert!(reader.sub(1).is_err());
}

proptest! {
    #[test]
    fn varints_read_as_written(value: i32) {
        let bytes = written(|writer| writer.varint(value));
        prop_assert_eq!(bytes.len(), varint_len(value));
        prop_assert_eq!(Reader::new(&bytes).varint().unwrap(), value);
        let mut widened = Reader::new(&bytes);
        prop_assert_eq!(widened.varlong().unwrap(), i64::from(value));
    }

    #[test]
    fn varlongs_read_as_written(value: i64, shift in 0u32..64) {
        let value = value >> shift;
        let bytes = written(|writer| writer.varlong(value));
        prop_assert_eq!(bytes.len(), varlong_len(value));
        prop_assert_eq!(Reader::new(&bytes).varlong().unwrap(), value);
    }
}
