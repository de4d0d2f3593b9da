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

    /// Appends the number in plain digits; all digits of the scale, and no `-` in front of zero.
    pub(super) fn write(self, bytes: &[u8], out: &mut String) -> Result<(), &'static str> {
        let mut groups = Groups::new(bytes)?;
        let start = out.len();
        if groups.negative {
            out.push('-');
        }
        let mut any = false;
        let mut digits = itoa::Buffer::new();
        let mut started = false;
        let mut left = self.integer_digits;
        while left > 0 {
            // The group with fewer digits comes first.
            let width = if left.is_multiple_of(9) { 9 } else { left % 9 };
            let group = groups.next(width)?;
            left -= width;
            if started {
                push_padded(digits.format(group), width, out);
            } else if group != 0 {
                out.push_str(digits.format(group));
                started = true;
            }
        }
        any |= started;
        if !started {
            out.push('0');
        }
        let mut left = self.scale;
        if left > 0 {
            out.push('.');
        }
        while left > 0 {
            // And here last.
            let width = left.min(9);
            let group = groups.next(width)?;
            left -= width;
            any |= group != 0;
            push_padded(digits.format(group), width, out);
        }
        if groups.negative && !any {
            out.remove(start);
        }
        Ok(())
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

fn push_padded(digits: &str, width: u8, out: &mut String) {
    let zeros = usize::from(width).saturating_sub(digits.len());
    out.push_str("000000000".get(..zeros).unwrap_or_default());
    out.push_str(digits);
}

const TOO_SHORT: &str = "its decimal ends too early";
const PRECISION_MAX: u8 = 65;

#[cfg(test)]
mod tests;
