//! MariaDB's UUID, INET4 and INET6 as text, from the bytes that are stored.

use std::fmt::Write as _;

/// The time parts are kept last so that values sort by time, except in the versions that sort by
/// themselves (`rec_need_swap` of `sql/sql_type_uuid.h`).
pub(super) fn uuid<'v>(stored: &[u8; 16], text: &'v mut String) -> &'v str {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *stored;
    let swapped = g & 0x80 != 0 && (1..=0x80).contains(&i);
    let ordered = if swapped { [m, n, o, p, k, l, i, j, g, h, a, b, c, d, e, f] } else { *stored };
    text.clear();
    for (index, byte) in ordered.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Four numbers between points.
pub(super) fn inet4([a, b, c, d]: [u8; 4], text: &mut String) -> &str {
    text.clear();
    let _ = write!(text, "{a}.{b}.{c}.{d}");
    text
}

/// MariaDB's own text (`Inet6::to_string` of `sql/sql_type_inet.cc`): the longest run of zeros is left
/// out, be it one word; what follows six words of zeros, or five and 0xFFFF, is shown as IPv4.
pub(super) fn inet6(address: [u8; 16], text: &mut String) -> &str {
    let words = u128::from_be_bytes(address);
    let word = |index: usize| (words >> (112 - 16 * index)) & 0xffff;
    let (mut gap, mut gap_length) = (8, 0);
    for start in 0..8 {
        let length = (start..8).take_while(|index| word(*index) == 0).count();
        if length > gap_length {
            (gap, gap_length) = (start, length);
        }
    }
    text.clear();
    let mut index = 0;
    while index < 8 {
        if index == gap {
            text.push_str(if index == 0 { "::" } else { ":" });
            index += gap_length;
        } else if index == 6
            && gap == 0
            && (gap_length == 6 || (gap_length == 5 && word(5) == 0xffff))
        {
            let [.., a, b, c, d] = address;
            let _ = write!(text, "{a}.{b}.{c}.{d}");
            return text;
        } else {
            let _ = write!(text, "{:x}", word(index));
            index += 1;
            if index < 8 {
                text.push(':');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b20_addresses_are_cut_short_as_the_server_does() {
        // What MariaDB 10.11 answers.
        for wanted in [
            "::",
            "::1",
            "1::",
            "fe80::",
            "::0.1.0.2",
            "::1.2.3.4",
            "::ffff:1.2.3.4",
            "::ffff:0.0.0.0",
            "::2:0:3",
            "1:0:0:2::3",
            "::1:0:1:0:1:0:1",
            "1::2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8",
            "64:ff9b::102:304",
            "2001:db8::ff00:42:8329",
        ] {
            let address: std::net::Ipv6Addr = wanted.parse().unwrap();
            assert_eq!(inet6(address.octets(), &mut String::new()), wanted);
        }
        assert_eq!(inet4([192, 168, 1, 0], &mut String::new()), "192.168.1.0");
    }
}
