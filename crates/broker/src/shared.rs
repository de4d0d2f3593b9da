//! What all connections of a broker share: settings, topics, groups, counters, and the places that bound
//! how much goes on at a time. It serves nobody by itself.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use catalog::{Catalog, Group};
use change::{Clock, GroupId};
use log::Incarnation;
use tokio::sync::Semaphore;

use crate::api::fetch::{Conversions, FetchSessions};
use crate::disk::Disk;
use crate::groups::Groups;
use crate::guesses::Guesses;
use crate::metrics::Metrics;
use crate::places::{ConnectionLimits, Places};
use crate::principal::Principal;
use crate::quotas::Quotas;
use crate::settings::Settings;
use crate::strays::Strays;
use crate::topics::TopicDirectory;

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
    pub(crate) places: Arc<Places>,
    /// What wrong passwords have cost.
    pub(crate) guesses: Mutex<Guesses>,
    /// Who comes to where they are told, and who does not.
    strays: Mutex<Strays>,
    /// Where cold records are waited for.
    pub(crate) disk: Disk,
    /// How fast groups may fetch.
    quotas: Mutex<Quotas>,
    /// What clients fetch step by step.
    pub(crate) fetch_sessions: Mutex<FetchSessions>,
    /// Where records are made readable for clients of Kafka 0.10.
    pub(crate) conversions: Conversions,
    /// Places for password checks, which each keep a core busy for milliseconds.
    pub(crate) checks: Semaphore,
}

/// Password checks at a time.
const CHECKS_MAX: usize = 2;

impl Shared {
    /// Of a broker that begins.
    pub(crate) fn new(
        settings: Settings,
        topics: Arc<TopicDirectory>,
        catalog: Catalog,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        Self {
            groups: Arc::new(Groups::new(
                settings.groups.clone(),
                catalog.clone(),
                Arc::clone(&clock),
            )),
            places: Places::new(ConnectionLimits {
                all: settings.connections_max,
                per_address: settings.connections_per_address_max,
                per_group: settings.connections_per_group_max,
            }),
            guesses: Mutex::new(Guesses::new(settings.guesses)),
            strays: Mutex::default(),
            disk: Disk::default(),
            quotas: Mutex::new(Quotas::new(settings.fetch_rate)),
            fetch_sessions: Mutex::default(),
            conversions: Conversions::new(&settings.budget),
            checks: Semaphore::new(CHECKS_MAX),
            metrics,
            deleted: RwLock::default(),
            cluster_id: Incarnation::from_bytes(catalog.server_id().into_bytes()).to_string(),
            settings,
            topics,
            catalog,
            clock,
        }
    }

    /// The rates and debts of groups.
    pub(crate) fn quotas(&self) -> MutexGuard<'_, Quotas> {
        self.quotas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom a connection acts for that has logged in as this group.
    pub(crate) fn admitted(&self, group: Group) -> Principal {
        self.quotas().set(&group.id, group.fetch_rate);
        group.into()
    }

    /// Who comes to where they are told, and who does not.
    pub(crate) fn strays(&self) -> MutexGuard<'_, Strays> {
        self.strays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group was deleted: its account is admitted no more.
    pub(crate) fn forget_group(&self, group: &GroupId) {
        self.quotas().forget(group);
        let mut deleted = self.deleted.write().unwrap_or_else(PoisonError::into_inner);
        deleted.insert(group.clone());
    }

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
