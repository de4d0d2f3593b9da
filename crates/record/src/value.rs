//! Writing the values of an image, column by column, without allocating.
//!
//! Follows sections 2.2 and 2.3 of the DTS record format. A value that does not fit its column is
//! reported, never bent: an unexpected branch ends the clients that read it.

use change::{Value, Visitor};

use crate::avro::{
    branch, write_bytes, write_digits, write_double, write_len, write_long, write_string,
};
use crate::float::shortest;

/// How the values of one column are written.
#[derive(Debug)]
pub(crate) struct ColumnPlan {
    shape: Shape,
    /// The branch number and what follows it in every value: a precision, charset or type name.
    prefix: Prefix,
}

/// What stands in front of each value of a column.
#[derive(Debug)]
enum Prefix {
    /// Up to sixteen bytes, with zeros behind: copied whole, then cut, without a call.
    Short { bytes: [u8; 16], length: u8 },
    /// A character set with a long name.
    Long(Box<[u8]>),
}

/// What stands behind a column's prefix.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Decimal digits.
    Integer,
    /// Decimal text, precision, scale.
    Decimal,
    /// A double, precision, scale.
    Float,
    /// Seconds and microseconds.
    Timestamp,
    /// A `DateTime` of year, month, day.
    Date,
    /// A `DateTime` of hour, minute, second, and microseconds where the column has a fraction.
    Time { fraction: bool },
    /// A `DateTime` of all seven.
    DateTime,
    /// A `DateTime` of the year.
    Year,
    /// Bytes, with or without a charset.
    Bytes,
    /// Text of an `ENUM` or `SET`.
    Label,
    /// JSON text.
    Json,
    /// Well-known binary.
    Geometry,
    /// Text the source defines.
    Plain,
}

impl ColumnPlan {
    pub(crate) fn new(shape: Shape, prefix: Vec<u8>) -> Self {
        Self { shape, prefix: Prefix::new(prefix) }
    }

    pub(crate) fn size(&self) -> usize {
        let apart = match &self.prefix {
            Prefix::Short { .. } => 0,
            Prefix::Long(bytes) => bytes.len(),
        };
        size_of::<Self>() + apart
    }

    /// Appends a value; false if the column cannot hold it.
    #[inline]
    fn write(&self, out: &mut Vec<u8>, value: Value<'_>) -> bool {
        match value {
            Value::Null => {
                out.push(branch::NULL);
                return true;
            }
            Value::Absent => {
                out.extend_from_slice(&ABSENT);
                return true;
            }
            _ => self.prefix.write(out),
        }
        match (self.shape, value) {
            (Shape::Integer, Value::Signed(number)) => write_digits(out, number),
            (Shape::Integer, Value::Unsigned(number)) => write_digits(out, number),
            (Shape::Bytes, Value::Text(bytes) | Value::Bytes(bytes)) => write_bytes(out, bytes),
            (Shape::Label, Value::Label(text))
            | (Shape::Json, Value::Json(text))
            | (Shape::Plain, Value::Plain(text)) => write_string(out, text),
            (Shape::Geometry, Value::Geometry { wkb, .. }) => write_bytes(out, wkb),
            (Shape::Decimal, Value::Decimal(text)) => write_decimal(out, text),
            (Shape::Float, Value::Float(number)) => write_float(out, shortest(number)),
            (Shape::Float, Value::Double(number)) => write_float(out, number),
            (shape, value) => return write_time(out, shape, value),
        }
        true
    }
}

impl Prefix {
    fn new(prefix: Vec<u8>) -> Self {
        let mut bytes = [0; 16];
        match (bytes.get_mut(..prefix.len()), u8::try_from(prefix.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(&prefix);
                Self::Short { bytes, length }
            }
            _ => Self::Long(prefix.into()),
        }
    }

    #[inline]
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Short { bytes, length } => {
                let end = out.len() + usize::from(*length);
                out.extend_from_slice(bytes);
                out.truncate(end);
            }
            Self::Long(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// Receives an image's values and appends them.
#[derive(Debug)]
pub(crate) struct ImageWriter<'a> {
    out: &'a mut Vec<u8>,
    columns: &'a [ColumnPlan],
    /// How many columns were written.
    written: usize,
    wrong: Option<Wrong>,
}

/// Why an image was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The column with this index cannot hold its value.
    Value { column: usize },
    /// Another column came than the one that was due.
    Column { expected: usize, found: usize },
}

impl<'a> ImageWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, columns: &'a [ColumnPlan]) -> Self {
        Self { out, columns, written: 0, wrong: None }
    }

    /// Whether every column was written, once and in order.
    pub(crate) fn finish(self) -> Result<(), Wrong> {
        match self.wrong {
            Some(wrong) => Err(wrong),
            None if self.written < self.columns.len() => {
                Err(Wrong::Column { expected: self.written, found: self.columns.len() })
            }
            None => Ok(()),
        }
    }
}

impl Visitor for ImageWriter<'_> {
    fn column(&mut self, index: usize, value: Value<'_>) {
        if self.wrong.is_some() {
            return;
        }
        let due = if index == self.written { self.columns.get(index) } else { None };
        match due {
            Some(plan) if plan.write(self.out, value) => self.written += 1,
            Some(_) => self.wrong = Some(Wrong::Value { column: index }),
            None => self.wrong = Some(Wrong::Column { expected: self.written, found: index }),
        }
    }
}

/// `text` is digits, perhaps with a sign in front, perhaps with a point in between.
fn write_decimal(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let scale = bytes.iter().rev().position(|byte| *byte == b'.');
    let others = usize::from(scale.is_some()) + usize::from(text.starts_with('-'));
    write_string(out, text);
    write_len(out, bytes.len() - others);
    write_len(out, scale.unwrap_or(0));
}

fn write_float(out: &mut Vec<u8>, number: f64) {
    write_double(out, number);
    out.extend_from_slice(&FLOAT_PRECISION_AND_SCALE);
}

fn write_time(out: &mut Vec<u8>, shape: Shape, value: Value<'_>) -> bool {
    match (shape, value) {
        (Shape::Timestamp, Value::Timestamp { seconds, micros }) if micros <= MICROS_MAX => {
            write_long(out, seconds);
            write_long(out, i64::from(micros));
        }
        (Shape::Date, Value::Date { year, month, day }) => {
            write_date(out, year, month, day);
            out.extend_from_slice(&NO_TIME);
        }
        (Shape::DateTime, Value::DateTime { year, month, day, hour, minute, second, micros })
            if micros <= MICROS_MAX =>
        {
            write_date(out, year, month, day);
            write_small_parts(out, [hour, minute, second]);
            write_part(out, micros.into());
        }
        (Shape::Time { fraction }, Value::Time { negative, hours, minutes, seconds, micros })
            if micros <= MICROS_MAX =>
        {
            let sign = if negative { -1 } else { 1 };
            out.extend_from_slice(&NO_DATE);
            write_part(out, sign * i64::from(hours));
            write_part(out, sign * i64::from(minutes));
            write_part(out, sign * i64::from(seconds));
            if fraction || micros != 0 {
                write_part(out, sign * i64::from(micros));
            } else {
                out.push(NO_PART);
            }
        }
        (Shape::Year, Value::Year(year)) => {
            write_part(out, year.into());
            out.extend_from_slice(&[NO_PART; 6]);
        }
        _ => return false,
    }
    true
}

fn write_date(out: &mut Vec<u8>, year: u16, month: u8, day: u8) {
    write_part(out, year.into());
    write_small_parts(out, [month, day]);
}

/// Appends parts of which none is 64 or more, so that each takes one byte.
#[inline]
fn write_small_parts<const N: usize>(out: &mut Vec<u8>, parts: [u8; N]) {
    if parts.iter().all(|part| *part < 64) {
        out.extend_from_slice(parts.map(|part| [SOME_PART, part << 1]).as_flattened());
    } else {
        parts.into_iter().for_each(|part| write_part(out, part.into()));
    }
}

#[inline]
fn write_part(out: &mut Vec<u8>, part: i64) {
    out.push(SOME_PART);
    write_long(out, part);
}

/// `EmptyObject.NONE`: the format's own word for a column whose value was not captured.
const ABSENT: [u8; 2] = [branch::EMPTY_OBJECT << 1, 1 << 1];
/// What Alibaba's own writer sends; clients ignore both.
const FLOAT_PRECISION_AND_SCALE: [u8; 2] = [8 << 1, 15 << 1];
/// A fraction of seven digits breaks every client.
const MICROS_MAX: u32 = 999_999;
const NO_PART: u8 = 0;
const SOME_PART: u8 = 1 << 1;
const NO_DATE: [u8; 3] = [NO_PART; 3];
const NO_TIME: [u8; 4] = [NO_PART; 4];
