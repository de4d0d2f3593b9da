//! Which topics a member wants: by name, by pattern, and never more than it may see.

use std::collections::BTreeSet;

use change::TaskName;
use regex::bytes::{Regex, RegexBuilder};

use super::TopicShape;
use crate::coordinator::GroupError;

/// Bytes that a compiled pattern may take; a longer one is no pattern of names.
const PATTERN_BYTES_MAX: usize = 64 << 10;

/// Which topics a member wants. Two are equal when they say the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Subscription {
    pub(super) topics: BTreeSet<String>,
    pattern: Option<Pattern>,
    /// The task whose topics the member may see; `None` if it may see all.
    pub(super) task: Option<TaskName>,
}

/// A pattern of whole names, in the syntax of RE2 as far as ASCII goes.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    compiled: Regex,
}

impl PartialEq for Subscription {
    fn eq(&self, other: &Self) -> bool {
        self.topics == other.topics && self.pattern() == other.pattern() && self.task == other.task
    }
}

impl Subscription {
    pub(super) fn new(
        topics: BTreeSet<String>,
        pattern: Option<&str>,
        task: Option<TaskName>,
    ) -> Result<Self, GroupError> {
        let pattern = match pattern {
            None | Some("") => None,
            Some(text) => Some(Pattern::new(text)?),
        };
        Ok(Self { topics, pattern, task })
    }

    /// As the member wrote it.
    pub(super) fn pattern(&self) -> Option<&str> {
        self.pattern.as_ref().map(|pattern| pattern.text.as_str())
    }

    pub(super) fn wants(&self, topic: &TopicShape) -> bool {
        let visible = self.task.as_ref().is_none_or(|task| task.as_str() == topic.task);
        let matches = |pattern: &Pattern| pattern.compiled.is_match(topic.name.as_bytes());
        visible && (self.topics.contains(&topic.name) || self.pattern.as_ref().is_some_and(matches))
    }

    /// Bytes it takes in memory, about.
    pub(super) fn weight(&self) -> usize {
        let pattern = self.pattern().map_or(0, str::len);
        self.topics.iter().map(String::len).sum::<usize>() + pattern
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, GroupError> {
        let compiled = RegexBuilder::new(&format!("^(?:{text})$"))
            .unicode(false)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .build()
            .map_err(|_| GroupError::InvalidPattern)?;
        Ok(Self { text: text.to_owned(), compiled })
    }
}
