//! `Fetch` (1), versions 0 to 18: records. By topic name up to version 12, by topic id from 13.
//!
//! Up to version 3 a client reads message sets of format 0 or 1, since version 4 record batches. What
//! only followers send (their state, directory and high watermark, as tagged fields) is not read.

use crate::{
    ErrorCode, LeaderEpoch, Offset, PartitionId, Result, TopicId,
    codec::{Coder, Wire},
    messages::{Broker, message},
};

message!(Fetch: FetchRequest<'a>, FetchResponse<'a>);

/// Asks for record batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest<'a> {
    /// −1 for clients; until version 14.
    pub replica_id: i32,
    /// How long to wait for `min_bytes`, in milliseconds.
    pub max_wait_ms: i32,
    /// How many bytes are worth an answer before the time is over.
    pub min_bytes: i32,
    /// How many bytes the answer may have, except that its first batch is always whole; since version
    /// 3.
    pub max_bytes: i32,
    /// 0 read uncommitted, 1 read committed; since version 4.
    pub isolation_level: i8,
    /// The fetch session, or 0; since version 7.
    pub session_id: i32,
    /// 0 begins a session, −1 has none; since version 7.
    pub session_epoch: i32,
    /// What to fetch. In an incremental session only what changed.
    pub topics: Vec<FetchTopic<'a>>,
    /// What to take out of the session, since version 7.
    pub forgotten_topics: Vec<ForgottenTopic<'a>>,
    /// Where the consumer stands, since version 11 (KIP-392).
    pub rack_id: &'a str,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchTopic<'a> {
    /// The name, until version 12.
    pub name: &'a str,
    /// The id, since version 13.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<FetchPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchPartition {
    /// The number.
    pub partition: PartitionId,
    /// What the client believes, since version 9.
    pub current_leader_epoch: LeaderEpoch,
    /// The first offset that is wanted.
    pub fetch_offset: Offset,
    /// The epoch of the last record the client has, since version 12.
    pub last_fetched_epoch: LeaderEpoch,
    /// Of a follower, since version 5; −1 for clients.
    pub log_start_offset: Offset,
    /// How many bytes of this partition are wanted.
    pub max_bytes: i32,
}

/// A topic that leaves the fetch session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ForgottenTopic<'a> {
    /// The name, until version 12.
    pub name: &'a str,
    /// The id, since version 13.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<PartitionId>,
}

/// Answers with record batches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchResponse<'a> {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// An error of the whole request, since version 7.
    pub error: ErrorCode,
    /// The fetch session, or 0 for none; since version 7.
    pub session_id: i32,
    /// The topics.
    pub topics: Vec<FetchedTopic<'a>>,
    /// Where the leaders are that [`FetchedPartition::current_leader`] names, since version 16
    /// (KIP-951).
    pub node_endpoints: Vec<Broker<'a>>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchedTopic<'a> {
    /// The name, until version 12.
    pub name: &'a str,
    /// The id, since version 13.
    pub topic_id: TopicId,
    /// The partitions.
    pub partitions: Vec<FetchedPartition<'a>>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPartition<'a> {
    /// The number.
    pub partition: PartitionId,
    /// Why there are no records.
    pub error: ErrorCode,
    /// One more than the last offset that may be read, or −1.
    pub high_watermark: Offset,
    /// One more than the last offset outside of open transactions, or −1; since version 4.
    pub last_stable_offset: Offset,
    /// The first offset that is still held, since version 5.
    pub log_start_offset: Offset,
    /// Where the client's records part from the partition's, since version 12 (KIP-595).
    pub diverging_epoch: DivergingEpoch,
    /// Who leads the partition, if the client believes another one; since version 12.
    pub current_leader: CurrentLeader,
    /// Transactions to skip when reading committed; since version 4.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// The replica to ask next time, or −1; since version 11.
    pub preferred_read_replica: i32,
    /// Whole batches; the first may begin before the wanted offset.
    pub records: Records<'a>,
}

/// The end of the newest epoch that both sides know. The default says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DivergingEpoch {
    /// That epoch.
    pub epoch: LeaderEpoch,
    /// One more than its last offset.
    pub end_offset: Offset,
}

/// A leader. The default says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentLeader {
    /// Its node id.
    pub leader_id: i32,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
}

/// A transaction that was aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AbortedTransaction {
    /// Who wrote it.
    pub producer_id: i64,
    /// Its first offset in the partition.
    pub first_offset: Offset,
}

/// Record batches inside a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records<'a> {
    /// None, not even an empty list. Clients expect [`Records::NONE`] instead.
    Null,
    /// These bytes.
    Here(&'a [u8]),
    /// That many bytes, which the sender takes from elsewhere: see [`crate::Frame::segments`].
    Elsewhere(usize),
}

impl Records<'_> {
    /// No batches.
    pub const NONE: Self = Self::Here(&[]);
}

impl Default for Records<'_> {
    fn default() -> Self {
        Self::NONE
    }
}

impl Default for FetchRequest<'_> {
    fn default() -> Self {
        Self {
            replica_id: -1,
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten_topics: Vec::new(),
            rack_id: "",
        }
    }
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: PartitionId(0),
            current_leader_epoch: LeaderEpoch::NONE,
            fetch_offset: Offset(0),
            last_fetched_epoch: LeaderEpoch::NONE,
            log_start_offset: Offset::NONE,
            max_bytes: 0,
        }
    }
}

impl Default for FetchedPartition<'_> {
    fn default() -> Self {
        Self {
            partition: PartitionId(0),
            error: ErrorCode::None,
            high_watermark: Offset::NONE,
            last_stable_offset: Offset::NONE,
            log_start_offset: Offset::NONE,
            diverging_epoch: DivergingEpoch::default(),
            current_leader: CurrentLeader::default(),
            aborted_transactions: None,
            preferred_read_replica: -1,
            records: Records::NONE,
        }
    }
}

impl Default for DivergingEpoch {
    fn default() -> Self {
        Self { epoch: LeaderEpoch::NONE, end_offset: Offset::NONE }
    }
}

impl Default for CurrentLeader {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: LeaderEpoch::NONE }
    }
}

impl<'a> Wire<'a> for FetchRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(14, &mut self.replica_id)?;
        coder.field(&mut self.max_wait_ms)?;
        coder.field(&mut self.min_bytes)?;
        coder.since(3, &mut self.max_bytes)?;
        coder.since(4, &mut self.isolation_level)?;
        coder.since(7, &mut self.session_id)?;
        coder.since(7, &mut self.session_epoch)?;
        coder.field(&mut self.topics)?;
        coder.since(7, &mut self.forgotten_topics)?;
        coder.since(11, &mut self.rack_id)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for FetchTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(12, &mut self.name)?;
        coder.since(13, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for FetchPartition {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.since(9, &mut self.current_leader_epoch)?;
        coder.field(&mut self.fetch_offset)?;
        coder.since(12, &mut self.last_fetched_epoch)?;
        coder.since(5, &mut self.log_start_offset)?;
        coder.field(&mut self.max_bytes)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ForgottenTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(12, &mut self.name)?;
        coder.since(13, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for FetchResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.since(7, &mut self.error)?;
        coder.since(7, &mut self.session_id)?;
        coder.field(&mut self.topics)?;
        let mut tags = coder.begin_tags()?;
        coder.tag_since(16, &mut tags, 0, &mut self.node_endpoints)?;
        coder.end_tags(tags)
    }
}

impl<'a> Wire<'a> for FetchedTopic<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.until(12, &mut self.name)?;
        coder.since(13, &mut self.topic_id)?;
        coder.field(&mut self.partitions)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for FetchedPartition<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.partition)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.high_watermark)?;
        coder.since(4, &mut self.last_stable_offset)?;
        coder.since(5, &mut self.log_start_offset)?;
        coder.since(4, &mut self.aborted_transactions)?;
        coder.since(11, &mut self.preferred_read_replica)?;
        coder.field(&mut self.records)?;
        let mut tags = coder.begin_tags()?;
        coder.tag(&mut tags, 0, &mut self.diverging_epoch)?;
        coder.tag(&mut tags, 1, &mut self.current_leader)?;
        coder.end_tags(tags)
    }
}

impl<'a> Wire<'a> for DivergingEpoch {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.epoch)?;
        coder.field(&mut self.end_offset)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for CurrentLeader {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.leader_id)?;
        coder.field(&mut self.leader_epoch)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for AbortedTransaction {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.producer_id)?;
        coder.field(&mut self.first_offset)?;
        coder.tags()
    }
}
