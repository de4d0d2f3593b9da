//! SCRAM verifiers (RFC 5802, RFC 7677): what is kept of a group's password.
//!
//! They serve SASL PLAIN by deriving the same keys from the password that came, and SCRAM as they are.
//! Passwords are printable ASCII, on which SASLprep (RFC 4013) changes nothing.

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2, rand};

use crate::{Error, Result, Secret};

/// One verifier, for one hash function.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    /// Random bytes mixed into the derivation.
    pub salt: Vec<u8>,
    /// Rounds of PBKDF2.
    pub iterations: NonZeroU32,
    /// Hash of the client key.
    pub stored_key: Vec<u8>,
    /// The server key.
    pub server_key: Vec<u8>,
}

/// The hash functions of Kafka's two SCRAM mechanisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScramHash {
    /// Of `SCRAM-SHA-256`.
    Sha256,
    /// Of `SCRAM-SHA-512`.
    Sha512,
}

/// Kafka's own number, and the least that RFC 7677 allows.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("not zero");
const SALT_LEN: usize = 24;
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=32;

impl ScramVerifier {
    pub(crate) fn new(hash: ScramHash, password: &Secret) -> Result<Self> {
        let mut salt = vec![0; SALT_LEN];
        rand::fill(&mut salt)?;
        let (stored_key, server_key) = hash.derive(&salt, ITERATIONS, password);
        Ok(Self { salt, iterations: ITERATIONS, stored_key, server_key })
    }

    /// What a user that does not exist is answered with: nobody knows a proof for it. It is the same for
    /// the same `seed`, as a real one is, and as long.
    pub(crate) fn decoy(hash: ScramHash, seed: &hmac::Key, user: &str) -> Self {
        let salt = hmac::sign(seed, user.as_bytes());
        let salt = salt.as_ref().get(..SALT_LEN).unwrap_or_default().to_vec();
        // No client key hashes to zeros.
        let stored_key = vec![0; hash.algorithm().output_len()];
        Self { salt, iterations: ITERATIONS, server_key: stored_key.clone(), stored_key }
    }

    /// Whether a client that showed this proof for this exchange (RFC 5802, section 3: `AuthMessage`,
    /// `ClientProof`) knows the password. The answer is what convinces the client of the server: its
    /// `ServerSignature`.
    #[must_use]
    pub fn check_proof(&self, hash: ScramHash, exchange: &[u8], proof: &[u8]) -> Option<Vec<u8>> {
        let stored = hmac::Key::new(hash.mac(), &self.stored_key);
        let signature = hmac::sign(&stored, exchange);
        if proof.len() != signature.as_ref().len() {
            return None;
        }
        let client_key: Vec<u8> =
            proof.iter().zip(signature.as_ref()).map(|(proof, signed)| proof ^ signed).collect();
        let shown = digest::digest(hash.algorithm(), &client_key);
        verify_slices_are_equal(shown.as_ref(), &self.stored_key).ok()?;
        let server = hmac::Key::new(hash.mac(), &self.server_key);
        Some(hmac::sign(&server, exchange).as_ref().to_vec())
    }

    /// Whether this is the password, in a time that does not depend on where it differs.
    pub(crate) fn verify(&self, hash: ScramHash, password: &Secret) -> bool {
        let (stored_key, _) = hash.derive(&self.salt, self.iterations, password);
        verify_slices_are_equal(&stored_key, &self.stored_key).is_ok()
    }
}

impl std::fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl ScramHash {
    /// Stored key and server key of RFC 5802, section 3.
    fn derive(self, salt: &[u8], rounds: NonZeroU32, password: &Secret) -> (Vec<u8>, Vec<u8>) {
        let derivation = match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let hash = self.algorithm();
        let mut salted = vec![0; hash.output_len()];
        pbkdf2::derive(derivation, rounds, salt, password.expose().as_bytes(), &mut salted);
        let salted = hmac::Key::new(self.mac(), &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let server_key = hmac::sign(&salted, b"Server Key");
        (digest::digest(hash, client_key.as_ref()).as_ref().to_vec(), server_key.as_ref().to_vec())
    }

    fn mac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// The rules for passwords of groups.
pub(crate) fn check_password(password: &Secret) -> Result<()> {
    let text = password.expose();
    let refuse = |rule: &str| Err(Error::invalid("password", rule));
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("it is made of printable ASCII characters without spaces");
    }
    if !PASSWORD_CHARS.contains(&text.len()) {
        return refuse("it has 8 to 32 characters");
    }
    let classes: [fn(&u8) -> bool; 4] = [
        u8::is_ascii_uppercase,
        u8::is_ascii_lowercase,
        u8::is_ascii_digit,
        u8::is_ascii_punctuation,
    ];
    if classes.iter().filter(|class| text.as_bytes().iter().any(class)).count() < 2 {
        return refuse(
            "it has characters of at least two kinds: upper case, lower case, digits, punctuation",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: [u8; 16] = [
        0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa,
        0x81,
    ];

    /// The exchange of RFC 7677, section 3: its server signature is made with the server key.
    #[test]
    fn the_exchange_of_rfc_7677_is_signed_as_printed() {
        let (_, server_key) = ScramHash::Sha256.derive(&SALT, ITERATIONS, &Secret::new("pencil"));
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let exchange = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, &server_key);
        let signature = hmac::sign(&key, exchange.as_bytes());
        let printed = "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e";
        assert_eq!(crate::seal::to_hex(signature.as_ref()), printed);
    }

    /// The proof and the signature that RFC 7677, section 3, prints.
    #[test]
    fn the_proof_of_rfc_7677_is_accepted_and_answered_as_printed() {
        let password = Secret::new("pencil");
        let (stored_key, server_key) = ScramHash::Sha256.derive(&SALT, ITERATIONS, &password);
        let verifier =
            ScramVerifier { salt: SALT.to_vec(), iterations: ITERATIONS, stored_key, server_key };
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let exchange = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
        );
        // dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=
        let mut proof = [
            0x74, 0x7c, 0xdb, 0x65, 0xaa, 0x56, 0x22, 0x4e, 0x23, 0x52, 0x13, 0x7e, 0x52, 0xd7,
            0xbd, 0xca, 0xd6, 0xa0, 0xf7, 0x38, 0xdf, 0x30, 0x78, 0x2c, 0xaa, 0x69, 0xa2, 0xcf,
            0xb0, 0x27, 0x75, 0x54,
        ];
        let hash = ScramHash::Sha256;
        let signature = verifier.check_proof(hash, exchange.as_bytes(), &proof).unwrap();
        let printed = "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e";
        assert_eq!(crate::seal::to_hex(&signature), printed);
        assert!(verifier.check_proof(hash, b"another exchange", &proof).is_none());
        assert!(verifier.check_proof(hash, exchange.as_bytes(), &proof[1..]).is_none());
        assert!(verifier.check_proof(hash, exchange.as_bytes(), b"").is_none());
        proof[31] ^= 1;
        assert!(verifier.check_proof(hash, exchange.as_bytes(), &proof).is_none());
    }

    #[test]
    fn a_decoy_looks_like_a_verifier_and_is_the_same_each_time() {
        let seed = hmac::Key::new(hmac::HMAC_SHA256, b"seed");
        for hash in [ScramHash::Sha256, ScramHash::Sha512] {
            let decoy = ScramVerifier::decoy(hash, &seed, "nobody");
            assert!(decoy == ScramVerifier::decoy(hash, &seed, "nobody"));
            assert!(decoy.salt != ScramVerifier::decoy(hash, &seed, "somebody").salt);
            let real = ScramVerifier::new(hash, &Secret::new("s3cret-Passw0rd")).unwrap();
            assert_eq!(
                (decoy.salt.len(), decoy.iterations, decoy.stored_key.len()),
                (real.salt.len(), real.iterations, real.stored_key.len())
            );
        }
    }

    #[test]
    fn each_verifier_has_its_own_salt_and_knows_its_password() {
        let password = Secret::new("s3cret-Passw0rd");
        for hash in [ScramHash::Sha256, ScramHash::Sha512] {
            let one = ScramVerifier::new(hash, &password).unwrap();
            let two = ScramVerifier::new(hash, &password).unwrap();
            assert_ne!(one.stored_key, two.stored_key);
            assert!(one.verify(hash, &password) && two.verify(hash, &password));
            assert!(!one.verify(hash, &Secret::new("s3cret-Passw0rD")));
        }
    }
}
