//! `FindCoordinator` (10), versions 0 to 6: which broker coordinates a group.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::{message, only},
};

message!(FindCoordinator: FindCoordinatorRequest<'a>, FindCoordinatorResponse<'a>);

/// The keys are group ids.
pub const KEY_TYPE_GROUP: i8 = 0;
/// The keys are names of producers that write transactions. Any other type is of share groups.
pub const KEY_TYPE_TRANSACTION: i8 = 1;

/// Asks for coordinators.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindCoordinatorRequest<'a> {
    /// What the keys name, since version 1: see [`KEY_TYPE_GROUP`].
    pub key_type: i8,
    /// Exactly one until version 3.
    pub keys: Vec<&'a str>,
}

/// Names coordinators.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindCoordinatorResponse<'a> {
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
    /// One per key, so exactly one until version 3.
    pub coordinators: Vec<Coordinator<'a>>,
}

/// The coordinator of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coordinator<'a> {
    /// The key it was asked for, since version 4.
    pub key: &'a str,
    /// The broker, or −1.
    pub node_id: i32,
    /// A host name or address that the client can reach.
    pub host: &'a str,
    /// The port of its listener, or −1.
    pub port: i32,
    /// Why there is none.
    pub error: ErrorCode,
    /// The same for people, since version 1.
    pub error_message: Option<&'a str>,
}

impl Default for Coordinator<'_> {
    fn default() -> Self {
        Self {
            key: "",
            node_id: -1,
            host: "",
            port: -1,
            error: ErrorCode::None,
            error_message: None,
        }
    }
}

impl<'a> Wire<'a> for FindCoordinatorRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        if coder.version() < 4 {
            coder.field(only(&mut self.keys)?)?;
        }
        coder.since(1, &mut self.key_type)?;
        coder.since(4, &mut self.keys)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for FindCoordinatorResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(1, &mut self.throttle_time_ms)?;
        if coder.version() < 4 {
            let coordinator = only(&mut self.coordinators)?;
            coder.field(&mut coordinator.error)?;
            coder.since(1, &mut coordinator.error_message)?;
            coder.field(&mut coordinator.node_id)?;
            coder.field(&mut coordinator.host)?;
            coder.field(&mut coordinator.port)?;
        } else {
            coder.field(&mut self.coordinators)?;
        }
        coder.tags()
    }
}

/// The form of version 4.
impl<'a> Wire<'a> for Coordinator<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.key)?;
        coder.field(&mut self.node_id)?;
        coder.field(&mut self.host)?;
        coder.field(&mut self.port)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.tags()
    }
}
