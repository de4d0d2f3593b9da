//! One member of a group.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Join, Protocol, Ticket};

/// The id under which a coordinator knows a member: client id, dash, UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(Arc<str>);

/// What the coordinator knows about a member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) protocols: Vec<Protocol>,
    /// The JoinGroup that waits for the rebalance to end.
    pub(super) joining: Option<Ticket>,
    /// The SyncGroup that waits for the leader's assignment. Never set together with `joining`.
    pub(super) syncing: Option<Ticket>,
    /// Whether it asked for its assignment in this generation.
    pub(super) synced: bool,
    /// Empty until the leader brought it.
    pub(super) assignment: Bytes,
    /// When its session ends, unless one of its requests waits with us.
    pub(super) expires: Instant,
}

impl MemberId {
    /// Takes an id as it is.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for MemberId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for MemberId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Member {
    pub(super) fn new(now: Instant, ticket: Ticket, join: Join) -> Self {
        Self {
            expires: now + join.session_timeout,
            instance_id: join.instance_id,
            client_id: join.client_id,
            client_host: join.client_host,
            session_timeout: join.session_timeout,
            rebalance_timeout: join.rebalance_timeout,
            protocols: join.protocols,
            joining: Some(ticket),
            syncing: None,
            synced: false,
            assignment: Bytes::new(),
        }
    }

    /// Takes over what a repeated JoinGroup says.
    pub(super) fn update(&mut self, now: Instant, join: Join) {
        self.client_id = join.client_id;
        self.client_host = join.client_host;
        self.session_timeout = join.session_timeout;
        self.rebalance_timeout = join.rebalance_timeout;
        self.protocols = join.protocols;
        self.touch(now);
    }

    /// The member was heard.
    pub(super) fn touch(&mut self, now: Instant) {
        self.expires = now + self.session_timeout;
    }

    /// Whether one of its requests waits with us; such a member cannot be silent.
    pub(super) fn is_waiting(&self) -> bool {
        self.joining.is_some() || self.syncing.is_some()
    }

    pub(super) fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    pub(super) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|p| p.name == protocol)
    }

    pub(super) fn metadata(&self, protocol: &str) -> Bytes {
        let found = self.protocols.iter().find(|p| p.name == protocol);
        found.map(|p| p.metadata.clone()).unwrap_or_default()
    }

    /// Bytes it holds in memory beyond its own size.
    pub(super) fn weight(&self) -> usize {
        weight_of(&self.protocols)
    }
}

/// Bytes of protocols that a JoinGroup brings.
pub(super) fn weight(join: &Join) -> usize {
    weight_of(&join.protocols)
}

fn weight_of(protocols: &[Protocol]) -> usize {
    protocols.iter().map(|p| p.name.len() + p.metadata.len()).sum()
}
