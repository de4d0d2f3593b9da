//! Incremental fetch sessions (KIP-227), sans-IO: what a client asked for stays here, so that it names
//! only what changes, and is told only what changed.
//!
//! As Kafka's `FetchSessionCache`: a bounded number of sessions, each with an id that cannot be guessed
//! and an epoch that counts its requests. A full cache takes a new session only in the place of one that
//! was not used for two minutes, or of a smaller one that is older than that; else the client is told
//! that it has none and goes on without. Two things are ours: a session belongs to whom it was opened
//! for, and is not there for others; and partitions are bounded too, because a request may name many
//! that do not exist.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka::messages::{FetchPartition, FetchRequest, FetchedPartition, FetchedTopic, Records};
use kafka::{ErrorCode, Offset, PartitionId, TopicId};

use crate::principal::Principal;

/// The sessions of all clients.
#[derive(Debug, Default)]
pub(crate) struct FetchSessions {
    sessions: HashMap<i32, Session>,
    /// Partitions of all of them.
    partitions: usize,
}

/// What a request is, as far as sessions go.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It stands for itself.
    Sessionless,
    /// It names all partitions, and wants a session of them.
    Full,
    /// It goes on in a session.
    Incremental(Held),
}

/// A session while its request is served.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) id: i32,
    /// What its next request must say. Another one meanwhile makes it another.
    next_epoch: i32,
    /// All its partitions, in their turn.
    pub(crate) partitions: Vec<(Place, FetchPartition)>,
}

/// A partition as requests name it: by name or by id, the other one is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) name: Arc<str>,
    pub(crate) topic_id: TopicId,
    pub(crate) partition: PartitionId,
}

#[derive(Debug)]
struct Session {
    owner: Principal,
    /// Whether it names topics by id.
    is_by_id: bool,
    created: Instant,
    used: Instant,
    epoch: i32,
    /// Those that had something to tell last stand last, so that no one starves the others.
    turns: BTreeMap<u64, Kept>,
    /// Where each stands in `turns`.
    places: HashMap<Place, u64>,
    next_turn: u64,
}

#[derive(Debug)]
struct Kept {
    place: Place,
    asked: FetchPartition,
    /// What the client knows; [`Offset::NONE`] where it must be told.
    high_watermark: Offset,
    log_start_offset: Offset,
}

/// Epoch of a request that wants a new session.
const INITIAL_EPOCH: i32 = 0;
/// Epoch of a request that wants none, and ends the one it names.
const FINAL_EPOCH: i32 = -1;
/// Sessions at a time (`max.incremental.fetch.session.cache.slots`).
const SESSIONS_MAX: usize = 1_000;
/// A session that was not used for so long makes room for any (`MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
const EVICTABLE_AFTER: Duration = Duration::from_secs(120);
/// Partitions of all sessions together.
const PARTITIONS_MAX: usize = 32_768;
/// Partitions of one session.
const SESSION_PARTITIONS_MAX: usize = 2_048;
/// The longest topic name that Kafka knows. No longer one is kept.
const NAME_BYTES_MAX: usize = 249;

/// Whether a request has nothing to do with sessions, so that none need be looked at.
pub(super) fn is_none(request: &FetchRequest<'_>) -> bool {
    request.session_id == 0 && request.session_epoch == FINAL_EPOCH
}

impl FetchSessions {
    /// A request has come.
    ///
    /// # Errors
    /// The whole request is answered with this.
    pub(crate) fn open(
        &mut self,
        now: Instant,
        owner: &Principal,
        is_by_id: bool,
        request: &FetchRequest<'_>,
    ) -> Result<Opened, ErrorCode> {
        let id = request.session_id;
        let is_own = self.sessions.get(&id).is_some_and(|session| session.owner == *owner);
        if matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH) {
            if is_own {
                self.remove(id);
            }
            let is_wanted = request.session_epoch == INITIAL_EPOCH;
            return Ok(if is_wanted { Opened::Full } else { Opened::Sessionless });
        }
        let Some(session) = self.sessions.get_mut(&id).filter(|_| is_own) else {
            return Err(ErrorCode::FetchSessionIdNotFound);
        };
        if session.epoch != request.session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.is_by_id != is_by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        let before = session.turns.len();
        let fits = session.update(request);
        session.used = now;
        session.epoch = next_epoch(session.epoch);
        self.partitions =
            self.partitions.saturating_sub(before).saturating_add(session.turns.len());
        let held = Held { id, next_epoch: session.epoch, partitions: session.partitions() };
        if !fits || self.partitions > PARTITIONS_MAX {
            self.remove(id);
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        if held.partitions.is_empty() {
            self.remove(id);
            return Ok(Opened::Sessionless);
        }
        Ok(Opened::Incremental(held))
    }

    /// Keeps what a full request asked for and was answered under a new id, which `draw` draws. Answers
    /// the id, or 0 if there is no room.
    pub(crate) fn create(
        &mut self,
        now: Instant,
        owner: &Principal,
        is_by_id: bool,
        answered: &[(Place, FetchPartition, Offset, Offset)],
        mut draw: impl FnMut() -> i32,
    ) -> i32 {
        let too_long = |(place, ..): &(Place, _, _, _)| place.name.len() > NAME_BYTES_MAX;
        if answered.len() > SESSION_PARTITIONS_MAX || answered.iter().any(too_long) {
            return 0;
        }
        while self.sessions.len() >= SESSIONS_MAX
            || self.partitions.saturating_add(answered.len()) > PARTITIONS_MAX
        {
            let Some(evicted) = self.evictable(now, answered.len()) else { return 0 };
            self.remove(evicted);
        }
        let mut session = Session {
            owner: owner.clone(),
            is_by_id,
            created: now,
            used: now,
            epoch: next_epoch(INITIAL_EPOCH),
            turns: BTreeMap::new(),
            places: HashMap::new(),
            next_turn: 0,
        };
        for (place, asked, high_watermark, log_start_offset) in answered {
            session.add(Kept {
                place: place.clone(),
                asked: asked.clone(),
                high_watermark: *high_watermark,
                log_start_offset: *log_start_offset,
            });
        }
        let mut id = draw();
        while id <= 0 || self.sessions.contains_key(&id) {
            id = draw();
        }
        self.partitions = self.partitions.saturating_add(session.turns.len());
        self.sessions.insert(id, session);
        id
    }

    /// An answer is about to go: what the client knows already is taken out of it. Partitions with
    /// records always stay.
    ///
    /// # Errors
    /// Another request of the session has come meanwhile.
    pub(crate) fn answer(
        &mut self,
        held: &Held,
        topics: &mut Vec<FetchedTopic<'_>>,
    ) -> Result<(), ErrorCode> {
        let Some(session) = self.sessions.get_mut(&held.id) else { return Ok(()) };
        if session.epoch != held.next_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        for topic in topics.iter_mut() {
            let name: Arc<str> = topic.name.into();
            let topic_id = topic.topic_id;
            topic.partitions.retain(|answered| {
                let partition = answered.partition;
                let place = Place { name: Arc::clone(&name), topic_id, partition };
                session.tells(&place, answered)
            });
        }
        topics.retain(|topic| !topic.partitions.is_empty());
        Ok(())
    }

    fn remove(&mut self, id: i32) {
        if let Some(session) = self.sessions.remove(&id) {
            self.partitions = self.partitions.saturating_sub(session.turns.len());
        }
    }

    /// A session that makes room for a new one of this size.
    fn evictable(&self, now: Instant, size: usize) -> Option<i32> {
        let (stalest, session) = self.sessions.iter().min_by_key(|(_, session)| session.used)?;
        if now.duration_since(session.used) > EVICTABLE_AFTER {
            return Some(*stalest);
        }
        let is_old = |session: &Session| now.duration_since(session.created) > EVICTABLE_AFTER;
        let old = self.sessions.iter().filter(|(_, session)| is_old(session));
        let (smallest, session) = old.min_by_key(|(_, session)| session.turns.len())?;
        (session.turns.len() < size).then_some(*smallest)
    }
}

impl Session {
    /// Takes in what a request changes. Answers whether it is still of a size that is kept.
    fn update(&mut self, request: &FetchRequest<'_>) -> bool {
        for topic in &request.topics {
            if topic.name.len() > NAME_BYTES_MAX {
                return false;
            }
            let name: Arc<str> = topic.name.into();
            for asked in &topic.partitions {
                let (name, topic_id) = (Arc::clone(&name), topic.topic_id);
                let place = Place { name, topic_id, partition: asked.partition };
                let turn = self.places.get(&place);
                if let Some(kept) = turn.and_then(|turn| self.turns.get_mut(turn)) {
                    kept.asked = asked.clone();
                    continue;
                }
                if self.turns.len() >= SESSION_PARTITIONS_MAX {
                    return false;
                }
                self.add(Kept {
                    place,
                    asked: asked.clone(),
                    high_watermark: Offset::NONE,
                    log_start_offset: Offset::NONE,
                });
            }
        }
        for topic in &request.forgotten_topics {
            let name: Arc<str> = topic.name.into();
            for partition in &topic.partitions {
                let (name, topic_id) = (Arc::clone(&name), topic.topic_id);
                let place = Place { name, topic_id, partition: *partition };
                if let Some(turn) = self.places.remove(&place) {
                    self.turns.remove(&turn);
                }
            }
        }
        true
    }

    fn add(&mut self, kept: Kept) {
        if let Some(earlier) = self.places.insert(kept.place.clone(), self.next_turn) {
            self.turns.remove(&earlier);
        }
        self.turns.insert(self.next_turn, kept);
        self.next_turn = self.next_turn.saturating_add(1);
    }

    fn partitions(&self) -> Vec<(Place, FetchPartition)> {
        self.turns.values().map(|kept| (kept.place.clone(), kept.asked.clone())).collect()
    }

    /// Whether this says something new to the client, who knows it from now on.
    fn tells(&mut self, place: &Place, answered: &FetchedPartition<'_>) -> bool {
        let turn = self.places.get(place).copied();
        let Some(mut kept) = turn.and_then(|turn| self.turns.remove(&turn)) else { return true };
        let is_error = !answered.error.is_none();
        let has_records = !matches!(answered.records, Records::Null | Records::Here([]));
        let is_new = has_records
            || is_error
            || kept.high_watermark != answered.high_watermark
            || kept.log_start_offset != answered.log_start_offset
            || answered.diverging_epoch.epoch.0 >= 0;
        kept.log_start_offset = answered.log_start_offset;
        // What comes behind an error is told, whatever it is.
        kept.high_watermark = if is_error { Offset::NONE } else { answered.high_watermark };
        if is_new {
            self.add(kept);
        } else if let Some(turn) = turn {
            self.turns.insert(turn, kept);
        }
        is_new
    }
}

/// Epochs count up and begin again at 1.
const fn next_epoch(epoch: i32) -> i32 {
    match epoch.checked_add(1) {
        Some(next) => next,
        None => 1,
    }
}

#[cfg(test)]
mod tests;
