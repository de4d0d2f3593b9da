//! The way through a row that holds all columns and no NULL, which most rows do.
//!
//! What is of fixed width lies at fixed distances from the last value that is not, so that only the
//! lengths of the latter are looked at.

use super::codec::{Codec, Width};
use super::cursor::split_length;

/// The widths of a table's columns, those of fixed width summed up.
#[derive(Debug)]
pub(super) struct Strides {
    strides: Vec<Stride>,
    /// Bytes behind the last column of no fixed width.
    tail: usize,
    columns: usize,
}

#[derive(Debug, Clone, Copy)]
struct Stride {
    /// Bytes of the columns in front.
    fixed: usize,
    /// Bytes of the length of the next column.
    length: u8,
}

impl Strides {
    pub(super) fn new(codecs: &[Codec]) -> Self {
        let (mut strides, mut fixed) = (Vec::new(), 0);
        for codec in codecs {
            match codec.width() {
                Width::Fixed(bytes) => fixed += bytes,
                Width::Sized(length) => {
                    strides.push(Stride { fixed, length });
                    fixed = 0;
                }
            }
        }
        Self { strides, tail: fixed, columns: codecs.len() }
    }

    /// Whether a bitmap of NULLs of an image with all columns names none. The bits that belong to no
    /// column are set or not.
    #[inline]
    pub(super) fn has_no_nulls(&self, nulls: &[u8]) -> bool {
        let of_no_column = match self.columns % 8 {
            0 => 0,
            used => 0xff << used,
        };
        nulls.split_last().is_none_or(|(last, whole)| {
            last & !of_no_column == 0 && whole.iter().all(|byte| *byte == 0)
        })
    }

    /// Skips a whole row; `None` if `bytes` end inside of it.
    #[inline]
    pub(super) fn skip<'a>(&self, mut bytes: &'a [u8]) -> Option<&'a [u8]> {
        for stride in &self.strides {
            let (content, rest) = split_length(bytes.get(stride.fixed..)?, stride.length)?;
            bytes = rest.get(content..)?;
        }
        bytes.get(self.tail..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_no_column_say_nothing() {
        for columns in 1..20_usize {
            let strides = Strides::new(&vec![Codec::Year; columns]);
            let mut nulls = vec![0_u8; columns.div_ceil(8)];
            assert!(strides.has_no_nulls(&nulls));
            for bit in columns..nulls.len() * 8 {
                nulls[bit / 8] |= 1 << (bit % 8);
            }
            assert!(strides.has_no_nulls(&nulls), "{columns}");
            for bit in 0..columns {
                let mut nulls = nulls.clone();
                nulls[bit / 8] |= 1 << (bit % 8);
                assert!(!strides.has_no_nulls(&nulls), "{bit} of {columns}");
            }
        }
    }

    #[test]
    fn a_row_is_as_long_as_its_values() {
        let codecs = [
            Codec::Int32 { unsigned: false },
            Codec::Text { length: 1 },
            Codec::Text { length: 2 },
            Codec::Year,
            Codec::Year,
        ];
        let strides = Strides::new(&codecs);
        let row = [1, 2, 3, 4, 2, b'a', b'b', 1, 0, b'c', 9, 9];
        assert_eq!(strides.skip(&[&row[..], b"next"].concat()), Some(&b"next"[..]));
        for cut in 0..row.len() {
            assert_eq!(strides.skip(&row[..cut]), None, "{cut}");
        }
    }
}
