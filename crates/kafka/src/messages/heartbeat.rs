//! `Heartbeat` (12), versions 0 to 4: keeps a member in its group, and tells it of a rebalance.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(Heartbeat: HeartbeatRequest<'a>, HeartbeatResponse);

/// Says that a member lives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeartbeatRequest<'a> {
    /// The group.
    pub group_id: &'a str,
    /// The generation the member is in.
    pub generation_id: i32,
    /// The member.
    pub member_id: &'a str,
    /// Its static name, since version 3.
    pub group_instance_id: Option<&'a str>,
}

/// Says whether the generation still stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeartbeatResponse {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// [`ErrorCode::RebalanceInProgress`] asks the member to join again.
    pub error: ErrorCode,
}

impl<'a> Wire<'a> for HeartbeatRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.group_id)?;
        coder.field(&mut self.generation_id)?;
        coder.field(&mut self.member_id)?;
        coder.since(3, &mut self.group_instance_id)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for HeartbeatResponse {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.tags()
    }
}
