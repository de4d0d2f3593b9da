use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, PrivateDecryptingKey};

use super::{Authenticator, native, sha2};
use crate::Error;

const NONCE: [u8; 20] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The expected values were computed with Python's hashlib from the formulas in the documentation.
#[test]
fn a01_scrambles_follow_their_formulas() {
    assert_eq!(
        hex(&native::scramble(b"secret", &NONCE)),
        "b32bb3a583e1340c0a1108d58b1be49781ad8c2f"
    );
    assert_eq!(
        hex(&sha2::scramble(b"secret", &NONCE)),
        "746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9"
    );
}

/// Nonce and answer of a login that MySQL 9.7.4 accepted, with a password of a hundred x.
#[test]
fn a01_a_long_password_is_scrambled_as_mysql_wants() {
    let nonce = [
        0x5b, 0x07, 0x44, 0x01, 0x02, 0x13, 0x47, 0x39, 0x3a, 0x06, 0x16, 0x1e, 0x03, 0x7a, 0x41,
        0x16, 0x3d, 0x78, 0x77, 0x79,
    ];
    let password = "x".repeat(100);
    let mut auth = Authenticator::new("caching_sha2_password", &nonce, &password, false);
    assert_eq!(
        hex(&auth.answer().unwrap()),
        "f32a06b30eaf687fd6763638646c57f63cc761715989c102b777dfbf04e04531"
    );
    assert_eq!(auth.more(&[3]).unwrap(), None);
}

#[test]
fn a01_a_cold_cache_gets_the_password_over_tls() {
    let mut auth = Authenticator::new("caching_sha2_password", &NONCE, "secret", true);
    auth.answer().unwrap();
    assert_eq!(auth.more(&[4]).unwrap().unwrap(), b"secret\0");
}

#[test]
fn a01_without_tls_the_password_is_encrypted_with_the_servers_key() {
    let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: PublicKeyX509Der = private.public_key().as_der().unwrap();
    let pem = pem(der.as_ref());
    let private = OaepPrivateDecryptingKey::new(private).unwrap();
    let long = "p".repeat(100);
    for (plugin, request) in [("caching_sha2_password", 2), ("sha256_password", 1)] {
        let mut auth = Authenticator::new(plugin, &NONCE, &long, false);
        let mut asked = auth.answer().unwrap();
        if plugin == "caching_sha2_password" {
            asked = auth.more(&[4]).unwrap().unwrap();
        }
        assert_eq!(asked, [request]);
        let encrypted = auth.more(pem.as_bytes()).unwrap().unwrap();
        let mut plain = vec![0; private.min_output_size()];
        let plain =
            private.decrypt(&OAEP_SHA1_MGF1SHA1, &encrypted, &mut plain, None).unwrap().to_vec();
        let plain: Vec<u8> =
            plain.iter().zip(NONCE.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        assert_eq!(plain, [long.as_bytes(), &[0]].concat());
    }
    let too_long = "p".repeat(300);
    let mut auth = Authenticator::new("sha256_password", &NONCE, &too_long, false);
    auth.answer().unwrap();
    assert!(matches!(auth.more(pem.as_bytes()), Err(Error::AuthKey { .. })));
}

#[test]
fn a01_an_empty_password_is_the_plugins_empty_answer() {
    for (plugin, answer) in [
        ("mysql_native_password", &[][..]),
        ("caching_sha2_password", &[]),
        ("client_ed25519", &[]),
        ("sha256_password", &[0]),
    ] {
        let mut auth = Authenticator::new(plugin, &NONCE, "", false);
        assert_eq!(auth.answer().unwrap(), answer, "{plugin}");
    }
}

#[test]
fn a01_the_server_may_switch_but_not_to_anything() {
    let mut auth = Authenticator::new("auth_gssapi_client", &NONCE, "secret", false);
    assert_eq!(auth.plugin_name(), "mysql_native_password");
    assert_eq!(auth.switch("client_ed25519", &[9; 32]).unwrap().len(), 64);
    assert!(matches!(auth.switch("dialog", &NONCE), Err(Error::AuthPlugin { .. })));
    assert!(matches!(auth.switch("mysql_clear_password", &NONCE), Err(Error::AuthNeedsTls { .. })));
    let mut encrypted = Authenticator::new("mysql_native_password", &NONCE, "secret", true);
    assert_eq!(encrypted.switch("mysql_clear_password", &[]).unwrap(), b"secret\0");
}

#[test]
fn nonsense_from_the_server_is_an_error() {
    let mut auth = Authenticator::new("caching_sha2_password", &NONCE, "secret", false);
    for data in [&[][..], &[9], &[3, 4]] {
        assert!(auth.more(data).is_err(), "{data:?}");
    }
    let mut auth = Authenticator::new("sha256_password", &NONCE, "secret", false);
    auth.answer().unwrap();
    assert!(auth.more(b"no key").is_err());
    let mut auth = Authenticator::new("sha256_password", &[], "secret", false);
    auth.answer().unwrap();
    assert!(auth.more(b"-----BEGIN PUBLIC KEY-----").is_err());
}

#[test]
fn the_password_is_not_shown() {
    let auth = Authenticator::new("caching_sha2_password", &NONCE, "secret", false);
    assert!(!format!("{auth:?}").contains("secret"));
}

fn pem(der: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut body = String::new();
    for group in der.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for digit in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize];
            body.push(if digit <= group.len() { char::from(symbol) } else { '=' });
        }
    }
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

/// One nonce of MariaDB in 256 does; those of the other plugins are closed by a zero that is left out.
#[test]
fn a01_a_nonce_of_ed25519_may_end_with_a_zero() {
    let mut nonce = [7; 32];
    nonce[31] = 0;
    let mut auth = Authenticator::new("mysql_native_password", &NONCE, "secret", false);
    let answer = auth.switch("client_ed25519", &nonce).unwrap();
    assert_eq!(answer, super::ed25519::sign(b"secret", &nonce));
    let closed = [&NONCE[..], &[0]].concat();
    let answer = auth.switch("mysql_native_password", &closed).unwrap();
    assert_eq!(answer, native::scramble(b"secret", &NONCE));
}
