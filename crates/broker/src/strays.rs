//! Clients that are told where to connect and do not come there, because they cannot reach it. Sans-IO.
//!
//! Every Kafka client asks the address it was given where its broker is, and does everything else at the
//! address that the answer names. Where that one is out of its reach (the commonest fault of brokers in
//! containers), the client says little and the broker sees only that it asks again. So it is told by
//! evidence alone: a connection that asks for metadata over and over, or for a group's coordinator again or
//! with silence behind it, while nobody from its address has done anything that is done at the address it
//! was told. Whoever asks for metadata now and then (as health checks do, for years) is no evidence.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use kafka::ApiKey;
use tokio::time::Instant;

/// Who has come.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    /// When somebody from an address last began to use the broker.
    came: HashMap<IpAddr, Instant>,
    /// When somebody was last found to stay away.
    told: Option<Instant>,
}

/// What one connection has done so far.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// Where its broker is, without a pause between.
    metadata: Told,
    /// Where its group's coordinator is.
    coordinator: Told,
    came: bool,
}

/// How often it was told something, and since when.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    times: u32,
    span: Option<(Instant, Instant)>,
}

/// What follows from a step of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Nothing new.
    None,
    /// Somebody came to where they were told.
    Came,
    /// It looks as if somebody could not, since then.
    Away(Instant),
}

/// A client that was told so often where its broker is, with no pause between, is not on its way.
const METADATA_MIN: u32 = 8;
const METADATA_PAUSE_MAX: Duration = Duration::from_millis(1500);
/// The same of a coordinator, which nobody asks for who does not need it at once.
const COORDINATOR_MIN: u32 = 3;
/// In either case it must go on for so long.
const TOLD_FOR_MIN: Duration = Duration::from_secs(3);
/// At most one is told of in this time.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Addresses that are remembered; all are forgotten when there are more, which hides a fault for a while
/// and makes up none.
const CAME_MAX: usize = 4096;

impl Trail {
    /// A request was answered.
    pub(crate) fn answered(&mut self, api: ApiKey, now: Instant) -> Sign {
        match api {
            _ if self.came => Sign::None,
            ApiKey::Metadata => {
                if self.metadata.pause(now) > METADATA_PAUSE_MAX {
                    self.metadata = Told::default();
                }
                self.metadata.again(now, METADATA_MIN)
            }
            // Asked wherever a client happens to be connected.
            ApiKey::FindCoordinator => self.coordinator.again(now, COORDINATOR_MIN),
            ApiKey::DescribeCluster
            | ApiKey::ApiVersions
            | ApiKey::SaslHandshake
            | ApiKey::SaslAuthenticate => Sign::None,
            _ => {
                self.came = true;
                Sign::Came
            }
        }
    }

    /// Nothing has come for a while.
    pub(crate) fn silent(&self) -> Sign {
        match self.coordinator.span {
            Some((first, _)) if !self.came => Sign::Away(first),
            _ => Sign::None,
        }
    }
}

impl Told {
    fn again(&mut self, now: Instant, times_min: u32) -> Sign {
        self.times = self.times.saturating_add(1);
        let (first, _) = self.span.unwrap_or((now, now));
        self.span = Some((first, now));
        let is_lost =
            self.times >= times_min && now.saturating_duration_since(first) >= TOLD_FOR_MIN;
        if is_lost { Sign::Away(first) } else { Sign::None }
    }

    /// How long ago it was told last; nothing if it never was.
    fn pause(&self, now: Instant) -> Duration {
        self.span.map_or(Duration::ZERO, |(_, last)| now.saturating_duration_since(last))
    }
}

impl Strays {
    /// Takes note of a sign from an address, and answers whether to tell that its clients do not come.
    pub(crate) fn note(&mut self, peer: IpAddr, sign: Sign, now: Instant) -> bool {
        match sign {
            Sign::None => false,
            Sign::Came => {
                if self.came.len() >= CAME_MAX {
                    self.came.clear();
                }
                self.came.insert(peer, now);
                false
            }
            Sign::Away(since) => {
                let has_come = self.came.get(&peer).is_some_and(|came| *came >= since);
                let is_told =
                    self.told.is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY);
                if has_come || is_told {
                    return false;
                }
                self.told = Some(now);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(172, 18, 0, 5));

    /// One connection, which asks for one thing every so often; answers whether it was told of.
    #[track_caller]
    fn check(strays: &mut Strays, start: Instant, api: ApiKey, times: u32, every_ms: u64) -> bool {
        let mut trail = Trail::default();
        let mut told = false;
        for n in 0..times {
            let now = start + Duration::from_millis(every_ms * u64::from(n));
            told |= strays.note(PEER, trail.answered(api, now), now);
        }
        told
    }

    #[test]
    fn who_asks_over_and_over_and_does_not_come_is_told_of_once() {
        let (mut strays, start) = (Strays::default(), Instant::now());
        assert!(check(&mut strays, start, ApiKey::Metadata, 100, 100));
        let soon = start + Duration::from_secs(20);
        assert!(!check(&mut strays, soon, ApiKey::FindCoordinator, 10, 1000));
        let later = start + Duration::from_secs(100);
        assert!(check(&mut strays, later, ApiKey::FindCoordinator, 10, 1000));
    }

    #[test]
    fn who_asks_now_and_then_or_a_few_times_in_a_hurry_is_not() {
        let (mut strays, start) = (Strays::default(), Instant::now());
        for (api, times, every_ms) in [
            (ApiKey::Metadata, 10_000, 5_000),
            (ApiKey::Metadata, 20, 10),
            (ApiKey::DescribeCluster, 10_000, 100),
            (ApiKey::FindCoordinator, 2, 5_000),
            (ApiKey::ApiVersions, 100, 1_000),
        ] {
            assert!(!check(&mut strays, start, api, times, every_ms), "{api:?}");
        }
    }

    #[test]
    fn where_somebody_came_from_the_same_address_nobody_is() {
        let (mut strays, start) = (Strays::default(), Instant::now());
        let mut trail = Trail::default();
        let came = trail.answered(ApiKey::Fetch, start + Duration::from_secs(1));
        assert_eq!(came, Sign::Came);
        strays.note(PEER, came, start + Duration::from_secs(1));
        assert!(!check(&mut strays, start, ApiKey::Metadata, 100, 100), "its bootstrap connection");
        let later = start + Duration::from_secs(3600);
        assert!(check(&mut strays, later, ApiKey::Metadata, 100, 100), "it came long ago");
    }

    #[test]
    fn who_wants_a_coordinator_and_falls_silent_is() {
        let now = Instant::now();
        let mut trail = Trail::default();
        trail.answered(ApiKey::Metadata, now);
        assert_eq!(trail.silent(), Sign::None, "a client may be told and not need it");
        trail.answered(ApiKey::FindCoordinator, now);
        assert_eq!(trail.silent(), Sign::Away(now));
        trail.answered(ApiKey::JoinGroup, now);
        assert_eq!(trail.silent(), Sign::None);
    }

    #[test]
    fn no_more_addresses_are_remembered_than_the_bound() {
        let (mut strays, now) = (Strays::default(), Instant::now());
        for n in 0..2 * CAME_MAX as u32 {
            let peer = IpAddr::from(n.to_be_bytes());
            strays.note(peer, Sign::Came, now);
        }
        assert!(strays.came.len() <= CAME_MAX);
    }
}
