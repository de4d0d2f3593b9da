//! `JoinGroup` (11), versions 0 to 9: enters a consumer group, or stays in it at a rebalance.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(JoinGroup: JoinGroupRequest<'a>, JoinGroupResponse<'a>);

/// Asks to enter a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinGroupRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// How long the member may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// How long the member may take to join again, in milliseconds; since version 1. −1 before:
    /// the session timeout serves for both.
    pub rebalance_timeout_ms: i32,
    /// Empty for a new member.
    pub member_id: &'a str,
    /// The static name of the member, since version 5 (KIP-345).
    pub group_instance_id: Option<&'a str>,
    /// `consumer` for consumers.
    pub protocol_type: &'a str,
    /// The assignors the member supports, best first.
    pub protocols: Vec<GroupProtocol<'a>>,
    /// Why the member joins, for people; since version 8.
    pub reason: Option<&'a str>,
}

/// One assignor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupProtocol<'a> {
    /// Its name.
    pub name: &'a str,
    /// The member's subscription, which only members understand.
    pub metadata: &'a [u8],
}

/// Says that a generation has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinGroupResponse<'a> {
    /// Milliseconds, since version 2.
    pub throttle_time_ms: i32,
    /// Why the member is not in.
    pub error: ErrorCode,
    /// The generation, or −1.
    pub generation_id: i32,
    /// As the group has it, since version 7.
    pub protocol_type: Option<&'a str>,
    /// The assignor that was chosen; may be `None` only since version 7.
    pub protocol_name: Option<&'a str>,
    /// The member id of the leader, who assigns.
    pub leader: &'a str,
    /// Whether the leader must not assign, since version 9.
    pub skip_assignment: bool,
    /// The member's own id.
    pub member_id: &'a str,
    /// Everybody, for the leader; nobody, for the others.
    pub members: Vec<JoinedMember<'a>>,
}

/// One member of the generation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JoinedMember<'a> {
    /// Its id.
    pub member_id: &'a str,
    /// Its static name, since version 5.
    pub group_instance_id: Option<&'a str>,
    /// Its [`GroupProtocol::metadata`] for the chosen assignor.
    pub metadata: &'a [u8],
}

impl Default for JoinGroupRequest<'_> {
    fn default() -> Self {
        Self {
            group_id: "",
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: "",
            group_instance_id: None,
            protocol_type: "",
            protocols: Vec::new(),
            reason: None,
        }
    }
}

impl Default for JoinGroupResponse<'_> {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error: ErrorCode::None,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(""),
            leader: "",
            skip_assignment: false,
            member_id: "",
            members: Vec::new(),
        }
    }
}

impl<'a> Wire<'a> for JoinGroupRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.session_timeout_ms)?;
        coder.since(1, &mut self.rebalance_timeout_ms)?;
        coder.field(&mut self.member_id)?;
        coder.since(5, &mut self.group_instance_id)?;
        coder.field(&mut self.protocol_type)?;
        coder.field(&mut self.protocols)?;
        coder.since(8, &mut self.reason)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for GroupProtocol<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.name)?;
        coder.field(&mut self.metadata)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for JoinGroupResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(2, &mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.generation_id)?;
        coder.since(7, &mut self.protocol_type)?;
        coder.nullable_string_since(7, &mut self.protocol_name)?;
        coder.field(&mut self.leader)?;
        coder.since(9, &mut self.skip_assignment)?;
        coder.field(&mut self.member_id)?;
        coder.field(&mut self.members)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for JoinedMember<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.member_id)?;
        coder.since(5, &mut self.group_instance_id)?;
        coder.field(&mut self.metadata)?;
        coder.tags()
    }
}
