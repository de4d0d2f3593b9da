//! The mechanisms that are spoken, by the names of their RFCs.

use std::fmt;

use catalog::ScramHash;

use crate::Error;

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// User and password in one token (RFC 4616).
    Plain,
    /// A proof that the password is known (RFC 5802), with this hash function.
    Scram(ScramHash),
}

impl Mechanism {
    /// Every mechanism, in the order in which clients are told of them.
    pub const ALL: [Self; 3] =
        [Self::Plain, Self::Scram(ScramHash::Sha256), Self::Scram(ScramHash::Sha512)];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(ScramHash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(ScramHash::Sha512) => "SCRAM-SHA-512",
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Mechanism {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|mechanism| mechanism.name() == name);
        found.ok_or_else(|| Error::Mechanism(name.to_owned()))
    }
}
