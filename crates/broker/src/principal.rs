//! Who a connection acts for, and what that one may see. The rule "one group, one account" lives here
//! alone.

use std::sync::Arc;

use catalog::Group;
use change::{GroupId, TaskName, TopicName};
use kafka::{ErrorCode, TopicId};

use crate::topics::{Topic, TopicDirectory};

/// Who a connection acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// Someone on a listener without accounts: sees every topic and may use any group id.
    Anyone,
    /// A consumer group that has logged in: sees the topics of its task, and itself.
    Account {
        /// Its id, which is the only `group.id` it may use.
        group: GroupId,
        /// The task whose topics it sees.
        task: TaskName,
    },
}

impl From<Group> for Principal {
    fn from(group: Group) -> Self {
        Self::Account { group: group.id, task: group.task }
    }
}

impl Principal {
    /// The topics that exist as far as this one knows.
    pub(crate) fn visible(&self, topics: &TopicDirectory) -> Vec<Arc<Topic>> {
        topics.all().into_iter().filter(|topic| self.sees(topic)).collect()
    }

    /// A topic by name; one that may not be seen does not exist.
    pub(crate) fn topic(&self, topics: &TopicDirectory, name: &str) -> Option<Arc<Topic>> {
        let name = TopicName::new(name).ok()?;
        topics.get(&name).filter(|topic| self.sees(topic))
    }

    /// The same by id.
    pub(crate) fn topic_by_id(&self, topics: &TopicDirectory, id: TopicId) -> Option<Arc<Topic>> {
        if id == TopicId::NONE {
            return None;
        }
        topics.by_id(id).filter(|topic| self.sees(topic))
    }

    /// A group id from a request, if this one may use it.
    pub(crate) fn group(&self, id: &str) -> Result<GroupId, ErrorCode> {
        let id = GroupId::new(id).map_err(|_| ErrorCode::InvalidGroupId)?;
        match self {
            Self::Account { group, .. } if *group != id => Err(ErrorCode::InvalidGroupId),
            Self::Anyone | Self::Account { .. } => Ok(id),
        }
    }

    /// The group that has logged in, if one has.
    pub(crate) fn account(&self) -> Option<&GroupId> {
        match self {
            Self::Anyone => None,
            Self::Account { group, .. } => Some(group),
        }
    }

    /// The task whose topics it sees, if it does not see all.
    pub(crate) fn task(&self) -> Option<&TaskName> {
        match self {
            Self::Anyone => None,
            Self::Account { task, .. } => Some(task),
        }
    }

    /// What counters call it: few values, no names that a client makes up.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Anyone => "anonymous",
            Self::Account { group, .. } => group.as_str(),
        }
    }

    fn sees(&self, topic: &Topic) -> bool {
        match self {
            Self::Anyone => true,
            Self::Account { task, .. } => topic.task == *task,
        }
    }
}
