//! `DescribeGroups` (15), versions 0 to 6: who is in a group, and what each one reads.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::{OPERATIONS_UNKNOWN, message},
};

message!(DescribeGroups: DescribeGroupsRequest<'a>, DescribeGroupsResponse<'a>);

/// Asks what groups are like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeGroupsRequest<'a> {
    /// Their ids.
    pub groups: Vec<&'a str>,
    /// Since version 3.
    pub include_authorized_operations: bool,
}

/// Says what groups are like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribeGroupsResponse<'a> {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// One per group asked for.
    pub groups: Vec<DescribedGroup<'a>>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedGroup<'a> {
    /// Why there is no description. Since version 6, [`ErrorCode::GroupIdNotFound`] of a group that
    /// does not exist; before, such a group is described as `Dead`, without an error.
    pub error: ErrorCode,
    /// The error for people, since version 6.
    pub error_message: Option<&'a str>,
    /// Its id.
    pub group_id: &'a str,
    /// Kafka's name of its state.
    pub group_state: &'a str,
    /// `consumer` for consumers; empty while nobody has joined.
    pub protocol_type: &'a str,
    /// The assignor that was chosen, or empty.
    pub protocol_data: &'a str,
    /// Its members.
    pub members: Vec<DescribedMember<'a>>,
    /// What the caller may do, as a set of bits; since version 3.
    pub authorized_operations: i32,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DescribedMember<'a> {
    /// Its id.
    pub member_id: &'a str,
    /// Its static name, since version 4.
    pub group_instance_id: Option<&'a str>,
    /// How its client calls itself.
    pub client_id: &'a str,
    /// Where it comes from: a slash and the address.
    pub client_host: &'a str,
    /// Its subscription, as it joined with it.
    pub member_metadata: &'a [u8],
    /// What it was assigned.
    pub member_assignment: &'a [u8],
}

impl Default for DescribedGroup<'_> {
    fn default() -> Self {
        Self {
            error: ErrorCode::None,
            error_message: None,
            group_id: "",
            group_state: "",
            protocol_type: "",
            protocol_data: "",
            members: Vec::new(),
            authorized_operations: OPERATIONS_UNKNOWN,
        }
    }
}

impl<'a> Wire<'a> for DescribeGroupsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.groups)?;
        coder.since(3, &mut self.include_authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribeGroupsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.field(&mut self.groups)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribedGroup<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.since(6, &mut self.error_message)?;
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.group_state)?;
        coder.field(&mut self.protocol_type)?;
        coder.field(&mut self.protocol_data)?;
        coder.field(&mut self.members)?;
        coder.since(3, &mut self.authorized_operations)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for DescribedMember<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.member_id)?;
        coder.since(4, &mut self.group_instance_id)?;
        coder.field(&mut self.client_id)?;
        coder.field(&mut self.client_host)?;
        coder.field(&mut self.member_metadata)?;
        coder.field(&mut self.member_assignment)?;
        coder.tags()
    }
}
