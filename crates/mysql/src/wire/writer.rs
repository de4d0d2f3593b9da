//! Writing of the protocol's basic types.

/// Builds one message.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty message.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// `int<1>`.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.bytes.push(value);
        self
    }

    /// `int<2>`.
    #[must_use]
    pub fn u16(self, value: u16) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// `int<4>`.
    #[must_use]
    pub fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// `int<8>`.
    #[must_use]
    pub fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Bytes as they are.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// `string<NUL>`. A zero byte inside ends the text, as it does for the server.
    #[must_use]
    pub fn null_terminated(self, text: &[u8]) -> Self {
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        self.bytes(text).u8(0)
    }

    /// `string<lenenc>`.
    #[must_use]
    pub fn lenenc_bytes(self, bytes: &[u8]) -> Self {
        self.lenenc_int(bytes.len() as u64).bytes(bytes)
    }

    /// `int<lenenc>` in its shortest form.
    #[must_use]
    pub fn lenenc_int(self, value: u64) -> Self {
        let [a, b, c, ..] = value.to_le_bytes();
        match value {
            ..=0xfa => self.u8(a),
            0xfb..=0xffff => self.u8(0xfc).bytes(&[a, b]),
            0x1_0000..=0xff_ffff => self.u8(0xfd).bytes(&[a, b, c]),
            _ => self.u8(0xfe).u64(value),
        }
    }

    /// `string` with one length byte, cut at 255 bytes.
    #[must_use]
    pub fn short_bytes(self, bytes: &[u8]) -> Self {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        let cut = bytes.get(..usize::from(length)).unwrap_or(bytes);
        self.u8(length).bytes(cut)
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
