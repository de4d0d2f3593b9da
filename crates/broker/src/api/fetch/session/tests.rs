//! What a cache of fetch sessions keeps, and what it lets go.

use kafka::LeaderEpoch;
use kafka::messages::{FetchTopic, ForgottenTopic};

use super::*;

/// A cache with a clock and a source of ids of its own.
struct Cache {
    sessions: FetchSessions,
    now: Instant,
    drawn: i32,
}

/// So many partitions of one topic.
fn partitions(name: &str, count: i32) -> Vec<(Place, FetchPartition, Offset, Offset)> {
    let one = |number| {
        let partition = PartitionId(number);
        let place = Place { name: name.into(), topic_id: TopicId::NONE, partition };
        (place, FetchPartition { partition, ..Default::default() }, Offset(0), Offset(0))
    };
    (0..count).map(one).collect()
}

impl Cache {
    fn new() -> Self {
        Self { sessions: FetchSessions::default(), now: Instant::now(), drawn: 0 }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn create(&mut self, count: i32) -> i32 {
        let drawn = &mut self.drawn;
        let draw = || {
            *drawn += 1;
            *drawn
        };
        self.sessions.create(self.now, &Principal::Anyone, false, &partitions("t", count), draw)
    }

    /// The next request of a session, which changes nothing.
    fn go_on(&mut self, id: i32, epoch: i32) -> Result<Opened, ErrorCode> {
        let request =
            FetchRequest { session_id: id, session_epoch: epoch, ..FetchRequest::default() };
        self.sessions.open(self.now, &Principal::Anyone, false, &request)
    }

    fn has(&self, id: i32) -> bool {
        self.sessions.sessions.contains_key(&id)
    }

    fn assert_counted(&self) {
        let sum: usize = self.sessions.sessions.values().map(|session| session.turns.len()).sum();
        assert_eq!(self.sessions.partitions, sum);
        for session in self.sessions.sessions.values() {
            assert_eq!(session.turns.len(), session.places.len());
        }
    }
}

#[test]
fn a_full_cache_takes_no_more_until_a_session_is_stale() {
    let mut cache = Cache::new();
    let first = cache.create(1);
    cache.pass(1);
    for _ in 1..SESSIONS_MAX {
        assert!(cache.create(1) > 0);
    }
    assert_eq!(cache.create(1), 0);
    assert_eq!(cache.create(5), 0, "even a larger one spares those that are new");
    cache.pass(119);
    assert_eq!(cache.create(1), 0, "exactly two minutes");
    cache.pass(1);
    assert!(cache.create(1) > 0);
    assert!(!cache.has(first));
    cache.assert_counted();
}

#[test]
fn a_session_that_goes_on_is_not_stale_but_may_give_way_to_a_larger_one() {
    let mut cache = Cache::new();
    let small = cache.create(1);
    for _ in 1..SESSIONS_MAX {
        cache.create(2);
    }
    cache.pass(100);
    let ids: Vec<i32> = cache.sessions.sessions.keys().copied().collect();
    for id in &ids {
        assert!(matches!(cache.go_on(*id, 1), Ok(Opened::Incremental(_))));
    }
    cache.pass(100);
    assert_eq!(cache.create(1), 0, "as small as the smallest");
    assert!(cache.create(2) > 0);
    assert!(!cache.has(small));
    assert_eq!(cache.create(2), 0);
    cache.assert_counted();
}

#[test]
fn partitions_are_bounded_in_one_session_and_in_all() {
    let mut cache = Cache::new();
    let most = i32::try_from(SESSION_PARTITIONS_MAX).unwrap();
    assert_eq!(cache.create(most + 1), 0);
    let fits = PARTITIONS_MAX / SESSION_PARTITIONS_MAX;
    for _ in 0..fits {
        assert!(cache.create(most) > 0);
    }
    assert_eq!(cache.create(1), 0);
    cache.assert_counted();

    // A session that grows too large is over, and its place is free again.
    let mut cache = Cache::new();
    let id = cache.create(most);
    let partition = FetchPartition { partition: PartitionId(most), ..Default::default() };
    let topic = FetchTopic { name: "t", partitions: vec![partition], ..Default::default() };
    let mut request = FetchRequest { session_id: id, session_epoch: 1, ..Default::default() };
    request.topics = vec![topic];
    let grown = cache.sessions.open(cache.now, &Principal::Anyone, false, &request);
    assert!(matches!(grown, Err(ErrorCode::FetchSessionIdNotFound)));
    assert_eq!((cache.has(id), cache.sessions.partitions), (false, 0));
}

#[test]
fn names_that_no_topic_can_have_are_not_kept() {
    let mut cache = Cache::new();
    let long = "n".repeat(NAME_BYTES_MAX + 1);
    let draw = || 1;
    let kept =
        cache.sessions.create(cache.now, &Principal::Anyone, false, &partitions(&long, 1), draw);
    assert_eq!(kept, 0);
    let id = cache.create(1);
    let topic = FetchTopic { name: &long, ..Default::default() };
    let mut request = FetchRequest { session_id: id, session_epoch: 1, ..Default::default() };
    request.topics = vec![topic];
    let refused = cache.sessions.open(cache.now, &Principal::Anyone, false, &request);
    assert!(matches!(refused, Err(ErrorCode::FetchSessionIdNotFound)));
}

#[test]
fn ids_are_positive_and_new() {
    let mut cache = Cache::new();
    let mut drawn = [-5, 0, 7, 7, i32::MIN, 9].into_iter();
    let mut create = |sessions: &mut FetchSessions| {
        let draw = || drawn.next().unwrap();
        sessions.create(cache.now, &Principal::Anyone, false, &partitions("t", 1), draw)
    };
    assert_eq!([create(&mut cache.sessions), create(&mut cache.sessions)], [7, 9]);
}

#[test]
fn epochs_begin_again_behind_the_last_one() {
    let mut cache = Cache::new();
    let id = cache.create(1);
    cache.sessions.sessions.get_mut(&id).unwrap().epoch = i32::MAX;
    assert!(cache.go_on(id, i32::MAX).is_ok());
    assert!(matches!(cache.go_on(id, 0), Ok(Opened::Full)), "0 asks for a new session");
    let id = cache.create(1);
    cache.sessions.sessions.get_mut(&id).unwrap().epoch = i32::MAX;
    assert!(cache.go_on(id, i32::MAX).is_ok());
    assert!(cache.go_on(id, 1).is_ok());
}

#[test]
fn who_has_told_something_waits_for_the_others() {
    let mut cache = Cache::new();
    let id = cache.create(3);
    let Ok(Opened::Incremental(held)) = cache.go_on(id, 1) else { panic!("no session") };
    let order = |held: &Held| {
        held.partitions.iter().map(|(place, _)| place.partition.0).collect::<Vec<_>>()
    };
    assert_eq!(order(&held), [0, 1, 2]);
    let told = |number, high_watermark| FetchedPartition {
        partition: PartitionId(number),
        high_watermark: Offset(high_watermark),
        log_start_offset: Offset(0),
        ..Default::default()
    };
    let partitions = vec![told(0, 9), told(1, 0), told(2, 0)];
    let mut topics = vec![FetchedTopic { name: "t", partitions, ..Default::default() }];
    cache.sessions.answer(&held, &mut topics).unwrap();
    let left: Vec<_> = topics[0].partitions.iter().map(|told| told.partition.0).collect();
    assert_eq!(left, [0]);
    let Ok(Opened::Incremental(next)) = cache.go_on(id, 2) else { panic!("no session") };
    assert_eq!(order(&next), [1, 2, 0]);
    let late = cache.sessions.answer(&held, &mut topics);
    assert_eq!(late, Err(ErrorCode::InvalidFetchSessionEpoch), "another request came meanwhile");
}

#[test]
fn what_a_request_changes_stays_changed() {
    let mut cache = Cache::new();
    let id = cache.create(2);
    let changed = FetchPartition {
        partition: PartitionId(1),
        fetch_offset: Offset(77),
        current_leader_epoch: LeaderEpoch(5),
        ..Default::default()
    };
    let topic = FetchTopic { name: "t", partitions: vec![changed.clone()], ..Default::default() };
    let forgotten = ForgottenTopic {
        name: "t",
        partitions: vec![PartitionId(0), PartitionId(9)],
        ..Default::default()
    };
    let mut request = FetchRequest { session_id: id, session_epoch: 1, ..Default::default() };
    (request.topics, request.forgotten_topics) = (vec![topic], vec![forgotten]);
    assert!(cache.sessions.open(cache.now, &Principal::Anyone, false, &request).is_ok());
    let Ok(Opened::Incremental(held)) = cache.go_on(id, 2) else { panic!("no session") };
    let kept: Vec<_> = held.partitions.iter().map(|(_, asked)| asked.clone()).collect();
    assert_eq!(kept, [changed]);
    cache.assert_counted();
}
