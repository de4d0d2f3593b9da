//! What a server answers: `OK`, `ERR`, `EOF`, and its steps during authentication.

use crate::error::{Error, ServerError};
use crate::wire::Reader;

/// First byte of `OK`.
pub const OK: u8 = 0x00;
/// First byte of `AuthMoreData`.
pub const MORE_DATA: u8 = 0x01;
/// First byte of `EOF` and of `AuthSwitchRequest`.
pub const EOF: u8 = 0xfe;
/// First byte of `ERR`.
pub const ERR: u8 = 0xff;
/// First byte of a request for a local file.
pub const LOCAL_INFILE: u8 = 0xfb;

/// `OK`: a statement without result set succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OkPacket {
    /// Rows it changed.
    pub affected_rows: u64,
    /// Server status flags.
    pub status: u16,
    /// Warnings it raised.
    pub warnings: u16,
}

impl OkPacket {
    /// Decodes the payload, its first byte included.
    ///
    /// # Errors
    /// The payload is cut or no `OK`.
    pub fn decode(payload: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("an OK packet", payload);
        if !matches!(reader.u8()?, OK | EOF) {
            return Err(reader.malformed("its first byte is another packet's"));
        }
        let affected_rows = reader.lenenc_int()?;
        reader.lenenc_int()?; // last insert id
        Ok(Self { affected_rows, status: reader.u16()?, warnings: reader.u16()? })
    }
}

/// Decodes `ERR`, first byte included. Bytes that are no `ERR` give the error about that.
#[must_use]
pub fn decode_error(payload: &[u8]) -> Error {
    match server_error(payload) {
        Ok(error) => Error::Server(error),
        Err(error) => error,
    }
}

fn server_error(payload: &[u8]) -> Result<ServerError, Error> {
    let mut reader = Reader::new("an error packet", payload);
    if reader.u8()? != ERR {
        return Err(reader.malformed("its first byte is another packet's"));
    }
    let code = reader.u16()?;
    let mut sqlstate = "HY000".to_owned();
    if reader.peek() == Some(b'#') {
        reader.bytes(1)?;
        sqlstate = String::from_utf8_lossy(reader.bytes(5)?).into_owned();
    }
    let message = String::from_utf8_lossy(reader.rest()).into_owned();
    Ok(ServerError { code, sqlstate, message })
}

/// Whether a payload is the classic `EOF` packet, and not a row that starts with a huge length.
#[must_use]
pub fn is_eof(payload: &[u8]) -> bool {
    payload.first() == Some(&EOF) && payload.len() < 9
}

/// What a server says while it authenticates us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthReply<'a> {
    /// We are in.
    Ok,
    /// Start again with another plugin.
    Switch {
        /// Its name.
        plugin: &'a str,
        /// Its challenge; whether a zero closes it depends on the plugin.
        nonce: &'a [u8],
    },
    /// The current plugin's next message.
    More(&'a [u8]),
}

impl<'a> AuthReply<'a> {
    /// Decodes the payload.
    ///
    /// # Errors
    /// The server refuses us, or the bytes are none of its possible answers.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("an authentication packet", payload);
        match reader.u8()? {
            OK => OkPacket::decode(payload).map(|_| Self::Ok),
            MORE_DATA => Ok(Self::More(reader.rest())),
            // Without a name: the password method of before 4.1.
            EOF if reader.remaining() == 0 => {
                Ok(Self::Switch { plugin: "mysql_old_password", nonce: &[] })
            }
            EOF => {
                let plugin = std::str::from_utf8(reader.null_terminated()?)
                    .map_err(|_| reader.malformed("the plugin's name is not UTF-8"))?;
                Ok(Self::Switch { plugin, nonce: reader.rest() })
            }
            ERR => Err(decode_error(payload)),
            _ => Err(reader.malformed("its first byte is unknown")),
        }
    }
}
