//! Where a server is and who we are there, parsed from a URL.

use std::path::PathBuf;
use std::str::FromStr;

/// A server and an account on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Account name.
    pub user: String,
    /// The account's password; `None` if the URL has none, which counts as the empty one.
    pub password: Option<Secret>,
    /// The URL's path: the database to track, if it names one. Logging in does not use it.
    pub database: Option<String>,
    /// How far the connection is encrypted and the server verified.
    pub tls: TlsMode,
    /// PEM file with the certificate authorities to trust; without it the operating system's.
    pub ca: Option<PathBuf>,
    /// Ask MariaDB for the statements behind the rows. MySQL sends them whenever it logs them.
    pub statements: bool,
}

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// How far a connection is encrypted and the server verified; MySQL's `--ssl-mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server offers it, the server not verified.
    #[default]
    Prefer,
    /// Encrypted, the server not verified.
    Require,
    /// Encrypted, the server's certificate verified against the authorities, not its name.
    VerifyCa,
    /// Encrypted, certificate and name verified.
    VerifyFull,
}

/// A source URL that cannot be used. The text never holds the URL, because that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source URL {reason}; it must look like mysql://user:password@host:3306/database")]
pub struct EndpointError {
    /// What is wrong with it.
    pub reason: String,
}

impl Endpoint {
    /// Parses `mysql://user:password@host:port/database?tls=verify-full&ca=/path&statements=on`, with
    /// percent-encoding in every part. `mariadb://` is the same. Port, password, database and options
    /// may be missing.
    ///
    /// # Errors
    /// The text is no such URL, or has an option that does not exist.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let rest = url
            .strip_prefix("mysql://")
            .or_else(|| url.strip_prefix("mariadb://"))
            .ok_or_else(|| wrong("does not start with mysql:// or mariadb://"))?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        // A raw @ or / in a password is common; the last @ before the host is the one that counts.
        let (account, address) = rest.rsplit_once('@').ok_or_else(|| wrong("names no user"))?;
        let (address, database) = address.split_once('/').unwrap_or((address, ""));
        let (user, password) = match account.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (account, None),
        };
        if user.is_empty() {
            return Err(wrong("names no user"));
        }
        let (host, port) = split_address(address)?;
        let mut endpoint = Self {
            host,
            port,
            user: percent_decode(user)?,
            password: password.map(percent_decode).transpose()?.map(Secret),
            database: Some(percent_decode(database)?).filter(|name| !name.is_empty()),
            tls: TlsMode::default(),
            ca: None,
            statements: false,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            endpoint.apply(option)?;
        }
        Ok(endpoint)
    }

    /// Host and port as one text, for messages.
    #[must_use]
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn apply(&mut self, option: &str) -> Result<(), EndpointError> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let value = percent_decode(value)?;
        match key {
            "tls" => self.tls = value.parse().map_err(|reason: String| wrong(&reason))?,
            "ca" => self.ca = Some(PathBuf::from(value)),
            "statements" => {
                self.statements = match value.as_str() {
                    "on" => true,
                    "off" => false,
                    _ => return Err(wrong("has an option statements other than on and off")),
                };
            }
            _ => return Err(wrong("has an option other than tls, ca and statements")),
        }
        Ok(())
    }
}

impl FromStr for TlsMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err("has a tls mode other than disable, prefer, require, verify-ca, verify-full"
                .to_owned()),
        }
    }
}

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

fn split_address(address: &str) -> Result<(String, u16), EndpointError> {
    let (host, port) = match address.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => return Err(wrong("has an unclosed [")),
        },
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    if host.is_empty() {
        return Err(wrong("names no host"));
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(text) => text.parse().map_err(|_| wrong("has a port that is no port number"))?,
    };
    Ok((percent_decode(host)?, port))
}

fn percent_decode(text: &str) -> Result<String, EndpointError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push(u8::try_from(high << 4 | low).unwrap_or(b'?')),
            _ => return Err(wrong("has a % that is not followed by two hex digits (write %25)")),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 after percent-decoding"))
}

fn wrong(reason: &str) -> EndpointError {
    EndpointError { reason: reason.to_owned() }
}

/// MySQL's registered port.
const DEFAULT_PORT: u16 = 3306;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_every_part() {
        let url = "mysql://us%40er:p%3Ass%2Fw@db.example:3307/shop?tls=verify-full&ca=/etc/ca.pem";
        let endpoint = Endpoint::parse(url).unwrap();
        assert_eq!(endpoint.user, "us@er");
        assert_eq!(endpoint.password.as_ref().unwrap().expose(), "p:ss/w");
        assert_eq!(endpoint.address(), "db.example:3307");
        assert_eq!(endpoint.database.as_deref(), Some("shop"));
        assert_eq!(endpoint.tls, TlsMode::VerifyFull);
        assert_eq!(endpoint.ca, Some(PathBuf::from("/etc/ca.pem")));
        assert!(!format!("{endpoint:?}").contains("p:ss"));
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let endpoint = Endpoint::parse("mariadb://root@[::1]").unwrap();
        assert_eq!((endpoint.port, endpoint.password, endpoint.tls), (3306, None, TlsMode::Prefer));
        assert_eq!(Endpoint::parse("mysql://root@[::1]:3307/").unwrap().address(), "[::1]:3307");
        let empty = Endpoint::parse("mysql://root:@h").unwrap();
        assert_eq!(empty.password, Some(Secret::new("")));
        assert_eq!(Endpoint::parse("mysql://a:b@c@h").unwrap().password, Some(Secret::new("b@c")));
    }

    #[test]
    fn a_wrong_url_is_refused_without_showing_it() {
        for url in [
            "postgres://u:geheim@h",
            "mysql://h:3306",
            "mysql://:geheim@h",
            "mysql://u:geheim@",
            "mysql://u:geheim@h:99999",
            "mysql://u:gehe%im@h",
            "mysql://u:geheim@h?tls=maybe",
            "mysql://u:geheim@h?geheim=1",
            "mysql://u:geheim@[::1",
            "mysql://u:geheim%ff@h",
        ] {
            let error = Endpoint::parse(url).expect_err(url).to_string();
            assert!(!error.contains("gehe"), "{error}");
        }
    }
}
