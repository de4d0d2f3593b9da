//! The server's side of SASL, sans-IO: tokens of one client go in, [`Turn`]s come out.
//!
//! How tokens travel is the session's; who has which password is the catalog's: an exchange asks for it
//! by [`Question`]s. Deliberately not here: GSSAPI and OAUTHBEARER, which need a third party, and channel
//! binding, which Kafka's clients do not speak.

mod base64;
mod mechanism;
mod plain;
mod scram;

use catalog::ScramVerifier;

pub use mechanism::Mechanism;
pub(crate) use plain::Credentials;

use crate::principal::Principal;
use scram::Scram;

/// One client's exchange, from its first token to the verdict.
#[derive(Debug)]
pub(crate) struct Exchange {
    mechanism: Mechanism,
    state: State,
}

#[derive(Debug)]
enum State {
    Plain,
    Scram(Box<Scram>),
}

/// What a token, or the answer to a question, leads to.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Find this out, then call [`Exchange::answered`].
    Ask(Question),
    /// Send this token; the client has the next word.
    Challenge(Vec<u8>),
    /// The client is who it says. This token goes with the good news.
    Accept(Principal, Vec<u8>),
    /// The client could not prove who it is, for this reason. Nothing tells whether there is such a user.
    Refuse(&'static str),
}

/// What an exchange does not know by itself.
#[derive(Debug)]
pub(crate) enum Question {
    /// Whose user and password these are.
    Password(Credentials),
    /// The verifier of a user.
    Verifier {
        /// `<account>-<group id>`.
        user: String,
        /// For this mechanism.
        hash: catalog::ScramHash,
    },
    /// Whether a proof of this user may be looked at now: guesses are rationed.
    Guess {
        /// `<account>-<group id>`.
        user: String,
    },
}

/// What was found out.
#[derive(Debug)]
pub(crate) enum Found {
    /// To [`Question::Password`]: whom they belong to, if anyone.
    Password(Option<Principal>),
    /// To [`Question::Verifier`].
    Verifier {
        /// The user's, or one that no proof fits.
        verifier: ScramVerifier,
        /// Whose it is, if anyone's.
        principal: Option<Principal>,
        /// What the server adds to the client's nonce: printable, without a comma, never used before.
        nonce: String,
    },
    /// To [`Question::Guess`]: it may.
    Turn,
}

impl Exchange {
    /// An exchange that begins.
    pub(crate) fn new(mechanism: Mechanism) -> Self {
        let state = match mechanism {
            Mechanism::Plain => State::Plain,
            Mechanism::Scram(hash) => State::Scram(Box::new(Scram::new(hash))),
        };
        Self { mechanism, state }
    }

    /// What it goes by.
    pub(crate) fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// A token of the client has come.
    pub(crate) fn token(&mut self, token: &[u8]) -> Turn {
        match &mut self.state {
            State::Plain => Credentials::parse(token)
                .map_or(Turn::Refuse("the token is none of SASL PLAIN"), |credentials| {
                    Turn::Ask(Question::Password(credentials))
                }),
            State::Scram(scram) => scram.token(token),
        }
    }

    /// The answer to the question that was asked last.
    pub(crate) fn answered(&mut self, found: Found) -> Turn {
        match (&mut self.state, found) {
            (State::Plain, Found::Password(Some(principal))) => Turn::Accept(principal, Vec::new()),
            (State::Plain, Found::Password(None)) => Turn::Refuse(WRONG),
            (State::Scram(scram), Found::Verifier { verifier, principal, nonce }) => {
                scram.verifier(verifier, principal, &nonce)
            }
            (State::Scram(scram), Found::Turn) => scram.verdict(),
            (State::Plain, _) | (State::Scram(_), Found::Password(_)) => {
                Turn::Refuse("this was not the question")
            }
        }
    }
}

impl Question {
    /// Who the client says it is.
    pub(crate) fn user(&self) -> &str {
        match self {
            Self::Password(credentials) => &credentials.user,
            Self::Verifier { user, .. } | Self::Guess { user } => user,
        }
    }
}

/// Said of a user that does not exist and of a wrong password alike.
const WRONG: &str = "wrong user or password";
