//! `ApiVersions` (18), versions 0 to 4: what is served. Asked before anything else, even SASL.

use crate::{
    ApiKey, ErrorCode, Result,
    codec::{Coder, Wire},
    messages::message,
};

message!(ApiVersions: ApiVersionsRequest<'a>, ApiVersionsResponse);

/// Asks what is served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiVersionsRequest<'a> {
    /// The name of the client library, since version 3 (KIP-511).
    pub client_software_name: &'a str,
    /// The version of the client library, since version 3.
    pub client_software_version: &'a str,
}

/// Says what is served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiVersionsResponse {
    /// [`ErrorCode::UnsupportedVersion`] if the request's own version is not served.
    pub error: ErrorCode,
    /// The served APIs.
    pub apis: Vec<ServedApi>,
    /// Milliseconds, since version 1.
    pub throttle_time_ms: i32,
}

/// One served API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServedApi {
    /// [`ApiKey::number`].
    pub api: i16,
    /// The oldest version that is served.
    pub min: i16,
    /// The newest version that is served.
    pub max: i16,
}

impl ApiVersionsResponse {
    /// The table of [`crate::api`].
    pub fn served() -> Self {
        let apis = ApiKey::ALL.into_iter().map(ServedApi::from).collect();
        Self { error: ErrorCode::None, apis, throttle_time_ms: 0 }
    }

    /// The answer to an `ApiVersions` request of a version that is not served. To be written as
    /// version 0 whatever was asked (KIP-511), so that the client can ask again.
    pub fn unsupported_version() -> Self {
        let apis = vec![ServedApi::from(ApiKey::ApiVersions)];
        Self { error: ErrorCode::UnsupportedVersion, apis, throttle_time_ms: 0 }
    }
}

impl From<ApiKey> for ServedApi {
    fn from(api: ApiKey) -> Self {
        let versions = api.versions();
        Self { api: api.number(), min: versions.min, max: versions.max }
    }
}

impl<'a> Wire<'a> for ApiVersionsRequest<'a> {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.since(3, &mut self.client_software_name)?;
        coder.since(3, &mut self.client_software_version)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ApiVersionsResponse {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.error)?;
        coder.field(&mut self.apis)?;
        coder.since(1, &mut self.throttle_time_ms)?;
        coder.tags()
    }
}

impl<'a> Wire<'a> for ServedApi {
    fn wire<C: Coder<'a>>(&mut self, coder: &mut C) -> Result<()> {
        coder.field(&mut self.api)?;
        coder.field(&mut self.min)?;
        coder.field(&mut self.max)?;
        coder.tags()
    }
}
