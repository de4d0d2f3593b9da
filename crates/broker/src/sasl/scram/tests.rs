use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use change::{GroupId, TaskName};
use proptest::prelude::*;

use super::*;

const PASSWORD: &str = "S3cret-pass";
const USER: &str = "billing-dtsaaaaaaaaaaaaaaa";

fn principal() -> Principal {
    let group = GroupId::new("dtsaaaaaaaaaaaaaaa").unwrap();
    Principal::Account { group, task: TaskName::new("shop").unwrap() }
}

/// A client's arithmetic, written from the RFC and not from the server's side.
struct Arithmetic {
    mac: hmac::Algorithm,
    hash: &'static digest::Algorithm,
    salted: Vec<u8>,
}

impl Arithmetic {
    fn new(hash: ScramHash, password: &str, salt: &[u8], rounds: u32) -> Self {
        let (derivation, mac, hash) = match hash {
            ScramHash::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
            ScramHash::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512),
        };
        let mut salted = vec![0; hash.output_len()];
        let rounds = NonZeroU32::new(rounds).unwrap();
        pbkdf2::derive(derivation, rounds, salt, password.as_bytes(), &mut salted);
        Self { mac, hash, salted }
    }

    fn sign(&self, key: &[u8], text: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(self.mac, key), text).as_ref().to_vec()
    }

    fn stored_key(&self) -> Vec<u8> {
        let client_key = self.sign(&self.salted, b"Client Key");
        digest::digest(self.hash, &client_key).as_ref().to_vec()
    }

    fn server_key(&self) -> Vec<u8> {
        self.sign(&self.salted, b"Server Key")
    }

    fn proof(&self, exchange: &str) -> Vec<u8> {
        let client_key = self.sign(&self.salted, b"Client Key");
        let signature = self.sign(&self.stored_key(), exchange.as_bytes());
        client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect()
    }
}

fn verifier(hash: ScramHash) -> ScramVerifier {
    let salt = vec![7; 24];
    let derived = Arithmetic::new(hash, PASSWORD, &salt, 4096);
    ScramVerifier {
        salt,
        iterations: NonZeroU32::new(4096).unwrap(),
        stored_key: derived.stored_key(),
        server_key: derived.server_key(),
    }
}

/// Takes a client that knows `password` through an exchange; answers the verdict, and the signature that
/// the client expects of the server.
fn exchange(hash: ScramHash, header: &str, extensions: &str, password: &str) -> (Turn, String) {
    exchange_with(hash, header, extensions, password, "clientserver")
}

/// The same by a client that repeats the nonce so.
fn exchange_with(
    hash: ScramHash,
    header: &str,
    extensions: &str,
    password: &str,
    nonce: &str,
) -> (Turn, String) {
    let mut server = Scram::new(hash);
    let bare = format!("n={USER},r=client{extensions}");
    let Turn::Ask(Question::Verifier { user, .. }) =
        server.token(format!("{header}{bare}").as_bytes())
    else {
        panic!("no lookup");
    };
    assert_eq!(user, USER);
    let turn = server.verifier(verifier(hash), Some(principal()), "server");
    let Turn::Challenge(challenge) = turn else { panic!("no challenge: {turn:?}") };
    let challenge = String::from_utf8(challenge).unwrap();
    let salt = base64::encode(&[7; 24]);
    assert_eq!(challenge, format!("r=clientserver,s={salt},i=4096"));
    let derived = Arithmetic::new(hash, password, &[7; 24], 4096);
    let without_proof = format!("c={},r={nonce}{extensions}", base64::encode(header.as_bytes()));
    let signed = format!("{bare},{challenge},{without_proof}");
    let proof = base64::encode(&derived.proof(&signed));
    let turn = server.token(format!("{without_proof},p={proof}").as_bytes());
    assert!(matches!(&turn, Turn::Ask(Question::Guess { user }) if user == USER), "{turn:?}");
    let signature = derived.sign(&derived.server_key(), signed.as_bytes());
    (server.verdict(), format!("v={}", base64::encode(&signature)))
}

#[test]
fn who_knows_the_password_is_accepted_and_hears_that_the_server_does() {
    let own = format!("n,a={USER},");
    for hash in [ScramHash::Sha256, ScramHash::Sha512] {
        for (header, extensions) in [("n,,", ""), (own.as_str(), ""), ("n,,", ",tokenauth=false")] {
            let (verdict, expected) = exchange(hash, header, extensions, PASSWORD);
            let Turn::Accept(who, token) = verdict else { panic!("refused: {verdict:?}") };
            assert_eq!(who, principal());
            assert_eq!(String::from_utf8(token).unwrap(), expected);
        }
    }
}

#[test]
fn who_says_its_nonce_twice_is_accepted_by_its_proof() {
    let hash = ScramHash::Sha256;
    let (verdict, _) = exchange_with(hash, "n,,", "", PASSWORD, "clientclientserver");
    assert!(matches!(verdict, Turn::Accept(..)), "{verdict:?}");
    let (verdict, _) = exchange_with(hash, "n,,", "", "S3cret-pasS", "clientclientserver");
    assert!(matches!(verdict, Turn::Refuse(_)), "{verdict:?}");
}

#[test]
fn who_does_not_know_it_is_refused() {
    for hash in [ScramHash::Sha256, ScramHash::Sha512] {
        let (verdict, _) = exchange(hash, "n,,", "", "S3cret-pasS");
        assert!(matches!(verdict, Turn::Refuse(_)), "{verdict:?}");
    }
}

/// Even with a proof that fits the verifier: a decoy belongs to nobody.
#[test]
fn a_verifier_without_an_owner_lets_nobody_in() {
    let hash = ScramHash::Sha256;
    let mut server = Scram::new(hash);
    server.token(b"n,,n=nobody,r=c");
    server.verifier(verifier(hash), None, "s");
    let derived = Arithmetic::new(hash, PASSWORD, &[7; 24], 4096);
    let salt = base64::encode(&[7; 24]);
    let signed = format!("n=nobody,r=c,r=cs,s={salt},i=4096,c=biws,r=cs");
    let proof = base64::encode(&derived.proof(&signed));
    server.token(format!("c=biws,r=cs,p={proof}").as_bytes());
    assert!(matches!(server.verdict(), Turn::Refuse(_)));
}

#[test]
fn first_messages_that_are_none_are_refused() {
    for wrong in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=",
        "n,,n=user",
        "n,,n=user,r=",
        "n,,n=,r=abc",
        "n,,r=abc,n=user",
        "y,,n=user,r=abc",
        "p=tls-unique,,n=user,r=abc",
        "n,a=other,n=user,r=abc",
        "n,b=user,n=user,r=abc",
        "n,,n=us=er,r=abc",
        "n,,n=us=2Der,r=abc",
        "n,,n=user,r=a bc",
        "n,,n=user,r=abc,",
        "n,,n=user,r=abc,x",
        "n,,n=user,r=abc,1=x",
        "n,,n=user,r=abc,m=x",
        "n,,n=us\0er,r=abc",
        "n,,n=us\u{e9}r,r=abc",
        "\0user\0password",
    ] {
        assert!(First::parse(wrong.as_bytes()).is_none(), "{wrong:?}");
    }
    assert!(First::parse(b"n,,n=us\xff,r=abc").is_none());
    let long = format!("n,,n=user,r={}", "x".repeat(MESSAGE_BYTES_MAX));
    assert!(First::parse(long.as_bytes()).is_none());
}

#[test]
fn names_are_unescaped() {
    let first = First::parse(b"n,a=a=3Db=2Cc,n=a=3Db=2Cc,r=abc").unwrap();
    assert_eq!((first.user.as_str(), first.header.as_str()), ("a=b,c", "n,a=a=3Db=2Cc,"));
}

#[test]
fn last_messages_of_another_exchange_are_refused() {
    let proof = base64::encode(&[0; 32]);
    for wrong in [
        String::new(),
        format!("c=biws,r=clientserver,p={proof}="),
        "c=biws,r=clientserver".into(),
        format!("r=clientserver,p={proof}"),
        format!("c=biws,p={proof}"),
        format!("c=biws,r=client,p={proof}"),
        format!("c=biws,r=clientserverx,p={proof}"),
        format!("c=biws,r=serverclientserver,p={proof}"),
        format!("c=biws,r=clientclientclientserver,p={proof}"),
        format!("c=eSws,r=clientserver,p={proof}"),
        format!("c=,r=clientserver,p={proof}"),
        format!("c=biws,r=clientserver,m=x,p={proof}"),
    ] {
        let mut server = Scram::new(ScramHash::Sha256);
        server.token(format!("n,,n={USER},r=client").as_bytes());
        server.verifier(verifier(ScramHash::Sha256), Some(principal()), "server");
        let turn = server.token(wrong.as_bytes());
        assert!(matches!(turn, Turn::Refuse(_)), "{wrong:?}: {turn:?}");
    }
}

#[test]
fn nothing_may_be_said_twice() {
    let mut server = Scram::new(ScramHash::Sha256);
    server.token(b"n,,n=user,r=abc");
    assert!(matches!(server.token(b"n,,n=user,r=abc"), Turn::Refuse(_)));
    let mut server = Scram::new(ScramHash::Sha256);
    assert!(matches!(server.verdict(), Turn::Refuse(_)));
    let none = verifier(ScramHash::Sha256);
    assert!(matches!(server.verifier(none, None, "s"), Turn::Refuse(_)));
}

proptest! {
    #[test]
    fn no_message_panics(tokens: Vec<Vec<u8>>) {
        let mut server = Scram::new(ScramHash::Sha512);
        for token in &tokens {
            if let Turn::Ask(Question::Verifier { .. }) = server.token(token) {
                server.verifier(verifier(ScramHash::Sha512), Some(principal()), "s");
            }
        }
    }

    #[test]
    fn what_is_nearly_a_message_is_read_or_refused(token in "[nya=,2C3Dcrpms]{0,40}") {
        let _ = First::parse(token.as_bytes());
        if let Some(last) = Final::parse(token.as_bytes()) {
            prop_assert!(token.starts_with(&last.bare));
        }
    }
}
