//! Names that people give and programs pass on, checked once at the edge.

use serde::{Deserialize, Serialize};

/// A name that breaks the rules of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} is not allowed: {rule}")]
pub struct NameError {
    /// The kind of name.
    pub what: &'static str,
    /// The name as given.
    pub name: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $what:literal, $rule:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Checks the rules.
            ///
            /// # Errors
            /// The name breaks them.
            pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
                let name = name.into();
                let legal: fn(&str) -> bool = $legal;
                if legal(&name) { Ok(Self(name)) } else {
                    Err(NameError { what: $what, name, rule: $rule })
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a task: also the default name of its topic, of its folder, and part of URLs.
    TaskName, "task name", "1 to 100 letters, digits, underscores, dashes and dots, starting with a letter or digit",
    |name| name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_topic_char)
);

name_type!(
    /// The name of a source.
    SourceName, "source name", "1 to 100 letters, digits, underscores, dashes and dots, starting with a letter or digit",
    |name| name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(is_topic_char)
);

name_type!(
    /// The name of a topic, by Kafka's rules (`org.apache.kafka.common.internals.Topic`).
    TopicName, "topic name", "1 to 249 letters, digits, underscores, dashes and dots, neither \".\" nor \"..\"",
    |name| !name.is_empty()
        && name.len() <= 249
        && name != "."
        && name != ".."
        && name.chars().all(is_topic_char)
);

name_type!(
    /// The generated id of a consumer group (DTS: *sid*): `dts` and fifteen lower-case letters and digits
    /// where we made it, any other printable text where a loopback client without account chose it.
    GroupId, "group id", "1 to 255 printable characters",
    |name| !name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control)
);

fn is_topic_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder() {
        for name in ["", ".", "..", "../x", "a/b", "a b", ".hidden", "é"] {
            assert!(TaskName::new(name).is_err(), "{name:?} must be refused");
        }
        assert_eq!(TaskName::new("shop-1.eu_west").unwrap().as_str(), "shop-1.eu_west");
    }

    #[test]
    fn topic_names_follow_kafka() {
        assert!(TopicName::new("a".repeat(249)).is_ok());
        assert!(TopicName::new("a".repeat(250)).is_err());
        assert!(TopicName::new("..").is_err());
    }
}
