//! Who holds how many connections: all together, those from one address, and those of one group.
//!
//! A client that has not said yet who it is may be anyone who found the port. Those from one address take
//! at most half of all places, so that half-open connections shut nobody out who comes from elsewhere.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use change::GroupId;

use crate::guesses::Network;
use crate::principal::Principal;

/// How many connections there may be at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// In all, over all listeners.
    pub(crate) all: usize,
    /// From one address (IPv6: from one network of 64 bits).
    pub(crate) per_address: usize,
    /// Of one consumer group.
    pub(crate) per_group: usize,
}

/// The places for connections.
#[derive(Debug)]
pub(crate) struct Places {
    limits: ConnectionLimits,
    held: Mutex<Held>,
}

/// Empty entries do not stay.
#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_address: HashMap<Network, usize>,
    strangers: HashMap<Network, usize>,
    by_group: HashMap<GroupId, usize>,
}

/// The place of one connection, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    network: Network,
    is_stranger: bool,
    group: Option<GroupId>,
}

/// Which limit is reached. The number is the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("there are {0} connections, as many as kafka.limits.connections allows")]
    All(usize),
    #[error(
        "its address has {0} connections, as many as kafka.limits.connections_per_address allows"
    )]
    Address(usize),
    #[error("its address has {0} connections that have not logged in, half of all there may be")]
    Strangers(usize),
    #[error("its group has {0} connections, as many as kafka.limits.connections_per_group allows")]
    Group(usize),
}

impl Places {
    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    /// A place for a connection from there, if there is one.
    pub(crate) fn take(
        self: &Arc<Self>,
        address: IpAddr,
        is_stranger: bool,
    ) -> Result<Place, Full> {
        let network = Network::of(address);
        let ConnectionLimits { all, per_address, .. } = self.limits;
        let strangers = all.div_ceil(2);
        let mut held = self.lock();
        if held.all >= all {
            return Err(Full::All(all));
        }
        if count(&held.by_address, &network) >= per_address {
            return Err(Full::Address(per_address));
        }
        if is_stranger && count(&held.strangers, &network) >= strangers {
            return Err(Full::Strangers(strangers));
        }
        held.all += 1;
        enter(&mut held.by_address, network);
        if is_stranger {
            enter(&mut held.strangers, network);
        }
        Ok(Place { places: Arc::clone(self), network, is_stranger, group: None })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whose connection it is has been found out.
    pub(crate) fn belongs_to(&mut self, principal: &Principal) -> Result<(), Full> {
        let group = match principal {
            Principal::Anyone => None,
            Principal::Account { group, .. } => Some(group),
        };
        if group == self.group.as_ref() && !self.is_stranger {
            return Ok(());
        }
        let limit = self.places.limits.per_group;
        let mut held = self.places.lock();
        if group.is_some_and(|group| count(&held.by_group, group) >= limit) {
            return Err(Full::Group(limit));
        }
        if let Some(group) = group {
            enter(&mut held.by_group, group.clone());
        }
        if let Some(before) = self.group.take() {
            leave(&mut held.by_group, before);
        }
        if self.is_stranger {
            leave(&mut held.strangers, self.network);
        }
        drop(held);
        self.is_stranger = false;
        self.group = group.cloned();
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.lock();
        held.all = held.all.saturating_sub(1);
        leave(&mut held.by_address, self.network);
        if self.is_stranger {
            leave(&mut held.strangers, self.network);
        }
        if let Some(group) = self.group.take() {
            leave(&mut held.by_group, group);
        }
    }
}

impl Full {
    /// What counters call it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::All(_) => "all",
            Self::Address(_) => "address",
            Self::Strangers(_) => "strangers",
            Self::Group(_) => "group",
        }
    }
}

fn count<K: Eq + Hash>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or_default()
}

fn enter<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    *counts.entry(key).or_default() += 1;
}

fn leave<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut count) = counts.entry(key) {
        match count.get().checked_sub(1) {
            None | Some(0) => drop(count.remove()),
            Some(less) => drop(count.insert(less)),
        }
    }
}

#[cfg(test)]
mod tests {
    use change::TaskName;

    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn account(name: &str) -> Principal {
        let group = GroupId::new(name).unwrap();
        Principal::Account { group, task: TaskName::new("shop").unwrap() }
    }

    fn places(all: usize, per_address: usize, per_group: usize) -> Arc<Places> {
        Places::new(ConnectionLimits { all, per_address, per_group })
    }

    #[test]
    fn there_are_so_many_places_and_they_come_free() {
        let places = places(2, 2, 2);
        let first = places.take(address(1), false).unwrap();
        let _second = places.take(address(2), false).unwrap();
        assert_eq!(places.take(address(3), false).unwrap_err(), Full::All(2));
        drop(first);
        places.take(address(3), false).unwrap();
    }

    #[test]
    fn an_address_has_its_own_number_of_them() {
        let places = places(9, 2, 9);
        let _held = [(); 2].map(|()| places.take(address(1), false).unwrap());
        assert_eq!(places.take(address(1), false).unwrap_err(), Full::Address(2));
        places.take(address(2), false).unwrap();
    }

    #[test]
    fn strangers_of_one_address_leave_half_to_others() {
        let places = places(4, 4, 4);
        let mut strangers = [(); 2].map(|()| places.take(address(1), true).unwrap());
        assert_eq!(places.take(address(1), true).unwrap_err(), Full::Strangers(2));
        let _other = places.take(address(2), true).unwrap();
        strangers[0].belongs_to(&account("dtsa")).unwrap();
        places.take(address(1), true).unwrap();
    }

    #[test]
    fn a_group_has_its_own_number_of_them() {
        let places = places(9, 9, 1);
        let mut one = places.take(address(1), true).unwrap();
        one.belongs_to(&account("dtsa")).unwrap();
        one.belongs_to(&account("dtsa")).expect("a renewal takes no further place");
        let mut two = places.take(address(1), true).unwrap();
        assert_eq!(two.belongs_to(&account("dtsa")).unwrap_err(), Full::Group(1));
        two.belongs_to(&account("dtsb")).unwrap();
        drop(one);
        two.belongs_to(&account("dtsa")).unwrap();
        places.take(address(1), true).unwrap().belongs_to(&account("dtsb")).unwrap();
    }

    #[test]
    fn nothing_is_remembered_of_those_who_went() {
        let places = places(9, 9, 9);
        let mut one = places.take(address(1), true).unwrap();
        drop(places.take(address(2), true).unwrap());
        one.belongs_to(&account("dtsa")).unwrap();
        drop(one);
        let held = places.lock();
        assert_eq!(held.all, 0);
        assert!(
            held.by_address.is_empty() && held.strangers.is_empty() && held.by_group.is_empty()
        );
    }
}
