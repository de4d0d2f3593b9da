//! Dates and times as they are stored (`sql-common/my_time.cc`), and as JSON documents hold them.

use change::Value;

type Read = Result<Value<'static>, &'static str>;

/// Three bytes: five bits day, four bits month, the rest year.
pub(super) fn date([a, b, c]: [u8; 3]) -> Read {
    let packed = u32::from_le_bytes([a, b, c, 0]);
    checked_date(packed >> 9, packed >> 5 & 15, packed & 31)
}

/// `TIME` since 5.6: sign, ten bits hour, six minute, six second, then the fraction; the whole offset
/// by half its range, most significant byte first.
pub(super) fn time(bytes: &[u8]) -> Read {
    let (number, fraction_bytes) = big_endian(bytes, 3)?;
    let fraction_bits = 8 * fraction_bytes;
    let half: u64 = 0x80_0000 << fraction_bits;
    let magnitude = number.abs_diff(half);
    let fraction = magnitude & ((1 << fraction_bits) - 1);
    time_of(number < half, magnitude >> fraction_bits, micros(fraction, fraction_bytes)?)
}

/// `DATETIME` since 5.6: five bytes and the fraction, most significant byte first.
pub(super) fn datetime(bytes: &[u8]) -> Read {
    let (number, fraction_bytes) = big_endian(bytes, 5)?;
    let fraction_bits = 8 * fraction_bytes;
    let whole = (number >> fraction_bits).checked_sub(0x80_0000_0000).ok_or(OUT_OF_RANGE)?;
    let fraction = number & ((1 << fraction_bits) - 1);
    datetime_of(whole, micros(fraction, fraction_bytes)?)
}

/// `TIMESTAMP` since 5.6: four bytes seconds and the fraction, most significant byte first.
pub(super) fn timestamp(bytes: &[u8]) -> Read {
    let (number, fraction_bytes) = big_endian(bytes, 4)?;
    let fraction_bits = 8 * fraction_bytes;
    let fraction = number & ((1 << fraction_bits) - 1);
    let micros = micros(fraction, fraction_bytes)?;
    if micros > 999_999 {
        return Err(OUT_OF_RANGE);
    }
    let seconds = i64::from(narrow(number >> fraction_bits)?);
    Ok(Value::Timestamp { seconds, micros })
}

/// `TIME` before 5.6: the decimal digits `hhmmss` as a number with a sign.
pub(super) fn old_time([a, b, c]: [u8; 3]) -> Read {
    let number = u32::from_le_bytes([0, a, b, c]).cast_signed() >> 8;
    let digits = number.unsigned_abs();
    checked_time(number < 0, digits / 10_000, digits / 100 % 100, digits % 100, 0)
}

/// `DATETIME` before 5.6: the decimal digits `yyyymmddhhmmss` as a number.
pub(super) fn old_datetime(bytes: [u8; 8]) -> Read {
    let digits = u64::from_le_bytes(bytes);
    let pair = |at: u64| narrow(digits / at % 100);
    let year = narrow(digits / 10_000_000_000)?;
    let date = (year, pair(100_000_000)?, pair(1_000_000)?);
    checked_datetime(date, (pair(10_000)?, pair(100)?, pair(1)?), 0)
}

/// `TIME(n)` of MariaDB 5.3 (`Field_time_hires` of its `sql/field.cc`): all of it in units of the last
/// decimal, offset by the largest time, most significant byte first.
pub(super) fn hires_time(bytes: &[u8], fraction: u8) -> Read {
    let (number, _) = big_endian(bytes, 3)?;
    let unit = unit(fraction)?;
    let zero = HIRES_TIME_ZERO * (1_000_000 / unit);
    let micros = number.abs_diff(zero).checked_mul(unit).ok_or(OUT_OF_RANGE)?;
    let seconds = micros / 1_000_000;
    let part = |unit: u64| narrow(seconds / unit % 60);
    let (hours, micros) = (narrow(seconds / 3_600)?, narrow(micros % 1_000_000)?);
    checked_time(number < zero, hours, part(60)?, part(1)?, micros)
}

/// `DATETIME(n)` of MariaDB 5.3: the parts one above the other, down to the last decimal.
pub(super) fn hires_datetime(bytes: &[u8], fraction: u8) -> Read {
    let (number, _) = big_endian(bytes, 5)?;
    let unit = unit(fraction)?;
    let seconds = number / (1_000_000 / unit);
    let micros = narrow(number % (1_000_000 / unit) * unit)?;
    let part = |below: u64, count: u64| narrow(seconds / below % count);
    let months = narrow(seconds / (32 * 86_400))?;
    let time = (part(3_600, 24)?, part(60, 60)?, part(1, 60)?);
    checked_datetime((months / 13, months % 13, part(86_400, 32)?), time, micros)
}

/// `TIMESTAMP(n)` of MariaDB 5.3: seconds, then decimals, most significant byte first.
pub(super) fn hires_timestamp(bytes: &[u8], fraction: u8) -> Read {
    let (seconds, decimals) = bytes.split_first_chunk::<4>().ok_or(OUT_OF_RANGE)?;
    let (decimals, _) = big_endian(decimals, 0)?;
    let micros = narrow(decimals.checked_mul(unit(fraction)?).ok_or(OUT_OF_RANGE)?)?;
    if micros > 999_999 {
        return Err(OUT_OF_RANGE);
    }
    Ok(Value::Timestamp { seconds: i64::from(u32::from_be_bytes(*seconds)), micros })
}

/// The form inside of JSON documents, of all three: the parts above 24 bits of microseconds.
pub(super) fn packed_datetime(packed: i64) -> Read {
    let packed = u64::try_from(packed).map_err(|_| OUT_OF_RANGE)?;
    datetime_of(packed >> 24, narrow(packed & 0xff_ffff)?)
}

/// See [`packed_datetime`].
pub(super) fn packed_time(packed: i64) -> Read {
    let magnitude = packed.unsigned_abs();
    time_of(packed < 0, magnitude >> 24, narrow(magnitude & 0xff_ffff)?)
}

fn datetime_of(whole: u64, micros: u32) -> Read {
    let year_month = narrow(whole >> 22)?;
    let bits = |shift: u32, mask: u64| narrow(whole >> shift & mask);
    let date = (year_month / 13, year_month % 13, bits(17, 31)?);
    checked_datetime(date, (bits(12, 31)?, bits(6, 63)?, bits(0, 63)?), micros)
}

fn time_of(negative: bool, whole: u64, micros: u32) -> Read {
    let bits = |shift: u32, mask: u64| narrow(whole >> shift & mask);
    if whole >> 22 != 0 {
        return Err(OUT_OF_RANGE);
    }
    checked_time(negative, bits(12, 1023)?, bits(6, 63)?, bits(0, 63)?, micros)
}

fn checked_date(year: u32, month: u32, day: u32) -> Read {
    if year > 9999 || month > 12 || day > 31 {
        return Err(OUT_OF_RANGE);
    }
    Ok(Value::Date { year: part(year)?, month: part(month)?, day: part(day)? })
}

fn checked_time(negative: bool, hours: u32, minutes: u32, seconds: u32, micros: u32) -> Read {
    if hours > 838 || minutes > 59 || seconds > 59 || micros > 999_999 {
        return Err(OUT_OF_RANGE);
    }
    Ok(Value::Time {
        negative,
        hours: part(hours)?,
        minutes: part(minutes)?,
        seconds: part(seconds)?,
        micros,
    })
}

fn checked_datetime(
    (year, month, day): (u32, u32, u32),
    (hour, minute, second): (u32, u32, u32),
    micros: u32,
) -> Read {
    let date = year <= 9999 && month <= 12 && day <= 31;
    let time = hour <= 23 && minute <= 59 && second <= 59 && micros <= 999_999;
    if !(date && time) {
        return Err(OUT_OF_RANGE);
    }
    Ok(Value::DateTime {
        year: part(year)?,
        month: part(month)?,
        day: part(day)?,
        hour: part(hour)?,
        minute: part(minute)?,
        second: part(second)?,
        micros,
    })
}

/// All bytes as one number, and how many of them are behind the first `whole`.
fn big_endian(bytes: &[u8], whole: usize) -> Result<(u64, usize), &'static str> {
    let fraction = bytes.len().checked_sub(whole).filter(|count| *count <= 3);
    let fraction = fraction.ok_or(OUT_OF_RANGE)?;
    let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    Ok((number, fraction))
}

/// One byte holds hundredths, two ten-thousandths, three millionths.
fn micros(fraction: u64, bytes: usize) -> Result<u32, &'static str> {
    let unit = match bytes {
        0 | 1 => 10_000,
        2 => 100,
        _ => 1,
    };
    narrow(fraction * unit)
}

/// Microseconds of the last of so many decimals.
fn unit(fraction: u8) -> Result<u64, &'static str> {
    6_u32.checked_sub(u32::from(fraction)).map(|more| 10_u64.pow(more)).ok_or(OUT_OF_RANGE)
}

fn narrow(number: u64) -> Result<u32, &'static str> {
    u32::try_from(number).map_err(|_| OUT_OF_RANGE)
}

fn part<T: TryFrom<u32>>(number: u32) -> Result<T, &'static str> {
    T::try_from(number).map_err(|_| OUT_OF_RANGE)
}

/// Seconds of 839 hours.
const HIRES_TIME_ZERO: u64 = 839 * 3_600;
const OUT_OF_RANGE: &str = "its date or time is out of range";

#[cfg(test)]
mod tests;
