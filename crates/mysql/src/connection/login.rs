//! From a TCP connection to an authenticated one.

use super::endpoint::{Endpoint, Secret, TlsMode};
use super::packets::Packets;
use super::transport::Transport;
use super::version::ServerVersion;
use super::{Connection, MAX_SMALL, Timeouts, tls};
use crate::Error;
use crate::wire::auth::Authenticator;
use crate::wire::handshake::{Greeting, HandshakeResponse, negotiate, ssl_request};
use crate::wire::reply::AuthReply;

pub(super) fn login(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Connection, Error> {
    let mut packets = Packets::new(Transport::connect(endpoint, timeouts.connect)?);
    let greeting = Greeting::decode(packets.receive(MAX_SMALL)?)?;
    let encrypted = wants_tls(endpoint.tls, greeting.offers_tls())?;
    let capabilities = negotiate(greeting.capabilities, encrypted)?;
    if encrypted {
        packets.send(&ssl_request(capabilities))?;
        let session = tls::session(endpoint)?;
        packets = packets.upgrade(|transport| transport.upgrade(session))?;
    }
    let password = endpoint.password.as_ref().map_or("", Secret::expose);
    let mut authenticator =
        Authenticator::new(&greeting.plugin, &greeting.nonce, password, encrypted);
    let auth = authenticator.answer()?;
    let response = HandshakeResponse {
        capabilities,
        user: &endpoint.user,
        auth: &auth,
        plugin: authenticator.plugin_name(),
        attributes: &[
            ("program_name", "wellhead"),
            ("_client_name", "wellhead"),
            ("_client_version", env!("CARGO_PKG_VERSION")),
        ],
    };
    packets.send(&response.encode())?;
    authenticate(&mut packets, &mut authenticator)?;
    packets.transport().limit_waits(timeouts.answer, timeouts.answer)?;
    let version = ServerVersion::parse(&greeting.version);
    Ok(Connection { packets, version, connection_id: greeting.connection_id })
}

fn wants_tls(mode: TlsMode, offered: bool) -> Result<bool, Error> {
    match mode {
        TlsMode::Disable => Ok(false),
        TlsMode::Prefer => Ok(offered),
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull if offered => Ok(true),
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => Err(Error::TlsNotOffered),
    }
}

/// Follows the server through its steps until it lets us in or refuses.
fn authenticate(packets: &mut Packets, authenticator: &mut Authenticator<'_>) -> Result<(), Error> {
    for _step in 0..MAX_STEPS {
        let answer = match AuthReply::decode(packets.receive(MAX_SMALL)?)? {
            AuthReply::Ok => return Ok(()),
            AuthReply::Switch { plugin, nonce } => Some(authenticator.switch(plugin, nonce)?),
            AuthReply::More(data) => authenticator.more(data)?,
        };
        if let Some(answer) = answer {
            packets.send(&answer)?;
        }
    }
    Err(Error::Malformed { what: "authentication", reason: "it does not come to an end" })
}

/// More than any plugin's way takes: switch, full authentication, key, answer.
const MAX_STEPS: usize = 16;
