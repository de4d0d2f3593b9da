//! Takes the password out of a source's URL.

use std::path::PathBuf;

use catalog::{Secret, TlsMode};
use mysql::connection::{Endpoint, EndpointError};

/// A source's URL in parts that are kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CleanUrl {
    /// The URL without password and options.
    pub(crate) url: String,
    /// The password, if it had one.
    pub(crate) password: Option<Secret>,
    /// Its option `tls`, if it had one.
    pub(crate) tls: Option<TlsMode>,
    /// Its option `ca`.
    pub(crate) ca: Option<PathBuf>,
    /// The database that its path names.
    pub(crate) database: Option<String>,
}

/// Parses a URL and takes out what must not be shown.
///
/// # Errors
/// The text is no URL of a source; the message does not repeat it.
pub(crate) fn clean_url(text: &str) -> Result<CleanUrl, EndpointError> {
    let endpoint = Endpoint::parse(text)?;
    let (address, options) = text.split_once('?').unwrap_or((text, ""));
    let has_tls = options.split('&').any(|option| option.starts_with("tls="));
    let tls = match endpoint.tls {
        mysql::connection::TlsMode::Disable => TlsMode::Disable,
        mysql::connection::TlsMode::Prefer => TlsMode::Prefer,
        mysql::connection::TlsMode::Require => TlsMode::Require,
        mysql::connection::TlsMode::VerifyCa => TlsMode::VerifyCa,
        mysql::connection::TlsMode::VerifyFull => TlsMode::VerifyFull,
    };
    Ok(CleanUrl {
        url: without_password(address) + if endpoint.statements { "?statements=on" } else { "" },
        password: endpoint.password.map(|password| Secret::new(password.expose())),
        tls: has_tls.then_some(tls),
        ca: endpoint.ca,
        database: endpoint.database,
    })
}

/// Cuts by the same rule as [`Endpoint::parse`]: the first colon of the account, the last `@`.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "***".into() };
    let Some((account, address)) = rest.rsplit_once('@') else { return url.into() };
    let user = account.split_once(':').map_or(account, |(user, _)| user);
    format!("{scheme}://{user}@{address}")
}
