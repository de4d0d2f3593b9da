//! `InitProducerId` (22), versions 0 to 5: what a producer asks before it writes; refused.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(InitProducerId: InitProducerIdRequest<'a>, InitProducerIdResponse);

/// Asks for a producer id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitProducerIdRequest<'a> {
    /// The name of a producer that writes transactions.
    pub transactional_id: Option<&'a str>,
    /// How long a transaction may take, in milliseconds.
    pub transaction_timeout_ms: i32,
    /// The id it has, or −1; since version 3.
    pub producer_id: i64,
    /// Its epoch, or −1; since version 3.
    pub producer_epoch: i16,
}

/// Answers a producer id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitProducerIdResponse {
    /// Milliseconds.
    pub throttle_time_ms: i32,
    /// Why there is none.
    pub error: ErrorCode,
    /// The id, or −1.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i16,
}

impl Default for InitProducerIdRequest<'_> {
    fn default() -> Self {
        Self {
            transactional_id: None,
            transaction_timeout_ms: 0,
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self { throttle_time_ms: 0, error: ErrorCode::None, producer_id: -1, producer_epoch: 0 }
    }
}

impl<'a> Wire<'a> for InitProducerIdRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.transactional_id)?;
        coder.field(&mut self.transaction_timeout_ms)?;
        coder.since(3, &mut self.producer_id)?;
        coder.since(3, &mut self.producer_epoch)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for InitProducerIdResponse {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.throttle_time_ms)?;
        coder.field(&mut self.error)?;
        coder.field(&mut self.producer_id)?;
        coder.field(&mut self.producer_epoch)?;
        coder.tags()
    }
}
