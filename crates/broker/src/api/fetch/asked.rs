//! What a Fetch asks for: one list of partitions, whether a request names them or a session keeps them.

use std::collections::HashMap;
use std::sync::Arc;

use kafka::messages::{DivergingEpoch, FetchPartition, FetchRequest};
use kafka::{ApiVersion, ErrorCode, LeaderEpoch, TopicId};
use log::Reader;

use super::session::Held;
use crate::api::Call;
use crate::api::epochs::leader_epoch_error;
use crate::disk::Disk;
use crate::topics::{Topic, TopicDirectory};

/// From this version on topics are asked for by id.
const BY_ID_FROM: ApiVersion = ApiVersion(13);

/// One partition that is asked for.
#[derive(Debug)]
pub(super) struct Asked<'s> {
    /// The name, where topics are asked for by name.
    pub(super) name: &'s str,
    /// The id, where they are asked for by id.
    pub(super) topic_id: TopicId,
    /// `None` if there is no such topic as far as the caller knows.
    topic: Option<Arc<Topic>>,
    pub(super) partition: FetchPartition,
    /// Why it is not read.
    pub(super) refusal: ErrorCode,
    /// Where the client's records part from the log, if they do.
    pub(super) diverging: Option<DivergingEpoch>,
}

/// Whether a request of this version names topics by id.
pub(super) fn is_by_id(version: ApiVersion) -> bool {
    version >= BY_ID_FROM
}

/// Everything that a request names. Of a partition that it names twice the last one counts, as in Kafka.
pub(super) fn by_request<'r>(
    topics: &TopicDirectory,
    call: &Call<'_>,
    request: &'r FetchRequest<'_>,
) -> Vec<Asked<'r>> {
    let count = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    let mut asked: Vec<Asked<'r>> = Vec::with_capacity(count);
    // One partition is by far the most usual, and needs no search.
    let mut places = HashMap::with_capacity(if count > 1 { count } else { 0 });
    for named in &request.topics {
        let topic = find(topics, call, named.name, named.topic_id);
        for partition in &named.partitions {
            let new = Asked::new(call, named.name, named.topic_id, topic.clone(), partition);
            if count == 1 {
                asked.push(new);
                continue;
            }
            let place = (named.name, named.topic_id, partition.partition);
            let at = *places.entry(place).or_insert(asked.len());
            match asked.get_mut(at) {
                Some(earlier) => *earlier = new,
                None => asked.push(new),
            }
        }
    }
    asked
}

/// Everything that a session keeps.
pub(super) fn by_session<'s>(
    topics: &TopicDirectory,
    call: &Call<'_>,
    held: &'s Held,
) -> Vec<Asked<'s>> {
    let mut asked: Vec<Asked<'s>> = Vec::with_capacity(held.partitions.len());
    for (place, partition) in &held.partitions {
        let same = asked
            .last()
            .filter(|last| *last.name == *place.name && last.topic_id == place.topic_id);
        let topic = match same {
            Some(last) => last.topic.clone(),
            None => find(topics, call, &place.name, place.topic_id),
        };
        asked.push(Asked::new(call, &place.name, place.topic_id, topic, partition));
    }
    asked
}

/// Finds out for each partition whether what the client has is what the log has (KIP-595). Only those
/// ask that say what they have, so hardly anybody does.
pub(super) async fn compare_epochs(disk: &Disk, asked: &mut [Asked<'_>]) {
    for asked in asked {
        let epoch = asked.partition.last_fetched_epoch;
        if epoch < LeaderEpoch(0) || !asked.refusal.is_none() {
            continue;
        }
        let Some(reader) = asked.reader().cloned() else { continue };
        match disk.run(move || reader.epoch_end(epoch)).await {
            Some(Ok(Some(end)))
                if end.leader_epoch < epoch || end.end_offset < asked.partition.fetch_offset =>
            {
                let (epoch, end_offset) = (end.leader_epoch, end.end_offset);
                asked.diverging = Some(DivergingEpoch { epoch, end_offset });
            }
            Some(Ok(Some(_))) => {}
            Some(Ok(None)) => asked.refusal = ErrorCode::OffsetOutOfRange,
            Some(Err(error)) => {
                tracing::error!(%error, "the end of an epoch cannot be looked up in the log");
                asked.refusal = ErrorCode::KafkaStorageError;
            }
            None => asked.refusal = ErrorCode::KafkaStorageError,
        }
    }
}

fn find(
    topics: &TopicDirectory,
    call: &Call<'_>,
    name: &str,
    topic_id: TopicId,
) -> Option<Arc<Topic>> {
    if is_by_id(call.version) {
        call.principal.topic_by_id(topics, topic_id)
    } else {
        call.principal.topic(topics, name)
    }
}

impl<'s> Asked<'s> {
    fn new(
        call: &Call<'_>,
        name: &'s str,
        topic_id: TopicId,
        topic: Option<Arc<Topic>>,
        partition: &FetchPartition,
    ) -> Self {
        let unknown = match topic {
            None if is_by_id(call.version) => ErrorCode::UnknownTopicId,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        let reader = topic.as_ref().and_then(|topic| topic.partition(partition.partition));
        let refusal = reader.map_or(unknown, |reader| {
            leader_epoch_error(partition.current_leader_epoch, reader.leader_epoch())
        });
        Self { name, topic_id, topic, partition: partition.clone(), refusal, diverging: None }
    }

    /// The log, if there is such a partition.
    pub(super) fn reader(&self) -> Option<&Reader> {
        self.topic.as_ref()?.partition(self.partition.partition)
    }

    /// The log, if it is read.
    pub(super) fn readable(&self) -> Option<&Reader> {
        if !self.refusal.is_none() || self.diverging.is_some() {
            return None;
        }
        self.reader()
    }
}
