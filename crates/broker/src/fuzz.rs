//! The fuzz entry of the server's outermost bytes, without sockets or files.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::ScramVerifier;
use change::{GroupId, TaskName};
use kafka::messages::{FetchPartition, FetchRequest, FetchTopic, FetchedPartition, FetchedTopic};
use kafka::{Offset, Request};
use uuid::Uuid;

use crate::api::fetch::session::{FetchSessions, Opened, Place};
use crate::api::{join_group, sync_group};
use crate::coordinator::{Coordinator, GroupLimits, Identity, Ticket};
use crate::principal::Principal;
use crate::sasl::{Found, Mechanism, Question};
use crate::session::{Session, Step, Terms};
use crate::settings::Access;

/// Takes `bytes` as what one client sends: length-prefixed frames, the first byte choosing the kind of
/// listener and whether its password is right. Group requests go on to a coordinator, fetch requests to
/// the sessions of readers, with a second passing between them. Must never panic.
pub fn fuzz_session(bytes: &[u8]) {
    let Some((choice, mut rest)) = bytes.split_first() else { return };
    let access = if choice & 1 == 0 { Access::Anonymous } else { Access::Accounts };
    let account = (choice & 2 == 0).then(account).flatten();
    let terms = Terms { mechanisms: Mechanism::ALL.to_vec(), lifetime: Some(LOGIN_LIFETIME) };
    let mut session = Session::new(access, None, Arc::new(terms));
    let mut desk = Desk::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else { return };
        if length > session.frame_bytes_max() {
            return;
        }
        let Some((frame, tail)) = tail.split_at_checked(length) else { return };
        rest = tail;
        let Ok(step) = session.receive(desk.now, frame) else { return };
        match step {
            Step::Answer(greeting) if greeting.close.is_some() => return,
            Step::Answer(_) => {}
            Step::Ask(question) => {
                let Ok(step) = session.found(found(&question, account.clone())) else { return };
                let greeting = match step {
                    Step::Admit(_) => session.admit(desk.now, Ok(())),
                    Step::Answer(greeting) => Ok(greeting),
                    Step::Ask(_) | Step::Serve { .. } => return,
                };
                if !greeting.is_ok_and(|greeting| greeting.close.is_none()) {
                    return;
                }
            }
            Step::Admit(_) => return,
            Step::Serve { header, request, .. } => desk.hand_in(header.version, &request),
        }
    }
}

/// What a catalog answers in which `account` alone has the user and the password of a question. No proof
/// of SCRAM fits.
fn found(question: &Question, account: Option<Principal>) -> Found {
    match question {
        Question::Password(_) => Found::Password(account),
        Question::Verifier { .. } => Found::Verifier {
            verifier: ScramVerifier {
                salt: vec![1; 24],
                iterations: NonZeroU32::MIN,
                stored_key: vec![2; 32],
                server_key: vec![3; 32],
            },
            principal: account,
            nonce: "nonce".into(),
        },
        Question::Guess { .. } => Found::Turn,
    }
}

/// Frames come a second apart where they reach the coordinator, so that some logins end.
const LOGIN_LIFETIME: Duration = Duration::from_secs(3);

fn account() -> Option<Principal> {
    let group = GroupId::new("dtsaaaaaaaaaaaaaaa").ok()?;
    Some(Principal::Account { group, task: TaskName::new("shop").ok()? })
}

/// A coordinator and the sessions of readers, with a clock of their own.
struct Desk {
    coordinator: Coordinator,
    readers: FetchSessions,
    now: Instant,
    tickets: u64,
}

impl Desk {
    fn new() -> Self {
        let coordinator = Coordinator::new(GroupLimits::default());
        let readers = FetchSessions::default();
        Self { coordinator, readers, now: Instant::now(), tickets: 0 }
    }

    fn hand_in(&mut self, version: kafka::ApiVersion, request: &Request<'_>) {
        self.now += Duration::from_secs(1);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        match request {
            Request::JoinGroup(request) => {
                let Ok(group) = GroupId::new(request.group_id) else { return };
                let fresh = Uuid::from_u128(u128::from(self.tickets));
                let join = join_group::to_join(request, version, "c", "/".into(), fresh);
                self.coordinator.join(self.now, &group, ticket, join);
            }
            Request::SyncGroup(request) => {
                let Ok(group) = GroupId::new(request.group_id) else { return };
                let sync = sync_group::to_sync(request);
                self.coordinator.sync(self.now, &group, ticket, sync);
            }
            Request::Heartbeat(request) => {
                let Ok(group) = GroupId::new(request.group_id) else { return };
                let instance_id = request.group_instance_id;
                let identity = Identity::new(request.generation_id, request.member_id, instance_id);
                let _ = self.coordinator.heartbeat(self.now, &group, &identity);
            }
            Request::LeaveGroup(request) => {
                let Ok(group) = GroupId::new(request.group_id) else { return };
                for member in &request.members {
                    let instance_id = member.group_instance_id;
                    let _ = self.coordinator.leave(self.now, &group, member.member_id, instance_id);
                }
            }
            Request::Fetch(request) => self.fetch(version, request),
            _ => {}
        }
        self.coordinator.tick(self.now);
        drop(self.coordinator.take_replies());
    }

    /// Every partition that is named counts as there, with nothing in it.
    fn fetch(&mut self, version: kafka::ApiVersion, request: &FetchRequest<'_>) {
        let (now, owner, by_id) = (self.now, Principal::Anyone, version >= BY_ID_FROM);
        match self.readers.open(now, &owner, by_id, request) {
            Ok(Opened::Full) => {
                let answered: Vec<_> = request.topics.iter().flat_map(empty_partitions).collect();
                let mut id = i32::try_from(self.tickets).unwrap_or_default();
                let draw = || {
                    id = id.wrapping_add(1);
                    id
                };
                self.readers.create(now, &owner, by_id, &answered, draw);
            }
            Ok(Opened::Incremental(held)) => {
                let told = held.partitions.iter().map(|(place, _)| FetchedTopic {
                    name: &place.name,
                    topic_id: place.topic_id,
                    partitions: vec![FetchedPartition {
                        partition: place.partition,
                        ..Default::default()
                    }],
                });
                let _ = self.readers.answer(&held, &mut told.collect());
            }
            Ok(Opened::Sessionless) | Err(_) => {}
        }
    }
}

/// From this version on topics are named by their ids.
const BY_ID_FROM: kafka::ApiVersion = kafka::ApiVersion(13);

fn empty_partitions(
    topic: &FetchTopic<'_>,
) -> impl Iterator<Item = (Place, FetchPartition, Offset, Offset)> {
    let (name, topic_id): (Arc<str>, _) = (topic.name.into(), topic.topic_id);
    topic.partitions.iter().map(move |asked| {
        let place = Place { name: Arc::clone(&name), topic_id, partition: asked.partition };
        (place, asked.clone(), Offset(0), Offset(0))
    })
}
