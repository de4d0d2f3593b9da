//! The broker as its owner sees it: started with listeners, stopped in order.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use catalog::Catalog;
use change::{Clock, GroupId};
use log::Incarnation;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::Error;
use crate::coordinator::GroupView;
use crate::groups::Groups;
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::principal::Principal;
use crate::settings::{ListenerSettings, Settings};
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
    /// One task a listener, and the groups' timer.
    tasks: JoinSet<()>,
}

/// A view on the broker's groups that outlives a borrow of the [`Broker`]; cheap to clone.
#[derive(Debug, Clone)]
pub struct GroupsView {
    shared: Arc<Shared>,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) topics: Arc<TopicDirectory>,
    pub(crate) catalog: Catalog,
    pub(crate) groups: Arc<Groups>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    /// Told as cluster id to clients that see several logs.
    pub(crate) cluster_id: String,
    /// Groups that were deleted while the broker ran. Their ids are random and never come back.
    deleted: RwLock<HashSet<GroupId>>,
    /// Places for connections, over all listeners.
    pub(crate) places: Arc<Semaphore>,
    /// Places for password checks, which each keep a core busy for milliseconds.
    pub(crate) checks: Semaphore,
}

/// Password checks at a time.
const CHECKS_MAX: usize = 2;

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
        let cluster_id = Incarnation::from_bytes(catalog.server_id().into_bytes()).to_string();
        let shared = Arc::new(Shared {
            groups: Arc::new(Groups::new(settings.groups.clone())),
            places: Arc::new(Semaphore::new(settings.connections_max.min(Semaphore::MAX_PERMITS))),
            checks: Semaphore::new(CHECKS_MAX),
            metrics: Metrics::register(registry),
            deleted: RwLock::default(),
            settings,
            topics,
            catalog,
            clock,
            cluster_id,
        });
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let timer = Arc::clone(&shared);
        tasks.spawn(async move { timer.groups.keep_time(Stop::new(stopped)).await });
        Self { shared, stop, shut: Vec::new(), tasks }
    }

    /// Takes an address, and answers it with the port that was found. Clients may connect from now on,
    /// and wait there until [`Broker::open`].
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub async fn listen(&mut self, settings: ListenerSettings) -> Result<SocketAddr, Error> {
        let bind = |source| Error::Bind { address: settings.address, source };
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
    pub fn open(&mut self) {
        for listener in self.shut.drain(..) {
            self.tasks.spawn(listener.run());
        }
    }

    /// The broker's groups, for those who show or delete them.
    #[must_use]
    pub fn groups(&self) -> GroupsView {
        GroupsView { shared: Arc::clone(&self.shared) }
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

impl Shared {
    /// Whether a principal may go on; an account whose group was deleted may not.
    pub(crate) fn still_admits(&self, principal: &Principal) -> bool {
        match principal {
            Principal::Anyone => true,
            Principal::Account { group, .. } => {
                !self.deleted.read().unwrap_or_else(PoisonError::into_inner).contains(group)
            }
        }
    }
}

impl GroupsView {
    /// Live members and state of a group; `None` if nobody has joined since the broker started.
    #[must_use]
    pub fn describe(&self, group: &GroupId) -> Option<GroupView> {
        self.shared.groups.describe(group)
    }

    /// A group was deleted: its members are sent away, and its connections closed at their next
    /// request.
    pub fn remove(&self, group: &GroupId) {
        let mut deleted = self.shared.deleted.write().unwrap_or_else(PoisonError::into_inner);
        deleted.insert(group.clone());
        drop(deleted);
        self.shared.groups.remove(group);
    }
}
