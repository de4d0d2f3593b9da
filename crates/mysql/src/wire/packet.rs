//! The four bytes in front of every packet, and the cutting of long messages into packets.

/// Payload length that says: the message goes on in the next packet.
pub const MAX_PAYLOAD: usize = 0xff_ffff;

/// Bytes of a packet header.
pub const HEADER_LEN: usize = 4;

/// `int<3>` payload length and `int<1>` sequence number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketHeader {
    /// Bytes of payload that follow, at most [`MAX_PAYLOAD`].
    pub length: usize,
    /// Counts packets of one exchange, wrapping.
    pub sequence: u8,
}

impl PacketHeader {
    /// From its four bytes.
    #[must_use]
    pub const fn decode(bytes: [u8; HEADER_LEN]) -> Self {
        let [a, b, c, sequence] = bytes;
        // At most 24 bits, which every usize of our platforms holds.
        let length = a as usize | (b as usize) << 8 | (c as usize) << 16;
        Self { length, sequence }
    }

    /// To its four bytes. A longer `length` is cut to what a packet can carry.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_LEN] {
        let length = u32::try_from(self.length.min(MAX_PAYLOAD)).unwrap_or_default();
        let [a, b, c, _] = length.to_le_bytes();
        [a, b, c, self.sequence]
    }
}

/// Appends `message` to `out` as packets, the first numbered `sequence`, and answers the number that
/// comes next. A message that fills its last packet is followed by an empty one.
pub fn frame(message: &[u8], mut sequence: u8, out: &mut Vec<u8>) -> u8 {
    let mut rest = message;
    loop {
        let (part, after) = rest.split_at_checked(MAX_PAYLOAD).unwrap_or((rest, &[]));
        out.extend_from_slice(&PacketHeader { length: part.len(), sequence }.encode());
        out.extend_from_slice(part);
        sequence = sequence.wrapping_add(1);
        rest = after;
        if part.len() < MAX_PAYLOAD {
            return sequence;
        }
    }
}
