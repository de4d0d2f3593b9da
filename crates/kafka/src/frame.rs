//! A message as it is sent: a length, the bytes, and the places where stored records belong.

use crate::{
    Error, Result,
    codec::{Cut, Encoder},
};

/// One message ready to be sent, beginning with its length. The bytes of records may be missing, so
/// that they can go from the file to the socket without passing through here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    bytes: Vec<u8>,
    /// Sorted by place; each within `bytes`.
    cuts: Vec<Cut>,
}

/// A part of a [`Frame`], in the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// Send these bytes.
    Bytes(&'a [u8]),
    /// Send this many bytes of records: those of the next [`crate::messages::Records::Elsewhere`]
    /// that is not empty.
    Records(usize),
}

impl Frame {
    /// Room for the length, which is known only at the end.
    pub(crate) fn begin() -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&[0; LENGTH_BYTES]);
        bytes
    }

    /// Takes what was written behind [`Frame::begin`] and sets the length.
    pub(crate) fn finish(encoder: Encoder) -> Result<Self> {
        let (mut bytes, cuts) = encoder.into_parts();
        let elsewhere: usize = cuts.iter().map(|cut| cut.length).sum();
        let length = bytes.len().saturating_sub(LENGTH_BYTES).saturating_add(elsewhere);
        let length = i32::try_from(length)
            .map_err(|_| Error::Unwritable { what: "a message of 2 GiB or more" })?;
        if let Some(place) = bytes.first_chunk_mut::<LENGTH_BYTES>() {
            *place = length.to_be_bytes();
        }
        Ok(Self { bytes, cuts })
    }

    /// All bytes that stand here, without those of records that stand elsewhere.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes will be sent, the length field and records elsewhere included.
    pub fn sent_len(&self) -> usize {
        self.bytes.len() + self.cuts.iter().map(|cut| cut.length).sum::<usize>()
    }

    /// What is to be sent, in order. No part is empty.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        let ends = self.cuts.iter().map(|cut| (cut.at, Some(cut.length)));
        let mut start = 0;
        ends.chain([(self.bytes.len(), None)])
            .flat_map(move |(end, records)| {
                let bytes = self.bytes.get(start..end).unwrap_or_default();
                start = end;
                [Some(Segment::Bytes(bytes)), records.map(Segment::Records)]
            })
            .flatten()
            .filter(|segment| !matches!(segment, Segment::Bytes([])))
    }

    /// The message alone, without its length. Records elsewhere are missing.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(LENGTH_BYTES..).unwrap_or_default()
    }
}

/// The length in front of every frame, which does not count itself.
const LENGTH_BYTES: usize = 4;
