//! The door between tasks, which open logs, and the broker, which serves them.

use std::sync::Arc;

use broker::{Topic, TopicDirectory};
use change::{TaskName, TopicName};

/// Puts the logs that tasks open into the broker's directory.
#[derive(Debug)]
pub(crate) struct ServedTopics(pub(crate) Arc<TopicDirectory>);

impl task::Topics for ServedTopics {
    fn opened(&self, task: &TaskName, topic: &TopicName, reader: log::Reader) {
        self.0.insert(Topic { name: topic.clone(), task: task.clone(), partitions: vec![reader] });
    }

    fn closed(&self, topic: &TopicName) {
        self.0.remove(topic);
    }
}
