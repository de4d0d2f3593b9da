//! Proving who we are, without I/O: an [`Authenticator`] answers each step the server takes.
//!
//! One file per plugin. Kerberos, LDAP, OCI and WebAuthn are deliberately absent; an account that uses
//! them is refused with its plugin's name.

mod ed25519;
mod native;
mod sha2;

#[cfg(test)]
mod tests;

use crate::Error;

/// Answers the server's authentication steps for one account.
pub struct Authenticator<'a> {
    password: &'a [u8],
    /// Whether the bytes we send are encrypted by TLS.
    encrypted: bool,
    plugin: Plugin,
    nonce: Vec<u8>,
    /// The server's next message is its RSA key, which we asked for.
    awaiting_key: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plugin {
    Native,
    CachingSha2,
    Sha256,
    Ed25519,
    Clear,
}

impl<'a> Authenticator<'a> {
    /// Starts with the plugin of the server's greeting. One that we do not speak is no error yet: the
    /// account may use another, to which the server will switch.
    #[must_use]
    pub fn new(plugin: &str, nonce: &[u8], password: &'a str, encrypted: bool) -> Self {
        let plugin = match Plugin::by_name(plugin) {
            None | Some(Plugin::Clear) => Plugin::Native,
            Some(plugin) => plugin,
        };
        let password = password.as_bytes();
        Self { password, encrypted, plugin, nonce: nonce.to_vec(), awaiting_key: false }
    }

    /// The plugin that answers now, as the server spells it.
    #[must_use]
    pub const fn plugin_name(&self) -> &'static str {
        self.plugin.name()
    }

    /// The answer to the nonce.
    ///
    /// # Errors
    /// The plugin would need an encrypted connection.
    pub fn answer(&mut self) -> Result<Vec<u8>, Error> {
        if self.password.is_empty() {
            return Ok(self.plugin.empty_password());
        }
        match self.plugin {
            Plugin::Native => Ok(native::scramble(self.password, &self.nonce).to_vec()),
            Plugin::CachingSha2 => Ok(sha2::scramble(self.password, &self.nonce).to_vec()),
            Plugin::Sha256 if self.encrypted => Ok(self.clear()),
            Plugin::Sha256 => Ok(self.ask_for_key(sha2::SHA256_REQUEST_KEY)),
            Plugin::Ed25519 => Ok(ed25519::sign(self.password, &self.nonce).to_vec()),
            Plugin::Clear if self.encrypted => Ok(self.clear()),
            Plugin::Clear => Err(Error::AuthNeedsTls { plugin: self.plugin.name().into() }),
        }
    }

    /// The server wants another plugin: the answer to its nonce.
    ///
    /// # Errors
    /// We do not speak that plugin, or it would need an encrypted connection.
    pub fn switch(&mut self, plugin: &str, nonce: &[u8]) -> Result<Vec<u8>, Error> {
        self.plugin = Plugin::by_name(plugin)
            .ok_or_else(|| Error::AuthPlugin { plugin: plugin.chars().take(64).collect() })?;
        self.nonce = self.plugin.nonce(nonce).to_vec();
        self.awaiting_key = false;
        self.answer()
    }

    /// The plugin's next message: what to send, if anything.
    ///
    /// # Errors
    /// The message is not one of the plugin's.
    pub fn more(&mut self, data: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        if self.awaiting_key {
            self.awaiting_key = false;
            return sha2::encrypt_password(self.password, &self.nonce, data).map(Some);
        }
        match (self.plugin, data) {
            (Plugin::CachingSha2, [sha2::FAST_AUTH_OK]) => Ok(None),
            (Plugin::CachingSha2, [sha2::FULL_AUTH]) if self.encrypted => Ok(Some(self.clear())),
            (Plugin::CachingSha2, [sha2::FULL_AUTH]) => {
                Ok(Some(self.ask_for_key(sha2::CACHING_SHA2_REQUEST_KEY)))
            }
            _ => Err(Error::Malformed {
                what: "an authentication packet",
                reason: "its plugin has no such step",
            }),
        }
    }

    fn ask_for_key(&mut self, request: u8) -> Vec<u8> {
        self.awaiting_key = true;
        vec![request]
    }

    fn clear(&self) -> Vec<u8> {
        [self.password, &[0]].concat()
    }
}

impl std::fmt::Debug for Authenticator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("plugin", &self.plugin)
            .field("encrypted", &self.encrypted)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    fn by_name(name: &str) -> Option<Self> {
        [Self::Native, Self::CachingSha2, Self::Sha256, Self::Ed25519, Self::Clear]
            .into_iter()
            .find(|plugin| plugin.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Sha256 => "sha256_password",
            Self::Ed25519 => "client_ed25519",
            Self::Clear => "mysql_clear_password",
        }
    }

    /// The challenge within the bytes of a switch: twenty bytes, which the server closes with a zero,
    /// except for MariaDB's `ed25519`, whose bytes are random to the last, which may be a zero too.
    fn nonce(self, sent: &[u8]) -> &[u8] {
        match self {
            Self::Ed25519 => sent,
            Self::Native | Self::CachingSha2 | Self::Sha256 | Self::Clear => {
                sent.strip_suffix(&[0]).unwrap_or(sent)
            }
        }
    }

    /// `sha256_password` and the clear one expect the closing zero; the others nothing at all.
    fn empty_password(self) -> Vec<u8> {
        match self {
            Self::Sha256 | Self::Clear => vec![0],
            Self::Native | Self::CachingSha2 | Self::Ed25519 => Vec::new(),
        }
    }
}
