//! Headers of requests and responses, and whole frames out of a header and a message.
//!
//! A request header is version 1, or version 2 (with tagged fields) for a flexible message; its
//! client id is never compact. A response header is version 0 or 1 likewise, except that the answer
//! to `ApiVersions` always has version 0, because the client does not know yet what the server
//! speaks (KIP-511). Request header version 0, of one API between brokers, is not served.

use crate::{
    ApiKey, ApiVersion, CorrelationId, Error, Frame, Result,
    codec::{Coder, Decoder, Encoder},
    messages::Message,
};

/// What stands before every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    /// What is asked for.
    pub api: ApiKey,
    /// In which version. May be one that is not served: see [`ApiKey::serves`].
    pub version: ApiVersion,
    /// Goes back in the response.
    pub correlation: CorrelationId,
    /// How the client calls itself; empty and null are both in use.
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Splits a request, without its frame length, into its header and its message.
    ///
    /// # Errors
    /// [`Error::UnknownApi`] if the API is not served; [`Error::Truncated`] or [`Error::Malformed`]
    /// if the header is not one.
    pub fn split(request: &'a [u8]) -> Result<(Self, &'a [u8])> {
        let mut decoder = Decoder::with_flexible(0, false, request);
        let (mut number, mut version, mut correlation) = (0, ApiVersion(0), CorrelationId(0));
        let mut client_id = None;
        decoder.int16(&mut number)?;
        decoder.field(&mut version)?;
        decoder.field(&mut correlation)?;
        let api = ApiKey::from_number(number).ok_or(Error::UnknownApi(number))?;
        decoder.nullable_string(&mut client_id)?;
        let mut tagged = Decoder::new(api, version, decoder.rest());
        tagged.tags()?;
        Ok((Self { api, version, correlation, client_id }, tagged.rest()))
    }
}

/// Writes a whole request.
///
/// # Errors
/// [`Error::Unwritable`] if a field has no form in this version.
pub fn encode_request<'a, M: Message<'a>>(
    version: ApiVersion,
    correlation: CorrelationId,
    client_id: Option<&'a str>,
    mut message: M,
) -> Result<Frame> {
    let mut header = Encoder::with_flexible(0, false, Frame::begin());
    let (mut number, mut version_field, mut correlation) = (M::API.number(), version, correlation);
    let mut client_id = client_id;
    header.int16(&mut number)?;
    header.field(&mut version_field)?;
    header.field(&mut correlation)?;
    header.nullable_string(&mut client_id)?;
    let mut encoder = Encoder::new(M::API, version, header.into_parts().0);
    Coder::<'a>::tags(&mut encoder)?;
    message.wire(&mut encoder)?;
    Frame::finish(encoder)
}

/// Writes a whole response.
///
/// # Errors
/// [`Error::Unwritable`] if a field has no form in this version.
pub fn encode_response<'a, M: Message<'a>>(
    version: ApiVersion,
    correlation: CorrelationId,
    mut message: M,
) -> Result<Frame> {
    let mut bytes = Frame::begin();
    bytes.extend_from_slice(&correlation.0.to_be_bytes());
    let mut encoder = Encoder::new(M::API, version, bytes);
    if has_tagged_response_header(M::API) {
        Coder::<'a>::tags(&mut encoder)?;
    }
    message.wire(&mut encoder)?;
    Frame::finish(encoder)
}

/// Splits a response, without its frame length, into its correlation id and its message.
///
/// # Errors
/// [`Error::Truncated`] or [`Error::Malformed`] if the header is not one.
pub fn split_response(
    api: ApiKey,
    version: ApiVersion,
    response: &[u8],
) -> Result<(CorrelationId, &[u8])> {
    let mut decoder = Decoder::new(api, version, response);
    let mut correlation = CorrelationId(0);
    decoder.field(&mut correlation)?;
    if has_tagged_response_header(api) {
        decoder.tags()?;
    }
    Ok((correlation, decoder.rest()))
}

fn has_tagged_response_header(api: ApiKey) -> bool {
    api != ApiKey::ApiVersions
}
