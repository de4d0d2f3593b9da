//! Metrics of the server itself and of consumer groups, brought up to date when somebody looks. Tasks
//! and the broker have their own.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use catalog::Catalog;
use change::{TaskName, UnixTime};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use task::Tasks;

use crate::app::ServerFacts;
use crate::model::seconds_between;

/// 1, with the version as label.
const BUILD_INFO: &str = "wellhead_build_info";
/// Seconds since the server started.
const UPTIME: &str = "wellhead_uptime_seconds";
/// Bytes free on the disk of the data folder.
const DISK_FREE: &str = "wellhead_log_disk_free_bytes";
/// Part of `memory.budget` that is held.
const BUDGET_USED: &str = "wellhead_memory_budget_used_ratio";
/// Records that a group has not read; absent before its first commit.
const GROUP_LAG: &str = "wellhead_group_lag_records";
/// When a group committed last; absent before its first commit.
const GROUP_CHECKPOINT: &str = "wellhead_group_checkpoint_timestamp_seconds";

type Labels = Vec<(&'static str, String)>;
type FloatGauge = Gauge<f64, AtomicU64>;

/// Cheap to clone; all clones show the same.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    uptime: Gauge,
    disk_free: Family<Labels, FloatGauge>,
    budget_used: FloatGauge,
    group_lag: Family<Labels, Gauge>,
    group_checkpoint: Family<Labels, Gauge>,
}

impl Metrics {
    /// Registers everything.
    pub(crate) fn register(registry: &mut Registry, version: &str) -> Self {
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", version.to_owned())]).set(1);
        let metrics = Self {
            uptime: Gauge::default(),
            disk_free: Family::default(),
            budget_used: FloatGauge::default(),
            group_lag: Family::default(),
            group_checkpoint: Family::default(),
        };
        registry.register(BUILD_INFO, "1, with the version as label", build);
        registry.register(UPTIME, "Seconds since the server started", metrics.uptime.clone());
        registry.register(
            DISK_FREE,
            "Bytes free on the disk of the data folder",
            metrics.disk_free.clone(),
        );
        registry.register(
            BUDGET_USED,
            "Part of memory.budget that tasks and connections hold; near 1 some wait for it",
            metrics.budget_used.clone(),
        );
        registry.register(
            GROUP_LAG,
            "Records that a consumer group has not read",
            metrics.group_lag.clone(),
        );
        registry.register(
            GROUP_CHECKPOINT,
            "When a consumer group committed last, in seconds since the epoch",
            metrics.group_checkpoint.clone(),
        );
        metrics
    }

    /// Brings everything up to date.
    pub(crate) fn refresh(
        &self,
        facts: &ServerFacts,
        now: UnixTime,
        tasks: &Tasks,
        catalog: &Catalog,
    ) -> catalog::Result<()> {
        self.uptime.set(seconds_between(facts.started, now));
        self.show_disk(&facts.data_dir);
        let budget = &facts.budget;
        self.budget_used.set(budget.used() as f64 / budget.bytes() as f64);
        // A group that was deleted must not be shown for ever.
        self.group_lag.clear();
        self.group_checkpoint.clear();
        for view in tasks.views() {
            let Ok(task) = TaskName::new(view.name) else { continue };
            let end = view.data_range.map(|range| range.end_offset);
            self.show_groups(catalog, &task, end)?;
        }
        Ok(())
    }

    /// Unknown is absent, never 0.
    fn show_disk(&self, data_dir: &Path) {
        self.disk_free.clear();
        if let Ok(free) = log::durable::free_bytes(data_dir) {
            self.disk_free.get_or_create(&Vec::new()).set(free as f64);
        }
    }

    fn show_groups(
        &self,
        catalog: &Catalog,
        task: &TaskName,
        end: Option<i64>,
    ) -> catalog::Result<()> {
        for group in catalog.groups(task)? {
            let committed = catalog.committed_offsets(&group.id)?;
            let Some(at) = committed.into_iter().find(|at| at.topic == group.topic) else {
                continue;
            };
            let labels = vec![("task", task.to_string()), ("group", group.name)];
            self.group_checkpoint.get_or_create(&labels).set(at.committed_at.seconds());
            if let Some(end) = end {
                let lag = end.saturating_sub(at.offset).max(0);
                self.group_lag.get_or_create(&labels).set(lag);
            }
        }
        Ok(())
    }
}
