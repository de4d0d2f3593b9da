//! Consumer groups for those who show, rewind or delete them: the API and the command line.

use std::num::NonZeroU64;
use std::sync::Arc;

use change::GroupId;

use crate::coordinator::GroupView;
use crate::groups::StillLiving;
use crate::shared::Shared;

/// A view on the broker's groups that outlives a borrow of the [`crate::Broker`]; cheap to clone.
#[derive(Debug, Clone)]
pub struct GroupsView {
    shared: Arc<Shared>,
}

impl GroupsView {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared) }
    }

    /// Live members and state of a group; `None` if nobody has ever joined.
    #[must_use]
    pub fn describe(&self, group: &GroupId) -> Option<GroupView> {
        self.shared.groups.describe(group)
    }

    /// Changes what a group has committed with `keep`, which writes the catalog; blocks as long as that.
    /// No commit of a client comes in between, and none that began before comes after. With `force`,
    /// members are sent away; they join again and go on where the group now stands.
    ///
    /// # Errors
    /// The group has members, and `force` is not given: they are answered, and nothing was done.
    pub fn intervene<T>(
        &self,
        group: &GroupId,
        force: bool,
        keep: impl FnOnce() -> T,
    ) -> Result<T, GroupView> {
        self.shared.groups.intervene(group, force, keep).map_err(|StillLiving(view)| view)
    }

    /// Lets a group fetch so many bytes a second, from now on and on all its connections; `None` for what
    /// all others may.
    pub fn set_fetch_rate(&self, group: &GroupId, rate: Option<NonZeroU64>) {
        self.shared.quotas().set(group, rate);
    }

    /// Deletes a group with `keep`, which writes the catalog; blocks as long as that. Its members are sent
    /// away, and its connections closed at their next request.
    ///
    /// # Errors
    /// Those of `keep`; the group goes on then.
    pub fn delete<E>(
        &self,
        group: &GroupId,
        keep: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.shared.groups.delete(group, || {
            keep()?;
            self.shared.forget_group(group);
            Ok(())
        })
    }

    /// A group was deleted with its task: its members are sent away, and its connections closed at their
    /// next request.
    pub fn remove(&self, group: &GroupId) {
        self.shared.forget_group(group);
        self.shared.groups.remove(group);
    }
}
