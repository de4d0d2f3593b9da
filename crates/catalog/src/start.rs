//! Where a task starts to read, as people write it and as it is kept.

use change::{Position, UnixTime};

/// Where a task starts to read its source.
///
/// As text: `now`, `start` or `earliest` for the oldest entry the server still has, `@` and a [`moment`],
/// or a position of the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum StartAt {
    /// The source's current end.
    #[default]
    Now,
    /// The oldest entry the source still has.
    Earliest,
    /// The first transaction that was committed at or after this time of the source.
    Time(UnixTime),
    /// A position in the source's own form.
    At(Position),
}

/// A text that is no [`StartAt`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("start {text:?} is not allowed: {rule}")]
pub struct StartAtError {
    /// The text, as far as it is worth showing.
    text: String,
    /// What it breaks.
    pub rule: &'static str,
}

const FORM: &str = "it is now, earliest, @1712905965, @2026-11-21T04:00:00Z, @-1h, or a position of the \
    source's log, like FILE:OFFSET or gtid=SET";
const FUTURE: &str = "it lies in the future";

/// From this number on, what stands behind `@` is milliseconds.
const MILLISECONDS_FROM: i64 = 10_000_000_000;
/// How far a time may lie ahead of our clock and still be a time of the source.
const AHEAD_SECONDS_MAX: i64 = 3600;

impl StartAt {
    /// Parses what people write. How long ago (`@-1h`) is counted from `now`, once.
    ///
    /// # Errors
    /// The text has none of the forms, or names a time that has not come.
    pub fn parse(text: &str, now: UnixTime) -> Result<Self, StartAtError> {
        let refused = |rule| StartAtError { text: text.chars().take(100).collect(), rule };
        match text {
            "now" => Ok(Self::Now),
            "start" | "earliest" => Ok(Self::Earliest),
            "end" | "checkpoint" => Err(refused(FORM)),
            _ => match text.strip_prefix('@') {
                Some(time) => {
                    let time = moment(time, now).ok_or_else(|| refused(FORM))?;
                    if time.seconds() > now.seconds().saturating_add(AHEAD_SECONDS_MAX) {
                        return Err(refused(FUTURE));
                    }
                    Ok(Self::Time(time))
                }
                // The signs of the position grammar of topics are no positions of a source.
                None if text.starts_with(['+', '-', ' ']) => Err(refused(FORM)),
                None => Position::parse(text.as_bytes()).map(Self::At).map_err(|_| refused(FORM)),
            },
        }
    }

    /// Reads back what [`std::fmt::Display`] wrote.
    pub(crate) fn kept(text: &str) -> Result<Self, StartAtError> {
        // Whatever is kept had come when it was parsed, and holds no relative time.
        Self::parse(text, UnixTime::from_micros(i64::MAX))
    }
}

impl std::fmt::Display for StartAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Earliest => f.write_str("earliest"),
            Self::Time(time) => match jiff::Timestamp::from_microsecond(time.micros()) {
                Ok(time) => write!(f, "@{time}"),
                Err(_) => write!(f, "@{}", time.seconds()),
            },
            Self::At(position) => position.fmt(f),
        }
    }
}

/// A moment as people write it behind `@`, the same everywhere: seconds since the epoch (from 10^10 on
/// milliseconds), a time of RFC 3339, or how long ago: `-1h`, `-2d` (a day has 24 hours).
#[must_use]
pub fn moment(text: &str, now: UnixTime) -> Option<UnixTime> {
    if let Some(ago) = text.strip_prefix('-') {
        let span: jiff::Span = ago.parse().ok()?;
        let ago = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
        let micros = i64::try_from(ago.as_micros()).ok().filter(|micros| *micros >= 0)?;
        return now.micros().checked_sub(micros).map(UnixTime::from_micros);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        return Some(if number >= MILLISECONDS_FROM {
            UnixTime::from_millis(number)
        } else {
            UnixTime::from_seconds(number)
        });
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(UnixTime::from_micros(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_240_000);

    #[test]
    fn e12_every_form_of_a_start_is_read_and_kept() {
        let at = |text: &str| StartAt::At(Position::parse(text.as_bytes()).unwrap());
        let time = |seconds| StartAt::Time(UnixTime::from_seconds(seconds));
        for (text, expected, kept) in [
            ("now", StartAt::Now, "now"),
            ("start", StartAt::Earliest, "earliest"),
            ("earliest", StartAt::Earliest, "earliest"),
            ("@1712905965", time(1_712_905_965), "@2024-04-12T07:12:45Z"),
            ("@1712905965000", time(1_712_905_965), "@2024-04-12T07:12:45Z"),
            ("@2026-11-21T04:00:00Z", time(1_795_233_600), "@2026-11-21T04:00:00Z"),
            ("@2026-11-21T05:00:00+01:00", time(1_795_233_600), "@2026-11-21T04:00:00Z"),
            ("@-1h", time(1_795_236_400), "@2026-11-21T04:46:40Z"),
            ("@-2d", time(1_795_067_200), "@2026-11-19T05:46:40Z"),
            ("binlog.000007:4711", at("binlog.000007:4711"), "binlog.000007:4711"),
            ("gtid=0-1-42", at("gtid=0-1-42"), "gtid=0-1-42"),
        ] {
            let start = StartAt::parse(text, NOW).unwrap();
            assert_eq!(start, expected, "{text}");
            assert_eq!(start.to_string(), kept);
            assert_eq!(StartAt::kept(kept).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "end", "checkpoint", "@", "@-", "@--1h", "@yesterday", "+5", "-5", "\u{e9}"]
        {
            let error = StartAt::parse(text, NOW).expect_err(text);
            assert_eq!(error.rule, FORM, "{text}");
        }
        let error = StartAt::parse("@2030-01-01T00:00:00Z", NOW).unwrap_err();
        assert_eq!(error.rule, FUTURE);
    }

    #[test]
    fn microseconds_of_a_time_are_kept() {
        let start = StartAt::parse("@2026-11-21T04:00:00.123456Z", NOW).unwrap();
        assert_eq!(start, StartAt::Time(UnixTime::from_micros(1_795_233_600_123_456)));
        assert_eq!(StartAt::kept(&start.to_string()).unwrap(), start);
    }
}
