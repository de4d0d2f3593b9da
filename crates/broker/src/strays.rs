//! Clients that are told where to connect and do not come there, because they cannot reach it. Sans-IO.
//!
//! Every Kafka client asks the address it was given where its broker is, and does everything else at the
//! address that the answer names. Where that one is out of its reach (the commonest fault of brokers in
//! containers), the client says little and the broker sees only that it asks again. So it is told by
//! evidence alone: a connection that asks again and again, or that asked for a group's coordinator and then
//! fell silent, while nobody from its address has done anything that is done at the address it was told.

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
    /// When it was first told where to connect, and how often since.
    first_told: Option<Instant>,
    times_told: u32,
    asked_for_coordinator: bool,
    came: bool,
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

/// Told so often, and for so long, a client that is not on its way is lost.
const TIMES_TOLD_MIN: u32 = 3;
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
            ApiKey::Metadata | ApiKey::DescribeCluster => {
                let first = *self.first_told.get_or_insert(now);
                self.times_told = self.times_told.saturating_add(1);
                let is_lost = self.times_told >= TIMES_TOLD_MIN
                    && now.saturating_duration_since(first) >= TOLD_FOR_MIN;
                if is_lost { Sign::Away(first) } else { Sign::None }
            }
            // Asked wherever a client happens to be connected.
            ApiKey::FindCoordinator => {
                self.asked_for_coordinator = true;
                Sign::None
            }
            ApiKey::ApiVersions | ApiKey::SaslHandshake | ApiKey::SaslAuthenticate => Sign::None,
            _ => {
                self.came = true;
                Sign::Came
            }
        }
    }

    /// Nothing has come for a while.
    pub(crate) fn silent(&self) -> Sign {
        match self.first_told {
            Some(first) if self.asked_for_coordinator && !self.came => Sign::Away(first),
            _ => Sign::None,
        }
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

    /// One connection, second by second; answers whether it was told of.
    #[track_caller]
    fn check(strays: &mut Strays, asked: &[(u64, ApiKey)], start: Instant) -> bool {
        let mut trail = Trail::default();
        let mut told = false;
        for (second, api) in asked {
            let now = start + Duration::from_secs(*second);
            told |= strays.note(PEER, trail.answered(*api, now), now);
        }
        told
    }

    const LOST: &[(u64, ApiKey)] = &[
        (0, ApiKey::ApiVersions),
        (0, ApiKey::Metadata),
        (1, ApiKey::Metadata),
        (4, ApiKey::Metadata),
    ];

    #[test]
    fn who_asks_again_and_again_and_does_not_come_is_told_of_once() {
        let (mut strays, start) = (Strays::default(), Instant::now());
        assert!(check(&mut strays, LOST, start));
        assert!(!check(&mut strays, LOST, start + Duration::from_secs(10)));
        assert!(check(&mut strays, LOST, start + Duration::from_secs(100)));
    }

    #[test]
    fn who_asks_once_or_twice_or_in_a_hurry_is_not() {
        let (mut strays, start) = (Strays::default(), Instant::now());
        for asked in [&LOST[..3], &[(0, ApiKey::Metadata); 20]] {
            assert!(!check(&mut strays, asked, start));
        }
    }

    #[test]
    fn where_somebody_came_from_the_same_address_nobody_is() {
        let (mut strays, start) = (Strays::default(), Instant::now());
        let came = [(0, ApiKey::Metadata), (2, ApiKey::Fetch)];
        assert!(!check(&mut strays, &came, start));
        assert!(!check(&mut strays, LOST, start), "the bootstrap connection of the same client");
        let later = start + Duration::from_secs(3600);
        assert!(check(&mut strays, LOST, later), "it came long ago");
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
        for n in 0..2 * CAME_MAX {
            let peer = IpAddr::from([10, 0, (n >> 8) as u8, n as u8]);
            strays.note(peer, Sign::Came, now);
        }
        assert!(strays.came.len() <= CAME_MAX);
    }
}
