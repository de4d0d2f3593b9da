//! Clients that are told where to connect and do not come there, because they cannot reach it. Sans-IO.
//!
//! Every Kafka client asks the address it was given where its broker is, and does everything else at the
//! address that the answer names. Where that one is out of its reach (the commonest fault of brokers in
//! containers), the client says little and the broker sees only that it asks again. So it is told by
//! evidence alone: from one address there is asked for metadata over and over, or for a group's coordinator
//! again or with silence behind it, while nobody from there does anything that is done at the address they
//! were told. Clients ask on one connection, or on a new one each time. Whoever asks for metadata now and
//! then (as health checks do, for years) is no evidence.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use kafka::ApiKey;
use tokio::time::Instant;

/// Who asks, and who comes.
#[derive(Debug, Default)]
pub(crate) struct Strays {
    seen: HashMap<IpAddr, Seen>,
    /// When somebody was last found to stay away.
    told: Option<Instant>,
}

/// The clients of one address.
#[derive(Debug, Default)]
struct Seen {
    /// Open connections that do what is done at the address that they were told.
    present: u32,
    /// When the last of them began to.
    came: Option<Instant>,
    /// Told where their broker is, without a pause between.
    metadata: Told,
    /// Told where their group's coordinator is.
    coordinator: Told,
}

/// How often something was told, and when first and last.
#[derive(Debug, Default, Clone, Copy)]
struct Told {
    times: u32,
    span: Option<(Instant, Instant)>,
}

/// What one connection has done so far.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    came: bool,
    /// When it first asked for a coordinator.
    asked: Option<Instant>,
}

/// What a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Nothing that tells anything.
    None,
    /// Something that is done at the address that was told; the first time on this connection.
    Came,
    /// It asked where its broker is.
    Metadata,
    /// It asked where its group's coordinator is.
    Coordinator,
    /// It asked that then, and has been silent since.
    Silent(Instant),
}

/// Clients that were told so often where their broker is, with no pause between, are not on their way.
const METADATA_MIN: u32 = 8;
/// The same of a coordinator, which nobody asks for who does not need it at once.
const COORDINATOR_MIN: u32 = 3;
/// What is told again after so long is told for another reason.
const PAUSE_MAX: Duration = Duration::from_millis(1500);
/// It must go on for so long.
const TOLD_FOR_MIN: Duration = Duration::from_secs(3);
/// At most one is told of in this time.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Addresses that are remembered. Beyond them a fault may go unnoticed, and none is made up.
const SEEN_MAX: usize = 4096;

impl Trail {
    /// A request was answered.
    pub(crate) fn answered(&mut self, api: ApiKey, now: Instant) -> Sign {
        match api {
            _ if self.came => Sign::None,
            ApiKey::Metadata => Sign::Metadata,
            // Asked wherever a client happens to be connected.
            ApiKey::FindCoordinator => {
                self.asked.get_or_insert(now);
                Sign::Coordinator
            }
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
        self.asked.filter(|_| !self.came).map_or(Sign::None, Sign::Silent)
    }

    /// Whether it did what is done at the address that it was told.
    pub(crate) fn has_come(&self) -> bool {
        self.came
    }
}

impl Strays {
    /// Takes note of what a client does, and answers whether to tell that those of its address do not come.
    pub(crate) fn note(&mut self, peer: IpAddr, sign: Sign, now: Instant) -> bool {
        if sign == Sign::None {
            return false;
        }
        if self.seen.len() >= SEEN_MAX && !self.seen.contains_key(&peer) {
            self.seen.retain(|_, seen| seen.present > 0);
            if self.seen.len() >= SEEN_MAX {
                return false;
            }
        }
        let seen = self.seen.entry(peer).or_default();
        let since = match sign {
            Sign::None => None,
            Sign::Came => {
                seen.present = seen.present.saturating_add(1);
                seen.came = Some(now);
                None
            }
            Sign::Metadata => seen.metadata.again(now, METADATA_MIN),
            Sign::Coordinator => seen.coordinator.again(now, COORDINATOR_MIN),
            Sign::Silent(since) => Some(since),
        };
        let Some(since) = since else { return false };
        let can_come = seen.present > 0 || seen.came.is_some_and(|came| came >= since);
        let is_told =
            self.told.is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY);
        if can_come || is_told {
            return false;
        }
        self.told = Some(now);
        true
    }

    /// A connection has ended that had come.
    pub(crate) fn left(&mut self, peer: IpAddr) {
        if let Some(seen) = self.seen.get_mut(&peer) {
            seen.present = seen.present.saturating_sub(1);
        }
    }
}

impl Told {
    /// Once more; answers since when it goes on, if that is long and often enough.
    fn again(&mut self, now: Instant, times_min: u32) -> Option<Instant> {
        let goes_on = |(_, last): &(Instant, Instant)| now.duration_since(*last) <= PAUSE_MAX;
        let span = self.span.filter(goes_on);
        self.times = if span.is_some() { self.times.saturating_add(1) } else { 1 };
        let (first, _) = span.unwrap_or((now, now));
        self.span = Some((first, now));
        let is_enough = self.times >= times_min && now.duration_since(first) >= TOLD_FOR_MIN;
        is_enough.then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(172, 18, 0, 5));

    /// Clients of one address, one after the other, that ask for one thing every so often; answers whether
    /// they were told of.
    fn check(strays: &mut Strays, start: Instant, api: ApiKey, times: u32, every_ms: u64) -> bool {
        let mut told = false;
        for n in 0..times {
            let now = start + Duration::from_millis(every_ms * u64::from(n));
            told |= strays.note(PEER, Trail::default().answered(api, now), now);
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
            (ApiKey::FindCoordinator, 10_000, 5_000),
            (ApiKey::ApiVersions, 100, 1_000),
        ] {
            let day = start + Duration::from_secs(86_400);
            assert!(!check(&mut strays, day, api, times, every_ms), "{api:?}");
        }
    }

    #[test]
    fn where_somebody_comes_from_the_same_address_nobody_is() {
        let (mut strays, start) = (Strays::default(), Instant::now());
        let mut trail = Trail::default();
        let came = trail.answered(ApiKey::Fetch, start);
        assert_eq!((came, trail.answered(ApiKey::Fetch, start)), (Sign::Came, Sign::None));
        strays.note(PEER, came, start);
        let later = start + Duration::from_secs(3600);
        assert!(!check(&mut strays, later, ApiKey::Metadata, 100, 100), "it is still there");
        strays.left(PEER);
        let later = start + Duration::from_secs(7200);
        assert!(check(&mut strays, later, ApiKey::Metadata, 100, 100), "it came long ago");
    }

    #[test]
    fn who_wants_a_coordinator_and_falls_silent_is() {
        let (mut strays, now) = (Strays::default(), Instant::now());
        let mut trail = Trail::default();
        trail.answered(ApiKey::Metadata, now);
        assert_eq!(trail.silent(), Sign::None, "a client may be told and not need it");
        trail.answered(ApiKey::FindCoordinator, now);
        assert!(strays.note(PEER, trail.silent(), now));
        trail.answered(ApiKey::JoinGroup, now);
        assert_eq!(trail.silent(), Sign::None);
    }

    #[test]
    fn no_more_addresses_are_remembered_than_the_bound() {
        let (mut strays, now) = (Strays::default(), Instant::now());
        let many = 2 * u32::try_from(SEEN_MAX).unwrap();
        for n in 0..many {
            strays.note(IpAddr::from(n.to_be_bytes()), Sign::Metadata, now);
            assert!(strays.seen.len() <= SEEN_MAX);
        }
        for n in 0..many {
            strays.note(IpAddr::from(n.to_be_bytes()), Sign::Came, now);
        }
        assert_eq!(strays.seen.len(), SEEN_MAX, "who is present is not forgotten");
    }
}
