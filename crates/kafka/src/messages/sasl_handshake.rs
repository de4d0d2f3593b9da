//! `SaslHandshake` (17), versions 0 and 1: chooses a SASL mechanism.
//!
//! After version 1 the tokens travel in `SaslAuthenticate`; after version 0 they travel bare, with
//! only a length before them, outside of the protocol.

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(SaslHandshake: SaslHandshakeRequest<'a>, SaslHandshakeResponse<'a>);

/// Chooses a mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaslHandshakeRequest<'a> {
    /// Its name, such as `PLAIN`.
    pub mechanism: &'a str,
}

/// Agrees, or says what there is to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaslHandshakeResponse<'a> {
    /// [`ErrorCode::UnsupportedSaslMechanism`] if it is not offered.
    pub error: ErrorCode,
    /// What is offered.
    pub mechanisms: Vec<&'a str>,
}

impl<'a> Wire<'a> for SaslHandshakeRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.mechanism)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for SaslHandshakeResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.mechanisms)?;
        coder.tags()
    }
}
