//! Random sequences of requests and of time, with what must always hold checked after each.

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::restart_tests::Shelf;
use super::*;

/// One step; members are named by a small number, so that steps meet.
#[derive(Debug, Clone)]
enum Step {
    Join { slot: usize, instance: Option<u8>, requires_known_id: bool, variant: u8 },
    Sync { slot: usize },
    Heartbeat { slot: usize },
    Commit { slot: usize },
    Leave { slot: usize },
    Abandon { slot: usize },
    Expel,
    Restart,
    Pass { seconds: u64 },
}

/// What a client remembers about itself.
#[derive(Debug, Clone, Default)]
struct Client {
    member_id: String,
    generation: i32,
    waits: Option<Ticket>,
}

const CLIENTS: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let slot = 0..CLIENTS;
    prop_oneof![
        5 => (slot.clone(), proptest::option::weighted(0.3, 0_u8..2), any::<bool>(), 0_u8..3)
            .prop_map(|(slot, instance, requires_known_id, variant)| Step::Join {
                slot,
                instance,
                requires_known_id,
                variant,
            }),
        4 => slot.clone().prop_map(|slot| Step::Sync { slot }),
        2 => slot.clone().prop_map(|slot| Step::Heartbeat { slot }),
        1 => slot.clone().prop_map(|slot| Step::Commit { slot }),
        1 => slot.clone().prop_map(|slot| Step::Leave { slot }),
        1 => slot.prop_map(|slot| Step::Abandon { slot }),
        1 => prop_oneof![3 => Just(Step::Restart), 1 => Just(Step::Expel)],
        3 => (0_u64..20).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

fn limits() -> GroupLimits {
    GroupLimits {
        members: 3,
        initial_rebalance_delay: Duration::from_secs(1),
        ..Default::default()
    }
}

struct World {
    coordinator: Coordinator,
    group: GroupId,
    now: Instant,
    tickets: u64,
    clients: Vec<Client>,
    /// Tickets that are owed an answer, with the client that waits.
    owed: HashMap<Ticket, usize>,
    generation: i32,
    /// What is on disk.
    shelf: Shelf,
    /// Who has assigned the work of a generation, by the ticket that did.
    assigned: HashMap<i32, Bytes>,
}

impl World {
    fn new() -> Self {
        Self {
            coordinator: Coordinator::new(limits()),
            group: GroupId::new("g").unwrap(),
            now: Instant::now(),
            tickets: 0,
            clients: vec![Client::default(); CLIENTS],
            owed: HashMap::new(),
            generation: 0,
            shelf: Shelf::default(),
            assigned: HashMap::new(),
        }
    }

    fn ticket(&mut self, slot: usize) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.owed.insert(ticket, slot);
        self.clients[slot].waits = Some(ticket);
        ticket
    }

    fn run(&mut self, step: &Step) {
        let group = self.group.clone();
        match *step {
            Step::Join { slot, instance, requires_known_id, variant } => {
                if self.clients[slot].waits.is_some() {
                    return;
                }
                let ticket = self.ticket(slot);
                let join = Join {
                    member_id: self.clients[slot].member_id.clone(),
                    fresh_id: MemberId::new(&format!("m{}", ticket.0)),
                    instance_id: instance.map(|i| format!("i{i}")),
                    requires_known_id,
                    can_skip_assignment: variant == 2,
                    client_id: String::new(),
                    client_host: String::new(),
                    session_timeout: Duration::from_secs(10),
                    rebalance_timeout: Duration::from_secs(u64::from(variant) * 15),
                    protocol_type: "consumer".into(),
                    protocols: ["a", "b"]
                        .iter()
                        .skip(usize::from(variant == 1))
                        .map(|name| Protocol { name: (*name).into(), metadata: Bytes::new() })
                        .collect(),
                };
                self.coordinator.join(self.now, &group, ticket, join);
            }
            Step::Sync { slot } => {
                if self.clients[slot].waits.is_some() {
                    return;
                }
                let ticket = self.ticket(slot);
                let work = Bytes::copy_from_slice(&ticket.0.to_be_bytes());
                let assignments =
                    self.clients.iter().map(|c| (c.member_id.clone(), work.clone())).collect();
                let sync = Sync {
                    identity: self.identity(slot),
                    protocol_type: None,
                    protocol: None,
                    assignments,
                };
                self.coordinator.sync(self.now, &group, ticket, sync);
            }
            Step::Heartbeat { slot } => {
                let identity = self.identity(slot);
                let _ = self.coordinator.heartbeat(self.now, &group, &identity);
            }
            Step::Commit { slot } => {
                let identity = self.identity(slot);
                let _ = self.coordinator.check_commit(self.now, &group, &identity);
            }
            Step::Leave { slot } => {
                let member_id = self.clients[slot].member_id.clone();
                let _ = self.coordinator.leave(self.now, &group, &member_id, None);
            }
            Step::Abandon { slot } => {
                if let Some(ticket) = self.clients[slot].waits.take() {
                    self.owed.remove(&ticket);
                    self.coordinator.abandon(self.now, &group, ticket);
                }
            }
            Step::Expel => self.coordinator.expel(&group),
            Step::Restart => {
                self.coordinator = self.shelf.start(self.now, limits());
                self.owed.clear();
                for client in &mut self.clients {
                    client.waits = None;
                }
                self.generation = 0;
            }
            Step::Pass { seconds } => {
                self.now += Duration::from_secs(seconds);
                self.coordinator.tick(self.now);
            }
        }
    }

    fn identity(&self, slot: usize) -> Identity {
        let client = &self.clients[slot];
        Identity {
            generation: client.generation,
            member_id: client.member_id.clone(),
            instance_id: None,
        }
    }

    fn take_replies(&mut self) -> Result<(), TestCaseError> {
        self.shelf.take(&mut self.coordinator);
        for (ticket, reply) in self.coordinator.take_replies() {
            let slot = self.owed.remove(&ticket);
            prop_assert!(slot.is_some(), "{ticket:?} was answered twice or after it was abandoned");
            let client = &mut self.clients[slot.unwrap()];
            client.waits = None;
            match reply {
                Reply::Join(JoinReply { member_id, result: Ok(joined) }) => {
                    client.member_id = member_id;
                    client.generation = joined.generation;
                    prop_assert!(!joined.protocol.is_empty(), "a generation without a protocol");
                }
                Reply::Join(JoinReply { member_id, result: Err(GroupError::MemberIdRequired) }) => {
                    client.member_id = member_id;
                }
                Reply::Beat(_) => prop_assert!(false, "nobody asked so"),
                Reply::Join(_) | Reply::Sync(Err(GroupError::UnknownMember)) => {
                    client.member_id.clear();
                }
                Reply::Sync(Ok(synced)) if !synced.assignment.is_empty() => {
                    let work =
                        self.assigned.entry(client.generation).or_insert(synced.assignment.clone());
                    prop_assert_eq!(work, &synced.assignment, "a generation was assigned twice");
                }
                Reply::Sync(_) => {}
            }
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let Some(group) = self.coordinator.groups.get(&self.group) else { return Ok(()) };
        prop_assert!(group.generation >= self.generation, "the generation went back");
        self.generation = group.generation;
        prop_assert!(group.members.len() + group.promised.len() <= 3);
        prop_assert_eq!(group.leader.is_some(), !group.members.is_empty());
        if let Some(leader) = &group.leader {
            prop_assert!(group.members.contains_key(leader), "the leader is no member");
        }
        let named: BTreeSet<_> = group
            .members
            .iter()
            .filter_map(|(id, m)| m.instance_id.clone().map(|instance| (instance, id.clone())))
            .collect();
        let statics: BTreeSet<_> =
            group.statics.iter().map(|(i, m)| (i.clone(), m.clone())).collect();
        prop_assert_eq!(named, statics);
        prop_assert_eq!(group.rebalance.is_some(), group.state == GroupState::PreparingRebalance);
        prop_assert_eq!(group.state == GroupState::Empty, group.members.is_empty());
        for member in group.members.values() {
            prop_assert!(member.joining.is_none() || member.syncing.is_none());
            if member.joining.is_some() {
                prop_assert_eq!(group.state, GroupState::PreparingRebalance);
            }
            if member.syncing.is_some() {
                prop_assert_eq!(group.state, GroupState::CompletingRebalance);
            }
        }
        if let Some(deadline) = group.next_deadline() {
            prop_assert!(self.coordinator.wake_at.is_some_and(|at| at <= deadline));
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_group_sound_and_answers_everyone(
        steps in proptest::collection::vec(step(), 1..120)
    ) {
        let mut world = World::new();
        for step in &steps {
            world.run(step);
            world.take_replies()?;
            world.check()?;
        }
        // Whoever still waits is answered once enough time has passed.
        for _ in 0..200 {
            world.run(&Step::Pass { seconds: 5 });
            world.take_replies()?;
            world.check()?;
        }
        prop_assert!(world.owed.is_empty(), "never answered: {:?}", world.owed);
    }
}
