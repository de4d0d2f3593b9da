//! The configuration read again while the server runs.
//!
//! Everything is read and checked as at a start, and nothing changes if anything is wrong. What is used
//! then without a restart are the files of certificates; all other keys that changed are named.

use service::{Problem, Reload};

use crate::certificates::Certificates;
use crate::config::{self, Inputs, Loaded};

/// What a server was started with, and can read again.
#[derive(Debug)]
pub(crate) struct Reloader {
    inputs: Inputs,
    /// Certificates apart, all that is in use.
    started: Loaded,
    certificates: Certificates,
}

/// The ends of keys whose values are used at once, as long as they do not change who may come in, and how.
const USED_AT_ONCE: [&str; 3] = [".tls.cert_file", ".tls.key_file", ".tls.client_ca_file"];

impl Reloader {
    pub(crate) fn new(inputs: Inputs, started: Loaded, certificates: Certificates) -> Self {
        Self { inputs, started, certificates }
    }
}

impl Reload for Reloader {
    fn reload(&self) -> Result<Vec<String>, Problem> {
        let new = config::load(&self.inputs)
            .map_err(|faults| Problem { detail: faults.to_string(), ..faults.problem() })?;
        self.certificates.reload(&new.config)?;
        let are_doors_the_same = new.config.locks() == self.started.config.locks();
        let is_used =
            |key: &String| are_doors_the_same && USED_AT_ONCE.iter().any(|end| key.ends_with(end));
        let changed = self.started.changed(&new).into_iter();
        Ok(changed.filter(|key| !is_used(key)).collect())
    }
}
