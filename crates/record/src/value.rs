//! Writing the values of an image, column by column, without allocating.
//!
//! Follows sections 2.2 and 2.3 of the DTS record format. A value that does not fit its column is
//! reported, never bent: an unexpected branch ends the clients that read it.

use std::fmt::Write;

use change::{Value, Visitor};

use crate::avro::{
    StackText, branch, write_bytes, write_digits, write_double, write_long, write_string,
};

/// How the values of one column are written.
#[derive(Debug)]
pub(crate) struct ColumnPlan {
    shape: Shape,
    /// The branch number and what follows it in every value: a precision, charset or type name.
    prefix: Box<[u8]>,
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
        Self { shape, prefix: prefix.into() }
    }

    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.prefix.len()
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
            _ => out.extend_from_slice(&self.prefix),
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

fn write_decimal(out: &mut Vec<u8>, text: &str) {
    let mut digits = 0;
    let mut scale = 0;
    let mut after_point = false;
    for byte in text.bytes() {
        match byte {
            b'.' => after_point = true,
            b'0'..=b'9' => {
                digits += 1;
                scale += i64::from(after_point);
            }
            _ => {}
        }
    }
    write_string(out, text);
    write_long(out, digits);
    write_long(out, scale);
}

fn write_float(out: &mut Vec<u8>, number: f64) {
    write_double(out, number);
    out.extend_from_slice(&FLOAT_PRECISION_AND_SCALE);
}

/// The double nearest to the shortest decimal that reads back to the same single.
///
/// Clients print the double: 0.1 as a single must not become 0.10000000149011612.
fn shortest(number: f32) -> f64 {
    let exact = f64::from(number);
    if number.fract() == 0.0 && number.abs() < EXACT_SINGLES {
        return exact;
    }
    let mut text = StackText::<32>::new();
    match write!(text, "{number:e}") {
        Ok(()) => text.as_str().parse().unwrap_or(exact),
        Err(_) => exact,
    }
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
            write_part(out, hour.into());
            write_part(out, minute.into());
            write_part(out, second.into());
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
    write_part(out, month.into());
    write_part(out, day.into());
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
/// Whole numbers below 2^24 are the same as a single and as a double.
const EXACT_SINGLES: f32 = 16_777_216.0;
const NO_PART: u8 = 0;
const SOME_PART: u8 = 1 << 1;
const NO_DATE: [u8; 3] = [NO_PART; 3];
const NO_TIME: [u8; 4] = [NO_PART; 4];
