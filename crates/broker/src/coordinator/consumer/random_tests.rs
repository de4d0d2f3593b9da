//! Random sequences of heartbeats, restarts and time, with what must always hold checked after each.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{Bench, SECOND, beat, entering, topic};
use super::*;

/// One step; members are named by a small number, so that steps meet.
#[derive(Debug, Clone)]
enum Step {
    Enter { slot: usize, topics: Vec<&'static str>, instance: bool },
    Beat { slot: usize, says_what_it_owns: bool, hears: bool },
    Leave { slot: usize, for_a_while: bool },
    Expel,
    Restart,
    Pass { seconds: u64 },
}

/// What a client believes.
#[derive(Debug, Clone, Default)]
struct Client {
    epoch: i32,
    instance: bool,
    owned: Partitions,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn step() -> impl Strategy<Value = Step> {
    let slot = 0..NAMES.len();
    let topics = proptest::sample::subsequence(vec!["t", "u"], 1..=2);
    prop_oneof![
        3 => (slot.clone(), topics, proptest::bool::weighted(0.3))
            .prop_map(|(slot, topics, instance)| Step::Enter { slot, topics, instance }),
        12 => (slot.clone(), proptest::bool::weighted(0.8), proptest::bool::weighted(0.9))
            .prop_map(|(slot, says_what_it_owns, hears)| Step::Beat {
                slot,
                says_what_it_owns,
                hears,
            }),
        1 => (slot, any::<bool>())
            .prop_map(|(slot, for_a_while)| Step::Leave { slot, for_a_while }),
        1 => prop_oneof![4 => Just(Step::Restart), 1 => Just(Step::Expel)],
        2 => (0_u64..20).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// A bench, and the clients that believe in it.
struct World {
    bench: Bench,
    clients: [Client; NAMES.len()],
}

impl World {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Enter { slot, topics, instance } => {
                self.clients[*slot] = Client { instance: *instance, ..Client::default() };
                self.hear(*slot, entering(NAMES[*slot], topics), true);
            }
            Step::Beat { slot, says_what_it_owns, hears } => {
                let client = &self.clients[*slot];
                if client.epoch <= 0 {
                    return;
                }
                let owned = says_what_it_owns.then(|| client.owned.clone());
                self.hear(*slot, Beat { owned, ..beat(NAMES[*slot], client.epoch) }, *hears);
            }
            Step::Leave { slot, for_a_while } => {
                let away = *for_a_while && self.clients[*slot].instance;
                let epoch = if away { AWAY } else { LEAVING };
                self.hear(*slot, beat(NAMES[*slot], epoch), true);
                self.clients[*slot] =
                    Client { instance: self.clients[*slot].instance, ..Client::default() };
            }
            Step::Expel => {
                let group = self.bench.group.clone();
                self.bench.coordinator.expel(&group);
                self.bench.pass(Duration::ZERO);
            }
            Step::Restart => self.bench.restart(),
            Step::Pass { seconds } => self.bench.pass(u32::try_from(*seconds).unwrap() * SECOND),
        }
    }

    /// A heartbeat, of which the client may miss the answer.
    fn hear(&mut self, slot: usize, beat: Beat, hears: bool) {
        let client = &mut self.clients[slot];
        let instance_id = client.instance.then(|| "pod".to_owned());
        let answer = self.bench.beat(Beat { instance_id, ..beat });
        match answer {
            Ok(standing) if hears => {
                client.epoch = standing.epoch;
                if let Some(assignment) = standing.assignment {
                    client.owned = assignment;
                }
            }
            Ok(_) => {}
            Err(_) => *client = Client { instance: client.instance, ..Client::default() },
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let Some(group) = self.bench.coordinator.consumers.get(&self.bench.group) else {
            return Ok(());
        };
        let mut holders: BTreeMap<Held, &MemberId> = BTreeMap::new();
        for (id, member) in &group.members {
            for held in member.assigned.iter().chain(&member.revoking) {
                let other = holders.insert(*held, id);
                prop_assert!(other.is_none(), "{held:?} is held by {other:?} and {id}");
            }
            prop_assert_eq!(member.revoke_by.is_some(), !member.revoking.is_empty());
            prop_assert!(member.epoch <= group.epoch);
            let instance = member.instance_id.as_ref();
            prop_assert!(instance.is_none_or(|name| group.statics.get(name) == Some(id)));
        }
        let named = group.members.values().filter(|member| member.instance_id.is_some());
        prop_assert_eq!(named.count(), group.statics.len());
        let wanted = group
            .topics
            .values()
            .filter(|topic| group.members.values().any(|member| member.subscription.wants(topic)));
        let wanted: i32 = wanted.map(|topic| topic.partitions).sum();
        let given: usize = group.members.values().map(|member| member.target.len()).sum();
        prop_assert_eq!(usize::try_from(wanted).unwrap(), given, "every partition has one target");
        Ok(())
    }

    /// Whoever is there goes on with heartbeats; then all hold what they shall.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.bench.pass(100 * SECOND);
        for slot in 0..NAMES.len() {
            self.clients[slot] = Client::default();
            self.take(&Step::Enter { slot, topics: vec!["t", "u"], instance: false });
        }
        for _ in 0..4 {
            for slot in 0..NAMES.len() {
                self.take(&Step::Beat { slot, says_what_it_owns: true, hears: true });
            }
        }
        let view = self.bench.coordinator.describe(&self.bench.group).unwrap();
        prop_assert_eq!(view.state, crate::GroupState::Stable);
        let sizes: Vec<usize> = self.clients.iter().map(|client| client.owned.len()).collect();
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        prop_assert_eq!(sizes.iter().sum::<usize>(), 6);
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_partition_is_ever_held_twice_and_the_group_comes_to_rest(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let bench = Bench::new(vec![topic("t", 1, 4), topic("u", 2, 2)]);
        let mut world = World { bench, clients: Default::default() };
        for step in &steps {
            world.take(step);
            world.check()?;
        }
        world.settle()?;
    }
}
