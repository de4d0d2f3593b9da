//! `ListGroups` (16), versions 0 to 5: which groups there are.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(ListGroups: ListGroupsRequest<'a>, ListGroupsResponse<'a>);

/// Asks for groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListGroupsRequest<'a> {
    /// Only groups in these states, since version 4; empty asks for all.
    pub states_filter: Vec<&'a str>,
    /// Only groups of these types, since version 5 (KIP-848); empty asks for all.
    pub types_filter: Vec<&'a str>,
}

/// Answers groups.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListGroupsResponse<'a> {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// Why there is no answer.
    pub error: ErrorCode,
    /// The groups.
    pub groups: Vec<ListedGroup<'a>>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListedGroup<'a> {
    /// Its id.
    pub group_id: &'a str,
    /// `consumer` for consumers; empty while nobody has joined.
    pub protocol_type: &'a str,
    /// Kafka's name of its state, since version 4.
    pub group_state: &'a str,
    /// `classic` or `consumer`, since version 5.
    pub group_type: &'a str,
}

impl<'a> Wire<'a> for ListGroupsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(4, &mut self.states_filter)?;
        coder.since(5, &mut self.types_filter)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListGroupsResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.groups)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ListedGroup<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.protocol_type)?;
        coder.since(4, &mut self.group_state)?;
        coder.since(5, &mut self.group_type)?;
        coder.tags()
    }
}
