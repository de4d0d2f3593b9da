//! `DECIMAL` as it is stored: nine digits in four bytes, fewer in fewer, most significant first.
//!
//! `bin2decimal` of MySQL's `strings/decimal.cc`. The first bit is inverted, and for negative numbers
//! all the others are, so that bytes sort as numbers do.

/// The layout of a `DECIMAL(precision, scale)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DecimalLayout {
    integer_digits: u8,
    scale: u8,
    length: u8,
}

impl DecimalLayout {
    /// `None` where no server has such a type.
    pub(super) fn new(precision: u8, scale: u8) -> Option<Self> {
        if precision == 0 || precision > PRECISION_MAX {
            return None;
        }
        let integer_digits = precision.checked_sub(scale)?;
        let length = part_length(integer_digits)? + part_length(scale)?;
        Some(Self { integer_digits, scale, length })
    }

    /// Bytes of each value.
    #[inline]
    pub(super) fn length(self) -> usize {
        usize::from(self.length)
    }

    /// The number in plain digits, written into `text`; all digits of the scale, and no `-` in front
    /// of zero.
    pub(super) fn text<'t>(
        self,
        bytes: &[u8],
        text: &'t mut DecimalText,
    ) -> Result<&'t str, &'static str> {
        let mut groups = Groups::new(bytes)?;
        let (whole, point) = (DIGITS_AT, DIGITS_AT + usize::from(self.integer_digits));
        // Of the digits of an integer the group with fewer comes first, of those of a fraction last.
        let fewer = self.integer_digits % 9;
        let mut any = fewer > 0 && text.put(whole, fewer, groups.next(fewer)?);
        let mut at = whole + usize::from(fewer);
        while at < point {
            any |= text.put(at, 9, groups.next(9)?);
            at += 9;
        }
        let start = text.first_digit(point);
        let mut left = self.scale;
        if left > 0 {
            text.put_byte(point, b'.');
            at += 1;
        }
        while left > 0 {
            let width = left.min(9);
            any |= text.put(at, width, groups.next(width)?);
            at += usize::from(width);
            left -= width;
        }
        let is_below_zero = groups.negative && any;
        if is_below_zero {
            text.put_byte(start - 1, b'-');
        }
        let digits = text.bytes.get(start - usize::from(is_below_zero)..at).unwrap_or_default();
        std::str::from_utf8(digits).map_err(|_| "its decimal is longer than its type")
    }
}

/// Room for the text of one number.
#[derive(Debug)]
pub(super) struct DecimalText {
    bytes: [u8; DIGITS_AT + PRECISION_MAX as usize + 1],
}

impl Default for DecimalText {
    fn default() -> Self {
        Self { bytes: [b'0'; DIGITS_AT + PRECISION_MAX as usize + 1] }
    }
}

impl DecimalText {
    /// Puts all digits of a group of `width`; answers whether one of them is not zero.
    #[inline]
    fn put(&mut self, at: usize, width: u8, group: u32) -> bool {
        let mut left = group;
        for place in
            self.bytes.get_mut(at..at + usize::from(width)).unwrap_or_default().iter_mut().rev()
        {
            let [digit, ..] = (left % 10).to_le_bytes();
            *place = b'0' + digit;
            left /= 10;
        }
        group != 0
    }

    fn put_byte(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.bytes.get_mut(at) {
            *place = byte;
        }
    }

    /// Where the digits in front of the point begin that are shown: at the last one, if all are zeros,
    /// and at one that is put there, if there are none.
    fn first_digit(&mut self, point: usize) -> usize {
        let last = point - 1;
        if point == DIGITS_AT {
            self.put_byte(last, b'0');
        }
        let zeros = self.bytes.get(DIGITS_AT..last).unwrap_or_default();
        DIGITS_AT.min(last) + zeros.iter().take_while(|digit| **digit == b'0').count()
    }
}

/// The groups of digits of one number.
struct Groups<'a> {
    bytes: &'a [u8],
    negative: bool,
    /// To be inverted in the byte that comes next: the sign.
    first: u8,
}

impl<'a> Groups<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let first = bytes.first().ok_or(TOO_SHORT)?;
        Ok(Self { bytes, negative: first & 0x80 == 0, first: 0x80 })
    }

    /// The next `width` (1 to 9) digits as a number.
    fn next(&mut self, width: u8) -> Result<u32, &'static str> {
        let (group, rest) = self.bytes.split_at_checked(group_length(width)).ok_or(TOO_SHORT)?;
        self.bytes = rest;
        let mask = if self.negative { 0xff } else { 0 };
        let mut number = 0;
        for byte in group {
            number = number << 8 | u32::from(byte ^ mask ^ self.first);
            self.first = 0;
        }
        let limit = 10_u32.pow(u32::from(width));
        if number < limit { Ok(number) } else { Err("its digits are out of range") }
    }
}

fn part_length(digits: u8) -> Option<u8> {
    let rest = u8::try_from(group_length(digits % 9)).ok()?;
    Some(digits / 9 * 4 + rest)
}

const fn group_length(digits: u8) -> usize {
    match digits {
        0 => 0,
        1 | 2 => 1,
        3 | 4 => 2,
        5 | 6 => 3,
        _ => 4,
    }
}

const TOO_SHORT: &str = "its decimal ends too early";
const PRECISION_MAX: u8 = 65;
/// In front of the digits there is room for a sign and a zero.
const DIGITS_AT: usize = 2;

#[cfg(test)]
mod tests;
