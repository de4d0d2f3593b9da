//! Reading the configuration again while the server runs: asked for by the API, by the command line through
//! it, and by a signal.
//!
//! What is read is the binary's business ([`Reload`]). Here stands what all ways share: one at a time, one
//! line in the log, and the metrics by which an operator sees that the running configuration is not the
//! one of the file. A configuration that cannot be used changes nothing.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use change::UnixTime;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::{App, blocking};
use crate::model::rfc3339;
use crate::problem::{Code, Problem};

/// What reads the configuration again.
pub trait Reload: std::fmt::Debug + Send + Sync {
    /// Reads everything, and then uses all that can be used without a restart. Answers the keys that
    /// changed and cannot.
    ///
    /// # Errors
    /// What is wrong with it. Nothing has changed then.
    fn reload(&self) -> Result<Vec<String>, Problem>;
}

/// 1 if the configuration was usable when it was read last.
const SUCCESS: &str = "wellhead_config_last_reload_success";
/// When a usable one was read last.
const TIMESTAMP: &str = "wellhead_config_reload_timestamp_seconds";

/// What came of reading the configuration, at the start and since.
#[derive(Debug)]
pub(crate) struct Reloads {
    /// Who reads; `None` where there is nothing to read.
    reader: Option<Arc<dyn Reload>>,
    /// Held while it is read, so that it is read by one at a time.
    last: Mutex<Option<LastReload>>,
    success: Gauge<f64, AtomicU64>,
    timestamp: Gauge,
}

/// `POST /server/config/reload`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// Keys that changed since the start and are used only after a restart.
    pub restart_for: Vec<String>,
}

/// How the configuration was read last.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LastReload {
    /// When.
    pub at: String,
    /// Whether it was usable; if not, the one before is still used.
    pub success: bool,
    /// What was wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Keys that changed since the start and are used only after a restart.
    pub restart_for: Vec<String>,
}

impl Reloads {
    /// Of a server that has just read its configuration.
    pub(crate) fn register(
        reader: Option<Arc<dyn Reload>>,
        started: UnixTime,
        registry: &mut Registry,
    ) -> Self {
        let (success, timestamp) = (Gauge::<f64, AtomicU64>::default(), Gauge::default());
        success.set(1.0);
        timestamp.set(started.seconds());
        let help = "1 if the configuration was usable when it was read last";
        registry.register(SUCCESS, help, success.clone());
        let help = "When a usable configuration was read last, in seconds since the epoch";
        registry.register(TIMESTAMP, help, timestamp.clone());
        Self { reader, last: Mutex::default(), success, timestamp }
    }

    /// Reads it again.
    pub(crate) fn run(&self, now: UnixTime) -> Result<Reloaded, Problem> {
        let Some(reader) = &self.reader else {
            let detail = "this server has no configuration to read again; wellhead serve has one";
            return Err(Problem::new(Code::WrongState, detail));
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let read = reader.reload();
        let (success, error, restart_for) = match &read {
            Ok(restart_for) => (true, None, restart_for.clone()),
            Err(problem) => (false, Some(problem.detail.clone()), Vec::new()),
        };
        self.success.set(if success { 1.0 } else { 0.0 });
        match &error {
            None => {
                self.timestamp.set(now.seconds());
                let restart_for = restart_for.join(", ");
                tracing::info!(restart_for, "configuration read again");
            }
            Some(error) => {
                tracing::warn!(error, "configuration not usable, the one before stays in use");
            }
        }
        *last = Some(LastReload { at: rfc3339(now.seconds()), success, error, restart_for });
        read.map(|restart_for| Reloaded { restart_for })
    }

    /// How it was read last, if it was since the start.
    pub(crate) fn last(&self) -> Option<LastReload> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads the configuration again, and uses what can be used without a restart.
#[utoipa::path(post, path = "/api/v1/server/config/reload", tag = "server",
    responses((status = 200, body = Reloaded), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn reload(State(app): State<App>) -> Result<Json<Reloaded>, Problem> {
    blocking(move || app.reload()).await.map(Json)
}
