//! The one place that decides what follows from a source's error.

use std::time::Duration;

use capture::ErrorKind;

/// What a task does after its source stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Try again from what the log durably holds.
    Retry,
    /// Stop and let a person choose.
    Fail,
}

/// Decides by kind alone: whatever could silently lose or misread changes needs a person.
pub(crate) fn decide(kind: ErrorKind) -> Decision {
    match kind {
        ErrorKind::Unreachable
        | ErrorKind::Denied
        | ErrorKind::Misconfigured
        | ErrorKind::Corrupt
        | ErrorKind::SinkClosed => Decision::Retry,
        ErrorKind::PositionLost | ErrorKind::Unsupported => Decision::Fail,
    }
}

/// Pauses between tries: doubling from half a second up to a bound, from the start again once a
/// connection has delivered something.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    max: Duration,
    tries: u32,
}

const FIRST_PAUSE: Duration = Duration::from_millis(500);

impl Backoff {
    pub(crate) fn new(max: Duration) -> Self {
        Self { next: FIRST_PAUSE.min(max), max, tries: 0 }
    }

    /// The pause before the next try.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(self.max);
        self.tries = self.tries.saturating_add(1);
        pause
    }

    /// Tries since the last success.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::new(self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_position_is_never_retried_by_itself() {
        assert_eq!(decide(ErrorKind::PositionLost), Decision::Fail);
        assert_eq!(decide(ErrorKind::Unsupported), Decision::Fail);
        assert_eq!(decide(ErrorKind::Unreachable), Decision::Retry);
    }

    #[test]
    fn pauses_double_up_to_the_bound_and_start_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_secs(2));
        let pauses: Vec<_> = (0..4).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 2000]);
        assert_eq!(backoff.tries(), 4);
        backoff.succeeded();
        assert_eq!((backoff.pause().as_millis(), backoff.tries()), (500, 1));
    }
}
