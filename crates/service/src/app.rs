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
use tls::Acceptor;

use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::reload::{Reload, Reloaded, Reloads};

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
    pub(crate) reloads: Arc<Reloads>,
    ready: Arc<AtomicBool>,
}

/// What does not change while the server runs.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// Version of the binary.
    pub version: &'static str,
    /// When it started.
    pub started: UnixTime,
    /// Where Kafka clients connect, the listener of `[kafka]` first.
    pub listeners: Vec<ListenerFacts>,
    /// Where this API listens.
    pub http: SocketAddr,
    /// What this API shows to clients of TLS; `None` speaks plain HTTP.
    pub http_tls: Option<Arc<Acceptor>>,
    /// What reads the configuration again; `None` where there is none.
    pub reload: Option<Arc<dyn Reload>>,
    /// Its data folder.
    pub data_dir: PathBuf,
    /// Whether Kafka clients need an account.
    pub accounts: bool,
    /// The memory that tasks and connections share.
    pub budget: Budget,
}

/// A door for Kafka clients.
#[derive(Debug, Clone)]
pub struct ListenerFacts {
    /// Its name; `None` for the one of `[kafka]`.
    pub name: Option<String>,
    /// Where clients connect.
    pub address: SocketAddr,
    /// What they are told to connect to: `auto`, or host and port.
    pub advertised: String,
    /// How they say who they are: `sasl`, `certificate`, or `none`.
    pub login: &'static str,
    /// What it shows to clients of TLS; `None` speaks plaintext.
    pub tls: Option<Arc<Acceptor>>,
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
        let reloads = Reloads::register(facts.reload.clone(), facts.started, &mut registry);
        Self {
            tasks,
            catalog,
            groups,
            metrics,
            registry: Arc::new(registry),
            facts: Arc::new(facts),
            clock,
            reloads: Arc::new(reloads),
            ready: Arc::default(),
        }
    }

    /// From now on `/readyz` answers 200 (or 503 again, when shutting down).
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// Reads the configuration again, and uses what can be used without a restart. Blocks.
    ///
    /// # Errors
    /// What is wrong with it; the one before is still used.
    pub fn reload(&self) -> Result<Reloaded, Problem> {
        self.reloads.run(self.clock.now())
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
