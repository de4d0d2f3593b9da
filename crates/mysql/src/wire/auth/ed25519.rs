//! MariaDB's `client_ed25519`: an Ed25519 signature of the nonce, with the password as the seed.
//!
//! Unlike RFC 8032 the seed is the password of any length, not 32 random bytes, so the usual crates
//! offer no door for it; see "Authentication Plugin - ed25519" in MariaDB's documentation.

use aws_lc_rs::digest::{Context, SHA512};
use curve25519_dalek::{EdwardsPoint, Scalar};

/// The 64-byte signature of `nonce`.
pub(super) fn sign(password: &[u8], nonce: &[u8]) -> [u8; 64] {
    let (secret, prefix) = expand(password);
    let public = public_key(&secret);
    let r = Scalar::from_bytes_mod_order_wide(&sha512(&[&prefix, nonce]));
    let commitment = EdwardsPoint::mul_base(&r).compress().to_bytes();
    let challenge = sha512(&[&commitment, &public, nonce]);
    let proof = Scalar::from_bytes_mod_order_wide(&challenge) * secret + r;
    let mut signature = [0; 64];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(&commitment);
    second.copy_from_slice(&proof.to_bytes());
    signature
}

/// What the server stores of the password.
fn public_key(secret: &Scalar) -> [u8; 32] {
    EdwardsPoint::mul_base(secret).compress().to_bytes()
}

/// The secret scalar (clamped as RFC 8032, 5.1.5 says) and the prefix for the signature's randomness.
fn expand(password: &[u8]) -> (Scalar, [u8; 32]) {
    let hash = sha512(&[password]);
    let (low, high) = hash.split_at(32);
    let low: [u8; 32] = low.try_into().expect("half of 64 bytes");
    let high: [u8; 32] = high.try_into().expect("half of 64 bytes");
    (Scalar::from_bytes_mod_order(curve25519_dalek::scalar::clamp_integer(low)), high)
}

fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut context = Context::new(&SHA512);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().expect("SHA-512 gives 64 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `SELECT ed25519_password('secret')` on MariaDB answers ZIgUREUg5PVgQ6LskhXmO+eZLS0nC8be6HPjYWR4YJY.
    #[test]
    fn a01_the_public_key_is_what_mariadb_stores() {
        let (secret, _) = expand(b"secret");
        let stored = "64881444 4520e4f5 6043a2ec 9215e63b e7992d2d 270bc6de e873e361 64786096";
        let hex: String = public_key(&secret).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, stored.replace(' ', ""));
    }

    /// RFC 8032, 7.1, TEST 2 takes a 32-byte seed, which is the same computation as a password.
    #[test]
    fn a01_signatures_are_ed25519_signatures() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let seed: Vec<u8> =
            (0..32).map(|i| u8::from_str_radix(&seed[2 * i..2 * i + 2], 16).unwrap()).collect();
        let signature: String =
            sign(&seed, &[0x72]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            signature,
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }
}
