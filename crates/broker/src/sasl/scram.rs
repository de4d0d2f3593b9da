//! SCRAM (RFC 5802, RFC 7677) as Kafka speaks it: no channel binding (`n,`), and extensions are ignored.
//!
//! A client says who it is and a nonce; it hears salt and rounds, and shows a proof that it knows the
//! password without saying it. A user that does not exist hears a salt too, and is refused where one with
//! a wrong password is. Delegation tokens (`tokenauth`) are such users.

use catalog::{ScramHash, ScramVerifier};

use super::{Question, Turn, WRONG, base64};
use crate::principal::Principal;

/// The server's side of one exchange.
#[derive(Debug)]
pub(super) struct Scram {
    hash: ScramHash,
    step: Step,
}

#[derive(Debug)]
enum Step {
    /// The client has the first word.
    First,
    /// The verifier is looked up.
    Lookup(First),
    /// The server has answered, the client has the last word.
    Final(Offer),
    /// The proof waits for its turn.
    Proof { offer: Offer, said: Final },
    /// There was a verdict.
    Over,
}

/// What the client's first message says.
#[derive(Debug, PartialEq, Eq)]
struct First {
    /// What the last message must repeat in base64: `n,` and who is acted for.
    header: String,
    /// All behind it, as both sides sign it.
    bare: String,
    user: String,
    nonce: String,
}

/// What the server has answered.
#[derive(Debug)]
struct Offer {
    header: String,
    /// The first two messages as both sides sign them.
    signed: String,
    user: String,
    /// The client's part of the nonce.
    of_client: String,
    /// All of it.
    nonce: String,
    verifier: ScramVerifier,
    principal: Option<Principal>,
}

/// What the client's last message says.
#[derive(Debug, PartialEq, Eq)]
struct Final {
    channel: String,
    nonce: String,
    /// All before the proof, as both sides sign it.
    bare: String,
    proof: Vec<u8>,
}

impl Scram {
    pub(super) fn new(hash: ScramHash) -> Self {
        Self { hash, step: Step::First }
    }

    pub(super) fn token(&mut self, token: &[u8]) -> Turn {
        match std::mem::replace(&mut self.step, Step::Over) {
            Step::First => {
                let Some(first) = First::parse(token) else {
                    return Turn::Refuse("the first message is none of SCRAM");
                };
                let question = Question::Verifier { user: first.user.clone(), hash: self.hash };
                self.step = Step::Lookup(first);
                Turn::Ask(question)
            }
            Step::Final(offer) => {
                let said = Final::parse(token).filter(|said| said.is_about(&offer));
                let Some(said) = said else {
                    return Turn::Refuse("the last message is none of this SCRAM exchange");
                };
                let question = Question::Guess { user: offer.user.clone() };
                self.step = Step::Proof { offer, said };
                Turn::Ask(question)
            }
            Step::Lookup(_) | Step::Proof { .. } | Step::Over => Turn::Refuse(OUT_OF_TURN),
        }
    }

    pub(super) fn verifier(
        &mut self,
        verifier: ScramVerifier,
        principal: Option<Principal>,
        nonce: &str,
    ) -> Turn {
        let Step::Lookup(first) = std::mem::replace(&mut self.step, Step::Over) else {
            return Turn::Refuse(OUT_OF_TURN);
        };
        let nonce = format!("{}{nonce}", first.nonce);
        let salt = base64::encode(&verifier.salt);
        let challenge = format!("r={nonce},s={salt},i={}", verifier.iterations);
        let signed = format!("{},{challenge}", first.bare);
        let First { header, user, nonce: of_client, .. } = first;
        self.step =
            Step::Final(Offer { header, signed, user, of_client, nonce, verifier, principal });
        Turn::Challenge(challenge.into_bytes())
    }

    pub(super) fn verdict(&mut self) -> Turn {
        let Step::Proof { offer, said } = std::mem::replace(&mut self.step, Step::Over) else {
            return Turn::Refuse(OUT_OF_TURN);
        };
        let exchange = format!("{},{}", offer.signed, said.bare);
        let signature = offer.verifier.check_proof(self.hash, exchange.as_bytes(), &said.proof);
        match (offer.principal, signature) {
            (Some(principal), Some(signature)) => {
                let last = format!("v={}", base64::encode(&signature));
                Turn::Accept(principal, last.into_bytes())
            }
            _ => Turn::Refuse(WRONG),
        }
    }
}

impl First {
    /// `n,[a=authzid],[m=…,]n=user,r=nonce[,extensions]`
    fn parse(token: &[u8]) -> Option<Self> {
        let text = message(token)?;
        let rest = text.strip_prefix("n,")?;
        let (authzid, bare) = rest.split_once(',')?;
        let header = text.strip_suffix(bare)?.to_owned();
        let mut fields = bare.split(',');
        let mut field = fields.next()?;
        if field.starts_with("m=") {
            field = fields.next()?;
        }
        let user = name(field.strip_prefix("n=")?)?;
        let nonce = nonce(fields.next()?)?;
        let acts_for_itself = authzid.is_empty() || name(authzid.strip_prefix("a=")?)? == user;
        let legal = acts_for_itself && fields.all(is_extension);
        legal.then(|| Self { header, bare: bare.to_owned(), user, nonce })
    }
}

impl Final {
    /// `c=channel,r=nonce[,extensions],p=proof`
    fn parse(token: &[u8]) -> Option<Self> {
        let text = message(token)?;
        let (bare, proof) = text.rsplit_once(",p=")?;
        let mut fields = bare.split(',');
        let channel = fields.next()?.strip_prefix("c=")?.to_owned();
        let nonce = nonce(fields.next()?)?;
        let proof = base64::decode(proof)?;
        fields.all(is_extension).then(|| Self { channel, nonce, bare: bare.to_owned(), proof })
    }

    /// Whether it goes on where the server has left off. librdkafka before 2.6.1 says its own part of
    /// the nonce twice, which Kafka took until 4.0; the proof is over what was said, the server's part in it.
    fn is_about(&self, offer: &Offer) -> bool {
        let is_twice = self.nonce.strip_prefix(&offer.of_client) == Some(offer.nonce.as_str());
        (self.nonce == offer.nonce || is_twice)
            && self.channel == base64::encode(offer.header.as_bytes())
    }
}

/// A message as text: ASCII without NUL, as all that our users and passwords are made of.
fn message(token: &[u8]) -> Option<&str> {
    let legal = token.len() <= MESSAGE_BYTES_MAX && token.iter().all(|b| (1..=0x7f).contains(b));
    if legal { std::str::from_utf8(token).ok() } else { None }
}

/// `r=` and printable characters without a comma.
fn nonce(field: &str) -> Option<String> {
    let nonce = field.strip_prefix("r=")?;
    let legal = !nonce.is_empty() && nonce.bytes().all(|byte| byte.is_ascii_graphic());
    legal.then(|| nonce.to_owned())
}

/// A name with `=2C` for a comma and `=3D` for the sign itself.
fn name(escaped: &str) -> Option<String> {
    let mut parts = escaped.split('=');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (sign, rest) = [("2C", ','), ("3D", '=')]
            .iter()
            .find_map(|(code, sign)| part.strip_prefix(code).map(|rest| (*sign, rest)))?;
        name.push(sign);
        name.push_str(rest);
    }
    (!name.is_empty()).then_some(name)
}

/// `letters=value`; `m` is kept for extensions that must be understood.
fn is_extension(field: &str) -> bool {
    field.split_once('=').is_some_and(|(key, value)| {
        !key.is_empty()
            && key != "m"
            && key.bytes().all(|b| b.is_ascii_alphabetic())
            && !value.is_empty()
    })
}

/// The longest message that is looked at.
const MESSAGE_BYTES_MAX: usize = 2048;
const OUT_OF_TURN: &str = "a SCRAM message came out of turn";

#[cfg(test)]
mod tests;
