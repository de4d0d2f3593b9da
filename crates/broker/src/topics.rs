//! The door through which opened logs come to the broker: topics by name, each with its readers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use change::{TaskName, TopicName};
use kafka::{PartitionId, TopicId};

use crate::coordinator::TopicShape;

/// All topics that can be read just now. Whoever opens and closes logs writes it; every request reads
/// it, holding the lock for a look only.
#[derive(Debug, Default)]
pub struct TopicDirectory {
    open: RwLock<Open>,
}

/// The topics there are.
#[derive(Debug, Default)]
struct Open {
    by_name: BTreeMap<TopicName, Arc<Topic>>,
    /// The same topics, for clients that ask by id.
    by_id: HashMap<TopicId, Arc<Topic>>,
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
        let topic = Arc::new(topic);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(earlier) = open.by_name.insert(topic.name.clone(), Arc::clone(&topic)) {
            open.by_id.remove(&earlier.id());
        }
        open.by_id.insert(topic.id(), topic);
    }

    /// Takes a topic out; requests that are being served go on with what they hold.
    pub fn remove(&self, name: &TopicName) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = open.by_name.remove(name) {
            open.by_id.remove(&topic.id());
        }
    }

    /// The topic of this name.
    #[must_use]
    pub fn get(&self, name: &TopicName) -> Option<Arc<Topic>> {
        self.look(|open| open.by_name.get(name).cloned())
    }

    /// The topic with this id.
    #[must_use]
    pub fn by_id(&self, id: TopicId) -> Option<Arc<Topic>> {
        self.look(|open| open.by_id.get(&id).cloned())
    }

    /// All topics, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Topic>> {
        self.look(|open| open.by_name.values().cloned().collect())
    }

    fn look<T>(&self, look: impl FnOnce(&Open) -> T) -> T {
        look(&self.open.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Topic {
    /// The reader of a partition.
    #[must_use]
    pub fn partition(&self, number: PartitionId) -> Option<&log::Reader> {
        self.partitions.get(usize::try_from(number.0).ok()?)
    }

    /// As the coordinator has to know it; `None` without a log.
    pub(crate) fn shape(&self) -> Option<TopicShape> {
        self.incarnation()?;
        Some(TopicShape {
            name: self.name.to_string(),
            id: self.id(),
            partitions: i32::try_from(self.partitions.len()).ok()?,
            task: self.task.to_string(),
        })
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
