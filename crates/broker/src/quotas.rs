//! How fast consumer groups may fetch, sans-IO.
//!
//! As Kafka's `consumer_byte_rate` (KIP-13), of a group over all its connections: what was sent is a debt
//! that time pays off at the group's rate. Who owes something is told for how long in `throttle_time_ms`,
//! and is not heard on that connection until then (KIP-219). A second's worth may be fetched at once after a
//! pause. Groups without an account share nothing and have no quota.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use change::GroupId;

/// The rates and debts of all groups.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    /// Bytes a second of a group without a rate of its own; `None` for as fast as it can.
    rate_of_all: Option<NonZeroU64>,
    /// Groups with a rate of their own, and those that have fetched under that of all.
    groups: HashMap<GroupId, Quota>,
}

#[derive(Debug, Default)]
struct Quota {
    own_rate: Option<NonZeroU64>,
    /// When everything that was fetched will be paid off.
    paid: Option<Instant>,
}

/// May be fetched at once, in seconds of the rate.
const BURST: Duration = Duration::from_secs(1);
/// Longer throttles no answer: clients give a broker up that is silent for half a minute. What is left of
/// the debt throttles the next one.
const THROTTLE_MAX: Duration = Duration::from_secs(10);
/// Debts that are remembered beside those of groups with a rate of their own.
const DEBTS_MAX: usize = 10_000;

impl Quotas {
    /// With a rate for each group that has none of its own.
    pub(crate) fn new(rate_of_all: Option<NonZeroU64>) -> Self {
        Self { rate_of_all, groups: HashMap::new() }
    }

    /// Gives a group a rate of its own, or that of all.
    pub(crate) fn set(&mut self, group: &GroupId, own_rate: Option<NonZeroU64>) {
        match self.groups.get_mut(group) {
            Some(quota) => quota.own_rate = own_rate,
            None if own_rate.is_some() => {
                self.groups.insert(group.clone(), Quota { own_rate, paid: None });
            }
            None => {}
        }
    }

    /// Forgets a group that was deleted.
    pub(crate) fn forget(&mut self, group: &GroupId) {
        self.groups.remove(group);
    }

    /// How long a group must wait before it may fetch again.
    pub(crate) fn wait(&self, now: Instant, group: &GroupId) -> Duration {
        let Some(quota) = self.groups.get(group) else { return Duration::ZERO };
        if quota.own_rate.or(self.rate_of_all).is_none() {
            return Duration::ZERO;
        }
        let owed = quota.paid.map_or(Duration::ZERO, |paid| paid.saturating_duration_since(now));
        owed.saturating_sub(BURST).min(THROTTLE_MAX)
    }

    /// The bytes that one answer to a group may have at the most; the first batch is whole all the same.
    pub(crate) fn bytes_max(&self, group: &GroupId) -> u64 {
        self.rate(group).map_or(u64::MAX, |rate| rate.get().saturating_mul(BURST.as_secs()))
    }

    /// A group was sent so many bytes; answers how long it must wait now.
    pub(crate) fn took(&mut self, now: Instant, group: &GroupId, bytes: u64) -> Duration {
        let Some(rate) = self.rate(group) else { return Duration::ZERO };
        if self.groups.len() >= DEBTS_MAX {
            let owes = |quota: &Quota| quota.paid.is_some_and(|paid| paid > now);
            self.groups.retain(|_, quota| quota.own_rate.is_some() || owes(quota));
        }
        let quota = self.groups.entry(group.clone()).or_default();
        let paid = quota.paid.map_or(now, |paid| paid.max(now));
        quota.paid = paid.checked_add(time_of(bytes, rate)).or(Some(paid));
        self.wait(now, group)
    }

    fn rate(&self, group: &GroupId) -> Option<NonZeroU64> {
        self.groups.get(group).and_then(|quota| quota.own_rate).or(self.rate_of_all)
    }
}

/// How long so many bytes take at a rate.
fn time_of(bytes: u64, rate: NonZeroU64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn group(name: &str) -> GroupId {
        GroupId::new(name).unwrap()
    }

    fn rate(mib: u64) -> Option<NonZeroU64> {
        NonZeroU64::new(mib * MIB)
    }

    #[test]
    fn a_group_gets_its_rate_and_a_second_of_it_at_once() {
        let mut quotas = Quotas::new(rate(10));
        let (one, other) = (group("one"), group("other"));
        let mut now = Instant::now();
        assert_eq!(quotas.bytes_max(&one), 10 * MIB);
        assert_eq!(
            quotas.took(now, &one, 10 * MIB),
            Duration::ZERO,
            "the first second's worth is free"
        );
        assert_eq!(quotas.took(now, &one, 5 * MIB), Duration::from_millis(500));
        assert_eq!(quotas.wait(now, &other), Duration::ZERO, "others do not pay for it");
        now += Duration::from_millis(200);
        assert_eq!(quotas.wait(now, &one), Duration::from_millis(300));

        let (began, mut sent) = (now, 0);
        while now < began + Duration::from_secs(100) {
            now += quotas.wait(now, &one);
            quotas.took(now, &one, 3 * MIB);
            sent += 3 * MIB;
        }
        assert!((990 * MIB..=1_010 * MIB).contains(&sent), "{} MiB in 100 s", sent / MIB);
    }

    #[test]
    fn an_answer_is_throttled_for_a_time_that_clients_bear_and_the_rest_is_kept() {
        let mut quotas = Quotas::new(None);
        let (one, other) = (group("one"), group("other"));
        quotas.set(&one, rate(1));
        let now = Instant::now();
        assert_eq!(quotas.took(now, &one, 64 * MIB), THROTTLE_MAX);
        assert_eq!(quotas.wait(now + Duration::from_secs(60), &one), Duration::from_secs(3));
        assert_eq!(quotas.took(now, &other, u64::MAX), Duration::ZERO, "it has no quota");
        assert_eq!(quotas.bytes_max(&other), u64::MAX);
    }

    #[test]
    fn a_rate_can_change_and_go() {
        let mut quotas = Quotas::new(None);
        let one = group("one");
        let now = Instant::now();
        quotas.set(&one, rate(1));
        quotas.took(now, &one, 5 * MIB);
        quotas.set(&one, rate(100));
        assert_eq!(quotas.bytes_max(&one), 100 * MIB);
        assert_eq!(quotas.took(now, &one, 100 * MIB), Duration::from_secs(5));
        quotas.set(&one, None);
        assert_eq!(quotas.wait(now, &one), Duration::ZERO);
        quotas.forget(&one);
        assert!(quotas.groups.is_empty());
    }

    #[test]
    fn debts_that_are_paid_are_forgotten() {
        let mut quotas = Quotas::new(rate(1));
        let mut now = Instant::now();
        for number in 0..3 * DEBTS_MAX {
            quotas.took(now, &group(&format!("g{number}")), MIB);
            now += Duration::from_secs(1);
        }
        assert!(quotas.groups.len() <= DEBTS_MAX, "{}", quotas.groups.len());
    }
}
