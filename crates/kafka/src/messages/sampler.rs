//! A third direction of the wire, for tests: fills messages with arbitrary values.
//!
//! It sees the fields of a message as the decoder and the encoder do, so a field that is forgotten
//! in one version is forgotten here too; that all fields are there is for the oracle to say.

use crate::{
    ApiKey, ApiVersion, Result,
    codec::{Coder, Tags, Wire},
    messages::Records,
};

/// Fills the fields that one version has.
#[derive(Debug)]
pub(crate) struct Sampler {
    state: u64,
    version: i16,
    flexible: bool,
}

const TEXTS: [&str; 6] = ["", "a", "cn_hangzhou_rm", "1562727297|x", "ünïcødé", "with\0nul"];
const BLOBS: [&[u8]; 4] = [b"", b"\0", b"\xff\xfe", &[7; 300]];
const NUMBERS: [i64; 8] = [0, 1, -1, 127, 128, 255, i64::MAX, i64::MIN];

impl Sampler {
    /// Equal seeds give equal messages.
    pub(crate) fn new(api: ApiKey, version: ApiVersion, seed: u64) -> Self {
        Self { state: seed | 1, version: version.0, flexible: api.is_flexible(version) }
    }

    /// A filled message.
    pub(crate) fn fill<T: Wire<'static> + Default>(&mut self) -> T {
        let mut message = T::default();
        message.wire(self).expect("the sampler never fails");
        message
    }

    /// xorshift64.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit
    }

    fn number(&mut self) -> i64 {
        match self.below(2) {
            0 => NUMBERS[self.below(NUMBERS.len())],
            _ => self.next().cast_signed(),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
impl Coder<'static> for Sampler {
    fn version(&self) -> i16 {
        self.version
    }

    fn flexible(&self) -> bool {
        self.flexible
    }

    fn int8(&mut self, value: &mut i8) -> Result<()> {
        *value = self.number() as i8;
        Ok(())
    }

    /// Mostly an error code, so mostly one of those.
    fn int16(&mut self, value: &mut i16) -> Result<()> {
        *value = (self.number() % 120) as i16;
        Ok(())
    }

    fn int32(&mut self, value: &mut i32) -> Result<()> {
        *value = self.number() as i32;
        Ok(())
    }

    fn int64(&mut self, value: &mut i64) -> Result<()> {
        *value = self.number();
        Ok(())
    }

    fn uuid(&mut self, value: &mut [u8; 16]) -> Result<()> {
        *value = u128::from(self.next()).to_be_bytes();
        Ok(())
    }

    fn nullable_string(&mut self, value: &mut Option<&'static str>) -> Result<()> {
        *value = TEXTS.get(self.below(TEXTS.len() + 2)).copied();
        Ok(())
    }

    fn nullable_bytes(&mut self, value: &mut Option<&'static [u8]>) -> Result<()> {
        *value = BLOBS.get(self.below(BLOBS.len() + 1)).copied();
        Ok(())
    }

    fn records(&mut self, value: &mut Records<'static>) -> Result<()> {
        let mut bytes = None;
        self.nullable_bytes(&mut bytes)?;
        *value = bytes.map_or(Records::Null, Records::Here);
        Ok(())
    }

    fn nullable_array<T: Wire<'static> + Default>(
        &mut self,
        value: &mut Option<Vec<T>>,
    ) -> Result<()> {
        *value = None;
        if self.below(4) > 0 { self.array(value.get_or_insert_default()) } else { Ok(()) }
    }

    fn array<T: Wire<'static> + Default>(&mut self, value: &mut Vec<T>) -> Result<()> {
        *value = (0..self.below(4)).map(|_| self.fill()).collect();
        Ok(())
    }

    fn string(&mut self, value: &mut &'static str) -> Result<()> {
        *value = TEXTS[self.below(TEXTS.len())];
        Ok(())
    }

    fn bytes(&mut self, value: &mut &'static [u8]) -> Result<()> {
        *value = BLOBS[self.below(BLOBS.len())];
        Ok(())
    }

    fn begin_tags(&mut self) -> Result<Tags<'static>> {
        Ok(Tags::none())
    }

    fn tag<T: Wire<'static> + Default + PartialEq>(
        &mut self,
        _tags: &mut Tags<'static>,
        _number: u32,
        value: &mut T,
    ) -> Result<()> {
        if self.flexible && self.below(2) > 0 { value.wire(self) } else { Ok(()) }
    }

    fn end_tags(&mut self, _tags: Tags<'static>) -> Result<()> {
        Ok(())
    }
}
