//! Where databases are known by name: the sources that tasks can have.

use std::sync::Arc;

use budget::Budget;
use capture::{CaptureOptions, ErrorKind, Inspector, Source, SourceError};
use catalog::SourceSpec;
use change::{Clock, Position};
use mysql::connection::{Endpoint, Secret, TlsMode};
use mysql::{MySqlInspector, MySqlSource, Options};

/// Builds sources from their specifications.
#[derive(Debug)]
pub(crate) struct KnownSources {
    pub(crate) clock: Arc<dyn Clock>,
    /// Bound of the queues within a source.
    pub(crate) queue_bytes: usize,
    /// The memory of all sources, tasks and connections.
    pub(crate) budget: Budget,
}

impl task::Sources for KnownSources {
    fn build(
        &self,
        source: &SourceSpec,
        capture: CaptureOptions,
    ) -> Result<Box<dyn Source>, SourceError> {
        match source.kind.as_str() {
            "mysql" | "mariadb" => Ok(Box::new(MySqlSource::new(Options {
                endpoint: endpoint(source)?,
                capture,
                server_id: source.server_id,
                queue_bytes: self.queue_bytes,
                budget: self.budget.clone(),
                clock: Arc::clone(&self.clock),
            }))),
            _ => Err(unknown_kind(source)),
        }
    }

    fn understands(&self, source: &SourceSpec, position: &Position) -> Result<(), SourceError> {
        match source.kind.as_str() {
            "mysql" | "mariadb" => mysql::check_position(position.as_str()).map_err(|error| {
                SourceError::new(ErrorKind::Unsupported, "bad_position", error.to_string())
            }),
            _ => Err(unknown_kind(source)),
        }
    }

    fn inspect(&self, source: &SourceSpec) -> Result<Box<dyn Inspector>, SourceError> {
        match source.kind.as_str() {
            "mysql" | "mariadb" => Ok(Box::new(MySqlInspector::new(endpoint(source)?))),
            _ => Err(unknown_kind(source)),
        }
    }
}

fn unknown_kind(source: &SourceSpec) -> SourceError {
    let SourceSpec { name, kind, .. } = source;
    let message = format!("source {name} is of kind {kind}, which is not supported");
    SourceError::new(ErrorKind::Unsupported, "source_kind", message).remedy("use mysql or mariadb")
}

/// The server and account of a specification.
pub(crate) fn endpoint(source: &SourceSpec) -> Result<Endpoint, SourceError> {
    let mut endpoint = Endpoint::parse(&source.url).map_err(|error| {
        SourceError::new(
            ErrorKind::Unsupported,
            "source_url",
            format!("source {}: {error}", source.name),
        )
    })?;
    endpoint.password = source.password.as_ref().map(|p| Secret::new(p.expose()));
    endpoint.ca.clone_from(&source.ca);
    endpoint.tls = match source.tls {
        catalog::TlsMode::Disable => TlsMode::Disable,
        catalog::TlsMode::Prefer => TlsMode::Prefer,
        catalog::TlsMode::Require => TlsMode::Require,
        catalog::TlsMode::VerifyCa => TlsMode::VerifyCa,
        catalog::TlsMode::VerifyFull => TlsMode::VerifyFull,
    };
    Ok(endpoint)
}
