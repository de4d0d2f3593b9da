//! `SyncGroup` (14), versions 0 to 5: the leader hands in the assignment, every member gets its own.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(SyncGroup: SyncGroupRequest<'a>, SyncGroupResponse<'a>);

/// Hands in the assignment, or asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncGroupRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The generation the member joined.
    pub generation_id: i32,
    /// The member.
    pub member_id: &'a str,
    /// Its static name, since version 3.
    pub group_instance_id: Option<&'a str>,
    /// As the group has it, since version 5.
    pub protocol_type: Option<&'a str>,
    /// The assignor, since version 5.
    pub protocol_name: Option<&'a str>,
    /// What everybody gets, from the leader; nothing, from the others.
    pub assignments: Vec<MemberAssignment<'a>>,
}

/// What one member gets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberAssignment<'a> {
    /// The member.
    pub member_id: &'a str,
    /// Partitions, in a form that only members understand.
    pub assignment: &'a [u8],
}

/// Hands out the assignment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncGroupResponse<'a> {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// Why there is none.
    pub error: ErrorCode,
    /// As the group has it, since version 5.
    pub protocol_type: Option<&'a str>,
    /// The assignor, since version 5.
    pub protocol_name: Option<&'a str>,
    /// What the member gets.
    pub assignment: &'a [u8],
}

impl<'a> Wire<'a> for SyncGroupRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.generation_id)?;
        coder.field(&mut self.member_id)?;
        coder.since(3, &mut self.group_instance_id)?;
        coder.since(5, &mut self.protocol_type)?;
        coder.since(5, &mut self.protocol_name)?;
        coder.field(&mut self.assignments)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for MemberAssignment<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.member_id)?;
        coder.field(&mut self.assignment)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for SyncGroupResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.since(5, &mut self.protocol_type)?;
        coder.since(5, &mut self.protocol_name)?;
        coder.field(&mut self.assignment)?;
        coder.tags()
    }
}
