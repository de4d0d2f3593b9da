//! How many wrong passwords an address may try, sans-IO.
//!
//! Each wrong one is a debt that time pays off. Some are free; who owes more waits, so that a client with
//! the right password behind the same address still comes in, only later. What is counted is a user from
//! an address, so that one program with an old password does not hold up its neighbours, and all users
//! from an address, so that trying many is no way around. Logins that are right cost nothing, however
//! many come at a time.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// What wrong passwords cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessLimits {
    /// So many of a user from an address are free.
    pub free: u32,
    /// A further one may be tried after so long.
    pub interval: Duration,
    /// Who would have to wait for longer is closed without a verdict.
    pub patience: Duration,
}

/// The debts of all.
#[derive(Debug)]
pub(crate) struct Guesses {
    limits: GuessLimits,
    hasher: RandomState,
    /// Users are kept as hashes, so that long ones take no memory.
    of_users: HashMap<(Network, u64), Instant>,
    of_networks: HashMap<Network, Instant>,
}

/// What one customer of a provider has: an IPv4 address, or the 64 bits of IPv6 that are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

/// An address has so many times as much as a user on it.
const USERS_A_NETWORK: u32 = 10;
/// Debts that are remembered, of users and of addresses each.
const DEBTS_MAX: usize = 4096;

impl Guesses {
    pub(crate) fn new(limits: GuessLimits) -> Self {
        Self {
            limits,
            hasher: RandomState::new(),
            of_users: HashMap::new(),
            of_networks: HashMap::new(),
        }
    }

    /// How long a login of this user from there has to wait.
    pub(crate) fn wait(&self, now: Instant, from: Network, user: &str) -> Duration {
        let GuessLimits { free, interval, .. } = self.limits;
        let over = |paid: Option<&Instant>, credit: Duration| {
            paid.map_or(Duration::ZERO, |paid| {
                paid.saturating_duration_since(now).saturating_sub(credit)
            })
        };
        let of_user = over(self.of_users.get(&(from, self.hash(user))), interval * free);
        // The same credit: as many more are free as they are paid off sooner.
        let of_network = over(self.of_networks.get(&from), interval * free);
        of_user.max(of_network)
    }

    /// A login of this user from there was wrong.
    pub(crate) fn wrong(&mut self, now: Instant, from: Network, user: &str) {
        let user = self.hash(user);
        let interval = self.limits.interval;
        owe(&mut self.of_users, (from, user), now, interval);
        owe(&mut self.of_networks, from, now, interval / USERS_A_NETWORK);
    }

    fn hash(&self, user: &str) -> u64 {
        self.hasher.hash_one(user)
    }
}

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = address.to_bits() & !u128::from(u64::MAX);
                Self(Ipv6Addr::from_bits(prefix).into())
            }
            v4 => Self(v4),
        }
    }
}

impl Default for GuessLimits {
    fn default() -> Self {
        Self { free: 10, interval: Duration::from_secs(2), patience: Duration::from_secs(10) }
    }
}

/// Adds to a debt, which is kept as the time when it will be paid off.
fn owe<K: Copy + Eq + Hash>(
    debts: &mut HashMap<K, Instant>,
    debtor: K,
    now: Instant,
    more: Duration,
) {
    if debts.len() >= DEBTS_MAX && !debts.contains_key(&debtor) {
        debts.retain(|_, paid| *paid > now);
        let least = debts.iter().min_by_key(|(_, paid)| **paid).map(|(debtor, _)| *debtor);
        if let Some(least) = least.filter(|_| debts.len() >= DEBTS_MAX) {
            debts.remove(&least);
        }
    }
    let paid = debts.entry(debtor).or_insert(now);
    *paid = (*paid).max(now) + more;
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GuessLimits = GuessLimits {
        free: 3,
        interval: Duration::from_secs(2),
        patience: Duration::from_secs(10),
    };

    fn here() -> Network {
        Network::of("192.0.2.1".parse().unwrap())
    }

    fn there() -> Network {
        Network::of("192.0.2.2".parse().unwrap())
    }

    #[test]
    fn some_are_free_and_the_next_waits_its_turn() {
        let (mut guesses, now) = (Guesses::new(LIMITS), Instant::now());
        for _ in 0..3 {
            assert_eq!(guesses.wait(now, here(), "a"), Duration::ZERO);
            guesses.wrong(now, here(), "a");
        }
        assert_eq!(guesses.wait(now, here(), "a"), Duration::ZERO, "three are free");
        guesses.wrong(now, here(), "a");
        assert_eq!(guesses.wait(now, here(), "a"), LIMITS.interval);
        assert_eq!(guesses.wait(now, there(), "a"), Duration::ZERO, "another address");
        assert_eq!(guesses.wait(now, here(), "b"), Duration::ZERO, "another user");
        assert_eq!(guesses.wait(now + LIMITS.interval, here(), "a"), Duration::ZERO);
    }

    #[test]
    fn many_users_from_one_address_are_counted_together() {
        let (mut guesses, now) = (Guesses::new(LIMITS), Instant::now());
        for n in 0..40 {
            guesses.wrong(now, here(), &format!("user-{n}"));
        }
        assert_eq!(
            guesses.wait(now, here(), "someone"),
            40 * LIMITS.interval / 10 - 3 * LIMITS.interval
        );
        assert_eq!(guesses.wait(now, there(), "someone"), Duration::ZERO);
    }

    #[test]
    fn a_debt_is_paid_off_by_time() {
        let (mut guesses, mut now) = (Guesses::new(LIMITS), Instant::now());
        for _ in 0..1_000 {
            guesses.wrong(now, here(), "a");
            now += LIMITS.interval;
        }
        assert_eq!(guesses.wait(now, here(), "a"), Duration::ZERO);
    }

    #[test]
    fn addresses_of_one_customer_count_as_one() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1:2:3"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), here());
    }

    #[test]
    fn memory_is_bounded_and_the_largest_debts_are_kept() {
        let (mut guesses, now) = (Guesses::new(LIMITS), Instant::now());
        for _ in 0..10 {
            guesses.wrong(now, here(), "a");
        }
        for n in 0..2 * u32::try_from(DEBTS_MAX).unwrap() {
            let address = Network::of(std::net::Ipv4Addr::from_bits(n).into());
            guesses.wrong(now, address, "b");
        }
        assert!(guesses.of_users.len() <= DEBTS_MAX && guesses.of_networks.len() <= DEBTS_MAX);
        assert_eq!(guesses.wait(now, here(), "a"), 7 * LIMITS.interval);
    }
}
