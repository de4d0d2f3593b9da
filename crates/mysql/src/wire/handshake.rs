//! The first messages of a connection: the server's greeting, our request for TLS, our response.

use crate::Error;
use crate::wire::capability::{self, Capabilities};
use crate::wire::{Reader, Writer};

/// `Protocol::HandshakeV10`, the server's greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The server's version text. MariaDB's often starts with `5.5.5-`, which is taken off here.
    pub version: String,
    /// The server's number for this connection.
    pub connection_id: u32,
    /// What the server can do.
    pub capabilities: Capabilities,
    /// Its default authentication plugin, or empty.
    pub plugin: String,
    /// The challenge for the password, 20 bytes from all known servers.
    pub nonce: Vec<u8>,
}

impl Greeting {
    /// Decodes the first packet of a connection.
    ///
    /// # Errors
    /// The server refuses us (too many connections, host blocked), speaks another protocol, or sends
    /// bytes that are no greeting.
    pub fn decode(payload: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("the greeting", payload);
        match reader.u8()? {
            10 => {}
            0xff => return Err(super::reply::decode_error(payload)),
            _ => return Err(reader.malformed("this is no MySQL server")),
        }
        let version = utf8(reader.null_terminated()?);
        let connection_id = reader.u32()?;
        let mut nonce = reader.bytes(8)?.to_vec();
        reader.bytes(1)?;
        let lower = reader.u16()?;
        if reader.remaining() == 0 {
            return Err(Error::Unsupported(format!("server version {version} is too old")));
        }
        reader.bytes(3)?; // default collation, status flags
        let upper = reader.u16()?;
        let capabilities = u32::from(lower) | u32::from(upper) << 16;
        let nonce_len = usize::from(reader.u8()?);
        reader.bytes(10)?; // filler; the last four bytes are MariaDB's further flags
        if capabilities & capability::PROTOCOL_41 == 0 {
            return Err(Error::Unsupported(format!("server version {version} is too old")));
        }
        let second = reader.bytes(nonce_len.saturating_sub(8).max(13).min(reader.remaining()))?;
        nonce.extend_from_slice(second.strip_suffix(&[0]).unwrap_or(second));
        let plugin = match capabilities & capability::PLUGIN_AUTH {
            0 => String::new(),
            _ => utf8(reader.null_terminated()?),
        };
        let version = version.strip_prefix("5.5.5-").unwrap_or(&version).to_owned();
        Ok(Self { version, connection_id, capabilities, plugin, nonce })
    }

    /// Whether the server offers TLS.
    #[must_use]
    pub const fn offers_tls(&self) -> bool {
        self.capabilities & capability::SSL != 0
    }
}

/// `Protocol::HandshakeResponse41`. It names no database: one that is dropped must not lock us out.
#[derive(Debug)]
pub struct HandshakeResponse<'a> {
    /// Flags both sides have, see [`negotiate`].
    pub capabilities: Capabilities,
    /// Account name.
    pub user: &'a str,
    /// The first answer of the authentication plugin.
    pub auth: &'a [u8],
    /// Name of that plugin.
    pub plugin: &'a str,
    /// What the server may show about us.
    pub attributes: &'a [(&'a str, &'a str)],
}

/// The flags for this connection.
///
/// # Errors
/// The server cannot do what we need at least.
pub fn negotiate(server: Capabilities, tls: bool) -> Result<Capabilities, Error> {
    let needed = capability::PROTOCOL_41 | capability::SECURE_CONNECTION;
    if server & needed != needed {
        return Err(Error::Unsupported("the server has no 4.1 authentication".into()));
    }
    let wanted = capability::WANTED | if tls { capability::SSL } else { 0 };
    // MariaDB clears LONG_PASSWORD in its greeting, but takes it in our answer.
    Ok(wanted & (server | capability::LONG_PASSWORD))
}

/// `Protocol::SSLRequest`: the head of the response, after which both sides speak TLS.
#[must_use]
pub fn ssl_request(capabilities: Capabilities) -> Vec<u8> {
    head(capabilities).finish()
}

impl HandshakeResponse<'_> {
    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let writer = head(self.capabilities).null_terminated(self.user.as_bytes());
        let writer = if self.has(capability::PLUGIN_AUTH_LENENC_CLIENT_DATA) {
            writer.lenenc_bytes(self.auth)
        } else {
            writer.short_bytes(self.auth)
        };
        let writer = if self.has(capability::PLUGIN_AUTH) {
            writer.null_terminated(self.plugin.as_bytes())
        } else {
            writer
        };
        if !self.has(capability::CONNECT_ATTRS) {
            return writer.finish();
        }
        let mut attributes = Writer::new();
        for (key, value) in self.attributes {
            attributes = attributes.lenenc_bytes(key.as_bytes()).lenenc_bytes(value.as_bytes());
        }
        writer.lenenc_bytes(&attributes.finish()).finish()
    }

    const fn has(&self, flag: Capabilities) -> bool {
        self.capabilities & flag != 0
    }
}

fn head(capabilities: Capabilities) -> Writer {
    Writer::new().u32(capabilities).u32(MAX_PACKET).u8(UTF8MB4_GENERAL_CI).bytes(&[0; 23])
}

fn utf8(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The largest packet a server may be configured to send.
const MAX_PACKET: u32 = 1 << 30;

/// The one utf8mb4 collation that every server since 5.5 has under the same number.
const UTF8MB4_GENERAL_CI: u8 = 45;
