//! The records inside a batch, borrowed.

use crate::{
    Error, Offset, Result,
    batch::{BatchHeader, Compression, HEADER_LEN},
    codec::Reader,
};

/// One record.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: Offset,
    /// Milliseconds.
    pub timestamp_ms: i64,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// The headers.
    pub headers: Headers<'a>,
}

/// The headers of a record, in order; the same key may come twice.
#[derive(Debug, Clone)]
pub struct Headers<'a> {
    reader: Reader<'a>,
    left: i32,
}

/// Goes through the records of a batch. After an error there is nothing more.
#[derive(Debug, Clone)]
pub struct RecordIter<'a> {
    reader: Reader<'a>,
    header: BatchHeader,
    left: i32,
}

/// Goes through the records of the batch at the front of `batch`. Compressed records are first
/// decompressed into `buffer`, whose old content is lost, and may take at most `cap` bytes there.
///
/// The checksum is not looked at: see [`BatchHeader::verify`].
///
/// # Errors
/// As [`BatchHeader::parse`]; [`Error::Truncated`] if the batch is not whole;
/// [`Error::Decompress`] and [`Error::DecompressedTooLarge`].
pub fn records<'a>(batch: &'a [u8], cap: usize, buffer: &'a mut Vec<u8>) -> Result<RecordIter<'a>> {
    let header = BatchHeader::parse(batch)?;
    let mut reader = Reader::new(batch).sub(header.batch_len)?;
    reader.take(HEADER_LEN)?;
    let reader = match header.compression {
        Compression::None => reader,
        compression => {
            compression.decompress(reader.rest(), cap, buffer)?;
            Reader::new(buffer)
        }
    };
    Ok(RecordIter { reader, left: header.record_count, header })
}

/// The value of the header `key` of the last record of a batch; of the last such header if there
/// are several. `None` if there is no such header, or if its value is null.
///
/// # Errors
/// As [`records`] and [`RecordIter`].
pub fn last_record_header<'a>(
    batch: &'a [u8],
    key: &str,
    cap: usize,
    buffer: &'a mut Vec<u8>,
) -> Result<Option<&'a [u8]>> {
    let mut last = None;
    for record in records(batch, cap, buffer)? {
        last = Some(record?);
    }
    Ok(last.and_then(|record| {
        record.headers.filter(|(name, _)| *name == key).last().and_then(|(_, value)| value)
    }))
}

impl<'a> RecordIter<'a> {
    /// The header of the batch.
    pub const fn header(&self) -> &BatchHeader {
        &self.header
    }

    fn record(&mut self) -> Result<Record<'a>> {
        let at = self.reader.position();
        let length = usize::try_from(self.reader.varint()?)
            .map_err(|_| Error::Malformed { at, what: "a record length of at least 0" })?;
        let mut reader = self.reader.sub(length)?;
        let _attributes = reader.int8()?;
        let timestamp_delta = reader.varlong()?;
        let offset_delta = reader.varint()?;
        let key = reader.varint_bytes()?;
        let value = reader.varint_bytes()?;
        let headers = Headers::parse(reader)?;
        let timestamp_ms = if self.header.is_log_append_time {
            self.header.max_timestamp
        } else {
            self.header.base_timestamp.wrapping_add(timestamp_delta)
        };
        let offset = self.header.base_offset.0.saturating_add(i64::from(offset_delta));
        Ok(Record { offset: Offset(offset), timestamp_ms, key, value, headers })
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left > 0 {
            self.left -= 1;
            let record = self.record();
            if record.is_err() {
                *self = Self { reader: Reader::new(&[]), header: self.header, left: 0 };
            }
            return Some(record);
        }
        if self.reader.is_empty() {
            return None;
        }
        let at = self.reader.position();
        self.reader = Reader::new(&[]);
        Some(Err(Error::Malformed { at, what: "the end of the batch after its last record" }))
    }
}

impl<'a> Headers<'a> {
    /// Walks to the end once, so that the iterator cannot fail.
    fn parse(mut reader: Reader<'a>) -> Result<Self> {
        let at = reader.position();
        let left = reader.varint()?;
        if left < 0 {
            return Err(Error::Malformed { at, what: "a header count of at least 0" });
        }
        let headers = Self { reader: reader.clone(), left };
        for _ in 0..left {
            header(&mut reader)?;
        }
        if reader.is_empty() {
            Ok(headers)
        } else {
            let at = reader.position();
            Err(Error::Malformed { at, what: "the end of the record after its last header" })
        }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a str, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1).filter(|left| *left >= 0)?;
        header(&mut self.reader).ok()
    }
}

fn header<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, Option<&'a [u8]>)> {
    let at = reader.position();
    let key = reader.varint_bytes()?.and_then(|key| std::str::from_utf8(key).ok());
    let key = key.ok_or(Error::Malformed { at, what: "a header key in UTF-8" })?;
    Ok((key, reader.varint_bytes()?))
}
