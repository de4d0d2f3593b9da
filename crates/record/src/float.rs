//! Single precision as the double that clients print the same.
//!
//! 0.1 as a single must not become 0.10000000149011612: what is meant is the double nearest to the
//! shortest decimal that reads back to the same single.

use std::fmt::Write;

use crate::avro::StackText;

/// The double nearest to the shortest decimal that reads back to `number`.
#[inline]
pub(crate) fn shortest(number: f32) -> f64 {
    let exact = f64::from(number);
    if number.fract() == 0.0 && number.abs() < EXACT_SINGLES {
        return exact;
    }
    few_decimals(number).unwrap_or_else(|| by_text(number))
}

/// For a number that needs at most nine decimals: the fewest with which a decimal lies closer to it
/// than half the way to its neighbours.
///
/// All steps are exact: 24 bits of a single times 5^9 are 45, and a whole number over a power of ten
/// below 10^22 is rounded once. Left out is where the answer hangs on which side is meant: between two
/// decimals, half-way to a neighbour, and at powers of two, whose neighbours are not equally far.
fn few_decimals(number: f32) -> Option<f64> {
    let bits = number.to_bits();
    let (exponent, fraction) = (bits >> 23 & 0xff, bits & 0x7f_ffff);
    // From 2^-13 to below 2^24. The products stay small: with as many decimals as make one that close
    // certain, the loop ends.
    if !(114..151).contains(&exponent) || fraction == 0 {
        return None;
    }
    let exact = f64::from(number);
    // 24 bits of mantissa, and half of the last one.
    let reach = f64::from_bits(u64::from(exponent + 1023 - 127 - 24) << 52);
    for power in POWERS {
        let scaled = exact * power;
        let whole = (scaled + ROUNDS) - ROUNDS;
        let (off, reach) = ((scaled - whole).abs(), reach * power);
        if off < reach {
            return (off < 0.5).then_some(whole / power);
        }
        if off == reach {
            return None;
        }
    }
    None
}

/// The same for every number.
#[cold]
fn by_text(number: f32) -> f64 {
    let exact = f64::from(number);
    let mut text = StackText::<32>::new();
    match write!(text, "{number:e}") {
        Ok(()) => text.as_str().parse().unwrap_or(exact),
        Err(_) => exact,
    }
}

/// Whole numbers below 2^24 are the same as a single and as a double.
const EXACT_SINGLES: f32 = 16_777_216.0;
/// Added and taken away again, it leaves the nearest whole number of one below 2^51.
const ROUNDS: f64 = 6_755_399_441_055_744.0;
const POWERS: [f64; 9] = [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bits: u32) {
        let number = f32::from_bits(bits);
        if number.is_finite() {
            assert_eq!(shortest(number).to_bits(), by_text(number).to_bits(), "{number:e}");
        }
    }

    #[test]
    fn singles_all_over_their_range_become_what_their_text_says() {
        (0..u32::MAX).step_by(10_007).for_each(check);
        for exponent in 0..255 {
            for bits in [1, 2, 3, 0x40_0000, 0x7f_fffe, 0x7f_ffff, 0] {
                check(exponent << 23 | bits);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_people_write_stays_what_it_is(whole in -99_999..99_999_i32, power in 0..6_i32) {
            let number = f64::from(whole) / 10_f64.powi(power);
            let text = number.to_string();
            let single: f32 = text.parse().unwrap();
            check(single.to_bits());
            // A single keeps six digits.
            proptest::prop_assert_eq!(shortest(single), number);
        }
    }
}
