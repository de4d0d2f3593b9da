//! Whole numbers as decimal digits, eight at once.
//!
//! A number below 10^8 fits one register with a byte a digit, so its text needs neither loop nor table:
//! it is divided into halves by multiplications, all parts side by side. A larger number is two or
//! three such pieces.

/// Appends the digits of a number, with a sign below zero.
#[inline]
pub(crate) fn push_signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    push_unsigned(out, number.unsigned_abs());
}

/// Appends the digits of a number.
#[inline]
pub(crate) fn push_unsigned(out: &mut Vec<u8>, number: u64) {
    if number < EIGHT {
        return push_first(out, number);
    }
    let (high, low) = (number / EIGHT, number % EIGHT);
    if high < EIGHT {
        push_first(out, high);
    } else {
        push_first(out, high / EIGHT);
        out.extend_from_slice(&text(eight_digits(high % EIGHT)));
    }
    out.extend_from_slice(&text(eight_digits(low)));
}

/// Appends the digits of a number below 10^8, without zeros in front.
#[inline]
fn push_first(out: &mut Vec<u8>, number: u64) {
    let digits = eight_digits(number);
    // The last digit is written for zero too.
    let zeros = (digits.trailing_zeros() / 8).min(7);
    let end = out.len() + 8 - zeros as usize;
    out.extend_from_slice(&text(digits >> (8 * zeros)));
    out.truncate(end);
}

/// A number below 10^8 as eight bytes of 0 to 9, the first digit lowest.
#[inline]
const fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - 10 * tens) << 8)
}

#[inline]
const fn text(digits: u64) -> [u8; 8] {
    (digits | ZEROS).to_le_bytes()
}

const EIGHT: u64 = 100_000_000;
const ZEROS: u64 = 0x3030_3030_3030_3030;

#[cfg(test)]
mod tests {
    use super::*;

    fn unsigned(number: u64) -> String {
        let mut out = vec![b'>'];
        push_unsigned(&mut out, number);
        String::from_utf8(out.split_off(1)).unwrap()
    }

    fn signed(number: i64) -> String {
        let mut out = Vec::new();
        push_signed(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_at_the_seams_are_written_whole() {
        let powers = (0..20).map(|power| 10_u64.pow(power));
        let seams = powers.flat_map(|power| [power - 1, power, power + 1]);
        for number in seams.chain([0, u64::MAX, u64::MAX - 1, 1 << 63]) {
            assert_eq!(unsigned(number), number.to_string());
            assert_eq!(signed(number.cast_signed()), number.cast_signed().to_string());
        }
    }

    #[test]
    fn every_group_of_four_digits_is_right() {
        for number in 0..10_000 {
            assert_eq!(unsigned(number), number.to_string());
            assert_eq!(unsigned(number * 10_000), (number * 10_000).to_string());
        }
    }

    proptest::proptest! {
        #[test]
        fn every_number_has_the_digits_of_the_standard_library(number: i64) {
            proptest::prop_assert_eq!(signed(number), number.to_string());
            let number = number.cast_unsigned();
            proptest::prop_assert_eq!(unsigned(number), number.to_string());
            let short = number % 100_000_000;
            proptest::prop_assert_eq!(unsigned(short), short.to_string());
        }
    }
}
