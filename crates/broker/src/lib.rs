//! The Kafka-protocol server: logs go out to any Kafka client, groups are coordinated, nothing comes in.
//!
//! The way of a request: `listener` accepts, `connection` reads a frame, `session` (sans-IO) says
//! whether it may be served, `api` has one file per Kafka API that answers it, `connection` sends the
//! answer, record batches straight from the log's files. Beside that way: `coordinator` is the pure
//! state machine of consumer groups and `groups` its shell, `sasl` is what a login says and `login` what it
//! is held against, `guesses` and `places` bound what a stranger can take, `principal` decides who sees what.
//!
//! Deliberately not here: writing to logs, the meaning of records (no value is ever read), where offsets
//! and passwords are kept (the catalog), and TLS itself (`tls`).

mod api;
mod broker;
mod connection;
mod coordinator;
mod cursors;
mod disk;
mod error;
mod fuzz;
mod groups;
mod groups_view;
mod guesses;
mod incoming;
mod keeping;
mod listener;
mod login;
pub mod metrics;
mod outgoing;
mod places;
mod planning;
mod principal;
mod quotas;
mod sasl;
mod session;
mod settings;
mod shared;
mod stop;
mod strays;
mod stream;
mod topics;

#[cfg(test)]
mod tests;

pub use broker::Broker;
pub use coordinator::{GroupLimits, GroupState, GroupView, MemberId, MemberView};
pub use error::Error;
pub use fuzz::fuzz_session;
pub use groups_view::GroupsView;
pub use guesses::GuessLimits;
pub use planning::{FetchPlanner, Planned};
pub use sasl::Mechanism;
pub use settings::{Access, Advertised, ListenerSettings, Settings};
pub use topics::{Topic, TopicDirectory};
