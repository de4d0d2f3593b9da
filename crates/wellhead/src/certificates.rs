//! The certificates of a running server: read at the start, and again when they are asked for or when
//! their files change.
//!
//! Files are looked at, not watched by the system: secrets come by links that are swapped, by network file
//! systems and by mounts, which tell nobody. A certificate that was renewed has days until the old one ends.

use std::sync::Arc;
use std::time::Duration;

use service::{Fault, Problem};
use tls::{Acceptor, Certificate, Files, Prepared, Protocol};
use tokio::sync::watch;

use crate::config::Config;
use crate::exit::Failure;

/// What each door shows. Cheap to clone; all clones show the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Certificates {
    shown: Vec<(Door, Arc<Acceptor>)>,
}

/// A door that may speak TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Door {
    /// A listener for Kafka clients, by its name.
    Kafka(Option<String>),
    Http,
}

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

impl Certificates {
    /// Reads those of all doors.
    ///
    /// # Errors
    /// Files that cannot be used, by the key that names them.
    pub(crate) fn open(config: &Config) -> Result<Self, Failure> {
        let mut shown = Vec::new();
        for (door, files) in doors(config) {
            let acceptor = Acceptor::open(files.clone(), door.protocol())
                .map_err(|error| Failure::usage(format!("{}: {error}", door.key())))?;
            door.tell(&acceptor.certificate());
            shown.push((door, Arc::new(acceptor)));
        }
        Ok(Self { shown })
    }

    /// What a door shows, if it speaks TLS.
    pub(crate) fn of(&self, door: &Door) -> Option<Arc<Acceptor>> {
        let found = self.shown.iter().find(|(shown, _)| shown == door);
        found.map(|(_, acceptor)| Arc::clone(acceptor))
    }

    /// Reads the files that a new configuration names, for the doors that speak TLS already. Either all
    /// are shown from now on, or none.
    pub(crate) fn reload(&self, config: &Config) -> Result<(), Problem> {
        let (mut ready, mut faults): (Vec<(_, Prepared)>, _) = (Vec::new(), Vec::new());
        for (door, files) in doors(config) {
            let Some(acceptor) = self.of(&door) else { continue };
            match acceptor.prepare(files.clone()) {
                Ok(prepared) => ready.push((acceptor, prepared)),
                Err(error) => faults.push(Fault {
                    pointer: door.key(),
                    code: "invalid_value".into(),
                    detail: format!("{}: {error}", door.key()),
                    remedy: Vec::new(),
                }),
            }
        }
        if !faults.is_empty() {
            return Err(Problem::invalid_all(faults));
        }
        for (acceptor, prepared) in ready {
            acceptor.show(prepared);
        }
        Ok(())
    }

    /// Shows what is in the files as it changes, until told to stop.
    pub(crate) async fn follow(self, mut stop: watch::Receiver<bool>) {
        if self.shown.is_empty() {
            return;
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let doors = self.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || doors.look()).await {
                tracing::error!(%error, "looking after certificates failed, please report this");
            }
        }
    }

    fn look(&self) {
        for (door, acceptor) in &self.shown {
            match acceptor.reload_if_changed() {
                Ok(None) => {}
                Ok(Some(certificate)) => door.tell(&certificate),
                Err(error) => tracing::warn!(
                    door = door.key(), %error, "changed certificate not usable, the one before is still shown"
                ),
            }
        }
    }
}

impl Door {
    fn protocol(&self) -> Protocol {
        match self {
            Self::Kafka(_) => Protocol::Kafka,
            Self::Http => Protocol::Http,
        }
    }

    /// The key that names its files.
    fn key(&self) -> String {
        match self {
            Self::Kafka(None) => "kafka.tls".into(),
            Self::Kafka(Some(name)) => format!("[[kafka.listener]] {name} tls"),
            Self::Http => "http.tls".into(),
        }
    }

    fn tell(&self, Certificate { name, not_after }: &Certificate) {
        let not_after = not_after.map(|time| time.to_string());
        let (door, not_after) = (self.key(), not_after.as_deref());
        tracing::info!(door, name = name.as_deref(), not_after, "certificate shown");
    }
}

/// The doors of a configuration that speak TLS.
fn doors(config: &Config) -> Vec<(Door, &Files)> {
    let kafka = std::iter::once(&config.kafka.listener).chain(&config.kafka.more);
    let kafka = kafka.map(|listener| (Door::Kafka(listener.name.clone()), listener.tls.as_ref()));
    let all = kafka.chain([(Door::Http, config.http.tls.as_ref())]);
    all.filter_map(|(door, files)| Some((door, files?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_used_is_told_by_its_key() {
        let mut config = crate::config::load(&crate::config::Inputs::default()).unwrap().config;
        let missing = std::path::Path::new("/nowhere/tls.crt");
        let files = Files { certificate: missing.into(), key: missing.into(), client_ca: None };
        config.kafka.more = vec![crate::config::Listener {
            name: Some("vpc".into()),
            tls: Some(files),
            ..config.kafka.listener.clone()
        }];
        let told = Certificates::open(&config).unwrap_err().to_string();
        assert!(
            told.starts_with("[[kafka.listener]] vpc tls: /nowhere/tls.crt cannot be read"),
            "{told}"
        );
    }
}
