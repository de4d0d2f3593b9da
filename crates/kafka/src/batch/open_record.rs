//! A record whose value is written straight into its batch.
//!
//! In front of a value stands its length, in one to five bytes, and in front of the record its own.
//! Room is left for lengths like those of the record before; a value moves only where they take more
//! or fewer bytes than that.

use crate::{
    Error, Result,
    batch::{
        BatchBuilder,
        builder::{NO_HEADERS, RECORD_ATTRIBUTES, RECORDS_LEN_MAX, record_length},
    },
    codec::{Writer, varint_len, varlong_len},
};

/// A record without a key at the end of a batch, not yet part of it.
///
/// It becomes part with [`OpenRecord::finish`]; one that is dropped before was never there.
#[derive(Debug)]
pub struct OpenRecord<'b> {
    builder: &'b mut BatchBuilder,
    timestamp_ms: i64,
    /// Where the record begins.
    start: usize,
    /// Where its value begins.
    value_start: usize,
    finished: bool,
}

impl<'b> OpenRecord<'b> {
    pub(super) fn begin(builder: &'b mut BatchBuilder, timestamp_ms: i64) -> Self {
        let start = builder.records.len();
        let head = Head::of(builder, timestamp_ms, builder.last_value_len);
        let value_start = start + head.map_or(0, |head| head.len());
        builder.records.resize(value_start, 0);
        Self { builder, timestamp_ms, start, value_start, finished: false }
    }

    /// Where the value is appended. What stands there already must stay.
    pub const fn value(&mut self) -> &mut Vec<u8> {
        &mut self.builder.records
    }

    /// Makes the record part of the batch.
    ///
    /// # Errors
    /// [`Error::Unwritable`] if the batch would near 2 GiB; the record is not added then.
    pub fn finish(mut self) -> Result<()> {
        let builder = &mut *self.builder;
        let value_len = builder.records.len().saturating_sub(self.value_start);
        let head = Head::of(builder, self.timestamp_ms, value_len)?;
        if builder.records.len() > RECORDS_LEN_MAX {
            return Err(Error::Unwritable { what: "records of nearly 2 GiB in one batch" });
        }
        let count =
            builder.count.checked_add(1).ok_or(Error::Unwritable { what: "2³¹ records" })?;
        let behind = self.start + head.len();
        if behind != self.value_start {
            move_value(&mut builder.records, self.value_start, behind);
        }
        builder.last_start = self.start;
        head.write(&mut builder.records, self.start);
        Writer::new(&mut builder.records).varint(NO_HEADERS);
        if builder.count == 0 {
            builder.base_timestamp = self.timestamp_ms;
            builder.max_timestamp = self.timestamp_ms;
        }
        builder.count = count;
        builder.max_timestamp = builder.max_timestamp.max(self.timestamp_ms);
        builder.last_value_len = value_len;
        self.finished = true;
        Ok(())
    }
}

impl Drop for OpenRecord<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.builder.records.truncate(self.start);
        }
    }
}

/// What stands in front of a record's value.
#[derive(Debug, Clone, Copy)]
struct Head {
    length: i32,
    timestamp_delta: i64,
    offset_delta: i32,
    value_len: i32,
}

impl Head {
    fn of(builder: &BatchBuilder, timestamp_ms: i64, value_len: usize) -> Result<Self> {
        let base = if builder.count == 0 { timestamp_ms } else { builder.base_timestamp };
        let timestamp_delta = timestamp_ms.wrapping_sub(base);
        let (offset_delta, value_field) = (builder.count, record_length(value_len)?);
        let body = size_of_val(&RECORD_ATTRIBUTES)
            + varlong_len(timestamp_delta)
            + varint_len(offset_delta)
            + varint_len(NO_KEY)
            + varint_len(value_field)
            + value_len
            + varint_len(NO_HEADERS);
        let length = record_length(body)?;
        Ok(Self { length, timestamp_delta, offset_delta, value_len: value_field })
    }

    const fn len(self) -> usize {
        varint_len(self.length)
            + size_of_val(&RECORD_ATTRIBUTES)
            + varlong_len(self.timestamp_delta)
            + varint_len(self.offset_delta)
            + varint_len(NO_KEY)
            + varint_len(self.value_len)
    }

    /// Writes it over the room that was left at `start`.
    fn write(self, records: &mut [u8], start: usize) {
        let mut at = start;
        let mut put = |byte: u8| {
            if let Some(place) = records.get_mut(at) {
                *place = byte;
            }
            at += 1;
        };
        put_varlong(self.length.into(), &mut put);
        put(RECORD_ATTRIBUTES.cast_unsigned());
        put_varlong(self.timestamp_delta, &mut put);
        put_varlong(self.offset_delta.into(), &mut put);
        put_varlong(NO_KEY.into(), &mut put);
        put_varlong(self.value_len.into(), &mut put);
    }
}

/// Puts a signed number of variable length, of 32 or 64 bits: both have the same bytes.
#[inline]
fn put_varlong(value: i64, put: &mut impl FnMut(u8)) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    loop {
        let [low, ..] = left.to_le_bytes();
        left >>= 7;
        if left == 0 {
            return put(low & 0x7f);
        }
        put(low | 0x80);
    }
}

/// Moves what stands from `from` on to `to`.
#[cold]
fn move_value(records: &mut Vec<u8>, from: usize, to: usize) {
    let end = records.len();
    let moved_end = end - from + to;
    records.resize(moved_end.max(end), 0);
    records.copy_within(from..end, to);
    records.truncate(moved_end);
}

/// The length field of a key that is not there.
const NO_KEY: i32 = -1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{LeaderEpoch, Offset, batch::Compression};

    fn sealed(mut builder: BatchBuilder) -> Vec<u8> {
        let mut out = Vec::new();
        builder
            .seal(&[("at", b"here")], Compression::None, Offset(7), LeaderEpoch(1), &mut out)
            .unwrap();
        out
    }

    proptest! {
        #[test]
        fn a_value_written_in_place_makes_the_bytes_of_a_pushed_one(
            rows in prop::collection::vec((any::<i64>(), 0..20_000_usize, any::<bool>()), 1..8)
        ) {
            let (mut pushed, mut opened) = (BatchBuilder::default(), BatchBuilder::default());
            for (time, length, is_dropped) in rows {
                let value: Vec<u8> = (0..length).map(|at| at.to_le_bytes()[0]).collect();
                if is_dropped {
                    opened.open(time ^ 1).value().extend_from_slice(&value);
                }
                pushed.push(time, None, Some(&value)).unwrap();
                let mut record = opened.open(time);
                record.value().extend_from_slice(&value);
                record.finish().unwrap();
                prop_assert_eq!(pushed.len_bytes(), opened.len_bytes());
            }
            prop_assert_eq!(sealed(pushed), sealed(opened));
        }
    }

    #[test]
    fn a_record_that_is_dropped_was_never_there() {
        let mut builder = BatchBuilder::default();
        builder.open(5).value().push(b'x');
        assert_eq!((builder.record_count(), builder.len_bytes()), (0, super::super::HEADER_LEN));
        assert!(builder.is_empty());
    }
}
