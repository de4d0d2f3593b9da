//! The door through which opened logs come to the broker: topics by name, each with its readers.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use change::{TaskName, TopicName};
use kafka::{PartitionId, TopicId};

/// All topics that can be read just now. Whoever opens and closes logs writes it; every request reads
/// it, holding the lock for a look only.
#[derive(Debug, Default)]
pub struct TopicDirectory {
    topics: RwLock<BTreeMap<TopicName, Arc<Topic>>>,
}

/// One topic.
#[derive(Debug)]
pub struct Topic {
    /// Its name.
    pub name: TopicName,
    /// The task it belongs to; an account sees the topics of its own task.
    pub task: TaskName,
    /// Readers of its partitions, by partition number.
    pub partitions: Vec<log::Reader>,
}

impl TopicDirectory {
    /// Adds a topic, or replaces the one of that name.
    pub fn insert(&self, topic: Topic) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(topic.name.clone(), Arc::new(topic));
    }

    /// Takes a topic out; requests that are being served go on with what they hold.
    pub fn remove(&self, name: &TopicName) {
        self.topics.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The topic of this name.
    #[must_use]
    pub fn get(&self, name: &TopicName) -> Option<Arc<Topic>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All topics, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Topic>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Topic {
    /// The reader of a partition.
    #[must_use]
    pub fn partition(&self, number: PartitionId) -> Option<&log::Reader> {
        self.partitions.get(usize::try_from(number.0).ok()?)
    }

    /// The identity of the log behind it, as Kafka spells it; offsets mean the same as long as this
    /// stays the same.
    #[must_use]
    pub fn incarnation(&self) -> Option<log::Incarnation> {
        self.partitions.first().map(log::Reader::incarnation)
    }

    /// The identity of the topic for clients that ask by it (KIP-516): the log's own.
    #[must_use]
    pub fn id(&self) -> TopicId {
        self.incarnation().map_or(TopicId::NONE, |incarnation| TopicId(*incarnation.as_bytes()))
    }
}
