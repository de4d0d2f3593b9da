//! `DeleteGroups` (42), versions 0 to 2: forgets groups that have no members.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(DeleteGroups: DeleteGroupsRequest<'a>, DeleteGroupsResponse<'a>);

/// Asks to delete groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteGroupsRequest<'a> {
    /// Their ids.
    pub groups_names: Vec<&'a str>,
}

/// Says which groups were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteGroupsResponse<'a> {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// One per group.
    pub results: Vec<DeletedGroup<'a>>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeletedGroup<'a> {
    /// Its id.
    pub group_id: &'a str,
    /// Why it was not deleted.
    pub error: ErrorCode,
}

impl<'a> Wire<'a> for DeleteGroupsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.groups_names)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeleteGroupsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.results)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DeletedGroup<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.error)?;
        coder.tags()
    }
}
