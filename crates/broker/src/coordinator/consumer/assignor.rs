//! Who shall hold what: the assignors of the coordinator, by the names that clients know them by
//! (`group.remote.assignor`).

use std::collections::BTreeMap;

use super::{Held, Partitions, TopicShape};
use crate::coordinator::MemberId;

/// How partitions are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Assignor {
    /// Evenly, and each stays with its member as long as that is even.
    #[default]
    Uniform,
    /// Topic by topic, to members in the order of their ids.
    Range,
}

/// What one member wants and has.
#[derive(Debug, Default)]
pub(super) struct Wish<'a> {
    /// The topics that it wants and may see.
    pub(super) topics: Vec<&'a TopicShape>,
    /// What it shall hold so far.
    pub(super) target: Partitions,
}

/// What each member shall hold.
pub(super) type Target = BTreeMap<MemberId, Partitions>;

impl Assignor {
    /// All there are, the default first.
    pub(crate) const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// As clients name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.as_str() == name)
    }

    /// Gives every partition that somebody wants to one who wants it.
    pub(super) fn assign(self, wishes: &BTreeMap<MemberId, Wish<'_>>) -> Target {
        match self {
            Self::Uniform => uniform(wishes),
            Self::Range => range(wishes),
        }
    }
}

impl TopicShape {
    fn held(&self) -> impl Iterator<Item = Held> + use<> {
        let topic = self.id;
        (0..self.partitions)
            .map(move |number| Held { topic, partition: kafka::PartitionId(number) })
    }
}

/// Who wants each partition, in the order of their ids.
fn subscribers<'w>(wishes: &'w BTreeMap<MemberId, Wish<'_>>) -> BTreeMap<Held, Vec<&'w MemberId>> {
    let mut subscribers: BTreeMap<Held, Vec<&MemberId>> = BTreeMap::new();
    for (id, wish) in wishes {
        for held in wish.topics.iter().flat_map(|topic| topic.held()) {
            subscribers.entry(held).or_default().push(id);
        }
    }
    subscribers
}

fn uniform(wishes: &BTreeMap<MemberId, Wish<'_>>) -> Target {
    let subscribers = subscribers(wishes);
    let mut target: Target = wishes.keys().map(|id| (id.clone(), Partitions::new())).collect();
    let mut owners: BTreeMap<Held, &MemberId> = BTreeMap::new();
    for (held, wanting) in &subscribers {
        let had = |id: &&&MemberId| wishes.get(**id).is_some_and(|w| w.target.contains(held));
        if let Some(owner) = wanting.iter().find(had) {
            owners.insert(*held, owner);
            target.entry((*owner).clone()).or_default().insert(*held);
        }
    }
    let load = |target: &Target, id: &MemberId| target.get(id).map_or(0, Partitions::len);
    for (held, wanting) in &subscribers {
        if owners.contains_key(held) {
            continue;
        }
        if let Some(owner) = wanting.iter().min_by_key(|id| load(&target, id)) {
            owners.insert(*held, owner);
            target.entry((*owner).clone()).or_default().insert(*held);
        }
    }
    // Each move makes two loads more alike, so this ends.
    let mut moved = true;
    while std::mem::take(&mut moved) {
        for (held, wanting) in &subscribers {
            let Some(owner) = owners.get(held).copied() else { continue };
            let Some(least) = wanting.iter().min_by_key(|id| load(&target, id)).copied() else {
                continue;
            };
            if load(&target, owner) > load(&target, least) + 1 {
                target.entry(owner.clone()).or_default().remove(held);
                target.entry(least.clone()).or_default().insert(*held);
                owners.insert(*held, least);
                moved = true;
            }
        }
    }
    target
}

fn range(wishes: &BTreeMap<MemberId, Wish<'_>>) -> Target {
    let mut by_topic: BTreeMap<_, (Vec<Held>, Vec<&MemberId>)> = BTreeMap::new();
    for (id, wish) in wishes {
        for topic in &wish.topics {
            let entry =
                by_topic.entry(topic.id).or_insert_with(|| (topic.held().collect(), Vec::new()));
            entry.1.push(id);
        }
    }
    let mut target: Target = wishes.keys().map(|id| (id.clone(), Partitions::new())).collect();
    for (partitions, members) in by_topic.into_values() {
        let share = partitions.len() / members.len().max(1);
        let longer = partitions.len() % members.len().max(1);
        let mut rest = partitions.into_iter();
        for (place, id) in members.into_iter().enumerate() {
            let count = share + usize::from(place < longer);
            target.entry(id.clone()).or_default().extend(rest.by_ref().take(count));
        }
    }
    target
}
