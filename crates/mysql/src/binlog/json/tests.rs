use proptest::prelude::*;

use super::*;

fn text(document: &[u8]) -> Result<String, &'static str> {
    let mut out = String::new();
    write_text(document, &mut out).map(|()| out)
}

fn double(number: f64) -> String {
    let mut out = Text::behind(String::new());
    number::write_double(number, &mut out).unwrap();
    out.finish().unwrap()
}

#[test]
fn an_empty_document_is_null() {
    assert_eq!(text(&[]).unwrap(), "null");
}

#[test]
fn doubles_change_to_exponents_where_the_server_does() {
    for (number, wanted) in [
        (1e14, "100000000000000.0"),
        (1e15, "1e15"),
        (1e-15, "0.000000000000001"),
        (1e-16, "1e-16"),
        (-1.5, "-1.5"),
        (-2.5e-300, "-2.5e-300"),
    ] {
        assert_eq!(double(number), wanted);
    }
}

#[test]
fn nesting_without_end_is_refused() {
    // An array whose one element is at its own start.
    let document = [kind::SMALL_ARRAY, 1, 0, 7, 0, kind::SMALL_ARRAY, 0, 0];
    assert!(text(&document).is_err());
}

#[test]
fn parts_referred_to_again_and_again_do_not_take_memory() {
    // Arrays of eight elements that all refer to the next array: 8^20 values from 600 bytes.
    let mut document = vec![kind::STRING, 1, b'x'];
    let mut inner: Vec<u8> = Vec::new();
    for level in 0..20 {
        let mut array = vec![8, 0];
        let header = 4 + 8 * 3;
        let size = u16::try_from(header + inner.len().max(2)).unwrap();
        array.extend_from_slice(&size.to_le_bytes());
        for _ in 0..8 {
            array.push(if level == 0 { kind::STRING } else { kind::SMALL_ARRAY });
            array.extend_from_slice(&u16::try_from(header).unwrap().to_le_bytes());
        }
        if level == 0 {
            array.extend_from_slice(&document[1..]);
        } else {
            array.extend_from_slice(&inner);
        }
        inner = array;
    }
    document = vec![kind::SMALL_ARRAY];
    document.extend_from_slice(&inner);
    let mut out = String::new();
    assert!(write_text(&document, &mut out).is_err());
    assert!(out.len() < document.len() * 40);
}

proptest! {
    #[test]
    fn every_double_reads_back(bits: u64) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let written = double(number);
        prop_assert_eq!(written.parse::<f64>().unwrap().to_bits(), bits);
        prop_assert!(written.contains(['.', 'e']));
    }

    #[test]
    fn noise_is_text_or_an_error(document in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut out = String::new();
        if write_text(&document, &mut out).is_ok() {
            prop_assert!(out.len() <= document.len() * GROWTH_MAX + 512);
        }
    }
}
