//! Numbers from a seed.

/// A small generator (splitmix64): the same seed throws the same numbers everywhere and for ever.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice that throw what this seed says.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `sides`; 0 if there are no sides.
    pub fn roll(&mut self, sides: usize) -> usize {
        let sides = (sides as u64).max(1);
        usize::try_from(self.number() % sides).unwrap_or_default()
    }

    /// A number from `low` to `high`, both included and in any order.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        let (low, high) = (low.min(high), low.max(high));
        low.saturating_add(self.roll((high - low).saturating_add(1)))
    }

    /// Whether something happens that does so `in_65536` times out of 65 536.
    pub fn happens(&mut self, in_65536: u16) -> bool {
        in_65536 > 0 && self.number() & 0xffff < u64::from(in_65536)
    }
}
