use proptest::prelude::*;

use super::*;

/// The stored form of a plain decimal text.
fn stored(text: &str, precision: u8, scale: u8) -> Vec<u8> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let width = usize::from(precision - scale);
    let integer = format!("{integer:0>width$}");
    let integer = if width == 0 { String::new() } else { integer };
    let mut bytes = Vec::new();
    let mut push = |group: &str| {
        if !group.is_empty() {
            let length = group_length(u8::try_from(group.len()).unwrap());
            let number: u32 = group.parse().unwrap();
            bytes.extend_from_slice(&number.to_be_bytes()[4 - length..]);
        }
    };
    let (head, rest) = integer.split_at(width % 9);
    push(head);
    rest.as_bytes().chunks(9).for_each(|group| push(std::str::from_utf8(group).unwrap()));
    fraction.as_bytes().chunks(9).for_each(|group| push(std::str::from_utf8(group).unwrap()));
    bytes[0] ^= 0x80;
    if negative {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
    }
    bytes
}

fn read(bytes: &[u8], precision: u8, scale: u8) -> Result<String, &'static str> {
    // What another number has left there is not seen.
    let mut text = DecimalText { bytes: [b'x'; DIGITS_AT + 66] };
    let layout = DecimalLayout::new(precision, scale).unwrap();
    layout.text(bytes, &mut text).map(str::to_owned)
}

#[test]
fn b03_known_bytes_read_as_the_manual_says() {
    // The example of `decimal2bin` in the server's sources.
    let bytes = [0x81, 0x0D, 0xFB, 0x38, 0xD2, 0x04, 0xD2];
    assert_eq!(read(&bytes, 14, 4).unwrap(), "1234567890.1234");
    let negative = bytes.map(|byte| !byte);
    assert_eq!(read(&negative, 14, 4).unwrap(), "-1234567890.1234");
}

#[test]
fn negative_zero_has_no_sign() {
    assert_eq!(read(&[0x7f, 0xff], 3, 2).unwrap(), "0.00");
    assert_eq!(read(&stored("-0.01", 3, 2), 3, 2).unwrap(), "-0.01");
}

#[test]
fn types_that_no_server_has_are_refused() {
    for (precision, scale) in [(0, 0), (66, 0), (5, 6), (255, 255)] {
        assert_eq!(DecimalLayout::new(precision, scale), None);
    }
}

proptest! {
    #[test]
    fn every_decimal_reads_back(
        precision in 1_u8..=65,
        scale in 0_u8..=65,
        negative: bool,
        digits in "[0-9]{65}",
    ) {
        let scale = scale.min(precision);
        let (integer, fraction) = digits[..usize::from(precision)].split_at(usize::from(precision - scale));
        let integer = integer.trim_start_matches('0');
        let integer = if integer.is_empty() { "0" } else { integer };
        let mut text = integer.to_owned();
        if scale > 0 {
            text = format!("{text}.{fraction}");
        }
        let nonzero = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        if negative && nonzero {
            text.insert(0, '-');
        }
        let bytes = stored(&text, precision, scale);
        prop_assert_eq!(bytes.len(), DecimalLayout::new(precision, scale).unwrap().length());
        prop_assert_eq!(read(&bytes, precision, scale).unwrap(), text);
        for cut in 0..bytes.len() {
            prop_assert!(read(&bytes[..cut], precision, scale).is_err());
        }
    }
}
