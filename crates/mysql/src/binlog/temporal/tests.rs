use proptest::prelude::*;

use super::*;

/// `my_time_packed_to_binary` and its twins, as the server does it.
fn stored(
    packed_whole: i64,
    micros: i64,
    offset: i64,
    whole_bytes: usize,
    bytes: usize,
) -> Vec<u8> {
    // Two's complement over the whole number, whole part rounded down, as `TIME_from...` packs it.
    let unit = [1_000_000, 10_000, 100, 1][bytes];
    let number =
        ((packed_whole + offset) << (8 * bytes)) + if bytes == 0 { 0 } else { micros / unit };
    number.to_be_bytes()[8 - whole_bytes - bytes..].to_vec()
}

#[test]
fn b09_negative_times_keep_their_fraction() {
    let micro = stored(0, -1, 0x80_0000, 3, 3);
    assert_eq!(
        time(&micro).unwrap(),
        Value::Time { negative: true, hours: 0, minutes: 0, seconds: 0, micros: 1 }
    );
    // -00:00:01.5 as the server stores TIME(1): 7F FF FE CE.
    assert_eq!(
        time(&[0x7f, 0xff, 0xfe, 0xce]).unwrap(),
        Value::Time { negative: true, hours: 0, minutes: 0, seconds: 1, micros: 500_000 }
    );
}

#[test]
fn forms_of_before_5_6_are_read() {
    assert_eq!(
        old_datetime(20_231_011_083_328_u64.to_le_bytes()).unwrap(),
        Value::DateTime {
            year: 2023,
            month: 10,
            day: 11,
            hour: 8,
            minute: 33,
            second: 28,
            micros: 0
        }
    );
    let [a, b, c, _] = (-8_385_959_i32).to_le_bytes();
    assert_eq!(
        old_time([a, b, c]).unwrap(),
        Value::Time { negative: true, hours: 838, minutes: 59, seconds: 59, micros: 0 }
    );
}

#[test]
fn what_no_calendar_has_is_refused() {
    assert!(date([0xff, 0xff, 0xff]).is_err());
    assert!(time(&[0xff; 6]).is_err());
    assert!(datetime(&[0xff; 8]).is_err());
    assert!(datetime(&[0; 5]).is_err());
    assert!(timestamp(&[0, 0, 0, 0, 0xff, 0xff, 0xff]).is_err());
    assert!(packed_datetime(i64::MIN).is_err() && packed_time(i64::MAX).is_err());
}

proptest! {
    #[test]
    fn every_time_reads_back(
        negative: bool, hours in 0_u16..=838, minutes in 0_u8..60, seconds in 0_u8..60,
        fraction in 0_u32..1_000_000, bytes in 0_usize..=3,
    ) {
        let unit = [1_000_000, 10_000, 100, 1][bytes];
        let micros = fraction / unit * unit;
        let whole = i64::from(hours) << 12 | i64::from(minutes) << 6 | i64::from(seconds);
        let nonzero = whole != 0 || micros != 0;
        let sign = if negative { -1 } else { 1 };
        let bytes = stored(sign * whole, sign * i64::from(micros), 0x80_0000, 3, bytes);
        let wanted = Value::Time { negative: negative && nonzero, hours, minutes, seconds, micros };
        prop_assert_eq!(time(&bytes).unwrap(), wanted);
    }

    #[test]
    fn every_datetime_reads_back(
        year in 0_u16..=9999, month in 0_u8..=12, day in 0_u8..=31,
        hour in 0_u8..24, minute in 0_u8..60, second in 0_u8..60,
        fraction in 0_u32..1_000_000, bytes in 0_usize..=3,
    ) {
        let unit = [1_000_000, 10_000, 100, 1][bytes];
        let micros = fraction / unit * unit;
        let date = (i64::from(year) * 13 + i64::from(month)) << 5 | i64::from(day);
        let whole = date << 17 | i64::from(hour) << 12 | i64::from(minute) << 6 | i64::from(second);
        let raw = stored(whole, i64::from(micros), 0x80_0000_0000, 5, bytes);
        let wanted = Value::DateTime { year, month, day, hour, minute, second, micros };
        prop_assert_eq!(datetime(&raw).unwrap(), wanted);
        prop_assert_eq!(packed_datetime(whole << 24 | i64::from(micros)).unwrap(), wanted);
    }
}
