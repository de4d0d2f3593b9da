//! A running server: everything wired together, started in order and stopped in the reverse one.
//!
//! Start: data folder, catalog, Kafka port, API ports, tasks. Ports come before tasks, so that a taken
//! port is told before anything is captured. Stop: not ready any more, tasks (everything read is on disk
//! then), Kafka clients, API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use broker::{Access, Broker, ListenerSettings, TopicDirectory};
use budget::Budget;
use catalog::Catalog;
use change::{Clock, SystemClock};
use prometheus_client::registry::Registry;
use service::{App, HttpServer, ListenerFacts, Reload, ServerFacts};
use task::{Metrics, Tasks};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::certificates::{Certificates, Door};
use crate::data_dir::DataDir;
use crate::serving::Serving;
use crate::sources::KnownSources;
use crate::topics::ServedTopics;

/// What a server is started with.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Doors for Kafka clients, the one of `[kafka]` first.
    pub(crate) kafka: Vec<ListenerSettings>,
    pub(crate) broker: broker::Settings,
    pub(crate) http: SocketAddr,
    pub(crate) certificates: Certificates,
    /// What reads the configuration again, where there is one.
    pub(crate) reload: Option<Arc<dyn Reload>>,
    pub(crate) task: task::Settings,
    /// What the settings of broker and tasks share.
    pub(crate) budget: Budget,
    pub(crate) grace: Duration,
}

/// A server that serves.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) tasks: Tasks,
    /// Where Kafka clients connect: the listener of `[kafka]`.
    pub(crate) kafka: SocketAddr,
    /// Where the API listens.
    pub(crate) http: SocketAddr,
    broker: Broker,
    /// Let go behind the broker that runs on it.
    _serving: Serving,
    app: App,
    api: JoinHandle<std::io::Result<()>>,
    /// Looks after the files of certificates, and ends with the API.
    followed: JoinHandle<()>,
    stop_api: watch::Sender<bool>,
    grace: Duration,
    /// Let go last.
    _data_dir: DataDir,
}

impl Server {
    /// Starts everything. When it returns, clients are served.
    pub(crate) async fn start(
        data_dir: DataDir,
        catalog: Catalog,
        settings: Settings,
    ) -> Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut registry = Registry::default();
        let topics = Arc::new(TopicDirectory::default());
        let accounts = settings.kafka.first().is_some_and(|main| main.access != Access::Anonymous);
        let serving = Serving::start().context("the threads for kafka clients")?;
        let start_broker = async {
            let mut broker = Broker::new(
                settings.broker,
                Arc::clone(&topics),
                catalog.clone(),
                Arc::clone(&clock),
                &mut registry,
            );
            let mut listeners = Vec::new();
            for door in settings.kafka {
                listeners.push(listen(&mut broker, door).await?);
            }
            Ok::<_, broker::Error>((broker, listeners))
        };
        let (mut broker, listeners) = serving.enter(start_broker).await?;
        let kafka = listeners.first().map(|main| main.address).context("there is no listener")?;
        let http_tls = settings.certificates.of(&Door::Http);
        let admin_socket = data_dir.admin_socket();
        let http_server = HttpServer::bind(settings.http, http_tls.clone(), &admin_socket)
            .await
            .map_err(|error| {
                let told = format!("{error}; change http.listen (--http), or stop what uses it");
                anyhow::Error::new(error).context(told)
            })?;
        let http = http_server.address().context("the API's address is unknown")?;

        let metrics = Metrics::new(&mut registry);
        let sources = Arc::new(KnownSources {
            clock: Arc::clone(&clock),
            queue_bytes: settings.task.queue_bytes,
            budget: settings.budget.clone(),
        });
        let tasks = {
            let (catalog, clock) = (catalog.clone(), Arc::clone(&clock));
            tokio::task::spawn_blocking(move || {
                let topics = Arc::new(ServedTopics(topics));
                Tasks::open(catalog, settings.task, sources, topics, clock, metrics)
            })
            .await
            .context("opening the tasks ended early")??
        };
        serving.enter(broker.open()).await;

        write_admin_token(&data_dir, &catalog)?;
        let facts = ServerFacts {
            version: env!("CARGO_PKG_VERSION"),
            started: clock.now(),
            listeners,
            http,
            http_tls,
            reload: settings.reload,
            data_dir: data_dir.path().to_path_buf(),
            accounts,
            budget: settings.budget,
        };
        let app = App::new(tasks.clone(), catalog, broker.groups(), registry, facts, clock);
        let (stop_api, stopped) = watch::channel(false);
        let followed = tokio::spawn(settings.certificates.follow(stopped.clone()));
        let api = http_server.serve(app.clone(), stopped);
        app.set_ready(true);
        let _data_dir = data_dir;
        Ok(Self {
            tasks,
            kafka,
            http,
            broker,
            _serving: serving,
            app,
            api,
            followed,
            stop_api,
            grace: settings.grace,
            _data_dir,
        })
    }

    /// Reads the configuration again, and uses what can be used. What came of it is logged, and shown by
    /// the API.
    pub(crate) async fn reload(&self) {
        let app = self.app.clone();
        let reloaded = tokio::task::spawn_blocking(move || drop(app.reload())).await;
        if let Err(error) = reloaded {
            tracing::error!(%error, "reading the configuration again failed, please report this");
        }
    }

    /// Stops everything. When it returns, all that was read from sources is on disk.
    pub(crate) async fn stop(self) -> Result<()> {
        self.app.set_ready(false);
        let tasks = self.tasks.clone();
        tokio::task::spawn_blocking(move || tasks.shutdown())
            .await
            .context("stopping the tasks ended early")?;
        self.broker.stop(self.grace).await;
        self.stop_api.send_replace(true);
        self.followed.await.context("looking after certificates ended early")?;
        match tokio::time::timeout(self.grace, self.api).await {
            Ok(ended) => ended.context("the API ended early")?.context("the API failed"),
            Err(_) => {
                tracing::warn!("API clients that took their answers too slowly were cut off");
                Ok(())
            }
        }
    }
}

/// Opens a door for Kafka clients.
async fn listen(
    broker: &mut Broker,
    settings: ListenerSettings,
) -> Result<ListenerFacts, broker::Error> {
    let facts = ListenerFacts {
        name: settings.name.clone(),
        address: settings.address,
        advertised: settings.advertised.to_string(),
        login: match settings.access {
            Access::Anonymous => "none",
            Access::Accounts => "sasl",
            Access::Certificates => "certificate",
        },
        tls: settings.tls.clone(),
    };
    let address = broker.listen(settings).await?;
    Ok(ListenerFacts { address, ..facts })
}

/// The first start makes a token, for programs that reach the API over TCP.
fn write_admin_token(data_dir: &DataDir, catalog: &Catalog) -> Result<()> {
    if data_dir.has_admin_token() {
        return Ok(());
    }
    let token = catalog.create_admin_token("admin.token", None)?;
    data_dir.write_admin_token(token.secret.expose())
}

/// Resolves when the process is asked to end (SIGINT, SIGTERM).
pub(crate) async fn asked_to_stop() -> Result<()> {
    let mut terminate = signals(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("signals cannot be received"),
        _ = terminate.recv() => Ok(()),
    }
}

/// Signals of a kind, from now on.
pub(crate) fn signals(kind: SignalKind) -> Result<Signal> {
    signal(kind).context("signals cannot be received")
}
