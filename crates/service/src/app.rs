//! What handlers share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use broker::GroupsView;
use budget::Budget;
use catalog::Catalog;
use change::{Clock, UnixTime};
use prometheus_client::registry::Registry;
use task::Tasks;

use crate::metrics::Metrics;
use crate::problem::Problem;

/// Shared by all handlers; cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) tasks: Tasks,
    pub(crate) catalog: Catalog,
    /// The live side of consumer groups.
    pub(crate) groups: GroupsView,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: Metrics,
    pub(crate) facts: Arc<ServerFacts>,
    pub(crate) clock: Arc<dyn Clock>,
    ready: Arc<AtomicBool>,
}

/// What does not change while the server runs.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// Version of the binary.
    pub version: &'static str,
    /// When it started.
    pub started: UnixTime,
    /// Where Kafka clients connect.
    pub kafka: SocketAddr,
    /// Where this API listens.
    pub http: SocketAddr,
    /// Its data folder.
    pub data_dir: PathBuf,
    /// Whether Kafka clients need an account.
    pub accounts: bool,
    /// The memory that tasks and connections share.
    pub budget: Budget,
}

impl App {
    /// An app that is not ready yet.
    #[must_use]
    pub fn new(
        tasks: Tasks,
        catalog: Catalog,
        groups: GroupsView,
        mut registry: Registry,
        facts: ServerFacts,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let metrics = Metrics::register(&mut registry, facts.version);
        Self {
            tasks,
            catalog,
            groups,
            metrics,
            registry: Arc::new(registry),
            facts: Arc::new(facts),
            clock,
            ready: Arc::default(),
        }
    }

    /// From now on `/readyz` answers 200 (or 503 again, when shutting down).
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

/// Runs a use case, which blocks, beside the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(crate::problem::internal_logged(crate::problem::Code::Internal, &error)),
    }
}
