//! Which server it is.

/// The branch of the family; they differ in events, variables and commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// MySQL, Percona Server, Aurora and other descendants.
    MySql,
    /// MariaDB.
    MariaDb,
}

/// Flavour and version of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    /// The branch.
    pub flavour: Flavour,
    /// Major, minor and patch number.
    pub numbers: [u16; 3],
    /// The server's own version text, like `8.0.34` or `10.11.6-MariaDB-log`.
    pub text: String,
}

impl ServerVersion {
    /// Reads a version text as the greeting or `@@version` has it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix("5.5.5-").unwrap_or(text);
        let mut parts = text
            .split(|c: char| !c.is_ascii_digit())
            .map(|digits| digits.parse().unwrap_or_default());
        let numbers = std::array::from_fn(|_| parts.next().unwrap_or_default());
        let flavour = if text.to_ascii_lowercase().contains("mariadb") {
            Flavour::MariaDb
        } else {
            Flavour::MySql
        };
        Self { flavour, numbers, text: text.to_owned() }
    }

    /// Whether the version is this one or a later one.
    #[must_use]
    pub fn is_at_least(&self, major: u16, minor: u16, patch: u16) -> bool {
        self.numbers >= [major, minor, patch]
    }
}

impl std::fmt::Display for ServerVersion {
    /// As people say it: `MySQL 8.4.6`, `MariaDB 10.11.6`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.flavour {
            Flavour::MySql => "MySQL",
            Flavour::MariaDb => "MariaDB",
        };
        let [major, minor, patch] = self.numbers;
        write!(f, "{name} {major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavour_and_numbers_are_read_from_every_spelling() {
        for (text, shown) in [
            ("8.0.34", "MySQL 8.0.34"),
            ("5.7.44-log", "MySQL 5.7.44"),
            ("9.7.4", "MySQL 9.7.4"),
            ("5.5.5-10.11.6-MariaDB-log", "MariaDB 10.11.6"),
            ("11.4.2-MariaDB-ubu2404", "MariaDB 11.4.2"),
            ("odd", "MySQL 0.0.0"),
        ] {
            assert_eq!(ServerVersion::parse(text).to_string(), shown);
        }
        assert!(ServerVersion::parse("10.11.6-MariaDB").is_at_least(10, 5, 2));
        assert!(!ServerVersion::parse("8.0.9").is_at_least(8, 0, 22));
    }
}
