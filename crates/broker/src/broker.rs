//! The broker as its owner sees it: started with listeners, stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use catalog::Catalog;
use change::Clock;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Error;
use crate::groups_view::GroupsView;
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::settings::{ListenerSettings, Settings};
use crate::shared::Shared;
use crate::stop::Stop;
use crate::topics::TopicDirectory;

/// The Kafka-protocol server. Dropping it cuts all connections; [`Broker::stop`] lets answers finish.
#[derive(Debug)]
pub struct Broker {
    shared: Arc<Shared>,
    /// Turns true once, for everything that was spawned.
    stop: watch::Sender<bool>,
    /// Doors that are still shut.
    shut: Vec<Listener>,
    /// One task a listener, and one for the groups.
    tasks: JoinSet<()>,
}

impl Broker {
    /// A broker without listeners. Must be called within a tokio runtime, whose time and network are
    /// on.
    pub fn new(
        settings: Settings,
        topics: Arc<TopicDirectory>,
        catalog: Catalog,
        clock: Arc<dyn Clock>,
        registry: &mut Registry,
    ) -> Self {
        let shared =
            Arc::new(Shared::new(settings, topics, catalog, clock, Metrics::register(registry)));
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let timer = Arc::clone(&shared);
        tasks.spawn(async move { timer.groups.run(Stop::new(stopped)).await });
        Self { shared, stop, shut: Vec::new(), tasks }
    }

    /// Takes an address, and answers it with the port that was found. Clients may connect from now on,
    /// and wait there until [`Broker::open`].
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn listen(&mut self, settings: ListenerSettings) -> Result<SocketAddr, Error> {
        let bind = |source| Error::Bind {
            address: settings.address,
            setting: settings.listen_setting(),
            source,
        };
        let socket = TcpListener::bind(settings.address).await.map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        let listener = Listener::new(
            socket,
            settings,
            Arc::clone(&self.shared),
            Stop::new(self.stop.subscribe()),
        );
        self.shut.push(listener);
        Ok(address)
    }

    /// Serves the clients of all addresses. To be called when the topics are there: a client that does
    /// not find its topic, or finds another cluster id, takes its log for gone.
    pub async fn open(&mut self) {
        self.shared.groups.restore().await;
        for listener in self.shut.drain(..) {
            self.tasks.spawn(listener.run());
        }
    }

    /// The broker's groups, for those who show or delete them.
    #[must_use]
    pub fn groups(&self) -> GroupsView {
        GroupsView::new(&self.shared)
    }

    /// Closes the doors, lets every answer that is under way finish, ends all waits, and joins every
    /// task. What is not done after `grace` is cut.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.send_replace(true);
        self.shut.clear();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("kafka clients that took their answers too slowly were cut off");
            self.tasks.shutdown().await;
        }
    }
}
