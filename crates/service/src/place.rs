//! The grammar of places in a topic, the same everywhere: `start end now +N -N OFFSET @time`.
//!
//! After `@` stands a number of seconds (from 10^10 on of milliseconds), a time of RFC 3339, or how long
//! ago: `@-1h`.

use change::UnixTime;
use task::records::Place;

use crate::problem::{Code, Problem};

/// Parses a place, as of `now`.
///
/// # Errors
/// The text is none.
pub(crate) fn parse(text: &str, now: UnixTime) -> Result<Place, Problem> {
    place(text, now).ok_or_else(|| {
        let shown: String = text.chars().take(100).collect();
        let detail = format!(
            "{shown:?} is no place in a topic; it is start, end, now, +N, -N, an offset, @1712905965, @2026-11-21T04:00:00Z or @-1h"
        );
        Problem::new(Code::InvalidValue, detail)
    })
}

fn place(text: &str, now: UnixTime) -> Option<Place> {
    if let Some(time) = text.strip_prefix('@') {
        return catalog::moment(time, now).map(|time| Place::Time(time.millis()));
    }
    match (text, text.strip_prefix('+'), text.strip_prefix('-')) {
        ("start", ..) => Some(Place::Start),
        ("end" | "now", ..) => Some(Place::End),
        (_, Some(records), _) => number(records).map(Place::BehindStart),
        (_, _, Some(records)) => number(records).map(Place::BeforeEnd),
        _ => number(text).map(Place::At),
    }
}

/// Digits alone.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_grammar_is_read() {
        let now = UnixTime::from_seconds(1_795_000_000);
        for (text, expected) in [
            ("start", Place::Start),
            ("end", Place::End),
            ("now", Place::End),
            ("+3", Place::BehindStart(3)),
            ("-20", Place::BeforeEnd(20)),
            ("4711", Place::At(4711)),
            ("@1712905965", Place::Time(1_712_905_965_000)),
            ("@1712905965123", Place::Time(1_712_905_965_123)),
            ("@2026-11-21T04:00:00Z", Place::Time(1_795_233_600_000)),
            ("@-1h", Place::Time(1_794_996_400_000)),
            ("@-2d", Place::Time(1_794_827_200_000)),
        ] {
            assert_eq!(parse(text, now).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let now = UnixTime::from_seconds(0);
        for text in ["", "checkpoint", "+", "-", "--1", "+-1", "1.5", "@", "@-", "@yesterday", "０"]
        {
            let problem = parse(text, now).expect_err(text);
            assert_eq!(problem.code, Code::InvalidValue);
        }
        assert!(parse("99999999999999999999", now).is_err());
    }
}
