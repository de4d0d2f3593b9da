//! A task's values in the place of a program's defaults.

use super::ProgramFile;
use super::shelf::File;

/// What a program reads, and as whom.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) broker: String,
    pub(super) topic: String,
    pub(super) login: Login,
    /// Whether the listener speaks TLS.
    pub(super) tls: bool,
}

/// Who reads.
#[derive(Debug)]
pub(super) struct Login {
    /// The group's id.
    pub(super) group: String,
    /// `<account>-<group id>`; `None` where nobody asks.
    pub(super) user: Option<String>,
}

/// Stands where the password belongs.
pub(super) const PASSWORD: &str = "YOUR_PASSWORD";

/// The defaults of the programs in `docs/clients/`.
const DEFAULT_BROKER: &str = "127.0.0.1:9092";
const DEFAULT_TOPIC: &str = "shop";
const DEFAULT_GROUP: &str = "dtsgroupid";
const DEFAULT_USER: &str = "reader-dtsgroupid";
const DEFAULT_PASSWORD: &str = "Secret_123";
const DEFAULT_PROTOCOL: &str = "SASL_PLAINTEXT";

impl Login {
    /// The programs' own default, where there is no group yet.
    pub(super) fn unknown() -> Self {
        Self { group: DEFAULT_GROUP.into(), user: Some(DEFAULT_USER.into()) }
    }
}

impl Place {
    /// The file as it is for this place.
    pub(super) fn fill(&self, file: &File) -> ProgramFile {
        let text = file.text.split_inclusive('\n').map(|line| self.line(line)).collect();
        ProgramFile { path: file.path.into(), text }
    }

    /// Only lines that name a setting, or the protocol, have something to fill in.
    fn line(&self, line: &str) -> String {
        let filled = line.replace(DEFAULT_PROTOCOL, self.protocol());
        if !line.contains("WELLHEAD_") {
            return filled;
        }
        let user = self.login.user.as_deref().unwrap_or_default();
        let password = if user.is_empty() { "" } else { PASSWORD };
        let pairs = [
            ("WELLHEAD_BROKER", DEFAULT_BROKER, self.broker.as_str()),
            ("WELLHEAD_TOPIC", DEFAULT_TOPIC, self.topic.as_str()),
            ("WELLHEAD_USER", DEFAULT_USER, user),
            ("WELLHEAD_PASSWORD", DEFAULT_PASSWORD, password),
            ("WELLHEAD_GROUP", DEFAULT_GROUP, self.login.group.as_str()),
        ];
        pairs.into_iter().fold(filled, |line, (variable, default, value)| {
            // The default follows its variable, so that a word before it is left alone.
            match line.split_once(variable) {
                Some((before, rest)) => {
                    format!("{before}{variable}{}", rest.replacen(default, value, 1))
                }
                None => line,
            }
        })
    }

    fn protocol(&self) -> &'static str {
        match (&self.login.user, self.tls) {
            (Some(_), false) => DEFAULT_PROTOCOL,
            (Some(_), true) => "SASL_SSL",
            (None, false) => "PLAINTEXT",
            (None, true) => "SSL",
        }
    }
}
