//! Capability flags (`CLIENT_*`), which both sides tell in the handshake.

/// Both halves of the flags in one number.
pub type Capabilities = u32;

/// MySQL: use the improved password method. MariaDB clears it to say that 64 flags follow.
pub const LONG_PASSWORD: Capabilities = 1;
/// Wide flags in column definitions.
pub const LONG_FLAG: Capabilities = 1 << 2;
/// The 4.1 protocol, without which we do not talk.
pub const PROTOCOL_41: Capabilities = 1 << 9;
/// TLS is possible.
pub const SSL: Capabilities = 1 << 11;
/// `OK` packets carry transaction state.
pub const TRANSACTIONS: Capabilities = 1 << 13;
/// 4.1 authentication.
pub const SECURE_CONNECTION: Capabilities = 1 << 15;
/// Authentication plugins have names.
pub const PLUGIN_AUTH: Capabilities = 1 << 19;
/// Connection attributes stand in the handshake response.
pub const CONNECT_ATTRS: Capabilities = 1 << 20;
/// The authentication answer may be longer than 255 bytes.
pub const PLUGIN_AUTH_LENENC_CLIENT_DATA: Capabilities = 1 << 21;

/// What we ask for if the server has it. Not `DEPRECATE_EOF` (classic result sets work everywhere), not
/// `LOCAL_FILES`, not `COMPRESS`.
pub const WANTED: Capabilities = LONG_PASSWORD
    | LONG_FLAG
    | PROTOCOL_41
    | TRANSACTIONS
    | SECURE_CONNECTION
    | PLUGIN_AUTH
    | CONNECT_ATTRS
    | PLUGIN_AUTH_LENENC_CLIENT_DATA;
