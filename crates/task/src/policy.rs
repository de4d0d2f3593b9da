//! The one place that decides what follows from a source's error.
//!
//! By kind alone, save for one thing: an error at a single event is the same each time it is read, so it
//! is tried a few times and not for days.

use std::time::{Duration, Instant};

use capture::{ErrorKind, SourceError};

/// What a task does after its source stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Try again from what the log durably holds.
    Retry {
        /// After this pause.
        pause: Duration,
        /// How many tries there were since the source last worked.
        tries: u32,
        /// How long it is tried again at most.
        left: Duration,
    },
    /// Stop and let a person choose.
    Fail,
}

/// How often an event that cannot be used is read before the task fails: with the usual pauses, for two
/// minutes.
const EVENT_TRIES: u32 = 8;

/// What is remembered of the tries since the source last worked.
#[derive(Debug)]
pub(crate) struct Tries {
    backoff: Backoff,
    retry_for: Duration,
    failing_since: Option<Instant>,
    /// Place of the event at which the last tries failed, and how many did.
    at_event: Option<(String, u32)>,
}

impl Tries {
    pub(crate) fn new(retry_for: Duration, interval_max: Duration) -> Self {
        let backoff = Backoff::new(interval_max);
        Self { backoff, retry_for, failing_since: None, at_event: None }
    }

    /// The source failed. `worked` tells whether it had brought something before.
    pub(crate) fn failed(&mut self, error: &SourceError, worked: bool, now: Instant) -> Decision {
        if worked {
            self.backoff.succeeded();
            self.failing_since = None;
        }
        let failing_for = now.saturating_duration_since(*self.failing_since.get_or_insert(now));
        let tries_at_event = self.count_event(error);
        let retries = match error.kind {
            ErrorKind::Unreachable
            | ErrorKind::Denied
            | ErrorKind::Misconfigured
            | ErrorKind::SinkClosed => true,
            ErrorKind::Corrupt => tries_at_event < EVENT_TRIES,
            // What is not supported will not be at the next try either, unless it was misread.
            ErrorKind::Unsupported => (1..EVENT_TRIES).contains(&tries_at_event),
            // Whatever could silently lose changes needs a person.
            ErrorKind::PositionLost => false,
        };
        if !retries || failing_for >= self.retry_for {
            return Decision::Fail;
        }
        let pause = self.backoff.pause();
        let left = self.retry_for.saturating_sub(failing_for);
        Decision::Retry { pause, tries: self.backoff.tries, left }
    }

    /// How many tries in a row failed at this error's event; 0 if it has none.
    fn count_event(&mut self, error: &SourceError) -> u32 {
        let Some(event) = &error.event else {
            // A connection that broke in between says nothing about the event.
            return 0;
        };
        match &mut self.at_event {
            Some((place, tries)) if *place == event.place => {
                *tries = tries.saturating_add(1);
                *tries
            }
            other => {
                *other = Some((event.place.clone(), 1));
                1
            }
        }
    }
}

/// Pauses between tries: doubling from half a second up to a bound, from the start again once a
/// connection has delivered something.
#[derive(Debug)]
struct Backoff {
    next: Duration,
    max: Duration,
    tries: u32,
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);

impl Backoff {
    fn new(max: Duration) -> Self {
        Self { next: FIRST_PAUSE.min(max), max, tries: 0 }
    }

    /// The pause before the next try.
    fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        self.tries = self.tries.saturating_add(1);
        pause
    }

    fn succeeded(&mut self) {
        *self = Self::new(self.max);
    }
}

#[cfg(test)]
mod tests {
    use capture::BadEvent;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn tries() -> Tries {
        Tries::new(7 * DAY, Duration::from_secs(2))
    }

    fn error(kind: ErrorKind, place: Option<&str>) -> SourceError {
        let error = SourceError::new(kind, "scripted", "as scripted");
        let Some(place) = place else { return error };
        let (place, kind, bytes) = (place.into(), "QUERY_EVENT".into(), vec![]);
        error.at_event(BadEvent { place, kind, size: 0, bytes })
    }

    fn fails(tries: &mut Tries, error: &SourceError) -> bool {
        tries.failed(error, false, Instant::now()) == Decision::Fail
    }

    #[test]
    fn a_lost_position_is_never_retried_by_itself() {
        assert!(fails(&mut tries(), &error(ErrorKind::PositionLost, None)));
        assert!(fails(&mut tries(), &error(ErrorKind::Unsupported, None)));
        assert!(!fails(&mut tries(), &error(ErrorKind::Unreachable, None)));
    }

    #[test]
    fn an_event_that_stays_bad_is_tried_a_few_times_whatever_lies_before_it() {
        for kind in [ErrorKind::Corrupt, ErrorKind::Unsupported] {
            let mut tries = tries();
            let bad = error(kind, Some("bin.000001:4"));
            for _ in 1..EVENT_TRIES {
                assert_ne!(tries.failed(&bad, true, Instant::now()), Decision::Fail);
                assert!(!fails(&mut tries, &error(ErrorKind::Unreachable, None)));
            }
            assert!(fails(&mut tries, &bad), "{kind:?}");
        }
    }

    #[test]
    fn an_event_that_was_read_in_the_end_is_forgotten() {
        let mut tries = tries();
        for place in 0..20 * EVENT_TRIES {
            let place = format!("bin.000001:{place}");
            assert!(!fails(&mut tries, &error(ErrorKind::Corrupt, Some(&place))));
        }
    }

    #[test]
    fn broken_bytes_of_no_event_are_tried_for_as_long_as_anything() {
        let mut tries = tries();
        let broken = error(ErrorKind::Corrupt, None);
        let start = Instant::now();
        for hour in 0..24 * 7 {
            let now = start + Duration::from_secs(3600 * hour);
            assert_ne!(tries.failed(&broken, false, now), Decision::Fail);
        }
        assert_eq!(tries.failed(&broken, false, start + 7 * DAY), Decision::Fail);
    }

    #[test]
    fn pauses_double_up_to_the_bound_and_start_again_after_success() {
        let mut tries = tries();
        let gone = error(ErrorKind::Unreachable, None);
        let mut pause = |worked| match tries.failed(&gone, worked, Instant::now()) {
            Decision::Retry { pause, tries, .. } => (pause.as_millis(), tries),
            Decision::Fail => panic!("failed"),
        };
        let pauses = [false; 4].map(&mut pause);
        assert_eq!(pauses, [(500, 1), (1000, 2), (2000, 3), (2000, 4)]);
        assert_eq!(pause(true), (500, 1));
    }
}
