//! `caching_sha2_password` and `sha256_password`.
//!
//! The first proves the password by a SHA-256 scramble while the server has it in its cache. Otherwise,
//! and always for the second, the server wants the password itself: as it is over TLS, else encrypted
//! with the server's RSA key (OAEP with SHA-1), which we ask for. That key is not verified, so without
//! TLS an active attacker could learn the password; `--tls verify-full` closes that door.

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

use crate::Error;

/// `caching_sha2_password`: the scramble was right, `OK` follows.
pub(super) const FAST_AUTH_OK: u8 = 3;
/// `caching_sha2_password`: the server needs the password itself.
pub(super) const FULL_AUTH: u8 = 4;
/// `caching_sha2_password`: send me your RSA key.
pub(super) const CACHING_SHA2_REQUEST_KEY: u8 = 2;
/// `sha256_password`: send me your RSA key.
pub(super) const SHA256_REQUEST_KEY: u8 = 1;

/// `SHA256(password) XOR SHA256(SHA256(SHA256(password)) + nonce)`.
pub(super) fn scramble(password: &[u8], nonce: &[u8]) -> [u8; 32] {
    let stage1 = sha256(&[password]);
    let stage2 = sha256(&[&stage1]);
    let mask = sha256(&[&stage2, nonce]);
    let mut answer = stage1;
    answer.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    answer
}

/// The password with its closing zero, XORed with the nonce, encrypted for the holder of `key_pem`.
///
/// # Errors
/// The key is none, or too small for the password.
pub(super) fn encrypt_password(
    password: &[u8],
    nonce: &[u8],
    key_pem: &[u8],
) -> Result<Vec<u8>, Error> {
    if nonce.is_empty() {
        return Err(Error::AuthKey { reason: "the server sent no nonce" });
    }
    let hidden: Vec<u8> =
        password.iter().chain(&[0]).zip(nonce.iter().cycle()).map(|(a, b)| a ^ b).collect();
    let key = SubjectPublicKeyInfoDer::from_pem_slice(key_pem)
        .map_err(|_| Error::AuthKey { reason: "it is no PEM public key" })?;
    let key = PublicEncryptingKey::from_der(key.as_ref())
        .and_then(|key| Ok(OaepPublicEncryptingKey::new(key)?))
        .map_err(|_| Error::AuthKey { reason: "it is no RSA key of 2048 to 8192 bits" })?;
    let mut encrypted = vec![0; key.ciphertext_size()];
    let length = key
        .encrypt(&OAEP_SHA1_MGF1SHA1, &hidden, &mut encrypted, None)
        .map_err(|_| Error::AuthKey { reason: "the password is too long for it" })?
        .len();
    encrypted.truncate(length);
    Ok(encrypted)
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
