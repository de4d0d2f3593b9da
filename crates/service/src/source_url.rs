//! Takes the password out of a source's URL, because only the rest may be shown and kept in clear.

use catalog::Secret;

/// A URL of the form `scheme://[user[:password]@]host[:port][/...]`, in its two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUrl {
    /// `mysql` or `mariadb`, as written.
    pub scheme: String,
    /// The URL without its password.
    pub shown: String,
    /// The password, percent-decoded, if the URL has one.
    pub password: Option<Secret>,
}

/// A text that is no such URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source's URL must look like mysql://user@host:3306")]
pub struct SourceUrlError;

impl SourceUrl {
    /// Splits a URL.
    ///
    /// # Errors
    /// It has no scheme, no host, or a broken percent escape in its password.
    pub fn parse(url: &str) -> Result<Self, SourceUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(SourceUrlError)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).ok_or(SourceUrlError)?;
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if scheme.is_empty() || host.is_empty() {
            return Err(SourceUrlError);
        }
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(percent_decode(password)?)),
            None => (login, None),
        };
        let at = if user.is_empty() { "" } else { "@" };
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            shown: format!("{scheme}://{user}{at}{host}{path}"),
            password: password.map(Secret::new),
        })
    }
}

fn percent_decode(text: &str) -> Result<String, SourceUrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or(SourceUrlError)?, rest.next().ok_or(SourceUrlError)?];
        let digits = std::str::from_utf8(&digits).map_err(|_| SourceUrlError)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| SourceUrlError)?);
    }
    String::from_utf8(bytes).map_err(|_| SourceUrlError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_taken_out_and_decoded() {
        let url = SourceUrl::parse("mysql://cdc:p%40ss%2Fw@db.internal:3306/shop").unwrap();
        assert_eq!(url.shown, "mysql://cdc@db.internal:3306/shop");
        assert_eq!(url.password.unwrap().expose(), "p@ss/w");
        assert_eq!(url.scheme, "mysql");
    }

    #[test]
    fn a_url_without_login_stays_as_it_is() {
        let url = SourceUrl::parse("mariadb://[::1]:3306").unwrap();
        assert_eq!((url.shown.as_str(), url.password), ("mariadb://[::1]:3306", None));
    }

    #[test]
    fn broken_urls_are_refused_without_being_shown() {
        for bad in ["", "db:3306", "mysql://", "mysql://u:p@", "mysql://u:%zz@h", "mysql://u:%4@h"]
        {
            assert_eq!(SourceUrl::parse(bad), Err(SourceUrlError), "{bad}");
        }
    }
}
