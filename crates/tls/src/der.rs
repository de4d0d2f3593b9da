//! DER (X.690) as far as the subject of a certificate needs it: values behind each other, each with a tag.
//!
//! Every length is held against what is there, and nothing is allocated.

/// Values that stand behind each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Der<'a>(&'a [u8]);

/// A value: its tag, and what it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
}

pub(crate) const OBJECT_ID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
pub(crate) const IA5_STRING: u8 = 0x16;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Lengths from here on say first how many bytes they take.
const LONG_FORM: u8 = 0x80;
/// A tag whose number stands in further bytes; no field of a subject has one.
const LONG_TAG: u8 = 0x1f;

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next value, if there is a whole one.
    pub(crate) fn next(&mut self) -> Option<Value<'a>> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        if tag & LONG_TAG == LONG_TAG {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Four bytes of length are more than any certificate has.
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & !LONG_FORM))?;
                (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Value { tag, content })
    }

    /// The next value, which must have this tag, as the values inside of it.
    pub(crate) fn inside(&mut self, tag: u8) -> Option<Self> {
        self.next().filter(|value| value.tag == tag).map(|value| Self(value.content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_one_by_one() {
        let mut der = Der::new(&[SEQUENCE, 3, UTF8_STRING, 1, b'a', OBJECT_ID, 0x81, 1, 7]);
        let mut inside = der.inside(SEQUENCE).unwrap();
        assert_eq!(inside.next().unwrap().content, b"a");
        assert!(inside.next().is_none());
        let last = der.next().unwrap();
        assert_eq!((last.tag, last.content), (OBJECT_ID, &[7][..]));
        assert!(der.next().is_none());
    }

    #[test]
    fn what_is_cut_short_or_odd_is_nothing() {
        for bytes in [
            &[][..],
            &[SEQUENCE],
            &[SEQUENCE, 1],
            &[SEQUENCE, 0x80],
            &[SEQUENCE, 0x82, 1],
            &[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[SEQUENCE, 0x85, 0, 0, 0, 0, 1, 0],
            &[0x1f, 1, 0],
        ] {
            assert!(Der::new(bytes).next().is_none(), "{bytes:?}");
        }
    }
}
