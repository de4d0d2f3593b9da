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
fn b10_forms_of_mariadb_5_3_are_read() {
    // A row of MariaDB 10.11, its table made with `mysql56_temporal_format=OFF`.
    let time = |negative, micros| {
        Ok(Value::Time { negative, hours: 12, minutes: 34, seconds: 56, micros })
    };
    assert_eq!(hires_time(&[0x01, 0xd3, 0xc9, 0xc7], 1), time(false, 700_000));
    assert_eq!(hires_time(&[0x12, 0x45, 0xe1, 0xce], 2), time(false, 780_000));
    assert_eq!(hires_time(&[0x00, 0xb1, 0x54, 0x78, 0xeb], 3), time(true, 789_000));
    assert_eq!(hires_time(&[0x02, 0xb4, 0xb1, 0xf8, 0x55, 0xec], 6), time(true, 789_012));
    let moment = |micros| {
        let (year, month, day) = (2023, 10, 11);
        Ok(Value::DateTime { year, month, day, hour: 8, minute: 33, second: 28, micros })
    };
    assert_eq!(hires_datetime(&[0x00, 0xa9, 0x5c, 0x7b, 0x18, 0x71], 1), moment(100_000));
    assert_eq!(hires_datetime(&[0x02, 0x95, 0x91, 0x40, 0xd7, 0x7a, 0x52], 4), moment(123_400));
    let six = [0x01, 0x02, 0x6c, 0xbd, 0x54, 0x2b, 0xc8, 0x40];
    assert_eq!(hires_datetime(&six, 6), moment(123_456));
    let instant = |micros| Ok(Value::Timestamp { seconds: 0x6526_5dd8, micros });
    assert_eq!(hires_timestamp(&[0x65, 0x26, 0x5d, 0xd8, 0x01], 1), instant(100_000));
    assert_eq!(hires_timestamp(&[0x65, 0x26, 0x5d, 0xd8, 0x00, 0x7b], 3), instant(123_000));
    assert_eq!(hires_timestamp(&[0x65, 0x26, 0x5d, 0xd8, 0x00, 0x30, 0x39], 5), instant(123_450));
    assert_eq!(hires_timestamp(&[0x65, 0x26, 0x5d, 0xd8, 0x01, 0xe2, 0x40], 6), instant(123_456));
}

#[test]
fn what_no_calendar_has_is_refused() {
    assert!(hires_time(&[0xff; 6], 6).is_err());
    assert!(hires_time(&[0; 6], 6).is_err());
    assert!(hires_time(&[0; 2], 1).is_err());
    assert!(hires_datetime(&[0xff; 8], 6).is_err());
    assert!(hires_timestamp(&[0xff; 5], 1).is_err());
    assert!(hires_timestamp(&[0xff; 3], 1).is_err());
    assert!(hires_timestamp(&[0xff; 7], 7).is_err());
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
