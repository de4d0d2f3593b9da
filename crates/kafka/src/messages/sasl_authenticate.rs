//! `SaslAuthenticate` (36), versions 0 to 2: carries SASL tokens. What they mean is not known here.

use std::fmt;

use crate::{
    ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(SaslAuthenticate: SaslAuthenticateRequest<'a>, SaslAuthenticateResponse<'a>);

/// A token of the client. Its debug form hides it, because it holds a password.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SaslAuthenticateRequest<'a> {
    /// The token.
    pub auth_bytes: &'a [u8],
}

/// A token of the server, or the end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaslAuthenticateResponse<'a> {
    /// [`ErrorCode::SaslAuthenticationFailed`] for a wrong user or password.
    pub error: ErrorCode,
    /// The error for people.
    pub error_message: Option<&'a str>,
    /// The token; empty for mechanisms in which the server has nothing to say.
    pub auth_bytes: &'a [u8],
    /// Milliseconds until the client must authenticate again, or 0 for never; since version 1.
    pub session_lifetime_ms: i64,
}

impl fmt::Debug for SaslAuthenticateRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SaslAuthenticateRequest").finish_non_exhaustive()
    }
}

impl<'a> Wire<'a> for SaslAuthenticateRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.auth_bytes)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for SaslAuthenticateResponse<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.error_message)?;
        coder.field(&mut self.auth_bytes)?;
        coder.since(1, &mut self.session_lifetime_ms)?;
        coder.tags()
    }
}
