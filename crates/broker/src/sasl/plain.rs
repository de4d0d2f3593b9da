//! SASL PLAIN (RFC 4616): the one token in which a client says who it is.

use catalog::Secret;

/// What a PLAIN token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// `<account>-<group id>`.
    pub(crate) user: String,
    /// In clear, as PLAIN carries it.
    pub(crate) password: Secret,
}

/// The longest user or password that is looked at.
const FIELD_BYTES_MAX: usize = 1024;

impl Credentials {
    /// Reads `authzid NUL authcid NUL passwd`. The authzid is empty (Java, librdkafka, sarama) or the
    /// user again (kafka-python). `None` if the token is no such thing.
    pub(crate) fn parse(token: &[u8]) -> Option<Self> {
        let mut fields = token.split(|byte| *byte == 0);
        let (authzid, user, password) = (fields.next()?, fields.next()?, fields.next()?);
        let legal = fields.next().is_none()
            && (authzid.is_empty() || authzid == user)
            && (1..=FIELD_BYTES_MAX).contains(&user.len())
            && (1..=FIELD_BYTES_MAX).contains(&password.len());
        if !legal {
            return None;
        }
        let user = std::str::from_utf8(user).ok()?.to_owned();
        let password = Secret::new(std::str::from_utf8(password).ok()?);
        Some(Self { user, password })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_user_and_password() {
        for token in [&b"\0billing-dtsx\0S3cret!!"[..], b"billing-dtsx\0billing-dtsx\0S3cret!!"] {
            let credentials = Credentials::parse(token).unwrap();
            assert_eq!(credentials.user, "billing-dtsx");
            assert_eq!(credentials.password.expose(), "S3cret!!");
        }
    }

    #[test]
    fn other_tokens_are_none() {
        let long = [b"\0", &[b'u'; 1025][..], b"\0p"].concat();
        for token in [
            &b""[..],
            b"user",
            b"\0user",
            b"\0user\0",
            b"\0\0password",
            b"other\0user\0password",
            b"\0user\0pass\0word",
            b"\0us\xffer\0password",
            &long,
        ] {
            assert!(Credentials::parse(token).is_none(), "{token:?}");
        }
    }
}
