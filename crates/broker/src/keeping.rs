//! Changes of groups on their way to the disk, and the replies that wait for them, sans-IO.
//!
//! A client learns its assignment only when the group is on disk with it: else a crash could bring a
//! generation back to life as another one. While one batch is written the next one gathers, so that
//! however many groups come to rest, the disk is waited for once at a time. Where it refuses, nothing is
//! forgotten and nobody waits: readers of a full disk shall not stand still.

use std::collections::{BTreeMap, BTreeSet};

use catalog::KeptGroup;
use change::GroupId;

use crate::coordinator::{Reply, Ticket, Unkept};

/// What is not on disk yet.
#[derive(Debug, Default)]
pub(crate) struct Keeping {
    /// Groups at rest, the latest of each.
    settled: BTreeMap<GroupId, KeptGroup>,
    /// Groups that are no more. Never in `settled` too.
    forgotten: BTreeSet<GroupId>,
    /// Replies made since there was something to keep, in their order.
    held: Vec<(Ticket, Reply)>,
    /// A batch is being written.
    writing: bool,
    /// The last batch could not be written. Until one can, no reply waits.
    in_vain: bool,
}

/// What is written at once, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) settled: Vec<KeptGroup>,
    pub(crate) forgotten: Vec<GroupId>,
    held: Vec<(Ticket, Reply)>,
}

impl Keeping {
    /// Takes in what a call has changed and answered. Gives back the replies that wait for nothing.
    #[must_use]
    pub(crate) fn add(
        &mut self,
        unkept: Unkept,
        replies: Vec<(Ticket, Reply)>,
    ) -> Vec<(Ticket, Reply)> {
        for group in unkept.forgotten {
            self.settled.remove(&group);
            self.forgotten.insert(group);
        }
        for kept in unkept.settled {
            self.forgotten.remove(kept.group());
            self.settled.insert(kept.group().clone(), kept);
        }
        if !self.in_vain && (self.writing || self.is_waiting()) {
            self.held.extend(replies);
            return Vec::new();
        }
        replies
    }

    /// Whether there is something to write.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.settled.is_empty() || !self.forgotten.is_empty()
    }

    /// What is to be written now; `None` if there is nothing. [`Keeping::end`] must follow.
    pub(crate) fn begin(&mut self) -> Option<Batch> {
        if self.writing || !self.is_waiting() {
            return None;
        }
        self.writing = true;
        Some(Batch {
            settled: std::mem::take(&mut self.settled).into_values().collect(),
            forgotten: std::mem::take(&mut self.forgotten).into_iter().collect(),
            held: std::mem::take(&mut self.held),
        })
    }

    /// A batch could not be written: what has not changed since goes into the next one. Gives back all
    /// replies.
    #[must_use]
    pub(crate) fn end_in_vain(&mut self, batch: Batch) -> Vec<(Ticket, Reply)> {
        self.writing = false;
        self.in_vain = true;
        for group in batch.forgotten {
            if !self.settled.contains_key(&group) {
                self.forgotten.insert(group);
            }
        }
        for kept in batch.settled {
            if !self.forgotten.contains(kept.group()) {
                self.settled.entry(kept.group().clone()).or_insert(kept);
            }
        }
        let mut replies = batch.held;
        replies.append(&mut self.held);
        replies
    }

    /// Whether the last batch could not be written.
    pub(crate) fn is_in_vain(&self) -> bool {
        self.in_vain
    }

    /// A batch was written. Gives back the replies that waited for it.
    #[must_use]
    pub(crate) fn end(&mut self, batch: Batch) -> Vec<(Ticket, Reply)> {
        self.writing = false;
        self.in_vain = false;
        let mut replies = batch.held;
        if !self.is_waiting() {
            replies.append(&mut self.held);
        }
        replies
    }
}

#[cfg(test)]
mod tests {
    use catalog::Membership;

    use super::*;
    use crate::coordinator::GroupError;

    fn group(name: &str) -> GroupId {
        GroupId::new(name).unwrap()
    }

    fn settled(name: &str, generation: i32) -> Unkept {
        let membership = Membership {
            group: group(name),
            generation,
            protocol_type: "consumer".into(),
            protocol: "range".into(),
            leader: None,
            changed: change::UnixTime::from_seconds(0),
            members: Vec::new(),
        };
        Unkept { settled: vec![membership.into()], forgotten: Vec::new() }
    }

    fn reply(ticket: u64) -> Vec<(Ticket, Reply)> {
        vec![(Ticket(ticket), Reply::Sync(Err(GroupError::UnknownMember)))]
    }

    fn tickets(replies: &[(Ticket, Reply)]) -> Vec<u64> {
        replies.iter().map(|(ticket, _)| ticket.0).collect()
    }

    #[test]
    fn a_reply_waits_for_what_is_not_on_disk_and_for_nothing_else() {
        let mut keeping = Keeping::default();
        assert_eq!(tickets(&keeping.add(Unkept::default(), reply(1))), [1]);
        assert!(keeping.add(settled("a", 1), reply(2)).is_empty());
        let batch = keeping.begin().unwrap();
        assert_eq!(batch.settled.len(), 1);
        assert!(keeping.add(Unkept::default(), reply(3)).is_empty(), "it would overtake");
        assert_eq!(tickets(&keeping.end(batch)), [2, 3]);
        assert_eq!(tickets(&keeping.add(Unkept::default(), reply(4))), [4]);
    }

    #[test]
    fn what_changes_while_a_batch_is_written_is_the_next_batch() {
        let mut keeping = Keeping::default();
        assert!(keeping.add(settled("a", 1), reply(1)).is_empty());
        let batch = keeping.begin().unwrap();
        assert!(keeping.add(settled("a", 2), reply(2)).is_empty());
        assert!(keeping.add(settled("a", 3), reply(3)).is_empty());
        assert!(keeping.begin().is_none(), "one batch at a time");
        assert_eq!(tickets(&keeping.end(batch)), [1]);
        let batch = keeping.begin().unwrap();
        assert_eq!(batch.settled, settled("a", 3).settled);
        assert_eq!(tickets(&keeping.end(batch)), [2, 3]);
        assert!(keeping.begin().is_none());
    }

    #[test]
    fn what_could_not_be_written_is_written_next_and_nobody_waits_for_it() {
        let gone = |name| Unkept { settled: Vec::new(), forgotten: vec![group(name)] };
        let mut keeping = Keeping::default();
        let mut replies = Vec::new();
        for unkept in [settled("a", 1), settled("b", 1), settled("c", 1), gone("d"), gone("e")] {
            replies.extend(keeping.add(unkept, Vec::new()));
        }
        replies.extend(keeping.add(Unkept::default(), reply(1)));
        let batch = keeping.begin().unwrap();
        for unkept in [settled("a", 2), gone("b"), settled("e", 1)] {
            replies.extend(keeping.add(unkept, reply(2)));
        }
        assert!(replies.is_empty(), "the disk may still take it");
        assert_eq!(tickets(&keeping.end_in_vain(batch)), [1, 2, 2, 2]);
        assert_eq!(tickets(&keeping.add(settled("f", 1), reply(3))), [3], "nobody waits");

        let batch = keeping.begin().unwrap();
        assert_eq!(tickets(&keeping.add(Unkept::default(), reply(4))), [4]);
        let named = |name: &str, generation| settled(name, generation).settled.remove(0);
        let wanted = [named("a", 2), named("c", 1), named("e", 1), named("f", 1)];
        assert_eq!(batch.settled, wanted);
        assert_eq!(batch.forgotten, [group("b"), group("d")]);
        assert!(keeping.end(batch).is_empty());
        assert!(keeping.add(settled("a", 3), reply(5)).is_empty(), "it is waited for again");
    }

    #[test]
    fn the_last_word_on_a_group_counts() {
        let mut keeping = Keeping::default();
        let gone = || Unkept { settled: Vec::new(), forgotten: vec![group("a")] };
        assert!(keeping.add(settled("a", 1), Vec::new()).is_empty());
        assert!(keeping.add(gone(), Vec::new()).is_empty());
        let batch = keeping.begin().unwrap();
        assert_eq!((batch.settled.len(), batch.forgotten.len()), (0, 1));
        assert!(keeping.end(batch).is_empty());
        assert!(keeping.add(gone(), Vec::new()).is_empty());
        assert!(keeping.add(settled("a", 1), Vec::new()).is_empty());
        let batch = keeping.begin().unwrap();
        assert_eq!((batch.settled.len(), batch.forgotten.len()), (1, 0));
    }
}
