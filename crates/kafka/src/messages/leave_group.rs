//! `LeaveGroup` (13), versions 0 to 5: takes members out of a group at once.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::{message, only},
};

message!(LeaveGroup: LeaveGroupRequest<'a>, LeaveGroupResponse<'a>);

/// Asks to leave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeaveGroupRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// Who leaves. Exactly one until version 2.
    pub members: Vec<LeavingMember<'a>>,
}

/// One member that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeavingMember<'a> {
    /// Its id; empty if it is named by its static name.
    pub member_id: &'a str,
    /// Its static name, since version 3.
    pub group_instance_id: Option<&'a str>,
    /// Why it leaves, for people; since version 5.
    pub reason: Option<&'a str>,
}

/// Says who has left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeaveGroupResponse<'a> {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// An error of the whole request.
    pub error: ErrorCode,
    /// One by one, since version 3.
    pub members: Vec<LeftMember<'a>>,
}

/// One member that has left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftMember<'a> {
    /// As it was asked.
    pub member_id: &'a str,
    /// As it was asked.
    pub group_instance_id: Option<&'a str>,
    /// Why it has not left.
    pub error: ErrorCode,
}

impl<'a> Wire<'a> for LeaveGroupRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        if coder.version() < 3 {
            coder.field(&mut only(&mut self.members)?.member_id)?;
        }
        coder.since(3, &mut self.members)?;
        coder.tags()
    }
}

/// The form of version 3 and later.
impl<'a> Wire<'a> for LeavingMember<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.member_id)?;
        coder.field(&mut self.group_instance_id)?;
        coder.since(5, &mut self.reason)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for LeaveGroupResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.since(3, &mut self.members)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for LeftMember<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.member_id)?;
        coder.field(&mut self.group_instance_id)?;
        coder.field(&mut self.error)?;
        coder.tags()
    }
}
