//! Seals the passwords of sources with the key file beside the catalog.
//!
//! The file is one line, `wellhead-key-1:` and 64 hexadecimal digits, and may be read by its owner
//! alone. A sealed value is a version byte (1), the nonce of 12 bytes, the ciphertext, and the tag of
//! 16 bytes, of AES-256-GCM; what it belongs to is authenticated with it, so that one sealed value
//! cannot stand in for another.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hmac, rand};

use crate::{Error, Result, Secret};

/// The key that seals.
pub(crate) struct SealKey {
    key: RandomizedNonceKey,
    /// Made of the same key for another purpose: what users that do not exist are answered with.
    decoys: hmac::Key,
    path: PathBuf,
}

/// The name of the key file in the data folder.
pub(crate) const KEY_FILE_NAME: &str = "catalog.key";

const FAMILY: &str = "wellhead-key-";
const VERSION: &str = "1";
const KEY_LEN: usize = 32;
const SEALED_VERSION: u8 = 1;

impl SealKey {
    /// Reads the key file, or makes one when there is none and `may_create`.
    pub(crate) fn open(path: &Path, may_create: bool) -> Result<Self> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        match File::open(path) {
            Ok(file) => Self::read(path, file),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io(error)),
            Err(_) if may_create => Self::create(path),
            Err(_) => Err(Error::KeyMissing { path: path.to_owned() }),
        }
    }

    fn read(path: &Path, file: File) -> Result<Self> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let mode = file.metadata().map_err(io)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(Error::KeyExposed { path: path.to_owned(), mode });
        }
        let mut bytes = Vec::new();
        file.take(1024).read_to_end(&mut bytes).map_err(io)?;
        let malformed = || Error::KeyMalformed { path: path.to_owned() };
        let (version, key) = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.trim_end().strip_prefix(FAMILY)?.split_once(':'))
            .ok_or_else(malformed)?;
        match version.parse::<i64>() {
            Ok(1) => Self::new(path, &from_hex(key).ok_or_else(malformed)?),
            Ok(found @ 2..) => Err(Error::Newer { path: path.to_owned(), found, known: 1 }),
            _ => Err(malformed()),
        }
    }

    /// The key must be on disk before anything is sealed with it, hence the flushes.
    fn create(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let mut key = [0; KEY_LEN];
        rand::fill(&mut key)?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
        writeln!(file, "{FAMILY}{VERSION}:{}", to_hex(&key)).map_err(io)?;
        file.sync_all().map_err(io)?;
        if let Some(folder) = path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Self::new(path, &key)
    }

    fn new(path: &Path, key: &[u8; KEY_LEN]) -> Result<Self> {
        let decoys = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"decoys");
        let decoys = hmac::Key::new(hmac::HMAC_SHA256, decoys.as_ref());
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)?;
        Ok(Self { key, decoys, path: path.to_owned() })
    }

    /// The seed of decoys, the same after each start.
    pub(crate) fn decoys(&self) -> &hmac::Key {
        &self.decoys
    }

    /// Seals `secret` for the place that `belongs_to` names.
    pub(crate) fn seal(&self, belongs_to: &str, secret: &Secret) -> Result<Vec<u8>> {
        let mut text = secret.expose().as_bytes().to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(belongs_to), &mut text)?;
        let mut sealed = vec![SEALED_VERSION];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// Opens what [`SealKey::seal`] made for the same place.
    pub(crate) fn open_sealed(&self, belongs_to: &str, sealed: &[u8]) -> Result<Secret> {
        let wrong = || Error::KeyWrong { path: self.path.clone() };
        let corrupt = || Error::Corrupt { reason: format!("sealed password of {belongs_to}") };
        let Some((&SEALED_VERSION, rest)) = sealed.split_first() else { return Err(corrupt()) };
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(corrupt)?;
        let mut text = text.to_vec();
        let opened = self
            .key
            .open_in_place(Nonce::from(nonce), Aad::from(belongs_to), &mut text)
            .map_err(|_| wrong())?;
        String::from_utf8(opened.to_vec()).map(Secret::new).map_err(|_| corrupt())
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealKey").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        text
    })
}

fn from_hex(text: &str) -> Option<[u8; KEY_LEN]> {
    let digits = text.as_bytes();
    if digits.len() != KEY_LEN * 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..KEY_LEN).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> SealKey {
        SealKey::new(Path::new("catalog.key"), &[7; KEY_LEN]).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_can_be_opened_at_its_place_alone(text in ".*") {
            let (key, secret) = (key(), Secret::new(text));
            let sealed = key.seal("here", &secret).unwrap();
            prop_assert!(key.open_sealed("here", &sealed).unwrap() == secret);
            prop_assert!(key.open_sealed("there", &sealed).is_err());
        }

        #[test]
        fn any_flipped_bit_is_noticed(text in ".{0,40}", at: prop::sample::Index, bit in 0..8u8) {
            let key = key();
            let mut sealed = key.seal("here", &Secret::new(text)).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key.open_sealed("here", &sealed).is_err());
        }
    }
}
