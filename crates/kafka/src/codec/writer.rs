//! Appends primitive types to a buffer of the caller.

/// Writes primitive types to the end of a vector.
#[derive(Debug)]
pub struct Writer<'b> {
    bytes: &'b mut Vec<u8>,
}

impl<'b> Writer<'b> {
    /// Appends to `bytes`; what stands there stays.
    pub const fn new(bytes: &'b mut Vec<u8>) -> Self {
        Self { bytes }
    }

    /// One byte, signed.
    pub fn int8(&mut self, value: i8) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Two bytes, high byte first.
    pub fn int16(&mut self, value: i16) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Four bytes, high byte first.
    pub fn int32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Four bytes, unsigned, high byte first.
    pub fn uint32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// Eight bytes, high byte first.
    pub fn int64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_be_bytes());
    }

    /// The bytes as they are, without a length.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// An unsigned number of variable length: groups of seven bits, low group first.
    pub fn unsigned_varint(&mut self, value: u32) {
        self.groups_of_seven(u64::from(value));
    }

    /// A signed number of variable length, zigzag, 32 bits wide.
    #[inline]
    pub fn varint(&mut self, value: i32) {
        self.groups_of_seven(u64::from(zigzag(value)));
    }

    /// A signed number of variable length, zigzag, 64 bits wide.
    #[inline]
    pub fn varlong(&mut self, value: i64) {
        self.groups_of_seven(zigzag_long(value));
    }

    #[inline]
    fn groups_of_seven(&mut self, mut value: u64) {
        while value >= 0x80 {
            let [low, ..] = value.to_le_bytes();
            self.bytes.push(low | 0x80);
            value >>= 7;
        }
        let [low, ..] = value.to_le_bytes();
        self.bytes.push(low);
    }
}

/// How many bytes [`Writer::varint`] writes for this value: 1 to 5.
#[inline]
pub const fn varint_len(value: i32) -> usize {
    groups_len(zigzag(value) as u64)
}

/// How many bytes [`Writer::varlong`] writes for this value: 1 to 10.
#[inline]
pub const fn varlong_len(value: i64) -> usize {
    groups_len(zigzag_long(value))
}

const fn groups_len(value: u64) -> usize {
    // The highest set bit decides; zero still takes one byte.
    let bits = u64::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

const fn zigzag_long(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}
